"""Removal of a member: the roles that can remove, what is left, and the super admin that must stay."""

import pytest

from partner_access.domain.errors import Forbidden, LastSuperAdmin, PreconditionFailed
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Role, SuspensionReason
from partner_access.domain.memberships.removals import remove
from partner_access.domain.notifications import Cause, NotificationKind, Reconciliation, ReconciliationReason
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    a_temporary_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    the_partner,
)
from tests.support.membership_facts import ADMIN, MANAGES_USERS, OWN_PARTNER_SUPER_ADMIN, TARGET, USERS, act_of, facts
from tests.support.seeded_table import CLERK, MANAGER, a_partner_account_member

CAUSES = {
    Role.VENDOR: Cause.VENDOR,
    Role.SUPER_ADMIN: Cause.CLIENT,
    Role.USER_MANAGER: Cause.CLIENT,
    Role.COLLEAGUE: Cause.PARTNER,
    Role.PARTNER_MANAGER: Cause.PARTNER,
    Role.SELF: Cause.SELF,
}
ORDINARY = an_actor(a_user(CLERK), a_member(CLERK, "sales"))
SUPER_ADMIN = an_actor(a_user(CLERK), a_member(CLERK))


@pytest.mark.parametrize(("role", "cause"), CAUSES.items())
def test_remove_partner_admin_revokes_grant_for_every_role(role: Role, cause: Cause) -> None:
    found = facts(role)
    ended = remove(found, 1, act_of(found))

    assert (ended.user, ended.before, ended.member.version) == (TARGET.user, TARGET.member, 2)
    assert (ended.member.active, ended.member.grant, ended.member.partner_id) == (False, None, PARTNER)
    assert (ended.member.seat, ended.former_employee, ended.reconciliation) == (None, None, None)
    assert (ended.audit.event, ended.audit.accounts) == ("grant.revoked", (CLIENT, PARTNER))
    assert ended.audit.details == {"user_id": EMPLOYEE, "role": role, "grant_id": a_grant().grant_id}
    assert ended.notification
    notification = ended.notification
    assert (notification.kind, notification.cause) == (NotificationKind.ACCESS_ENDED, cause)
    assert (notification.employee_id, notification.account_id, notification.partner_id) == (EMPLOYEE, CLIENT, PARTNER)
    assert notification.actor_id == act_of(found).actor_id


def test_remove_self_reports_cause_self_whatever_the_role() -> None:
    found = facts(actor=MANAGES_USERS, target=MANAGES_USERS)
    ended = remove(found, 1, an_act(USERS))

    assert ended.notification
    assert ended.notification.cause is Cause.SELF
    assert (ended.audit.event, ended.audit.details) == (
        "member.removed",
        {"user_id": USERS, "role": "user_manager"},
    )
    assert ended.audit.accounts == (CLIENT,)


@pytest.mark.parametrize("former_set", [None, "sales"])
def test_remove_partner_admin_ends_membership_and_names_former_set(former_set: str | None) -> None:
    # domain.md rule 10
    before = a_partner_admin(
        grant=a_grant(former_set=former_set),
        suspended_by=frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER}),
    )
    removed = remove(facts(target=a_partner_admin_actor(member=before)), 1, an_act())
    ended = removed.member

    assert (ended.active, ended.seat, ended.grant, ended.partner_id) == (False, None, None, PARTNER)
    assert ended.suspended_by == {SuspensionReason.CLIENT}
    assert removed.notification
    assert (removed.former_set, removed.notification.former_set) == (former_set, former_set)


def test_remove_member_without_grant_deactivates_membership() -> None:
    ended = remove(facts(target=ORDINARY), 1, an_act())

    assert (ended.member.active, ended.member.seat, ended.member.permission_set) == (False, None, "sales")
    assert (ended.audit.event, ended.audit.accounts) == ("member.removed", (CLIENT,))


def test_remove_colleague_by_partner_succeeds() -> None:
    added = a_partner_admin_actor(member=a_member(EMPLOYEE, "view_only", partner_id=PARTNER))

    for role in (Role.COLLEAGUE, Role.PARTNER_MANAGER):
        found = facts(role, target=added)
        ended = remove(found, 1, act_of(found))
        assert (ended.member.active, ended.audit.accounts) == (False, (CLIENT, PARTNER))


@pytest.mark.parametrize("role", [Role.VENDOR, Role.SUPER_ADMIN, Role.SELF])
def test_remove_super_admin_relies_on_witness(role: Role) -> None:
    target = (
        SUPER_ADMIN
        if role is not Role.SELF
        else an_actor(a_user(CLERK), a_member(CLERK, removed=("account.users.manage",)))
    )
    other_employee = an_actor(an_employee("user-y"), a_member("user-y"))
    another = an_actor(a_user("user-x"), a_member("user-x"))
    found = facts(role, target=target, others=(other_employee, another))

    ended = remove(found, 1, act_of(found))

    assert not ended.member.active
    assert set(another.relied_on) <= set(ended.relies_on)
    assert other_employee.member not in ended.relies_on


@pytest.mark.parametrize("role", [Role.VENDOR, Role.SUPER_ADMIN])
@pytest.mark.parametrize("others", [(), (an_actor(a_user(active=False)),), (a_temporary_partner_admin_actor(),)])
def test_remove_last_super_admin_raises_last_super_admin(role: Role, others: tuple[Actor, ...]) -> None:
    found = facts(role, target=SUPER_ADMIN, others=others)

    with pytest.raises(LastSuperAdmin):
        remove(found, 1, act_of(found))


def test_remove_self_as_last_super_admin_raises_last_super_admin() -> None:
    with pytest.raises(LastSuperAdmin):
        remove(facts(actor=ADMIN, target=ADMIN), 1, an_act())


def test_remove_ordinary_member_needs_no_witness() -> None:
    assert remove(facts(target=ORDINARY, others=()), 1, an_act()).relies_on


def test_remove_super_admin_by_user_manager_raises_forbidden() -> None:
    with pytest.raises(Forbidden):
        remove(facts(Role.USER_MANAGER, target=SUPER_ADMIN, others=(ADMIN,)), 7, an_act(USERS))


def test_remove_partner_admin_by_own_partner_super_admin_succeeds() -> None:
    ended = remove(facts(actor=OWN_PARTNER_SUPER_ADMIN), 1, an_act("user-both"))

    assert ended.notification
    assert ended.notification.cause is Cause.CLIENT


def test_remove_with_other_expected_version_raises_precondition_failed() -> None:
    with pytest.raises(PreconditionFailed):
        remove(facts(), 2, an_act())


@pytest.mark.parametrize("permission_set", ["view_only", "super_admin"])
def test_remove_employee_from_partner_account_offboards_them(permission_set: str) -> None:
    super_admin = Actor(an_employee(MANAGER), a_partner_account_member(MANAGER, "super_admin"))
    employee = an_employee(
        employed_by=frozenset({PARTNER, "partner-south"}), offboardings={PARTNER: 2, "partner-south": 1}
    )
    target = Actor(employee, a_partner_account_member(EMPLOYEE, permission_set))

    ended = remove(
        facts(account=the_partner(), actor=super_admin, target=target, others=(super_admin,)), 1, an_act(MANAGER)
    )

    assert not ended.member.active
    assert ended.former_employee == employee.next_version(
        employed_by=frozenset({"partner-south"}),
        offboardings={PARTNER: 3, "partner-south": 1},
        manager_offboardings={PARTNER: 3},
        employments_ended={PARTNER: NOW},
    )
    assert ended.reconciliation == Reconciliation(
        partner_id=PARTNER, user_id=EMPLOYEE, reason=ReconciliationReason.OFFBOARDED
    )
    assert (ended.audit.event, ended.audit.accounts) == ("member.removed", (PARTNER,))
    assert {employee, target.member} <= set(ended.relies_on)


def test_remove_last_super_admin_of_partner_raises_last_super_admin() -> None:
    super_admin = Actor(an_employee(MANAGER), a_partner_account_member(MANAGER, "super_admin"))

    with pytest.raises(LastSuperAdmin):
        remove(facts(account=the_partner(), actor=super_admin, target=super_admin), 1, an_act(MANAGER))


def test_remove_partner_admin_keeps_membership_start() -> None:
    assert remove(facts(), 1, an_act()).member.since == a_partner_admin().since
    assert remove(facts(), 1, an_act()).act.actor_id == APPROVER
