"""The accounts of one user: paged, complete, and each with the current membership."""

import pytest

from partner_access.store import accounts, keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.seeded_table import a_partner_account_member, an_expired_partner_admin, now, seed
from tests.support.table import Table


def test_an_account_comes_with_who_one_is_in_it_and_for_whom(table: Table) -> None:
    seed(table, a_partner_admin())

    page = accounts.page(EMPLOYEE, at=now(), after=None, limit=10)

    assert page.user is not None
    assert page.user.user_id == EMPLOYEE
    client, partner = page.items
    assert (client.account.account_id, partner.account.account_id) == (CLIENT, PARTNER)
    assert set(client.actor.partners) == {PARTNER}
    assert partner.actor.partners == {}
    assert page.after is None


def test_a_membership_counts_as_it_is_now(table: Table) -> None:
    was = a_member(EMPLOYEE, "sales").assignment
    seed(table, an_expired_partner_admin(previous=was))

    (client, _) = accounts.page(EMPLOYEE, at=now(), after=None, limit=10).items

    assert client.member.permission_set == "sales"


def test_where_all_that_one_had_for_a_firm_was_ended_one_is_no_more(table: Table) -> None:
    seed(table, a_partner_admin(access_generation=1), an_employee(offboardings={PARTNER: 1}))
    assert [mine.account.account_id for mine in accounts_of_employee()] == [CLIENT, PARTNER]

    seed(table, a_partner_admin(access_generation=0), an_employee(offboardings={PARTNER: 1}))
    assert [mine.account.account_id for mine in accounts_of_employee()] == [PARTNER]


def accounts_of_employee() -> list[accounts.CallerAccount]:
    return accounts.page(EMPLOYEE, at=now(), after=None, limit=10).items


def test_nobody_is_nowhere(table: Table) -> None:
    page = accounts.page("user-nobody", at=now(), after=None, limit=10)

    assert (page.user, page.items, page.after) == (None, [], None)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_go_on_where_the_last_one_ended(table: Table, limit: int) -> None:
    seed(
        table,
        the_client(account_id="a"),
        a_member(account_id="a"),
        the_client(account_id="z"),
        a_member(account_id="z"),
    )
    found, after = accounts.ids_of(APPROVER, limit=limit)
    while after:
        more, after = accounts.ids_of(APPROVER, after=after, limit=limit)
        found += more

    assert found == ["a", CLIENT, "z"]


def test_all_of_very_many_are_found(table: Table) -> None:
    names = [f"client-{number:03}" for number in range(205)]
    for name in names:
        table.put(keys.account_of(APPROVER, name), {"account_id": name})

    with count_costs(table) as costs:
        assert accounts.all_ids_of(APPROVER) == names
    assert costs.reads == 3


def test_a_page_costs_three_requests_and_one_more_for_partner_staff_at_most(table: Table) -> None:
    seed(
        table,
        a_partner_admin(),
        the_partner(account_id="partner-south"),
        a_user("user-other"),
        a_partner_account_member("user-other"),
    )

    with count_costs(table) as costs:
        accounts.page(EMPLOYEE, at=now(), after=None, limit=25)

    assert costs.reads <= 3
