"""Partner console in the table: pages list each client membership once, and reads are proportional to the page."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from partner_access.domain.records import Record
from partner_access.domain.relationships.partner_console import ClientMembership
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
from tests.support.costs import Costs, count_costs
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_partner_account_member, an_expired_partner_admin, now, seed
from tests.support.table import Table

SOUTH = "partner-south"
ReadPage = Callable[[str | None], partner_console.Page]


def rows_of(memberships: Iterable[ClientMembership]) -> list[tuple[str, str, bool]]:
    return [(each.client.account_id, each.user_id, each.created_by_client) for each in memberships]


def console_page(after: str | None = None, limit: int = 25) -> partner_console.Page:
    return partner_console.all_memberships(PARTNER, at=now(), after=after, limit=limit)


def all_pages(walk: ReadPage) -> list[list[tuple[str, str, bool]]]:
    """Return all pages to the end."""
    page = walk(None)
    found = [rows_of(page.items)]
    while page.after:
        page = walk(page.after)
        found.append(rows_of(page.items))
    return found


def concatenated(parts: list[list[tuple[str, str, bool]]]) -> list[tuple[str, str, bool]]:
    return [each for part in parts for each in part]


def memberships_in(user_id: str, *names: str, made_by_client: bool = False) -> list[Record]:
    member = a_member if made_by_client else a_partner_admin
    return [member(user_id, account_id=name) for name in names]


def clients(*names: str) -> list[Record]:
    return [the_client(account_id=name) for name in names]


# memberships by client, then by employee


def test_those_on_behalf_of_the_firm_come_client_by_client_and_then_those_made_by_clients(table: Table) -> None:
    seed(
        table,
        *clients("a", "a-b", "z"),
        *memberships_in(EMPLOYEE, "a", "z"),
        *memberships_in(COLLEAGUE, "a-b", "a"),
        *memberships_in(COLLEAGUE, CLIENT, "z", made_by_client=True),
        *memberships_in(MANAGER, "a", made_by_client=True),
    )

    page = console_page()

    assert rows_of(page.items) == [
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
    seed(
        table,
        *clients("a", "b", "c", "d"),
        *memberships_in(EMPLOYEE, "a", "b", "d"),
        *memberships_in(COLLEAGUE, "a", "b", "c"),
        *memberships_in(COLLEAGUE, "d", CLIENT, made_by_client=True),
        *memberships_in(EMPLOYEE, "c", made_by_client=True),
    )
    whole = rows_of(console_page().items)

    found = all_pages(lambda after: console_page(after, limit))

    assert len(whole) == 9
    assert concatenated(found) == whole
    for page in found:
        assert len(page) <= limit + 1
    for name in "abcd":
        on_behalf = [{each for each in page if (each[0], each[2]) == (name, False)} for page in found]
        assert sum(map(bool, on_behalf)) == 1


def test_a_client_with_more_people_than_fit_goes_on_on_the_next_page(table: Table) -> None:
    user_ids = [f"user-{number:03}" for number in range(130)]
    seed(table, *map(an_employee, user_ids), *map(a_partner_account_member, user_ids), *map(a_partner_admin, user_ids))

    first = console_page(limit=1)
    second = console_page(first.after, limit=100)

    assert [each.user_id for each in first.items] == user_ids[:101]
    assert [each.user_id for each in second.items] == user_ids[101:]


def test_a_client_whose_id_begins_like_anothers_is_another(table: Table) -> None:
    seed(table, *clients("a", "a-b"), *memberships_in(EMPLOYEE, "a", "a-b"))

    assert rows_of(console_page(limit=1).items) == [("a", EMPLOYEE, False)]


def test_whoever_comes_first_by_id_is_listed_whatever_the_id_begins_with(table: Table) -> None:
    seed(
        table,
        *clients("a"),
        a_partner_account_member("0-first"),
        a_user("0-first"),
        *memberships_in("0-first", "a", made_by_client=True),
    )

    assert rows_of(console_page().items) == [("a", "0-first", True)]


def test_whoever_comes_first_by_id_is_not_passed_over_where_a_page_ends(table: Table) -> None:
    first = (
        a_partner_account_member("0-first"),
        a_user("0-first"),
        *memberships_in("0-first", "a", made_by_client=True),
    )
    seed(table, *clients("a"), *first, *memberships_in(EMPLOYEE, "a"))

    assert all_pages(lambda after: console_page(after, 1)) == [[("a", EMPLOYEE, False)], [("a", "0-first", True)]]


@pytest.mark.parametrize("limit", [1, 2])
def test_a_full_page_is_where_the_clients_end(table: Table, limit: int) -> None:
    """Check that the second part starts on a new page if the first part fills the page."""
    seed(table, *clients("a"), *memberships_in(EMPLOYEE, "a"), *memberships_in(COLLEAGUE, "a", made_by_client=True))

    first = console_page(limit=limit)

    assert rows_of(first.items) == [("a", EMPLOYEE, False), ("a", COLLEAGUE, True)][:limit]
    assert (first.after is None) == (limit == 2)


def test_what_the_index_tells_too_late_is_looked_up(table: Table) -> None:
    seed(table, *clients("a", "b", "c", "d"), *memberships_in(EMPLOYEE, "a", "b", "c", "d"))
    table.change(keys.member("a", EMPLOYEE), active=False)
    table.remove(keys.member("b", EMPLOYEE))
    table.remove(keys.account("c"))

    assert rows_of(console_page().items) == [("d", EMPLOYEE, False)]


def test_a_page_whose_people_are_all_gone_is_empty_and_the_list_goes_on(table: Table) -> None:
    seed(table, *clients("a", "b"), *memberships_in(EMPLOYEE, "a", "b"))
    table.change(keys.member("a", EMPLOYEE), active=False)

    first = console_page(limit=1)

    assert first.items == []
    assert rows_of(console_page(first.after, limit=1).items) == [("b", EMPLOYEE, False)]


def test_whoever_fell_back_to_what_the_client_made_him_is_listed_as_that(table: Table) -> None:
    lapsed = an_expired_partner_admin(previous=a_member(EMPLOYEE, "sales").assignment)
    seed(table, lapsed)

    assert rows_of(console_page().items) == [(CLIENT, EMPLOYEE, True)]


def test_nobody_of_another_firm_is_listed(table: Table) -> None:
    rival = an_employee("user-rival", email="rival@south.example")
    seed(
        table,
        the_partner(account_id=SOUTH, domains=("south.example",)),
        rival,
        a_partner_account_member(rival.user_id, account_id=SOUTH),
        a_partner_admin(rival.user_id, partner_id=SOUTH, grant=a_grant(partner_id=SOUTH)),
        a_partner_admin(COLLEAGUE),
    )

    assert rows_of(console_page().items) == [(CLIENT, COLLEAGUE, False)]


def test_whoever_left_the_firm_is_no_more_listed_where_clients_made_him_a_member(table: Table) -> None:
    seed(table, a_partner_account_member(EMPLOYEE, active=False), a_member(EMPLOYEE))

    assert console_page() == partner_console.Page([], None)


def test_a_presence_comes_with_all_that_it_rests_on(table: Table) -> None:
    stored = a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER)
    seed(table, a_custom_set(), stored)

    (found,) = console_page().items

    assert found.actor.partners == {PARTNER: the_partner()}
    assert found.actor.sets[CUSTOM_SET].name == "Service desk"
    assert "service.access" in found.actor.rights_at(now())


# bounds


def test_after_25_employees_a_page_ends(table: Table) -> None:
    user_ids = [f"employee-{number:02}" for number in range(60)]
    last = memberships_in(user_ids[-1], CLIENT, made_by_client=True)
    seed(table, *map(an_employee, user_ids), *map(a_partner_account_member, user_ids), *last)

    found = all_pages(console_page)

    assert [len(page) for page in found] == [0, 0, 1]
    with count_costs(table) as costs:
        console_page()
    assert costs.reads <= 1 + 1 + 25 + 2


def test_an_employee_of_very_many_clients_is_looked_through_a_hundred_at_a_time(table: Table) -> None:
    names = [f"a{number:03}" for number in range(150)]
    seed(table, *clients(*names), *memberships_in(COLLEAGUE, *names, made_by_client=True))
    found = all_pages(lambda after: console_page(after, 100))

    assert [len(page) for page in found] == [100, 50]
    assert concatenated(found) == [(name, COLLEAGUE, True) for name in names]


def test_together_no_more_than_a_hundred_and_some_accounts_are_looked_through(table: Table) -> None:
    names = [f"a{number:03}" for number in range(60)]
    memberships = [each for user_id in (COLLEAGUE, EMPLOYEE, MANAGER) for each in memberships_in(user_id, *names)]
    seed(table, *clients(*names), *memberships)
    page = console_page(limit=100)
    while page.after and page.after.startswith("client"):
        page = console_page(page.after, limit=100)

    assert page.after == f"employee#{EMPLOYEE}#"
    assert console_page(page.after) == partner_console.Page([], None)


def test_a_page_of_those_made_by_clients_is_cut_where_it_is_full(table: Table) -> None:
    names = ("a", "b", "c")
    seed(
        table,
        *clients(*names),
        *memberships_in(COLLEAGUE, *names, made_by_client=True),
        *memberships_in(EMPLOYEE, "b", made_by_client=True),
    )
    found = all_pages(lambda after: console_page(after, 2))

    assert [[each[:2] for each in page] for page in found] == [
        [("a", COLLEAGUE), ("b", COLLEAGUE)],
        [("c", COLLEAGUE), ("b", EMPLOYEE)],
    ]


@pytest.fixture
def thousand_clients(table: Table) -> Table:
    """Create a thousand clients, each with one or two partner members."""
    names = [f"client-{number:04}" for number in range(1000)]
    seed(table, *clients(*names), *memberships_in(EMPLOYEE, *names), *memberships_in(COLLEAGUE, *names[::10]))
    return table


def test_a_thousand_clients_page_smoothly(thousand_clients: Table) -> None:
    """Read up to the second part. Other tests check the bounds of that part."""
    found, after = [], None
    with count_costs(thousand_clients) as costs:
        while not after or after.startswith("client"):
            page = console_page(after, limit=100)
            after = page.after
            found.append(rows_of(page.items))

    seen = concatenated(found)
    assert len(seen) == len(set(seen)) == 1100
    assert [each[0] for each in seen] == sorted(each[0] for each in seen)
    assert max(map(len, found)) <= 101
    assert len(found) == 11
    assert (costs.writes, costs.reads <= 7 * len(found)) == (0, True), costs.reads


def test_an_early_page_costs_as_much_as_a_late_one(thousand_clients: Table) -> None:
    def cost(after: str | None) -> Costs:
        with count_costs(thousand_clients) as costs:
            assert len(console_page(after).items) in {25, 26}
        return costs

    assert cost(None).reads == cost(f"client#client-0900#{EMPLOYEE}").reads == 4


# clients of one employee


def test_ones_clients_come_by_id_however_he_came_there(table: Table) -> None:
    seed(
        table,
        *clients("a", "b", "c"),
        *memberships_in(EMPLOYEE, "a", "c"),
        *memberships_in(EMPLOYEE, "b", made_by_client=True),
        *memberships_in(COLLEAGUE, "a"),
    )
    whole = [("a", EMPLOYEE, False), ("b", EMPLOYEE, True), ("c", EMPLOYEE, False)]

    def walk(limit: int) -> ReadPage:
        return lambda after: partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=after, limit=limit)

    assert all_pages(walk(10)) == [whole]
    assert concatenated(all_pages(walk(1))) == whole


def for_other_partner(*names: str) -> list[Record]:
    """Build clients in which the employee is a member for another partner."""
    south = the_partner(account_id=SOUTH, domains=("north.example",))
    there = [a_member(EMPLOYEE, "sales", account_id=name, partner_id=SOUTH) for name in names]
    return [south, a_partner_account_member(EMPLOYEE, account_id=SOUTH), *clients(*names), *there]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_page_is_empty_for_where_one_is_for_another_firm(table: Table, limit: int) -> None:
    names = [f"a{number:02}" for number in range(20)]
    seed(table, *for_other_partner(*names), *clients("b", "c", "d"), *memberships_in(EMPLOYEE, "b", "c", "d"))

    found = all_pages(
        lambda after: partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=after, limit=limit)
    )

    assert concatenated(found) == [(name, EMPLOYEE, False) for name in "bcd"]
    assert found[0] == [(name, EMPLOYEE, False) for name in "bcd"[:limit]]


def test_a_page_that_is_just_filled_is_the_last_one(table: Table) -> None:
    seed(table, *for_other_partner("a"), *clients("b", "c"), *memberships_in(EMPLOYEE, "b", "c"))

    page = partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=None, limit=2)

    assert (rows_of(page.items), page.after) == ([("b", EMPLOYEE, False), ("c", EMPLOYEE, False)], None)


def test_whoever_is_only_elsewhere_has_one_empty_page(table: Table) -> None:
    seed(table, *for_other_partner(*(f"a{number:02}" for number in range(20))))

    assert partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=None, limit=1) == partner_console.Page(
        [], None
    )


def test_a_page_is_filled_from_a_hundred_accounts_and_no_more(table: Table) -> None:
    names = [f"a{number:03}" for number in range(120)]
    seed(table, *for_other_partner(*names), *clients("b"), *memberships_in(EMPLOYEE, "b"))

    with count_costs(table) as costs:
        first = partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=None, limit=1)

    assert (first.items, first.after, costs.reads <= 1 + 3 + 1 + 2 + 2) == ([], names[100], True), costs.reads
    second = partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=first.after, limit=1)
    assert rows_of(second.items) == [("b", EMPLOYEE, False)]


def test_whoever_never_was_of_the_firm_is_not_looked_for(table: Table) -> None:
    seed(
        table,
        a_user("user-stranger"),
        *clients("a", "b"),
        *memberships_in("user-stranger", "a", "b", made_by_client=True),
    )

    with count_costs(table) as costs:
        page = partner_console.memberships_of(PARTNER, "user-stranger", at=now(), after=None, limit=1)

    assert (page, costs.reads) == (partner_console.Page([], None), 1)


def test_the_accounts_of_whoever_left_are_not_looked_through(table: Table) -> None:
    seed(
        table,
        a_partner_account_member(EMPLOYEE, active=False),
        *clients("a"),
        *memberships_in(EMPLOYEE, "a", made_by_client=True),
    )

    with count_costs(table) as costs:
        assert console_page() == partner_console.Page([], None)

    assert costs.reads <= 1 + 1 + 2 + 2


def test_ones_page_costs_four_requests(thousand_clients: Table) -> None:
    with count_costs(thousand_clients) as costs:
        page = partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after="client-0500", limit=25)

    assert (len(page.items), costs.reads, costs.writes) == (25, 4, 0)


# employees


def employees(**options: Any) -> partner_console.EmployeePage:
    return partner_console.employees(PARTNER, **{"at": now(), "after": None, "limit": 25, **options})


def test_employees_come_by_id_with_where_they_are(table: Table) -> None:
    seed(
        table,
        *clients("a", "b"),
        *memberships_in(EMPLOYEE, "b", "a"),
        *memberships_in(EMPLOYEE, CLIENT, made_by_client=True),
        a_partner_account_member(COLLEAGUE, active=False),
        an_employee(MANAGER, active=False),
    )

    colleague, employee, manager = employees().items

    assert [each.user.user_id for each in (colleague, employee, manager)] == [COLLEAGUE, EMPLOYEE, MANAGER]
    assert [each.is_active for each in (colleague, employee, manager)] == [False, True, False]
    assert rows_of(employee.memberships) == [("a", EMPLOYEE, False), ("b", EMPLOYEE, False), (CLIENT, EMPLOYEE, True)]
    assert colleague.memberships == manager.memberships == ()
    assert not employee.may_have_more


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_employees_page_by_page(table: Table, limit: int) -> None:
    seed(table)
    page = employees(limit=limit)
    found = [each.user.user_id for each in page.items]
    while page.after:
        page = employees(limit=limit, after=page.after)
        found += [each.user.user_id for each in page.items]

    assert found == [COLLEAGUE, EMPLOYEE, MANAGER]


def test_one_employee_alone(table: Table) -> None:
    seed(table, *clients("a"), *memberships_in(EMPLOYEE, "a"))

    found = partner_console.employee(PARTNER, EMPLOYEE, at=now())

    (employee,) = found.items
    assert (employee.user.user_id, employee.is_active) == (EMPLOYEE, True)
    assert rows_of(employee.memberships) == [("a", EMPLOYEE, False)]
    assert found.after is None


def test_a_member_whom_the_directory_does_not_know_is_passed_by(table: Table) -> None:
    seed(table)
    table.remove(keys.user(COLLEAGUE))

    assert [each.user.user_id for each in employees().items] == [EMPLOYEE, MANAGER]


def test_an_employee_of_very_many_clients_is_told_by_the_first(thousand_clients: Table) -> None:
    with count_costs(thousand_clients) as costs:
        colleague, employee, manager = employees().items

    assert len(employee.memberships) == 27
    assert [each.may_have_more for each in (colleague, employee, manager)] == [True, True, False]
    assert costs.reads <= 1 + 3 + 2 + 1


def test_a_page_of_employees_costs_a_request_for_each_and_a_few_more(table: Table) -> None:
    user_ids = [f"employee-{number:02}" for number in range(60)]
    seed(table, *map(an_employee, user_ids), *map(a_partner_account_member, user_ids), *map(a_partner_admin, user_ids))

    with count_costs(table) as costs:
        assert len(employees().items) == 25

    assert costs.reads <= 1 + 25 + 2
