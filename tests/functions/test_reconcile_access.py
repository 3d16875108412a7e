"""Tests of reconciliation: access is void from the original write on, each client is notified once, and jobs finish."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.notifications import Reconciliation, ReconciliationReason
from partner_access.domain.records import Record
from partner_access.store import dynamo, keys
from tests.support import faults, link_requests
from tests.support.background_functions import (
    WORKER,
    Clock,
    logged_lines,
    metric_counts,
    run_reconcile_access,
)
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.gateway import Context, call, call_as_vendor
from tests.support.link_requests import assert_unchanged
from tests.support.races import before_commit
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_partner_account_member, an_open_link, seed
from tests.support.table import Item, Table
from tools.invariants import violations

BUSY = faults.aws_error("ThrottlingException")
SECOND_CLIENT = "client-second"
OFFBOARD_ROUTE = "DELETE /partners/{partner_id}/employees/{user_id}/access"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Clock(monkeypatch, WORKER)


@pytest.fixture
def seeded(table: Table, clock: Clock) -> Iterator[Table]:
    """Seed two clients and check the invariants afterwards.

    The employee is partner admin in both. A colleague is partner admin in the first.
    """
    seed(table, *two_clients())
    yield table
    assert violations(table.items()) == []


def two_clients(**changes: Any) -> list[Record]:
    return [
        a_partner_admin(**changes),
        a_partner_admin(COLLEAGUE, grant=a_grant(grant_id=f"grt_{'8' * 32}")),
        the_client(account_id=SECOND_CLIENT, name="The Second"),
        a_member(APPROVER, account_id=SECOND_CLIENT),
        a_partner_admin(account_id=SECOND_CLIENT, grant=a_grant(grant_id=f"grt_{'9' * 32}")),
    ]


def member(table: Table, account_id: str = CLIENT, user_id: str = EMPLOYEE) -> Item:
    found = table.get(keys.member(account_id, user_id))
    assert found
    return found


def state(account_id: str = CLIENT, user_id: str = EMPLOYEE) -> tuple[str, list[str]]:
    """Return the state and the suspension reasons that the client sees."""
    response_body = call(
        "GET /accounts/{account_id}/users/{user_id}", APPROVER, account_id=account_id, user_id=user_id
    ).body
    return response_body["state"], response_body["suspended_by"]


def has_access(by: str = EMPLOYEE, account_id: str = CLIENT) -> bool:
    return call("GET /accounts/{account_id}/permission-sets", by, account_id=account_id).status == 200


def partner_seats_used(table: Table, account_id: str = CLIENT) -> int:
    found = table.get(keys.account(account_id))
    assert found
    return int(found["partner_seats_used"])


def entries(table: Table, account_id: str = CLIENT) -> list[str]:
    return sorted(
        item["event"] for item in table.items_with_prefix(f"AUDIT#{account_id}") if item["event"] != "grant.given"
    )


def queued_emails(table: Table) -> list[tuple[str, str, str | None]]:
    found = [item["notification"] for item in table.items_with_prefix("OUTBOX#")]
    return sorted((each["account_id"], each["kind"], each.get("cause")) for each in found)


def pending_jobs(table: Table) -> list[Item]:
    return table.items_with_prefix("RECONCILIATION#")


def offboard(user_id: str = EMPLOYEE) -> None:
    """Offboard an employee while every write of the reconciliation fails."""
    with faults.inject(dynamo.client(), "TransactWriteItems", faults.succeeds, last_fault=faults.WRITE_CONFLICT):
        assert call(OFFBOARD_ROUTE, MANAGER, partner_id=PARTNER, user_id=user_id).status == 200


def update_partner(**fields: object) -> None:
    link_requests.put_account(PARTNER, **fields)


# program changes


def test_reconcile_suspended_program_denies_access_and_emails_each_client_once(seeded: Table) -> None:
    # domain.md rule 21
    update_partner(program="suspended")

    for account_id, user_id in ((CLIENT, EMPLOYEE), (CLIENT, COLLEAGUE), (SECOND_CLIENT, EMPLOYEE)):
        assert not has_access(user_id, account_id)
        assert state(account_id, user_id) == ("suspended", ["program"])
    assert "suspended_by" not in member(seeded)

    run_reconcile_access()

    assert partner_seats_used(seeded) == 2
    assert member(seeded)["suspended_by"] == {"program"}
    stopped = [(CLIENT, "program_stopped", "program"), (SECOND_CLIENT, "program_stopped", "program")]
    assert queued_emails(seeded) == stopped
    assert entries(seeded) == ["member.suspended", "member.suspended", "program.stopped"]
    assert entries(seeded, SECOND_CLIENT) == ["member.suspended", "program.stopped"]
    assert pending_jobs(seeded) == []
    after_first_run = seeded.items()
    run_reconcile_access()
    assert seeded.items() == after_first_run


def test_reconcile_reactivated_program_restores_access_before_first_write(seeded: Table) -> None:
    update_partner(program="suspended")
    run_reconcile_access()
    before = member(seeded)

    update_partner(program="active")
    assert has_access()
    assert state() == ("active", [])
    assert member(seeded) == before

    run_reconcile_access()
    assert "suspended_by" not in member(seeded)
    assert [kind for _, kind, _ in queued_emails(seeded)] == ["program_resumed", "program_stopped"] * 2
    assert entries(seeded, SECOND_CLIENT) == [
        "member.resumed",
        "member.suspended",
        "program.resumed",
        "program.stopped",
    ]


def test_reconcile_program_resumed_before_first_run_emails_current_state(seeded: Table) -> None:
    update_partner(program="suspended")
    update_partner(program="active")
    run_reconcile_access()

    assert queued_emails(seeded) == [(each, "program_resumed", None) for each in (CLIENT, SECOND_CLIENT)]
    assert "suspended_by" not in member(seeded)
    assert pending_jobs(seeded) == []


def test_reconcile_terminated_program_ends_access_permanently(seeded: Table) -> None:
    # domain.md rule 21
    update_partner(program="terminated")

    assert not has_access()
    assert link_requests.approve().code == "link_revoked"
    run_reconcile_access()

    assert not member(seeded)["active"]
    assert (partner_seats_used(seeded), partner_seats_used(seeded, SECOND_CLIENT)) == (0, 0)
    assert queued_emails(seeded) == [(each, "program_stopped", "terminated") for each in (CLIENT, SECOND_CLIENT)]
    assert entries(seeded) == ["access.ended", "access.ended", "program.stopped"]
    link = seeded.get(keys.link(PARTNER, LINK))
    assert link
    assert link["stored_state"] == "revoked"

    update_partner(program="active")
    run_reconcile_access()
    assert not has_access()
    assert pending_jobs(seeded) == []
    assert len(queued_emails(seeded)) == 2


def test_reconcile_program_terminated_then_reactivated_keeps_access_ended(seeded: Table) -> None:
    update_partner(program="terminated")
    update_partner(program="active")

    assert not has_access()
    run_reconcile_access()
    assert not member(seeded)["active"]
    assert queued_emails(seeded) == [(each, "program_stopped", "terminated") for each in (CLIENT, SECOND_CLIENT)]


@pytest.mark.parametrize("fields", [{"domains": []}, {"domains": ["other.example"]}])
def test_reconcile_partner_without_its_domain_suspends_employees(seeded: Table, fields: dict[str, object]) -> None:
    update_partner(**fields)

    assert state() == ("suspended", ["employee"])
    assert not has_access()
    run_reconcile_access()
    assert queued_emails(seeded) == [
        (CLIENT, "access_suspended", "employee"),
        (CLIENT, "access_suspended", "employee"),
        (SECOND_CLIENT, "access_suspended", "employee"),
    ]

    update_partner(domains=["north.example"])
    assert has_access()
    run_reconcile_access()
    assert [kind for _, kind, _ in queued_emails(seeded)].count("access_resumed") == 3
    assert "suspended_by" not in member(seeded)


# changes of one user


@pytest.mark.parametrize("by", ["vendor", "partner"])
def test_reconcile_deactivated_employee_suspends_access_until_reactivation(seeded: Table, by: str) -> None:
    # domain.md rule 21
    def set_active(active: bool) -> None:
        if by == "vendor":
            link_requests.put_user(EMPLOYEE, active=active)
        else:
            link_requests.put_member(PARTNER, EMPLOYEE, permission_set="view_only", active=active)

    set_active(active=False)
    assert not has_access()
    assert (state(), state(user_id=COLLEAGUE)) == (("suspended", ["employee"]), ("active", []))
    run_reconcile_access()
    assert (member(seeded)["suspended_by"], partner_seats_used(seeded)) == ({"employee"}, 2)
    assert queued_emails(seeded) == [(each, "access_suspended", "employee") for each in (CLIENT, SECOND_CLIENT)]

    set_active(active=True)
    assert has_access()
    run_reconcile_access()
    assert "suspended_by" not in member(seeded)
    assert entries(seeded, SECOND_CLIENT) == ["member.resumed", "member.suspended"]
    assert [kind for _, kind, _ in queued_emails(seeded)] == ["access_resumed", "access_suspended"] * 2
    assert pending_jobs(seeded) == []


def test_reconcile_member_suspended_by_client_keeps_that_suspension(seeded: Table) -> None:
    # domain.md rule 22
    seed(seeded, *two_clients(suspended_by=frozenset({SuspensionReason.CLIENT})))

    update_partner(program="suspended")
    run_reconcile_access()
    assert member(seeded)["suspended_by"] == {"client", "program"}
    link_requests.put_user(EMPLOYEE, active=False)
    run_reconcile_access()
    update_partner(program="active")
    run_reconcile_access()
    assert member(seeded)["suspended_by"] == {"client", "employee"}
    assert state() == ("suspended", ["client", "employee"])
    link_requests.put_user(EMPLOYEE, active=True)
    run_reconcile_access()

    assert member(seeded)["suspended_by"] == {"client"}
    assert not has_access()
    assert has_access(account_id=SECOND_CLIENT)


def test_reconcile_erased_user_ends_access_permanently(seeded: Table) -> None:
    link_requests.put_member(PARTNER, EMPLOYEE, active=False)

    assert call_as_vendor("POST /directory/users/{user_id}/erasure", user_id=EMPLOYEE).status == 202
    run_reconcile_access()

    assert not member(seeded)["active"]
    assert entries(seeded, SECOND_CLIENT) == ["access.ended"]
    assert queued_emails(seeded) == []
    assert partner_seats_used(seeded, SECOND_CLIENT) == 0
    assert seeded.get(keys.link(PARTNER, LINK))["stored_state"] == "revoked"  # type: ignore[index]
    link_requests.put_user(EMPLOYEE, email="again@north.example", name="Again", active=True)
    link_requests.put_member(PARTNER, EMPLOYEE, permission_set="view_only", active=True)
    assert not has_access()
    run_reconcile_access()
    assert pending_jobs(seeded) == []


def test_reconcile_account_without_super_admin_emails_it_once(table: Table, clock: Clock) -> None:
    seed(
        table,
        the_client(account_id=SECOND_CLIENT, name="The Second"),
        a_member(APPROVER, account_id=SECOND_CLIENT),
        a_user("user-other"),
        a_member("user-other", account_id=SECOND_CLIENT),
    )

    link_requests.put_user(APPROVER, active=False)
    run_reconcile_access()
    run_reconcile_access()

    assert queued_emails(table) == [(CLIENT, "account_orphaned", None)]
    assert entries(table) == ["account.orphaned", "user.updated"]
    assert entries(table, SECOND_CLIENT) == []
    assert pending_jobs(table) == []
    assert violations(table.items()) == []
    link_requests.put_user(APPROVER, active=True)
    run_reconcile_access()
    assert len(queued_emails(table)) == 1


def test_reconcile_expired_grant_leaves_it_to_link_expiry_job(table: Table, clock: Clock) -> None:
    seed(table, a_partner_admin(grant=a_grant(expires_at=clock.time - timedelta(seconds=1))))
    offboard()
    link_requests.put_user(EMPLOYEE, active=False)
    before = member(table)

    run_reconcile_access()

    assert member(table) == before
    assert queued_emails(table) == []
    assert pending_jobs(table) == []


# repeated and concurrent runs


def test_reconcile_deactivated_and_offboarded_employee_emails_offboarding(seeded: Table) -> None:
    """Each job reconciles its own write. The order of the jobs does not matter."""
    link_requests.put_user(EMPLOYEE, active=False)
    link_requests.put_user(EMPLOYEE, active=True)
    link_requests.put_user(EMPLOYEE, active=False)
    offboard()
    run_reconcile_access()

    assert queued_emails(seeded) == [(each, "member_retained", None) for each in (CLIENT, SECOND_CLIENT)]
    assert pending_jobs(seeded) == []


def test_reconcile_delayed_or_repeated_has_same_result(seeded: Table, clock: Clock) -> None:
    offboard()
    clock.advance(days=30)
    run_reconcile_access()
    after_first_run = seeded.items()
    run_reconcile_access()

    assert seeded.items() == after_first_run
    assert entries(seeded) == ["access.ended"]
    assert queued_emails(seeded) == [(each, "member_retained", None) for each in (CLIENT, SECOND_CLIENT)]


def test_reconcile_concurrent_runs_email_each_client_once(seeded: Table, capsys: pytest.CaptureFixture[str]) -> None:
    update_partner(program="terminated")
    capsys.readouterr()

    with before_commit(run_reconcile_access):
        run_reconcile_access()
    run_reconcile_access()

    assert entries(seeded) == ["access.ended", "access.ended", "program.stopped"]
    assert len(queued_emails(seeded)) == 2
    assert pending_jobs(seeded) == []
    assert metric_counts(capsys.readouterr().out)["MembershipsReconciled"] >= 1


def test_reconcile_program_resumed_before_commit_emails_current_state(seeded: Table) -> None:
    update_partner(program="suspended")

    with before_commit(lambda: update_partner(program="active")):
        run_reconcile_access()
    run_reconcile_access()

    assert queued_emails(seeded) == [(each, "program_resumed", None) for each in (CLIENT, SECOND_CLIENT)]
    assert pending_jobs(seeded) == []


def test_reconcile_employee_deactivated_during_resume_stays_suspended(seeded: Table) -> None:
    link_requests.put_user(EMPLOYEE, active=False)
    run_reconcile_access()
    link_requests.put_user(EMPLOYEE, active=True)

    with before_commit(lambda: link_requests.put_user(EMPLOYEE, active=False)):
        run_reconcile_access()
    run_reconcile_access()

    assert member(seeded)["suspended_by"] == {"employee"}
    assert pending_jobs(seeded) == []


# faults, load, time, cost


KILLS = {"before": faults.killed_before, "after": faults.killed_after}
TRIGGERS: dict[str, Callable[[], None]] = {
    "left": offboard,
    "suspended": lambda: update_partner(program="suspended"),
    "terminated": lambda: update_partner(program="terminated"),
}
EXPECTED_EMAILS = {
    "left": [(CLIENT, "member_retained", None), (SECOND_CLIENT, "member_retained", None)],
    "suspended": [(CLIENT, "program_stopped", "program"), (SECOND_CLIENT, "program_stopped", "program")],
    "terminated": [(CLIENT, "program_stopped", "terminated"), (SECOND_CLIENT, "program_stopped", "terminated")],
}


@pytest.mark.parametrize("kills", KILLS.values(), ids=KILLS)
@pytest.mark.parametrize("happened", TRIGGERS)
def test_reconcile_killed_at_any_request_is_finished_by_next_run(
    seeded: Table, happened: str, kills: faults.Fault
) -> None:
    TRIGGERS[happened]()

    for position in range(8, 34):
        with suppress(faults.Killed), faults.inject(dynamo.client(), "", *[faults.succeeds] * position, kills):
            run_reconcile_access()
        assert violations(seeded.items()) == []
    run_reconcile_access()

    assert queued_emails(seeded) == EXPECTED_EMAILS[happened]
    assert pending_jobs(seeded) == []


@pytest.mark.parametrize("fault", [faults.request_lost, faults.response_lost, BUSY], ids=["lost", "late", "busy"])
def test_reconcile_with_table_fault_has_one_effect(seeded: Table, fault: faults.Fault) -> None:
    offboard()

    for position in range(24):
        with faults.inject(dynamo.client(), "", *[faults.succeeds] * position, fault):
            run_reconcile_access()
    assert queued_emails(seeded) == EXPECTED_EMAILS["left"]
    assert pending_jobs(seeded) == []


def test_reconcile_account_with_conflicts_does_not_block_others(
    seeded: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    update_partner(program="terminated")
    capsys.readouterr()

    def crowded(request_body: Any, send: faults.Send) -> Any:
        return (
            faults.WRITE_CONFLICT(request_body, send)
            if f"ACCOUNT#{SECOND_CLIENT}" in str(request_body.body)
            else send()
        )

    with faults.inject(dynamo.client(), "TransactWriteItems", last_fault=crowded):
        run_reconcile_access()

    assert (partner_seats_used(seeded), partner_seats_used(seeded, SECOND_CLIENT)) == (0, 1)
    assert len(pending_jobs(seeded)) == 1
    assert "MembershipsReconciled" not in metric_counts(capsys.readouterr().out)
    run_reconcile_access()
    assert partner_seats_used(seeded, SECOND_CLIENT) == 0
    assert metric_counts(capsys.readouterr().out) == {"MembershipsReconciled": 1}


def test_reconcile_program_with_failing_writes_ends_no_membership(seeded: Table) -> None:
    update_partner(program="terminated")

    with faults.inject(dynamo.client(), "TransactWriteItems", last_fault=faults.WRITE_CONFLICT):
        run_reconcile_access()

    assert partner_seats_used(seeded) == 2
    run_reconcile_access()
    assert queued_emails(seeded) == EXPECTED_EMAILS["terminated"]


def test_reconcile_with_failing_query_is_retried_by_next_run(seeded: Table, capsys: pytest.CaptureFixture[str]) -> None:
    offboard()
    offboard(COLLEAGUE)
    capsys.readouterr()

    def busy(request_body: Any, send: faults.Send) -> Any:
        return BUSY(request_body, send) if f"USER#{EMPLOYEE}" in str(request_body.body) else send()

    with faults.inject(dynamo.client(), "Query", last_fault=busy):
        run_reconcile_access()

    assert (len(pending_jobs(seeded)), partner_seats_used(seeded)) == (1, 1)
    assert metric_counts(capsys.readouterr().out) == {"MembershipsReconciled": 1, "ConflictExhausted": 1}
    run_reconcile_access()
    assert pending_jobs(seeded) == []


def test_reconcile_out_of_time_is_continued_by_next_run(seeded: Table) -> None:
    offboard()

    run_reconcile_access(Context(9_999))
    assert queued_emails(seeded) == []
    context = Context(10_000)
    with before_commit(lambda: setattr(context, "milliseconds", 9_999)):
        run_reconcile_access(context)
    assert len(queued_emails(seeded)) == 1
    assert len(pending_jobs(seeded)) == 1
    run_reconcile_access()
    assert len(queued_emails(seeded)) == 2
    assert pending_jobs(seeded) == []


def test_reconcile_links_out_of_time_is_continued_by_next_run(table: Table, clock: Clock) -> None:
    seed(table, an_open_link(link_id=f"lnk_{'4' * 32}"))
    offboard()
    context = Context(10_000)

    with before_commit(lambda: setattr(context, "milliseconds", 9_999)):
        run_reconcile_access(context)
    assert len([item for item in table.items_with_prefix("PARTNER#") if item["stored_state"] == "revoked"]) == 1
    run_reconcile_access()
    assert len([item for item in table.items_with_prefix("PARTNER#") if item["stored_state"] == "revoked"]) == 2


def test_reconcile_link_with_conflicts_is_retried_by_next_run(table: Table, clock: Clock) -> None:
    seed(table)
    offboard()

    with faults.inject(dynamo.client(), "TransactWriteItems", last_fault=faults.WRITE_CONFLICT):
        run_reconcile_access()
    assert len(pending_jobs(table)) == 1
    run_reconcile_access()
    assert pending_jobs(table) == []


def queue_job(table: Table, name: str, clock: Clock, **about: object) -> Item:
    act = an_act(MANAGER, id=name * 32)
    item = {
        "act_id": act.id,
        "actor_id": act.actor_id,
        "queued_at": clock.time,
        "reconciliation": Reconciliation.model_validate(about),
    }
    table.put(keys.reconciliation(act.id), item)
    return item


@pytest.mark.parametrize("after", list(ReconciliationReason))
@pytest.mark.parametrize(
    "about",
    [
        {"partner_id": "partner-unknown"},
        {"user_id": "user-unknown"},
        {"partner_id": "partner-unknown", "user_id": "user-unknown"},
        {"partner_id": "partner-unknown", "user_id": EMPLOYEE},
        {"partner_id": PARTNER, "user_id": "user-unknown"},
    ],
)
def test_reconcile_unknown_partner_or_user_finishes_job(
    seeded: Table, clock: Clock, about: dict[str, str], after: ReconciliationReason
) -> None:
    queue_job(seeded, "1", clock, **about, after=after)

    run_reconcile_access()

    assert pending_jobs(seeded) == []
    assert member(seeded)["active"]


def test_reconcile_unreadable_job_waits_an_hour_and_does_not_block_others(
    seeded: Table, clock: Clock, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    queue_job(seeded, "1", clock)
    key = keys.reconciliation("1" * 32)
    seeded.change(key, reconciliation={"reason": "who knows"})
    offboard()
    capsys.readouterr()

    run_reconcile_access()
    assert len(queued_emails(seeded)) == 2
    assert [item["sk"] for item in pending_jobs(seeded)] == [key.sk]
    assert metric_counts(capsys.readouterr().out) == {"ReconciliationUnreadable": 1, "MembershipsReconciled": 1}
    log_lines = [line for line in logged_lines(caplog) if line["message"] == "unreadable_reconciliation"]
    assert [(line["level"], line["reconciliation"]) for line in log_lines] == [("ERROR", key.sk)]

    clock.advance(minutes=59)
    run_reconcile_access()
    assert metric_counts(capsys.readouterr().out) == {"ReconciliationLate": 1}
    clock.advance(minutes=1)
    run_reconcile_access()
    assert metric_counts(capsys.readouterr().out) == {"ReconciliationLate": 1, "ReconciliationUnreadable": 1}
    seeded.change(key, reconciliation={"user_id": EMPLOYEE}, next_at="soon", queued_at=None)
    clock.advance(hours=1)
    run_reconcile_access()
    assert pending_jobs(seeded) == []


@pytest.mark.parametrize("item", [keys.member(CLIENT, COLLEAGUE), keys.user(COLLEAGUE)])
def test_reconcile_unreadable_member_or_user_does_not_block_others(
    seeded: Table, clock: Clock, item: keys.Key, capsys: pytest.CaptureFixture[str]
) -> None:
    was = seeded.get(item)
    assert was
    update_partner(program="terminated")
    seeded.change(item, version="one")
    capsys.readouterr()

    run_reconcile_access()

    assert (member(seeded)["active"], partner_seats_used(seeded)) == (False, 1)
    assert metric_counts(capsys.readouterr().out) == {"ReconciliationUnreadable": 1}
    assert len(pending_jobs(seeded)) == 1
    seeded.put(item, was)
    run_reconcile_access()
    assert len(pending_jobs(seeded)) == 1
    clock.advance(hours=1)
    run_reconcile_access()
    assert pending_jobs(seeded) == []
    assert partner_seats_used(seeded) == 0


def test_reconcile_partner_with_unreadable_employee_waits_an_hour(seeded: Table, clock: Clock) -> None:
    update_partner(program="suspended")
    nobody = keys.member(PARTNER, "user-nobody")
    seeded.put(nobody, {"version": 1})

    run_reconcile_access()

    assert len(pending_jobs(seeded)) == 1
    seeded.remove(nobody)
    clock.advance(hours=1)
    run_reconcile_access()
    assert pending_jobs(seeded) == []


def test_reconcile_unreadable_job_removed_before_commit_is_not_restored(seeded: Table, clock: Clock) -> None:
    queue_job(seeded, "1", clock)
    key = keys.reconciliation("1" * 32)
    seeded.change(key, reconciliation={"reason": "who knows"})

    with before_commit(lambda: seeded.remove(key)):
        run_reconcile_access()

    assert seeded.get(key) is None


def test_reconcile_job_that_cannot_be_postponed_does_not_block_others(seeded: Table, clock: Clock) -> None:
    queue_job(seeded, "1", clock)
    seeded.change(keys.reconciliation("1" * 32), reconciliation={"reason": "who knows"})
    offboard()

    def crowded(request_body: Any, send: faults.Send) -> Any:
        return faults.WRITE_CONFLICT(request_body, send) if "ACT#11" in str(request_body.body) else send()

    with faults.inject(dynamo.client(), "TransactWriteItems", last_fault=crowded):
        run_reconcile_access()

    assert len(queued_emails(seeded)) == 2
    seeded.remove(keys.reconciliation("1" * 32))


@pytest.mark.parametrize(("minutes", "late"), [(14, 0), (16, 1)])
def test_reconcile_job_waiting_over_15_minutes_is_counted_as_late(
    seeded: Table, clock: Clock, minutes: int, late: int, capsys: pytest.CaptureFixture[str]
) -> None:
    queue_job(seeded, "1", clock, user_id=EMPLOYEE)
    clock.advance(minutes=minutes)

    run_reconcile_access()

    assert metric_counts(capsys.readouterr().out)["ReconciliationLate"] == late


def test_reconcile_several_jobs_starts_with_oldest(seeded: Table, clock: Clock) -> None:
    names = "2143"
    for name in names:
        queue_job(seeded, name, clock, user_id="user-unknown")
    done: list[str] = []

    def record_deletes(request_body: Any, send: faults.Send) -> Any:
        done.extend(line["Delete"]["Key"]["sk"]["S"] for line in faults.body(request_body)["TransactItems"])
        return send()

    with faults.inject(dynamo.client(), "TransactWriteItems", last_fault=record_deletes):
        run_reconcile_access()

    assert done == [f"ACT#{name * 32}" for name in sorted(names)]


def test_reconcile_without_jobs_costs_one_read_per_shard(seeded: Table) -> None:
    with count_costs(seeded) as costs, assert_unchanged(seeded):
        run_reconcile_access()

    assert (costs.reads, costs.writes) == (keys.SHARDS, 0)


def many_clients(how_many: int) -> list[Record]:
    return [
        record
        for number in range(how_many)
        for record in (
            the_client(account_id=f"client-{number:03}", name="A client"),
            a_member(APPROVER, account_id=f"client-{number:03}"),
            a_partner_admin(account_id=f"client-{number:03}", grant=a_grant(grant_id=f"grt_{number:032x}")),
        )
    ]


def test_reconcile_cost_is_proportional_to_affected_accounts(table: Table, clock: Clock) -> None:
    spent = []
    for how_many in (10, 110):
        table.clear()
        seed(table, *many_clients(how_many))
        offboard()
        with count_costs(table) as costs:
            run_reconcile_access()
        assert pending_jobs(table) == []
        spent.append((costs.reads, costs.writes, costs.units))

    (few_reads, few_writes, few_units), (reads, writes, units) = spent
    assert (few_writes, writes) == (10 + 2, 110 + 2)
    assert reads - few_reads <= 6
    assert (units - few_units) / 100 <= 14
    assert violations(table.items()) == []


def test_reconcile_employee_without_client_access_sends_no_email(table: Table, clock: Clock) -> None:
    seed(table, the_partner(program=Program.ACTIVE), a_partner_account_member("user-idle"), an_employee("user-idle"))

    update_partner(program="suspended")
    run_reconcile_access()

    assert queued_emails(table) == []
    assert entries(table) == []
    assert pending_jobs(table) == []
