"""Suspending and resuming access. Each side can lift only its own reason (domain.md §5)."""

from dataclasses import dataclass
from typing import TypeVar

from partner_access.domain.act import Act
from partner_access.domain.errors import (
    Forbidden,
    GrantSuspended,
    IsSuperAdmin,
    NotAClientAccount,
    NotFound,
)
from partner_access.domain.memberships import own_partner
from partner_access.domain.memberships.members import Role, SuspensionReason
from partner_access.domain.memberships.roles import (
    ManagedMembership,
    MembershipChanged,
    MembershipFacts,
    authorize,
    authorize_for_past_too,
)
from partner_access.domain.notifications import Cause, Notification, NotificationKind
from partner_access.domain.records import AuditEntry, audit


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSuspended(MembershipChanged): ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberResumed(MembershipChanged): ...


ChangedT = TypeVar("ChangedT", MemberSuspended, MemberResumed)


def suspend(facts: MembershipFacts, reason: str | None, act: Act) -> MemberSuspended | None:
    """Suspend a member's access from this instant and keep the seat. Return None when this side already has."""
    managed = authorize(facts, act)
    side = _side(managed)
    if managed.now.is_super_admin:
        raise IsSuperAdmin().with_detail("A super admin cannot be suspended. Assign another permission set first.")
    if side in managed.now.suspended_by:
        return None
    notification = _notification(NotificationKind.ACCESS_SUSPENDED, managed, side, act).model_copy(
        update={"reason": reason}
    )
    entry = _entry("member.suspended", managed, act, suspended_by=side)
    return _changed(MemberSuspended, managed, managed.now.suspended_by | {side}, act, entry, notification)


def resume(facts: MembershipFacts, act: Act) -> MemberResumed | None:
    """Lift this side's suspension.

    Return None when nothing suspends the member. Raise `GrantSuspended` when only other reasons do. The client also
    resumes a person whose membership is over, so that they can come back (domain.md rule 42).
    """
    managed = authorize_for_past_too(facts, act)
    if not managed.now.active and SuspensionReason.CLIENT not in managed.now.suspended_by:
        raise NotFound
    side = _side(managed)
    managed.account.must_be_active()
    if side not in managed.now.suspended_by:
        if facts.target.suspended_by_at(act.at):
            raise GrantSuspended().with_detail(
                "You cannot lift this suspension. Ask the side that suspended the access."
            )
        return None
    if side is SuspensionReason.CLIENT:
        own_partner.must_not_widen(facts.actor.user, managed.user, managed.now.partner_id)
    notification = _notification(NotificationKind.ACCESS_RESUMED, managed, side, act)
    entry = _entry("member.resumed", managed, act, resumed_by=side)
    left = managed.now.suspended_by - {side}
    return _changed(MemberResumed, managed, left, act, entry, notification if managed.now.active else None)


def _entry(event: str, managed: ManagedMembership, act: Act, **side: SuspensionReason) -> AuditEntry:
    return audit(event, act, managed.account.account_id, managed.now.partner_id, user_id=managed.user.user_id, **side)


def _changed(
    kind: type[ChangedT],
    managed: ManagedMembership,
    suspended_by: frozenset[SuspensionReason],
    act: Act,
    entry: AuditEntry,
    notification: Notification | None,
) -> ChangedT:
    """Return the decision that sets these suspension reasons."""
    narrows = suspended_by > managed.now.suspended_by
    return kind(
        act=act,
        account=managed.account,
        user=managed.user,
        before=managed.before,
        member=managed.now.next_version(suspended_by=suspended_by),
        audit=entry,
        notification=notification,
        relies_on=managed.relied_on_to_narrow if narrows else managed.relied_on,
        narrows=narrows,
    )


def _side(managed: ManagedMembership) -> SuspensionReason:
    """Return the side of the caller: the partner for a partner manager, or else the client."""
    if managed.account.is_partner:
        raise NotAClientAccount
    if Role.PARTNER_MANAGER in managed.roles:
        return SuspensionReason.PARTNER
    if managed.role.is_of_the_account:
        return SuspensionReason.CLIENT
    raise Forbidden


def _notification(kind: NotificationKind, managed: ManagedMembership, side: SuspensionReason, act: Act) -> Notification:
    return Notification(
        kind=kind,
        employee_id=managed.user.user_id,
        actor_id=act.actor_id,
        partner_id=managed.now.partner_id,
        account_id=managed.account.account_id,
        cause=Cause(side.value),
    )
