"""Tests of listing permission sets.

The offered sets are those that `create_user` accepts: the vendor's and the account's own.
"""

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import SetName
from partner_access.domain.records import Record
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
    an_employee,
    the_client,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import assert_error
from tests.support.seeded_table import CLERK, COLLEAGUE, a_partner_account_member, an_expired_partner_admin, seed
from tests.support.table import Table

SETS = "GET /accounts/{account_id}/permission-sets"
ONE = SETS + "/{set_id}"
EMPLOYEE_EMAIL = f"{EMPLOYEE}@north.example"
ALL = [*SetName]
ORDINARY = [name for name in ALL if name != "partner_admin"]
NOT_SUPER = [name for name in ORDINARY if name != "super_admin"]


def list_sets(by: str = APPROVER, email: str | None = None, account_id: str = CLIENT) -> ApiResponse:
    return call(SETS, by, query={"email": email} if email else None, account_id=account_id)


def offered(answer: ApiResponse) -> list[str]:
    assert answer.status == 200, answer
    return [each["permission_set"] for each in answer.body["items"]]


def test_view_permission_sets_returns_permissions_of_each_set(table: Table) -> None:
    seed(table)

    answer = list_sets(email=EMPLOYEE_EMAIL)

    assert answer.body["next_cursor"] is None
    partner_admin = next(each for each in answer.body["items"] if each["permission_set"] == "partner_admin")
    assert (partner_admin["version"], partner_admin["kind"], partner_admin["name"]) == (1, "default", "partner_admin")
    names = {name.partition(":")[0] for name in partner_admin["permissions"]}
    assert names == catalogue.CATALOGUE - catalogue.RESTRICTED - catalogue.PARTNER_ONLY
    assert not any("partner.client_access.manage" in each["permissions"] for each in answer.body["items"])


@pytest.mark.parametrize(("others", "by", "email", "names"), [
    ((), APPROVER, None, ORDINARY),
    ((), APPROVER, EMPLOYEE_EMAIL, ALL),
    ((), APPROVER, EMPLOYEE_EMAIL.upper(), ALL),
    ((), APPROVER, "nobody@north.example", ORDINARY),
    ((), APPROVER, f"{CLERK}@bakery.example", ORDINARY),
    ((an_employee(active=False),), APPROVER, EMPLOYEE_EMAIL, ORDINARY),
    ((a_partner_account_member(EMPLOYEE, active=False),), APPROVER, EMPLOYEE_EMAIL, ORDINARY),
    ((the_partner(domains=("other.example",)),), APPROVER, EMPLOYEE_EMAIL, ORDINARY),
    ((the_partner(program=Program.SUSPENDED),), APPROVER, EMPLOYEE_EMAIL, ORDINARY),
    ((a_member(COLLEAGUE),), COLLEAGUE, EMPLOYEE_EMAIL, NOT_SUPER),
    ((a_partner_admin(COLLEAGUE),), COLLEAGUE, EMPLOYEE_EMAIL, NOT_SUPER),
    ((a_member(CLERK, "view_only", added=("account.users.manage",)),), CLERK, EMPLOYEE_EMAIL, ["partner_admin", "view_only"]),
])  # fmt: skip
def test_view_permission_sets_offers_partner_admin_only_for_eligible_employee(
    table: Table, others: tuple[Record, ...], by: str, email: str | None, names: list[str]
) -> None:
    # domain.md rule 12
    seed(table, *others)

    assert offered(list_sets(by, email)) == names


def test_view_permission_sets_for_employee_of_two_partners_needs_one_eligible(table: Table) -> None:
    south = the_partner(account_id="partner-south", program=Program.TERMINATED)
    seed(table, south, a_partner_account_member(EMPLOYEE, account_id="partner-south"))

    assert "partner_admin" in offered(list_sets(email=EMPLOYEE_EMAIL))


@pytest.mark.parametrize(("others", "by", "account_id", "status", "code"), [
    ((), APPROVER, "client-nowhere", 404, "not_found"),
    ((), COLLEAGUE, CLIENT, 404, "not_found"),
    ((), CLERK, CLIENT, 403, "forbidden"),
    ((a_user(APPROVER, active=False),), APPROVER, CLIENT, 403, "forbidden"),
    ((), COLLEAGUE, PARTNER, 403, "forbidden"),
])  # fmt: skip
def test_view_permission_sets_by_unauthorized_caller_is_refused(
    table: Table, others: tuple[Record, ...], by: str, account_id: str, status: int, code: str
) -> None:
    seed(table, *others)

    assert_error(table, lambda: list_sets(by, EMPLOYEE_EMAIL, account_id), status, code)


def test_view_permission_sets_of_partner_account_omits_partner_admin(table: Table) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))

    assert "partner_admin" not in offered(list_sets(COLLEAGUE, EMPLOYEE_EMAIL, PARTNER))


@pytest.mark.parametrize("query", [{"email": "nobody"}, {"email": "a@b.example,c@d.example"}, {"limit": "1"}])
def test_view_permission_sets_with_invalid_query_returns_400(table: Table, query: dict[str, str]) -> None:
    seed(table)

    assert_error(table, lambda: call(SETS, APPROVER, query=query, account_id=CLIENT), 400, "invalid_query")


# custom sets

BILLING_SET = a_custom_set(f"set_{'4' * 32}", name="Books", permissions=("account.billing.manage",))
SERVICE_DESK_SET = a_custom_set()
MANAGES_USERS = a_member(CLERK, "view_only", added=("account.users.manage",))
CLERK_EMAIL = f"{CLERK}@bakery.example"


def custom_set_ids(answer: ApiResponse) -> list[str]:
    return [name for name in offered(answer) if name.startswith("set_")]


def test_view_permission_sets_returns_custom_sets_after_vendor_sets(table: Table) -> None:
    seed(table, BILLING_SET, SERVICE_DESK_SET, a_custom_set(account_id=PARTNER))

    answer = list_sets()

    assert offered(answer) == [*ORDINARY, SERVICE_DESK_SET.set_id, BILLING_SET.set_id]
    assert answer.body["items"][-2] == {
        "permission_set": CUSTOM_SET,
        "kind": "custom",
        "name": "Service desk",
        "version": 1,
        "permissions": ["crm.tickets.edit:team", "crm.tickets.view:all", "service.access"],
    }


def test_view_permission_sets_omits_sets_with_permissions_not_held(table: Table) -> None:
    narrow = a_custom_set(f"set_{'5' * 32}", permissions=("crm.tickets.view:team",))
    seed(table, BILLING_SET, SERVICE_DESK_SET, narrow, MANAGES_USERS, a_partner_admin(COLLEAGUE))

    assert custom_set_ids(list_sets(CLERK)) == [narrow.set_id]
    assert custom_set_ids(list_sets(COLLEAGUE, EMPLOYEE_EMAIL)) == [SERVICE_DESK_SET.set_id, narrow.set_id]


@pytest.mark.parametrize(("target", "email", "sets"), [
    (None, EMPLOYEE_EMAIL, [SERVICE_DESK_SET.set_id, BILLING_SET.set_id]),
    (a_member(EMPLOYEE, "sales"), EMPLOYEE_EMAIL, [SERVICE_DESK_SET.set_id, BILLING_SET.set_id]),
    (a_partner_admin(), EMPLOYEE_EMAIL, [SERVICE_DESK_SET.set_id]),
    (a_partner_admin(), CLERK_EMAIL, [SERVICE_DESK_SET.set_id, BILLING_SET.set_id]),
    (an_expired_partner_admin(), EMPLOYEE_EMAIL, [SERVICE_DESK_SET.set_id, BILLING_SET.set_id]),
    (a_member(EMPLOYEE, "sales", partner_id=PARTNER), EMPLOYEE_EMAIL, [SERVICE_DESK_SET.set_id]),
])  # fmt: skip
def test_view_permission_sets_for_partner_member_omits_sets_with_restricted_ones(
    table: Table, target: Record | None, email: str, sets: list[str]
) -> None:
    seed(table, BILLING_SET, SERVICE_DESK_SET, *([target] if target else ()))

    assert custom_set_ids(list_sets(email=email)) == sets


def test_view_permission_sets_returns_hundred_custom_sets_in_one_page(table: Table) -> None:
    sets = [a_custom_set(f"set_{number:032}") for number in range(100)]
    seed(table, *sets)

    with count_costs(table) as costs:
        answer = list_sets()

    assert custom_set_ids(answer) == [each.set_id for each in sets]
    assert costs.reads == 2


def test_view_permission_sets_without_custom_sets_does_not_query_them(table: Table) -> None:
    seed(table)

    with count_costs(table) as costs:
        list_sets()

    assert costs.reads == 1


# one set


def view(by: str = APPROVER, set_id: str = CUSTOM_SET, account_id: str = CLIENT) -> ApiResponse:
    return call(ONE, by, set_id=set_id, account_id=account_id)


@pytest.mark.parametrize(("others", "by"), [
    ((), APPROVER),
    ((MANAGES_USERS,), CLERK),
    ((a_partner_admin(COLLEAGUE),), COLLEAGUE),
])  # fmt: skip
def test_view_permission_set_by_user_manager_returns_set_with_etag(
    table: Table, others: tuple[Record, ...], by: str
) -> None:
    seed(table, a_custom_set(version=3), a_user("user-x"), a_member("user-x", CUSTOM_SET), *others)

    answer = view(by)

    assert (answer.status, answer.headers["etag"]) == (200, '"3"')
    assert answer.body == {
        "permission_set": CUSTOM_SET,
        "kind": "custom",
        "name": "Service desk",
        "version": 3,
        "permissions": ["crm.tickets.edit:team", "crm.tickets.view:all", "service.access"],
        "holders": 1,
    }


@pytest.mark.parametrize(("by", "set_id", "account_id", "status", "code"), [
    (APPROVER, f"set_{'9' * 32}", CLIENT, 404, "not_found"),
    (APPROVER, "sales", CLIENT, 404, "not_found"),
    (APPROVER, "set_elsewhere", CLIENT, 404, "not_found"),
    (APPROVER, CUSTOM_SET, "client-nowhere", 404, "not_found"),
    (COLLEAGUE, CUSTOM_SET, CLIENT, 404, "not_found"),
    (CLERK, CUSTOM_SET, CLIENT, 403, "forbidden"),
    (CLERK, "set_nowhere", CLIENT, 403, "forbidden"),
])  # fmt: skip
def test_view_permission_set_by_unauthorized_caller_or_unknown_is_refused(
    table: Table, by: str, set_id: str, account_id: str, status: int, code: str
) -> None:
    florist = "client-florist"
    seed(table, SERVICE_DESK_SET, the_client(account_id=florist), a_custom_set("set_elsewhere", account_id=florist))

    assert_error(table, lambda: view(by, set_id, account_id), status, code)
