"""The people in an account as they are looked at, with all that stands behind them, at what cost."""

import pytest

from partner_access.store import keys
from partner_access.store.memberships import visibility
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_member,
    a_partner_admin,
    a_user,
    the_partner,
)
from tests.support.costs import counted
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_world, staff
from tests.support.table import Table

SOUTH = "partner-south"


def many(table: Table, count: int) -> None:
    """So many members beside those of the usual world, whose names sort before them."""
    a_world(
        table,
        a_custom_set(),
        *(a_user(f"user-z{number:04}") for number in range(count)),
        *(a_member(f"user-z{number:04}", CUSTOM_SET, granted_by=APPROVER) for number in range(count)),
    )


def test_who_looks_comes_with_what_his_rights_rest_on(table: Table) -> None:
    a_world(table, a_partner_admin(), a_custom_set(), a_member(CLERK, CUSTOM_SET))

    assert set(visibility.viewer(CLIENT, EMPLOYEE).firms) == {PARTNER}
    assert set(visibility.viewer(CLIENT, CLERK).sets) == {CUSTOM_SET}
    nobody = visibility.viewer(CLIENT, "user-nobody")
    assert (nobody.user, nobody.member) == (None, None)


def test_one_member_with_who_let_him_in_and_who_looks(table: Table) -> None:
    a_world(table, a_partner_admin(granted_by=APPROVER))

    facts = visibility.facts_for_one(CLIENT, EMPLOYEE, MANAGER)

    assert facts.viewer.member is None
    assert facts.shown.actor.member
    assert facts.shown.actor.member.user_id == EMPLOYEE
    assert set(facts.shown.actor.firms) == {PARTNER}
    assert facts.shown.by
    assert facts.shown.by.user_id == APPROVER
    assert {firm: actor.member and actor.member.user_id for firm, actor in facts.at_firms.items()} == {PARTNER: MANAGER}


def test_the_firm_that_he_falls_back_to_counts_too(table: Table) -> None:
    south = the_partner(account_id=SOUTH)
    added = a_member(EMPLOYEE, "view_only", partner_id=SOUTH)
    a_world(table, south, a_partner_admin(previous=added.place))

    assert set(visibility.facts_for_one(CLIENT, EMPLOYEE, MANAGER).at_firms) == {PARTNER, SOUTH}


def test_rights_at_the_firm_may_come_from_a_set_of_its_own(table: Table) -> None:
    own = a_custom_set(account_id=PARTNER, permissions=("partner.client_access.manage",))
    a_world(table, a_partner_admin(), own, staff(COLLEAGUE, CUSTOM_SET))

    assert set(visibility.facts_for_one(CLIENT, EMPLOYEE, COLLEAGUE).at_firms[PARTNER].sets) == {CUSTOM_SET}


def test_whoever_is_not_there_has_nobody_behind_him(table: Table) -> None:
    a_world(table)

    facts = visibility.facts_for_one(CLIENT, "user-nobody", APPROVER)

    assert (facts.shown.actor.user, facts.shown.actor.member, facts.shown.by) == (None, None, None)
    assert not facts.at_firms


def test_a_page_holds_members_alone_with_all_that_stands_behind_them(table: Table) -> None:
    a_world(table, a_partner_admin(granted_by=APPROVER), a_custom_set(), a_member(CLERK, CUSTOM_SET, granted_by="sync"))

    page = visibility.page(CLIENT, after=None, limit=100)

    shown = {each.actor.member.user_id: each for each in page.people if each.actor.member}
    assert list(shown) == [APPROVER, CLERK, EMPLOYEE]
    assert page.after is None
    assert all(each.actor.user for each in page.people)
    assert set(shown[EMPLOYEE].actor.firms) == {PARTNER}
    assert set(shown[CLERK].actor.sets) == {CUSTOM_SET}
    assert [each.by and each.by.user_id for each in shown.values()] == [None, None, APPROVER]


def test_a_membership_of_nobody_is_passed_by(table: Table) -> None:
    a_world(table)
    table.remove(keys.user(CLERK))

    page = visibility.page(CLIENT, after=None, limit=100)

    assert [each.actor.member and each.actor.member.user_id for each in page.people] == [APPROVER]


def test_who_let_them_in_need_not_be_here(table: Table) -> None:
    a_world(table, a_member(CLERK, granted_by=MANAGER))

    page = visibility.page(CLIENT, after=APPROVER, limit=1)

    assert [each.by and each.by.user_id for each in page.people] == [MANAGER]


def test_pages_follow_each_other(table: Table) -> None:
    a_world(table)

    first = visibility.page(CLIENT, after=None, limit=1)
    second = visibility.page(CLIENT, after=first.after, limit=2)

    assert first.after == APPROVER
    assert [each.actor.member and each.actor.member.user_id for each in second.people] == [CLERK]


@pytest.mark.parametrize(("limit", "requests"), [(10, 2), (25, 2), (90, 2), (100, 3)])
def test_what_a_page_costs_is_in_proportion_to_it(table: Table, limit: int, requests: int) -> None:
    many(table, 500)

    with counted(table) as costs:
        page = visibility.page(CLIENT, after=CLERK, limit=limit)

    assert (len(page.people), costs.requests) == (limit, requests)


def test_what_one_costs(table: Table) -> None:
    a_world(table, a_partner_admin())

    for user_id, by, requests in (
        (CLERK, APPROVER, 1),
        (CLERK, CLERK, 1),
        (EMPLOYEE, APPROVER, 2),
        (EMPLOYEE, MANAGER, 2),
    ):
        with counted(table) as costs:
            visibility.facts_for_one(CLIENT, user_id, by)
        assert costs.requests == requests
