"""The own-partner rule: employees of a partner approve nothing and widen nothing for it (domain.md §4).

The rule also holds for super admins of the client. Who counts as the same partner is decided here alone: the caller and
the subject have any employer in common, or the caller works for the partner that gets the access. For a link, employers
count that they left after its creation. Only this module raises `OwnPartnerMayNotApprove`:

- Answer a link, create a partner admin or accept a set update: `must_not_approve`.
- Widen, extend or resume what a client gave: `must_not_widen`.
- Make a user of the same partner super admin of a client: `must_not_promote`.
- Give a user of the same partner a restricted permission: `must_not_give_restricted`.
- Put a restricted permission into a custom set that such a user holds: `must_not_widen_set`.
"""

from collections.abc import Iterable
from datetime import datetime

from partner_access.domain.errors import NoIndependentApprover, OwnPartnerMayNotApprove
from partner_access.domain.permissions.catalogue import RESTRICTED
from partner_access.domain.permissions.rights import Rights
from partner_access.domain.users import User


def have_same_employer(user: User | None, other: User | None, *, since: datetime | None = None) -> bool:
    """Return whether both users work for the same partner, or are the same employee of a partner.

    With `since`, partners that they left at or after this time count too.
    """
    return user is not None and other is not None and bool(user.employers_since(since) & other.employers_since(since))


def is_own_partner(
    caller: User | None, subject: User | None, partner_id: str | None, *, since: datetime | None = None
) -> bool:
    """Return whether the caller works for this partner or for any other employer of the subject.

    A person is the same person for all their partners, so it does not matter which of them the request names. With
    `since`, partners that they left at or after this time count too.
    """
    is_employee = caller is not None and partner_id in caller.employers_since(since)
    return is_employee or have_same_employer(caller, subject, since=since)


def must_not_approve(
    approver: User | None,
    subject: User | None,
    partner_id: str | None,
    *,
    link_created_at: datetime | None,
    others_can_approve: bool,
) -> None:
    """Raise for an approver who works for the partner that would get the access, or for another one of the subject.

    Employment when the link was created counts too, so that nobody leaves, approves and returns. The error is
    `NoIndependentApprover` if the account has no other super admin to ask.
    """
    if is_own_partner(approver, subject, partner_id, since=link_created_at):
        raise OwnPartnerMayNotApprove if others_can_approve else NoIndependentApprover


def must_not_widen(caller: User | None, subject: User | None, partner_id: str | None, *fields: str) -> None:
    """Raise for a caller of the client who works for the partner that the grant is for, or for another of the subject.

    A member who is in the account for no partner is not concerned. The partner can still take permissions away and
    shorten the access.
    """
    if partner_id and is_own_partner(caller, subject, partner_id):
        raise OwnPartnerMayNotApprove(*fields)


def must_not_promote(caller: User | None, user: User) -> None:
    """Raise if the caller and the future super admin of a client work for the same partner."""
    if have_same_employer(caller, user):
        raise OwnPartnerMayNotApprove


def must_not_give_restricted(caller: User | None, user: User | None, rights: Rights) -> None:
    """Raise if this gives a restricted permission to a user of the same partner in a client.

    No partner admin can hold such a permission. Without this rule, employees of one partner could give it to each
    other.
    """
    if gives_restricted(caller, user, rights):
        raise OwnPartnerMayNotApprove


def gives_restricted(caller: User | None, user: User | None, rights: Rights) -> bool:
    """Return whether these rights have a restricted permission and both users work for the same partner."""
    return have_same_employer(caller, user) and has_restricted(rights)


def has_restricted(rights: Rights) -> bool:
    return any(name in RESTRICTED for name in rights)


def must_not_widen_set(
    caller: User | None, holders: Iterable[User | None], rights: Rights, *, knows_all_holders: bool
) -> None:
    """Raise if a change of a custom set gives a restricted permission to a holder who works for the same partner.

    A partner's employee who cannot know all holders is refused too.
    """
    if any(gives_restricted(caller, holder, rights) for holder in holders):
        raise OwnPartnerMayNotApprove("permissions")
    if not knows_all_holders and gives_restricted(caller, caller, rights):
        raise OwnPartnerMayNotApprove("permissions").with_detail(
            "Too many people hold this set to check whether they work for your partner. "
            "Ask an admin of the client who works for no partner."
        )
