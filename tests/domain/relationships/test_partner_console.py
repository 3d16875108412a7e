"""The partner's console: whom of the firm it shows, to whom, and who brings in colleagues."""

from datetime import timedelta

import pytest

from partner_access.domain.accounts import Account, Program
from partner_access.domain.errors import Forbidden, NotFound, Refused
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.relationships.partner_console import Presence, listed_for, must_bring_in, presence
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

SOUTH = "partner-south"
MANAGE = "partner.client_access.manage"
SUPER_ADMIN = an_actor(an_employee(), a_member(EMPLOYEE, account_id=PARTNER))
MANAGER = an_actor(an_employee(), a_member(EMPLOYEE, "view_only", account_id=PARTNER, added=(MANAGE,)))
ANOTHER = an_actor(an_employee(), a_member(EMPLOYEE, "view_only", account_id=PARTNER))
BY_SET = an_actor(
    an_employee(),
    a_member(EMPLOYEE, CUSTOM_SET, account_id=PARTNER),
    sets=[a_custom_set(account_id=PARTNER, permissions=(MANAGE,))],
)

# who is shown whom


@pytest.mark.parametrize("caller", [SUPER_ADMIN, MANAGER, BY_SET])
@pytest.mark.parametrize("employee_id", [None, EMPLOYEE, "user-colleague"])
def test_who_manages_client_access_is_shown_whomever_he_asks_for(caller: Actor, employee_id: str | None) -> None:
    assert listed_for(caller, the_partner(), employee_id, an_act(EMPLOYEE)) == employee_id


@pytest.mark.parametrize("employee_id", [None, EMPLOYEE])
def test_another_employee_is_shown_himself(employee_id: str | None) -> None:
    assert listed_for(ANOTHER, the_partner(), employee_id, an_act(EMPLOYEE)) == EMPLOYEE


def test_another_employee_is_not_shown_a_colleague() -> None:
    with pytest.raises(Forbidden):
        listed_for(ANOTHER, the_partner(), "user-colleague", an_act(EMPLOYEE))


def test_the_console_is_open_while_the_program_is_stopped() -> None:
    stopped = the_partner(program=Program.SUSPENDED)

    assert listed_for(MANAGER, stopped, None, an_act(EMPLOYEE)) is None


@pytest.mark.parametrize(
    ("caller", "partner", "refusal"),
    [
        (MANAGER, None, NotFound),
        (MANAGER, the_client(), NotFound),
        (Actor(an_employee()), the_partner(), NotFound),
        (an_actor(an_employee(), a_member(EMPLOYEE, account_id=PARTNER, active=False)), the_partner(), NotFound),
        (an_actor(an_employee(active=False), a_member(EMPLOYEE, account_id=PARTNER)), the_partner(), Forbidden),
    ],
)
def test_to_others_there_is_no_console(caller: Actor, partner: Account | None, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        listed_for(caller, partner, None, an_act(EMPLOYEE))


# whom it shows


def seen(actor: Actor, account: Account | None = None) -> Presence | None:
    return presence(PARTNER, account or the_client(), actor, NOW)


@pytest.mark.parametrize(
    "actor",
    [
        of_the_partner(),
        of_the_partner(member=a_member(EMPLOYEE, "sales", partner_id=PARTNER)),
        of_the_partner(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))),
        of_the_partner(an_employee(active=False)),
        of_the_partner(an_employee(employed_by=frozenset())),
        of_the_partner(program=Program.SUSPENDED),
    ],
)
def test_whoever_is_there_on_behalf_of_the_firm_is_shown_even_while_he_has_no_access(actor: Actor) -> None:
    found = seen(actor)

    assert found == Presence(the_client(), actor, actor.member)  # type: ignore[arg-type]  # he has a membership
    assert (found.user_id, found.made_by_client) == (EMPLOYEE, False)


@pytest.mark.parametrize("permission_set", ["super_admin", "sales"])
def test_an_employee_whom_the_client_made_a_member_is_shown_as_that(permission_set: str) -> None:
    found = seen(an_actor(an_employee(), a_member(EMPLOYEE, permission_set)))

    assert found
    assert found.made_by_client


def test_a_membership_counts_as_it_is_now() -> None:
    was = a_member(EMPLOYEE, "sales").place
    found = seen(of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW), previous=was)))

    assert found
    assert (found.member.permission_set, found.made_by_client) == ("sales", True)


@pytest.mark.parametrize(
    "actor",
    [
        Actor(),
        Actor(an_employee()),
        Actor(None, a_partner_admin(), {PARTNER: the_partner()}),
        Actor(None, a_member(EMPLOYEE)),
        of_the_partner(member=a_partner_admin(active=False)),
        of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW))),
        of_the_partner(an_employee(offboardings={PARTNER: 1})),
        of_the_partner(terminations=1),
        an_actor(an_employee(), a_member(EMPLOYEE, active=False)),
        an_actor(an_employee(employed_by=frozenset()), a_member(EMPLOYEE)),
        an_actor(an_employee(employed_by=frozenset({SOUTH})), a_member(EMPLOYEE)),
        an_actor(
            an_employee(employed_by=frozenset({PARTNER, SOUTH})),
            a_member(EMPLOYEE, "sales", partner_id=SOUTH),
            firms=[the_partner(account_id=SOUTH)],
        ),
    ],
)
def test_whoever_is_not_the_firms_or_not_there_is_not_shown(actor: Actor) -> None:
    assert seen(actor) is None


def test_neither_the_firm_itself_nor_an_account_that_is_gone_is_shown() -> None:
    assert seen(SUPER_ADMIN, the_partner()) is None
    assert presence(PARTNER, None, of_the_partner(), NOW) is None


# who brings in colleagues


@pytest.mark.parametrize(
    "caller",
    [
        of_the_partner(),
        of_the_partner(member=a_member(EMPLOYEE, "view_only", partner_id=PARTNER, added=("account.users.manage",))),
        of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW + timedelta(seconds=1)))),
    ],
)
def test_colleagues_are_brought_in_by_who_manages_users_for_the_firm(caller: Actor) -> None:
    must_bring_in(caller, PARTNER, an_act(EMPLOYEE))


@pytest.mark.parametrize(
    ("caller", "refusal"),
    [
        (Actor(an_employee()), NotFound),
        (of_the_partner(member=a_partner_admin(active=False)), NotFound),
        (of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW))), NotFound),
        (an_actor(a_user()), Forbidden),
        (an_actor(an_employee(), a_member(EMPLOYEE)), Forbidden),
        (of_the_partner(an_employee(active=False)), Forbidden),
        (of_the_partner(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER}))), Forbidden),
        (of_the_partner(member=a_partner_admin(removed=("account.users.manage",))), Forbidden),
        (of_the_partner(member=a_member(EMPLOYEE, "sales", partner_id=PARTNER)), Forbidden),
        (of_the_partner(program=Program.SUSPENDED), Forbidden),
    ],
)
def test_nobody_else_brings_them_in(caller: Actor, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        must_bring_in(caller, PARTNER, an_act(EMPLOYEE))


def test_whoever_is_there_for_another_firm_brings_in_nobody_of_this_one() -> None:
    with pytest.raises(Forbidden):
        must_bring_in(of_the_partner(), SOUTH, an_act(EMPLOYEE))
