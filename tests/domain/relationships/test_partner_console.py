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
def test_listed_for_client_access_manager_returns_requested_employee(caller: Actor, employee_id: str | None) -> None:
    assert listed_employee_id(caller, the_partner(), employee_id, an_act(EMPLOYEE)) == employee_id


@pytest.mark.parametrize("employee_id", [None, EMPLOYEE])
def test_listed_for_other_employee_returns_only_self(employee_id: str | None) -> None:
    assert listed_employee_id(OTHER_EMPLOYEE, the_partner(), employee_id, an_act(EMPLOYEE)) == EMPLOYEE


def test_listed_for_other_employee_requesting_colleague_raises_forbidden() -> None:
    with pytest.raises(Forbidden):
        listed_employee_id(OTHER_EMPLOYEE, the_partner(), "user-colleague", an_act(EMPLOYEE))


def test_listed_for_partner_with_suspended_program_succeeds() -> None:
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
def test_listed_for_non_employee_is_refused(caller: Actor, partner: Account | None, error: type[DomainError]) -> None:
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
def test_client_membership_of_partner_member_without_access_is_shown(actor: Actor) -> None:
    found = membership_of(actor)

    assert found == ClientMembership(the_client(), actor, actor.member)  # type: ignore[arg-type]  # the actor has a membership
    assert (found.user_id, found.created_by_client) == (EMPLOYEE, False)


@pytest.mark.parametrize("permission_set", ["super_admin", "sales"])
def test_client_membership_created_by_client_has_made_by_client(permission_set: str) -> None:
    found = membership_of(an_actor(an_employee(), a_member(EMPLOYEE, permission_set)))

    assert found
    assert found.created_by_client


def test_client_membership_after_expired_grant_is_none() -> None:
    over = a_partner_admin(grant=a_grant(expires_at=NOW, former_set="sales"))

    assert membership_of(a_partner_admin_actor(member=over)) is None


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
def test_client_membership_of_non_employee_or_former_member_is_none(actor: Actor) -> None:
    assert membership_of(actor) is None


def test_client_membership_in_partner_or_missing_account_is_none() -> None:
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
def test_must_bring_in_by_partner_member_managing_users_succeeds(caller: Actor) -> None:
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
def test_must_bring_in_by_other_caller_is_refused(caller: Actor, error: type[DomainError]) -> None:
    with pytest.raises(error):
        must_add_colleagues(caller, PARTNER, an_act(EMPLOYEE))


def test_must_bring_in_for_other_partner_raises_forbidden() -> None:
    with pytest.raises(Forbidden):
        must_add_colleagues(a_partner_admin_actor(), SOUTH, an_act(EMPLOYEE))
