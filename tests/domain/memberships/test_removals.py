"""What somebody is in an account ends: by whom, what is left of it, and that somebody still runs the account."""

import pytest

from partner_access.domain.errors import Forbidden, LastSuperAdmin, PreconditionFailed
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.memberships.removals import end
from partner_access.domain.memberships.roles import Role
from partner_access.domain.notifications import Cause, CleanUp, LetterKind, Occasion
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner,
    of_the_partner_for_a_day,
    the_partner,
)
from tests.support.membership_facts import ADMIN, MANAGES_USERS, OF_THE_FIRM, TARGET, USERS, act_in, facts
from tests.support.seeded_table import CLERK, MANAGER, staff

CAUSES = {
    Role.VENDOR: Cause.VENDOR,
    Role.SUPER_ADMIN: Cause.CLIENT,
    Role.USER_MANAGER: Cause.CLIENT,
    Role.COLLEAGUE: Cause.PARTNER,
    Role.PARTNER_MANAGER: Cause.PARTNER,
    Role.SELF: Cause.SELF,
}
ORDINARY = an_actor(a_user(CLERK), a_member(CLERK, "sales"))
SUPER = an_actor(a_user(CLERK), a_member(CLERK))


@pytest.mark.parametrize(("capacity", "cause"), CAUSES.items())
def test_a_grant_is_ended_in_every_capacity(capacity: Role, cause: Cause) -> None:
    found = facts(capacity)
    ended = end(found, 1, act_in(found))

    assert (ended.user, ended.before, ended.member.version) == (TARGET.user, TARGET.member, 2)
    assert (ended.member.active, ended.member.grant, ended.member.partner_id) == (False, None, None)
    assert (ended.member.seat, ended.former, ended.clean_up) == (None, None, None)
    assert (ended.audit.event, ended.audit.accounts) == ("grant.revoked", (CLIENT, PARTNER))
    assert ended.audit.details == {"user_id": EMPLOYEE, "capacity": capacity, "grant_id": a_grant().grant_id}
    assert ended.letter
    letter = ended.letter
    assert (letter.kind, letter.cause) == (LetterKind.ACCESS_ENDED, cause)
    assert (letter.employee_id, letter.account_id, letter.partner_id) == (EMPLOYEE, CLIENT, PARTNER)
    assert letter.actor_id == act_in(found).by


def test_who_leaves_is_told_so_in_whatever_capacity_he_might_act() -> None:
    found = facts(actor=MANAGES_USERS, target=MANAGES_USERS)
    ended = end(found, 1, an_act(USERS))

    assert ended.letter
    assert ended.letter.cause is Cause.SELF
    assert (ended.audit.event, ended.audit.details) == (
        "member.removed",
        {"user_id": USERS, "capacity": "user_manager"},
    )
    assert ended.audit.accounts == (CLIENT,)


def test_a_grant_falls_back_to_what_was_before_it() -> None:
    before = a_partner_admin(
        previous=a_member(EMPLOYEE, "sales", added=("crm.import",), seat=Seat.SALES).place,
        suspended_by=frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER}),
    )
    ended = end(facts(target=of_the_partner(member=before)), 1, an_act()).member

    assert (ended.active, ended.permission_set, ended.added, ended.seat) == (True, "sales", ("crm.import",), Seat.SALES)
    assert (ended.grant, ended.previous, ended.partner_id) == (None, None, None)
    assert ended.suspended_by == {SuspensionReason.CLIENT}


def test_without_a_grant_the_membership_ends() -> None:
    ended = end(facts(target=ORDINARY), 1, an_act())

    assert (ended.member.active, ended.member.seat, ended.member.permission_set) == (False, None, "sales")
    assert (ended.audit.event, ended.audit.accounts) == ("member.removed", (CLIENT,))


def test_whom_a_colleague_added_is_ended_by_the_firm_too() -> None:
    added = of_the_partner(member=a_member(EMPLOYEE, "view_only", partner_id=PARTNER))

    for capacity in (Role.COLLEAGUE, Role.PARTNER_MANAGER):
        found = facts(capacity, target=added)
        ended = end(found, 1, act_in(found))
        assert (ended.member.active, ended.audit.accounts) == (False, (CLIENT, PARTNER))


@pytest.mark.parametrize("capacity", [Role.VENDOR, Role.SUPER_ADMIN, Role.SELF])
def test_a_super_admin_goes_while_another_stays_and_is_the_witness(capacity: Role) -> None:
    target = (
        SUPER
        if capacity is not Role.SELF
        else an_actor(a_user(CLERK), a_member(CLERK, removed=("account.users.manage",)))
    )
    other_staff = an_actor(an_employee("user-y"), a_member("user-y"))
    another = an_actor(a_user("user-x"), a_member("user-x"))
    found = facts(capacity, target=target, others=(other_staff, another))

    ended = end(found, 1, act_in(found))

    assert not ended.member.active
    assert set(another.relied_on) <= set(ended.relies_on)
    assert other_staff.member not in ended.relies_on


@pytest.mark.parametrize("capacity", [Role.VENDOR, Role.SUPER_ADMIN])
@pytest.mark.parametrize("others", [(), (an_actor(a_user(active=False)),), (of_the_partner_for_a_day(),)])
def test_the_last_super_admin_stays(capacity: Role, others: tuple[Actor, ...]) -> None:
    found = facts(capacity, target=SUPER, others=others)

    with pytest.raises(LastSuperAdmin):
        end(found, 1, act_in(found))


def test_the_last_super_admin_does_not_leave() -> None:
    with pytest.raises(LastSuperAdmin):
        end(facts(actor=ADMIN, target=ADMIN), 1, an_act())


def test_who_is_no_super_admin_needs_no_witness() -> None:
    assert end(facts(target=ORDINARY, others=()), 1, an_act()).relies_on


def test_who_manages_users_ends_no_super_admin_whatever_version_he_saw() -> None:
    with pytest.raises(Forbidden):
        end(facts(Role.USER_MANAGER, target=SUPER, others=(ADMIN,)), 7, an_act(USERS))


def test_who_works_for_the_firm_too_may_end_what_its_people_have() -> None:
    ended = end(facts(actor=OF_THE_FIRM), 1, an_act("user-both"))

    assert ended.letter
    assert ended.letter.cause is Cause.CLIENT


def test_what_was_seen_must_still_be_so() -> None:
    with pytest.raises(PreconditionFailed):
        end(facts(), 2, an_act())


@pytest.mark.parametrize("permission_set", ["view_only", "super_admin"])
def test_an_employee_who_is_removed_from_his_firm_works_for_it_no_more(permission_set: str) -> None:
    boss = Actor(an_employee(MANAGER), staff(MANAGER, "super_admin"))
    employee = an_employee(
        employed_by=frozenset({PARTNER, "partner-south"}), offboardings={PARTNER: 2, "partner-south": 1}
    )
    target = Actor(employee, staff(EMPLOYEE, permission_set))

    ended = end(facts(account=the_partner(), actor=boss, target=target, others=(boss,)), 1, an_act(MANAGER))

    assert not ended.member.active
    assert ended.former == employee.changed(
        employed_by=frozenset({"partner-south"}), offboardings={PARTNER: 3, "partner-south": 1}
    )
    assert ended.clean_up == CleanUp(partner_id=PARTNER, user_id=EMPLOYEE, reason=Occasion.OFFBOARDED)
    assert (ended.audit.event, ended.audit.accounts) == ("member.removed", (PARTNER,))
    assert {employee, target.member, the_partner()} <= set(ended.relies_on)


def test_the_last_super_admin_of_a_partner_stays_too() -> None:
    boss = Actor(an_employee(MANAGER), staff(MANAGER, "super_admin"))

    with pytest.raises(LastSuperAdmin):
        end(facts(account=the_partner(), actor=boss, target=boss), 1, an_act(MANAGER))


def test_the_client_keeps_whom_it_ended() -> None:
    assert end(facts(), 1, an_act()).member.since == a_partner_admin().since
    assert end(facts(), 1, an_act()).act.by == APPROVER
