"""Tests of the partner console.

It shows the partner's members at its clients with permission set and end, and no other users.
"""

from base64 import urlsafe_b64decode
from datetime import timedelta
from functools import partial

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    LINK,
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
from tests.support.costs import count_costs
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse, call
from tests.support.link_requests import assert_error, assert_unchanged
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    MANAGER,
    a_partner_account_member,
    an_expired_partner_admin,
    an_open_link,
    now,
    seed,
)
from tests.support.table import Table

pytestmark = pytest.mark.usefixtures("check_invariants")

FLORIST = "client-florist"
SOUTH = "partner-south"
CLIENTS = "GET /partners/{partner_id}/clients"
EMPLOYEES = "GET /partners/{partner_id}/employees"
BOTH = pytest.mark.parametrize("route", [CLIENTS, EMPLOYEES])
CLIENT_ACCESS_MANAGER = a_partner_account_member(COLLEAGUE, added=("partner.client_access.manage",))


def view_console(route: str, by: str = MANAGER, partner_id: str = PARTNER, **query: str) -> ApiResponse:
    return call(route, by, query=query, partner_id=partner_id)


clients = partial(view_console, CLIENTS)
employees = partial(view_console, EMPLOYEES)


def members_by_client(answer: ApiResponse) -> list[tuple[str, list[str], bool]]:
    assert answer.status == 200, answer
    return [
        (each["account_id"], [person["user_id"] for person in each["people"]], each["made_by_client"])
        for each in answer.body["items"]
    ]


def ids(answer: ApiResponse) -> list[str]:
    assert answer.status == 200, answer
    return [each["user_id"] for each in answer.body["items"]]


def console_members() -> list[Record]:
    """Return memberships: the employee as partner admin of two clients, a colleague, and a manager as super admin."""
    return [
        the_client(account_id=FLORIST, name="The Florist"),
        a_partner_admin(),
        a_partner_admin(account_id=FLORIST, grant=a_grant(grant_id=f"grt_{'4' * 32}")),
        a_member(COLLEAGUE, "sales", partner_id=PARTNER),
        a_member(MANAGER, account_id=FLORIST),
    ]


# clients


def test_view_clients_returns_each_client_with_partner_members(table: Table) -> None:
    seed(table, *console_members())

    with assert_unchanged(table):
        answer = clients()

    assert members_by_client(answer) == [
        (CLIENT, [COLLEAGUE, EMPLOYEE], False),
        (FLORIST, [EMPLOYEE], False),
        (FLORIST, [MANAGER], True),
    ]
    assert answer.body["next_cursor"] is None
    assert [each["name"] for each in answer.body["items"]] == ["The Bakery", "The Florist", "The Florist"]


def test_view_clients_returns_member_with_grant_set_and_end(table: Table) -> None:
    end = now() + timedelta(days=50)
    seed(
        table,
        the_client(pricing=Pricing.LEGACY),
        a_partner_admin(grant=a_grant(expires_at=end), removed=("crm.import",)),
    )

    (person,) = clients().body["items"][0]["people"]

    assert (person["account_id"], person["user_id"], person["name"]) == (CLIENT, EMPLOYEE, "Employee")
    assert person["email"] == f"{EMPLOYEE}@north.example"
    assert (person["permission_set"], person["seat"], person["state"]) == ("partner_admin", "partner", "active")
    assert person["permissions"] == {"added": [], "removed": ["crm.import"]}
    assert person["expires_at"] == person["grant"]["expires_at"] == end.isoformat().replace("+00:00", "Z")
    assert (person["grant"]["grant_id"], person["grant"]["state"]) == (person["grant_id"], "active")
    assert {"since", "version"} <= set(person)
    assert person["grant"]["created_at"]
    assert person["grant"]["notice"] == "paid_seat_required"


def test_view_clients_returns_member_without_grant(table: Table) -> None:
    seed(table, a_member(COLLEAGUE, "sales", partner_id=PARTNER))

    (person,) = clients().body["items"][0]["people"]

    assert (person["permission_set"], person["state"]) == ("sales", "active")
    assert "grant" not in person


def test_view_clients_and_employees_return_name_of_custom_set(table: Table) -> None:
    seed(table, a_custom_set(), a_member(COLLEAGUE, CUSTOM_SET, partner_id=PARTNER), a_partner_admin())

    theirs, vendors = clients().body["items"][0]["people"]
    (there,) = next(each["clients"] for each in employees().body["items"] if each["user_id"] == COLLEAGUE)

    assert (theirs["permission_set"], theirs["set_name"]) == (CUSTOM_SET, "Service desk")
    assert (there["permission_set"], there["set_name"]) == (CUSTOM_SET, "Service desk")
    assert "set_name" not in vendors


@pytest.mark.parametrize(
    ("others", "causes"),
    [
        ([a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))], ["client"]),
        ([a_partner_admin(), an_employee(active=False)], ["employee"]),
        ([a_partner_admin(), the_partner(program=Program.SUSPENDED)], ["program"]),
    ],
)
def test_view_clients_returns_suspended_member_with_reasons_and_grant(
    table: Table, others: list[Record], causes: list[str]
) -> None:
    seed(table, *others)

    (person,) = clients().body["items"][0]["people"]

    assert (person["state"], person["suspended_by"]) == ("suspended", causes)
    assert person["grant"]["state"] == "suspended"


@pytest.mark.parametrize(
    "gone",
    [
        a_partner_admin(active=False, seat=None, grant=None, partner_id=None),
        an_expired_partner_admin(),
    ],
)
def test_view_clients_omits_members_whose_access_has_ended(table: Table, gone: Record) -> None:
    seed(table, gone)

    assert members_by_client(clients()) == []


def test_view_clients_includes_closed_account_with_members(table: Table) -> None:
    seed(table, the_client(state=AccountState.CLOSED), a_partner_admin())

    assert members_by_client(clients()) == [(CLIENT, [EMPLOYEE], False)]


def test_view_clients_returns_a_row_for_each_membership_created_by_client(table: Table) -> None:
    seed(table, a_member(COLLEAGUE), a_member(EMPLOYEE))

    assert members_by_client(clients()) == [(CLIENT, [COLLEAGUE], True), (CLIENT, [EMPLOYEE], True)]


@pytest.mark.parametrize("by", [MANAGER, COLLEAGUE])
def test_view_clients_by_client_access_manager_returns_all_or_filtered_by_employee(table: Table, by: str) -> None:
    seed(table, *console_members(), CLIENT_ACCESS_MANAGER)

    assert len(members_by_client(clients(by))) == 3
    assert members_by_client(clients(by, employee_id=EMPLOYEE)) == [
        (CLIENT, [EMPLOYEE], False),
        (FLORIST, [EMPLOYEE], False),
    ]
    assert members_by_client(clients(by, employee_id=MANAGER)) == [(FLORIST, [MANAGER], True)]


@pytest.mark.parametrize("query", [{}, {"employee_id": EMPLOYEE}])
def test_view_clients_by_employee_returns_own_clients(table: Table, query: dict[str, str]) -> None:
    seed(table, *console_members(), a_member(COLLEAGUE, account_id=FLORIST))

    assert members_by_client(clients(EMPLOYEE, **query)) == [(CLIENT, [EMPLOYEE], False), (FLORIST, [EMPLOYEE], False)]
    assert members_by_client(clients(COLLEAGUE)) == [(CLIENT, [COLLEAGUE], False), (FLORIST, [COLLEAGUE], True)]


def test_view_clients_by_employee_filtered_by_colleague_returns_403(table: Table) -> None:
    seed(table, *console_members())

    assert_error(table, lambda: clients(EMPLOYEE, employee_id=COLLEAGUE), 403, "forbidden")


@pytest.mark.parametrize("person", [APPROVER, "user-rival", "user-former", "user-nobody"])
def test_view_clients_filtered_by_user_outside_the_partner_returns_none(table: Table, person: str) -> None:
    seed(
        table,
        the_partner(account_id=SOUTH, domains=("south.example",)),
        an_employee("user-rival"),
        a_partner_account_member("user-rival", account_id=SOUTH),
        a_partner_admin("user-rival", partner_id=SOUTH, grant=a_grant(partner_id=SOUTH)),
        a_user("user-former"),
        a_partner_account_member("user-former", active=False),
        a_member("user-former"),
    )

    assert members_by_client(clients(employee_id=person)) == []
    assert members_by_client(clients()) == []


@pytest.mark.parametrize("person", ["user-rival", "user-nobody"])
def test_view_clients_filtered_by_user_outside_the_partner_hides_their_accounts(table: Table, person: str) -> None:
    names = [f"a{number}" for number in range(5)]
    seed(
        table,
        *(the_client(account_id=name) for name in names),
        an_employee("user-rival", email="rival@south.example"),
        *(a_member("user-rival", account_id=name) for name in names),
    )

    answer = clients(employee_id=person, limit="1")

    assert answer.body == {"items": [], "next_cursor": None}


def test_view_clients_of_employee_of_two_partners_returns_each_partner_its_own(table: Table) -> None:
    seed(
        table,
        the_partner(account_id=SOUTH, domains=("north.example",)),
        the_client(account_id=FLORIST),
        a_partner_account_member(EMPLOYEE, account_id=SOUTH),
        a_partner_account_member(MANAGER, "super_admin", account_id=SOUTH),
        a_partner_admin(),
        a_partner_admin(
            account_id=FLORIST, partner_id=SOUTH, grant=a_grant(partner_id=SOUTH, grant_id=f"grt_{'4' * 32}")
        ),
    )

    for query in ({}, {"employee_id": EMPLOYEE}):
        assert members_by_client(clients(**query)) == [(CLIENT, [EMPLOYEE], False)]
        assert members_by_client(clients(partner_id=SOUTH, **query)) == [(FLORIST, [EMPLOYEE], False)]


@pytest.mark.parametrize("limit", ["1", "2", "3"])
@pytest.mark.parametrize("query", [{}, {"employee_id": EMPLOYEE}])
def test_view_clients_pages_contain_each_client_once(table: Table, limit: str, query: dict[str, str]) -> None:
    seed(table, *console_members())
    whole = members_by_client(clients(**query))
    answer = clients(limit=limit, **query)
    found = members_by_client(answer)
    while answer.body["next_cursor"]:
        answer = clients(limit=limit, cursor=answer.body["next_cursor"], **query)
        found += members_by_client(answer)

    assert found == whole


def test_view_clients_without_limit_returns_twenty_five(table: Table) -> None:
    names = [f"a{number:02}" for number in range(30)]
    seed(
        table,
        *(the_client(account_id=name) for name in names),
        *(a_partner_admin(account_id=each, grant=a_grant(grant_id=f"grt_{each:0>32}")) for each in names),
    )

    assert len(clients().body["items"]) == 25
    assert len(clients(limit="100").body["items"]) == 30


# employees


def test_view_employees_returns_clients_and_roles(table: Table) -> None:
    end = now() + timedelta(days=50)
    seed(
        table,
        *console_members(),
        a_partner_admin(grant=a_grant(expires_at=end)),
        an_open_link(),
        a_partner_account_member(COLLEAGUE, active=False),
        a_member(CLERK, "view_only"),
    )

    with assert_unchanged(table):
        answer = employees()

    colleague, employee, manager = answer.body["items"]
    assert answer.body["next_cursor"] is None
    assert employee == {
        "user_id": EMPLOYEE,
        "name": "Employee",
        "email": f"{EMPLOYEE}@north.example",
        "state": "active",
        "eligible": True,
        "clients": [
            {
                "account_id": CLIENT,
                "name": "The Bakery",
                "permission_set": "partner_admin",
                "state": "active",
                "expires_at": end.isoformat().replace("+00:00", "Z"),
                "access_ends_on": end.date().isoformat(),
                "time_zone": "UTC",
            },
            {
                "account_id": FLORIST,
                "name": "The Florist",
                "permission_set": "partner_admin",
                "state": "active",
                "time_zone": "UTC",
            },
        ],
        "has_more_clients": False,
        "super_admin_of": [],
        "has_more_super_admin_of": False,
        "allowed_actions": ["create_link", "offboard"],
    }
    assert (colleague["state"], colleague["eligible"]) == ("deactivated", False)
    assert [(each["account_id"], each["state"]) for each in colleague["clients"]] == [(CLIENT, "suspended")]
    assert manager["super_admin_of"] == [{"account_id": FLORIST, "name": "The Florist"}]
    assert manager["clients"] == []


@pytest.mark.parametrize(
    ("others", "state", "is_eligible"),
    [
        ((), "active", True),
        ((an_employee(active=False),), "deactivated", False),
        ((a_partner_account_member(EMPLOYEE, active=False),), "deactivated", False),
        ((an_employee(email="e@elsewhere.example"),), "active", False),
        ((the_partner(program=Program.SUSPENDED),), "active", False),
    ],
)
def test_view_employees_returns_state_and_eligibility(
    table: Table, others: tuple[Record, ...], state: str, is_eligible: bool
) -> None:
    seed(table, *others)

    (_, employee, _) = employees().body["items"]

    assert (employee["state"], employee["eligible"]) == (state, is_eligible)


def test_view_employees_omits_client_memberships_of_former_employee(table: Table) -> None:
    seed(table, a_partner_account_member(EMPLOYEE, active=False), a_member(EMPLOYEE))

    (_, employee, _) = employees().body["items"]

    assert (employee["super_admin_of"], employee["clients"]) == ([], [])


def test_view_employees_omits_ordinary_client_membership(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "sales"))

    (_, employee, _) = employees().body["items"]

    assert (employee["super_admin_of"], employee["clients"]) == ([], [])


def test_view_employees_hides_email_of_former_employee(table: Table) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, active=False), an_employee(EMPLOYEE, active=False))

    colleague, employee, _ = employees().body["items"]

    assert (colleague["user_id"], "email" in colleague) == (COLLEAGUE, False)
    assert (employee["state"], employee["email"]) == ("deactivated", f"{EMPLOYEE}@north.example")


def test_view_employees_hides_number_of_open_links(table: Table) -> None:
    seed(table, an_open_link())

    assert all("open_links" not in each for each in employees().body["items"])


@pytest.mark.parametrize(("count", "more"), [(25, False), (26, True)])
@pytest.mark.parametrize("kind", ["clients", "super_admin_of"])
def test_view_employees_returns_first_twenty_five_clients(table: Table, kind: str, count: int, more: bool) -> None:
    names = [f"a{number:02}" for number in range(count)]
    there = {"permission_set": "sales", "partner_id": PARTNER} if kind == "clients" else {}
    seed(
        table,
        *(the_client(account_id=name) for name in names),
        *(a_member(EMPLOYEE, account_id=name, **there) for name in names),
    )

    (_, employee, _) = employees().body["items"]

    assert [each["account_id"] for each in employee[kind]] == names[:25]
    assert (employee["has_more_clients"], employee["has_more_super_admin_of"]) == (more, more)


def test_view_employees_with_many_accounts_reads_only_the_first(table: Table) -> None:
    seed(table)
    left = [keys.account_of(EMPLOYEE, f"a{number:03}") for number in range(27)]
    for key in left:
        table.put(key, {"account_id": key.sk.removeprefix("ACCOUNT#")})

    (_, employee, _) = employees().body["items"]

    assert (employee["clients"], employee["has_more_clients"]) == ([], True)
    assert (employee["super_admin_of"], employee["has_more_super_admin_of"]) == ([], True)
    for key in left:
        table.remove(key)


def test_view_employees_returns_at_most_twenty_five_per_page(table: Table) -> None:
    many = [f"employee-{number:02}" for number in range(30)]
    seed(table, *map(an_employee, many), *map(a_partner_account_member, many))

    first = employees(limit="100")
    second = employees(limit="100", cursor=first.body["next_cursor"])

    assert ids(first) == many[:25]
    assert ids(second) == [*many[25:], COLLEAGUE, EMPLOYEE, MANAGER]


def test_view_clients_and_employees_encrypt_the_cursor(table: Table) -> None:
    """Check both lists: the position can lie in an account of another partner."""
    seed(table, *console_members())

    for route in (CLIENTS, EMPLOYEES):
        cursor = view_console(route, limit="1").body["next_cursor"]
        decoded = urlsafe_b64decode(cursor.rpartition(".")[0])
        assert not any(name.encode() in decoded for name in (CLIENT, FLORIST, EMPLOYEE, COLLEAGUE, "client"))


@pytest.mark.parametrize("by", [MANAGER, COLLEAGUE])
def test_view_employees_by_client_access_manager_returns_all(table: Table, by: str) -> None:
    seed(table, CLIENT_ACCESS_MANAGER)

    assert ids(employees(by)) == [COLLEAGUE, EMPLOYEE, MANAGER]


def test_view_employees_by_employee_returns_only_themselves(table: Table) -> None:
    seed(table)

    assert ids(employees(EMPLOYEE)) == [EMPLOYEE]
    assert employees(EMPLOYEE).body["next_cursor"] is None


@pytest.mark.parametrize("limit", ["1", "2", "3"])
def test_view_employees_pages_contain_each_employee_once(table: Table, limit: str) -> None:
    seed(table)
    answer = employees(limit=limit)
    found = ids(answer)
    while answer.body["next_cursor"]:
        answer = employees(limit=limit, cursor=answer.body["next_cursor"])
        found += ids(answer)

    assert found == [COLLEAGUE, EMPLOYEE, MANAGER]


def test_view_employees_with_filter_returns_400(table: Table) -> None:
    seed(table)

    assert_error(table, lambda: employees(employee_id=EMPLOYEE), 400, "invalid_query")


# both lists


@BOTH
@pytest.mark.parametrize(
    ("by", "partner_id"),
    [
        (APPROVER, PARTNER),
        ("user-unknown", PARTNER),
        (MANAGER, "partner-unknown"),
        (MANAGER, CLIENT),
        (APPROVER, CLIENT),
        (MANAGER, SOUTH),
    ],
)
def test_partner_console_by_caller_outside_the_partner_returns_404(
    table: Table, route: str, by: str, partner_id: str
) -> None:
    seed(table, the_partner(account_id=SOUTH), *console_members())

    assert_error(table, lambda: view_console(route, by, partner_id), 404, "not_found")


@BOTH
def test_partner_console_by_former_or_deactivated_employee_is_refused(table: Table, route: str) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin", active=False), an_employee(EMPLOYEE, active=False))

    assert_error(table, lambda: view_console(route, COLLEAGUE), 404, "not_found")
    assert_error(table, lambda: view_console(route, EMPLOYEE), 403, "forbidden")


@BOTH
def test_partner_console_by_vendor_returns_404(table: Table, route: str) -> None:
    seed(table)

    assert call(route, VENDOR, partner_id=PARTNER, scope=DIRECTORY).status == 404


@pytest.fixture
def cursors(table: Table) -> dict[str, str]:
    """Return the manager's cursor after the first item, by route."""
    south = the_partner(account_id=SOUTH, domains=("north.example",))
    seed(
        table,
        *console_members(),
        south,
        a_partner_account_member(MANAGER, "super_admin", account_id=SOUTH),
        a_partner_account_member(COLLEAGUE, "super_admin"),
    )
    return {route: view_console(route, limit="1").body["next_cursor"] for route in (CLIENTS, EMPLOYEES)}


@BOTH
def test_partner_console_cursor_is_valid_for_one_caller_list_partner_and_filter(
    table: Table, cursors: dict[str, str], route: str
) -> None:
    (other,) = {CLIENTS, EMPLOYEES} - {route}

    assert view_console(route, cursor=cursors[route]).status == 200
    assert_error(table, lambda: view_console(route, COLLEAGUE, cursor=cursors[route]), 400, "invalid_cursor")
    assert_error(table, lambda: view_console(other, cursor=cursors[route]), 400, "invalid_cursor")
    assert_error(table, lambda: view_console(route, partner_id=SOUTH, cursor=cursors[route]), 400, "invalid_cursor")
    assert_error(table, lambda: clients(employee_id=EMPLOYEE, cursor=cursors[route]), 400, "invalid_cursor")


@BOTH
def test_partner_console_cursor_is_invalid_after_manager_loses_the_right(
    table: Table, cursors: dict[str, str], route: str
) -> None:
    table.change(keys.member(PARTNER, MANAGER), permission_set="view_only")

    answer = view_console(route, cursor=cursors[route])

    assert (answer.status, answer.code) == (400, "invalid_cursor")
    table.change(keys.member(PARTNER, MANAGER), permission_set="super_admin")


@BOTH
@pytest.mark.parametrize("query", [{"state": "active"}, {"limit": "0"}, {"limit": "101"}, {"employee_id": "a b"}])
def test_partner_console_with_invalid_query_returns_400(table: Table, route: str, query: dict[str, str]) -> None:
    seed(table)

    assert_error(table, lambda: view_console(route, **query), 400, "invalid_query")


def test_partner_console_costs_bounded_reads_and_no_writes(table: Table) -> None:
    seed(table, *console_members())

    for send_request, most in (
        (clients, 2 + 1 + 2 + 1 + 3 + 2),
        (partial(clients, employee_id=EMPLOYEE), 2 + 1 + 3),
        (employees, 2 + 1 + 3 + 2),
        (partial(employees, EMPLOYEE), 2 + 3),
    ):
        with count_costs(table) as costs:
            assert send_request().status == 200
        assert (costs.reads <= most, costs.writes) == (True, 0), costs.reads


def test_view_clients_omits_links(table: Table) -> None:
    """Store both: links and memberships of a partner share an index."""
    seed(table, an_open_link(), a_partner_admin())

    assert members_by_client(clients()) == [(CLIENT, [EMPLOYEE], False)]
    assert LINK not in clients().text


def test_view_clients_returns_time_of_last_change(table: Table) -> None:
    seed(table, a_partner_admin(EMPLOYEE))
    (before,) = clients().body["items"][0]["people"]
    path = {"account_id": CLIENT, "user_id": EMPLOYEE}

    stopped = call("PUT /accounts/{account_id}/users/{user_id}/suspension", MANAGER, {}, **path)

    assert stopped.status == 200, stopped
    (after,) = clients().body["items"][0]["people"]
    assert "changed_at" not in before
    assert after["changed_at"] >= (now() - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
