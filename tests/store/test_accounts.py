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


def test_accounts_of_user_include_membership_and_partner(table: Table) -> None:
    seed(table, a_partner_admin())

    page = accounts.page(EMPLOYEE, at=now(), after=None, limit=10)

    assert page.user is not None
    assert page.user.user_id == EMPLOYEE
    client, partner = page.items
    assert (client.account.account_id, partner.account.account_id) == (CLIENT, PARTNER)
    assert set(client.actor.partners) == {PARTNER}
    assert partner.actor.partners == {}
    assert page.after is None


def test_accounts_of_user_after_expired_grant_exclude_client(table: Table) -> None:
    seed(table, an_expired_partner_admin())

    assert [mine.account.account_id for mine in accounts_of_employee()] == [PARTNER]


def test_accounts_of_user_exclude_older_access_generation(table: Table) -> None:
    seed(table, a_partner_admin(access_generation=1), an_employee(offboardings={PARTNER: 1}))
    assert [mine.account.account_id for mine in accounts_of_employee()] == [CLIENT, PARTNER]

    seed(table, a_partner_admin(access_generation=0), an_employee(offboardings={PARTNER: 1}))
    assert [mine.account.account_id for mine in accounts_of_employee()] == [PARTNER]


def accounts_of_employee() -> list[accounts.CallerAccount]:
    return accounts.page(EMPLOYEE, at=now(), after=None, limit=10).items


def test_accounts_of_unknown_user_are_empty(table: Table) -> None:
    page = accounts.page("user-nobody", at=now(), after=None, limit=10)

    assert (page.user, page.items, page.after) == (None, [], None)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_account_ids_of_user_continue_on_next_page(table: Table, limit: int) -> None:
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


def test_all_account_ids_of_user_reads_every_page(table: Table) -> None:
    names = [f"client-{number:03}" for number in range(205)]
    for name in names:
        table.put(keys.account_of(APPROVER, name), {"account_id": name})

    with count_costs(table) as costs:
        assert accounts.all_ids_of(APPROVER) == names
    assert costs.reads == 3


def test_accounts_of_user_page_costs_at_most_three_reads(table: Table) -> None:
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
