"""The sets that may be chosen are those that a creation would take."""

import pytest

from partner_access.domain import catalogue
from partner_access.domain.accounts import Program
from partner_access.domain.decisions import Kept
from partner_access.domain.permissions import SetName
from tests.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_partner,
)
from tests.doors import Answer, call
from tests.knocks import refused
from tests.table import Table
from tests.worlds import CLERK, COLLEAGUE, a_world, staff

SETS = "GET /accounts/{account_id}/permission-sets"
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
    assert partner_admin["version"] == 1
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
