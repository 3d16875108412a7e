"""The sets that may be chosen are those that a creation would take: the vendor's, and the account's own."""

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import SetName
from partner_access.domain.records import Kept
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
from tests.support.costs import counted
from tests.support.gateway import Answer, call
from tests.support.link_requests import refused
from tests.support.seeded_table import CLERK, COLLEAGUE, a_lapsed_partner_admin, a_world, staff
from tests.support.table import Table

SETS = "GET /accounts/{account_id}/permission-sets"
ONE = SETS + "/{set_id}"
AT_NORTH = f"{EMPLOYEE}@north.example"
ALL = [*SetName]
ORDINARY = [name for name in ALL if name != "partner_admin"]
NOT_SUPER = [name for name in ORDINARY if name != "super_admin"]


def choose(by: str = APPROVER, email: str | None = None, account_id: str = CLIENT) -> Answer:
    return call(SETS, by, query={"email": email} if email else None, account_id=account_id)


def offered(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [each["permission_set"] for each in answer.body["items"]]


def test_a_set_is_shown_with_all_that_it_holds(table: Table) -> None:
    a_world(table)

    answer = choose(email=AT_NORTH)

    assert answer.body["next_cursor"] is None
    partner_admin = next(each for each in answer.body["items"] if each["permission_set"] == "partner_admin")
    assert (partner_admin["version"], partner_admin["kind"], partner_admin["name"]) == (1, "default", "partner_admin")
    names = {name.partition(":")[0] for name in partner_admin["permissions"]}
    assert names == catalogue.CATALOGUE - catalogue.RESTRICTED - catalogue.PARTNER_ONLY
    assert not any("partner.client_access.manage" in each["permissions"] for each in answer.body["items"])


@pytest.mark.parametrize(("others", "by", "email", "names"), [
    ((), APPROVER, None, ORDINARY),
    ((), APPROVER, AT_NORTH, ALL),
    ((), APPROVER, AT_NORTH.upper(), ALL),
    ((), APPROVER, "nobody@north.example", ORDINARY),
    ((), APPROVER, f"{CLERK}@bakery.example", ORDINARY),
    ((an_employee(active=False),), APPROVER, AT_NORTH, ORDINARY),
    ((staff(EMPLOYEE, active=False),), APPROVER, AT_NORTH, ORDINARY),
    ((the_partner(domains=("other.example",)),), APPROVER, AT_NORTH, ORDINARY),
    ((the_partner(program=Program.SUSPENDED),), APPROVER, AT_NORTH, ORDINARY),
    ((a_member(COLLEAGUE),), COLLEAGUE, AT_NORTH, NOT_SUPER),
    ((a_partner_admin(COLLEAGUE),), COLLEAGUE, AT_NORTH, NOT_SUPER),
    ((a_member(CLERK, "view_only", added=("account.users.manage",)),), CLERK, AT_NORTH, ["partner_admin", "view_only"]),
])  # fmt: skip
def test_partner_admin_is_offered_for_an_eligible_employee_alone(
    table: Table, others: tuple[Kept, ...], by: str, email: str | None, names: list[str]
) -> None:
    a_world(table, *others)

    assert offered(choose(by, email)) == names


def test_one_eligible_firm_of_two_is_enough(table: Table) -> None:
    south = the_partner(account_id="partner-south", program=Program.TERMINATED)
    a_world(table, south, staff(EMPLOYEE, account_id="partner-south"))

    assert "partner_admin" in offered(choose(email=AT_NORTH))


@pytest.mark.parametrize(("others", "by", "account_id", "status", "code"), [
    ((), APPROVER, "client-nowhere", 404, "not_found"),
    ((), COLLEAGUE, CLIENT, 404, "not_found"),
    ((), CLERK, CLIENT, 403, "forbidden"),
    ((a_user(APPROVER, active=False),), APPROVER, CLIENT, 403, "forbidden"),
    ((), COLLEAGUE, PARTNER, 403, "forbidden"),
])  # fmt: skip
def test_the_choice_is_for_whoever_may_choose(
    table: Table, others: tuple[Kept, ...], by: str, account_id: str, status: int, code: str
) -> None:
    a_world(table, *others)

    refused(table, lambda: choose(by, AT_NORTH, account_id), status, code)


def test_no_partner_admin_is_offered_in_a_partner_account(table: Table) -> None:
    a_world(table, staff(COLLEAGUE, "super_admin"))

    assert "partner_admin" not in offered(choose(COLLEAGUE, AT_NORTH, PARTNER))


@pytest.mark.parametrize("query", [{"email": "nobody"}, {"email": "a@b.example,c@d.example"}, {"limit": "1"}])
def test_an_odd_question_gets_no_answer(table: Table, query: dict[str, str]) -> None:
    a_world(table)

    refused(table, lambda: call(SETS, APPROVER, query=query, account_id=CLIENT), 400, "invalid_query")


# the account's own

BOOKS = a_custom_set(f"set_{'4' * 32}", name="Books", permissions=("account.billing.manage",))
DESK = a_custom_set()
MANAGES_USERS = a_member(CLERK, "view_only", added=("account.users.manage",))
AT_HOME = f"{CLERK}@bakery.example"


def own(answer: Answer) -> list[str]:
    return [name for name in offered(answer) if name.startswith("set_")]


def test_the_accounts_own_sets_come_after_the_vendors(table: Table) -> None:
    a_world(table, BOOKS, DESK, a_custom_set(account_id=PARTNER))

    answer = choose()

    assert offered(answer) == [*ORDINARY, DESK.set_id, BOOKS.set_id]
    assert answer.body["items"][-2] == {
        "permission_set": CUSTOM_SET,
        "kind": "custom",
        "name": "Service desk",
        "version": 1,
        "permissions": ["crm.tickets.edit:team", "crm.tickets.view:all", "service.access"],
    }


def test_nobody_is_offered_what_he_does_not_hold(table: Table) -> None:
    narrow = a_custom_set(f"set_{'5' * 32}", permissions=("crm.tickets.view:team",))
    a_world(table, BOOKS, DESK, narrow, MANAGES_USERS, a_partner_admin(COLLEAGUE))

    assert own(choose(CLERK)) == [narrow.set_id]
    assert own(choose(COLLEAGUE, AT_NORTH)) == [DESK.set_id, narrow.set_id]


@pytest.mark.parametrize(("target", "email", "sets"), [
    (None, AT_NORTH, [DESK.set_id, BOOKS.set_id]),
    (a_member(EMPLOYEE, "sales"), AT_NORTH, [DESK.set_id, BOOKS.set_id]),
    (a_partner_admin(), AT_NORTH, [DESK.set_id]),
    (a_partner_admin(), AT_HOME, [DESK.set_id, BOOKS.set_id]),
    (a_lapsed_partner_admin(), AT_NORTH, [DESK.set_id, BOOKS.set_id]),
    (a_member(EMPLOYEE, "sales", partner_id=PARTNER), AT_NORTH, [DESK.set_id]),
])  # fmt: skip
def test_for_whoever_is_here_for_a_partner_nothing_restricted_is_offered(
    table: Table, target: Kept | None, email: str, sets: list[str]
) -> None:
    a_world(table, BOOKS, DESK, *([target] if target else ()))

    assert own(choose(email=email)) == sets


def test_a_hundred_of_them_are_one_page(table: Table) -> None:
    sets = [a_custom_set(f"set_{number:032}") for number in range(100)]
    a_world(table, *sets)

    with counted(table) as costs:
        answer = choose()

    assert own(answer) == [each.set_id for each in sets]
    assert costs.reads == 2


def test_where_there_are_none_nothing_is_looked_for(table: Table) -> None:
    a_world(table)

    with counted(table) as costs:
        choose()

    assert costs.reads == 1


# one of them


def view(by: str = APPROVER, set_id: str = CUSTOM_SET, account_id: str = CLIENT) -> Answer:
    return call(ONE, by, set_id=set_id, account_id=account_id)


@pytest.mark.parametrize(("others", "by"), [
    ((), APPROVER),
    ((MANAGES_USERS,), CLERK),
    ((a_partner_admin(COLLEAGUE),), COLLEAGUE),
])  # fmt: skip
def test_whoever_gives_sets_sees_one_with_its_tag(table: Table, others: tuple[Kept, ...], by: str) -> None:
    a_world(table, a_custom_set(version=3), a_user("user-x"), a_member("user-x", CUSTOM_SET), *others)

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
def test_to_others_there_is_none(table: Table, by: str, set_id: str, account_id: str, status: int, code: str) -> None:
    florist = "client-florist"
    a_world(table, DESK, the_client(account_id=florist), a_custom_set("set_elsewhere", account_id=florist))

    refused(table, lambda: view(by, set_id, account_id), status, code)
