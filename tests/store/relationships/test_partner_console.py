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


def test_console_lists_partner_members_by_client_then_client_members(table: Table) -> None:
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
def test_console_pages_list_each_once_and_keep_clients_together(table: Table, limit: int) -> None:
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


def test_console_client_with_over_100_members_continues_on_next_page(table: Table) -> None:
    user_ids = [f"user-{number:03}" for number in range(130)]
    seed(table, *map(an_employee, user_ids), *map(a_partner_account_member, user_ids), *map(a_partner_admin, user_ids))

    first = console_page(limit=1)
    second = console_page(first.after, limit=100)

    assert [each.user_id for each in first.items] == user_ids[:101]
    assert [each.user_id for each in second.items] == user_ids[101:]


def test_console_client_id_prefix_of_another_is_separate(table: Table) -> None:
    seed(table, *clients("a", "a-b"), *memberships_in(EMPLOYEE, "a", "a-b"))

    assert rows_of(console_page(limit=1).items) == [("a", EMPLOYEE, False)]


def test_console_lists_employee_with_first_sorting_id(table: Table) -> None:
    seed(
        table,
        *clients("a"),
        a_partner_account_member("0-first"),
        a_user("0-first"),
        *memberships_in("0-first", "a", made_by_client=True),
    )

    assert rows_of(console_page().items) == [("a", "0-first", True)]


def test_console_lists_employee_with_first_sorting_id_at_page_end(table: Table) -> None:
    first = (
        a_partner_account_member("0-first"),
        a_user("0-first"),
        *memberships_in("0-first", "a", made_by_client=True),
    )
    seed(table, *clients("a"), *first, *memberships_in(EMPLOYEE, "a"))

    assert all_pages(lambda after: console_page(after, 1)) == [[("a", EMPLOYEE, False)], [("a", "0-first", True)]]


@pytest.mark.parametrize("limit", [1, 2])
def test_console_full_page_ends_before_second_part(table: Table, limit: int) -> None:
    """Check that the second part starts on a new page if the first part fills the page."""
    seed(table, *clients("a"), *memberships_in(EMPLOYEE, "a"), *memberships_in(COLLEAGUE, "a", made_by_client=True))

    first = console_page(limit=limit)

    assert rows_of(first.items) == [("a", EMPLOYEE, False), ("a", COLLEAGUE, True)][:limit]
    assert (first.after is None) == (limit == 2)


def test_console_ignores_stale_index_entries(table: Table) -> None:
    seed(table, *clients("a", "b", "c", "d"), *memberships_in(EMPLOYEE, "a", "b", "c", "d"))
    table.change(keys.member("a", EMPLOYEE), active=False)
    table.remove(keys.member("b", EMPLOYEE))
    table.remove(keys.account("c"))

    assert rows_of(console_page().items) == [("d", EMPLOYEE, False)]


def test_console_page_with_only_stale_entries_is_empty_and_list_continues(table: Table) -> None:
    seed(table, *clients("a", "b"), *memberships_in(EMPLOYEE, "a", "b"))
    table.change(keys.member("a", EMPLOYEE), active=False)

    first = console_page(limit=1)

    assert first.items == []
    assert rows_of(console_page(first.after, limit=1).items) == [("b", EMPLOYEE, False)]


def test_console_omits_member_after_expired_grant(table: Table) -> None:
    seed(table, an_expired_partner_admin())

    assert rows_of(console_page().items) == []


def test_console_excludes_members_of_other_partner(table: Table) -> None:
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


def test_console_excludes_former_employee(table: Table) -> None:
    seed(table, a_partner_account_member(EMPLOYEE, active=False), a_member(EMPLOYEE))

    assert console_page() == partner_console.Page([], None)


def test_console_membership_includes_partner_and_set(table: Table) -> None:
    stored = a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER)
    seed(table, a_custom_set(), stored)

    (found,) = console_page().items

    assert found.actor.partners == {PARTNER: the_partner()}
    assert found.actor.sets[CUSTOM_SET].name == "Service desk"
    assert "service.access" in found.actor.rights_at(now())


# bounds


def test_console_page_ends_after_25_employees(table: Table) -> None:
    user_ids = [f"employee-{number:02}" for number in range(60)]
    last = memberships_in(user_ids[-1], CLIENT, made_by_client=True)
    seed(table, *map(an_employee, user_ids), *map(a_partner_account_member, user_ids), *last)

    found = all_pages(console_page)

    assert [len(page) for page in found] == [0, 0, 1]
    with count_costs(table) as costs:
        console_page()
    assert costs.reads <= 1 + 1 + 25 + 2


def test_console_reads_100_accounts_of_an_employee_per_page(table: Table) -> None:
    names = [f"a{number:03}" for number in range(150)]
    seed(table, *clients(*names), *memberships_in(COLLEAGUE, *names, made_by_client=True))
    found = all_pages(lambda after: console_page(after, 100))

    assert [len(page) for page in found] == [100, 50]
    assert concatenated(found) == [(name, COLLEAGUE, True) for name in names]


def test_console_reads_limited_number_of_accounts_per_page(table: Table) -> None:
    names = [f"a{number:03}" for number in range(60)]
    memberships = [each for user_id in (COLLEAGUE, EMPLOYEE, MANAGER) for each in memberships_in(user_id, *names)]
    seed(table, *clients(*names), *memberships)
    page = console_page(limit=100)
    while page.after and page.after.startswith("client"):
        page = console_page(page.after, limit=100)

    assert page.after == f"employee##{EMPLOYEE}"
    assert console_page(page.after) == partner_console.Page([], None)


def test_console_page_of_client_members_ends_when_full(table: Table) -> None:
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


def test_console_with_1000_clients_pages_in_bounded_reads(thousand_clients: Table) -> None:
    """Read up to the second part. Other tests check the bounds of that part."""
    found, after = [], None
    with count_costs(thousand_clients) as costs:
        while not after or after.startswith("client"):
            page = console_page(after, limit=100)
            after = page.after
            found.append(rows_of(page.items))

    rows = concatenated(found)
    assert len(rows) == len(set(rows)) == 1100
    assert [each[0] for each in rows] == sorted(each[0] for each in rows)
    assert max(map(len, found)) <= 101
    assert len(found) == 11
    assert (costs.writes, costs.reads <= 7 * len(found)) == (0, True), costs.reads


def test_console_page_cost_is_independent_of_position(thousand_clients: Table) -> None:
    def cost(after: str | None) -> Costs:
        with count_costs(thousand_clients) as costs:
            assert len(console_page(after).items) in {25, 26}
        return costs

    assert cost(None).reads == cost(f"client#client-0900#{EMPLOYEE}").reads == 4


# clients of one employee


def test_clients_of_employee_are_sorted_by_id(table: Table) -> None:
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
def test_clients_of_employee_skip_other_partner_without_empty_page(table: Table, limit: int) -> None:
    names = [f"a{number:02}" for number in range(20)]
    seed(table, *for_other_partner(*names), *clients("b", "c", "d"), *memberships_in(EMPLOYEE, "b", "c", "d"))

    found = all_pages(
        lambda after: partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=after, limit=limit)
    )

    assert concatenated(found) == [(name, EMPLOYEE, False) for name in "bcd"]
    assert found[0] == [(name, EMPLOYEE, False) for name in "bcd"[:limit]]


def test_clients_of_employee_exactly_full_page_is_last(table: Table) -> None:
    seed(table, *for_other_partner("a"), *clients("b", "c"), *memberships_in(EMPLOYEE, "b", "c"))

    page = partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=None, limit=2)

    assert (rows_of(page.items), page.after) == ([("b", EMPLOYEE, False), ("c", EMPLOYEE, False)], None)


def test_clients_of_employee_of_other_partner_are_one_empty_page(table: Table) -> None:
    seed(table, *for_other_partner(*(f"a{number:02}" for number in range(20))))

    assert partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=None, limit=1) == partner_console.Page(
        [], None
    )


def test_clients_of_employee_page_reads_at_most_100_accounts(table: Table) -> None:
    names = [f"a{number:03}" for number in range(120)]
    seed(table, *for_other_partner(*names), *clients("b"), *memberships_in(EMPLOYEE, "b"))

    with count_costs(table) as costs:
        first = partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=None, limit=1)

    assert (first.items, first.after, costs.reads <= 1 + 3 + 1 + 2 + 2) == ([], names[100], True), costs.reads
    second = partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after=first.after, limit=1)
    assert rows_of(second.items) == [("b", EMPLOYEE, False)]


def test_clients_of_non_employee_are_not_read(table: Table) -> None:
    seed(
        table,
        a_user("user-stranger"),
        *clients("a", "b"),
        *memberships_in("user-stranger", "a", "b", made_by_client=True),
    )

    with count_costs(table) as costs:
        page = partner_console.memberships_of(PARTNER, "user-stranger", at=now(), after=None, limit=1)

    assert (page, costs.reads) == (partner_console.Page([], None), 1)


def test_console_does_not_read_accounts_of_former_employee(table: Table) -> None:
    seed(
        table,
        a_partner_account_member(EMPLOYEE, active=False),
        *clients("a"),
        *memberships_in(EMPLOYEE, "a", made_by_client=True),
    )

    with count_costs(table) as costs:
        assert console_page() == partner_console.Page([], None)

    assert costs.reads <= 1 + 1 + 2 + 2


def test_clients_of_employee_page_costs_four_reads(thousand_clients: Table) -> None:
    with count_costs(thousand_clients) as costs:
        page = partner_console.memberships_of(PARTNER, EMPLOYEE, at=now(), after="client-0500", limit=25)

    assert (len(page.items), costs.reads, costs.writes) == (25, 4, 0)


# employees


def employees(**options: Any) -> partner_console.EmployeePage:
    return partner_console.employees(PARTNER, **{"at": now(), "after": None, "limit": 25, **options})


def test_employees_are_sorted_by_id_with_client_memberships(table: Table) -> None:
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
def test_employees_continue_on_next_page(table: Table, limit: int) -> None:
    seed(table)
    page = employees(limit=limit)
    found = [each.user.user_id for each in page.items]
    while page.after:
        page = employees(limit=limit, after=page.after)
        found += [each.user.user_id for each in page.items]

    assert found == [COLLEAGUE, EMPLOYEE, MANAGER]


def test_employee_returns_single_employee(table: Table) -> None:
    seed(table, *clients("a"), *memberships_in(EMPLOYEE, "a"))

    found = partner_console.employee(PARTNER, EMPLOYEE, at=now())

    (employee,) = found.items
    assert (employee.user.user_id, employee.is_active) == (EMPLOYEE, True)
    assert rows_of(employee.memberships) == [("a", EMPLOYEE, False)]
    assert found.after is None


def test_employees_without_user_record_are_skipped(table: Table) -> None:
    seed(table)
    table.remove(keys.user(COLLEAGUE))

    assert [each.user.user_id for each in employees().items] == [EMPLOYEE, MANAGER]


def test_employees_with_many_clients_list_only_first_ones(thousand_clients: Table) -> None:
    with count_costs(thousand_clients) as costs:
        colleague, employee, manager = employees().items

    assert len(employee.memberships) == 27
    assert [each.may_have_more for each in (colleague, employee, manager)] == [True, True, False]
    assert costs.reads <= 1 + 3 + 2 + 1


def test_employees_page_costs_one_read_each_and_few_more(table: Table) -> None:
    user_ids = [f"employee-{number:02}" for number in range(60)]
    seed(table, *map(an_employee, user_ids), *map(a_partner_account_member, user_ids), *map(a_partner_admin, user_ids))

    with count_costs(table) as costs:
        assert len(employees().items) == 25

    assert costs.reads <= 1 + 25 + 2
