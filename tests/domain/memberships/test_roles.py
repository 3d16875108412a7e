"""In which capacity somebody lays hands on a membership; to whoever has none, there is nothing or no right."""

from collections.abc import Mapping
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.errors import Forbidden, NotFound, PreconditionFailed, Refused
from partner_access.domain.memberships.actors import NOBODY, Actor
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.memberships.roles import Role, hold
from tests.support.builders import (
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner,
    the_client,
    the_partner,
)
from tests.support.membership_facts import (
    ADMIN,
    AT_THE_FIRM,
    BOTH,
    FELLOW,
    MANAGES_USERS,
    OF_THE_FIRM,
    TARGET,
    act_in,
    facts,
)
from tests.support.seeded_table import COLLEAGUE, MANAGER, staff

SOUTH = "partner-south"
CLERK = an_actor(a_user("user-clerk"), a_member("user-clerk", "view_only"))
OF_THE_SOUTH = an_actor(
    an_employee("user-south", employed_by=frozenset({SOUTH}), email="south@south.example"),
    a_partner_admin("user-south", partner_id=SOUTH, grant=a_grant(partner_id=SOUTH)),
    firms=[the_partner(account_id=SOUTH, domains=("south.example",))],
)
HELD_ONLY_THERE = staff(MANAGER, added=("partner.client_access.manage",))


@pytest.mark.parametrize("capacity", Role)
def test_each_has_the_capacity_that_is_his(capacity: Role) -> None:
    found = facts(capacity)
    held = hold(found, act_in(found))

    assert held.capacity is capacity
    assert (held.user, held.before, held.now) == (TARGET.user, TARGET.member, TARGET.member)
    assert held.capacity.is_of_the_account is (capacity in {Role.SUPER_ADMIN, Role.USER_MANAGER})


@pytest.mark.parametrize(
    ("changes", "capacities"),
    [
        ({"actor": OF_THE_FIRM}, [Role.SUPER_ADMIN]),
        ({"actor": an_actor(member=a_member(removed=("account.users.manage",)))}, []),
        ({"actor": CLERK}, []),
        ({"actor": MANAGES_USERS, "target": MANAGES_USERS}, [Role.USER_MANAGER, Role.SELF]),
        ({"actor": ADMIN, "target": ADMIN}, [Role.SUPER_ADMIN, Role.SELF]),
        ({"actor": CLERK, "target": CLERK}, [Role.SELF]),
        ({"actor": FELLOW, "target": FELLOW}, [Role.COLLEAGUE, Role.SELF]),
        ({"actor": FELLOW, "target": CLERK}, []),
        ({"actor": FELLOW, "target": OF_THE_SOUTH}, []),
        ({"actor": OF_THE_SOUTH}, []),
        (
            {
                "actor": of_the_partner(
                    an_employee(COLLEAGUE), a_partner_admin(COLLEAGUE, removed=("account.users.manage",))
                )
            },
            [],
        ),
        (
            {
                "actor": of_the_partner(an_employee(MANAGER), a_partner_admin(MANAGER)),
                "manager": AT_THE_FIRM,
            },
            [Role.COLLEAGUE, Role.PARTNER_MANAGER],
        ),
        (
            {"actor": an_actor(an_employee(MANAGER)), "manager": AT_THE_FIRM},
            [Role.SUPER_ADMIN, Role.PARTNER_MANAGER],
        ),
        (
            {"actor": Actor(an_employee(MANAGER)), "manager": Actor(an_employee(MANAGER), HELD_ONLY_THERE)},
            [Role.PARTNER_MANAGER],
        ),
        (
            {
                "actor": of_the_partner(target_user := an_employee(), a_partner_admin()),
                "manager": Actor(target_user, staff(EMPLOYEE, "super_admin")),
            },
            [Role.COLLEAGUE, Role.PARTNER_MANAGER, Role.SELF],
        ),
        ({"actor": TARGET}, [Role.SELF]),
    ],
)
def test_who_is_several_things_has_several_capacities_in_their_order(
    changes: Mapping[str, Any], capacities: list[Role]
) -> None:
    found = facts(**changes)

    if capacities:
        assert list(hold(found, act_in(found)).capacities) == capacities
    else:
        with pytest.raises(Forbidden):
            hold(found, act_in(found))


@pytest.mark.parametrize(
    "manager",
    [
        NOBODY,
        Actor(an_employee(MANAGER), staff(MANAGER)),
        Actor(an_employee(MANAGER), staff(MANAGER, "super_admin", active=False)),
        Actor(an_employee(MANAGER, active=False), staff(MANAGER, "super_admin")),
        Actor(an_employee(MANAGER), staff(MANAGER, "super_admin", account_id=SOUTH)),
    ],
)
@pytest.mark.parametrize("target", [TARGET, NOBODY, CLERK])
def test_to_who_has_nothing_to_do_with_it_there_is_nothing(manager: Actor, target: Actor) -> None:
    with pytest.raises(NotFound):
        hold(facts(actor=Actor(an_employee(MANAGER)), manager=manager, target=target), an_act(MANAGER))


@pytest.mark.parametrize(
    "target", [CLERK, NOBODY, an_actor(a_user("user-clerk"), a_member("user-clerk", active=False))]
)
def test_a_manager_of_the_firm_has_no_hand_on_others(target: Actor) -> None:
    with pytest.raises(NotFound):
        hold(facts(Role.PARTNER_MANAGER, target=target), an_act(MANAGER))


GONE: list[Mapping[str, Any]] = [
    {"target": Actor()},
    {"target": Actor(an_employee())},
    {"target": Actor(None, a_member(EMPLOYEE, "sales"))},
    {"target": of_the_partner(member=a_partner_admin(active=False))},
    {"target": of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW)))},
    {"target": of_the_partner(an_employee(offboardings={PARTNER: 1}))},
    {"target": of_the_partner(terminations=1)},
    {"account": None},
]


@pytest.mark.parametrize("changes", GONE)
@pytest.mark.parametrize("capacity", [Role.VENDOR, Role.SUPER_ADMIN, Role.USER_MANAGER])
def test_who_is_no_member_is_not_found(capacity: Role, changes: Mapping[str, Any]) -> None:
    found = facts(capacity, **changes)

    with pytest.raises(NotFound):
        hold(found, act_in(found))


@pytest.mark.parametrize("changes", GONE[:-1])
def test_nobody_without_a_capacity_learns_who_is_a_member(changes: Mapping[str, Any]) -> None:
    for actor, refusal in ((CLERK, Forbidden), (FELLOW, Forbidden), (Actor(a_user("user-stranger")), NotFound)):
        found = facts(**changes, actor=actor)
        with pytest.raises(refusal):
            hold(found, act_in(found))


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [
        (an_actor(a_user(active=False)), Forbidden),
        (an_actor(member=a_member(active=False)), NotFound),
        (of_the_partner(an_employee(COLLEAGUE), a_partner_admin(COLLEAGUE), program=Program.SUSPENDED), Forbidden),
        (
            of_the_partner(
                an_employee(COLLEAGUE), a_partner_admin(COLLEAGUE, suspended_by=frozenset({SuspensionReason.PARTNER}))
            ),
            Forbidden,
        ),
        (an_actor(member=a_member(suspended_by=frozenset({SuspensionReason.CLIENT}))), Forbidden),
    ],
)
def test_who_may_nothing_now_has_no_capacity(actor: Actor, refusal: type[Refused]) -> None:
    found = facts(actor=actor)

    with pytest.raises(refusal):
        hold(found, act_in(found))


def test_whoever_is_suspended_may_still_leave_unless_the_vendor_has_deactivated_him() -> None:
    suspended = a_partner_admin(suspended_by=frozenset(SuspensionReason))
    target = of_the_partner(member=suspended, program=Program.SUSPENDED)
    found = facts(target=target, actor=target)
    assert hold(found, act_in(found)).capacities == (Role.SELF,)

    barred = of_the_partner(an_employee(active=False), suspended)
    found = facts(target=barred, actor=barred)
    with pytest.raises(Forbidden):
        hold(found, act_in(found))


def test_a_managers_hand_reaches_as_far_as_his_firm_whatever_its_program() -> None:
    target = of_the_partner(program=Program.SUSPENDED)

    assert hold(facts(Role.PARTNER_MANAGER, target=target), an_act(MANAGER)).capacity is Role.PARTNER_MANAGER


@pytest.mark.parametrize("capacity", Role)
def test_in_a_closed_account_access_can_still_be_taken_away(capacity: Role) -> None:
    found = facts(capacity, account=the_client(state=AccountState.CLOSED))

    assert hold(found, act_in(found)).capacity is capacity


def test_authority_comes_before_the_accounts_state_and_that_of_the_member() -> None:
    closed = the_client(state=AccountState.CLOSED)

    with pytest.raises(Forbidden):
        hold(facts(account=closed, actor=CLERK), an_act("user-clerk"))
    with pytest.raises(NotFound):
        hold(facts(account=closed, target=NOBODY), an_act())


def test_what_is_held_rests_on_the_account_and_on_all_that_stands_behind_both() -> None:
    own = a_custom_set(permissions=("account.users.manage",))
    caller = an_actor(a_user("user-users"), a_member("user-users", CUSTOM_SET), sets=[own])
    held = hold(facts(actor=caller), an_act("user-users"))

    assert set(held.relied_on) == {the_client(), *caller.relied_on, *TARGET.relied_on}
    assert own in held.relied_on
    assert the_partner() in held.relied_on


def test_what_a_manager_does_rests_on_what_he_is_at_his_firm() -> None:
    held = hold(facts(Role.PARTNER_MANAGER), an_act(MANAGER))

    assert set(held.relied_on) == {the_client(), *AT_THE_FIRM.relied_on, *TARGET.relied_on}


def test_what_he_is_at_his_firm_does_not_matter_where_it_brings_no_capacity() -> None:
    at_the_firm = Actor(an_employee(BOTH), staff(BOTH))
    held = hold(facts(actor=OF_THE_FIRM, manager=at_the_firm), an_act(BOTH))

    assert at_the_firm.member not in held.relied_on


def test_what_the_vendor_does_rests_on_the_member_alone() -> None:
    found = facts(Role.VENDOR, actor=CLERK, manager=AT_THE_FIRM)
    held = hold(found, an_act("user-clerk", for_vendor=True))

    assert held.capacities == (Role.VENDOR,)
    assert set(held.relied_on) == {the_client(), *TARGET.relied_on}


@pytest.mark.parametrize(
    ("actor", "target", "by_own_firm"),
    [
        (OF_THE_FIRM, TARGET, True),
        (FELLOW, TARGET, True),
        (ADMIN, TARGET, False),
        (OF_THE_FIRM, CLERK, False),
        (OF_THE_FIRM, Actor(an_employee(), a_member(EMPLOYEE, "sales")), False),
    ],
)
def test_whose_firm_it_is(actor: Actor, target: Actor, by_own_firm: bool) -> None:
    found = facts(actor=actor, target=target)

    assert hold(found, act_in(found)).by_own_firm is by_own_firm


def test_what_counts_is_what_is_left_when_a_grant_is_over() -> None:
    before = a_partner_admin(grant=a_grant(expires_at=NOW), previous=a_member(EMPLOYEE, "sales").place, version=4)
    held = hold(facts(target=of_the_partner(member=before)), an_act())

    assert (held.before, held.now.permission_set, held.now.partner_id) == (before, "sales", None)


def test_an_edit_names_the_version_that_it_saw() -> None:
    target = of_the_partner(member=a_partner_admin(version=4))
    held = hold(facts(target=target), an_act())

    held.must_be_as_seen(4)
    for other in (3, 5, -1):
        with pytest.raises(PreconditionFailed):
            held.must_be_as_seen(other)
