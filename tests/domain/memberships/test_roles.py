"""Roles on a membership. A caller without a role gets 404 or 403."""

from collections.abc import Mapping
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.errors import DomainError, Forbidden, NotFound, PreconditionFailed
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.members import Role, SuspensionReason
from partner_access.domain.memberships.roles import authorize
from tests.support.builders import (
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
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
    COLLEAGUE_ACTOR,
    MANAGES_USERS,
    OWN_PARTNER_SUPER_ADMIN,
    PARTNER_MANAGER_ACTOR,
    TARGET,
    act_of,
    facts,
)
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_partner_account_member

SOUTH = "partner-south"
VIEW_ONLY_MEMBER = an_actor(a_user("user-clerk"), a_member("user-clerk", "view_only"))
OTHER_PARTNER_ADMIN = an_actor(
    an_employee("user-south", employed_by=frozenset({SOUTH}), email="south@south.example"),
    a_partner_admin("user-south", partner_id=SOUTH, grant=a_grant(partner_id=SOUTH)),
    partners=[the_partner(account_id=SOUTH, domains=("south.example",))],
)
CLIENT_ACCESS_MANAGER = a_partner_account_member(MANAGER, added=("partner.client_access.manage",))


@pytest.mark.parametrize("role", Role)
def test_authorize_returns_role_of_each_caller(role: Role) -> None:
    found = facts(role)
    held = authorize(found, act_of(found))

    assert held.role is role
    assert (held.user, held.before, held.now) == (TARGET.user, TARGET.member, TARGET.member)
    assert held.role.is_of_the_account is (role in {Role.SUPER_ADMIN, Role.USER_MANAGER})


@pytest.mark.parametrize(
    ("changes", "roles"),
    [
        ({"actor": OWN_PARTNER_SUPER_ADMIN}, [Role.SUPER_ADMIN]),
        ({"actor": an_actor(member=a_member(removed=("account.users.manage",)))}, []),
        ({"actor": VIEW_ONLY_MEMBER}, []),
        ({"actor": MANAGES_USERS, "target": MANAGES_USERS}, [Role.USER_MANAGER, Role.SELF]),
        ({"actor": ADMIN, "target": ADMIN}, [Role.SUPER_ADMIN, Role.SELF]),
        ({"actor": VIEW_ONLY_MEMBER, "target": VIEW_ONLY_MEMBER}, [Role.SELF]),
        ({"actor": COLLEAGUE_ACTOR, "target": COLLEAGUE_ACTOR}, [Role.COLLEAGUE, Role.SELF]),
        ({"actor": COLLEAGUE_ACTOR, "target": VIEW_ONLY_MEMBER}, []),
        ({"actor": COLLEAGUE_ACTOR, "target": OTHER_PARTNER_ADMIN}, []),
        ({"actor": OTHER_PARTNER_ADMIN}, []),
        (
            {
                "actor": a_partner_admin_actor(
                    an_employee(COLLEAGUE), a_partner_admin(COLLEAGUE, removed=("account.users.manage",))
                )
            },
            [],
        ),
        (
            {
                "actor": a_partner_admin_actor(an_employee(MANAGER), a_partner_admin(MANAGER)),
                "manager": PARTNER_MANAGER_ACTOR,
            },
            [Role.COLLEAGUE, Role.PARTNER_MANAGER],
        ),
        (
            {"actor": an_actor(an_employee(MANAGER)), "manager": PARTNER_MANAGER_ACTOR},
            [Role.SUPER_ADMIN, Role.PARTNER_MANAGER],
        ),
        (
            {"actor": Actor(an_employee(MANAGER)), "manager": Actor(an_employee(MANAGER), CLIENT_ACCESS_MANAGER)},
            [Role.PARTNER_MANAGER],
        ),
        (
            {
                "actor": a_partner_admin_actor(target_user := an_employee(), a_partner_admin()),
                "manager": Actor(target_user, a_partner_account_member(EMPLOYEE, "super_admin")),
            },
            [Role.COLLEAGUE, Role.PARTNER_MANAGER, Role.SELF],
        ),
        ({"actor": TARGET}, [Role.SELF]),
    ],
)
def test_authorize_with_several_roles_returns_them_in_order(changes: Mapping[str, Any], roles: list[Role]) -> None:
    found = facts(**changes)

    if roles:
        assert list(authorize(found, act_of(found)).roles) == roles
    else:
        with pytest.raises(Forbidden):
            authorize(found, act_of(found))


@pytest.mark.parametrize(
    "manager",
    [
        NO_ACTOR,
        Actor(an_employee(MANAGER), a_partner_account_member(MANAGER)),
        Actor(an_employee(MANAGER), a_partner_account_member(MANAGER, "super_admin", active=False)),
        Actor(an_employee(MANAGER, active=False), a_partner_account_member(MANAGER, "super_admin")),
        Actor(an_employee(MANAGER), a_partner_account_member(MANAGER, "super_admin", account_id=SOUTH)),
    ],
)
@pytest.mark.parametrize("target", [TARGET, NO_ACTOR, VIEW_ONLY_MEMBER])
def test_authorize_by_stranger_raises_not_found(manager: Actor, target: Actor) -> None:
    with pytest.raises(NotFound):
        authorize(facts(actor=Actor(an_employee(MANAGER)), manager=manager, target=target), an_act(MANAGER))


@pytest.mark.parametrize(
    "target", [VIEW_ONLY_MEMBER, NO_ACTOR, an_actor(a_user("user-clerk"), a_member("user-clerk", active=False))]
)
def test_authorize_partner_manager_for_other_members_raises_not_found(target: Actor) -> None:
    with pytest.raises(NotFound):
        authorize(facts(Role.PARTNER_MANAGER, target=target), an_act(MANAGER))


MISSING_MEMBER: list[Mapping[str, Any]] = [
    {"target": Actor()},
    {"target": Actor(an_employee())},
    {"target": Actor(None, a_member(EMPLOYEE, "sales"))},
    {"target": a_partner_admin_actor(member=a_partner_admin(active=False))},
    {"target": a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW)))},
    {"target": a_partner_admin_actor(an_employee(offboardings={PARTNER: 1}))},
    {"target": a_partner_admin_actor(terminations=1)},
    {"account": None},
]


@pytest.mark.parametrize("changes", MISSING_MEMBER)
@pytest.mark.parametrize("role", [Role.VENDOR, Role.SUPER_ADMIN, Role.USER_MANAGER])
def test_authorize_for_missing_member_raises_not_found(role: Role, changes: Mapping[str, Any]) -> None:
    found = facts(role, **changes)

    with pytest.raises(NotFound):
        authorize(found, act_of(found))


@pytest.mark.parametrize("changes", MISSING_MEMBER[:-1])
def test_authorize_without_role_raises_same_error_for_missing_member(changes: Mapping[str, Any]) -> None:
    for actor, error in (
        (VIEW_ONLY_MEMBER, Forbidden),
        (COLLEAGUE_ACTOR, Forbidden),
        (Actor(a_user("user-stranger")), NotFound),
    ):
        found = facts(**changes, actor=actor)
        with pytest.raises(error):
            authorize(found, act_of(found))


@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (an_actor(a_user(active=False)), Forbidden),
        (an_actor(member=a_member(active=False)), NotFound),
        (
            a_partner_admin_actor(an_employee(COLLEAGUE), a_partner_admin(COLLEAGUE), program=Program.SUSPENDED),
            Forbidden,
        ),
        (
            a_partner_admin_actor(
                an_employee(COLLEAGUE), a_partner_admin(COLLEAGUE, suspended_by=frozenset({SuspensionReason.PARTNER}))
            ),
            Forbidden,
        ),
        (an_actor(member=a_member(suspended_by=frozenset({SuspensionReason.CLIENT}))), Forbidden),
    ],
)
def test_authorize_by_inactive_or_suspended_caller_is_refused(actor: Actor, error: type[DomainError]) -> None:
    found = facts(actor=actor)

    with pytest.raises(error):
        authorize(found, act_of(found))


def test_authorize_suspended_user_on_self_succeeds_unless_deactivated() -> None:
    suspended = a_partner_admin(suspended_by=frozenset(SuspensionReason))
    target = a_partner_admin_actor(member=suspended, program=Program.SUSPENDED)
    found = facts(target=target, actor=target)
    assert authorize(found, act_of(found)).roles == (Role.SELF,)

    barred = a_partner_admin_actor(an_employee(active=False), suspended)
    found = facts(target=barred, actor=barred)
    with pytest.raises(Forbidden):
        authorize(found, act_of(found))


def test_authorize_partner_manager_with_suspended_program_succeeds() -> None:
    target = a_partner_admin_actor(program=Program.SUSPENDED)

    assert authorize(facts(Role.PARTNER_MANAGER, target=target), an_act(MANAGER)).role is Role.PARTNER_MANAGER


@pytest.mark.parametrize("role", Role)
def test_authorize_in_closed_account_succeeds_for_every_role(role: Role) -> None:
    found = facts(role, account=the_client(state=AccountState.CLOSED))

    assert authorize(found, act_of(found)).role is role


def test_authorize_checks_role_before_account_state() -> None:
    closed = the_client(state=AccountState.CLOSED)

    with pytest.raises(Forbidden):
        authorize(facts(account=closed, actor=VIEW_ONLY_MEMBER), an_act("user-clerk"))
    with pytest.raises(NotFound):
        authorize(facts(account=closed, target=NO_ACTOR), an_act())


def test_authorize_relies_on_account_and_records_of_caller_and_target() -> None:
    own = a_custom_set(permissions=("account.users.manage",))
    caller = an_actor(a_user("user-users"), a_member("user-users", CUSTOM_SET), sets=[own])
    held = authorize(facts(actor=caller), an_act("user-users"))

    assert set(held.relied_on) == {the_client(), *caller.relied_on, *TARGET.relied_on}
    assert own in held.relied_on
    assert the_partner() in held.relied_on


def test_authorize_partner_manager_relies_on_membership_in_partner_account() -> None:
    held = authorize(facts(Role.PARTNER_MANAGER), an_act(MANAGER))

    # domain.md rule 46: not on the client account
    assert set(held.relied_on) == {*PARTNER_MANAGER_ACTOR.relied_on, *TARGET.relied_on}


def test_authorize_without_manager_role_ignores_membership_in_partner_account() -> None:
    at_partner = Actor(an_employee(BOTH), a_partner_account_member(BOTH))
    held = authorize(facts(actor=OWN_PARTNER_SUPER_ADMIN, manager=at_partner), an_act(BOTH))

    assert at_partner.member not in held.relied_on


def test_authorize_vendor_relies_on_target_only() -> None:
    found = facts(Role.VENDOR, actor=VIEW_ONLY_MEMBER, manager=PARTNER_MANAGER_ACTOR)
    held = authorize(found, an_act("user-clerk", for_vendor=True))

    assert held.roles == (Role.VENDOR,)
    assert set(held.relied_on) == {the_client(), *TARGET.relied_on}


def test_authorize_after_expired_grant_raises_not_found() -> None:
    before = a_partner_admin(grant=a_grant(expires_at=NOW, former_set="sales"), version=4)

    with pytest.raises(NotFound):
        authorize(facts(target=a_partner_admin_actor(member=before)), an_act())


def test_must_match_version_with_other_version_raises_precondition_failed() -> None:
    target = a_partner_admin_actor(member=a_partner_admin(version=4))
    held = authorize(facts(target=target), an_act())

    held.must_match_version(4)
    for other in (3, 5, -1):
        with pytest.raises(PreconditionFailed):
            held.must_match_version(other)
