"""Suspending and resuming access: each side sets and clears only its own reason."""

from collections.abc import Mapping
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.errors import (
    AccountClosed,
    DomainError,
    Forbidden,
    GrantSuspended,
    IsSuperAdmin,
    NotAClientAccount,
    OwnPartnerMayNotApprove,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, Role, SuspensionReason
from partner_access.domain.memberships.suspensions import resume, suspend
from partner_access.domain.notifications import Cause, NotificationKind
from tests.support.builders import (
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.membership_facts import (
    ADMIN,
    BOTH,
    OWN_PARTNER_SUPER_ADMIN,
    PARTNER_MANAGER_ACTOR,
    TARGET,
    USERS,
    act_of,
    facts,
)
from tests.support.seeded_table import CLERK, MANAGER, a_partner_account_member

SIDES = {
    Role.SUPER_ADMIN: SuspensionReason.CLIENT,
    Role.USER_MANAGER: SuspensionReason.CLIENT,
    Role.PARTNER_MANAGER: SuspensionReason.PARTNER,
}
BY_CLIENT, BY_PARTNER = frozenset({SuspensionReason.CLIENT}), frozenset({SuspensionReason.PARTNER})
BY_BOTH = BY_CLIENT | BY_PARTNER


def suspended_admin(reasons: frozenset[SuspensionReason], **partner_fields: Any) -> Actor:
    return a_partner_admin_actor(member=a_partner_admin(suspended_by=reasons), **partner_fields)


def present(member: Member | None) -> Member:
    assert member
    return member


@pytest.mark.parametrize(("role", "side"), SIDES.items())
def test_suspend_by_either_side_sets_its_reason(role: Role, side: SuspensionReason) -> None:
    found = facts(role)
    done = suspend(found, "On parental leave", act_of(found))

    assert done
    assert done.before == TARGET.member
    assert done.member == present(TARGET.member).next_version(suspended_by=frozenset({side}))
    assert (done.audit.event, done.audit.accounts) == ("member.suspended", (CLIENT, PARTNER))
    assert done.audit.details == {"user_id": EMPLOYEE, "suspended_by": side}
    assert done.notification
    notification = done.notification
    assert (notification.kind, notification.cause, notification.reason) == (
        NotificationKind.ACCESS_SUSPENDED,
        Cause(side),
        "On parental leave",
    )
    assert (notification.employee_id, notification.account_id, notification.partner_id) == (EMPLOYEE, CLIENT, PARTNER)
    assert notification.actor_id == act_of(found).actor_id
    assert done.narrows
    assert TARGET.member in done.relies_on
    assert TARGET.user not in done.relies_on


@pytest.mark.parametrize(("role", "side"), SIDES.items())
@pytest.mark.parametrize("reasons", [BY_CLIENT, BY_PARTNER, BY_BOTH])
def test_suspend_again_adds_only_missing_reason(
    role: Role, side: SuspensionReason, reasons: frozenset[SuspensionReason]
) -> None:
    found = facts(role, target=suspended_admin(reasons))
    done = suspend(found, None, act_of(found))

    if side in reasons:
        assert done is None
    else:
        assert done
        assert done.member.suspended_by == BY_BOTH


@pytest.mark.parametrize(("role", "side"), SIDES.items())
def test_resume_clears_only_own_reason(role: Role, side: SuspensionReason) -> None:
    found = facts(role, target=suspended_admin(BY_BOTH))
    done = resume(found, act_of(found))

    assert done
    assert done.before == present(found.target.member)
    assert done.member == done.before.next_version(suspended_by=BY_BOTH - {side})
    assert (done.audit.event, done.audit.accounts) == ("member.resumed", (CLIENT, PARTNER))
    assert done.audit.details == {"user_id": EMPLOYEE, "resumed_by": side}
    assert done.notification
    notification = done.notification
    assert (notification.kind, notification.cause, notification.actor_id) == (
        NotificationKind.ACCESS_RESUMED,
        Cause(side),
        act_of(found).actor_id,
    )
    assert (notification.employee_id, notification.account_id, notification.partner_id) == (EMPLOYEE, CLIENT, PARTNER)
    assert not done.narrows
    assert set(found.target.relied_on) <= set(done.relies_on)


@pytest.mark.parametrize(
    ("role", "target"),
    [
        (Role.SUPER_ADMIN, suspended_admin(BY_PARTNER)),
        (Role.USER_MANAGER, suspended_admin(BY_PARTNER)),
        (Role.PARTNER_MANAGER, suspended_admin(BY_CLIENT)),
        (Role.SUPER_ADMIN, suspended_admin(frozenset(), program=Program.SUSPENDED)),
        (Role.PARTNER_MANAGER, suspended_admin(frozenset(), program=Program.SUSPENDED)),
        (Role.SUPER_ADMIN, a_partner_admin_actor(an_employee(active=False))),
        (Role.PARTNER_MANAGER, a_partner_admin_actor(an_employee(email="e@elsewhere.example"))),
    ],
)
def test_resume_with_only_other_reason_raises_grant_suspended(role: Role, target: Actor) -> None:
    found = facts(role, target=target)

    with pytest.raises(GrantSuspended) as raised:
        resume(found, act_of(found))
    assert "cannot lift this suspension" in raised.value.detail


@pytest.mark.parametrize("role", SIDES)
def test_resume_without_suspension_returns_none(role: Role) -> None:
    found = facts(role)

    assert resume(found, act_of(found)) is None


def test_resume_keeps_program_suspension() -> None:
    # domain.md rule 22
    stored_reasons = BY_BOTH | {SuspensionReason.PROGRAM}
    done = resume(facts(target=suspended_admin(stored_reasons, program=Program.SUSPENDED)), an_act())

    assert done
    assert done.member.suspended_by == stored_reasons - BY_CLIENT


@pytest.mark.parametrize("role", [Role.VENDOR, Role.COLLEAGUE, Role.SELF])
def test_suspend_and_resume_by_other_roles_raise_forbidden(role: Role) -> None:
    found = facts(role)

    with pytest.raises(Forbidden):
        suspend(found, None, act_of(found))
    with pytest.raises(Forbidden):
        resume(found, act_of(found))


def test_suspend_by_own_partner_super_admin_succeeds_and_resume_is_refused() -> None:
    found = facts(actor=OWN_PARTNER_SUPER_ADMIN)
    done = suspend(found, None, an_act(BOTH))
    assert done
    assert done.member.suspended_by == BY_CLIENT

    with pytest.raises(OwnPartnerMayNotApprove):
        resume(facts(actor=OWN_PARTNER_SUPER_ADMIN, target=suspended_admin(BY_CLIENT)), an_act(BOTH))


@pytest.mark.parametrize(
    "actor",
    [
        an_actor(an_employee(MANAGER), a_member(MANAGER)),
        a_partner_admin_actor(an_employee(MANAGER), a_partner_admin(MANAGER)),
    ],
)
def test_suspend_and_resume_by_partner_manager_use_partner_reason(actor: Actor) -> None:
    caller: dict[str, Any] = {"actor": actor, "manager": PARTNER_MANAGER_ACTOR}
    suspended, resumed = (
        suspend(facts(**caller), None, an_act(MANAGER)),
        resume(facts(**caller, target=suspended_admin(BY_BOTH)), an_act(MANAGER)),
    )

    assert suspended
    assert suspended.member.suspended_by == BY_PARTNER
    assert resumed
    assert resumed.member.suspended_by == BY_CLIENT


def test_suspend_client_member_does_not_involve_partner() -> None:
    member = an_actor(a_user(CLERK), a_member(CLERK, "sales"))
    done = suspend(facts(Role.USER_MANAGER, target=member), None, an_act(USERS))

    assert done
    assert (done.member.suspended_by, done.audit.accounts) == (BY_CLIENT, (CLIENT,))
    assert done.notification
    assert done.notification.partner_id is None


NOT_SUSPENDABLE: list[tuple[Mapping[str, Any], type[DomainError]]] = [
    ({"target": an_actor(a_user(CLERK), a_member(CLERK))}, IsSuperAdmin),
    ({"target": ADMIN}, IsSuperAdmin),
    (
        {
            "account": the_partner(),
            "actor": Actor(an_employee(MANAGER), a_partner_account_member(MANAGER, "super_admin")),
            "target": Actor(an_employee(), a_partner_account_member(EMPLOYEE)),
        },
        NotAClientAccount,
    ),
]


@pytest.mark.parametrize(("changes", "error"), NOT_SUSPENDABLE)
def test_suspend_super_admin_or_member_of_partner_account_is_refused(
    changes: Mapping[str, Any], error: type[DomainError]
) -> None:
    found = facts(**changes)

    with pytest.raises(error):
        suspend(found, None, act_of(found))


def test_resume_in_partner_account_is_refused_and_super_admin_is_resumed() -> None:
    (in_partner_account,) = (changes for changes, error in NOT_SUSPENDABLE if error is NotAClientAccount)
    found = facts(**in_partner_account)
    with pytest.raises(NotAClientAccount):
        resume(found, act_of(found))

    stopped = a_member("user-x", suspended_by=frozenset({SuspensionReason.CLIENT}))
    found = facts(target=an_actor(a_user("user-x"), stopped))
    resumed = resume(found, act_of(found))
    assert resumed
    assert resumed.member.suspended_by == frozenset()


def test_suspend_in_closed_account_succeeds_and_resume_is_refused() -> None:
    found = facts(account=the_client(state=AccountState.CLOSED))

    assert suspend(found, None, act_of(found))
    with pytest.raises(AccountClosed):
        resume(found, act_of(found))
