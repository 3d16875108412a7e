"""Access that ends or stops everywhere with one write, and what follows from it account by account (domain.md rule 21).

The one write is in the partner's trail; each client's trail and letters come with the clean-up, which may lag and may
run twice: it writes down only what is not written yet, and tells each account once.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import Forbidden, NotFound
from partner_access.domain.memberships.actors import EXPLICIT_SUSPENSIONS, Actor
from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.notifications import (
    Cause,
    Notification,
    NotificationKind,
    Reconciliation,
    ReconciliationReason,
)
from partner_access.domain.permissions.rights import CLIENT_ACCESS_MANAGE
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User, with_access_ended

ACCESS_ENDED_EVENT: Final = "access.ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class OffboardingFacts:
    """An employee in his partner account, and whoever ends his access."""

    partner: Account | None
    actor: Actor
    employee: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class EmployeeOffboarded(Decision):
    """All that the person may do for the partner is over, wherever that was."""

    partner: Account
    user: User


def offboard_employee(facts: OffboardingFacts, act: Act) -> EmployeeOffboarded:
    """End what an employee may do for his partner in all clients: by himself, or by who manages client access."""
    partner, user = must_be_offboardable(facts, act)
    return EmployeeOffboarded(
        act=act,
        partner=partner,
        user=with_access_ended(user, partner.account_id),
        audit=audit("employee.offboarded", act, partner.account_id, user_id=user.user_id),
        reconciliation=Reconciliation(
            partner_id=partner.account_id, user_id=user.user_id, reason=ReconciliationReason.OFFBOARDED
        ),
        relies_on=(partner, *facts.actor.relied_on, user),
    )


def must_be_offboardable(facts: OffboardingFacts, act: Act) -> tuple[Account, User]:
    """The partner and its employee, present or former, when the caller may end what he has."""
    partner = facts.actor.must_be_employee(facts.partner, act.at)
    is_self = facts.employee.user is not None and facts.employee.user.user_id == act.actor_id
    if not is_self and CLIENT_ACCESS_MANAGE not in facts.actor.rights_at(act.at):
        raise Forbidden
    if not facts.employee.user or not facts.employee.member:
        raise NotFound
    return partner, facts.employee.user


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedMembership:
    """Somebody in one account after his access for `partner`, or for all his firms, may have ended or stopped.

    `others` are the account's other super admins. `told` is the event by which the account has heard of this very act
    and person, `knows` whether it has heard of the partner's program.
    """

    reconciliation: Reconciliation
    account: Account
    subject: Actor
    partner: Account | None
    other_super_admins: tuple[Actor, ...]
    recorded_event: str | None = None
    is_program_recorded: bool = False

    def has_ended(self, at: datetime) -> bool:
        """Whether what he is here for the partner is over, and is not written off yet."""
        before, now = self.subject.member, self.subject.member_at(at)
        until_now = before.as_of(at) if before else None
        if not until_now or not now or not until_now.active or _has_same_access(until_now, now):
            return False
        return self.reconciliation.partner_id in (None, until_now.partner_id)

    def after_offboarding(self) -> "AffectedMembership":
        """The same once all that the person has for the partner is over."""
        user, partner_id = self.subject.user, self.reconciliation.partner_id
        offboarded = with_access_ended(user, partner_id) if user and partner_id else user
        return replace(self, subject=replace(self.subject, user=offboarded))


def _has_same_access(one: Member, other: Member) -> bool:
    return (one.grant, one.partner_id, one.active) == (other.grant, other.partner_id, other.active)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Decision):
    """`member` is what the membership is from now on; None when there is nothing to do but to tell."""

    account: Account
    before: Member
    member: Member | None = None


def reconcile(facts: AffectedMembership, act: Act) -> Reconciled | None:
    """What one account has to hear, and to write down, of what holds already; None when it has."""
    before, now = facts.subject.member, facts.subject.member_at(act.at)
    if not before or not now or not before.active or facts.recorded_event:
        return None
    if facts.reconciliation.ends_access and facts.has_ended(act.at):
        return _record_end(facts, before, now, act)
    if not now.active:
        return None
    if now.partner_id:
        return _record_suspension(facts, before, now, act)
    return _report_retained_or_orphaned(facts, before, now, act)


def _record_end(facts: AffectedMembership, before: Member, now: Member, act: Act) -> Reconciled:
    """What ended is what he was here until now; no right is pinned, for what is over stays so."""
    until_now = before.as_of(act.at)
    remains_own_member = now.active and not now.partner_id
    notification = _notification(
        NotificationKind.MEMBER_RETAINED, until_now, act, cause=_retained_cause(now) if remains_own_member else None
    )
    return Reconciled(
        act=act,
        account=facts.account,
        before=before,
        member=now.next_version(),
        audit=audit(
            ACCESS_ENDED_EVENT,
            act,
            facts.account.account_id,
            user_id=before.user_id,
            partner_id=until_now.partner_id,
            grant_id=until_now.grant.grant_id if until_now.grant else None,
        ),
        notification=notification if facts.reconciliation.reason is ReconciliationReason.OFFBOARDED else None,
        relies_on=(before,),
    )


def _retained_cause(now: Member) -> Cause:
    return Cause.RETAINED_SUPER_ADMIN if now.is_super_admin else Cause.RETAINED_MEMBER


def _record_suspension(facts: AffectedMembership, before: Member, now: Member, act: Act) -> Reconciled | None:
    """Of the reasons that follow from the person and his firm, the membership bears witness for lists and trails.

    What has lapsed or ended is written off first; what the program changed is for its own clean-up, which tells of it.
    """
    suspended_by = facts.subject.suspended_by_at(act.at)
    computed_reasons, stored_reasons = suspended_by - EXPLICIT_SUSPENSIONS, now.suspended_by - EXPLICIT_SUSPENSIONS
    changed = computed_reasons ^ stored_reasons
    is_program_change = SuspensionReason.PROGRAM in changed
    if (
        not changed
        or not _has_same_access(before, now)
        or (is_program_change and not facts.reconciliation.is_program_change)
    ):
        return None
    new_reasons = computed_reasons - stored_reasons
    reason = min(new_reasons or changed)
    kind = NotificationKind.ACCESS_SUSPENDED if new_reasons else NotificationKind.ACCESS_RESUMED
    notification = _notification(kind, now, act, cause=Cause(reason.value))
    return Reconciled(
        act=act,
        account=facts.account,
        before=before,
        member=now.next_version(suspended_by=suspended_by),
        audit=audit(
            "member.suspended" if new_reasons else "member.resumed",
            act,
            facts.account.account_id,
            user_id=before.user_id,
            partner_id=now.partner_id,
            **{"suspended_by" if new_reasons else "resumed_by": reason},
        ),
        notification=notification if reason is SuspensionReason.EMPLOYEE else None,
        relies_on=facts.subject.relied_on,
    )


def _report_retained_or_orphaned(facts: AffectedMembership, before: Member, now: Member, act: Act) -> Reconciled | None:
    """Whom the client itself made a member or super admin stays one, and the client hears of it; so of its orphanhood."""
    reconciliation, user = facts.reconciliation, facts.subject.user
    if reconciliation.reason is ReconciliationReason.OFFBOARDED:
        notification = _notification(
            NotificationKind.MEMBER_RETAINED, now, act, cause=_retained_cause(now), partner_id=reconciliation.partner_id
        )
        return _report(facts, before, "member.retained", notification, act)
    if (
        reconciliation.partner_id
        or not now.is_super_admin
        or not user
        or user.active
        or _has_active_super_admin(facts, act)
    ):
        return None
    return _report(facts, before, "account.orphaned", _notification(NotificationKind.ACCOUNT_ORPHANED, now, act), act)


def _has_active_super_admin(facts: AffectedMembership, act: Act) -> bool:
    return any(other.is_super_admin_at(act.at) for other in facts.other_super_admins)


def _report(facts: AffectedMembership, before: Member, event: str, notification: Notification, act: Act) -> Reconciled:
    return Reconciled(
        act=act,
        account=facts.account,
        before=before,
        audit=audit(event, act, facts.account.account_id, user_id=before.user_id, partner_id=notification.partner_id),
        notification=notification,
    )


def _notification(
    kind: NotificationKind, member: Member, act: Act, *, cause: Cause | None = None, partner_id: str | None = None
) -> Notification:
    """A letter on what somebody is in an account, for the partner named or his own."""
    return Notification(
        kind=kind,
        employee_id=member.user_id,
        actor_id=act.actor_id,
        partner_id=partner_id or member.partner_id,
        account_id=member.account_id,
        cause=cause,
    )


class ReceiptOutcome(StrEnum):
    """The outcome in one account when all access ends. `pending` means ended, but not recorded in the account yet."""

    ENDED = "ended"
    PENDING = "pending"
    RETAINED = "retained"


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A line of the receipt; what is kept is the client's to take, and why."""

    outcome: ReceiptOutcome
    reason: str | None = None


def receipt_row(facts: AffectedMembership, act: Act) -> ReceiptRow | None:
    """Of one account, None when nothing of the person's for this partner is or was there."""
    now = facts.subject.member_at(act.at)
    if facts.recorded_event == ACCESS_ENDED_EVENT:
        return ReceiptRow(ReceiptOutcome.ENDED)
    if facts.has_ended(act.at):
        return ReceiptRow(ReceiptOutcome.PENDING)
    if not now or now.partner_id or not now.active:
        return None
    return ReceiptRow(ReceiptOutcome.RETAINED, _retained_cause(now))


def report_program_change(facts: AffectedMembership, act: Act) -> Decision | None:
    """A client where somebody is for the partner hears, once for all of them, that its program stopped or goes on.

    What has turned since is not told any more: the next clean-up tells of that.
    """
    reason, partner = facts.reconciliation.reason, facts.partner
    if (
        not partner
        or not facts.reconciliation.is_program_change
        or facts.is_program_recorded
        or not _is_affected(facts, partner, act)
    ):
        return None
    stops = reason is not ReconciliationReason.PROGRAM_RESUMED
    cause = Cause.TERMINATED if reason is ReconciliationReason.PROGRAM_ENDED else Cause.PROGRAM
    account_id = facts.account.account_id
    return Decision(
        act=act,
        audit=audit("program.stopped" if stops else "program.resumed", act, account_id, partner_id=partner.account_id),
        notification=Notification(
            kind=NotificationKind.PROGRAM_STOPPED if stops else NotificationKind.PROGRAM_RESUMED,
            partner_id=partner.account_id,
            account_id=account_id,
            cause=cause if stops else None,
        ),
        relies_on=(partner,),
    )


def _is_affected(facts: AffectedMembership, partner: Account, act: Act) -> bool:
    if facts.reconciliation.ends_access:
        return facts.has_ended(act.at)
    now = facts.subject.member_at(act.at)
    is_resumed = facts.reconciliation.reason is ReconciliationReason.PROGRAM_RESUMED
    is_partner_member = now is not None and now.active and now.partner_id == partner.account_id
    return is_partner_member and partner.is_in_program is is_resumed
