"""Tests of editing a membership: authorization, the expected version, and effect from the next request on."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.memberships.members import Seat, SuspensionReason
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
    end_after,
    the_client,
    the_partner,
)
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse, call
from tests.support.link_requests import (
    assert_error,
    assert_replayed,
    assert_unchanged,
    create,
    expire_idempotency_keys,
    put_account,
    put_user,
)
from tests.support.membership_facts import (
    OTHER_PARTNER_ADMIN,
    USER,
    USER_MANAGER,
    USERS,
    edit,
    remove,
    seed_members,
    suspend,
)
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

pytestmark = pytest.mark.usefixtures("check_invariants")

SOUTH = "partner-south"
NARROWED: dict[str, Any] = {"permissions": {"remove": ["account.users.manage", "crm.import"]}}


@pytest.fixture
def seeded_table(table: Table) -> Table:
    """Seed a user manager and two partner admins: the employee and a colleague."""
    seed_members(table)
    return table


def list_permission_sets(by: str = APPROVER) -> ApiResponse:
    """List the permission sets. Only people who manage users can see them."""
    return call("GET /accounts/{account_id}/permission-sets", by, account_id=CLIENT)


def stored_member(table: Table, user_id: str = EMPLOYEE) -> dict[str, Any]:
    return table.get(keys.member(CLIENT, user_id)) or {}


def audit_entry(table: Table, event: str = "member.updated") -> dict[str, Any]:
    found = {item["audit_id"]: item for item in table.items_with_prefix("AUDIT#") if item["event"] == event}
    (only,) = found.values()
    return only


def queued_email(table: Table) -> dict[str, Any]:
    (only,) = table.items_with_prefix("OUTBOX#")
    notification: dict[str, Any] = only["notification"]
    return notification


# effects


def test_edit_removing_permissions_takes_effect_on_next_request(seeded_table: Table) -> None:
    assert list_permission_sets(EMPLOYEE).status == 200

    response = edit(permissions={"remove": ["crm.import", "account.users.manage"]})

    assert (response.status, response.headers["etag"]) == (200, '"2"')
    assert response.body["permissions"] == {"added": [], "removed": ["account.users.manage", "crm.import"]}
    assert (response.body["permission_set"], response.body["state"], response.body["version"]) == (
        "partner_admin",
        "active",
        2,
    )
    assert response.body["grant"]["grant_id"] == response.body["grant_id"] == a_grant().grant_id
    assert response.body["grant"]["permissions"]["removed"] == ["account.users.manage", "crm.import"]
    assert list_permission_sets(EMPLOYEE).status == 403
    assert edit(expected_version=2, overrides={}).body["permissions"] == {"added": [], "removed": []}
    assert list_permission_sets(EMPLOYEE).status == 200


def test_edit_writes_both_audit_logs_and_queues_one_email(seeded_table: Table) -> None:
    edit(permissions={"add": ["crm.deals.edit:team"], "remove": ["crm.deals.edit", "crm.deals.delete"]}, seat="sales")

    entries = [item for item in seeded_table.items_with_prefix("AUDIT#") if item["event"] == "member.updated"]
    assert {item["pk"] for item in entries} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    assert audit_entry(seeded_table)["actor_id"] == APPROVER
    assert audit_entry(seeded_table)["details"] == {
        "user_id": EMPLOYEE,
        "role": "super_admin",
        "permission_set": "partner_admin",
        "set_version": 1,
        "gained": [],
        "lost": ["crm.deals.delete:all", "crm.deals.edit:all"],
        "seat": "partner",
        "paid_seats": ["sales"],
    }
    assert (queued_email(seeded_table)["kind"], queued_email(seeded_table)["partner_id"]) == ("access_changed", PARTNER)
    assert queued_email(seeded_table)["lost"] == ["crm.deals.delete:all", "crm.deals.edit:all"]


@pytest.mark.parametrize("by", [APPROVER, USERS, COLLEAGUE, MANAGER])
def test_edit_narrowing_by_each_allowed_role_succeeds(seeded_table: Table, by: str) -> None:
    assert edit(by, **NARROWED).status == 200
    assert stored_member(seeded_table)["removed"] == ["account.users.manage", "crm.import"]


def test_edit_permission_set_replaces_overrides_and_keeps_grant(table: Table) -> None:
    seed_members(table, a_partner_admin(removed=("crm.import",)))

    response = edit(permission_set="sales")

    assert (response.body["permission_set"], response.body["permissions"]["removed"]) == ("sales", [])
    assert (response.body["seat"], response.body["grant"]["permissions"]["set"]) == ("partner", "sales")
    assert response.body["partner_id"] == PARTNER


def test_edit_to_custom_set_takes_effect_at_once(table: Table) -> None:
    seed_members(table, a_custom_set(permissions=("account.users.manage",)))
    assert list_permission_sets(CLERK).status == 403

    response = edit(APPROVER, CLERK, permission_set=CUSTOM_SET)

    assert (response.status, response.body["permission_set"]) == (200, CUSTOM_SET)
    assert "grant" not in response.body
    assert list_permission_sets(CLERK).status == 200
    assert edit(APPROVER, permission_set=f"set_{'9' * 32}").code == "unknown_permission_set"


def test_edit_granting_permission_not_held_is_refused(seeded_table: Table) -> None:
    assert_error(seeded_table, partial(edit, USERS, CLERK, permission_set="sales"), 403, "permission_not_held")
    assert_error(
        seeded_table, partial(edit, USERS, CLERK, permissions={"add": ["crm.import"]}), 403, "permission_not_held"
    )
    assert edit(USERS, CLERK, permissions={"add": ["account.users.manage"]}).status == 200


@pytest.mark.parametrize("permission", sorted(catalogue.RESTRICTED))
@pytest.mark.parametrize("target", [a_partner_admin(), a_member(EMPLOYEE, "view_only", partner_id=PARTNER)])
def test_edit_granting_restricted_permission_to_partner_member_is_refused(
    table: Table, permission: str, target: Record
) -> None:
    seed_members(table, target, a_custom_set(permissions=(permission,)))

    assert_error(table, partial(edit, permissions={"add": [permission]}), 422, "restricted_permission")
    assert_error(table, partial(edit, permission_set=CUSTOM_SET), 422, "restricted_permission")
    assert_error(
        table, partial(edit, permission_set="sales", permissions={"add": [permission]}), 422, "restricted_permission"
    )


def test_edit_in_partner_account_makes_employee_client_access_manager(seeded_table: Table) -> None:
    assert create(EMPLOYEE).code == "forbidden"

    response = edit(MANAGER, account_id=PARTNER, permissions={"add": ["partner.client_access.manage"]})

    assert response.status == 200
    assert create(EMPLOYEE).status == 201
    assert_error(
        seeded_table, partial(edit, permissions={"add": ["partner.client_access.manage"]}), 422, "unknown_permission"
    )
    edit(MANAGER, account_id=PARTNER, expected_version=2, overrides={})
    assert create(EMPLOYEE).code == "forbidden"


def test_edit_in_partner_account_makes_employee_super_admin(seeded_table: Table) -> None:
    response = edit(MANAGER, account_id=PARTNER, permission_set="super_admin")

    assert (response.status, response.body["permission_set"]) == (200, "super_admin")
    assert edit(EMPLOYEE, MANAGER, account_id=PARTNER, permission_set="view_only").status == 200


# super admins


def test_edit_partner_admin_to_super_admin_ends_grant_and_frees_seat(table: Table) -> None:
    # domain.md rule 20
    seed_members(table, the_client(partner_seat_limit=2))

    response = edit(permission_set="super_admin")

    member = response.body
    assert (response.status, member["permission_set"], member["seat"]) == (200, "super_admin", "core")
    assert {"grant", "grant_id", "partner_id", "expires_at"}.isdisjoint(member)
    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1
    assert (table.get(keys.super_admins(CLIENT)) or {})["user_ids"] == {APPROVER, EMPLOYEE}
    entries = [item for item in table.items_with_prefix("AUDIT#") if item["event"] == "member.updated"]
    assert {item["pk"] for item in entries} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    assert audit_entry(table)["details"]["grant_ended"] is True
    assert edit(APPROVER, MANAGER, expected_version=1).code == "not_found"


@pytest.mark.parametrize("by", [USERS, COLLEAGUE, MANAGER, EMPLOYEE, CLERK])
def test_edit_to_super_admin_by_other_role_is_refused(seeded_table: Table, by: str) -> None:
    # domain.md rule 17
    assert_error(seeded_table, partial(edit, by, permission_set="super_admin"), 403, "forbidden")


def test_edit_widening_by_super_admin_of_same_partner_is_refused(table: Table) -> None:
    timed = a_partner_admin(removed=("crm.import",), grant=a_grant(expires_at=end_after(10, now())))
    seed_members(table, timed, a_member(MANAGER))

    changes: list[dict[str, Any]] = [
        {"permission_set": "super_admin"},
        {"overrides": {}},
        {"access_days": 20},
        {"access_days": None},
    ]
    for change in changes:
        assert_error(table, partial(edit, MANAGER, **change), 403, "own_partner_may_not_approve")
    assert edit(MANAGER, access_days=5).status == 200


def test_edit_demoting_super_admin_takes_effect_at_once(table: Table) -> None:
    seed_members(table, a_member(CLERK))

    assert edit(CLERK, APPROVER, permission_set="sales").status == 200

    assert list_permission_sets(APPROVER).status == 403
    assert (table.get(keys.super_admins(CLIENT)) or {})["user_ids"] == {CLERK}
    assert_error(table, partial(edit, CLERK, CLERK, permission_set="sales"), 409, "last_super_admin")


def test_edit_super_admin_by_user_manager_is_refused(seeded_table: Table) -> None:
    changes: list[dict[str, Any]] = [
        {"permission_set": "sales"},
        {"permission_set": "partner_admin"},
        {"seat": "view_only"},
        {},
    ]
    for change in changes:
        assert_error(seeded_table, partial(edit, USERS, APPROVER, **change), 403, "forbidden")


# changes to partner admin


def test_edit_super_admin_to_partner_admin_migrates_member(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, seat=Seat.SALES))

    member = edit(permission_set="partner_admin").body

    assert (member["permission_set"], member["seat"], member["paid_seats"]) == ("partner_admin", "partner", ["sales"])
    assert (member["grant"]["source"], member["grant"]["partner_id"], member["state"]) == (
        "migration",
        PARTNER,
        "active",
    )
    assert audit_entry(table, "super_admin.migrated")["accounts"] == [CLIENT, PARTNER]
    assert queued_email(table)["kind"] == "super_admin_migrated"
    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 1


def test_edit_member_to_partner_admin_leaves_no_membership_after_grant(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "sales", seat=Seat.SERVICE))

    member = edit(permission_set="partner_admin", permissions={"remove": ["crm.import"]}, access_days=30).body

    assert (member["permission_set"], member["grant"]["source"]) == ("partner_admin", "client_creation")
    assert (member["permissions"]["removed"], member["state"], member["version"]) == (["crm.import"], "active", 2)
    assert "expires_at" in member
    assert queued_email(table)["kind"] == "member_created"
    assert remove(expected_version=2).body["former_set"] == "sales"
    # domain.md rule 10
    assert stored_member(table)["active"] is False


def test_edit_to_partner_admin_of_two_partners_requires_partner_id(table: Table) -> None:
    seed(
        table,
        the_partner(account_id=SOUTH),
        a_partner_account_member(EMPLOYEE, account_id=SOUTH),
        a_member(EMPLOYEE, "sales"),
    )
    unclear = assert_error(table, partial(edit, permission_set="partner_admin"), 422, "invalid_field")
    assert unclear.body["errors"] == [{"pointer": "/partner_id", "code": "invalid_field"}]

    assert edit(permission_set="partner_admin", partner_id=SOUTH).body["partner_id"] == SOUTH


TO_PARTNER_ADMIN_ERRORS: list[tuple[str, tuple[Record, ...], str, int, str]] = [
    ("the last super admin", (a_member(EMPLOYEE), a_member(APPROVER, "sales")), EMPLOYEE, 409, "last_super_admin"),
    ("no seat", (a_member(EMPLOYEE), the_client(partner_seat_limit=0)), APPROVER, 409, "no_seat_left"),
    (
        "no seat for a member",
        (a_member(EMPLOYEE, "sales"), the_client(partner_seat_limit=0)),
        APPROVER,
        409,
        "no_seat_left",
    ),
    ("not eligible", (a_member(EMPLOYEE), the_partner(program=Program.SUSPENDED)), APPROVER, 409, "not_eligible"),
    (
        "of no partner",
        (a_member(EMPLOYEE, "sales"), a_partner_account_member(EMPLOYEE, active=False)),
        APPROVER,
        409,
        "not_eligible",
    ),
    ("who manages users", (a_member(EMPLOYEE), a_user(USERS), USER_MANAGER), USERS, 403, "forbidden"),
    (
        "of the own partner",
        (a_member(EMPLOYEE, "sales"), a_member(MANAGER)),
        MANAGER,
        403,
        "own_partner_may_not_approve",
    ),
    (
        "nobody independent",
        (a_member(EMPLOYEE, "sales"), a_member(MANAGER), a_member(APPROVER, "sales")),
        MANAGER,
        403,
        "no_independent_approver",
    ),
    (
        "a colleague",
        (a_member(EMPLOYEE, "view_only", partner_id=PARTNER), OTHER_PARTNER_ADMIN),
        COLLEAGUE,
        403,
        "forbidden",
    ),
    ("from the partner", (a_member(EMPLOYEE, "view_only", partner_id=PARTNER),), MANAGER, 403, "forbidden"),
]


@pytest.mark.parametrize(
    ("others", "by", "status", "code"),
    [each[1:] for each in TO_PARTNER_ADMIN_ERRORS],
    ids=[each[0] for each in TO_PARTNER_ADMIN_ERRORS],
)
def test_edit_to_partner_admin_with_unmet_condition_is_refused(
    table: Table, others: tuple[Record, ...], by: str, status: int, code: str
) -> None:
    seed(table, *others)

    assert_error(table, partial(edit, by, permission_set="partner_admin"), status, code)


# seats and end dates


def test_edit_adding_paid_seat_removes_notice_in_legacy_account(table: Table) -> None:
    seed_members(table, the_client(pricing=Pricing.LEGACY))
    before = edit(permissions={"remove": ["crm.import"]}).body["grant"]
    assert (before["notice"], before["paid_features"]) == ("paid_seat_required", False)

    after = edit(expected_version=2, paid_seats=["sales"]).body

    assert (after["seat"], after["paid_seats"]) == ("partner", ["sales"])
    assert after["grant"]["paid_features"] is True
    assert "notice" not in after["grant"]
    assert edit(expected_version=3, paid_seats=[]).body["grant"]["notice"] == "paid_seat_required"


@pytest.mark.parametrize(
    ("by", "target", "change", "status", "code"),
    [
        (USERS, CLERK, {"seat": "sales"}, 403, "permission_not_held"),
        (USERS, EMPLOYEE, {"paid_seats": ["service"]}, 403, "permission_not_held"),
        (COLLEAGUE, EMPLOYEE, {"seat": "sales"}, 403, "forbidden"),
        (MANAGER, EMPLOYEE, {"paid_seats": ["sales"]}, 403, "forbidden"),
        (APPROVER, EMPLOYEE, {"seat": "core"}, 422, "invalid_field"),
        (APPROVER, CLERK, {"seat": "partner"}, 422, "invalid_field"),
        (APPROVER, CLERK, {"paid_seats": ["view_only"]}, 422, "invalid_field"),
        (APPROVER, CLERK, {"paid_seats": ["sales", "sales"]}, 422, "invalid_field"),
        (APPROVER, CLERK, {"paid_seats": ["sales", "service", "sales"]}, 422, "invalid_field"),
    ],
)
def test_edit_with_forbidden_or_invalid_seat_is_refused(
    seeded_table: Table, by: str, target: str, change: dict[str, Any], status: int, code: str
) -> None:
    assert_error(seeded_table, partial(edit, by, target, **change), status, code)


def test_edit_unpaid_seat_by_user_manager_succeeds(seeded_table: Table) -> None:
    assert edit(USERS, CLERK, seat="view_only").body["seat"] == "view_only"


@pytest.mark.parametrize("by", [APPROVER, USERS, COLLEAGUE, MANAGER])
def test_edit_lengthening_access_by_partner_side_is_refused(table: Table, by: str) -> None:
    seed_members(table, a_partner_admin(grant=a_grant(expires_at=end_after(20, now()))))

    assert edit(by, access_days=10).status == 200
    for days in (30, None):
        if by in {APPROVER, USERS}:
            assert edit(by, expected_version=stored_member(table)["version"], access_days=days).status == 200
        else:
            assert_error(table, partial(edit, by, expected_version=2, access_days=days), 403, "forbidden")


@pytest.mark.parametrize("days", [0, -1, 731, 1.5, "10", True, []])
def test_edit_access_days_outside_1_to_730_is_refused(seeded_table: Table, days: object) -> None:
    response = assert_error(seeded_table, partial(edit, access_days=days), 422, "invalid_field")
    assert response.body["errors"][0]["pointer"] == "/access_days"


def test_edit_access_days_counts_from_now_and_null_removes_end(seeded_table: Table) -> None:
    before = now()
    member = edit(access_days=730).body
    assert int(stored_member(seeded_table)["grant"]["expires_at"]) == end_after(730, before).timestamp()
    assert member["expires_at"] == member["grant"]["expires_at"]
    assert member["access_ends_on"] == (before + timedelta(days=730)).date().isoformat()

    by_date = edit(expected_version=2, access_ends_on=before.date().isoformat()).body
    assert by_date["expires_at"] == end_after(0, before).isoformat().replace("+00:00", "Z")

    endless = edit(expected_version=3, access_ends_on=None).body
    assert "expires_at" not in endless
    assert "due_at" not in stored_member(seeded_table)
    assert_error(seeded_table, partial(edit, APPROVER, CLERK, access_days=3), 422, "invalid_field")


@pytest.mark.parametrize(
    "change",
    [
        *({"access_ends_on": day} for day in ("2027-4-10", "20270410", "2027-04-10T00:00:00Z", "2027-04-31", "", "４")),
        {"access_ends_on": 20270410},
        {"access_ends_on": True},
        {"access_ends_on": []},
        {"access_ends_on": "1999-12-31"},
        {"access_ends_on": "9999-12-31"},
        {"access_ends_on": "2027-04-10", "access_days": 10},
        {"access_ends_on": None, "access_days": None},
    ],
)
def test_edit_last_day_that_is_invalid_or_given_twice_is_refused(seeded_table: Table, change: dict[str, Any]) -> None:
    response = assert_error(seeded_table, partial(edit, **change), 422, "invalid_field")
    assert response.body["errors"] == [{"pointer": "/access_ends_on", "code": "invalid_field"}]


def test_edit_error_about_end_names_field_of_request(table: Table) -> None:
    seed_members(table, a_partner_admin(grant=a_grant(expires_at=end_after(20, now()))))

    for field in ("access_days", "access_ends_on"):
        for by, user_id, status in ((MANAGER, EMPLOYEE, 403), (APPROVER, CLERK, 422)):
            change: dict[str, Any] = {field: None}
            response = edit(by, user_id, **change)
            assert (response.status, response.body["errors"][0]["pointer"]) == (status, f"/{field}")


# edits without effect, and invalid edits


@pytest.mark.parametrize("by", [APPROVER, USERS, COLLEAGUE, MANAGER])
def test_edit_without_fields_changes_nothing(seeded_table: Table, by: str) -> None:
    with assert_unchanged(seeded_table):
        response = edit(by)

    assert (response.status, response.headers["etag"], response.body["version"]) == (200, '"1"', 1)
    assert response.body["grant"]["grant_id"] == a_grant().grant_id


@pytest.mark.parametrize(
    "permissions",
    [
        {"add": ["crm.import"], "remove": ["crm.import"]},
        {"add": ["crm.deals.edit:all"], "remove": ["crm.deals.edit"]},
        {"add": ["crm.import", "crm.import"]},
        {"remove": ["crm.import", "crm.import"]},
        {"remove": ["crm.import"] * 201},
        {"remove": ["crm.deals.view"]},
        {"add": "crm.import"},
        {"more": []},
        None,
    ],
)
def test_edit_with_invalid_permissions_is_refused(seeded_table: Table, permissions: object) -> None:
    response = edit(permissions=permissions)

    assert response.status == 422
    assert response.body["errors"][0]["pointer"].startswith("/permissions")


@pytest.mark.parametrize("field", ["permission_set", "permissions", "seat", "paid_seats", "partner_id"])
def test_edit_with_null_for_other_field_than_access_days_is_refused(seeded_table: Table, field: str) -> None:
    null: dict[str, Any] = {field: None}
    response = assert_error(seeded_table, partial(edit, **null), 422, "invalid_field")

    assert response.body["errors"] == [{"pointer": f"/{field}", "code": "invalid_field"}]


def test_edit_removing_permission_of_super_admin_is_refused(seeded_table: Table) -> None:
    assert_error(
        seeded_table, partial(edit, APPROVER, APPROVER, permissions={"remove": ["crm.import"]}), 422, "invalid_field"
    )


@pytest.mark.parametrize(
    "change", [{"permissions": {"remove": ["crm.import"]}}, {"seat": "sales"}, {"access_days": 30}]
)
@pytest.mark.parametrize(("target", "name"), [(MANAGER, "partner_admin"), (CLERK, "super_admin")])
def test_edit_to_or_from_super_admin_with_other_changes_is_refused(
    table: Table, target: str, name: str, change: dict[str, Any]
) -> None:
    seed_members(table, a_member(MANAGER))

    assert_error(table, partial(edit, APPROVER, target, permission_set=name, **change), 422, "invalid_field")


def test_edit_widening_by_partner_side_is_refused(seeded_table: Table) -> None:
    narrower = edit(MANAGER, **NARROWED)

    assert narrower.status == 200
    assert_error(seeded_table, partial(edit, MANAGER, expected_version=2, overrides={}), 403, "forbidden")


# single permissions and all overrides

CHANGES: list[tuple[dict[str, Any], dict[str, Any], dict[str, list[str]]]] = [
    (
        {"remove": ["crm.export"]},
        {"permissions": {"remove": ["crm.import"]}},
        {"removed": ["crm.export", "crm.import"]},
    ),
    ({"remove": ["crm.export"]}, {"overrides": {"remove": ["crm.import"]}}, {"removed": ["crm.import"]}),
    ({"remove": ["crm.export", "crm.import"]}, {"permissions": {"add": ["crm.export"]}}, {"removed": ["crm.import"]}),
    ({"remove": ["crm.export"]}, {"permissions": {}}, {"removed": ["crm.export"]}),
    ({"remove": ["crm.export"]}, {"overrides": {}}, {}),
    ({"remove": ["crm.export"]}, {"access_days": 30}, {"removed": ["crm.export"]}),
    (
        {"remove": ["crm.tasks.delete"], "add": ["crm.tasks.delete:owned"]},
        {"permissions": {"add": ["crm.tasks.delete:team"]}},
        {"removed": ["crm.tasks.delete"], "added": ["crm.tasks.delete:team"]},
    ),
    (
        {"remove": ["crm.tasks.delete"], "add": ["crm.tasks.delete:team"]},
        {"permissions": {"add": ["crm.tasks.delete:owned"]}},
        {"removed": ["crm.tasks.delete"], "added": ["crm.tasks.delete:team"]},
    ),
    (
        {"remove": ["crm.tasks.delete"], "add": ["crm.tasks.delete:team"]},
        {"permissions": {"remove": ["crm.tasks.delete"], "add": ["crm.tasks.delete:owned"]}},
        {"removed": ["crm.tasks.delete"], "added": ["crm.tasks.delete:owned"]},
    ),
    (
        {"remove": ["crm.tasks.delete"], "add": ["crm.tasks.delete:team"]},
        {"permissions": {"remove": ["crm.tasks.delete"]}},
        {"removed": ["crm.tasks.delete"]},
    ),
    (
        {"remove": ["crm.tasks.delete"], "add": ["crm.tasks.delete:team"]},
        {"permissions": {"add": ["crm.tasks.delete"]}},
        {},
    ),
]


@pytest.mark.parametrize(("first", "change", "after"), CHANGES)
def test_edit_permissions_keeps_others_and_overrides_replace_them(
    seeded_table: Table, first: dict[str, Any], change: dict[str, Any], after: dict[str, list[str]]
) -> None:
    # domain.md rule 38
    edit(overrides=first)

    response = edit(expected_version=2, **change)

    assert response.status == 200
    assert response.body["permissions"] == {"added": [], "removed": [], **after}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"permissions": {}, "overrides": {}}, "/overrides"),
        ({"permissions": {"add": ["crm.import"], "remove": ["crm.import"]}}, "/permissions"),
        ({"permissions": {"add": ["crm.import", "crm.import"]}}, "/permissions"),
        ({"overrides": {"add": ["crm.import"], "remove": ["crm.import"]}}, "/overrides"),
        ({"overrides": {"remove": ["crm.deals.edit:team"]}}, "/overrides/remove"),
        ({"permissions": {"remove": ["crm.deals.edit:team"]}}, "/permissions/remove"),
    ],
)
def test_edit_with_contradicting_changes_is_refused(seeded_table: Table, fields: dict[str, Any], pointer: str) -> None:
    answer = edit(**fields)

    assert (answer.status, answer.code, answer.body["errors"][0]["pointer"]) == (422, "invalid_field", pointer)


# expected versions


@pytest.mark.parametrize(
    ("expected_version", "status", "code"),
    [(None, 428, "precondition_required"), (2, 412, "precondition_failed"), ("nonsense", 412, "precondition_failed")],
)
def test_edit_without_current_version_is_refused(
    seeded_table: Table, expected_version: object, status: int, code: str
) -> None:
    # domain.md rule 25
    for change in ({}, NARROWED):
        assert_error(seeded_table, partial(edit, expected_version=expected_version, **change), status, code)


def test_edit_with_version_of_earlier_edit_is_refused(seeded_table: Table) -> None:
    assert edit(USERS, **NARROWED).status == 200
    assert_error(seeded_table, partial(edit, permission_set="sales"), 412, "precondition_failed")
    assert edit(expected_version=2, permission_set="sales").status == 200


# refused edits

EDIT_ERRORS: list[tuple[str, tuple[Record, ...], dict[str, Any], tuple[int, str]]] = [
    ("an account that is not there", (), {"account_id": "client-nowhere"}, (404, "not_found")),
    ("a stranger", (a_user("user-stranger"),), {"by": "user-stranger"}, (404, "not_found")),
    ("an unknown caller", (), {"by": "user-nobody"}, (404, "not_found")),
    ("a member without the right", (), {"by": CLERK}, (403, "forbidden")),
    ("the user", (a_partner_admin(removed=("account.users.manage",)),), {"by": EMPLOYEE}, (403, "forbidden")),
    ("a deactivated person", (a_user(USERS, active=False),), {"by": USERS}, (403, "forbidden")),
    ("an unknown target", (), {"user_id": "user-nobody"}, (404, "not_found")),
    ("a user who is no member", (), {"user_id": MANAGER}, (404, "not_found")),
    ("a deactivated member", (a_member(CLERK, active=False),), {"user_id": CLERK}, (404, "not_found")),
    ("a closed account", (the_client(state=AccountState.CLOSED),), {}, (409, "account_closed")),
    ("a manager and the client's own", (), {"by": MANAGER, "user_id": CLERK}, (404, "not_found")),
    ("a colleague and the client's own", (), {"by": COLLEAGUE, "user_id": CLERK}, (403, "forbidden")),
    (
        "a manager of another partner",
        (
            the_partner(account_id=SOUTH),
            a_user("user-south"),
            a_partner_account_member("user-south", "super_admin", account_id=SOUTH),
        ),
        {"by": "user-south"},
        (404, "not_found"),
    ),
    ("a grant that is over", (an_expired_partner_admin(),), {}, (404, "not_found")),
]


@pytest.mark.parametrize(
    ("others", "how", "error"), [each[1:] for each in EDIT_ERRORS], ids=[each[0] for each in EDIT_ERRORS]
)
def test_edit_with_unmet_condition_is_refused(
    table: Table, others: tuple[Record, ...], how: dict[str, Any], error: tuple[int, str]
) -> None:
    seed_members(table, *others)

    assert_error(table, partial(edit, **{**NARROWED, **how}), *error)


def test_edit_by_vendor_is_refused(seeded_table: Table) -> None:
    how = {"headers": {"if-match": '"1"'}, "account_id": CLIENT, "user_id": EMPLOYEE}
    send_request = partial(call, f"PATCH {USER}", VENDOR, NARROWED, scope=f"{DIRECTORY} partner-access/use", **how)

    assert_error(seeded_table, send_request, 403, "forbidden")


# idempotency keys


def test_edit_with_same_key_replays(seeded_table: Table) -> None:
    assert_replayed(seeded_table, lambda key: edit(key=key, **NARROWED))
    assert_error(seeded_table, partial(edit, key="the-same-key", permission_set="sales"), 422, "idempotency_key_reused")
    expire_idempotency_keys(seeded_table)
    assert_error(seeded_table, partial(edit, key="the-same-key", **NARROWED), 412, "precondition_failed")


def test_edit_without_fields_with_same_key_replays(seeded_table: Table) -> None:
    assert_replayed(seeded_table, lambda key: edit(key=key))


def test_edit_demoting_self_with_same_key_replays(table: Table) -> None:
    seed_members(table, a_member(CLERK))

    assert_replayed(table, lambda key: edit(CLERK, CLERK, key=key, permission_set="view_only"))
    assert_error(table, partial(edit, CLERK, CLERK, expected_version=2, permission_set="super_admin"), 403, "forbidden")


def test_edit_removing_own_permission_with_same_key_replays(seeded_table: Table) -> None:
    assert_replayed(
        seeded_table, lambda key: edit(USERS, USERS, key=key, permissions={"remove": ["account.users.manage"]})
    )


def test_edit_to_partner_admin_with_same_key_replays(table: Table) -> None:
    for member in (a_member(EMPLOYEE), a_member(EMPLOYEE, "sales")):
        table.clear()
        seed(table, member)
        assert_replayed(table, lambda key: edit(key=key, permission_set="partner_admin"))


# suspensions


def test_edit_under_suspended_program_returns_suspended_grant(seeded_table: Table) -> None:
    put_account(PARTNER, program="suspended")

    member = edit(**NARROWED).body

    assert (member["state"], member["suspended_by"], member["grant"]["state"]) == (
        "suspended",
        ["program"],
        "suspended",
    )


def test_edit_suspended_grant_keeps_suspension(seeded_table: Table) -> None:
    suspend()

    member = edit(expected_version=2, access_days=10).body

    assert (member["state"], member["suspended_by"]) == ("suspended", [SuspensionReason.CLIENT])
    assert_error(seeded_table, partial(edit, expected_version=3, permission_set="super_admin"), 409, "grant_suspended")


def test_edit_member_deactivated_by_vendor_gives_no_access(seeded_table: Table) -> None:
    put_user(EMPLOYEE, active=False)

    assert edit(permissions={}).body["state"] == "suspended"
    assert list_permission_sets(EMPLOYEE).code == "forbidden"
