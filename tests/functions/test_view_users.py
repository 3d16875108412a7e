"""Tests of reading the members of an account, page by page or one by one, and of who can see them."""

from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.memberships.members import SuspensionReason
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
from tests.support.costs import count_costs
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse, call
from tests.support.link_requests import assert_error, assert_unchanged, put_account, put_user
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    MANAGER,
    a_partner_account_member,
    an_expired_partner_admin,
    now,
    seed,
)
from tests.support.table import Table

LIST = "/accounts/{account_id}/users"
FLORIST, SOUTH = "client-florist", "partner-south"
SECOND = timedelta(seconds=1)
USERS, CLIENT_ACCESS = "account.users.manage", "partner.client_access.manage"


def list_users(by: str = APPROVER, *, account_id: str = CLIENT, **query: str) -> ApiResponse:
    return call(f"GET {LIST}", by, account_id=account_id, query=query)


def view(user_id: str = EMPLOYEE, by: str = APPROVER, *, account_id: str = CLIENT) -> ApiResponse:
    return call(f"GET {LIST}/{{user_id}}", by, account_id=account_id, user_id=user_id)


def ids(answer: ApiResponse) -> list[str]:
    assert answer.status == 200, answer
    return [each["user_id"] for each in answer.body["items"]]


def rows(answer: ApiResponse) -> dict[str, dict[str, Any]]:
    assert answer.status == 200, answer
    return {each["user_id"]: each for each in answer.body["items"]}


# content


def test_view_users_returns_permissions_since_grantor_and_end(table: Table, check_invariants: None) -> None:
    end = now() + timedelta(days=30)
    seed(
        table,
        a_partner_admin(
            granted_by=APPROVER,
            removed=("crm.export",),
            paid_seats=("sales",),
            grant=a_grant(expires_at=end),
        ),
    )

    with assert_unchanged(table):
        shown = rows(list_users())[EMPLOYEE]

    assert shown == {
        "account_id": CLIENT,
        "user_id": EMPLOYEE,
        "name": "Employee",
        "email": "user-employee@north.example",
        "permission_set": "partner_admin",
        "permissions": {"added": [], "removed": ["crm.export"]},
        "seat": "partner",
        "paid_seats": ["sales"],
        "state": "active",
        "suspended_by": [],
        "since": shown["since"],
        "granted_by": APPROVER,
        "granted_by_name": "Approver",
        "expires_at": end.isoformat().replace("+00:00", "Z"),
        "access_ends_on": end.date().isoformat(),
        "time_zone": "UTC",
        "partner_id": PARTNER,
        "partner_name": "North Partners",
        "grant_id": f"grt_{'2' * 32}",
        "version": 1,
    }


def test_view_users_omits_fields_without_value_and_keeps_empty_lists(seeded: Table) -> None:
    # domain.md rule 45
    shown = rows(list_users())[CLERK]

    assert (shown["suspended_by"], shown["paid_seats"]) == ([], [])
    assert not {
        "granted_by", "granted_by_name", "expires_at", "partner_id", "partner_name", "grant_id", "set_name",
    } & set(shown)  # fmt: skip


def test_view_users_returns_name_of_custom_set(table: Table, check_invariants: None) -> None:
    seed(table, a_custom_set(), a_member(CLERK, CUSTOM_SET))

    shown = rows(list_users())[CLERK]

    assert (shown["permission_set"], shown["set_name"]) == (CUSTOM_SET, "Service desk")
    assert view(CLERK).body["set_name"] == "Service desk"


def test_view_users_returns_no_name_for_erased_grantor(table: Table, check_invariants: None) -> None:
    seed(table, a_user("user-left", name="", email=None, active=False), a_member(CLERK, granted_by="user-left"))

    shown = rows(list_users())[CLERK]

    assert shown["granted_by"] == "user-left"
    assert "granted_by_name" not in shown


STATES: list[tuple[tuple[Record, ...], str | None, list[str]]] = [
    ((a_partner_admin(),), "active", []),
    ((a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),), "suspended", ["client"]),
    ((a_partner_admin(suspended_by=frozenset({SuspensionReason.EMPLOYEE})),), "active", []),
    ((a_partner_admin(), an_employee(active=False)), "suspended", ["employee"]),
    ((a_partner_admin(), the_partner(program=Program.SUSPENDED)), "suspended", ["program"]),
    ((a_partner_admin(active=False, grant=None, seat=None),), "deactivated", []),
    ((an_expired_partner_admin(),), "deactivated", []),
    ((a_partner_admin(), the_partner(terminations=1)), "deactivated", []),
    ((a_member(EMPLOYEE, "view_only"), an_employee(active=False)), "deactivated", []),
]


@pytest.mark.parametrize(("others", "state", "suspended_by"), STATES)
def test_view_users_returns_state_computed_at_read_time(
    table: Table, others: tuple[Record, ...], state: str, suspended_by: list[str]
) -> None:
    seed(table, *others)

    shown = view().body

    assert (shown["state"], shown["suspended_by"]) == (state, suspended_by)
    for other in ("active", "suspended", "deactivated"):
        assert (EMPLOYEE in ids(list_users(state=other))) == (other == state)
    assert (EMPLOYEE in ids(list_users())) == (state != "deactivated")


def test_view_users_with_expired_grant_are_deactivated(table: Table) -> None:
    seed(table, an_expired_partner_admin())

    shown = rows(list_users(state="deactivated"))[EMPLOYEE]

    assert not {"expires_at", "grant_id", "partner_name"} & set(shown)
    assert EMPLOYEE not in ids(list_users())
    assert ids(list_users(permission_set="partner_admin")) == []
    assert ids(list_users(partner_id=PARTNER)) == []


# filters and pages


def test_view_users_filters_by_set_and_partner(table: Table, check_invariants: None) -> None:
    south = (the_partner(account_id=SOUTH, domains=("south.example",)),)
    rival = an_employee("user-rival", email="rival@south.example")
    seed(
        table,
        *south,
        rival,
        a_partner_account_member("user-rival", account_id=SOUTH),
        a_partner_admin(),
        a_partner_admin("user-rival", partner_id=SOUTH, grant=a_grant(grant_id=f"grt_{'5' * 32}", partner_id=SOUTH)),
        a_member(COLLEAGUE, "view_only", partner_id=PARTNER),
    )

    assert ids(list_users()) == [APPROVER, CLERK, COLLEAGUE, EMPLOYEE, "user-rival"]
    assert ids(list_users(permission_set="partner_admin")) == [EMPLOYEE, "user-rival"]
    assert ids(list_users(permission_set="view_only")) == [CLERK, COLLEAGUE]
    assert ids(list_users(partner_id=PARTNER)) == [COLLEAGUE, EMPLOYEE]
    assert ids(list_users(partner_id=PARTNER, permission_set="partner_admin", state="active")) == [EMPLOYEE]
    assert ids(list_users(partner_id=SOUTH, state="suspended")) == []
    assert ids(list_users(partner_id="partner-unknown")) == []


@pytest.mark.parametrize(
    "query",
    [
        {"state": "Active"},
        {"state": "active,suspended"},
        {"state": ""},
        {"permission_set": ""},
        {"permission_set": "sales,service"},
        {"partner_id": "a#b"},
        {"user_id": CLERK},
    ],
)
def test_view_users_with_invalid_query_returns_400(seeded: Table, query: dict[str, str]) -> None:
    assert_error(seeded, lambda: list_users(**query), 400, "invalid_query")


def seed_members(table: Table, count: int) -> None:
    seed(
        table,
        *(a_user(f"user-z{number:03}") for number in range(count)),
        *(a_member(f"user-z{number:03}", "view_only", granted_by=CLERK) for number in range(count)),
    )


def test_view_users_pages_contain_each_member_once(table: Table, check_invariants: None) -> None:
    seed_members(table, 7)
    seen: list[str] = []
    more: dict[str, str] = {}
    while True:
        answer = list_users(limit="4", state="active", **more)
        seen += ids(answer)
        if not answer.body["next_cursor"]:
            break
        more = {"cursor": answer.body["next_cursor"]}

    assert seen == [APPROVER, CLERK, *(f"user-z{number:03}" for number in range(7))]


def test_view_users_page_can_be_shorter_than_limit(table: Table) -> None:
    seed(table, a_member(CLERK, active=False), a_user("user-zoe"), a_member("user-zoe"))

    first = list_users(limit="2")

    assert ids(first) == [APPROVER]
    assert ids(list_users(limit="2", cursor=first.body["next_cursor"])) == ["user-zoe"]


def test_view_users_cursor_is_valid_for_one_caller_list_and_filter(table: Table) -> None:
    own = a_member(CLERK, "view_only", added=(USERS,))
    seed(table, own, the_client(account_id=FLORIST), a_member(account_id=FLORIST))
    cursor = list_users(limit="1").body["next_cursor"]

    assert_error(table, lambda: list_users(CLERK, cursor=cursor), 400, "invalid_cursor")
    assert_error(table, lambda: list_users(account_id=FLORIST, cursor=cursor), 400, "invalid_cursor")
    for other in ({"state": "active"}, {"permission_set": "view_only"}, {"partner_id": PARTNER}):
        assert_error(table, lambda other=other: list_users(cursor=cursor, **other), 400, "invalid_cursor")  # type: ignore[misc]
    assert ids(list_users(limit="1", cursor=cursor)) == [CLERK]


@pytest.mark.parametrize(("limit", "requests"), [("25", 3), ("90", 3), ("100", 3)])
def test_view_users_page_costs_three_requests(table: Table, limit: str, requests: int) -> None:
    seed_members(table, 500)

    with count_costs(table) as costs:
        answer = list_users(limit=limit)

    assert len(ids(answer)) == int(limit)
    assert (costs.requests, costs.writes) == (requests, 0)


def test_view_users_by_partner_member_costs_one_more_request(table: Table) -> None:
    seed(table, a_partner_admin())

    with count_costs(table) as costs:
        assert ids(list_users(EMPLOYEE)) == [APPROVER, CLERK, EMPLOYEE]
    assert costs.requests == 4


# callers of the list


@pytest.mark.parametrize(
    ("others", "by"),
    [
        ((), APPROVER),
        ((a_member(CLERK, "view_only", added=(USERS,)),), CLERK),
        ((a_partner_admin(),), EMPLOYEE),
        ((a_custom_set(permissions=(USERS,)), a_member(CLERK, CUSTOM_SET)), CLERK),
    ],
)
def test_view_users_by_user_manager_succeeds(
    table: Table, check_invariants: None, others: tuple[Record, ...], by: str
) -> None:
    seed(table, *others)

    assert list_users(by).status == 200


NOT_AUTHORIZED: list[tuple[tuple[Record, ...], str, int]] = [
    ((), CLERK, 403),
    ((a_partner_admin(removed=(USERS,)),), EMPLOYEE, 403),
    ((a_partner_admin(), the_partner(program=Program.SUSPENDED)), EMPLOYEE, 403),
    ((a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),), EMPLOYEE, 403),
    ((an_expired_partner_admin(),), EMPLOYEE, 404),
    ((a_user(APPROVER, active=False),), APPROVER, 403),
    ((), MANAGER, 404),
    ((), "user-nobody", 404),
]


@pytest.mark.parametrize(("others", "by", "status"), NOT_AUTHORIZED)
def test_view_users_by_unauthorized_caller_is_refused(
    table: Table, others: tuple[Record, ...], by: str, status: int
) -> None:
    seed(table, *others)

    assert_error(table, lambda: list_users(by), status, "forbidden" if status == 403 else "not_found")


def test_view_users_of_partner_account_by_super_admin_succeeds(table: Table, check_invariants: None) -> None:
    seed(table)

    assert ids(list_users(MANAGER, account_id=PARTNER)) == [COLLEAGUE, EMPLOYEE, MANAGER]
    assert_error(table, lambda: list_users(EMPLOYEE, account_id=PARTNER), 403, "forbidden")
    assert_error(table, lambda: list_users(APPROVER, account_id=PARTNER), 404, "not_found")


# one member


def test_view_user_returns_etag_of_version(table: Table, check_invariants: None) -> None:
    seed(table, a_partner_admin(version=7))

    answer = view()

    assert (answer.status, answer.headers["etag"], answer.body["version"]) == (200, '"7"', 7)
    assert {name: value for name, value in answer.body.items() if name != "allowed_actions"} == (
        rows(list_users())[EMPLOYEE]
    )


def test_view_user_with_expired_grant_returns_etag_of_stored_record(table: Table) -> None:
    seed(table, a_partner_admin(version=7, grant=a_grant(expires_at=now())))

    assert view().headers["etag"] == '"7"'


@pytest.mark.parametrize(
    ("user_id", "by", "status"),
    [
        (EMPLOYEE, APPROVER, 200),
        (EMPLOYEE, EMPLOYEE, 200),
        (EMPLOYEE, MANAGER, 200),
        (EMPLOYEE, "user-access", 200),
        (EMPLOYEE, COLLEAGUE, 404),
        (EMPLOYEE, CLERK, 403),
        (EMPLOYEE, "user-rival", 404),
        (EMPLOYEE, "user-nobody", 404),
        (CLERK, APPROVER, 200),
        (CLERK, EMPLOYEE, 200),
        (CLERK, CLERK, 200),
        (CLERK, MANAGER, 404),
        (CLERK, "user-access", 404),
        (APPROVER, CLERK, 403),
        ("user-nobody", APPROVER, 404),
        ("user-nobody", CLERK, 403),
        ("user-nobody", MANAGER, 404),
        ("user-nobody", "user-nobody", 404),
    ],
)
def test_view_user_by_each_caller_returns_200_403_or_404(
    table: Table, check_invariants: None, user_id: str, by: str, status: int
) -> None:
    seed(
        table,
        a_partner_admin(),
        an_employee("user-access"),
        a_partner_account_member("user-access", added=(CLIENT_ACCESS,)),
        the_partner(account_id=SOUTH),
        a_user("user-rival"),
        a_partner_account_member("user-rival", "super_admin", account_id=SOUTH),
    )

    with assert_unchanged(table):
        assert view(user_id, by).status == status


def test_view_user_who_is_deactivated_is_visible_to_client_and_not_to_partner(table: Table) -> None:
    seed(table, a_partner_admin(active=False, grant=None, seat=None))

    assert view().body["state"] == "deactivated"
    assert_error(table, lambda: view(by=MANAGER), 404, "not_found")
    assert_error(table, lambda: view(by=EMPLOYEE), 404, "not_found")


def test_view_user_of_suspended_partner_is_visible_to_that_partner(table: Table, check_invariants: None) -> None:
    seed(table, a_partner_admin())
    put_account(PARTNER, program="suspended")

    assert view(by=MANAGER).body["suspended_by"] == ["program"]
    assert_error(table, lambda: view(CLERK, EMPLOYEE), 403, "forbidden")
    assert view(EMPLOYEE, EMPLOYEE).status == 200


def test_view_user_by_deactivated_client_access_manager_returns_404(table: Table, check_invariants: None) -> None:
    seed(
        table,
        a_partner_admin(),
        an_employee("user-access"),
        a_partner_account_member("user-access", added=(CLIENT_ACCESS,)),
    )
    put_user("user-access", active=False)

    assert_error(table, lambda: view(by="user-access"), 404, "not_found")


def test_view_user_that_is_unknown_returns_same_404(seeded: Table) -> None:
    # domain.md rule 24
    bodies = {
        assert_error(seeded, lambda where=where: view(**where), 404, "not_found").text  # type: ignore[misc]
        for where in (
            {"account_id": "nowhere"},
            {"account_id": PARTNER},
            {"user_id": "user-nobody"},
            {"user_id": MANAGER},
        )
    }

    assert len(bodies) == 1


def test_view_users_omits_membership_of_missing_user(table: Table) -> None:
    seed(table)
    table.remove(keys.user(CLERK))

    assert ids(list_users()) == [APPROVER]
    assert_error(table, lambda: view(CLERK), 404, "not_found")


def test_view_users_by_vendor_returns_404(seeded: Table) -> None:
    assert call(f"GET {LIST}", VENDOR, account_id=CLIENT, scope=DIRECTORY).status == 404


@pytest.mark.parametrize(
    ("user_id", "by", "requests"), [(CLERK, APPROVER, 1), (EMPLOYEE, APPROVER, 2), (EMPLOYEE, MANAGER, 2)]
)
def test_view_user_costs_at_most_two_requests(table: Table, user_id: str, by: str, requests: int) -> None:
    seed(table, a_partner_admin())

    with count_costs(table) as costs:
        assert view(user_id, by).status == 200
    assert (costs.requests, costs.writes) == (requests, 0)
