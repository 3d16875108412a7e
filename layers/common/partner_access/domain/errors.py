"""All errors of the product. Each is a class of its own, and its `code` is the name of the class, which never changes.

DomainError
├── Malformed        unreadable request              ├── Conflict         conflict with the current state
├── NotVisible       missing, or hidden from caller  ├── Gone             existed, but has ended
├── NotPermitted     visible, but no right to it     ├── InvalidInput     readable, but invalid
├── VersionRequired  edit without expected version   ├── VersionMismatch  outdated expected version
├── TooManyRequests  retry later                     └── Unavailable      denied, because no safe decision is possible
└── raised by the API layer only: MethodNotAllowed, BodyTooLarge, UnsupportedMediaType
"""

from collections.abc import Mapping
from typing import ClassVar, Self


class DomainError(Exception):
    """An error with a code. Its detail says what happened and what the caller can do next."""

    code: ClassVar[str]
    detail: str

    def __init__(self, *pointers: str, **details: object) -> None:
        """Set the JSON pointers of the invalid fields, and further details for the caller."""
        super().__init__(self.code)
        self.errors: list[dict[str, str]] = [{"pointer": pointer, "code": self.code} for pointer in pointers]
        self.details: Mapping[str, object] = details

    def with_detail(self, detail: str) -> Self:
        """Return this error with a detail for this case."""
        self.detail = detail
        return self


class Malformed(DomainError): ...


class NotVisible(DomainError): ...


class NotPermitted(DomainError): ...


class Conflict(DomainError): ...


class Gone(DomainError): ...


class InvalidInput(DomainError): ...


class VersionRequired(DomainError): ...


class VersionMismatch(DomainError): ...


class TooManyRequests(DomainError): ...


class Unavailable(DomainError): ...


# Malformed
class MalformedBody(Malformed):
    code = "malformed_body"
    detail = "Send one JSON object in UTF-8, without duplicate keys and at most 16 levels deep."


class InvalidQuery(Malformed):
    code = "invalid_query"
    detail = "Check the query: each parameter is known, given once, and within its limits."


class InvalidCursor(Malformed):
    code = "invalid_cursor"
    detail = "Start the list again without a cursor; a cursor holds for one caller, one list and one filter."


class IdempotencyKeyRequired(Malformed):
    code = "idempotency_key_required"
    detail = "Name this attempt in an Idempotency-Key header, and send the same one when you try again."


class InvalidIdempotencyKey(Malformed):
    code = "invalid_idempotency_key"
    detail = "Send one Idempotency-Key of 1 to 255 printable ASCII characters, bare or in double quotes."


class InvalidEtag(Malformed):
    code = "invalid_etag"
    detail = "Send the ETag just as it was given, in double quotes; `*` and weak tags are not taken."


class SecretInUrl(Malformed):
    code = "secret_in_url"
    detail = "Send a link's secret in the body only; ask its sender for a new link, since addresses get logged."


# NotVisible
class NotFound(NotVisible):
    code = "not_found"
    detail = "There is nothing here, or nothing that you may see."


class LinkNotFound(NotVisible):
    code = "link_not_found"
    detail = "This is not a link that we know. Copy the whole address from the newest letter, or ask for a new link."


# NotPermitted
class Forbidden(NotPermitted):
    code = "forbidden"
    detail = "You may not do this here. Ask an admin of the account for the right to."


class NotAnApprover(NotPermitted):
    code = "not_an_approver"
    detail = "Ask one of your admins: only a super admin or somebody who manages users can answer for this account."


class OwnPartnerMayNotApprove(NotPermitted):
    code = "own_partner_may_not_approve"
    detail = "You work for the partner who asks. Let an admin of the client, who does not, decide."


class NoIndependentApprover(NotPermitted):
    code = "no_independent_approver"
    detail = (
        "Every super admin of this account works for a partner. Let the client name a super admin of its own first."
    )


class PermissionNotHeld(NotPermitted):
    code = "permission_not_held"
    detail = "Nobody can give a permission that he does not hold himself, or more widely than he holds it."


# Conflict
class LinkAlreadyUsed(Conflict):
    code = "link_already_used"
    detail = "This link has been approved already. To end the access, remove the user; to ask again, make a new link."


class LinkStillOpen(Conflict):
    code = "link_still_open"
    detail = "This link still works: approve or decline it, there is no need for a new one."


class AlreadyPartnerAdmin(Conflict):
    code = "already_partner_admin"
    detail = "The person is a partner admin of this account already; edit his permissions instead."


class AlreadyMember(Conflict):
    code = "already_member"
    detail = "The person is in this account already; edit his permissions instead."


class IsSuperAdmin(Conflict):
    code = "is_super_admin"
    detail = "The person is a super admin of this account; migrate him, which shows first what he would lose."


class GrantSuspended(Conflict):
    code = "grant_suspended"
    detail = "The person's access is suspended; resume it instead of granting it again."


class NoSeatLeft(Conflict):
    code = "no_seat_left"
    detail = "Every partner seat of this account is taken. End another partner admin's access, or ask for more seats."


class NotEligible(Conflict):
    code = "not_eligible"
    detail = (
        "This person cannot be a partner admin: only staff of an active partner can, with an address in its domains."
    )


class LastSuperAdmin(Conflict):
    code = "last_super_admin"
    detail = "An account keeps at least one active super admin. Name another one first."


class NotSuperAdmin(Conflict):
    code = "not_super_admin"
    detail = "Only a super admin can be migrated. To make somebody else a partner admin, use a link or create him."


class RightsChanged(Conflict):
    code = "rights_changed"
    detail = "Something changed while this was decided, several times over. Look again and retry."


class AccountClosed(Conflict):
    code = "account_closed"
    detail = "This account is closed; nothing can be changed in it."


class RecipientSuppressed(Conflict):
    code = "recipient_suppressed"
    detail = "No more mail goes to this address, since it bounced or complained. Copy the link and send it yourself."


class TooManyLinks(Conflict):
    code = "too_many_links"
    detail = "The employee has 50 open links. Revoke some, or wait until they expire."


class SelfApproval(Conflict):
    code = "self_approval"
    detail = "A link to approve cannot be sent to the very person who asks for access."


class EmailInUse(Conflict):
    code = "email_in_use"
    detail = "Another user has this e-mail address; an address belongs to one user."


class LimitBelowUse(Conflict):
    code = "limit_below_use"
    detail = "More partner seats are taken than this limit allows. End some partner admins' access first."


class TooManySets(Conflict):
    code = "too_many_sets"
    detail = "This account has 100 permission sets of its own. Remove one that nobody holds."


class SetInUse(Conflict):
    code = "set_in_use"
    detail = "Somebody holds this permission set. Give everybody another one first."


class NothingToAccept(Conflict):
    code = "nothing_to_accept"
    detail = "This person holds all that the latest version of his permission set would bring him."


class KindIsFixed(Conflict):
    code = "kind_is_fixed"
    detail = "An account stays a client or a partner for good. Use another account id."


# Gone
class LinkExpired(Gone):
    code = "link_expired"
    detail = "This link has expired. Ask for a new one."


class LinkRevoked(Gone):
    code = "link_revoked"
    detail = "This link was withdrawn. Ask for a new one if you still expect it."


class LinkDeclined(Gone):
    code = "link_declined"
    detail = "This link was declined. Ask for a new one if that was not meant."


# InvalidInput
class InvalidField(InvalidInput):
    code = "invalid_field"
    detail = "Correct the fields that are pointed at."


class UnknownField(InvalidInput):
    code = "unknown_field"
    detail = "Leave out the fields that are pointed at; they are not known here."


class MissingField(InvalidInput):
    code = "missing_field"
    detail = "Add the fields that are pointed at."


class InvalidEmail(InvalidInput):
    code = "invalid_email"
    detail = "Give one plain e-mail address, such as person@example.com."


class AccountMismatch(InvalidInput):
    code = "account_mismatch"
    detail = "This link was made for another account. Choose that one, or ask for a new link."


class NotAClientAccount(InvalidInput):
    code = "not_a_client_account"
    detail = "Partner admins exist in client accounts only. Choose a client account."


class RestrictedPermission(InvalidInput):
    code = "restricted_permission"
    detail = "A partner admin can never hold this permission. Leave it out."


class UnknownPermission(InvalidInput):
    code = "unknown_permission"
    detail = "There is no such permission, or not in this scope. Compare the list of permissions."


class UnknownPermissionSet(InvalidInput):
    code = "unknown_permission_set"
    detail = "There is no such permission set to choose here. List the sets that you may assign."


class IdempotencyKeyReused(InvalidInput):
    code = "idempotency_key_reused"
    detail = "This Idempotency-Key was used for another request. Take a new key for a new request."


# Others
class PreconditionRequired(VersionRequired):
    code = "precondition_required"
    detail = "Name the version that you saw in If-Match."


class PreconditionFailed(VersionMismatch):
    code = "precondition_failed"
    detail = "Somebody changed it since you read it. Read it again and decide anew."


class RateLimited(TooManyRequests):
    code = "rate_limited"
    detail = "Too many attempts. Wait a little and try again."


class TemporarilyUnavailable(Unavailable):
    code = "temporarily_unavailable"
    detail = "This could not be done just now, and nothing was changed. Try again with the same Idempotency-Key."


class MethodNotAllowed(DomainError):
    code = "method_not_allowed"
    detail = "Use one of the methods that the Allow header names."


class BodyTooLarge(DomainError):
    code = "body_too_large"
    detail = "Send at most 64 KiB."


class UnsupportedMediaType(DomainError):
    code = "unsupported_media_type"
    detail = "Send application/json in UTF-8."


class StaleFacts(Exception):
    """A condition of the transaction failed, so the facts are stale. The operation decides again from fresh facts."""

    def __init__(self, error: type[DomainError]) -> None:
        """Set the error to raise if deciding again does not help."""
        super().__init__(error.code)
        self.error = error
