"""Tests of migrating super admins to partner admins, in one account or in many at once."""

from collections.abc import Iterator
from typing import Any
from zlib import decompress

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.memberships.members import Seat
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.gateway import ApiResponse, Context, api_event, call, send_event
from tests.support.races import before_commit, raise_throttling
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, now, seed, store_records
from tests.support.table import Table, differences
from tools import invariants

MIGRATE_IN_ONE = "POST /accounts/{account_id}/migrations"
MIGRATE_IN_MANY = "POST /partners/{partner_id}/migrations"
OTHER_CLIENT = "client-florist"
SOUTH = "partner-south"


def migrate(by: str = EMPLOYEE, user_id: str = EMPLOYEE, account_id: str = CLIENT, **body: object) -> ApiResponse:
    return call(MIGRATE_IN_ONE, by, {"user_id": user_id, **body}, account_id=account_id)


def both_super_admins(*others: Record) -> tuple[Record, ...]:
    """Return records in which the employee is a super admin of the client, next to the client's own super admin."""
    return (a_member(EMPLOYEE), *others)


# one account


@pytest.mark.parametrize("by", [EMPLOYEE, APPROVER])
def test_migrate_by_self_or_other_super_admin_creates_partner_admin(table: Table, by: str) -> None:
    # domain.md rule 17
    seed(table, *both_super_admins())

    answer = migrate(by)

    assert answer.status == 201
    shown = answer.body
    assert shown["member"]["permission_set"] == "partner_admin"
    assert shown["member"]["partner_id"] == shown["grant"]["partner_id"] == PARTNER
    assert (shown["grant"]["source"], shown["grant"]["state"]) == ("migration", "active")
    assert set(shown["lost"]) == catalogue.RESTRICTED
    assert shown["seat"] == {"before": "core", "after": "partner"}
    assert (shown["remaining_super_admins"], shown["remaining_are_partner_employees"]) == (1, False)
    stored = table.get(keys.member(CLIENT, EMPLOYEE)) or {}
    assert stored["grant"]["grant_id"] == shown["member"]["grant_id"] == shown["grant"]["grant_id"]
    assert stored["granted_by"] == by
    assert invariants.violations(table.items()) == []


def test_migrate_writes_entries_to_both_audit_logs_and_queues_notification(table: Table) -> None:
    seed(table, *both_super_admins())

    grant_id = migrate().body["grant"]["grant_id"]

    entries = [item for item in table.items_with_prefix("AUDIT#") if item["event"] == "super_admin.migrated"]
    assert {item["pk"] for item in entries} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    assert entries[0]["details"] == {
        "employee_id": EMPLOYEE,
        "grant_id": grant_id,
        "seat": {"before": "core", "after": "partner"},
    }
    (queued,) = table.items_with_prefix("OUTBOX#")
    assert queued["notification"]["kind"] == "super_admin_migrated"


def test_migrate_dry_run_returns_same_result_and_writes_nothing(table: Table) -> None:
    # domain.md rule 18
    seed(table, *both_super_admins())
    before = table.items()

    preview = migrate(dry_run=True)

    assert preview.status == 200
    assert table.items() == before
    done = migrate()
    assert done.status == 201
    alike = ("lost", "seat", "remaining_super_admins", "remaining_are_partner_employees")
    assert {name: preview.body[name] for name in alike} == {name: done.body[name] for name in alike}


def test_migrate_dry_run_without_idempotency_key_returns_400(table: Table) -> None:
    answer = call(
        MIGRATE_IN_ONE,
        EMPLOYEE,
        {"user_id": EMPLOYEE, "dry_run": True},
        headers={"idempotency-key": None},
        account_id=CLIENT,
    )

    assert (answer.status, answer.code) == (400, "idempotency_key_required")


def test_migrate_dry_run_reports_that_only_partner_employees_would_remain(table: Table) -> None:
    # domain.md rule 16
    seed(table, a_member(EMPLOYEE), a_member(MANAGER), a_member(APPROVER, "view_only"))

    preview = migrate(dry_run=True).body

    assert (preview["remaining_super_admins"], preview["remaining_are_partner_employees"]) == (1, True)


@pytest.mark.parametrize(("pricing", "seat", "paid", "notice"), [
    (Pricing.SEAT_BASED, Seat.CORE, [], None),
    (Pricing.LEGACY, Seat.CORE, [], "paid_seat_required"),
    (Pricing.LEGACY, Seat.SALES, ["sales"], None),
])  # fmt: skip
def test_migrate_keeps_paid_seat_or_reports_missing_one(
    table: Table, pricing: Pricing, seat: Seat, paid: list[str], notice: str | None
) -> None:
    seed(table, the_client(pricing=pricing), a_member(EMPLOYEE, seat=seat))

    shown = migrate().body

    assert shown["member"]["paid_seats"] == paid
    assert shown["grant"].get("notice") == notice
    assert shown["grant"]["paid_features"] is (notice is None)
    assert shown["seat"]["before"] == seat


def test_migrate_employee_of_two_partners_requires_partner_id(table: Table) -> None:
    seed(table, *both_super_admins(the_partner(account_id=SOUTH), a_partner_account_member(EMPLOYEE, account_id=SOUTH)))
    before = table.items()

    unclear = migrate()
    assert (unclear.status, unclear.code) == (422, "invalid_field")
    assert unclear.body["errors"] == [{"pointer": "/partner_id", "code": "invalid_field"}]
    assert table.items() == before
    assert migrate(partner_id=SOUTH).body["grant"]["partner_id"] == SOUTH


def test_migrate_by_unauthorized_caller_hides_partners_of_target(table: Table) -> None:
    seed(
        table,
        the_partner(account_id=SOUTH),
        a_partner_account_member(EMPLOYEE, account_id=SOUTH),
        a_user("user-stranger"),
    )

    assert migrate("user-stranger").code == "not_found"
    assert migrate(CLERK).code == "forbidden"


NOT_ALLOWED: list[tuple[str, tuple[Record, ...], dict[str, Any], tuple[int, str]]] = [
    ("an account that is not there", (), {"account_id": "client-nowhere"}, (404, "not_found")),
    ("a user who is not in the account", (a_user("user-stranger"),), {"by": "user-stranger"}, (404, "not_found")),
    ("a former member", (a_member(CLERK, active=False),), {"by": CLERK}, (404, "not_found")),
    ("a user who is not in the directory", (), {"by": "user-nobody"}, (404, "not_found")),
    ("a deactivated person", (a_user(APPROVER, active=False),), {"by": APPROVER}, (403, "forbidden")),
    ("a member without rights", (), {"by": CLERK}, (403, "forbidden")),
    (
        "a member who manages users",
        (a_member(CLERK, "view_only", added=("account.users.manage",)),),
        {"by": CLERK},
        (403, "forbidden"),
    ),
    ("a partner admin", (a_partner_admin(COLLEAGUE),), {"by": COLLEAGUE}, (403, "forbidden")),
    (
        "a super admin of the partner account",
        (a_partner_account_member(EMPLOYEE, "super_admin"),),
        {"account_id": PARTNER},
        (422, "not_a_client_account"),
    ),
    ("a closed account", (the_client(state=AccountState.CLOSED),), {}, (409, "account_closed")),
    ("an unknown target", (), {"by": APPROVER, "user_id": "user-nobody"}, (404, "not_found")),
    ("a target who is no member", (), {"by": APPROVER, "user_id": COLLEAGUE}, (404, "not_found")),
    (
        "a target who is one no more",
        (a_member(EMPLOYEE, active=False),),
        {"by": APPROVER},
        (404, "not_found"),
    ),
    ("an ordinary member", (a_member(EMPLOYEE, "sales"),), {"by": APPROVER}, (409, "not_super_admin")),
    ("an ordinary member, for themselves", (), {"by": CLERK, "user_id": CLERK}, (409, "not_super_admin")),
    ("a partner admin, for themselves", (a_partner_admin(),), {}, (409, "not_super_admin")),
    ("the client's own super admin", (), {"by": APPROVER, "user_id": APPROVER}, (409, "not_eligible")),
    (
        "a target who is deactivated",
        (an_employee(active=False),),
        {"by": APPROVER},
        (409, "not_eligible"),
    ),
    ("an address in no domain of the partner", (an_employee(email="e@bakery.example"),), {}, (409, "not_eligible")),
    ("a partner suspended", (the_partner(program=Program.SUSPENDED),), {}, (409, "not_eligible")),
    ("a partner out of the program", (the_partner(program=Program.TERMINATED),), {}, (409, "not_eligible")),
    ("a user who left the partner", (a_partner_account_member(EMPLOYEE, active=False),), {}, (409, "not_eligible")),
    ("the partner of another user", (the_partner(account_id=SOUTH),), {"partner_id": SOUTH}, (409, "not_eligible")),
    ("an unknown partner", (), {"partner_id": "partner-nowhere"}, (409, "not_eligible")),
    ("a client in place of the partner", (), {"partner_id": CLIENT}, (409, "not_eligible")),
    ("the last super admin", (a_member(APPROVER, "sales"),), {}, (409, "last_super_admin")),
    ("the last whose person is active", (a_user(APPROVER, active=False),), {}, (409, "last_super_admin")),
    ("the last who is still a member", (a_member(APPROVER, active=False),), {}, (409, "last_super_admin")),
    ("no seat", (the_client(partner_seat_limit=1), a_partner_admin(COLLEAGUE)), {}, (409, "no_seat_left")),
    ("no seat at all", (the_client(partner_seat_limit=0),), {}, (409, "no_seat_left")),
]


@pytest.mark.parametrize(
    ("others", "request_body", "error"), [each[1:] for each in NOT_ALLOWED], ids=[each[0] for each in NOT_ALLOWED]
)
def test_migrate_and_its_dry_run_when_not_allowed_are_refused(
    table: Table, others: tuple[Record, ...], request_body: dict[str, Any], error: tuple[int, str]
) -> None:
    # domain.md rule 17
    seed(table, *both_super_admins(*others))
    before = table.items()

    for dry_run in (True, False):
        answer = migrate(**request_body, dry_run=dry_run)

        assert (answer.status, answer.code) == error
    assert table.items() == before


def test_migrate_with_expired_grant_does_not_restore_super_admin(table: Table) -> None:
    lapsed = a_grant(expires_at=now())
    seed(table, a_partner_admin(EMPLOYEE, grant=lapsed))

    assert migrate().code == "not_found"


def test_migrate_with_same_key_after_success_is_replayed(table: Table) -> None:
    seed(table, *both_super_admins())
    named = {"idempotency-key": "mine"}
    first = call(MIGRATE_IN_ONE, EMPLOYEE, {"user_id": EMPLOYEE}, headers=named, account_id=CLIENT)
    after = table.items()

    again = call(MIGRATE_IN_ONE, EMPLOYEE, {"user_id": EMPLOYEE}, headers=named, account_id=CLIENT)

    assert (first.status, again.status, again.replayed) == (201, 201, True)
    assert again.body == first.body
    assert (
        call(MIGRATE_IN_ONE, EMPLOYEE, {"user_id": APPROVER}, headers=named, account_id=CLIENT).code
        == "idempotency_key_reused"
    )
    assert migrate().code == "not_super_admin"
    assert table.items() == after


# many accounts


def clients(*numbers: int, without_other_super_admin: tuple[int, ...] = ()) -> Iterator[Record]:
    """Yield client accounts of which the employee is a super admin. `without_other_super_admin` has no other one."""
    for number in numbers:
        account_id = f"client-{number:02}"
        yield the_client(account_id=account_id)
        yield a_member(EMPLOYEE, account_id=account_id)
        if number not in without_other_super_admin:
            yield a_member(APPROVER, account_id=account_id)


def migrate_in(*account_ids: str, key: str | None = None, by: str = EMPLOYEE, **how: Any) -> ApiResponse:
    headers = {"idempotency-key": key} if key else {}
    partner_id = how.pop("partner_id", PARTNER)
    event = api_event(MIGRATE_IN_MANY, by, {"account_ids": account_ids, **how}, headers=headers, partner_id=partner_id)
    return send_event(event, Context(milliseconds=600_000))


def rows(answer: ApiResponse) -> dict[str, tuple[str, str | None]]:
    assert answer.status == 200, answer.text
    return {row["account_id"]: (row["outcome"], row.get("reason")) for row in answer.body["items"]}


DONE, LAST_SUPER_ADMIN, NOT_SUPER_ADMIN = ("done", None), ("failed", "last_super_admin"), ("skipped", "not_super_admin")


def test_migrate_many_repeated_migrates_only_failed_accounts(table: Table) -> None:
    # domain.md rule 19
    seed(table, *clients(*range(50), without_other_super_admin=(7,)))
    account_ids = [f"client-{number:02}" for number in range(50)]

    first = migrate_in(*account_ids)

    assert [row["account_id"] for row in first.body["items"]] == account_ids
    assert rows(first) == dict.fromkeys(account_ids, DONE) | {"client-07": LAST_SUPER_ADMIN}
    row = first.body["items"][0]
    assert set(row["lost"]) == catalogue.RESTRICTED
    assert row["seat"] == {"before": "core", "after": "partner"}
    assert (
        len([item for item in table.items_with_prefix("AUDIT#client-") if item["event"] == "super_admin.migrated"])
        == 49
    )
    assert len(table.items_with_prefix("OUTBOX#")) == 49

    table.put(keys.member("client-07", APPROVER), dict(a_member(APPROVER, account_id="client-07")))
    table.put(keys.account_of(APPROVER, "client-07"), {"account_id": "client-07"})
    table.put(keys.super_admins("client-07"), {"user_ids": {APPROVER, EMPLOYEE}})
    before = table.items()
    again = migrate_in(*account_ids)

    assert rows(again) == dict.fromkeys(account_ids, NOT_SUPER_ADMIN) | {"client-07": DONE}
    touched = {item["pk"] for item in differences(before, table.items())}
    assert {pk for pk in touched if not pk.startswith(("IDEMPOTENCY#", "OUTBOX#"))} == {
        "ACCOUNT#client-07",
        "AUDIT#client-07",
        f"AUDIT#{PARTNER}",
    }
    assert invariants.violations(table.items()) == []


def test_migrate_many_without_failures_with_same_key_is_replayed(table: Table) -> None:
    seed(table, *clients(1, 2))
    first = migrate_in("client-01", "client-02", key="many")
    after = table.items()

    again = migrate_in("client-01", "client-02", key="many")

    assert (again.replayed, again.body) == (True, first.body)
    assert table.items() == after
    assert migrate_in("client-01", key="many").code == "idempotency_key_reused"


def test_migrate_many_with_same_key_retries_failed_rows_and_replays_others(table: Table) -> None:
    seed(table, *clients(1, 2, without_other_super_admin=(2,)))
    first = migrate_in("client-01", "client-02", key="many")
    store_records(table, [a_member(APPROVER, account_id="client-02")])
    table.put(keys.super_admins("client-02"), {"user_ids": {APPROVER, EMPLOYEE}})

    again = migrate_in("client-01", "client-02", key="many")

    assert rows(first) == {"client-01": DONE, "client-02": LAST_SUPER_ADMIN}
    assert rows(again) == {"client-01": DONE, "client-02": DONE}
    assert again.body["items"][0] == first.body["items"][0]
    assert not again.replayed
    assert invariants.violations(table.items()) == []


def test_migrate_many_with_same_key_after_lost_report_rebuilds_it(table: Table) -> None:
    seed(table, *clients(1, 2))
    first = migrate_in("client-01", "client-02", key="many")
    (report,) = [
        item for item in table.items_with_prefix("IDEMPOTENCY#") if b"items" in decompress(bytes(item["response_body"]))
    ]
    table.remove(keys.Key(report["pk"], report["sk"]))

    again = migrate_in("client-01", "client-02", key="many")

    assert again.body == first.body
    assert again.status == 200


def test_migrate_many_dry_run_writes_nothing(table: Table) -> None:
    seed(table, *clients(1, 2, without_other_super_admin=(2,)))
    before = table.items()

    answer = migrate_in("client-01", "client-02", CLIENT, dry_run=True)

    assert rows(answer) == {
        "client-01": ("would_migrate", None),
        "client-02": LAST_SUPER_ADMIN,
        CLIENT: ("failed", "not_found"),
    }
    assert table.items() == before
    assert rows(migrate_in("client-01", dry_run=True, key="p")) == {"client-01": ("would_migrate", None)}
    assert table.items() == before


def test_migrate_many_with_repeated_account_id_returns_one_row(table: Table) -> None:
    seed(table, *clients(1))

    assert len(migrate_in("client-01", "client-01", "client-01").body["items"]) == 1


def test_migrate_many_with_write_conflict_in_one_account_migrates_others(table: Table) -> None:
    # domain.md rule 19
    seed(table, *clients(1, 2, 3))

    with before_commit(raise_throttling):
        answer = migrate_in("client-01", "client-02", "client-03")

    assert rows(answer) == {"client-01": ("failed", "temporarily_unavailable"), "client-02": DONE, "client-03": DONE}
    assert invariants.violations(table.items()) == []


def test_migrate_many_near_timeout_reports_remaining_accounts_as_failed(table: Table) -> None:
    seed(table, *clients(1, 2))
    before = table.items()

    answer = send_event(
        api_event(MIGRATE_IN_MANY, EMPLOYEE, {"account_ids": ["client-01", "client-02"]}, partner_id=PARTNER),
        Context(1_000),
    )

    assert set(rows(answer).values()) == {("failed", "temporarily_unavailable")}
    assert table.items() == before


@pytest.mark.parametrize(("others", "by", "partner_id", "error"), [
    ((), EMPLOYEE, "partner-nowhere", (404, "not_found")),
    ((the_partner(account_id=SOUTH),), EMPLOYEE, SOUTH, (404, "not_found")),
    ((), EMPLOYEE, CLIENT, (404, "not_found")),
    ((), APPROVER, PARTNER, (404, "not_found")),
    ((a_partner_account_member(EMPLOYEE, active=False),), EMPLOYEE, PARTNER, (404, "not_found")),
    ((an_employee(active=False),), EMPLOYEE, PARTNER, (403, "forbidden")),
])  # fmt: skip
def test_migrate_many_by_caller_outside_the_partner_is_refused(
    table: Table, others: tuple[Record, ...], by: str, partner_id: str, error: tuple[int, str]
) -> None:
    seed(table, *both_super_admins(*others))
    before = table.items()

    answer = migrate_in(CLIENT, by=by, partner_id=partner_id)

    assert (answer.status, answer.code) == error
    assert table.items() == before


@pytest.mark.parametrize(
    "account_ids", [[], [f"client-{number}" for number in range(51)], ["a b"], ["client", 1], None]
)
def test_migrate_many_with_invalid_number_or_type_of_account_ids_returns_422(table: Table, account_ids: object) -> None:
    seed(table)
    before = table.items()

    answer = call(MIGRATE_IN_MANY, EMPLOYEE, {"account_ids": account_ids}, partner_id=PARTNER)

    assert (answer.status, answer.code) == (422, "invalid_field")
    assert table.items() == before
