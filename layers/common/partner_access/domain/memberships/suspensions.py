"""Stopping somebody's access for now, and letting it go on: each side lifts only its own reason (domain.md §5)."""

from dataclasses import dataclass
from typing import TypeVar

from partner_access.domain.act import Act
from partner_access.domain.errors import (
    Forbidden,
    GrantSuspended,
    IsSuperAdmin,
    NotAClientAccount,
    OwnPartnerMayNotApprove,
)
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.memberships.roles import Hold, MembershipChanged, MembershipFacts, Role, hold
from partner_access.domain.notifications import Cause, Letter, LetterKind
from partner_access.domain.records import AuditEntry, audit


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSuspended(MembershipChanged): ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UserResumed(MembershipChanged): ...


Changed = TypeVar("Changed", UserSuspended, UserResumed)


def suspend(facts: MembershipFacts, reason: str | None, act: Act) -> UserSuspended | None:
    """Stop his access from this instant, seat kept; None when this side has done so already."""
    held, side = _hold(facts, act)
    if held.now.is_super_admin:
        raise IsSuperAdmin().saying("A super admin cannot be suspended. Give him another set first.")
    if side in held.now.suspended_by:
        return None
    letter = _letter(LetterKind.ACCESS_SUSPENDED, held, side, act).model_copy(update={"reason": reason})
    told = _entry("member.suspended", held, act, suspended_by=side)
    return _changed(UserSuspended, held, held.now.suspended_by | {side}, act, told, letter)


def resume(facts: MembershipFacts, act: Act) -> UserResumed | None:
    """Take back this side's suspension; None when nobody suspends him, refused when only somebody else does."""
    held, side = _hold(facts, act)
    held.account.must_be_active()
    if side not in held.now.suspended_by:
        if facts.target.suspended_by_at(act.at):
            raise GrantSuspended().saying(
                "This suspension is not yours to lift. Ask the side that suspended the access."
            )
        return None
    if side is SuspensionReason.CLIENT and held.by_own_firm:
        raise OwnPartnerMayNotApprove
    letter = _letter(LetterKind.ACCESS_RESUMED, held, side, act)
    told = _entry("member.resumed", held, act, resumed_by=side)
    return _changed(UserResumed, held, held.now.suspended_by - {side}, act, told, letter)


def _entry(event: str, held: Hold, act: Act, **whose: SuspensionReason) -> AuditEntry:
    return audit(event, act, held.account.account_id, held.now.partner_id, user_id=held.user.user_id, **whose)


def _changed(
    kind: type[Changed],
    held: Hold,
    suspended_by: frozenset[SuspensionReason],
    act: Act,
    told: AuditEntry,
    letter: Letter,
) -> Changed:
    """The membership under these reasons from now on."""
    return kind(
        act=act,
        account=held.account,
        user=held.user,
        before=held.before,
        member=held.now.changed(suspended_by=suspended_by),
        audit=told,
        letter=letter,
        relies_on=held.relied_on,
    )


def _hold(facts: MembershipFacts, act: Act) -> tuple[Hold, SuspensionReason]:
    """The membership, and whose reason the caller puts or lifts: the firm's, as its manager, else the client's."""
    held = hold(facts, act)
    if held.account.is_partner:
        raise NotAClientAccount
    if Role.PARTNER_MANAGER in held.capacities:
        side = SuspensionReason.PARTNER
    elif held.capacity.is_of_the_account:
        side = SuspensionReason.CLIENT
    else:
        raise Forbidden
    return held, side


def _letter(kind: LetterKind, held: Hold, side: SuspensionReason, act: Act) -> Letter:
    return Letter(
        kind=kind,
        employee_id=held.user.user_id,
        actor_id=act.by,
        partner_id=held.now.partner_id,
        account_id=held.account.account_id,
        cause=Cause(side.value),
    )
