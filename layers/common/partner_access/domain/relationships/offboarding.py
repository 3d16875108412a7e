"""Access that one write ends or suspends everywhere, and its reconciliation account by account (domain.md rule 21).

The partner's audit log records the original write. Reconciliation adds the audit entries and emails of each client. It
can lag and can run twice: it writes only entries that are still missing, and notifies each account once.
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
from partner_access.domain.users import User, with_access_ended, with_access_ended_by_manager

ACCESS_ENDED_EVENT: Final = "access.ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class OffboardingFacts:
    """An employee in their partner account, and the actor who ends their access."""

    partner: Account | None
    actor: Actor
    employee: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class EmployeeOffboarded(Decision):
    """A decision that ends all access of the user for the partner, in every account."""

    partner: Account
    user: User


def offboard_employee(facts: OffboardingFacts, act: Act) -> EmployeeOffboarded:
    """End all access of an employee for their partner, in all clients.

    The employee or a client access manager of the partner can do this.
    """
    partner, user = must_be_offboardable(facts, act)
    is_self = act.actor_id == user.user_id
    return EmployeeOffboarded(
        act=act,
        partner=partner,
        user=with_access_ended(user, partner.account_id) if is_self else with_access_ended_by_manager(user, partner),
        audit=audit("employee.offboarded", act, partner.account_id, user_id=user.user_id),
        reconciliation=Reconciliation(
            partner_id=partner.account_id, user_id=user.user_id, reason=ReconciliationReason.OFFBOARDED
        ),
        relies_on=(*facts.actor.relied_on, user),
        narrows=True,
    )


def must_be_offboardable(facts: OffboardingFacts, act: Act) -> tuple[Account, User]:
    """Return the partner and its present or former employee. Raise unless the caller can end the employee's access."""
    partner = facts.actor.must_be_employee(facts.partner, act.at)
    is_self = facts.employee.user is not None and facts.employee.user.user_id == act.actor_id
    if not is_self and CLIENT_ACCESS_MANAGE not in facts.actor.rights_at(act.at):
        raise Forbidden
    if not facts.employee.user or not facts.employee.member:
        raise NotFound
    return partner, facts.employee.user


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedMembership:
    """A membership in an account after access for `partner`, or for all the user's partners, may have ended or stopped.

    `other_super_admins` are those of the account except the user. `recorded_event` is the event by which the account's
    audit log already records this act and user. `is_program_recorded` is true once the log records the change of the
    partner's program.
    """

    reconciliation: Reconciliation
    account: Account
    subject: Actor
    partner: Account | None
    other_super_admins: tuple[Actor, ...]
    recorded_event: str | None = None
    is_program_recorded: bool = False

    def has_ended(self, at: datetime) -> bool:
        """Return whether the access for the partner is over, but the stored membership does not show it yet."""
        before, now = self.subject.member, self.subject.member_at(at)
        if not before or not now or not before.as_of(at).active or now.active:
            return False
        return self.reconciliation.partner_id in (None, before.partner_id)

    def after_offboarding(self) -> "AffectedMembership":
        """Return the same facts as they are after all access of the user for the partner is ended."""
        user, partner_id = self.subject.user, self.reconciliation.partner_id
        offboarded = with_access_ended(user, partner_id) if user and partner_id else user
        return replace(self, subject=replace(self.subject, user=offboarded))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Decision):
    """A reconciled membership. `member` is its next version, or None when there is only something to report."""

    account: Account
    before: Member
    member: Member | None = None


def reconcile(facts: AffectedMembership, act: Act) -> Reconciled | None:
    """Reconcile one account with access that has already changed. Return None when nothing is left to do."""
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
    """Record the end of a membership for the partner.

    The decision relies only on the stored membership, because ended access never revives. The end of a program is
    reported to each client once, and again only for a person whose former set the client can give again.
    """
    grant = before.grant
    former_set = grant.former_set if grant else None
    notification = _notification(NotificationKind.MEMBER_RETAINED, before, act, former_set=former_set)
    is_notified = facts.reconciliation.reason is ReconciliationReason.OFFBOARDED or (
        facts.reconciliation.reason is ReconciliationReason.PROGRAM_ENDED and former_set
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
            partner_id=before.partner_id,
            grant_id=grant.grant_id if grant else None,
        ),
        notification=notification if is_notified else None,
        relies_on=(before,),
    )


def _retained_cause(now: Member) -> Cause:
    return Cause.RETAINED_SUPER_ADMIN if now.is_super_admin else Cause.RETAINED_MEMBER


def _record_suspension(facts: AffectedMembership, before: Member, now: Member, act: Act) -> Reconciled | None:
    """Store the computed suspension reasons in the membership, for lists and audit logs.

    Lapsed or ended access is recorded first, by another decision. A change of the program is left to the reconciliation
    of the program, which reports it.
    """
    suspended_by = facts.subject.suspended_by_at(act.at)
    computed_reasons, stored_reasons = suspended_by - EXPLICIT_SUSPENSIONS, now.suspended_by - EXPLICIT_SUSPENSIONS
    changed = computed_reasons ^ stored_reasons
    is_program_change = SuspensionReason.PROGRAM in changed
    if not changed or (is_program_change and not facts.reconciliation.is_program_change):
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
    """Notify a client about its own member after an offboarding, or about the loss of its last active super admin.

    A member or super admin that the client itself created remains one.
    """
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
    kind: NotificationKind,
    member: Member,
    act: Act,
    *,
    cause: Cause | None = None,
    partner_id: str | None = None,
    former_set: str | None = None,
) -> Notification:
    """Return a notification about a membership, for the named partner or the member's own."""
    return Notification(
        kind=kind,
        employee_id=member.user_id,
        actor_id=act.actor_id,
        partner_id=partner_id or member.partner_id,
        account_id=member.account_id,
        former_set=former_set,
        cause=cause,
    )


class ReceiptOutcome(StrEnum):
    """The outcome in one account when all access ends. `pending` means ended, but not recorded in the account yet."""

    ENDED = "ended"
    PENDING = "pending"
    RETAINED = "retained"


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A row of the receipt. Only the client can end retained access, and `reason` says why it is retained."""

    outcome: ReceiptOutcome
    reason: str | None = None


def receipt_row(facts: AffectedMembership, act: Act) -> ReceiptRow | None:
    """Return the receipt row of one account, or None when the user never had access there for this partner."""
    now = facts.subject.member_at(act.at)
    if facts.recorded_event == ACCESS_ENDED_EVENT:
        return ReceiptRow(ReceiptOutcome.ENDED)
    if facts.has_ended(act.at):
        return ReceiptRow(ReceiptOutcome.PENDING)
    if not now or now.partner_id or not now.active:
        return None
    return ReceiptRow(ReceiptOutcome.RETAINED, _retained_cause(now))


def report_program_change(facts: AffectedMembership, act: Act) -> Decision | None:
    """Report to a client with members for the partner that its program stopped or resumed, once for all members.

    A change that has been reversed since is not reported. The next reconciliation reports the reversal.
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
