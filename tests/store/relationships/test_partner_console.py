"""The partner's console pages through its people, each once, and reads in proportion to the page."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from partner_access.domain.records import Kept
from partner_access.domain.relationships.partner_console import Presence
from partner_access.store import keys
from partner_access.store.relationships import partner_console
from tests.support.builders import (
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.costs import Costs, counted
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_lapsed_partner_admin, a_world, now, staff
from tests.support.table import Table

SOUTH = "partner-south"
Walk = Callable[[str | None], partner_console.Page]


def shown(presences: Iterable[Presence]) -> list[tuple[str, str, bool]]:
    return [(each.client.account_id, each.user_id, each.made_by_client) for each in presences]


def everybody(after: str | None = None, limit: int = 25) -> partner_console.Page:
    return partner_console.everybodys(PARTNER, at=now(), after=after, limit=limit)


def pages(walk: Walk) -> list[list[tuple[str, str, bool]]]:
    """All pages to the end."""
    page = walk(None)
    found = [shown(page.items)]
    while page.after:
        page = walk(page.after)
        found.append(shown(page.items))
    return found


def joined(parts: list[list[tuple[str, str, bool]]]) -> list[tuple[str, str, bool]]:
    return [each for part in parts for each in part]


def in_clients(user_id: str, *names: str, made_by_client: bool = False) -> list[Kept]:
    member = a_member if made_by_client else a_partner_admin
    return [member(user_id, account_id=name) for name in names]


def clients(*names: str) -> list[Kept]:
    return [the_client(account_id=name) for name in names]


# client by client, then employee by employee


def test_those_on_behalf_of_the_firm_come_client_by_client_and_then_those_made_by_clients(table: Table) -> None:
    a_world(
        table,
        *clients("a", "a-b", "z"),
        *in_clients(EMPLOYEE, "a", "z"),
        *in_clients(COLLEAGUE, "a-b", "a"),
        *in_clients(COLLEAGUE, CLIENT, "z", made_by_client=True),
        *in_clients(MANAGER, "a", made_by_client=True),
    )

    page = everybody()

    assert shown(page.items) == [
        ("a", COLLEAGUE, False),
        ("a", EMPLOYEE, False),
        ("a-b", COLLEAGUE, False),
        ("z", EMPLOYEE, False),
        (CLIENT, COLLEAGUE, True),
        ("z", COLLEAGUE, True),
        ("a", MANAGER, True),
    ]
    assert page.after is None


@pytest.mark.parametrize("limit", range(1, 8))
def test_page_by_page_everybody_comes_once_and_a_clients_people_together(table: Table, limit: int) -> None:
    a_world(
        table,
        *clients("a", "b", "c", "d"),
        *in_clients(EMPLOYEE, "a", "b", "d"),
        *in_clients(COLLEAGUE, "a", "b", "c"),
        *in_clients(COLLEAGUE, "d", CLIENT, made_by_client=True),
        *in_clients(EMPLOYEE, "c", made_by_client=True),
    )
    whole = shown(everybody().items)

    found = pages(lambda after: everybody(after, limit))

    assert len(whole) == 9
    assert joined(found) == whole
    for page in found:
        assert len(page) <= limit + 1
    for name in "abcd":
        on_behalf = [{each for each in page if (each[0], each[2]) == (name, False)} for page in found]
        assert sum(map(bool, on_behalf)) == 1


def test_a_client_with_more_people_than_fit_goes_on_on_the_next_page(table: Table) -> None:
    many = [f"user-{number:03}" for number in range(130)]
    a_world(table, *map(an_employee, many), *map(staff, many), *map(a_partner_admin, many))

    first = everybody(limit=1)
    second = everybody(first.after, limit=100)

    assert [each.user_id for each in first.items] == many[:101]
    assert [each.user_id for each in second.items] == many[101:]


def test_a_client_whose_id_begins_like_anothers_is_another(table: Table) -> None:
    a_world(table, *clients("a", "a-b"), *in_clients(EMPLOYEE, "a", "a-b"))

    assert shown(everybody(limit=1).items) == [("a", EMPLOYEE, False)]


def test_whoever_comes_first_by_id_is_listed_whatever_the_id_begins_with(table: Table) -> None:
    a_world(table, *clients("a"), staff("0-first"), a_user("0-first"), *in_clients("0-first", "a", made_by_client=True))

    assert shown(everybody().items) == [("a", "0-first", True)]


def test_whoever_comes_first_by_id_is_not_passed_over_where_a_page_ends(table: Table) -> None:
    first = (staff("0-first"), a_user("0-first"), *in_clients("0-first", "a", made_by_client=True))
    a_world(table, *clients("a"), *first, *in_clients(EMPLOYEE, "a"))

    assert pages(lambda after: everybody(after, 1)) == [[("a", EMPLOYEE, False)], [("a", "0-first", True)]]


@pytest.mark.parametrize("limit", [1, 2])
def test_a_full_page_is_where_the_clients_end(table: Table, limit: int) -> None:
    """The second part begins on a page of its own when there is no room left."""
    a_world(table, *clients("a"), *in_clients(EMPLOYEE, "a"), *in_clients(COLLEAGUE, "a", made_by_client=True))

    first = everybody(limit=limit)

    assert shown(first.items) == [("a", EMPLOYEE, False), ("a", COLLEAGUE, True)][:limit]
    assert (first.after is None) == (limit == 2)


def test_what_the_index_tells_too_late_is_looked_up(table: Table) -> None:
    a_world(table, *clients("a", "b", "c", "d"), *in_clients(EMPLOYEE, "a", "b", "c", "d"))
    table.change(keys.member("a", EMPLOYEE), active=False)
    table.remove(keys.member("b", EMPLOYEE))
    table.remove(keys.account("c"))

    assert shown(everybody().items) == [("d", EMPLOYEE, False)]


def test_a_page_whose_people_are_all_gone_is_empty_and_the_list_goes_on(table: Table) -> None:
    a_world(table, *clients("a", "b"), *in_clients(EMPLOYEE, "a", "b"))
    table.change(keys.member("a", EMPLOYEE), active=False)

    first = everybody(limit=1)

    assert first.items == []
    assert shown(everybody(first.after, limit=1).items) == [("b", EMPLOYEE, False)]


def test_whoever_fell_back_to_what_the_client_made_him_is_listed_as_that(table: Table) -> None:
    lapsed = a_lapsed_partner_admin(previous=a_member(EMPLOYEE, "sales").place)
    a_world(table, lapsed)

    assert shown(everybody().items) == [(CLIENT, EMPLOYEE, True)]


def test_nobody_of_another_firm_is_listed(table: Table) -> None:
    rival = an_employee("user-rival", email="rival@south.example")
    a_world(
        table,
        the_partner(account_id=SOUTH, domains=("south.example",)),
        rival,
        staff(rival.user_id, account_id=SOUTH),
        a_partner_admin(rival.user_id, partner_id=SOUTH, grant=a_grant(partner_id=SOUTH)),
        a_partner_admin(COLLEAGUE),
    )

    assert shown(everybody().items) == [(CLIENT, COLLEAGUE, False)]


def test_whoever_left_the_firm_is_no_more_listed_where_clients_made_him_a_member(table: Table) -> None:
    a_world(table, staff(EMPLOYEE, active=False), a_member(EMPLOYEE))

    assert everybody() == partner_console.Page([], None)


def test_a_presence_comes_with_all_that_it_rests_on(table: Table) -> None:
    kept = a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER)
    a_world(table, a_custom_set(), kept)

    (found,) = everybody().items

    assert found.actor.firms == {PARTNER: the_partner()}
    assert found.actor.sets[CUSTOM_SET].name == "Service desk"
    assert "service.access" in found.actor.rights_at(now())


# bounds


def test_after_25_employees_a_page_ends(table: Table) -> None:
    many = [f"employee-{number:02}" for number in range(60)]
    last = in_clients(many[-1], CLIENT, made_by_client=True)
    a_world(table, *map(an_employee, many), *map(staff, many), *last)

    found = pages(everybody)

    assert [len(page) for page in found] == [0, 0, 1]
    with counted(table) as costs:
        everybody()
    assert costs.reads <= 1 + 1 + 25 + 2


def test_an_employee_of_very_many_clients_is_looked_through_a_hundred_at_a_time(table: Table) -> None:
    names = [f"a{number:03}" for number in range(150)]
    a_world(table, *clients(*names), *in_clients(COLLEAGUE, *names, made_by_client=True))
    found = pages(lambda after: everybody(after, 100))

    assert [len(page) for page in found] == [100, 50]
    assert joined(found) == [(name, COLLEAGUE, True) for name in names]


def test_together_no_more_than_a_hundred_and_some_accounts_are_looked_through(table: Table) -> None:
    names = [f"a{number:03}" for number in range(60)]
    everywhere = [each for who in (COLLEAGUE, EMPLOYEE, MANAGER) for each in in_clients(who, *names)]
    a_world(table, *clients(*names), *everywhere)
    page = everybody(limit=100)
    while page.after and page.after.startswith("client"):
        page = everybody(page.after, limit=100)

    assert page.after == f"employee#{EMPLOYEE}#"
    assert everybody(page.after) == partner_console.Page([], None)


def test_a_page_of_those_made_by_clients_is_cut_where_it_is_full(table: Table) -> None:
    names = ("a", "b", "c")
    a_world(
        table,
        *clients(*names),
        *in_clients(COLLEAGUE, *names, made_by_client=True),
        *in_clients(EMPLOYEE, "b", made_by_client=True),
    )
    found = pages(lambda after: everybody(after, 2))

    assert [[each[:2] for each in page] for page in found] == [
        [("a", COLLEAGUE), ("b", COLLEAGUE)],
        [("c", COLLEAGUE), ("b", EMPLOYEE)],
    ]


@pytest.fixture
def thousand(table: Table) -> Table:
    """Each client has one or two of the firm's people."""
    names = [f"client-{number:04}" for number in range(1000)]
    a_world(table, *clients(*names), *in_clients(EMPLOYEE, *names), *in_clients(COLLEAGUE, *names[::10]))
    return table


def test_a_thousand_clients_page_smoothly(thousand: Table) -> None:
    """As far as the second part, whose own bounds are tried above."""
    found, after = [], None
    with counted(thousand) as costs:
        while not after or after.startswith("client"):
            page = everybody(after, limit=100)
            after = page.after
            found.append(shown(page.items))

    seen = joined(found)
    assert len(seen) == len(set(seen)) == 1100
    assert [each[0] for each in seen] == sorted(each[0] for each in seen)
    assert max(map(len, found)) <= 101
    assert len(found) == 11
    assert (costs.writes, costs.reads <= 7 * len(found)) == (0, True), costs.reads


def test_an_early_page_costs_as_much_as_a_late_one(thousand: Table) -> None:
    def cost(after: str | None) -> Costs:
        with counted(thousand) as costs:
            assert len(everybody(after).items) in {25, 26}
        return costs

    assert cost(None).reads == cost(f"client#client-0900#{EMPLOYEE}").reads == 4


# one's own


def test_ones_clients_come_by_id_however_he_came_there(table: Table) -> None:
    a_world(
        table,
        *clients("a", "b", "c"),
        *in_clients(EMPLOYEE, "a", "c"),
        *in_clients(EMPLOYEE, "b", made_by_client=True),
        *in_clients(COLLEAGUE, "a"),
    )
    whole = [("a", EMPLOYEE, False), ("b", EMPLOYEE, True), ("c", EMPLOYEE, False)]

    def walk(limit: int) -> Walk:
        return lambda after: partner_console.ones(PARTNER, EMPLOYEE, at=now(), after=after, limit=limit)

    assert pages(walk(10)) == [whole]
    assert joined(pages(walk(1))) == whole


def elsewhere(*names: str) -> list[Kept]:
    """The employee is there for another firm."""
    south = the_partner(account_id=SOUTH, domains=("north.example",))
    there = [a_member(EMPLOYEE, "sales", account_id=name, partner_id=SOUTH) for name in names]
    return [south, staff(EMPLOYEE, account_id=SOUTH), *clients(*names), *there]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_page_is_empty_for_where_one_is_for_another_firm(table: Table, limit: int) -> None:
    names = [f"a{number:02}" for number in range(20)]
    a_world(table, *elsewhere(*names), *clients("b", "c", "d"), *in_clients(EMPLOYEE, "b", "c", "d"))

    found = pages(lambda after: partner_console.ones(PARTNER, EMPLOYEE, at=now(), after=after, limit=limit))

    assert joined(found) == [(name, EMPLOYEE, False) for name in "bcd"]
    assert found[0] == [(name, EMPLOYEE, False) for name in "bcd"[:limit]]


def test_a_page_that_is_just_filled_is_the_last_one(table: Table) -> None:
    a_world(table, *elsewhere("a"), *clients("b", "c"), *in_clients(EMPLOYEE, "b", "c"))

    page = partner_console.ones(PARTNER, EMPLOYEE, at=now(), after=None, limit=2)

    assert (shown(page.items), page.after) == ([("b", EMPLOYEE, False), ("c", EMPLOYEE, False)], None)


def test_whoever_is_only_elsewhere_has_one_empty_page(table: Table) -> None:
    a_world(table, *elsewhere(*(f"a{number:02}" for number in range(20))))

    assert partner_console.ones(PARTNER, EMPLOYEE, at=now(), after=None, limit=1) == partner_console.Page([], None)


def test_a_page_is_filled_from_a_hundred_accounts_and_no_more(table: Table) -> None:
    names = [f"a{number:03}" for number in range(120)]
    a_world(table, *elsewhere(*names), *clients("b"), *in_clients(EMPLOYEE, "b"))

    with counted(table) as costs:
        first = partner_console.ones(PARTNER, EMPLOYEE, at=now(), after=None, limit=1)

    assert (first.items, first.after, costs.reads <= 1 + 3 + 1 + 2 + 2) == ([], names[100], True), costs.reads
    second = partner_console.ones(PARTNER, EMPLOYEE, at=now(), after=first.after, limit=1)
    assert shown(second.items) == [("b", EMPLOYEE, False)]


def test_whoever_never_was_of_the_firm_is_not_looked_for(table: Table) -> None:
    a_world(
        table, a_user("user-stranger"), *clients("a", "b"), *in_clients("user-stranger", "a", "b", made_by_client=True)
    )

    with counted(table) as costs:
        page = partner_console.ones(PARTNER, "user-stranger", at=now(), after=None, limit=1)

    assert (page, costs.reads) == (partner_console.Page([], None), 1)


def test_the_accounts_of_whoever_left_are_not_looked_through(table: Table) -> None:
    a_world(table, staff(EMPLOYEE, active=False), *clients("a"), *in_clients(EMPLOYEE, "a", made_by_client=True))

    with counted(table) as costs:
        assert everybody() == partner_console.Page([], None)

    assert costs.reads <= 1 + 1 + 2 + 2


def test_ones_page_costs_four_requests(thousand: Table) -> None:
    with counted(thousand) as costs:
        page = partner_console.ones(PARTNER, EMPLOYEE, at=now(), after="client-0500", limit=25)

    assert (len(page.items), costs.reads, costs.writes) == (25, 4, 0)


# employees


def employees(**how: Any) -> partner_console.Employees:
    return partner_console.employees(PARTNER, **{"at": now(), "after": None, "limit": 25, **how})


def test_employees_come_by_id_with_where_they_are(table: Table) -> None:
    a_world(
        table,
        *clients("a", "b"),
        *in_clients(EMPLOYEE, "b", "a"),
        *in_clients(EMPLOYEE, CLIENT, made_by_client=True),
        staff(COLLEAGUE, active=False),
        an_employee(MANAGER, active=False),
    )

    colleague, employee, manager = employees().items

    assert [each.user.user_id for each in (colleague, employee, manager)] == [COLLEAGUE, EMPLOYEE, MANAGER]
    assert [each.is_active for each in (colleague, employee, manager)] == [False, True, False]
    assert shown(employee.presences) == [("a", EMPLOYEE, False), ("b", EMPLOYEE, False), (CLIENT, EMPLOYEE, True)]
    assert colleague.presences == manager.presences == ()
    assert not employee.may_have_more


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_employees_page_by_page(table: Table, limit: int) -> None:
    a_world(table)
    page = employees(limit=limit)
    found = [each.user.user_id for each in page.items]
    while page.after:
        page = employees(limit=limit, after=page.after)
        found += [each.user.user_id for each in page.items]

    assert found == [COLLEAGUE, EMPLOYEE, MANAGER]


def test_one_employee_alone(table: Table) -> None:
    a_world(table, *clients("a"), *in_clients(EMPLOYEE, "a"))

    found = partner_console.employee(PARTNER, EMPLOYEE, at=now())

    (employee,) = found.items
    assert (employee.user.user_id, employee.is_active) == (EMPLOYEE, True)
    assert shown(employee.presences) == [("a", EMPLOYEE, False)]
    assert found.after is None


def test_a_member_whom_the_directory_does_not_know_is_passed_by(table: Table) -> None:
    a_world(table)
    table.remove(keys.user(COLLEAGUE))

    assert [each.user.user_id for each in employees().items] == [EMPLOYEE, MANAGER]


def test_an_employee_of_very_many_clients_is_told_by_the_first(thousand: Table) -> None:
    with counted(thousand) as costs:
        colleague, employee, manager = employees().items

    assert len(employee.presences) == 27
    assert [each.may_have_more for each in (colleague, employee, manager)] == [True, True, False]
    assert costs.reads <= 1 + 3 + 2 + 1


def test_a_page_of_employees_costs_a_request_for_each_and_a_few_more(table: Table) -> None:
    many = [f"employee-{number:02}" for number in range(60)]
    a_world(table, *map(an_employee, many), *map(staff, many), *map(a_partner_admin, many))

    with counted(table) as costs:
        assert len(employees().items) == 25

    assert costs.reads <= 1 + 25 + 2
