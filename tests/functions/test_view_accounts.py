"""Tests of listing the caller's accounts, page by page, and in which of them they can approve links."""

import pytest

from partner_access.domain.accounts import AccountState
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
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
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import assert_error
from tests.support.seeded_table import CLERK, MANAGER, a_partner_account_member, an_expired_partner_admin, seed
from tests.support.table import Table

MANY = tuple(f"client-{number}" for number in range(1, 6))


def list_accounts(by: str = APPROVER, **query: str) -> ApiResponse:
    return call("GET /accounts", by, query=query)


def rows(answer: ApiResponse) -> list[tuple[str, str, str, bool]]:
    assert answer.status == 200, answer
    return [(row["account_id"], row["kind"], row["permission_set"], "approve_links" in row["allowed_actions"])
            for row in answer.body["items"]]  # fmt: skip


def many_accounts() -> list[Record]:
    return [record for name in MANY for record in (the_client(account_id=name), a_member(account_id=name))]


@pytest.mark.parametrize(("others", "by", "expected"), [
    ((), APPROVER, [(CLIENT, "client", "super_admin", True)]),
    ((), CLERK, [(CLIENT, "client", "view_only", False)]),
    (
        (a_member(CLERK, "view_only", added=("account.users.manage",)),),
        CLERK,
        [(CLIENT, "client", "view_only", True)],
    ),
    ((), MANAGER, [(PARTNER, "partner", "super_admin", False)]),
    ((the_client(state=AccountState.CLOSED),), APPROVER, [(CLIENT, "client", "super_admin", False)]),
    (
        (a_partner_admin(),),
        EMPLOYEE,
        [(CLIENT, "client", "partner_admin", False), (PARTNER, "partner", "view_only", False)],
    ),
    ((an_expired_partner_admin(),), EMPLOYEE, [(PARTNER, "partner", "view_only", False)]),
    (
        (a_partner_admin(), an_employee(offboardings={PARTNER: 1})),
        EMPLOYEE,
        [(PARTNER, "partner", "view_only", False)],
    ),
    ((a_partner_admin(), the_partner(terminations=1)), EMPLOYEE, [(PARTNER, "partner", "view_only", False)]),
    (
        (a_partner_admin(grant=a_grant(former_set="sales")), the_partner(terminations=1)),
        EMPLOYEE,
        [(PARTNER, "partner", "view_only", False)],
    ),
    (
        (a_partner_admin(access_generation=1), the_partner(terminations=1)),
        EMPLOYEE,
        [(CLIENT, "client", "partner_admin", False), (PARTNER, "partner", "view_only", False)],
    ),
    ((a_member(CLERK, active=False),), CLERK, []),
    (
        (a_custom_set(permissions=("account.users.manage",)), a_member(CLERK, CUSTOM_SET)),
        CLERK,
        [(CLIENT, "client", CUSTOM_SET, True)],
    ),
    ((), "user-nobody", []),
])  # fmt: skip
def test_view_accounts_returns_current_memberships_and_approval_right(
    table: Table, others: tuple[Record, ...], by: str, expected: list[tuple[str, str, str, bool]]
) -> None:
    seed(table, *others)
    before = table.items()

    answer = list_accounts(by)

    assert rows(answer) == expected
    assert answer.body["next_cursor"] is None
    assert table.items() == before


def test_view_accounts_by_deactivated_user_returns_403(table: Table) -> None:
    seed(table, a_user(APPROVER, active=False))

    assert_error(table, list_accounts, 403, "forbidden")


def test_view_accounts_returns_account_name(table: Table) -> None:
    seed(table)

    assert list_accounts().body["items"][0]["name"] == "The Bakery"


def test_view_accounts_pages_contain_each_account_once(table: Table) -> None:
    seed(table, *many_accounts())

    first = list_accounts(limit="4")
    second = list_accounts(limit="4", cursor=first.body["next_cursor"])

    assert [row[0] for row in rows(first) + rows(second)] == sorted((*MANY, CLIENT))
    assert second.body["next_cursor"] is None


def test_view_accounts_page_can_be_shorter_than_limit(table: Table) -> None:
    seed(table, *many_accounts(), a_member(account_id=MANY[0], active=False))

    first = list_accounts(limit="2")

    assert [row[0] for row in rows(first)] == [MANY[1]]
    assert [row[0] for row in rows(list_accounts(limit="2", cursor=first.body["next_cursor"]))] == [*MANY[2:4]]


def test_view_accounts_skips_membership_of_missing_account(table: Table) -> None:
    seed(table)
    table.remove(keys.account(CLIENT))

    assert rows(list_accounts()) == []


@pytest.mark.parametrize("cursor", ["", "x", "x.y", "eyJ.é", "a" * 2049])
def test_view_accounts_with_invalid_cursor_returns_400(table: Table, cursor: str) -> None:
    seed(table)

    answer = list_accounts(cursor=cursor)

    assert answer.status == 400
    assert answer.code in {"invalid_cursor", "invalid_query"}


def test_view_accounts_cursor_is_valid_for_one_caller_and_list(table: Table) -> None:
    seed(
        table,
        the_partner(account_id="partner-south"),
        a_partner_account_member(MANAGER, "super_admin", account_id="partner-south"),
    )
    cursor = list_accounts(MANAGER, limit="1").body["next_cursor"]

    assert list_accounts(CLERK, cursor=cursor).code == "invalid_cursor"
    links = call("GET /partners/{partner_id}/access-links", MANAGER, query={"cursor": cursor}, partner_id=PARTNER)
    assert links.code == "invalid_cursor"
    assert list_accounts(MANAGER, limit="1", cursor=cursor).status == 200


@pytest.mark.parametrize("query", [
    *({"limit": limit} for limit in ("0", "-1", "101", "1e2", "0x10", "１０", "10,20", "", " 1", "1.0")),
    {"state": "open"},
])  # fmt: skip
def test_view_accounts_with_invalid_query_returns_400(table: Table, query: dict[str, str]) -> None:
    seed(table)

    assert (list_accounts(**query).status, list_accounts(**query).code) == (400, "invalid_query")
