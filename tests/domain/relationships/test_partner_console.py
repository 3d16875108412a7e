"""The partner console: the employees it shows, its readers, and the callers who can add colleagues."""

from datetime import timedelta

import pytest

from partner_access.domain.accounts import Account, Program
from partner_access.domain.errors import DomainError, Forbidden, NotFound
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.relationships.partner_console import (
    ClientMembership,
    client_membership,
    listed_employee_id,
    must_add_colleagues,
)
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

SOUTH = "partner-south"
MANAGE = "partner.client_access.manage"
SUPER_ADMIN = an_actor(an_employee(), a_member(EMPLOYEE, account_id=PARTNER))
MANAGER = an_actor(an_employee(), a_member(EMPLOYEE, "view_only", account_id=PARTNER, added=(MANAGE,)))
OTHER_EMPLOYEE = an_actor(an_employee(), a_member(EMPLOYEE, "view_only", account_id=PARTNER))
MANAGER_BY_CUSTOM_SET = an_actor(
    an_employee(),
    a_member(EMPLOYEE, CUSTOM_SET, account_id=PARTNER),
    sets=[a_custom_set(account_id=PARTNER, permissions=(MANAGE,))],
)

# readers of the console


@pytest.mark.parametrize("caller", [SUPER_ADMIN, MANAGER, MANAGER_BY_CUSTOM_SET])
@pytest.mark.parametrize("employee_id", [None, EMPLOYEE, "user-colleague"])
def test_who_manages_client_access_is_shown_whomever_he_asks_for(caller: Actor, employee_id: str | None) -> None:
    assert listed_employee_id(caller, the_partner(), employee_id, an_act(EMPLOYEE)) == employee_id


@pytest.mark.parametrize("employee_id", [None, EMPLOYEE])
def test_another_employee_is_shown_himself(employee_id: str | None) -> None:
    assert listed_employee_id(OTHER_EMPLOYEE, the_partner(), employee_id, an_act(EMPLOYEE)) == EMPLOYEE


def test_another_employee_is_not_shown_a_colleague() -> None:
    with pytest.raises(Forbidden):
        listed_employee_id(OTHER_EMPLOYEE, the_partner(), "user-colleague", an_act(EMPLOYEE))


def test_the_console_is_open_while_the_program_is_stopped() -> None:
    stopped = the_partner(program=Program.SUSPENDED)

    assert listed_employee_id(MANAGER, stopped, None, an_act(EMPLOYEE)) is None


@pytest.mark.parametrize(
    ("caller", "partner", "error"),
    [
        (MANAGER, None, NotFound),
        (MANAGER, the_client(), NotFound),
        (Actor(an_employee()), the_partner(), NotFound),
        (an_actor(an_employee(), a_member(EMPLOYEE, account_id=PARTNER, active=False)), the_partner(), NotFound),
        (an_actor(an_employee(active=False), a_member(EMPLOYEE, account_id=PARTNER)), the_partner(), Forbidden),
    ],
)
def test_to_others_there_is_no_console(caller: Actor, partner: Account | None, error: type[DomainError]) -> None:
    with pytest.raises(error):
        listed_employee_id(caller, partner, None, an_act(EMPLOYEE))


# employees that it shows


def membership_of(actor: Actor, account: Account | None = None) -> ClientMembership | None:
    return client_membership(PARTNER, account or the_client(), actor, NOW)


@pytest.mark.parametrize(
    "actor",
    [
        a_partner_admin_actor(),
        a_partner_admin_actor(member=a_member(EMPLOYEE, "sales", partner_id=PARTNER)),
        a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))),
        a_partner_admin_actor(an_employee(active=False)),
        a_partner_admin_actor(an_employee(employed_by=frozenset())),
        a_partner_admin_actor(program=Program.SUSPENDED),
    ],
)
def test_whoever_is_there_on_behalf_of_the_firm_is_shown_even_while_he_has_no_access(actor: Actor) -> None:
    found = membership_of(actor)

    assert found == ClientMembership(the_client(), actor, actor.member)  # type: ignore[arg-type]  # the actor has a membership
    assert (found.user_id, found.created_by_client) == (EMPLOYEE, False)


@pytest.mark.parametrize("permission_set", ["super_admin", "sales"])
def test_an_employee_whom_the_client_made_a_member_is_shown_as_that(permission_set: str) -> None:
    found = membership_of(an_actor(an_employee(), a_member(EMPLOYEE, permission_set)))

    assert found
    assert found.created_by_client


def test_a_membership_counts_as_it_is_now() -> None:
    was = a_member(EMPLOYEE, "sales").assignment
    found = membership_of(a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW), previous=was)))

    assert found
    assert (found.member.permission_set, found.created_by_client) == ("sales", True)


@pytest.mark.parametrize(
    "actor",
    [
        Actor(),
        Actor(an_employee()),
        Actor(None, a_partner_admin(), {PARTNER: the_partner()}),
        Actor(None, a_member(EMPLOYEE)),
        a_partner_admin_actor(member=a_partner_admin(active=False)),
        a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW))),
        a_partner_admin_actor(an_employee(offboardings={PARTNER: 1})),
        a_partner_admin_actor(terminations=1),
        an_actor(an_employee(), a_member(EMPLOYEE, active=False)),
        an_actor(an_employee(employed_by=frozenset()), a_member(EMPLOYEE)),
        an_actor(an_employee(employed_by=frozenset({SOUTH})), a_member(EMPLOYEE)),
        an_actor(
            an_employee(employed_by=frozenset({PARTNER, SOUTH})),
            a_member(EMPLOYEE, "sales", partner_id=SOUTH),
            partners=[the_partner(account_id=SOUTH)],
        ),
    ],
)
def test_whoever_is_not_the_firms_or_not_there_is_not_shown(actor: Actor) -> None:
    assert membership_of(actor) is None


def test_neither_the_firm_itself_nor_an_account_that_is_gone_is_shown() -> None:
    assert membership_of(SUPER_ADMIN, the_partner()) is None
    assert client_membership(PARTNER, None, a_partner_admin_actor(), NOW) is None


# adding colleagues


@pytest.mark.parametrize(
    "caller",
    [
        a_partner_admin_actor(),
        a_partner_admin_actor(
            member=a_member(EMPLOYEE, "view_only", partner_id=PARTNER, added=("account.users.manage",))
        ),
        a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW + timedelta(seconds=1)))),
    ],
)
def test_colleagues_are_brought_in_by_who_manages_users_for_the_firm(caller: Actor) -> None:
    must_add_colleagues(caller, PARTNER, an_act(EMPLOYEE))


@pytest.mark.parametrize(
    ("caller", "error"),
    [
        (Actor(an_employee()), NotFound),
        (a_partner_admin_actor(member=a_partner_admin(active=False)), NotFound),
        (a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW))), NotFound),
        (an_actor(a_user()), Forbidden),
        (an_actor(an_employee(), a_member(EMPLOYEE)), Forbidden),
        (a_partner_admin_actor(an_employee(active=False)), Forbidden),
        (a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER}))), Forbidden),
        (a_partner_admin_actor(member=a_partner_admin(removed=("account.users.manage",))), Forbidden),
        (a_partner_admin_actor(member=a_member(EMPLOYEE, "sales", partner_id=PARTNER)), Forbidden),
        (a_partner_admin_actor(program=Program.SUSPENDED), Forbidden),
    ],
)
def test_nobody_else_brings_them_in(caller: Actor, error: type[DomainError]) -> None:
    with pytest.raises(error):
        must_add_colleagues(caller, PARTNER, an_act(EMPLOYEE))


def test_whoever_is_there_for_another_firm_brings_in_nobody_of_this_one() -> None:
    with pytest.raises(Forbidden):
        must_add_colleagues(a_partner_admin_actor(), SOUTH, an_act(EMPLOYEE))
