"""Offboarding an employee, and the reconciliation of one account that follows, from facts alone."""

from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Account, AccountState, Program
from partner_access.domain.errors import DomainError, Forbidden, NotFound
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Assignment, Member, Seat, SuspensionReason
from partner_access.domain.notifications import Cause, NotificationKind, Reconciliation, ReconciliationReason
from partner_access.domain.relationships.offboarding import (
    AffectedMembership,
    OffboardingFacts,
    ReceiptOutcome,
    ReceiptRow,
    offboard_employee,
    receipt_row,
    reconcile,
    report_program_change,
)
from partner_access.domain.users import User
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_employee,
    an_idempotency_key,
    the_client,
    the_partner,
)

SOUTH = "partner-south"
MANAGER = "user-manager"
CLIENT_ASSIGNMENT = Assignment(permission_set="sales", set_version=1, seat=Seat.CORE)
PARTNER_ASSIGNMENT = Assignment(permission_set="sales", set_version=1, seat=Seat.VIEW_ONLY, partner_id=PARTNER)
OTHER_PARTNER_ASSIGNMENT = Assignment(permission_set="sales", set_version=1, seat=Seat.VIEW_ONLY, partner_id=SOUTH)


def partner_employee(user_id: str, permission_set: str = "view_only", **changes: Any) -> Actor:
    return Actor(an_employee(user_id), a_member(user_id, permission_set, account_id=PARTNER, **changes))


PARTNER_SUPER_ADMIN = partner_employee(MANAGER, "super_admin")
OFFBOARDED_EMPLOYEE = partner_employee(EMPLOYEE)


def facts(
    actor: Actor = PARTNER_SUPER_ADMIN, employee: Actor = OFFBOARDED_EMPLOYEE, partner: Account | None = None
) -> OffboardingFacts:
    return OffboardingFacts(partner=partner or the_partner(), actor=actor, employee=employee)


# the write that offboards


def test_offboard_employee_increments_offboardings() -> None:
    user = an_employee(offboardings={PARTNER: 2, SOUTH: 1})
    ended = offboard_employee(
        facts(employee=Actor(user, OFFBOARDED_EMPLOYEE.member)), an_act(MANAGER, idempotency_key=an_idempotency_key())
    )

    after = user.next_version(offboardings={PARTNER: 3, SOUTH: 1})
    assert ended.user == after.model_copy(update={"manager_offboardings": {PARTNER: 3}})
    assert ended.partner == the_partner()
    assert ended.reconciliation == Reconciliation(
        partner_id=PARTNER, user_id=EMPLOYEE, reason=ReconciliationReason.OFFBOARDED
    )
    assert (ended.audit.event, ended.audit.accounts) == ("employee.offboarded", (PARTNER,))
    assert ended.audit.details == {"user_id": EMPLOYEE}
    assert ended.notification is None
    assert set(ended.relies_on) == {PARTNER_SUPER_ADMIN.user, PARTNER_SUPER_ADMIN.member, user}


@pytest.mark.parametrize(
    ("actor", "employee", "error"),
    [
        (OFFBOARDED_EMPLOYEE, OFFBOARDED_EMPLOYEE, None),
        (PARTNER_SUPER_ADMIN, PARTNER_SUPER_ADMIN, None),
        (partner_employee("user-access", added=("partner.client_access.manage",)), OFFBOARDED_EMPLOYEE, None),
        (PARTNER_SUPER_ADMIN, partner_employee(EMPLOYEE, active=False), None),
        (partner_employee("user-colleague"), OFFBOARDED_EMPLOYEE, Forbidden),
        (OFFBOARDED_EMPLOYEE, PARTNER_SUPER_ADMIN, Forbidden),
        (OFFBOARDED_EMPLOYEE, Actor(), Forbidden),
        (PARTNER_SUPER_ADMIN, Actor(), NotFound),
        (PARTNER_SUPER_ADMIN, Actor(an_employee()), NotFound),
        (partner_employee(EMPLOYEE, active=False), OFFBOARDED_EMPLOYEE, NotFound),
        (Actor(an_employee(MANAGER, active=False), PARTNER_SUPER_ADMIN.member), OFFBOARDED_EMPLOYEE, Forbidden),
        (Actor(a_user()), OFFBOARDED_EMPLOYEE, NotFound),
        (Actor(), OFFBOARDED_EMPLOYEE, NotFound),
    ],
)
def test_offboard_employee_checks_caller_and_employee(
    actor: Actor, employee: Actor, error: type[DomainError] | None
) -> None:
    by = actor.user.user_id if actor.user else "user-unknown"
    if not error:
        assert offboard_employee(facts(actor, employee), an_act(by)).user.offboardings == {PARTNER: 1}
        return
    with pytest.raises(error):
        offboard_employee(facts(actor, employee), an_act(by))


def test_offboard_employee_of_non_partner_account_raises_not_found() -> None:
    with pytest.raises(NotFound):
        offboard_employee(facts(partner=the_client()), an_act(MANAGER))
    with pytest.raises(NotFound):
        offboard_employee(
            OffboardingFacts(partner=None, actor=PARTNER_SUPER_ADMIN, employee=OFFBOARDED_EMPLOYEE), an_act(MANAGER)
        )


# reconciliation of one account


def affected_membership(
    reason: ReconciliationReason = ReconciliationReason.OFFBOARDED,
    member: Member | None = None,
    *,
    user: User | None = None,
    partner: Account | None = None,
    **changes: Any,
) -> AffectedMembership:
    """Build the facts after an offboarding whose employee is still stored as partner admin."""
    partner_account = partner or the_partner()
    south = the_partner(account_id=SOUTH, domains=("north.example",))
    person = Actor(
        user or an_employee(offboardings={PARTNER: 1} if reason is ReconciliationReason.OFFBOARDED else {}),
        member or a_partner_admin(),
        {PARTNER: partner_account, SOUTH: south},
    )
    defaults = {"account": the_client(), "subject": person, "partner": partner_account, "other_super_admins": ()}
    reconciliation = Reconciliation(partner_id=PARTNER, user_id=EMPLOYEE, reason=reason)
    return AffectedMembership(**{"reconciliation": reconciliation, **defaults, **changes})


def colleague(**changes: Any) -> Member:
    """Build a member added by the partner itself."""
    return a_member(EMPLOYEE, "view_only", **{"partner_id": PARTNER, "seat": Seat.VIEW_ONLY, **changes})


ACT = an_act(MANAGER)


@pytest.mark.parametrize(
    ("member", "former_set"),
    [
        (a_partner_admin(), None),
        (colleague(), None),
        (a_partner_admin(grant=a_grant(former_set="sales")), "sales"),
        (a_partner_admin(suspended_by=frozenset({SuspensionReason.EMPLOYEE})), None),
    ],
)
def test_reconcile_offboarded_member_ends_membership_and_notifies_client(
    member: Member, former_set: str | None
) -> None:
    # domain.md rule 10
    followed = reconcile(affected_membership(member=member), ACT)

    assert followed
    assert followed.member
    assert (followed.before, followed.member.active) == (member, False)
    assert followed.member.partner_id == PARTNER
    assert (followed.member.grant, followed.member.version) == (None, 2)
    assert (followed.audit.event, followed.audit.accounts) == ("access.ended", (CLIENT,))
    assert followed.notification
    assert (followed.notification.kind, followed.notification.cause) == (NotificationKind.MEMBER_RETAINED, None)
    assert followed.notification.former_set == former_set
    assert (followed.notification.partner_id, followed.notification.account_id, followed.notification.actor_id) == (
        PARTNER,
        CLIENT,
        ACT.actor_id,
    )
    assert followed.relies_on == (member,)


def test_reconcile_offboarded_partner_admin_audit_entry_has_grant_id() -> None:
    followed = reconcile(affected_membership(), ACT)

    assert followed
    assert followed.audit.details == {"user_id": EMPLOYEE, "partner_id": PARTNER, "grant_id": a_grant().grant_id}


@pytest.mark.parametrize(
    ("facts", "is_notified"),
    [
        (affected_membership(ReconciliationReason.OFFBOARDED), True),
        (affected_membership(ReconciliationReason.ERASED, user=an_employee(offboardings={PARTNER: 1}), reconciliation=Reconciliation(reason=ReconciliationReason.ERASED)), False),
        (affected_membership(ReconciliationReason.ERASED, a_partner_admin(grant=a_grant(former_set="sales")), user=an_employee(offboardings={PARTNER: 1}), reconciliation=Reconciliation(reason=ReconciliationReason.ERASED)), False),
        (affected_membership(ReconciliationReason.PROGRAM_ENDED, partner=the_partner(terminations=1, program=Program.TERMINATED)), False),
        (affected_membership(ReconciliationReason.PROGRAM_ENDED, a_partner_admin(grant=a_grant(former_set="sales")), partner=the_partner(terminations=1, program=Program.TERMINATED)), True),
    ],
)  # fmt: skip
def test_reconcile_final_end_notifies_client_after_offboarding_or_of_former_set(
    facts: AffectedMembership, is_notified: bool
) -> None:
    followed = reconcile(facts, ACT)

    assert followed
    assert followed.audit.event == "access.ended"
    assert (followed.notification is not None) is is_notified


OFFBOARDED = an_employee(offboardings={PARTNER: 1})


@pytest.mark.parametrize(
    "facts",
    [
        affected_membership(recorded_event="access.ended"),
        affected_membership(member=a_partner_admin(active=False)),
        affected_membership(subject=Actor(an_employee())),
        affected_membership(member=a_partner_admin(access_generation=1)),
        *(affected_membership(occasion, user=OFFBOARDED) for occasion in ReconciliationReason if occasion not in {"offboarded", "erased", "program_ended"}),
        affected_membership(user=OFFBOARDED, reconciliation=Reconciliation(partner_id=SOUTH, user_id=EMPLOYEE, reason=ReconciliationReason.OFFBOARDED)),
        affected_membership(member=a_partner_admin(grant=a_grant(expires_at=NOW))),
        affected_membership(ReconciliationReason.ELIGIBILITY),
        affected_membership(ReconciliationReason.ELIGIBILITY, a_member(EMPLOYEE, "sales")),
        affected_membership(ReconciliationReason.ELIGIBILITY, a_partner_admin(grant=a_grant(expires_at=NOW)),
              user=an_employee(active=False)),
    ],
)  # fmt: skip
def test_reconcile_member_without_changes_returns_none(facts: AffectedMembership) -> None:
    assert reconcile(facts, ACT) is None


def test_reconcile_member_of_unknown_user_ends_membership() -> None:
    facts = affected_membership(subject=Actor(None, a_partner_admin(), {PARTNER: the_partner()}))

    assert reconcile(facts, ACT)
    assert facts.after_offboarding().subject.user is None


# suspended and resumed

BY_PROGRAM, BY_ELIGIBILITY, BY_CLIENT = (
    frozenset({SuspensionReason.PROGRAM}),
    frozenset({SuspensionReason.EMPLOYEE}),
    frozenset({SuspensionReason.CLIENT}),
)
SUSPENDED_PARTNER = the_partner(program=Program.SUSPENDED)
DEACTIVATED_EMPLOYEE = an_employee(active=False)


@pytest.mark.parametrize(
    ("written", "user", "partner", "now", "event", "reason", "kind"),
    [
        (frozenset(), None, SUSPENDED_PARTNER, BY_PROGRAM, "member.suspended", "program", None),
        (BY_PROGRAM, None, None, frozenset(), "member.resumed", "program", None),
        (
            frozenset(),
            DEACTIVATED_EMPLOYEE,
            None,
            BY_ELIGIBILITY,
            "member.suspended",
            "employee",
            NotificationKind.ACCESS_SUSPENDED,
        ),
        (BY_ELIGIBILITY, None, None, frozenset(), "member.resumed", "employee", NotificationKind.ACCESS_RESUMED),
        (BY_ELIGIBILITY, DEACTIVATED_EMPLOYEE, SUSPENDED_PARTNER, BY_PROGRAM, "member.suspended", "program", None),
        (
            BY_PROGRAM,
            DEACTIVATED_EMPLOYEE,
            None,
            BY_ELIGIBILITY,
            "member.suspended",
            "employee",
            NotificationKind.ACCESS_SUSPENDED,
        ),
        (
            BY_CLIENT,
            DEACTIVATED_EMPLOYEE,
            None,
            BY_CLIENT | BY_ELIGIBILITY,
            "member.suspended",
            "employee",
            NotificationKind.ACCESS_SUSPENDED,
        ),
        (
            BY_CLIENT | BY_ELIGIBILITY,
            None,
            None,
            BY_CLIENT,
            "member.resumed",
            "employee",
            NotificationKind.ACCESS_RESUMED,
        ),
    ],
)
def test_reconcile_updates_suspension_from_user_and_partner(
    written: frozenset[SuspensionReason],
    user: User | None,
    partner: Account | None,
    now: frozenset[SuspensionReason],
    event: str,
    reason: str,
    kind: NotificationKind | None,
) -> None:
    facts = affected_membership(
        ReconciliationReason.PROGRAM_STOPPED, a_partner_admin(suspended_by=written), user=user, partner=partner
    )
    followed = reconcile(facts, ACT)

    assert followed
    assert followed.member
    assert (followed.member.suspended_by, followed.member.version) == (now, 2)
    assert followed.audit.event == event
    detail_name = "suspended_by" if event == "member.suspended" else "resumed_by"
    assert followed.audit.details == {"user_id": EMPLOYEE, "partner_id": PARTNER, detail_name: reason}
    assert (followed.notification and followed.notification.kind) == kind
    if followed.notification:
        assert (followed.notification.cause, followed.notification.partner_id) == (Cause.EMPLOYEE, PARTNER)
    assert set(followed.relies_on) == set(facts.subject.relied_on)
    assert len(followed.relies_on) == 4


@pytest.mark.parametrize(
    ("written", "user", "partner"),
    [
        (frozenset(), None, SUSPENDED_PARTNER),
        (BY_PROGRAM, None, None),
        (BY_ELIGIBILITY, DEACTIVATED_EMPLOYEE, SUSPENDED_PARTNER),
        (BY_PROGRAM, DEACTIVATED_EMPLOYEE, None),
    ],
)
@pytest.mark.parametrize(
    "reason", [ReconciliationReason.ELIGIBILITY, ReconciliationReason.OFFBOARDED, ReconciliationReason.ERASED]
)
def test_reconcile_for_other_reason_ignores_program_change(
    written: frozenset[SuspensionReason], user: User | None, partner: Account | None, reason: ReconciliationReason
) -> None:
    member = a_partner_admin(suspended_by=written)

    assert reconcile(affected_membership(reason, member, user=user or an_employee(), partner=partner), ACT) is None


# members who stay


@pytest.mark.parametrize(
    ("member", "cause"),
    [(a_member(EMPLOYEE), Cause.RETAINED_SUPER_ADMIN), (a_member(EMPLOYEE, "sales"), Cause.RETAINED_MEMBER)],
)
def test_reconcile_member_created_by_client_stays_and_client_is_notified(member: Member, cause: Cause) -> None:
    followed = reconcile(affected_membership(member=member), ACT)

    assert followed
    assert followed.member is None
    assert followed.audit.event == "member.retained"
    assert followed.audit.details == {"user_id": EMPLOYEE, "partner_id": PARTNER}
    assert followed.notification
    assert (followed.notification.kind, followed.notification.cause) == (NotificationKind.MEMBER_RETAINED, cause)
    assert followed.notification.partner_id == PARTNER


def orphaned(**changes: Any) -> AffectedMembership:
    defaults = {
        "reconciliation": Reconciliation(user_id=EMPLOYEE),
        "partner": None,
        "member": a_member(EMPLOYEE),
        "user": an_employee(active=False),
    }
    return affected_membership(ReconciliationReason.ELIGIBILITY, **{**defaults, **changes})


def test_reconcile_last_super_admin_deactivated_reports_orphaned_account() -> None:
    followed = reconcile(orphaned(), ACT)

    assert followed
    assert (followed.member, followed.audit.event) == (None, "account.orphaned")
    assert followed.notification
    assert (followed.notification.kind, followed.notification.partner_id) == (NotificationKind.ACCOUNT_ORPHANED, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"other_super_admins": (Actor(a_user(APPROVER), a_member(APPROVER)),)},
        {"user": an_employee()},
        {"member": a_member(EMPLOYEE, "sales")},
        {"reconciliation": Reconciliation(partner_id=PARTNER, user_id=EMPLOYEE)},
        {"subject": Actor(None, a_member(EMPLOYEE))},
    ],
)
def test_reconcile_account_with_active_super_admin_returns_none(changes: dict[str, Any]) -> None:
    assert reconcile(orphaned(**changes), ACT) is None


def test_reconcile_other_super_admin_deactivated_reports_orphaned_account() -> None:
    assert reconcile(orphaned(other_super_admins=(Actor(a_user(active=False), a_member()),)), ACT)


# the receipt of the offboarding


@pytest.mark.parametrize(
    ("facts", "row"),
    [
        (
            affected_membership(recorded_event="access.ended", member=a_partner_admin(active=False)),
            ReceiptRow(ReceiptOutcome.ENDED),
        ),
        (affected_membership(), ReceiptRow(ReceiptOutcome.PENDING)),
        (affected_membership(member=colleague()), ReceiptRow(ReceiptOutcome.PENDING)),
        (affected_membership(member=a_partner_admin()), ReceiptRow(ReceiptOutcome.PENDING)),
        (affected_membership(member=a_member(EMPLOYEE)), ReceiptRow(ReceiptOutcome.RETAINED, "retained_super_admin")),
        (
            affected_membership(member=a_member(EMPLOYEE, "sales"), recorded_event="member.retained"),
            ReceiptRow(ReceiptOutcome.RETAINED, "retained_member"),
        ),
        (affected_membership(member=a_member(EMPLOYEE, active=False)), None),
        (affected_membership(member=a_partner_admin(access_generation=1)), None),
        (affected_membership(member=a_partner_admin(grant=a_grant(expires_at=NOW))), None),
        (affected_membership(member=a_member(EMPLOYEE, "sales", partner_id=SOUTH)), None),
        (affected_membership(subject=Actor(an_employee())), None),
    ],
)
def test_receipt_row_has_outcome_per_account(facts: AffectedMembership, row: ReceiptRow | None) -> None:
    assert receipt_row(facts, ACT) == row


def test_receipt_row_before_offboarding_is_pending() -> None:
    now = affected_membership(ReconciliationReason.OFFBOARDED, user=an_employee(offboardings={SOUTH: 4}))

    assert receipt_row(now, ACT) is None
    assert receipt_row(now.after_offboarding(), ACT) == ReceiptRow(ReceiptOutcome.PENDING)
    assert (
        affected_membership(reconciliation=Reconciliation(user_id=EMPLOYEE)).after_offboarding().subject
        == affected_membership().subject
    )


# the program


@pytest.mark.parametrize(
    ("reason", "partner", "kind", "event", "cause"),
    [
        (
            ReconciliationReason.PROGRAM_STOPPED,
            SUSPENDED_PARTNER,
            NotificationKind.PROGRAM_STOPPED,
            "program.stopped",
            Cause.PROGRAM,
        ),
        (
            ReconciliationReason.PROGRAM_STOPPED,
            the_partner(state=AccountState.CLOSED),
            NotificationKind.PROGRAM_STOPPED,
            "program.stopped",
            Cause.PROGRAM,
        ),
        (
            ReconciliationReason.PROGRAM_RESUMED,
            the_partner(),
            NotificationKind.PROGRAM_RESUMED,
            "program.resumed",
            None,
        ),
        (
            ReconciliationReason.PROGRAM_ENDED,
            the_partner(terminations=1, program=Program.TERMINATED),
            NotificationKind.PROGRAM_STOPPED,
            "program.stopped",
            Cause.TERMINATED,
        ),
        (
            ReconciliationReason.PROGRAM_ENDED,
            the_partner(terminations=1),
            NotificationKind.PROGRAM_STOPPED,
            "program.stopped",
            Cause.TERMINATED,
        ),
    ],
)
@pytest.mark.parametrize("member", [a_partner_admin(), colleague()])
def test_program_change_notifies_client_with_partner_members(
    member: Member,
    reason: ReconciliationReason,
    partner: Account,
    kind: NotificationKind,
    event: str,
    cause: Cause | None,
) -> None:
    decided = report_program_change(affected_membership(reason, member, partner=partner), ACT)

    assert decided
    assert decided.notification
    assert (decided.notification.kind, decided.notification.cause) == (kind, cause)
    assert (decided.notification.partner_id, decided.notification.account_id, decided.notification.employee_id) == (
        PARTNER,
        CLIENT,
        None,
    )
    assert (decided.audit.event, decided.audit.accounts, decided.audit.details) == (
        event,
        (CLIENT,),
        {"partner_id": PARTNER},
    )
    assert decided.relies_on == (partner,)


@pytest.mark.parametrize(
    "facts",
    [
        affected_membership(ReconciliationReason.PROGRAM_STOPPED, partner=SUSPENDED_PARTNER, is_program_recorded=True),
        affected_membership(ReconciliationReason.PROGRAM_STOPPED),
        affected_membership(ReconciliationReason.PROGRAM_RESUMED, partner=SUSPENDED_PARTNER),
        affected_membership(ReconciliationReason.ELIGIBILITY, partner=SUSPENDED_PARTNER),
        affected_membership(ReconciliationReason.OFFBOARDED),
        affected_membership(ReconciliationReason.PROGRAM_STOPPED, a_member(EMPLOYEE), partner=SUSPENDED_PARTNER),
        affected_membership(
            ReconciliationReason.PROGRAM_STOPPED, a_member(EMPLOYEE, partner_id=SOUTH), partner=SUSPENDED_PARTNER
        ),
        affected_membership(ReconciliationReason.PROGRAM_STOPPED, colleague(active=False), partner=SUSPENDED_PARTNER),
        affected_membership(
            ReconciliationReason.PROGRAM_STOPPED, subject=Actor(an_employee()), partner=SUSPENDED_PARTNER
        ),
        affected_membership(ReconciliationReason.PROGRAM_RESUMED, partner=the_partner(terminations=1)),
        affected_membership(
            ReconciliationReason.PROGRAM_ENDED,
            a_partner_admin(access_generation=1),
            partner=the_partner(terminations=1),
        ),
    ],
)
def test_program_change_without_effect_on_client_returns_none(facts: AffectedMembership) -> None:
    assert report_program_change(facts, ACT) is None


def test_program_change_of_unknown_partner_returns_none() -> None:
    facts = affected_membership(ReconciliationReason.PROGRAM_STOPPED, partner=SUSPENDED_PARTNER)
    unknown = AffectedMembership(
        reconciliation=facts.reconciliation,
        account=facts.account,
        subject=facts.subject,
        partner=None,
        other_super_admins=(),
        is_program_recorded=False,
    )

    assert report_program_change(unknown, ACT) is None


def test_reconcile_grant_one_second_before_expiry_ends_membership() -> None:
    grant = a_grant(expires_at=NOW + timedelta(seconds=1))

    assert reconcile(affected_membership(member=a_partner_admin(grant=grant)), ACT)
