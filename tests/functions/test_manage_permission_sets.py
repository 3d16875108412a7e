"""Tests of creating, updating and removing an account's own permission sets.

Only super admins can do so, and each change takes effect for its holders at once.
"""

from functools import partial
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState
from partner_access.domain.memberships.members import Seat
from partner_access.domain.permissions import catalogue
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
    the_client,
)
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import assert_error, assert_replayed, assert_unchanged, idempotency_header
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, an_expired_partner_admin, seed
from tests.support.table import Table

pytestmark = pytest.mark.usefixtures("check_invariants")

SETS = "/accounts/{account_id}/permission-sets"
ONE = SETS + "/{set_id}"
NEW_SET_PERMISSIONS = ["crm.tickets.view", "crm.tickets.edit:team", "service.access"]
STORED_PERMISSIONS = ["crm.tickets.edit:team", "crm.tickets.view:all", "service.access"]
OTHER_CLIENT = "client-florist"


def create_set(
    by: str = APPROVER, *, account_id: str = CLIENT, key: str | None = None, **fields: object
) -> ApiResponse:
    new_set = {"name": "Desk", "permissions": NEW_SET_PERMISSIONS, **fields}
    return call(f"POST {SETS}", by, new_set, account_id=account_id, headers=idempotency_header(key))


def update_set(
    by: str = APPROVER,
    *,
    account_id: str = CLIENT,
    set_id: str = CUSTOM_SET,
    expected_version: str | None = '"1"',
    key: str | None = None,
    **fields: object,
) -> ApiResponse:
    update = {"name": "Desk", "permissions": NEW_SET_PERMISSIONS, **fields}
    headers = {"if-match": expected_version, **(idempotency_header(key) or {})}
    return call(f"PUT {ONE}", by, update, account_id=account_id, set_id=set_id, headers=headers)


def remove_set(
    by: str = APPROVER,
    *,
    account_id: str = CLIENT,
    set_id: str = CUSTOM_SET,
    expected_version: str | None = '"1"',
    key: str | None = None,
) -> ApiResponse:
    headers = {"if-match": expected_version, **(idempotency_header(key) or {})}
    return call(f"DELETE {ONE}", by, account_id=account_id, set_id=set_id, headers=headers)


def stored_set(table: Table, set_id: str = CUSTOM_SET) -> dict[str, Any]:
    return table.get(keys.permission_set(CLIENT, set_id)) or {}


def audit_entries(table: Table, event: str) -> list[dict[str, Any]]:
    return [entry for entry in table.items_with_prefix("AUDIT#") if entry["event"] == event]


# create


def test_create_set_stores_counts_and_audits_it(table: Table) -> None:
    seed(table)

    answer = create_set(name="  Desk ")

    set_id = answer.body["permission_set"]
    assert answer.status == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.body == {
        "permission_set": set_id,
        "kind": "custom",
        "name": "Desk",
        "version": 1,
        "permissions": STORED_PERMISSIONS,
        "holders": 0,
    }
    assert set_id.startswith("set_")
    assert (stored_set(table, set_id)["name"], stored_set(table, set_id)["permissions"]) == ("Desk", STORED_PERMISSIONS)
    account = table.get(keys.account(CLIENT)) or {}
    assert (account["custom_set_count"], account["version"]) == (1, 1)
    (entry,) = audit_entries(table, "permission_set.created")
    assert (entry["pk"], entry["actor_id"]) == (f"AUDIT#{CLIENT}", APPROVER)
    assert entry["details"] == {"permission_set": set_id, "added": STORED_PERMISSIONS}
    assert table.items_with_prefix("OUTBOX#") == []


def test_create_set_with_name_of_another_set_succeeds(table: Table) -> None:
    seed(table)

    assert create_set().body["permission_set"] != create_set().body["permission_set"]


def test_create_set_with_partner_only_permission_succeeds_for_partner_only(table: Table) -> None:
    seed(table)
    links = ["partner.client_access.manage"]

    assert create_set(MANAGER, account_id=PARTNER, permissions=links).body["permissions"] == links
    assert_error(table, lambda: create_set(permissions=links), 422, "unknown_permission")


@pytest.mark.parametrize(("permissions", "code"), [
    (["crm.everything"], "unknown_permission"),
    (["crm.tickets.view:Team"], "unknown_permission"),
    (["crm.import", "crm.import"], "invalid_field"),
    (["crm.tickets.view", "crm.tickets.view:team"], "invalid_field"),
    (["crm.tickets.edit"], "invalid_field"),
    (["account.super_admins.manage"], "invalid_field"),
])  # fmt: skip
def test_create_and_update_set_with_invalid_permission_returns_pointer(
    table: Table, permissions: list[str], code: str
) -> None:
    seed(table, a_custom_set())

    for operation in (create_set, update_set):
        answer = assert_error(table, partial(operation, permissions=permissions), 422, code)
        assert answer.body["errors"] == [{"pointer": "/permissions", "code": code}]


@pytest.mark.parametrize(("fields", "pointer"), [
    ({"permissions": []}, "/permissions"),
    ({"permissions": ["crm.import"] * 201}, "/permissions"),
    ({"permissions": ["crm.import", ""]}, "/permissions/1"),
    ({"permissions": "crm.import"}, "/permissions"),
    ({"name": ""}, "/name"),
    ({"name": "  "}, "/name"),
    ({"name": "x" * 201}, "/name"),
    ({"name": "De\u202esk"}, "/name"),
])  # fmt: skip
def test_create_and_update_set_outside_limits_returns_pointer(
    table: Table, fields: dict[str, Any], pointer: str
) -> None:
    seed(table, a_custom_set())

    for operation in (create_set, update_set):
        answer = assert_error(table, partial(operation, **fields), 422, "invalid_field")
        assert answer.body["errors"] == [{"pointer": pointer, "code": "invalid_field"}]


def test_create_set_with_longest_name_and_all_permissions_succeeds(table: Table) -> None:
    """Use every permission that a client's set can contain."""
    seed(table)
    all_of_them = sorted(catalogue.CATALOGUE - catalogue.PARTNER_ONLY - {"account.super_admins.manage"})

    assert len(create_set(name="x" * 200, permissions=all_of_them).body["permissions"]) == len(all_of_them)


def test_create_set_beyond_one_hundred_is_refused_until_one_is_removed(table: Table) -> None:
    sets = [a_custom_set(f"set_{number:032}") for number in range(100)]
    seed(table, *sets)

    assert_error(table, create_set, 409, "too_many_sets")
    assert remove_set(set_id=sets[7].set_id).status == 204
    assert create_set().status == 201
    assert_error(table, create_set, 409, "too_many_sets")


def test_create_set_with_same_key_creates_one_set(table: Table) -> None:
    seed(table)

    assert_replayed(table, lambda key: create_set(key=key))
    assert (table.get(keys.account(CLIENT)) or {})["custom_set_count"] == 1


# update


def test_update_set_creates_new_version(table: Table) -> None:
    seed(table, a_custom_set(), a_member(CLERK, CUSTOM_SET))

    answer = update_set(name="Front desk", permissions=["crm.tickets.view:team", "service.access"])

    assert (answer.status, answer.headers["etag"]) == (200, '"2"')
    assert answer.body == {
        "permission_set": CUSTOM_SET,
        "kind": "custom",
        "name": "Front desk",
        "version": 2,
        "permissions": ["crm.tickets.view:team", "service.access"],
        "holders": 1,
    }
    assert (stored_set(table)["version"], stored_set(table)["holders"]) == (2, 1)
    (entry,) = audit_entries(table, "permission_set.updated")
    assert entry["details"] == {
        "permission_set": CUSTOM_SET,
        "added": ["crm.tickets.view:team"],
        "removed": ["crm.tickets.edit:team", "crm.tickets.view:all"],
        "renamed": True,
    }


def test_update_set_takes_effect_on_next_request(table: Table) -> None:
    seed(table, a_custom_set(), a_member(CLERK, CUSTOM_SET))

    def look() -> int:
        return call(f"GET {SETS}", CLERK, account_id=CLIENT).status

    assert look() == 403
    assert update_set(permissions=["account.users.manage"]).status == 200
    assert look() == 200
    assert update_set(permissions=["service.access"], expected_version='"2"').status == 200
    assert look() == 403


def test_update_set_with_equal_content_changes_nothing(table: Table) -> None:
    seed(table, a_custom_set())

    with assert_unchanged(table):
        answer = update_set(name="Service desk", permissions=["service.access", *STORED_PERMISSIONS[:2]])

    assert (answer.status, answer.headers["etag"], answer.body["version"]) == (200, '"1"', 1)


def test_update_set_with_same_key_is_replayed(table: Table) -> None:
    seed(table, a_custom_set())

    assert_replayed(table, lambda key: update_set(key=key))
    assert_replayed(table, lambda key: update_set(key=f"another-{key.strip(chr(34))}", expected_version='"2"'))


@pytest.mark.parametrize(("others", "restricted_is_allowed"), [
    ((), True),
    ((a_member(CLERK, CUSTOM_SET),), True),
    ((a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER),), False),
    ((a_partner_admin().next_version(permission_set=CUSTOM_SET),), False),
    ((a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER).ended(),), True),
    ((a_partner_admin(grant=a_grant(former_set=CUSTOM_SET)),), True),
])  # fmt: skip
def test_update_set_held_by_partner_member_with_restricted_permission_is_refused(
    table: Table, others: tuple[Record, ...], restricted_is_allowed: bool
) -> None:
    seed(table, a_custom_set(), *others)
    billing = partial(update_set, permissions=["account.billing.manage"])

    if restricted_is_allowed:
        assert billing().status == 200
    else:
        answer = assert_error(table, billing, 422, "restricted_permission")
        assert answer.body["errors"] == [{"pointer": "/permissions", "code": "restricted_permission"}]
        assert update_set(permissions=["crm.import"]).status == 200


# remove


def test_remove_set_without_holders_deletes_it(table: Table) -> None:
    seed(table, a_custom_set(), a_user("user-newcomer"))

    answer = remove_set()

    assert (answer.status, answer.text) == (204, "")
    assert stored_set(table) == {}
    assert (table.get(keys.account(CLIENT)) or {})["custom_set_count"] == 0
    (entry,) = audit_entries(table, "permission_set.removed")
    assert entry["details"] == {"permission_set": CUSTOM_SET, "removed": STORED_PERMISSIONS}
    assert_error(table, remove_set, 404, "not_found")
    body = {"email": "user-newcomer@bakery.example", "permission_set": CUSTOM_SET}
    given = "POST /accounts/{account_id}/users"
    assert_error(table, lambda: call(given, APPROVER, body, account_id=CLIENT), 422, "unknown_permission_set")


@pytest.mark.parametrize(("member", "holders"), [
    (a_member(CLERK, CUSTOM_SET), 1),
    (a_member(CLERK, CUSTOM_SET, active=False), 0),
    (a_partner_admin(grant=a_grant(former_set=CUSTOM_SET)), 0),
    (a_partner_admin().next_version(permission_set=CUSTOM_SET), 1),
])  # fmt: skip
def test_remove_set_in_use_is_refused(table: Table, member: Record, holders: int) -> None:
    seed(table, a_custom_set(), member)

    if holders:
        assert assert_error(table, remove_set, 409, "set_in_use").body["holders"] == holders
    else:
        assert remove_set().status == 204


def test_remove_set_with_same_key_is_replayed(table: Table) -> None:
    seed(table, a_custom_set())

    assert_replayed(table, lambda key: remove_set(key=key))


# caller and expected version


@pytest.mark.parametrize(("others", "by", "account_id", "outcome"), [
    ((), APPROVER, "client-nowhere", (404, "not_found")),
    ((), COLLEAGUE, CLIENT, (404, "not_found")),
    ((), CLERK, CLIENT, (403, "forbidden")),
    ((a_member(CLERK, "view_only", added=("account.users.manage",)),), CLERK, CLIENT, (403, "forbidden")),
    ((a_partner_admin(),), EMPLOYEE, CLIENT, (403, "forbidden")),
    ((a_member(CLERK, active=False),), CLERK, CLIENT, (404, "not_found")),
    ((a_user(APPROVER, active=False), a_member(CLERK)), APPROVER, CLIENT, (403, "forbidden")),
    ((an_expired_partner_admin(),), EMPLOYEE, CLIENT, (404, "not_found")),
    ((the_client(state=AccountState.CLOSED),), APPROVER, CLIENT, (409, "account_closed")),
    ((), COLLEAGUE, PARTNER, (403, "forbidden")),
    ((a_member(EMPLOYEE),), EMPLOYEE, CLIENT, None),
    ((), APPROVER, CLIENT, None),
])  # fmt: skip
def test_manage_sets_by_caller_other_than_super_admin_is_refused(
    table: Table, others: tuple[Record, ...], by: str, account_id: str, outcome: tuple[int, str] | None
) -> None:
    seed(table, a_custom_set(), *others)

    if outcome:
        for send_request in (create_set, update_set, remove_set):
            assert_error(table, partial(send_request, by, account_id=account_id), *outcome)
    else:
        assert [create_set(by).status, update_set(by).status, remove_set(by, expected_version='"2"').status] == [
            201,
            200,
            204,
        ]


@pytest.mark.parametrize("set_id", [f"set_{'9' * 32}", "sales", "super_admin", "updates", "set_of_another"])
def test_update_and_remove_set_not_of_this_account_returns_404(table: Table, set_id: str) -> None:
    seed(
        table,
        a_custom_set(),
        the_client(account_id=OTHER_CLIENT),
        a_custom_set("set_of_another", account_id=OTHER_CLIENT),
    )

    assert_error(table, lambda: update_set(set_id=set_id), 404, "not_found")
    assert_error(table, lambda: remove_set(set_id=set_id), 404, "not_found")


@pytest.mark.parametrize(("expected_version", "status", "code"), [
    (None, 428, "precondition_required"),
    ('"2"', 412, "precondition_failed"),
    ('"anything"', 412, "precondition_failed"),
    ('"0"', 412, "precondition_failed"),
    ("1", 400, "invalid_etag"),
    ("*", 400, "invalid_etag"),
    ("W/1", 400, "invalid_etag"),
    ('"1", "2"', 400, "invalid_etag"),
])  # fmt: skip
def test_update_and_remove_set_without_current_version_is_refused(
    table: Table, expected_version: str | None, status: int, code: str
) -> None:
    seed(table, a_custom_set())

    assert_error(table, lambda: update_set(expected_version=expected_version), status, code)
    assert_error(table, lambda: remove_set(expected_version=expected_version), status, code)


def test_update_and_remove_set_by_unauthorized_caller_hides_version_mismatch(table: Table) -> None:
    seed(table, a_custom_set())

    assert_error(table, lambda: update_set(CLERK, expected_version='"7"'), 403, "forbidden")
    assert_error(table, lambda: remove_set(COLLEAGUE, expected_version='"7"'), 404, "not_found")


def test_update_set_held_with_view_only_seat_leaves_member_unchanged(table: Table) -> None:
    seed(table, a_custom_set(), a_member(CLERK, CUSTOM_SET, seat=Seat.VIEW_ONLY))

    assert update_set().status == 200
    assert (table.get(keys.member(CLIENT, CLERK)) or {})["version"] == 1
