"""Tests of adding colleagues to a client: one transaction per colleague, no permission that the caller lacks."""

from itertools import count
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import Record
from partner_access.store import dynamo, keys
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
from tests.support.concurrent_changes import Change, account, member, user
from tests.support.costs import count_costs
from tests.support.gateway import ApiResponse, Context, api_event, call, send_event
from tests.support.link_requests import (
    assert_error,
    assert_replayed,
    assert_unchanged,
    expire_idempotency_keys,
    idempotency_header,
    send_during_change,
)
from tests.support.races import before_commit, raise_throttling
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    MANAGER,
    a_partner_account_member,
    an_expired_partner_admin,
    seed,
    store_records,
)
from tests.support.table import Table, differences

pytestmark = pytest.mark.usefixtures("check_invariants")

ADD = "POST /partners/{partner_id}/clients/{account_id}/users"
SOUTH = "partner-south"
DONE, ALREADY_MEMBER, FORBIDDEN = ("done", None), ("skipped", "already_member"), ("failed", "forbidden")


def request_body(*employee_ids: str, **fields: object) -> dict[str, object]:
    return {"employee_ids": list(employee_ids or (COLLEAGUE,)), "permission_set": "sales", **fields}


def add(
    *employee_ids: str,
    by: str = EMPLOYEE,
    partner_id: str = PARTNER,
    account_id: str = CLIENT,
    key: str | None = None,
    **fields: object,
) -> ApiResponse:
    body = request_body(*employee_ids, **fields)
    return call(ADD, by, body, partner_id=partner_id, account_id=account_id, headers=idempotency_header(key))


def rows(response: ApiResponse) -> dict[str, tuple[str, str | None]]:
    assert response.status == 200, response
    return {row["user_id"]: (row["outcome"], row.get("reason")) for row in response.body["items"]}


def only_row(response: ApiResponse) -> tuple[str, str | None]:
    (found,) = rows(response).values()
    return found


def with_partner_admin(*others: Record) -> tuple[Record, ...]:
    """Return records in which the employee is partner admin of the client."""
    return (a_partner_admin(), *others)


# successful rows


def test_add_colleagues_with_lesser_set_records_partner_and_granter(table: Table) -> None:
    seed(table, *with_partner_admin())

    response = add(MANAGER, COLLEAGUE, permissions={"remove": ["sales.forecast"], "add": ["crm.import"]})

    assert response.body == {
        "items": [{"user_id": MANAGER, "outcome": "done"}, {"user_id": COLLEAGUE, "outcome": "done"}]
    }
    for user_id in (MANAGER, COLLEAGUE):
        stored_member = table.get(keys.member(CLIENT, user_id)) or {}
        assert (stored_member["permission_set"], stored_member["partner_id"], stored_member["seat"]) == (
            "sales",
            PARTNER,
            "view_only",
        )
        assert (stored_member["added"], stored_member["removed"], stored_member["granted_by"]) == (
            ["crm.import"],
            ["sales.forecast"],
            EMPLOYEE,
        )
        assert "grant" not in stored_member


def test_add_colleagues_writes_both_audit_logs_and_queues_emails(table: Table) -> None:
    seed(table, *with_partner_admin())

    add(MANAGER, COLLEAGUE)

    entries = [
        item
        for item in table.items_with_prefix("AUDIT#")
        if item["event"] == "member.created" and item["actor_id"] == EMPLOYEE
    ]
    assert sorted((item["pk"], item["details"]["user_id"]) for item in entries) == [
        (f"AUDIT#{CLIENT}", COLLEAGUE),
        (f"AUDIT#{CLIENT}", MANAGER),
        (f"AUDIT#{PARTNER}", COLLEAGUE),
        (f"AUDIT#{PARTNER}", MANAGER),
    ]
    assert {item["notification"]["employee_id"] for item in table.items_with_prefix("OUTBOX#")} == {MANAGER, COLLEAGUE}


def test_add_colleagues_with_25_employees_adds_all(table: Table) -> None:
    many = [f"employee-{number:02}" for number in range(25)]
    seed(table, *with_partner_admin(*map(an_employee, many), *map(a_partner_account_member, many)))

    assert rows(add(*many)) == dict.fromkeys(many, DONE)


def test_add_colleagues_with_custom_set_counts_partner_holder(table: Table) -> None:
    seed(table, *with_partner_admin(a_custom_set()))

    assert only_row(add(permission_set=CUSTOM_SET)) == DONE
    stored_set = table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {}
    assert (stored_set["holders"], stored_set["partner_holders"]) == (1, 1)


def test_add_colleagues_by_colleague_who_manages_users_succeeds(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "view_only", partner_id=PARTNER, added=("account.users.manage",)))

    assert only_row(add(permission_set="view_only")) == DONE


def test_add_colleagues_for_former_member_keeps_history(table: Table) -> None:
    former = a_member(COLLEAGUE, "service", active=False)
    seed(table, *with_partner_admin(former))

    assert only_row(add()) == DONE
    stored_member = table.get(keys.member(CLIENT, COLLEAGUE)) or {}
    assert (stored_member["version"], stored_member["since"]) == (2, int(former.since.timestamp()))


# skipped and failed rows


@pytest.mark.parametrize(
    ("others", "fields", "row"),
    [
        ((a_member(COLLEAGUE, "view_only"),), {}, ALREADY_MEMBER),
        ((a_member(COLLEAGUE),), {}, ALREADY_MEMBER),
        ((a_partner_admin(COLLEAGUE, grant=a_grant(grant_id=f"grt_{'4' * 32}")),), {}, ALREADY_MEMBER),
        ((), {"permission_set": "super_admin"}, ("failed", "permission_not_held")),
        ((), {"permission_set": "boss"}, ("failed", "unknown_permission_set")),
        ((), {"permissions": {"remove": ["crm.magic"]}}, ("failed", "unknown_permission")),
        ((a_partner_admin(removed=("crm.import",)),), {"permissions": {"add": ["crm.import"]}},
         ("failed", "permission_not_held")),
        ((the_client(state=AccountState.CLOSED),), {}, ("failed", "account_closed")),
        *(
            ((), {"permissions": {"add": [name]}}, ("failed", "permission_not_held"))
            for name in sorted(catalogue.RESTRICTED)
        ),
        ((a_custom_set(permissions=("account.billing.manage",)),), {"permission_set": CUSTOM_SET},
         ("failed", "permission_not_held")),
    ],
)  # fmt: skip
def test_add_colleagues_row_not_done_reports_reason_and_changes_nothing(
    table: Table, others: tuple[Record, ...], fields: dict[str, Any], row: tuple[str, str]
) -> None:
    seed(table, *with_partner_admin(*others))

    before = table.items()
    response = add(**fields)

    assert only_row(response) == row
    assert all(item["pk"].startswith("IDEMPOTENCY#") for item in differences(before, table.items()))


def test_add_colleagues_for_member_of_another_partner_skips_row(table: Table) -> None:
    seed(
        table,
        *with_partner_admin(
            the_partner(account_id=SOUTH, domains=("north.example",)),
            a_partner_account_member(COLLEAGUE, account_id=SOUTH),
            a_member(COLLEAGUE, "view_only", partner_id=SOUTH),
        ),
    )

    assert only_row(add()) == ALREADY_MEMBER


def test_add_colleagues_for_caller_skips_row(table: Table) -> None:
    seed(table, *with_partner_admin())

    assert only_row(add(EMPLOYEE)) == ALREADY_MEMBER


def test_add_colleagues_for_ineligible_people_reports_same_reason(table: Table) -> None:
    people = ("user-nobody", CLERK, "user-rival", "user-gone", "user-former", "user-elsewhere")
    seed(
        table,
        *with_partner_admin(
            the_partner(account_id=SOUTH, domains=("south.example",)),
            an_employee("user-rival"),
            a_partner_account_member("user-rival", account_id=SOUTH),
            an_employee("user-gone", active=False),
            a_partner_account_member("user-gone"),
            an_employee("user-former"),
            a_partner_account_member("user-former", active=False),
            a_user("user-elsewhere"),
            a_partner_account_member("user-elsewhere"),
        ),
    )

    with assert_unchanged(table):
        assert rows(add(*people)) == dict.fromkeys(people, FORBIDDEN)


def test_add_colleagues_failed_row_does_not_block_others(table: Table) -> None:
    seed(table, *with_partner_admin(a_member(MANAGER, "view_only")))

    assert rows(add("user-nobody", MANAGER, COLLEAGUE)) == {
        "user-nobody": FORBIDDEN,
        MANAGER: ALREADY_MEMBER,
        COLLEAGUE: DONE,
    }


def test_add_colleagues_throttled_row_does_not_block_others(table: Table) -> None:
    seed(table, *with_partner_admin())

    with before_commit(raise_throttling):
        response = add(MANAGER, COLLEAGUE)

    assert rows(response) == {MANAGER: ("failed", "temporarily_unavailable"), COLLEAGUE: DONE}


def test_add_colleagues_out_of_time_reports_temporarily_unavailable(table: Table) -> None:
    seed(table, *with_partner_admin())

    with assert_unchanged(table), count_costs(table) as costs:
        request = api_event(ADD, EMPLOYEE, request_body(MANAGER, COLLEAGUE), partner_id=PARTNER, account_id=CLIENT)
        response = send_event(request, Context(1_000))

    assert set(rows(response).values()) == {("failed", "temporarily_unavailable")}
    assert costs.reads == 3 + 1 + 1


# idempotency keys


def test_add_colleagues_with_same_key_replays(table: Table) -> None:
    seed(table, *with_partner_admin(a_member(MANAGER, "view_only")))

    assert_replayed(table, lambda key: add(MANAGER, COLLEAGUE, key=key))
    assert add(COLLEAGUE, key="the-same-key").code == "idempotency_key_reused"
    expire_idempotency_keys(table)
    assert only_row(add(COLLEAGUE, key="the-same-key")) == ALREADY_MEMBER


def test_add_colleagues_with_same_key_retries_failed_rows_only(table: Table) -> None:
    seed(table, *with_partner_admin())
    first = add("user-newcomer", COLLEAGUE, key="many")
    store_records(table, [an_employee("user-newcomer"), a_partner_account_member("user-newcomer")])
    table.change(keys.user("user-newcomer"), employed_by={PARTNER})

    again = add("user-newcomer", COLLEAGUE, key="many")

    assert rows(first) == {"user-newcomer": FORBIDDEN, COLLEAGUE: DONE}
    assert rows(again) == {"user-newcomer": DONE, COLLEAGUE: DONE}
    assert not again.replayed


def test_add_colleagues_with_key_of_other_request_is_refused(table: Table) -> None:
    seed(table, *with_partner_admin())
    add("user-nobody", COLLEAGUE, key="many")

    assert_error(table, lambda: add(COLLEAGUE, permission_set="service", key="many"), 422, "idempotency_key_reused")


def test_add_colleagues_replay_after_caller_lost_permission_returns_response(table: Table) -> None:
    seed(table, *with_partner_admin())
    first = add(key="mine")
    table.change(keys.member(CLIENT, EMPLOYEE), removed=["account.users.manage"])

    again = add(key="mine")

    assert (again.replayed, again.body) == (True, first.body)


def test_add_colleagues_replay_of_concurrent_first_attempt_returns_response(table: Table) -> None:
    """The stored response does not exist at the key lookup, but does when the caller is refused."""
    seed(table, *with_partner_admin())
    first: list[ApiResponse] = []
    reads = count()

    def concurrent_change(**_: Any) -> None:
        if next(reads) == 1:
            first.append(add(key="mine"))
            table.change(keys.member(CLIENT, EMPLOYEE), removed=["account.users.manage"])

    events = dynamo.client().meta.events
    events.register("before-parameter-build.dynamodb.BatchGetItem", concurrent_change)
    try:
        second = add(key="mine")
    finally:
        events.unregister("before-parameter-build.dynamodb.BatchGetItem", concurrent_change)

    assert (second.replayed, second.body) == (True, first[0].body)


# authorization and fields


@pytest.mark.parametrize(
    ("others", "by", "where", "status", "code"),
    [
        ((), MANAGER, {}, 404, "not_found"),
        ((), "user-nobody", {}, 404, "not_found"),
        ((), EMPLOYEE, {"account_id": "client-nowhere"}, 404, "not_found"),
        ((), APPROVER, {}, 403, "forbidden"),
        ((), CLERK, {}, 403, "forbidden"),
        ((a_member(COLLEAGUE),), COLLEAGUE, {}, 403, "forbidden"),
        ((), EMPLOYEE, {"partner_id": "partner-nowhere"}, 403, "forbidden"),
        ((the_partner(account_id=SOUTH), a_partner_account_member(EMPLOYEE, account_id=SOUTH)), EMPLOYEE, {"partner_id": SOUTH},
         403, "forbidden"),
        ((), EMPLOYEE, {"account_id": PARTNER}, 403, "forbidden"),
        ((a_member(COLLEAGUE, "sales", partner_id=PARTNER),), COLLEAGUE, {}, 403, "forbidden"),
        ((a_partner_admin(removed=("account.users.manage",)),), EMPLOYEE, {}, 403, "forbidden"),
        ((a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),), EMPLOYEE, {}, 403, "forbidden"),
        ((an_expired_partner_admin(),), EMPLOYEE, {}, 404, "not_found"),
        ((an_employee(active=False),), EMPLOYEE, {}, 403, "forbidden"),
        ((the_partner(program=Program.SUSPENDED),), EMPLOYEE, {}, 403, "forbidden"),
        ((the_partner(program=Program.TERMINATED),), EMPLOYEE, {}, 403, "forbidden"),
    ],
)  # fmt: skip
def test_add_colleagues_by_unauthorized_caller_is_refused(
    table: Table, others: tuple[Record, ...], by: str, where: dict[str, str], status: int, code: str
) -> None:
    seed(table, *with_partner_admin(*others))

    assert_error(table, lambda: add(MANAGER, by=by, **where), status, code)


def test_add_colleagues_by_unauthorized_caller_returns_same_error_for_all(table: Table) -> None:
    seed(table, *with_partner_admin())

    texts = {add(each, by=APPROVER).text for each in (COLLEAGUE, EMPLOYEE, "user-nobody")}

    assert len(texts) == 1


def test_add_colleagues_as_partner_admin_is_refused(table: Table) -> None:
    seed(table, *with_partner_admin())

    response = assert_error(table, lambda: add(permission_set="partner_admin"), 422, "invalid_field")
    assert response.body["errors"] == [{"pointer": "/permission_set", "code": "invalid_field"}]
    assert_error(table, lambda: add(permission_set="partner_admin", by="user-nobody"), 404, "not_found")


@pytest.mark.parametrize(
    "employee_ids",
    [[], [f"employee-{number}" for number in range(26)], [COLLEAGUE, COLLEAGUE], ["a b"], [1], None, "a"],
)
def test_add_colleagues_with_invalid_employee_ids_is_refused(table: Table, employee_ids: object) -> None:
    seed(table, *with_partner_admin())

    assert_error(table, lambda: add(employee_ids=employee_ids), 422, "invalid_field")


@pytest.mark.parametrize("field", ["seat", "access_days", "email", "partner_id", "dry_run"])
def test_add_colleagues_with_unknown_field_is_refused(table: Table, field: str) -> None:
    seed(table, *with_partner_admin())

    body = {**request_body(), field: 1}
    assert_error(table, lambda: call(ADD, EMPLOYEE, body, partner_id=PARTNER, account_id=CLIENT), 422, "unknown_field")


# concurrent changes


@pytest.mark.parametrize(
    ("move", "row"),
    [
        (member(EMPLOYEE, removed=["account.users.manage"]), FORBIDDEN),
        (member(EMPLOYEE, active=False), ("failed", "not_found")),
        (member(EMPLOYEE, suspended_by={"partner"}), FORBIDDEN),
        (user(EMPLOYEE, active=False), FORBIDDEN),
        (user(COLLEAGUE, employed_by=None), FORBIDDEN),
        (user(COLLEAGUE, active=False), FORBIDDEN),
        (account(PARTNER, program="suspended"), FORBIDDEN),
        (account(PARTNER, domains=["elsewhere.example"]), FORBIDDEN),
        (lambda table: store_records(table, [a_member(COLLEAGUE, "view_only")]), ALREADY_MEMBER),
    ],
)
def test_add_colleagues_after_concurrent_change_changes_nothing(
    table: Table, move: Change, row: tuple[str, str]
) -> None:
    seed(table, *with_partner_admin())
    after_change: list[Any] = []

    def concurrent_change() -> None:
        move(table)
        after_change.append(table.items())

    response = send_during_change(table, concurrent_change, add)

    assert only_row(response) == row
    assert all(item["pk"].startswith("IDEMPOTENCY#") for item in differences(after_change[0], table.items()))
    _restore_invariants(table)


def test_add_colleagues_during_closing_of_account_counts_as_before_it(table: Table) -> None:
    # Colleagues do not pin the client's account, and nobody has access in a closed one (domain.md rule 46).
    seed(table, *with_partner_admin())

    response = send_during_change(table, lambda: account(CLIENT, state="closed")(table), add)

    assert only_row(response) == ("done", None)
    assert only_row(add()) == ("failed", "account_closed")


def _restore_invariants(table: Table) -> None:
    """Restore the invariants that the concurrent changes broke. This test does not cover them."""
    seed(table)
    table.remove(keys.member(CLIENT, EMPLOYEE))
    table.remove(keys.account_of(EMPLOYEE, CLIENT))
    table.remove(keys.member(CLIENT, COLLEAGUE))
    table.remove(keys.account_of(COLLEAGUE, CLIENT))


def test_add_colleagues_with_set_deleted_before_commit_fails_row(table: Table) -> None:
    seed(table, *with_partner_admin(a_custom_set()))

    def goes() -> None:
        table.remove(keys.permission_set(CLIENT, CUSTOM_SET))
        table.change(keys.account(CLIENT), custom_set_count=0)

    response = send_during_change(table, goes, lambda: add(permission_set=CUSTOM_SET))

    assert only_row(response) == ("failed", "unknown_permission_set")


def test_add_colleagues_costs_two_reads_and_one_write_per_colleague(table: Table) -> None:
    """Reading the caller costs three more reads, and storing the response one more write."""
    seed(table, *with_partner_admin())

    with count_costs(table) as one:
        add(COLLEAGUE)
    with count_costs(table) as two:
        add(MANAGER, "user-nobody")

    assert (one.reads, one.writes) == (3 + 2, 1 + 1)
    assert (two.reads, two.writes) == (3 + 2 + 2 + 1, 1)
    assert one.units <= 24 + 2
