"""Tests of the directory operations that store the accounts, users and members that the vendor's back end reports.

Repeated requests change nothing, and the last super admin of an account is protected or reported as missing.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.act import RESERVED_SUBJECTS
from partner_access.domain.memberships.members import Member, Seat, SuspensionReason
from partner_access.domain.notifications import Reconciliation, ReconciliationReason
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    SECRET_TEXT,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.gateway import ApiResponse, call, call_as_vendor
from tests.support.link_requests import assert_error, assert_replayed, assert_unchanged, create
from tests.support.membership_facts import remove
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, now, seed
from tests.support.table import Item, Table

pytestmark = pytest.mark.usefixtures("check_invariants")

ACCOUNT = "/directory/accounts/{account_id}"
USER = "/directory/users/{user_id}"
MEMBER = "/directory/accounts/{account_id}/members/{user_id}"
NEW = "client-new"
NEWCOMER = "user-newcomer"


def put_account(account_id: str = CLIENT, key: str | None = None, **fields: object) -> ApiResponse:
    return call_as_vendor(f"PUT {ACCOUNT}", fields, account_id=account_id, headers={"idempotency-key": key})


def put_user(user_id: str = CLERK, key: str | None = None, **fields: object) -> ApiResponse:
    return call_as_vendor(f"PUT {USER}", fields, user_id=user_id, headers={"idempotency-key": key})


def put_member(user_id: str = CLERK, account_id: str = CLIENT, key: str | None = None, **fields: object) -> ApiResponse:
    return call_as_vendor(
        f"PUT {MEMBER}", fields, account_id=account_id, user_id=user_id, headers={"idempotency-key": key}
    )


def erase(user_id: str = CLERK, key: str | None = None) -> ApiResponse:
    return call_as_vendor(f"POST {USER}/erasure", user_id=user_id, headers={"idempotency-key": key} if key else None)


def stored_item(table: Table, key: keys.Key) -> dict[str, Any]:
    return table.get(key) or {}


def items_without_stored_responses(table: Table) -> list[Item]:
    """Return all items except the stored responses of idempotency keys."""
    return [item for item in table.items() if item["sk"] != "IDEMPOTENCY"]


def metrics(written: str) -> dict[str, float]:
    """Return the metric values in the output of a function."""
    counted = [line for line in map(json.loads, written.splitlines()) if "_aws" in line]
    return {
        metric["Name"]: line[metric["Name"]][0]
        for line in counted
        for metrics in line["_aws"]["CloudWatchMetrics"]
        for metric in metrics["Metrics"]
    }


# accounts


def test_put_account_of_new_client_creates_it_and_repeat_changes_nothing(table: Table) -> None:
    fields: dict[str, Any] = {
        "kind": "client",
        "name": "The Florist",
        "locale": "ja",
        "pricing": "legacy",
        "partner_seat_limit": 3,
        "time_zone": "Asia/Tokyo",
    }

    made = put_account(NEW, **fields)

    assert made.status == 201
    assert made.body == {"account_id": NEW, "state": "active", "partner_seats_used": 0, "version": 1, **fields}
    assert call_as_vendor(f"GET {ACCOUNT}", account_id=NEW).body == made.body
    with assert_unchanged(table):
        again = put_account(NEW, **fields)
    assert (again.status, again.body) == (200, made.body)
    (entry,) = table.items_with_prefix("AUDIT#")
    assert (entry["event"], entry["pk"]) == ("account.created", f"AUDIT#{NEW}")


def test_put_account_of_new_partner_creates_it_with_normalized_domains(table: Table) -> None:
    made = put_account(NEW, kind="partner", name="South", domains=["South.example", "süd.example"])

    assert made.body == {
        "account_id": NEW,
        "kind": "partner",
        "name": "South",
        "domains": ["south.example", "xn--sd-xka.example"],
        "program": "active",
        "time_zone": "UTC",
        "state": "active",
        "version": 1,
    }
    with assert_unchanged(table):
        put_account(NEW, kind="partner", name="South", domains=["South.example", "süd.example"])


def test_put_account_without_a_field_leaves_it_unchanged(table: Table) -> None:
    seed(table, the_client(partner_seat_limit=4, locale="ja"))

    assert put_account(name="Bakery").body["partner_seat_limit"] == 4
    shown = put_account(partner_seat_limit=None, locale=None).body

    assert shown["name"] == "Bakery"
    assert "partner_seat_limit" not in shown
    assert "locale" not in shown
    changed = [item["details"]["fields"] for item in table.items_with_prefix(f"AUDIT#{CLIENT}")]
    assert changed == [["name"], ["locale", "partner_seat_limit"]]


def test_put_account_closes_and_reopens_it(table: Table) -> None:
    seed(table)

    assert put_account(state="closed").body["state"] == "closed"
    assert_error(table, lambda: put_member(permission_set="sales"), 409, "account_closed")
    assert put_account(state="active").body["state"] == "active"


def test_put_account_with_seat_limit_below_seats_used_is_refused(table: Table) -> None:
    seed(table, the_client(partner_seat_limit=3), a_partner_admin())

    assert_error(table, lambda: put_account(partner_seat_limit=0), 409, "limit_below_use")
    assert put_account(partner_seat_limit=1).body["partner_seats_used"] == 1


def test_put_account_with_suspended_program_refuses_new_partner_admins(table: Table) -> None:
    seed(table)
    new_member = {"email": f"{EMPLOYEE}@north.example", "permission_set": "partner_admin"}

    put_account(PARTNER, program="suspended")
    assert_error(
        table,
        lambda: call("POST /accounts/{account_id}/users", APPROVER, new_member, account_id=CLIENT),
        409,
        "not_eligible",
    )
    put_account(PARTNER, program="active")
    assert call("POST /accounts/{account_id}/users", APPROVER, new_member, account_id=CLIENT).status == 201


@pytest.mark.parametrize(("account_id", "fields", "status", "code", "pointers"), [
    (NEW, {}, 422, "missing_field", ["/kind", "/name"]),
    (NEW, {"kind": "client"}, 422, "missing_field", ["/name"]),
    (NEW, {"kind": "client", "name": "N", "domains": ["x.example"]}, 422, "invalid_field", ["/domains"]),
    (NEW, {"kind": "client", "name": "N", "program": "active"}, 422, "invalid_field", ["/program"]),
    (NEW, {"kind": "partner", "name": "N", "partner_seat_limit": 1}, 422, "invalid_field", ["/partner_seat_limit"]),
    (NEW, {"kind": "partner", "name": "N", "pricing": "legacy"}, 422, "invalid_field", ["/pricing"]),
    (NEW, {"kind": "vendor", "name": "N"}, 422, "invalid_field", ["/kind"]),
    (NEW, {"kind": "client", "name": "N", "partner_seat_limit": -1}, 422, "invalid_field", ["/partner_seat_limit"]),
    (NEW, {"kind": "client", "name": "N", "partner_seat_limit": 10**9}, 422, "invalid_field", ["/partner_seat_limit"]),
    (NEW, {"kind": "client", "name": "N", "seats": 1}, 422, "unknown_field", ["/seats"]),
    (NEW, {"kind": "client", "name": "N", "partner_seats_used": 1}, 422, "unknown_field", ["/partner_seats_used"]),
    (NEW, {"kind": "client", "name": "N", "version": 1}, 422, "unknown_field", ["/version"]),
    *(
        (CLIENT, {"time_zone": zone}, 422, "invalid_field", ["/time_zone"])
        for zone in ("", "Berlin", "europe/berlin", "Europe", "+01:00", "../UTC", "/etc/localtime", None, 1)
    ),
    (NEW, {"kind": "client", "name": " "}, 422, "invalid_field", ["/name"]),
    (NEW, {"kind": "client", "name": "a\u202eb"}, 422, "invalid_field", ["/name"]),
    (CLIENT, {"name": None}, 422, "invalid_field", ["/name"]),
    (CLIENT, {"kind": "partner"}, 409, "kind_is_fixed", ["/kind"]),
    (PARTNER, {"kind": "client"}, 409, "kind_is_fixed", ["/kind"]),
    (PARTNER, {"domains": ["no domain"]}, 422, "invalid_email", ["/domains/0"]),
])  # fmt: skip
def test_put_account_with_invalid_field_is_refused(
    table: Table, account_id: str, fields: dict[str, Any], status: int, code: str, pointers: list[str]
) -> None:
    seed(table)

    answer = assert_error(table, lambda: put_account(account_id, **fields), status, code)

    assert [each["pointer"] for each in answer.body["errors"]] == pointers


# users


def test_put_user_of_new_user_creates_it_and_repeat_changes_nothing(table: Table) -> None:
    fields: dict[str, Any] = {"email": " New.Comer+x@Bakery.example", "name": "New Comer", "locale": "en"}

    made = put_user(NEWCOMER, **fields)

    assert made.status == 201
    assert made.body == {
        "user_id": NEWCOMER,
        "email": "new.comer+x@bakery.example",
        "name": "New Comer",
        "locale": "en",
        "active": True,
        "employed_by": [],
        "version": 1,
    }
    assert call_as_vendor(f"GET {USER}", user_id=NEWCOMER).body == made.body
    with assert_unchanged(table):
        again = put_user(NEWCOMER, **fields, active=True)
    assert (again.status, again.body) == (200, made.body)


@pytest.mark.parametrize("subject", sorted(RESERVED_SUBJECTS))
def test_put_user_with_id_of_own_job_is_refused(table: Table, subject: str) -> None:
    # domain.md rule 30
    seed(table)

    assert_error(table, lambda: put_user(subject, email="s@bakery.example", name="Sam"), 409, "reserved_subject")
    assert_error(table, lambda: put_member(CLIENT, subject, permission_set="sales"), 404, "not_found")
    assert_error(table, lambda: call("GET /accounts", subject), 403, "forbidden")
    assert_error(
        table,
        lambda: call("POST /access-links/preview", subject, {"secret": SECRET_TEXT}),
        403,
        "forbidden",
    )


def test_directory_shows_versions_of_events(table: Table) -> None:
    seed(table)

    for shown, key in (
        (put_account(PARTNER, program="suspended"), keys.account(PARTNER)),
        (put_user(EMPLOYEE, active=False), keys.user(EMPLOYEE)),
    ):
        assert shown.body["version"] == stored_item(table, key)["version"] == 2


def test_put_user_without_a_field_leaves_it_unchanged(table: Table) -> None:
    seed(table)

    shown = put_user(EMPLOYEE, locale="ja").body

    assert (shown["name"], shown["email"]) == ("Employee", f"{EMPLOYEE}@north.example")
    assert shown["employed_by"] == [PARTNER]
    assert stored_item(table, keys.user(EMPLOYEE))["open_links"] == 1


def test_put_user_with_email_of_another_user_is_refused_until_it_is_free(table: Table) -> None:
    seed(table)
    address = f"{CLERK}@bakery.example"

    answer = assert_error(table, lambda: put_user(NEWCOMER, email=address.upper(), name="N"), 409, "email_in_use")
    assert answer.body["errors"] == [{"pointer": "/email", "code": "email_in_use"}]
    assert_error(table, lambda: put_user(APPROVER, email=address), 409, "email_in_use")
    assert put_user(CLERK, email="clerk@bakery.example").status == 200
    assert put_user(NEWCOMER, email=address, name="N").status == 201


def test_put_user_deactivated_keeps_email_and_can_be_reactivated(table: Table) -> None:
    seed(table)

    assert put_user(active=False).body["active"] is False
    with assert_unchanged(table):
        assert put_user(active=False).status == 200
    assert_error(table, lambda: put_user(NEWCOMER, email=f"{CLERK}@bakery.example", name="N"), 409, "email_in_use")
    assert put_user(active=True).body["active"] is True


@pytest.mark.parametrize(("fields", "code"), [
    ({}, "missing_field"),
    ({"email": "n@bakery.example"}, "missing_field"),
    ({"name": "N"}, "missing_field"),
    ({"name": "N", "email": None}, "invalid_field"),
    ({"name": "N", "email": "nobody"}, "invalid_email"),
    ({"name": "N", "email": "a@b.example,c@d.example"}, "invalid_email"),
    ({"name": "N", "email": "mıke@bakery.example"}, "invalid_email"),
    ({"name": "N", "email": ["n@bakery.example"]}, "invalid_field"),
    ({"name": "N\r\nBcc: x", "email": "n@bakery.example"}, "invalid_field"),
    ({"name": "N", "email": "n@bakery.example", "active": 1}, "invalid_field"),
    ({"name": "N", "email": "n@bakery.example", "employed_by": [PARTNER]}, "unknown_field"),
    ({"name": "N", "email": "n@bakery.example", "locale": "de"}, "invalid_field"),
])  # fmt: skip
def test_put_user_with_invalid_field_is_refused(table: Table, fields: dict[str, Any], code: str) -> None:
    seed(table)

    assert_error(table, lambda: put_user(NEWCOMER, **fields), 422, code)


def test_put_user_deactivating_last_super_admin_reports_orphaned_account(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    # domain.md rule 16
    seed(table)

    assert put_user(APPROVER, active=False).status == 200

    entries = [item for item in table.items_with_prefix("AUDIT#") if item["event"] == "user.updated"]
    assert {item["pk"] for item in entries} == {"AUDIT#@directory", f"AUDIT#{CLIENT}"}
    assert entries[0]["details"] == {"user_id": APPROVER, "fields": ["active"], "orphaned": [CLIENT]}
    assert metrics(capsys.readouterr().out) == {"AccountOrphaned": 1}
    put_user(APPROVER, active=False, name="Gone")
    assert metrics(capsys.readouterr().out) == {}


@pytest.mark.parametrize(("others", "orphaned"), [
    ((a_member(CLERK),), []),
    ((a_member(CLERK), a_user(CLERK, active=False)), [CLIENT]),
    ((a_member(CLERK, active=False),), [CLIENT]),
    ((a_member(APPROVER, "sales"), a_member(CLERK)), []),
    ((the_client(account_id=NEW), a_member(APPROVER, account_id=NEW), a_member(CLERK)), [NEW]),
])  # fmt: skip
def test_put_user_deactivated_reports_only_accounts_without_active_super_admin(
    table: Table, others: tuple[Record, ...], orphaned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    seed(table, *others)

    put_user(APPROVER, active=False)

    (entry,) = table.items_with_prefix("AUDIT#@directory")
    assert entry["details"]["orphaned"] == orphaned
    assert metrics(capsys.readouterr().out) == ({"AccountOrphaned": 1} if orphaned else {})


# erasure


def test_erase_user_removes_name_and_email_and_keeps_audit_entry(table: Table) -> None:
    # domain.md rule 27
    seed(table, an_employee(COLLEAGUE, email="colette@north.example", name="Colette"), a_partner_admin(COLLEAGUE))

    answer = erase(COLLEAGUE)

    assert (answer.status, answer.body) == (202, {"erased": True})
    assert "olette" not in str(table.items())
    assert stored_item(table, keys.user(COLLEAGUE))["active"] is False
    (entry,) = table.items_with_prefix("AUDIT#@directory")
    assert (entry["event"], entry["details"]) == ("user.erased", {"user_id": COLLEAGUE})
    shown = call_as_vendor(f"GET {USER}", user_id=COLLEAGUE).body
    assert (shown["name"], shown["active"], "email" in shown) == ("", False, False)
    assert call_as_vendor(f"GET {MEMBER}", account_id=CLIENT, user_id=COLLEAGUE).body["name"] == ""
    assert put_user(NEWCOMER, email="colette@north.example", name="Another").status == 201


def test_erase_user_repeated_or_of_unknown_user_returns_same_response(table: Table) -> None:
    seed(table)
    first = erase()
    before = items_without_stored_responses(table)

    responses = [(each.status, each.text) for each in (erase(), erase("user-nobody"))]

    assert items_without_stored_responses(table) == before
    assert responses == [(first.status, first.text)] * 2


def test_erase_user_who_is_super_admin_is_refused(table: Table) -> None:
    seed(table, a_member(CLERK))

    assert_error(table, erase, 409, "is_super_admin")
    assert_error(table, lambda: erase(MANAGER), 409, "is_super_admin")
    put_member(permission_set="sales")
    assert erase().status == 202


def test_erase_user_with_same_key_is_replayed(table: Table) -> None:
    seed(table)

    assert_replayed(table, lambda key: erase(key=key))


def test_erase_user_without_idempotency_key_returns_400(table: Table) -> None:
    seed(table)

    assert_error(
        table,
        lambda: call_as_vendor(f"POST {USER}/erasure", user_id=CLERK, headers={"idempotency-key": None}),
        400,
        "idempotency_key_required",
    )


# members


def test_put_member_of_new_member_creates_it_and_repeat_changes_nothing(table: Table) -> None:
    seed(table, a_user(NEWCOMER))
    fields: dict[str, Any] = {"permission_set": "sales", "seat": "sales"}

    made = put_member(NEWCOMER, **fields)

    assert made.status == 201
    shown = made.body
    assert (shown["permission_set"], shown["seat"], shown["state"], shown["version"]) == ("sales", "sales", "active", 1)
    found = call_as_vendor(f"GET {MEMBER}", account_id=CLIENT, user_id=NEWCOMER)
    assert found.body == shown
    assert [response.headers["etag"] for response in (made, found)] == ['"1"', '"1"']
    with assert_unchanged(table):
        again = put_member(NEWCOMER, **fields, active=True)
    assert (again.status, again.body, again.headers["etag"]) == (200, shown, '"1"')
    assert put_member(NEWCOMER, permission_set="service").headers["etag"] == '"2"'
    assert stored_item(table, keys.account_of(NEWCOMER, CLIENT))["account_id"] == CLIENT


@pytest.mark.parametrize(("permission_set", "seat"), [("view_only", "view_only"), ("reporting", "core")])
def test_put_member_of_new_member_without_seat_gets_default_seat(table: Table, permission_set: str, seat: str) -> None:
    seed(table, a_user(NEWCOMER))

    assert put_member(NEWCOMER, permission_set=permission_set).body["seat"] == seat


def test_put_member_without_a_field_leaves_it_unchanged(table: Table) -> None:
    seed(table, a_member(CLERK, "sales", seat=Seat.SALES, removed=("crm.notes.view",)))

    left = put_member(active=False).body
    assert (left["state"], left["seat"], left["permission_set"]) == ("deactivated", "sales", "sales")
    assert left["permissions"]["removed"] == ["crm.notes.view"]
    assert put_member(seat="core").body["permissions"]["removed"] == ["crm.notes.view"]


def test_put_member_returning_needs_set_and_holds_nothing_of_former_membership(table: Table) -> None:
    # domain.md rule 33
    former = a_member(
        CLERK, "view_only", added=("account.billing.manage",), paid_seats=(Seat.SALES,), seat=Seat.SERVICE
    )
    seed(table, former)
    assert remove(user_id=CLERK).status == 200

    missing = assert_error(table, lambda: put_member(active=True), 422, "missing_field")
    back = put_member(permission_set="view_only", active=True)

    assert missing.body["errors"] == [{"pointer": "/permission_set", "code": "missing_field"}]
    assert (back.status, back.body["state"], back.body["version"]) == (200, "active", 3)
    assert (back.body["permissions"], back.body["seat"], back.body["paid_seats"]) == (
        {"added": [], "removed": []},
        "view_only",
        [],
    )


def test_put_member_of_dismissed_client_access_manager_gives_set_alone(table: Table) -> None:
    # domain.md rule 33
    seed(table, a_partner_account_member(EMPLOYEE, "marketing", added=("partner.client_access.manage",)))
    assert create(EMPLOYEE, employee_id=COLLEAGUE).status == 201

    put_member(EMPLOYEE, PARTNER, active=False)
    assert put_member(EMPLOYEE, PARTNER, permission_set="marketing", active=True).status == 200

    assert_error(table, lambda: create(EMPLOYEE, employee_id=COLLEAGUE), 403, "forbidden")


@pytest.mark.parametrize("name", ["view_only", "super_admin"])
@pytest.mark.parametrize("member", [a_member(EMPLOYEE, "view_only", partner_id=PARTNER), a_partner_admin()])
def test_put_member_of_former_partner_member_is_refused(table: Table, member: Member, name: str) -> None:
    # domain.md rule 33
    seed(table, member)
    assert remove().status == 200

    assert_error(table, lambda: put_member(EMPLOYEE, permission_set=name, active=True), 409, "former_partner_member")
    put_member(EMPLOYEE, permission_set=name)
    assert_error(table, lambda: put_member(EMPLOYEE, permission_set=name, active=True), 409, "former_partner_member")


@pytest.mark.parametrize("fields", [{}, {"permission_set": CUSTOM_SET}, {"permission_set": "sales"}])
def test_put_member_of_colleague_whose_set_became_restricted_is_refused(table: Table, fields: dict[str, Any]) -> None:
    # domain.md rule 33
    seed(table, a_custom_set(), a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER))
    assert put_member(EMPLOYEE, active=False).status == 200
    update = {"name": "Desk", "permissions": ["account.billing.manage"]}
    where = {"account_id": CLIENT, "set_id": CUSTOM_SET, "headers": {"if-match": '"1"'}}
    assert call("PUT /accounts/{account_id}/permission-sets/{set_id}", APPROVER, update, **where).status == 200

    answer = put_member(EMPLOYEE, active=True, **fields)

    assert answer.code in {"missing_field", "unknown_permission_set", "former_partner_member"}


def test_put_member_of_former_partner_member_the_client_created_again_succeeds(table: Table) -> None:
    seed(table, a_partner_admin())
    remove()
    own = {"email": f"{EMPLOYEE}@north.example", "permission_set": "sales"}
    assert call("POST /accounts/{account_id}/users", APPROVER, own, account_id=CLIENT).status == 201

    assert put_member(EMPLOYEE, active=False).status == 200
    assert put_member(EMPLOYEE, permission_set="sales", active=True).body["state"] == "active"


def test_put_member_with_another_permission_set_discards_edits(table: Table) -> None:
    seed(table, a_member(CLERK, "sales", removed=("crm.notes.view",), added=("crm.import",)))

    shown = put_member(permission_set="service").body

    assert (shown["permissions"], shown["version"]) == ({"added": [], "removed": []}, 2)


def test_put_member_of_partner_account_updates_partners_of_employee(table: Table) -> None:
    seed(table, a_user(NEWCOMER))

    put_member(NEWCOMER, PARTNER, permission_set="sales")
    assert stored_item(table, keys.user(NEWCOMER))["employed_by"] == {PARTNER}
    put_member(NEWCOMER, PARTNER, active=False)
    assert "employed_by" not in stored_item(table, keys.user(NEWCOMER))
    put_member(NEWCOMER, PARTNER, permission_set="sales", active=True)
    assert call_as_vendor(f"GET {USER}", user_id=NEWCOMER).body["employed_by"] == [PARTNER]


def test_put_member_updates_list_of_super_admins(table: Table) -> None:
    seed(table)

    put_member(permission_set="super_admin")
    assert stored_item(table, keys.super_admins(CLIENT))["user_ids"] == {APPROVER, CLERK}
    put_member(APPROVER, active=False)
    assert stored_item(table, keys.super_admins(CLIENT))["user_ids"] == {CLERK}


@pytest.mark.parametrize("others", [
    (),
    (a_member(CLERK, active=False),),
    (a_member(CLERK), a_user(CLERK, active=False)),
    (a_partner_admin(),),
])  # fmt: skip
@pytest.mark.parametrize("fields", [{"permission_set": "sales"}, {"active": False}])
def test_put_member_removing_last_super_admin_is_refused(
    table: Table, others: tuple[Record, ...], fields: dict[str, Any]
) -> None:
    # domain.md rule 16
    seed(table, *others)

    assert_error(table, lambda: put_member(APPROVER, **fields), 409, "last_super_admin")


def test_put_member_with_deactivated_user_as_first_super_admin_is_refused(table: Table) -> None:
    seed(table, a_user(CLERK, active=False))
    call_as_vendor("PUT /directory/accounts/{account_id}", {"kind": "client", "name": "Mill"}, account_id="client-mill")

    assert_error(table, lambda: put_member(CLERK, "client-mill", permission_set="super_admin"), 409, "last_super_admin")
    assert put_member(APPROVER, "client-mill", permission_set="super_admin").status == 201
    assert put_member(CLERK, "client-mill", permission_set="super_admin").status == 201


def test_put_member_removing_last_super_admin_of_partner_is_refused(table: Table) -> None:
    seed(table)

    assert_error(table, lambda: put_member(MANAGER, PARTNER, active=False), 409, "last_super_admin")


def test_put_member_of_inactive_super_admin_succeeds(table: Table) -> None:
    seed(table, a_member(CLERK, active=False))

    assert put_member(permission_set="sales").status == 200


def test_put_member_with_expired_grant_is_treated_as_inactive(table: Table) -> None:
    lapsed = a_grant(expires_at=now())
    seed(
        table,
        a_partner_admin(grant=lapsed.model_copy(update={"former_set": "sales"})),
        a_partner_admin(COLLEAGUE, grant=lapsed.model_copy(update={"grant_id": "grt_other"})),
    )

    for user_id in (EMPLOYEE, COLLEAGUE):
        assert call_as_vendor(f"GET {MEMBER}", account_id=CLIENT, user_id=user_id).body["state"] == "deactivated"
        assert put_member(user_id, permission_set="service", seat="core").body["state"] == "deactivated"
    assert stored_item(table, keys.account(CLIENT))["partner_seats_used"] == 0


@pytest.mark.parametrize(("others", "where", "fields", "status", "code"), [
    ((), {"account_id": "client-nowhere"}, {"permission_set": "sales"}, 404, "not_found"),
    ((), {"user_id": "user-nobody"}, {"permission_set": "sales"}, 404, "not_found"),
    ((), {"user_id": EMPLOYEE}, {}, 422, "missing_field"),
    ((), {"user_id": EMPLOYEE}, {"seat": "core"}, 422, "missing_field"),
    ((), {}, {"permission_set": "boss"}, 422, "unknown_permission_set"),
    ((), {}, {"permission_set": ""}, 422, "invalid_field"),
    ((), {}, {"permission_set": "partner_admin"}, 422, "invalid_field"),
    ((), {}, {"seat": "partner"}, 422, "invalid_field"),
    ((), {}, {"seat": "throne"}, 422, "invalid_field"),
    ((), {}, {"seat": None}, 422, "invalid_field"),
    ((), {}, {"granted_by": "me"}, 422, "unknown_field"),
    ((a_partner_admin(),), {"user_id": EMPLOYEE}, {"permission_set": "sales"}, 409, "already_partner_admin"),
    ((a_partner_admin(),), {"user_id": EMPLOYEE}, {"active": False}, 409, "already_partner_admin"),
    ((the_client(state=AccountState.CLOSED),), {}, {"active": False}, 409, "account_closed"),
])  # fmt: skip
def test_put_member_with_invalid_request_is_refused(
    table: Table, others: tuple[Record, ...], where: dict[str, str], fields: dict[str, Any], status: int, code: str
) -> None:
    seed(table, *others)

    assert_error(table, lambda: put_member(**where, **fields), status, code)


@pytest.mark.parametrize(("others", "state", "reasons"), [
    ((), "active", []),
    ((a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),), "suspended", ["client"]),
    ((the_partner(program=Program.SUSPENDED),), "suspended", ["program"]),
    ((an_employee(active=False),), "suspended", ["employee"]),
    ((the_partner(terminations=1),), "deactivated", []),
    ((an_employee(offboardings={PARTNER: 1}),), "deactivated", []),
    ((the_partner(terminations=1), a_partner_admin(access_generation=1)), "active", []),
])  # fmt: skip
def test_get_member_who_is_partner_admin_returns_effective_state(
    table: Table, others: tuple[Record, ...], state: str, reasons: list[str]
) -> None:
    seed(table, a_partner_admin(), *others)
    table.put(
        keys.reconciliation("an-act"),
        {"reconciliation": Reconciliation(partner_id=PARTNER, reason=ReconciliationReason.OFFBOARDED)},
    )

    shown = call_as_vendor(f"GET {MEMBER}", account_id=CLIENT, user_id=EMPLOYEE).body

    assert (shown["state"], shown["suspended_by"]) == (state, reasons)


@pytest.mark.parametrize(("tell_it", "left"), [
    (lambda: put_account(PARTNER, program="suspended"), {"partner_id": PARTNER}),
    (lambda: put_account(PARTNER, program="terminated"), {"partner_id": PARTNER}),
    (lambda: put_account(PARTNER, domains=["south.example"]), {"partner_id": PARTNER}),
    (lambda: put_user(EMPLOYEE, active=False), {"user_id": EMPLOYEE}),
    (lambda: put_user(EMPLOYEE, email="else@north.example"), {"user_id": EMPLOYEE}),
    (lambda: put_member(EMPLOYEE, PARTNER, active=False), {"partner_id": PARTNER, "user_id": EMPLOYEE}),
    (lambda: erase(EMPLOYEE), {"user_id": EMPLOYEE}),
    (lambda: put_account(state="closed"), None),
    (lambda: put_account(PARTNER, name="North & Sons"), None),
    (lambda: put_user(EMPLOYEE, name="Emp Loyee"), None),
    (lambda: put_member(permission_set="sales", active=False), None),
])  # fmt: skip
def test_put_directory_records_that_end_access_queues_reconciliation(
    table: Table, tell_it: Callable[[], ApiResponse], left: dict[str, str] | None
) -> None:
    seed(table)

    assert tell_it().status in {200, 202}

    found = [item["reconciliation"] for item in table.items_with_prefix("RECONCILIATION#")]
    assert [{name: each[name] for name in each if name.endswith("_id")} for each in found] == ([left] if left else [])


def test_put_account_terminated_and_reactivated_partner_regains_no_access(table: Table) -> None:
    seed(table, a_partner_admin())

    put_account(PARTNER, program="terminated")
    put_account(PARTNER, program="active")

    assert [row["account_id"] for row in call("GET /accounts", EMPLOYEE).body["items"]] == [PARTNER]
    sets = "GET /accounts/{account_id}/permission-sets"
    assert_error(table, lambda: call(sets, EMPLOYEE, account_id=CLIENT), 404, "not_found")


# reads and idempotency keys


@pytest.mark.parametrize(("path", "where"), [
    (ACCOUNT, {"account_id": "nobody"}),
    (USER, {"user_id": "nobody"}),
    (MEMBER, {"account_id": CLIENT, "user_id": "nobody"}),
    (MEMBER, {"account_id": "nobody", "user_id": CLERK}),
    (MEMBER, {"account_id": CLIENT, "user_id": EMPLOYEE}),
])  # fmt: skip
def test_get_directory_record_that_is_unknown_returns_404(table: Table, path: str, where: dict[str, str]) -> None:
    seed(table)

    assert_error(table, lambda: call_as_vendor(f"GET {path}", **where), 404, "not_found")


@pytest.mark.parametrize("send_request", [
    lambda key: put_account(NEW, key=key, kind="client", name="N"),
    lambda key: put_account(key=key, name="Bakery"),
    lambda key: put_user(NEWCOMER, key=key, email="n@bakery.example", name="N"),
    lambda key: put_user(key=key, name="Clara"),
    lambda key: put_member(EMPLOYEE, key=key, permission_set="sales"),
    lambda key: put_member(key=key, permission_set="sales"),
])  # fmt: skip
def test_put_directory_record_with_same_key_is_replayed(
    table: Table, send_request: Callable[[str], ApiResponse]
) -> None:
    seed(table, a_partner_account_member(EMPLOYEE), the_partner())

    assert_replayed(table, send_request)


@pytest.mark.parametrize(("first", "meanwhile"), [
    (lambda: put_account(key="key", name="The Bakery"), lambda: put_account(name="Another")),
    (lambda: put_user(key="key", name="Clerk"), lambda: put_user(name="Another")),
    (lambda: put_member(key="key", permission_set="view_only"), lambda: put_member(permission_set="sales")),
])  # fmt: skip
def test_put_directory_record_with_same_key_after_no_op_does_not_undo_later_change(
    table: Table, first: Callable[[], ApiResponse], meanwhile: Callable[[], ApiResponse]
) -> None:
    seed(table)
    response = first()
    assert meanwhile().status == 200

    with assert_unchanged(table):
        again = first()

    # A replay shows the present name of a user (docs/decisions/0051).
    present_name = {"name": "Another"} if "email" in response.body and "employed_by" in response.body else {}
    assert (again.replayed, again.body) == (True, {**response.body, **present_name})
