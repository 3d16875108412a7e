"""Visible members of an account: the records read with them, and the number of requests."""

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
)
from tests.support.costs import count_costs
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, seed
from tests.support.table import Table

SOUTH = "partner-south"


def seed_many_members(table: Table, count: int) -> None:
    """Seed the table with the default records and this many members, whose ids sort after the default ones."""
    seed(
        table,
        a_custom_set(),
        *(a_user(f"user-z{number:04}") for number in range(count)),
        *(a_member(f"user-z{number:04}", CUSTOM_SET, granted_by=APPROVER) for number in range(count)),
    )


def test_viewer_includes_partners_and_custom_sets(table: Table) -> None:
    seed(table, a_partner_admin(), a_custom_set(), a_member(CLERK, CUSTOM_SET))

    assert set(visibility.facts_for_all(CLIENT, EMPLOYEE).viewer.partners) == {PARTNER}
    assert set(visibility.facts_for_all(CLIENT, CLERK).viewer.sets) == {CUSTOM_SET}
    facts = visibility.facts_for_all(CLIENT, "user-nobody")
    assert facts.account
    stranger = facts.viewer
    assert (stranger.user, stranger.member) == (None, None)


def test_facts_for_one_include_viewer_granting_user_and_partner(table: Table) -> None:
    seed(table, a_partner_admin(granted_by=APPROVER))

    facts = visibility.facts_for_one(CLIENT, EMPLOYEE, MANAGER)

    assert facts.viewer.member is None
    assert facts.member.actor.member
    assert facts.member.actor.member.user_id == EMPLOYEE
    assert set(facts.member.actor.partners) == {PARTNER}
    assert facts.member.added_by
    assert facts.member.added_by.user_id == APPROVER
    assert {
        partner_id: actor.member and actor.member.user_id for partner_id, actor in facts.viewer_at_partners.items()
    } == {PARTNER: MANAGER}


def test_facts_for_one_include_custom_set_of_partner_account(table: Table) -> None:
    own = a_custom_set(account_id=PARTNER, permissions=("partner.client_access.manage",))
    seed(table, a_partner_admin(), own, a_partner_account_member(COLLEAGUE, CUSTOM_SET))

    assert set(visibility.facts_for_one(CLIENT, EMPLOYEE, COLLEAGUE).viewer_at_partners[PARTNER].sets) == {CUSTOM_SET}


def test_facts_for_one_of_missing_member_are_empty(table: Table) -> None:
    seed(table)

    facts = visibility.facts_for_one(CLIENT, "user-nobody", APPROVER)

    assert (facts.member.actor.user, facts.member.actor.member, facts.member.added_by) == (None, None, None)
    assert not facts.viewer_at_partners


def test_members_page_includes_partners_sets_and_granting_users(table: Table) -> None:
    seed(table, a_partner_admin(granted_by=APPROVER), a_custom_set(), a_member(CLERK, CUSTOM_SET, granted_by="sync"))

    page = visibility.page(CLIENT, after=None, limit=100)

    members = {each.actor.member.user_id: each for each in page.members if each.actor.member}
    assert list(members) == [APPROVER, CLERK, EMPLOYEE]
    assert page.after is None
    assert all(each.actor.user for each in page.members)
    assert set(members[EMPLOYEE].actor.partners) == {PARTNER}
    assert set(members[CLERK].actor.sets) == {CUSTOM_SET}
    assert [each.added_by and each.added_by.user_id for each in members.values()] == [None, None, APPROVER]


def test_members_page_skips_membership_without_user(table: Table) -> None:
    seed(table)
    table.remove(keys.user(CLERK))

    page = visibility.page(CLIENT, after=None, limit=100)

    assert [each.actor.member and each.actor.member.user_id for each in page.members] == [APPROVER]


def test_members_page_includes_granting_user_outside_account(table: Table) -> None:
    seed(table, a_member(CLERK, granted_by=MANAGER))

    page = visibility.page(CLIENT, after=APPROVER, limit=1)

    assert [each.added_by and each.added_by.user_id for each in page.members] == [MANAGER]


def test_members_page_continues_after_last_id(table: Table) -> None:
    seed(table)

    first = visibility.page(CLIENT, after=None, limit=1)
    second = visibility.page(CLIENT, after=first.after, limit=2)

    assert first.after == APPROVER
    assert [each.actor.member and each.actor.member.user_id for each in second.members] == [CLERK]


@pytest.mark.parametrize(("limit", "requests"), [(10, 2), (25, 2), (90, 2), (100, 3)])
def test_members_page_cost_is_proportional_to_limit(table: Table, limit: int, requests: int) -> None:
    seed_many_members(table, 500)

    with count_costs(table) as costs:
        page = visibility.page(CLIENT, after=CLERK, limit=limit)

    assert (len(page.members), costs.requests) == (limit, requests)


def test_facts_for_one_cost_at_most_two_requests(table: Table) -> None:
    seed(table, a_partner_admin())

    for user_id, by, requests in (
        (CLERK, APPROVER, 1),
        (CLERK, CLERK, 1),
        (EMPLOYEE, APPROVER, 2),
        (EMPLOYEE, MANAGER, 2),
    ):
        with count_costs(table) as costs:
            visibility.facts_for_one(CLIENT, user_id, by)
        assert costs.requests == requests
