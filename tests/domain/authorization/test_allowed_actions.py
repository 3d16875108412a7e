"""Tests of the allowed actions. tests/functions/test_allowed_actions.py compares them with what the API accepts."""

from typing import Any

import pytest

from partner_access.domain.accounts import AccountState
from partner_access.domain.authorization import allowed_actions
from partner_access.domain.authorization.allowed_actions import AccountAction, EmployeeAction, MemberAction
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.members import Role, SuspensionReason
from partner_access.domain.relationships.offboarding import OffboardingFacts
from tests.support.builders import (
    APPROVER,
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
from tests.support.membership_facts import ADMIN, PARTNER_MANAGER_ACTOR, act_of, facts
from tests.support.partner_employees import ACCESS_MANAGER, OUTSIDER_ACTOR, SELF
from tests.support.partner_employees import act_of as act_of_employee

EDIT, END, MIGRATE = MemberAction.EDIT, MemberAction.CHANGE_END, MemberAction.MIGRATE
SUSPEND, RESUME, REMOVE = MemberAction.SUSPEND, MemberAction.RESUME, MemberAction.REMOVE
BY_CLIENT = a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})))
EMPLOYED_ADMIN = an_actor(an_employee("user-both"), a_member("user-both"))
FULL_CLIENT = the_client(partner_seat_limit=1, partner_seats_used=1)


@pytest.mark.parametrize(
    ("role", "changes", "expected"),
    [
        (Role.SUPER_ADMIN, {}, (EDIT, END, SUSPEND, REMOVE)),
        (Role.SUPER_ADMIN, {"target": BY_CLIENT}, (EDIT, END, RESUME, REMOVE)),
        (Role.SUPER_ADMIN, {"target": EMPLOYED_ADMIN, "partner": the_partner()}, (EDIT, MIGRATE, REMOVE)),
        (
            Role.SUPER_ADMIN,
            {"target": EMPLOYED_ADMIN, "partner": the_partner(), "others": (ADMIN,)},
            (EDIT, MIGRATE, REMOVE),
        ),
        (
            Role.SUPER_ADMIN,
            {"target": EMPLOYED_ADMIN, "partner": the_partner(), "others": (ADMIN,), "account": FULL_CLIENT},
            (EDIT, MIGRATE, REMOVE),
        ),
        (Role.SUPER_ADMIN, {"target": EMPLOYED_ADMIN}, (EDIT, REMOVE)),
        (Role.SUPER_ADMIN, {"account": the_client(state=AccountState.CLOSED)}, (SUSPEND, REMOVE)),
        (Role.SUPER_ADMIN, {"target": NO_ACTOR}, ()),
        (Role.USER_MANAGER, {}, (EDIT, END, SUSPEND, REMOVE)),
        (Role.USER_MANAGER, {"target": EMPLOYED_ADMIN, "partner": the_partner()}, ()),
        (Role.COLLEAGUE, {}, (EDIT, REMOVE)),
        (Role.PARTNER_MANAGER, {}, (EDIT, SUSPEND, REMOVE)),
        (Role.SELF, {}, (REMOVE,)),
    ],
)
def test_on_member_returns_actions_that_the_rules_permit(
    role: Role, changes: dict[str, Any], expected: tuple[MemberAction, ...]
) -> None:
    given = facts(role, **changes)

    assert allowed_actions.on_member(given, act_of(given, for_vendor=False)) == expected


LIST, CREATE, APPROVE = AccountAction.LIST_USERS, AccountAction.CREATE_USER, AccountAction.APPROVE_LINKS
ACCEPT, PAY, MANAGE = (
    AccountAction.ACCEPT_SET_UPDATES,
    AccountAction.ASSIGN_PAID_SEATS,
    AccountAction.MANAGE_CLIENT_ACCESS,
)


@pytest.mark.parametrize(
    ("actor", "account", "expected"),
    [
        (ADMIN, the_client(), (LIST, CREATE, APPROVE, ACCEPT, PAY)),
        (ADMIN, the_client(state=AccountState.CLOSED), (LIST,)),
        (
            an_actor(member=a_member(permission_set="view_only", added=("account.users.manage",))),
            the_client(),
            (LIST, CREATE, APPROVE, ACCEPT),
        ),
        (an_actor(member=a_member(permission_set="view_only")), the_client(), ()),
        (an_actor(a_user(active=False)), the_client(), ()),
        (a_partner_admin_actor(), the_client(), (LIST,)),
        (PARTNER_MANAGER_ACTOR, the_partner(), (LIST, ACCEPT, PAY, MANAGE)),
        (ACCESS_MANAGER, the_partner(), (MANAGE,)),
        (ACCESS_MANAGER, the_client(), ()),
    ],
)
def test_in_account_returns_actions_of_the_callers_rights(
    actor: Actor, account: Any, expected: tuple[AccountAction, ...]
) -> None:
    assert allowed_actions.in_account(account, actor, an_act()) == expected


@pytest.mark.parametrize(
    ("caller", "partner_id", "is_allowed"),
    [
        (a_partner_admin_actor(), PARTNER, True),
        (a_partner_admin_actor(), "partner-south", False),
        (a_partner_admin_actor(member=a_partner_admin(removed=("account.users.manage",))), PARTNER, False),
        (BY_CLIENT, PARTNER, False),
        (ADMIN, PARTNER, False),
        (NO_ACTOR, PARTNER, False),
    ],
)
def test_in_client_allows_colleagues_to_partner_members_who_manage_users(
    caller: Actor, partner_id: str, is_allowed: bool
) -> None:
    actions = allowed_actions.in_client(caller, partner_id, an_act(APPROVER))

    assert actions == ((allowed_actions.ClientAction.ADD_COLLEAGUES,) if is_allowed else ())


LINK, OFFBOARD = EmployeeAction.CREATE_LINK, EmployeeAction.OFFBOARD


@pytest.mark.parametrize(
    ("caller", "employee", "expected"),
    [
        (ACCESS_MANAGER, SELF, (LINK, OFFBOARD)),
        (ACCESS_MANAGER, Actor(an_employee(email=None), SELF.member), (OFFBOARD,)),
        (ACCESS_MANAGER, NO_ACTOR, ()),
        (SELF, SELF, (OFFBOARD,)),
        (SELF, ACCESS_MANAGER, ()),
        (OUTSIDER_ACTOR, SELF, ()),
    ],
)
def test_on_employee_returns_actions_that_the_rules_permit(
    caller: Actor, employee: Actor, expected: tuple[EmployeeAction, ...]
) -> None:
    given = OffboardingFacts(partner=the_partner(), actor=caller, employee=employee)

    assert allowed_actions.on_employee(given, act_of_employee(caller)) == expected
