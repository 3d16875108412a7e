"""The errors of the rules and the store. Each is a class of its own with a `code` that never changes.

DomainError
├── Malformed        unreadable request              ├── Conflict         conflict with the current state
├── NotVisible       missing, or hidden from caller  ├── Gone             existed, but has ended
├── NotPermitted     visible, but no right to it     ├── InvalidInput     readable, but invalid
├── VersionMismatch  outdated expected version       ├── TooManyRequests  retry later
└── Unavailable      denied, because no safe decision is possible

They know no HTTP. `api.problems` gives each category its status. The errors that only HTTP has are in `api.errors`.
"""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple, Self


class FieldError(NamedTuple):
    """A field of the request at fault: its path from the top of the request, and the code of what is wrong with it."""

    path: tuple[str | int, ...]
    code: str


class DomainError(Exception):
    """An error with a code. Its detail says what happened and what the caller can do next."""

    code: ClassVar[str]
    detail: str

    def __init__(self, *fields: str | tuple[str, ...], **details: object) -> None:
        """Set the names or paths of the invalid fields, and further details for the caller."""
        super().__init__(self.code)
        paths = ((each,) if isinstance(each, str) else each for each in fields)
        self.fields: tuple[FieldError, ...] = tuple(FieldError(path, self.code) for path in paths)
        self.details: Mapping[str, object] = details

    def with_detail(self, detail: str) -> Self:
        """Return this error with a detail for this case."""
        self.detail = detail
        return self

    def at_field(self, name: str, *, instead_of: str) -> None:
        """Name another field of the request, where two fields can say the same."""
        self.fields = tuple(
            FieldError((name, *path[1:]) if path[:1] == (instead_of,) else path, code) for path, code in self.fields
        )


class Malformed(DomainError): ...


class NotVisible(DomainError): ...


class NotPermitted(DomainError): ...


class Conflict(DomainError): ...


class Gone(DomainError): ...


class InvalidInput(DomainError): ...


class VersionMismatch(DomainError): ...


class TooManyRequests(DomainError): ...


class Unavailable(DomainError): ...


# Malformed
class InvalidQuery(Malformed):
    code = "invalid_query"
    detail = "The query isn't valid. Use only known parameters, each once and within its limits."


# NotVisible
class NotFound(NotVisible):
    code = "not_found"
    detail = "We can't find this, or you don't have access to it. Check the id and the account."


class LinkNotFound(NotVisible):
    code = "link_not_found"
    detail = "We don't know this link. Copy the whole address from the newest email, or ask for a new link."


# NotPermitted
class Forbidden(NotPermitted):
    code = "forbidden"
    detail = "You don't have permission to do this. Ask an admin of the account to give it to you."


class NotAnApprover(NotPermitted):
    code = "not_an_approver"
    detail = "Only a super admin or a person who manages users can answer for this account. Ask one of them."


class OwnPartnerMayNotApprove(NotPermitted):
    code = "own_partner_may_not_approve"
    detail = "You can't approve or widen access for a partner that you work for. Ask another admin of the client."


class NoIndependentApprover(NotPermitted):
    code = "no_independent_approver"
    detail = (
        "Every super admin of this account works for a partner. Let the client name a super admin of its own first."
    )


class PermissionNotHeld(NotPermitted):
    code = "permission_not_held"
    detail = (
        "You can only grant permissions that you hold, in the same scope or a narrower one. Choose other permissions."
    )


# Conflict
class LinkAlreadyUsed(Conflict):
    code = "link_already_used"
    detail = "This link is already approved. To end the access, remove the user. To ask again, create a new link."


class LinkStillOpen(Conflict):
    code = "link_still_open"
    detail = "This link still works, so you don't need a new one. Approve or decline it."


class AlreadyPartnerAdmin(Conflict):
    code = "already_partner_admin"
    detail = "This person is already a partner admin of this account. Edit their permissions instead."


class AlreadyMember(Conflict):
    code = "already_member"
    detail = "This person is already in this account. Edit their permissions instead."


class FormerPartnerMember(Conflict):
    code = "former_partner_member"
    detail = (
        "This person was in the account on behalf of a partner. "
        "To add them again, the client approves an access link or creates the user."
    )


class RemovedByClient(Conflict):
    code = "removed_by_client"
    detail = (
        "The client ended this person's access. Only the client can give it again: it approves an access link or "
        "creates the user."
    )


class RemovedByPartner(Conflict):
    code = "removed_by_partner"
    detail = (
        "A client access manager of the partner suspended or ended this person's access. Only a client access manager "
        "or the client can give it again."
    )


class IsSuperAdmin(Conflict):
    code = "is_super_admin"
    detail = "This person is a super admin of this account. Preview what they would lose, then migrate them."


class GrantSuspended(Conflict):
    code = "grant_suspended"
    detail = "This person's access is suspended. Resume it instead of granting it again."


class NoSeatLeft(Conflict):
    code = "no_seat_left"
    detail = "All partner seats of this account are in use. End another partner admin's access, or ask for more seats."


class NotEligible(Conflict):
    code = "not_eligible"
    detail = "This person cannot be a partner admin. Only an employee of an active partner can, with an address in its domains."


class LastSuperAdmin(Conflict):
    code = "last_super_admin"
    detail = "An account needs at least one active super admin. Name another one first."


class NotSuperAdmin(Conflict):
    code = "not_super_admin"
    detail = (
        "You can only migrate a super admin. To make this person a partner admin, use an access link or create them."
    )


class RightsChanged(Conflict):
    code = "rights_changed"
    detail = "The data kept changing while we worked on your request. Check the current state and try again."


class AccountClosed(Conflict):
    code = "account_closed"
    detail = "This account is closed, so you can't change anything in it. Ask the vendor to reopen it."


class RecipientSuppressed(Conflict):
    code = "recipient_suppressed"
    detail = (
        "Emails to this address bounced or were marked as spam, so we send no more. Copy the link and send it yourself."
    )


class TooManyLinks(Conflict):
    code = "too_many_links"
    detail = "This employee has 50 open links. Revoke some of them, or wait until they expire."


class SelfApproval(Conflict):
    code = "self_approval"
    detail = "You can't send this link to the person who would get the access. Send it to someone at the client."


class EmailInUse(Conflict):
    code = "email_in_use"
    detail = "Another user has this email address, and each address belongs to one user. Use a different address."


class ReservedSubject(Conflict):
    code = "reserved_subject"
    detail = "This id stands for one of our own jobs in the audit log. Give the user a different id."


class LimitBelowUse(Conflict):
    code = "limit_below_use"
    detail = "This limit is lower than the number of partner seats in use. End some partner admins' access first."


class TooManySets(Conflict):
    code = "too_many_sets"
    detail = "This account has 100 custom permission sets. Remove one that nobody holds."


class SetInUse(Conflict):
    code = "set_in_use"
    detail = "This permission set is in use. Give everyone who holds it another set first."


class NothingToAccept(Conflict):
    code = "nothing_to_accept"
    detail = (
        "This person already has everything in the latest version of their permission set. You don't need to accept it."
    )


class KindIsFixed(Conflict):
    code = "kind_is_fixed"
    detail = "You can't change a client to a partner, or a partner to a client. Use another account id."


# Gone
class LinkExpired(Gone):
    code = "link_expired"
    detail = "This link has expired. Ask for a new one."


class LinkRevoked(Gone):
    code = "link_revoked"
    detail = "This link was revoked. Ask for a new one if you still need it."


class LinkDeclined(Gone):
    code = "link_declined"
    detail = "This link was declined. Ask for a new one if that was a mistake."


# InvalidInput
class InvalidField(InvalidInput):
    code = "invalid_field"
    detail = "Some fields aren't valid. Correct the fields listed in `errors`."


class MissingField(InvalidInput):
    code = "missing_field"
    detail = "Some required fields are missing. Add the fields listed in `errors`."


class AccountMismatch(InvalidInput):
    code = "account_mismatch"
    detail = "This link is for another account. Choose that account, or ask for a new link."


class NotAClientAccount(InvalidInput):
    code = "not_a_client_account"
    detail = "Partner admins exist only in client accounts. Choose a client account."


class RestrictedPermission(InvalidInput):
    code = "restricted_permission"
    detail = "A partner admin can't have this permission. Remove it from the request."


class UnknownPermission(InvalidInput):
    code = "unknown_permission"
    detail = "This permission or scope doesn't exist. Check the list of permissions."


class UnknownPermissionSet(InvalidInput):
    code = "unknown_permission_set"
    detail = "You can't choose this permission set here. List the sets that you can assign."


class IdempotencyKeyReused(InvalidInput):
    code = "idempotency_key_reused"
    detail = "This Idempotency-Key was used for another request. Use a new key for each new request."


# Others
class PreconditionFailed(VersionMismatch):
    code = "precondition_failed"
    detail = "This was changed after you read it. Read it again before you decide."


class RateLimited(TooManyRequests):
    code = "rate_limited"
    detail = "You made too many attempts. Wait a little and try again."


class TemporarilyUnavailable(Unavailable):
    code = "temporarily_unavailable"
    detail = "We couldn't do this right now, and nothing has changed. Try again with the same Idempotency-Key."


class StaleFacts(Exception):
    """A condition of the transaction failed, so the facts are stale. The operation decides again from fresh facts."""

    def __init__(self, error: type[DomainError], *, narrows: bool = False) -> None:
        """Set the error to raise if deciding again does not help. A decision that narrows is made again more often."""
        super().__init__(error.code)
        self.error = error
        self.narrows = narrows
