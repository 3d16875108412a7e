"""Tests of listing and accepting newer versions of the vendor's permission sets, member by member.

The vendor adds a version as data: only the catalogue changes in these tests.
"""

from collections.abc import Iterator
from typing import Any
from zlib import decompress

import pytest

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support import set_versions
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
    the_partner,
)
from tests.support.gateway import ApiResponse, Context, api_event, call, send_event
from tests.support.link_requests import assert_error, assert_unchanged, idempotency_header
from tests.support.races import before_commit, raise_throttling
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, now, seed
from tests.support.set_versions import ADDED_PERMISSIONS
from tests.support.table import Table

pytestmark = pytest.mark.usefixtures("check_invariants")

UPDATES = "/accounts/{account_id}/permission-sets/updates"
PARTNER_ADMIN = a_partner_admin(set_version=1)
SELLER = a_member(CLERK, "sales", set_version=1)
DONE, UNCHANGED = ("done", None), ("skipped", "nothing_to_accept")


@pytest.fixture(autouse=True)
def _two_set_versions() -> Iterator[None]:
    with set_versions.two_set_versions():
        yield


def list_updates(by: str = APPROVER, *, account_id: str = CLIENT, **query: str) -> ApiResponse:
    return call(f"GET {UPDATES}", by, account_id=account_id, query=query)


def accept(
    *user_ids: str,
    by: str = APPROVER,
    permission_set: str = "partner_admin",
    version: int = 2,
    account_id: str = CLIENT,
    key: str | None = None,
) -> ApiResponse:
    body = {"permission_set": permission_set, "version": version, "user_ids": user_ids or (EMPLOYEE,)}
    return call(f"POST {UPDATES}", by, body, account_id=account_id, headers=idempotency_header(key))


def rows(answer: ApiResponse) -> dict[str, tuple[str, str | None]]:
    assert answer.status == 200, answer
    return {row["user_id"]: (row["outcome"], row.get("reason")) for row in answer.body["items"]}


def stored_member(table: Table, user_id: str = EMPLOYEE) -> dict[str, Any]:
    return table.get(keys.member(CLIENT, user_id)) or {}


# list updates


def test_list_set_updates_returns_members_with_permissions_gained(table: Table) -> None:
    seed(table, PARTNER_ADMIN, a_member(CLERK, "sales", set_version=1, removed=("crm.import",)))

    answer = list_updates()

    assert answer.status == 200
    assert answer.body == {
        "items": [
            {
                "user_id": CLERK,
                "name": "Clerk",
                "email": f"{CLERK}@bakery.example",
                "permission_set": "sales",
                "version": 1,
                "latest": 2,
                "gained": ["crm.export"],
            },
            {
                "user_id": EMPLOYEE,
                "name": "Employee",
                "email": f"{EMPLOYEE}@north.example",
                "permission_set": "partner_admin",
                "version": 1,
                "latest": 2,
                "gained": list(ADDED_PERMISSIONS),
                "partner_id": PARTNER,
            },
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize("other", [
    a_partner_admin(set_version=2),
    a_partner_admin(set_version=1, removed=ADDED_PERMISSIONS),
    a_partner_admin(set_version=1, grant=a_grant(expires_at=now())),
    a_partner_admin(set_version=1, active=False, grant=None, seat=None),
    a_member(EMPLOYEE, set_version=0),
    a_member(EMPLOYEE, CUSTOM_SET),
    a_member(EMPLOYEE, "reporting"),
])  # fmt: skip
def test_list_set_updates_omits_members_who_would_gain_nothing(table: Table, other: Record) -> None:
    seed(table, a_custom_set(), other)

    assert list_updates().body == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("others", [
    (a_partner_admin(set_version=1, suspended_by=frozenset({SuspensionReason.CLIENT})),),
    (PARTNER_ADMIN, the_partner(program=Program.SUSPENDED)),
])  # fmt: skip
def test_list_set_updates_includes_suspended_members(table: Table, others: tuple[Record, ...]) -> None:
    seed(table, *others)

    assert [each["user_id"] for each in list_updates().body["items"]] == [EMPLOYEE]


def test_accept_set_update_gives_new_permissions_only_from_then_on(table: Table) -> None:
    seed(table, a_partner_admin(COLLEAGUE, set_version=1))
    new_member = {
        "email": f"{EMPLOYEE}@north.example",
        "permission_set": "view_only",
        "permissions": {"add": list(ADDED_PERMISSIONS)},
    }

    def create_user() -> ApiResponse:
        return call("POST /accounts/{account_id}/users", COLLEAGUE, new_member, account_id=CLIENT)

    assert_error(table, create_user, 403, "permission_not_held")
    assert rows(accept(COLLEAGUE)) == {COLLEAGUE: DONE}
    assert create_user().status == 201


def test_set_version_that_removes_permission_takes_effect_without_acceptance(table: Table) -> None:
    less = tuple(name for name in set_versions.PARTNER_ADMIN_PERMISSIONS if name != "account.users.manage")
    seed(table, a_partner_admin(set_version=1))
    look = {"account_id": CLIENT}

    with set_versions.published_versions(partner_admin=(set_versions.PARTNER_ADMIN_PERMISSIONS,)):
        assert call("GET /accounts/{account_id}/permission-sets", EMPLOYEE, **look).status == 200
    with set_versions.published_versions(partner_admin=(set_versions.PARTNER_ADMIN_PERMISSIONS, less)):
        assert call("GET /accounts/{account_id}/permission-sets", EMPLOYEE, **look).status == 403
        assert list_updates().body["items"] == []


def test_list_set_updates_pages_continue_after_empty_page(table: Table) -> None:
    people = [f"user-{number:03}" for number in range(7)]
    seed(
        table, *map(a_user, people), *(a_member(each, "sales", set_version=1 + (each < "user-004")) for each in people)
    )
    pages = [list_updates(limit="2").body]

    while pages[-1]["next_cursor"]:
        pages.append(list_updates(limit="2", cursor=pages[-1]["next_cursor"]).body)

    assert [each["user_id"] for page in pages for each in page["items"]] == people[4:]
    assert not all(page["items"] for page in pages)


def test_list_set_updates_cursor_is_valid_for_one_caller(table: Table) -> None:
    seed(table, PARTNER_ADMIN, SELLER, a_member(COLLEAGUE, set_version=2))
    cursor = list_updates(limit="1").body["next_cursor"]

    assert_error(table, lambda: list_updates(COLLEAGUE, limit="1", cursor=cursor), 400, "invalid_cursor")
    assert list_updates(limit="2", cursor=cursor).status == 200


MANAGES_USERS = a_member(CLERK, "view_only", added=("account.users.manage",))

CALLERS: list[tuple[str, tuple[Record, ...], str, str, tuple[int, str] | None]] = [
    ("a super admin", (), APPROVER, CLIENT, None),
    ("a user manager", (MANAGES_USERS,), CLERK, CLIENT, None),
    ("a super admin of the partner, there", (), MANAGER, PARTNER, None),
    ("a member without the right", (), CLERK, CLIENT, (403, "forbidden")),
    (
        "a partner admin",
        (a_partner_admin(COLLEAGUE, grant=a_grant(grant_id="grt_other")),),
        COLLEAGUE,
        CLIENT,
        (403, "forbidden"),
    ),
    (
        "a user added for a partner",
        (MANAGES_USERS.model_copy(update={"user_id": COLLEAGUE, "partner_id": PARTNER}),),
        COLLEAGUE,
        CLIENT,
        (403, "forbidden"),
    ),
    ("a former member", (a_member(CLERK, active=False),), CLERK, CLIENT, (404, "not_found")),
    ("a user elsewhere", (), MANAGER, CLIENT, (404, "not_found")),
    ("nowhere", (), APPROVER, "client-nowhere", (404, "not_found")),
]


@pytest.mark.parametrize(
    ("others", "by", "account_id", "outcome"), [each[1:] for each in CALLERS], ids=[each[0] for each in CALLERS]
)
def test_list_and_accept_set_updates_require_user_manager_of_the_account(
    table: Table, others: tuple[Record, ...], by: str, account_id: str, outcome: tuple[int, str] | None
) -> None:
    seed(table, PARTNER_ADMIN, *others)

    if outcome:
        assert_error(table, lambda: list_updates(by, account_id=account_id), *outcome)
        assert_error(table, lambda: accept(by=by, account_id=account_id), *outcome)
    else:
        assert list_updates(by, account_id=account_id).status == 200
        assert accept(by=by, account_id=account_id).status == 200


# accept updates


def test_accept_set_update_changes_version_audits_it_and_queues_notification(table: Table) -> None:
    seed(table, a_partner_admin(set_version=1, removed=("crm.import",)))

    assert rows(accept()) == {EMPLOYEE: DONE}

    after = stored_member(table)
    assert (after["set_version"], after["version"], after["removed"]) == (2, 2, ["crm.import"])
    assert after["grant"]["grant_id"] == a_grant().grant_id
    assert "list_key" in after
    entries = [item for item in table.items_with_prefix("AUDIT#") if item["event"] == "permission_set.update_accepted"]
    assert {item["pk"] for item in entries} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    assert entries[0]["details"] == {
        "user_id": EMPLOYEE,
        "permission_set": "partner_admin",
        "set_version": {"before": 1, "after": 2},
        "gained": ["crm.export"],
    }
    (queued,) = table.items_with_prefix("OUTBOX#")
    assert (queued["notification"]["kind"], queued["notification"]["gained"]) == ("access_changed", ["crm.export"])
    assert list_updates().body["items"] == []


def test_accept_set_updates_returns_outcomes_in_requested_order(table: Table) -> None:
    seed(
        table,
        a_partner_admin(set_version=1),
        a_partner_admin(COLLEAGUE, set_version=2, grant=a_grant(grant_id="grt_other")),
        SELLER,
        a_user("user-former"),
        a_member("user-former", "partner_admin", set_version=1, active=False),
        a_user("user-gone", active=False),
        a_member("user-gone", "sales", set_version=1),
    )
    user_ids = (EMPLOYEE, COLLEAGUE, EMPLOYEE, CLERK, "user-former", "user-gone", "user-nobody")

    answer = accept(*user_ids)

    assert [row["user_id"] for row in answer.body["items"]] == list(dict.fromkeys(user_ids))
    assert rows(answer) == {
        EMPLOYEE: DONE,
        COLLEAGUE: UNCHANGED,
        CLERK: ("failed", "rights_changed"),
        "user-former": ("failed", "not_found"),
        "user-gone": ("failed", "not_found"),
        "user-nobody": ("failed", "not_found"),
    }


def test_accept_set_update_by_employee_of_same_partner_fails(table: Table) -> None:
    seed(table, PARTNER_ADMIN, a_member(MANAGER))

    with assert_unchanged(table):
        assert rows(accept(by=MANAGER)) == {EMPLOYEE: ("failed", "own_partner_may_not_approve")}


def test_accept_set_update_without_independent_approver_fails_with_that_reason(table: Table) -> None:
    seed(table, PARTNER_ADMIN, a_member(MANAGER), a_member(APPROVER, "view_only"))

    assert rows(accept(by=MANAGER)) == {EMPLOYEE: ("failed", "no_independent_approver")}


def test_accept_set_update_with_permissions_not_held_fails(table: Table) -> None:
    newcomer = (a_user("user-seller"), a_member("user-seller", "sales", set_version=1))
    seed(table, MANAGES_USERS, *newcomer)

    assert rows(accept("user-seller", by=CLERK, permission_set="sales")) == {
        "user-seller": ("failed", "permission_not_held")
    }
    assert rows(accept("user-seller", permission_set="sales")) == {"user-seller": DONE}


def test_accept_set_update_with_rights_from_custom_set_succeeds(table: Table) -> None:
    own = a_custom_set(permissions=("account.users.manage", *ADDED_PERMISSIONS))
    seed(
        table, own, a_member(CLERK, CUSTOM_SET), a_user("user-seller"), a_member("user-seller", "sales", set_version=1)
    )

    assert rows(accept("user-seller", by=CLERK, permission_set="sales")) == {"user-seller": DONE}


@pytest.mark.parametrize(("others", "request_body", "status", "code"), [
    ((), {"version": 1}, 409, "rights_changed"),
    ((), {"version": 3}, 409, "rights_changed"),
    ((), {"permission_set": CUSTOM_SET, "version": 1}, 422, "unknown_permission_set"),
    ((), {"permission_set": "nothing"}, 422, "unknown_permission_set"),
    ((the_client(state=AccountState.CLOSED),), {}, 409, "account_closed"),
    ((), {"version": 0}, 422, "invalid_field"),
    ((), {"version": 1_000_001}, 422, "invalid_field"),
])  # fmt: skip
def test_accept_set_updates_with_wrong_set_or_version_is_refused(
    table: Table, others: tuple[Record, ...], request_body: dict[str, Any], status: int, code: str
) -> None:
    seed(table, PARTNER_ADMIN, a_custom_set(), *others)

    assert_error(table, lambda: accept(**request_body), status, code)


@pytest.mark.parametrize("user_ids", [[], [f"user-{number}" for number in range(26)], ["a b"], ["user", 1], None])
def test_accept_set_updates_with_invalid_number_or_type_of_user_ids_returns_422(table: Table, user_ids: object) -> None:
    seed(table)
    body = {"permission_set": "partner_admin", "version": 2, "user_ids": user_ids}

    assert_error(table, lambda: call(f"POST {UPDATES}", APPROVER, body, account_id=CLIENT), 422, "invalid_field")


def test_accept_set_updates_for_twenty_five_members_succeeds(table: Table) -> None:
    people = [f"user-{number:03}" for number in range(25)]
    seed(table, *map(a_user, people), *(a_member(each, "sales", set_version=1) for each in people))

    assert rows(accept(*people, permission_set="sales")) == dict.fromkeys(people, DONE)
    assert len(table.items_with_prefix("OUTBOX#")) == 25


# idempotency and partial failures


def test_accept_set_updates_without_failures_with_same_key_is_replayed(table: Table) -> None:
    seed(table, PARTNER_ADMIN)
    first = accept(key="many")

    with assert_unchanged(table):
        again = accept(key="many")

    assert (again.replayed, again.body) == (True, first.body)
    assert accept(COLLEAGUE, key="many").code == "idempotency_key_reused"


def test_accept_set_updates_with_same_key_retries_failed_rows_and_replays_others(table: Table) -> None:
    seed(table, SELLER, a_member(COLLEAGUE, "view_only"))
    first = accept(CLERK, COLLEAGUE, permission_set="sales", key="many")
    table.change(keys.member(CLIENT, COLLEAGUE), permission_set="sales", version=2)

    again = accept(CLERK, COLLEAGUE, permission_set="sales", key="many")

    assert rows(first) == {CLERK: DONE, COLLEAGUE: ("failed", "rights_changed")}
    assert rows(again) == {CLERK: DONE, COLLEAGUE: DONE}
    assert not again.replayed
    assert (
        len([item for item in table.items_with_prefix("AUDIT#") if item["event"] == "permission_set.update_accepted"])
        == 2
    )


def test_accept_set_updates_with_same_key_after_lost_report_rebuilds_it(table: Table) -> None:
    seed(table, PARTNER_ADMIN, SELLER)
    first = accept(key="many")
    (report,) = [
        item for item in table.items_with_prefix("IDEMPOTENCY#") if b"items" in decompress(bytes(item["response_body"]))
    ]
    table.remove(keys.Key(report["pk"], report["sk"]))

    again = accept(key="many")

    assert (again.status, again.body) == (200, first.body)


def test_accept_set_updates_with_write_conflict_for_one_member_updates_others(table: Table) -> None:
    people = ["user-one", "user-two"]
    seed(table, *map(a_user, people), *(a_member(each, "sales", set_version=1) for each in people))

    with before_commit(raise_throttling):
        answer = accept(*people, permission_set="sales")

    assert rows(answer) == {"user-one": ("failed", "temporarily_unavailable"), "user-two": DONE}


def test_accept_set_updates_near_timeout_reports_remaining_members_as_failed(table: Table) -> None:
    seed(table, PARTNER_ADMIN)
    body = {"permission_set": "partner_admin", "version": 2, "user_ids": [EMPLOYEE]}

    with assert_unchanged(table):
        answer = send_event(api_event(f"POST {UPDATES}", APPROVER, body, account_id=CLIENT), Context(1_000))

    assert rows(answer) == {EMPLOYEE: ("failed", "temporarily_unavailable")}
