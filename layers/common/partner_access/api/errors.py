"""The errors that only an HTTP request can cause. The errors of the rules are in `domain.errors`."""

from partner_access.domain import errors
from partner_access.domain.errors import DomainError, InvalidInput, Malformed


class MalformedBody(Malformed):
    code = "malformed_body"
    detail = (
        "The request body isn't valid. Send one JSON object in UTF-8, without duplicate keys, at most 16 levels deep."
    )


class InvalidCursor(Malformed):
    code = "invalid_cursor"
    detail = "This cursor isn't valid for you, this list and this filter. Start the list again without a cursor."


class IdempotencyKeyRequired(Malformed):
    code = "idempotency_key_required"
    detail = "The Idempotency-Key header is missing. Send a new key, and send the same key again when you retry."


class InvalidIdempotencyKey(Malformed):
    code = "invalid_idempotency_key"
    detail = "The Idempotency-Key isn't valid. Send 1 to 255 printable ASCII characters, with or without double quotes."


class InvalidEtag(Malformed):
    code = "invalid_etag"
    detail = "If-Match isn't a valid ETag. Send one as received, in double quotes. `*` isn't supported."


class SecretInUrl(Malformed):
    code = "secret_in_url"
    detail = "A link's secret must be in the body, because URLs are logged. Ask the sender for a new link."


class InvalidToken(DomainError):
    code = "invalid_token"
    detail = "This isn't an access token for this API. Sign in again, or send the access token of your issuer."


class UnknownField(InvalidInput):
    code = "unknown_field"
    detail = "We don't know some of these fields. Remove the fields listed in `errors`."


class InvalidEmail(InvalidInput):
    code = "invalid_email"
    detail = "This isn't a valid email address. Enter one plain address, such as person@example.com."


class PreconditionRequired(DomainError):
    code = "precondition_required"
    detail = "The If-Match header is missing. Send the version that you read."


class MethodNotAllowed(DomainError):
    code = "method_not_allowed"
    detail = "This method isn't allowed here. Use one of the methods in the Allow header."


class BodyTooLarge(DomainError):
    code = "body_too_large"
    detail = "The request body is too large. Send at most 64 KiB."


class UnsupportedMediaType(DomainError):
    code = "unsupported_media_type"
    detail = "We can't read this content type. Send application/json in UTF-8."


def error_classes() -> list[type[DomainError]]:
    """Return all errors with a code, sorted by code: those of the rules, and those of HTTP requests."""
    named = [*vars(errors).values(), *globals().values()]
    classes = {each for each in named if isinstance(each, type) and issubclass(each, DomainError)}
    return sorted((each for each in classes if "code" in vars(each)), key=lambda each: each.code)
