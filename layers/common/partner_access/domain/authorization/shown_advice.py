"""The errors whose advice an explanation shows. Each error is listed once, and a test keeps the list complete.

The advice of an error is for the caller of an operation. A reader of an explanation is not the caller. They see it if
someone can follow it, so that the change becomes possible. All other advice is about the request that was tried.
"""

from collections.abc import Mapping
from typing import Final

from partner_access.domain import errors
from partner_access.domain.errors import DomainError

IS_SHOWN: Final[Mapping[type[DomainError], bool]] = {
    errors.AccountClosed: True,
    errors.AccountMismatch: False,
    errors.AlreadyMember: True,
    errors.AlreadyPartnerAdmin: True,
    errors.EmailInUse: False,
    errors.Forbidden: False,
    errors.FormerPartnerMember: True,
    errors.GrantSuspended: True,
    errors.IdempotencyKeyReused: False,
    errors.InvalidField: False,
    errors.InvalidQuery: False,
    errors.IsSuperAdmin: True,
    errors.KindIsFixed: False,
    errors.LastSuperAdmin: True,
    errors.LimitBelowUse: False,
    errors.LinkAlreadyUsed: False,
    errors.LinkDeclined: False,
    errors.LinkExpired: False,
    errors.LinkNotFound: False,
    errors.LinkRevoked: False,
    errors.LinkStillOpen: False,
    errors.MissingField: False,
    errors.NoIndependentApprover: True,
    errors.NoSeatLeft: True,
    errors.NotAClientAccount: False,
    errors.NotAnApprover: False,
    errors.NotEligible: True,
    errors.NotFound: False,
    errors.NotSuperAdmin: False,
    errors.NothingToAccept: False,
    errors.OwnPartnerMayNotApprove: False,
    errors.PermissionNotHeld: False,
    errors.PreconditionFailed: False,
    errors.RateLimited: False,
    errors.RecipientSuppressed: False,
    errors.RemovedByClient: True,
    errors.RemovedByPartner: True,
    errors.ReservedSubject: False,
    errors.RestrictedPermission: False,
    errors.RightsChanged: False,
    errors.SelfApproval: False,
    errors.SetInUse: False,
    errors.TemporarilyUnavailable: False,
    errors.TooManyLinks: False,
    errors.TooManySets: False,
    errors.UnknownPermission: False,
    errors.UnknownPermissionSet: False,
}


def advice_of(error: DomainError | None) -> str | None:
    """Return the advice of the error, or None if it helps no reader of an explanation."""
    return error.detail if error and IS_SHOWN[type(error)] else None
