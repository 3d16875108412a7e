"""Tests of removing a user: either side, the vendor or the user ends a grant or membership, at once."""

from functools import partial
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    SECRET_TEXT,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    the_client,
    the_partner,
)
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse, call
from tests.support.link_requests import approve, assert_error, assert_replayed, create, expire_idempotency_keys, preview
from tests.support.membership_facts import USER, USERS, edit, remove, seed_members, suspend
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    MANAGER,
    a_partner_account_member,
    an_expired_partner_admin,
    an_open_link,
    seed,
)
from tests.support.table import Table

pytestmark = pytest.mark.usefixtures("check_invariants")

SOUTH, FLORIST = "partner-south", "client-florist"


@pytest.fixture
def seeded_table(table: Table) -> Table:
    """Seed a user manager and two partner admins: the employee and a colleague."""
    seed_members(table)
    return table


def stored_member(table: Table, user_id: str = EMPLOYEE) -> dict[str, Any]:
    return table.get(keys.member(CLIENT, user_id)) or {}


def list_permission_sets(by: str = EMPLOYEE, account_id: str = CLIENT) -> ApiResponse:
    return call("GET /accounts/{account_id}/permission-sets", by, account_id=account_id)


def partner_seats_used(table: Table) -> int:
    return int((table.get(keys.account(CLIENT)) or {})["partner_seats_used"])


CAUSES = {
    APPROVER: "client",
    USERS: "client",
    COLLEAGUE: "partner",
    MANAGER: "partner",
    EMPLOYEE: "self",
    VENDOR: "vendor",
}


@pytest.mark.parametrize(("by", "cause"), CAUSES.items())
def test_remove_user_by_each_allowed_role_ends_grant_at_once(seeded_table: Table, by: str, cause: str) -> None:
    assert (list_permission_sets().status, partner_seats_used(seeded_table)) == (200, 2)

    response = remove(by, scope=DIRECTORY if by == VENDOR else "partner-access/use")

    assert (response.status, response.body) == (200, {"account_id": CLIENT, "user_id": EMPLOYEE})
    assert list_permission_sets().code == "not_found"
    assert (stored_member(seeded_table)["active"], partner_seats_used(seeded_table)) == (False, 1)
    entries = [item for item in seeded_table.items_with_prefix("AUDIT#") if item["event"] == "grant.revoked"]
    assert {item["pk"] for item in entries} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    assert (entries[0]["actor_id"], entries[0]["details"]["grant_id"]) == (by, a_grant().grant_id)
    (queued_item,) = seeded_table.items_with_prefix("OUTBOX#")
    assert (queued_item["notification"]["kind"], queued_item["notification"]["cause"]) == ("access_ended", cause)


def test_remove_user_twice_returns_404(seeded_table: Table) -> None:
    assert remove().status == 200

    for version in (1, 2):
        assert_error(seeded_table, partial(remove, expected_version=version), 404, "not_found")


@pytest.mark.parametrize(("by", "scope"), [(EMPLOYEE, None), (APPROVER, None), (MANAGER, None), (VENDOR, DIRECTORY)])
def test_remove_partner_admin_gives_nothing_of_before_back_and_names_its_set(
    table: Table, by: str, scope: str | None
) -> None:
    """A member with access narrowed by an approval gains nothing by ending the grant (domain.md rule 10)."""
    # domain.md rule 10
    seed(table, a_member(EMPLOYEE, "sales", added=("account.users.manage",)), an_open_link())
    assert approve().status == 201
    version = int(stored_member(table)["version"])

    response = remove(by, expected_version=version, **({"scope": scope} if scope else {}))

    assert (response.status, response.body) == (
        200,
        {"account_id": CLIENT, "user_id": EMPLOYEE, "former_set": "sales"},
    )
    assert (stored_member(table)["active"], list_permission_sets().code) == (False, "not_found")
    (ended,) = [
        item["notification"]
        for item in table.items_with_prefix("OUTBOX#")
        if item["notification"]["kind"] == "access_ended"
    ]
    assert ended["former_set"] == "sales"


def test_remove_suspended_partner_admin_keeps_suspension(table: Table) -> None:
    seed_members(table, a_partner_admin())
    suspend()

    assert remove(EMPLOYEE, expected_version=2).status == 200

    assert stored_member(table)["suspended_by"] == {SuspensionReason.CLIENT}
    assert list_permission_sets().code == "not_found"


@pytest.mark.parametrize("by", [APPROVER, USERS, CLERK])
def test_remove_ordinary_member_by_admin_or_self_succeeds(seeded_table: Table, by: str) -> None:
    assert remove(by, CLERK).status == 200

    assert stored_member(seeded_table, CLERK)["active"] is False
    assert call("GET /accounts", CLERK).body["items"] == []
    (entry,) = [item for item in seeded_table.items_with_prefix("AUDIT#") if item["event"] == "member.removed"]
    assert entry["accounts"] == [CLIENT]


def test_remove_colleague_by_partner_side_succeeds(table: Table) -> None:
    for by in (COLLEAGUE, MANAGER):
        table.clear()
        seed_members(table, a_member(EMPLOYEE, "view_only", partner_id=PARTNER))
        assert remove(by).status == 200


def test_remove_partner_admin_keeps_grant_for_other_partner(table: Table) -> None:
    seed(
        table,
        the_partner(account_id=SOUTH),
        the_client(account_id=FLORIST),
        a_member(account_id=FLORIST),
        a_partner_account_member(EMPLOYEE, account_id=SOUTH),
        a_partner_admin(),
        a_partner_admin(
            account_id=FLORIST, partner_id=SOUTH, grant=a_grant(partner_id=SOUTH, grant_id=f"grt_{'5' * 32}")
        ),
    )

    assert remove(MANAGER).status == 200
    assert_error(table, partial(remove, MANAGER, account_id=FLORIST), 404, "not_found")

    assert list_permission_sets(account_id=FLORIST).status == 200


# super admins


def test_remove_last_super_admin_of_client_is_refused(table: Table) -> None:
    # domain.md rule 16
    seed_members(table, a_member(CLERK))

    assert remove(APPROVER, APPROVER).status == 200
    assert (table.get(keys.super_admins(CLIENT)) or {})["user_ids"] == {CLERK}
    for by, scope in ((CLERK, "partner-access/use"), (VENDOR, DIRECTORY)):
        assert_error(table, partial(remove, by, CLERK, scope=scope), 409, "last_super_admin")


def test_remove_super_admin_by_user_manager_is_refused(table: Table) -> None:
    seed_members(table, a_member(CLERK))

    assert_error(table, partial(remove, USERS, CLERK), 403, "forbidden")


# employees


def test_remove_employee_from_partner_ends_client_access_at_once(table: Table) -> None:
    seed_members(table, the_client(account_id=FLORIST), a_member(account_id=FLORIST), a_partner_admin(
        account_id=FLORIST, grant=a_grant(grant_id=f"grt_{'5' * 32}")
    ))  # fmt: skip
    assert (list_permission_sets().status, list_permission_sets(account_id=FLORIST).status, preview().status) == (
        200,
        200,
        200,
    )

    assert remove(MANAGER, account_id=PARTNER).status == 200

    assert (list_permission_sets().code, list_permission_sets(account_id=FLORIST).code) == ("not_found", "not_found")
    assert call("GET /accounts", EMPLOYEE).body["items"] == []
    assert (preview().code, approve(secret=SECRET_TEXT).code) == ("link_revoked", "link_revoked")
    assert create(EMPLOYEE).code == "not_found"
    user = table.get(keys.user(EMPLOYEE)) or {}
    assert ("employed_by" in user, user["offboardings"]) == (False, {PARTNER: 1})
    (queued,) = table.items_with_prefix("RECONCILIATION#")
    assert (queued["reconciliation"]["partner_id"], queued["reconciliation"]["user_id"]) == (PARTNER, EMPLOYEE)
    (entry,) = [item for item in table.items_with_prefix("AUDIT#") if item["event"] == "member.removed"]
    assert entry["accounts"] == [PARTNER]


def test_remove_last_super_admin_of_partner_is_refused(seeded_table: Table) -> None:
    assert_error(seeded_table, partial(remove, MANAGER, MANAGER, account_id=PARTNER), 409, "last_super_admin")
    assert remove(EMPLOYEE, account_id=PARTNER).status == 200
    assert_error(seeded_table, partial(remove, COLLEAGUE, MANAGER, account_id=PARTNER), 403, "forbidden")


# expected versions and refused removals


@pytest.mark.parametrize(
    ("tag", "status", "code"),
    [
        (None, 428, "precondition_required"),
        ('"2"', 412, "precondition_failed"),
        ('"x"', 412, "precondition_failed"),
        ("*", 400, "invalid_etag"),
        ("W/1", 400, "invalid_etag"),
        ("1", 400, "invalid_etag"),
    ],
)
def test_remove_user_without_current_version_is_refused(
    seeded_table: Table, tag: str | None, status: int, code: str
) -> None:
    # domain.md rule 25
    for by, scope in ((APPROVER, "partner-access/use"), (EMPLOYEE, "partner-access/use"), (VENDOR, DIRECTORY)):
        send_request = partial(
            call, f"DELETE {USER}", by, headers={"if-match": tag}, scope=scope, account_id=CLIENT, user_id=EMPLOYEE
        )
        assert_error(seeded_table, send_request, status, code)


REMOVAL_ERRORS: list[tuple[str, tuple[Record, ...], dict[str, Any], tuple[int, str]]] = [
    ("an account that is not there", (), {"account_id": "client-nowhere"}, (404, "not_found")),
    ("a stranger", (a_user("user-stranger"),), {"by": "user-stranger"}, (404, "not_found")),
    ("a member without the right", (), {"by": CLERK}, (403, "forbidden")),
    ("a deactivated person", (a_user(USERS, active=False),), {"by": USERS}, (403, "forbidden")),
    ("an unknown target", (), {"user_id": "user-nobody"}, (404, "not_found")),
    ("an unknown target, for the vendor", (), {"by": VENDOR, "user_id": "user-nobody"}, (404, "not_found")),
    ("a manager and the client's own", (), {"by": MANAGER, "user_id": CLERK}, (404, "not_found")),
    ("a colleague and the client's own", (), {"by": COLLEAGUE, "user_id": CLERK}, (403, "forbidden")),
    ("an employee of the partner who is no manager", (a_partner_account_member("user-users"),), {"by": "user-users", "account_id": PARTNER}, (403, "forbidden")),
    ("a former member who leaves", (a_member(CLERK, active=False),), {"by": CLERK, "user_id": CLERK}, (404, "not_found")),
    ("a grant that is over", (an_expired_partner_admin(),), {}, (404, "not_found")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("others", "how", "error"), [each[1:] for each in REMOVAL_ERRORS], ids=[each[0] for each in REMOVAL_ERRORS]
)
def test_remove_user_with_unmet_condition_is_refused(
    table: Table, others: tuple[Record, ...], how: dict[str, Any], error: tuple[int, str]
) -> None:
    seed_members(table, *others)
    scope = DIRECTORY if how.get("by") == VENDOR else "partner-access/use"

    assert_error(table, partial(remove, scope=scope, **how), *error)


# idempotency keys and later requests


@pytest.mark.parametrize("by", [APPROVER, EMPLOYEE, MANAGER])
def test_remove_user_with_same_key_replays(seeded_table: Table, by: str) -> None:
    assert_replayed(seeded_table, lambda key: remove(by, key=key))
    expire_idempotency_keys(seeded_table)
    assert_error(seeded_table, partial(remove, by, key="the-same-key"), 404, "not_found")


def test_remove_self_as_super_admin_with_same_key_replays(table: Table) -> None:
    seed_members(table, a_member(CLERK))

    assert_replayed(table, lambda key: remove(CLERK, CLERK, key=key))


def test_approve_link_after_removal_gives_new_grant(seeded_table: Table) -> None:
    remove()

    assert approve().status == 201
    assert list_permission_sets().status == 200
    assert partner_seats_used(seeded_table) == 2
    assert edit(expected_version=3).body["grant"]["source"] == "access_link"


def test_remove_user_in_closed_account_succeeds(table: Table) -> None:
    seed_members(table, the_client(state=AccountState.CLOSED))

    assert remove().status == 200
