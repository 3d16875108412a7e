"""Errors as problems (RFC 9457): the status of each category, and the body that callers get."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from partner_access import page_urls
from partner_access.api import errors as request_errors
from partner_access.api.response_body import ApiResponse, response
from partner_access.domain import errors
from partner_access.domain.errors import DomainError
from partner_access.lambda_context import Event

RETRY_AFTER: Final = {HTTPStatus.SERVICE_UNAVAILABLE: "2", HTTPStatus.TOO_MANY_REQUESTS: "60"}
"""Values of the Retry-After header, in seconds."""


STATUS_BY_CATEGORY: Final[Mapping[type[DomainError], HTTPStatus]] = {
    errors.Malformed: HTTPStatus.BAD_REQUEST,
    request_errors.InvalidToken: HTTPStatus.UNAUTHORIZED,
    errors.NotPermitted: HTTPStatus.FORBIDDEN,
    errors.NotVisible: HTTPStatus.NOT_FOUND,
    request_errors.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Gone: HTTPStatus.GONE,
    errors.VersionMismatch: HTTPStatus.PRECONDITION_FAILED,
    request_errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    request_errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    request_errors.PreconditionRequired: HTTPStatus.PRECONDITION_REQUIRED,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(error: DomainError) -> HTTPStatus:
    return next(code for kind, code in STATUS_BY_CATEGORY.items() if isinstance(error, kind))


def field_errors(error: DomainError) -> list[dict[str, str]]:
    """Return the pointer (RFC 6901) and the code of each field at fault."""
    return [{"pointer": "".join(map(_step, each.path)), "code": each.code} for each in error.fields]


def _step(part: str | int) -> str:
    return "/" + str(part).replace("~", "~0").replace("/", "~1")


def retry_after(status: HTTPStatus) -> dict[str, str]:
    """Return the Retry-After header if a retry can help."""
    return {"retry-after": RETRY_AFTER[status]} if status in RETRY_AFTER else {}


def problem(error: DomainError, event: Event) -> ApiResponse:
    status = status_of(error)
    problem = {
        "type": page_urls.of_problem(error.code),
        "title": error.code.replace("_", " ").capitalize(),
        "status": status,
        "detail": error.detail,
        "instance": event["requestContext"]["requestId"],
        "code": error.code,
        **({"errors": field_errors(error)} if error.fields else {}),
        **error.details,
    }
    headers = {"content-type": "application/problem+json", **retry_after(status)}
    if isinstance(error, request_errors.InvalidToken):
        headers["www-authenticate"] = f'Bearer error="{error.code}"'
    if isinstance(error, request_errors.MethodNotAllowed):
        headers["allow"] = str(error.details["allow"])
    return response(status, json.dumps(problem, ensure_ascii=False), headers)
