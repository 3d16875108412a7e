"""Tests of the link-expiry job: due links and grants end once, with one email. Warnings precede the end of a grant."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.email_delivery import recipients
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.links.links import Link, StoredLinkState
from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.notifications import Notification, Reconciliation, ReconciliationReason
from partner_access.domain.records import Record
from partner_access.store import dynamo, keys, outbox, queries, retries
from partner_access.store.memberships import members
from tests.support import faults, link_requests
from tests.support.background_functions import EXPIRE_LINKS, WORKER, Clock, metric_counts, run_function
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.gateway import ApiResponse, Context, call
from tests.support.races import before_commit
from tests.support.seeded_table import COLLEAGUE, MANAGER, an_open_link, seed
from tests.support.table import Item, Table
from tools.invariants import violations

BUSY = faults.aws_error("ThrottlingException")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Clock(monkeypatch, WORKER)


@pytest.fixture
def seeded(table: Table, clock: Clock) -> Iterator[Table]:
    """Seed the table and check the invariants afterwards."""
    seed(table)
    yield table
    assert violations(table.items()) == []


def run_expiry(context: Context | None = None) -> None:
    assert run_function(EXPIRE_LINKS, {}, context) is None


def link_id(number: int) -> str:
    return f"lnk_{number:032x}"


def expired_link(clock: Clock, **changes: Any) -> Link:
    return an_open_link(**{"expires_at": clock.time, "created_by": MANAGER, **changes})


def expired_links(clock: Clock, how_many: int, first: int = 0, **changes: Any) -> list[Link]:
    return [expired_link(clock, link_id=link_id(number), **changes) for number in range(first, first + how_many)]


def stored_link(table: Table, name: str = LINK) -> Item:
    found = table.get(keys.link(PARTNER, name))
    assert found
    return found


def open_links(table: Table) -> int:
    found = table.get(keys.user(EMPLOYEE))
    assert found
    return int(found["open_links"])


def entries(table: Table) -> list[str]:
    return [item["event"] for item in table.items_with_prefix("AUDIT#")]


def queued_emails(table: Table) -> list[Item]:
    return [item["notification"] for item in table.items_with_prefix("OUTBOX#")]


def test_expire_due_link_ends_it_and_emails_creator(
    seeded: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(seeded, expired_link(clock))

    run_expiry()

    assert stored_link(seeded)["stored_state"] == "expired"
    assert "due_at" not in stored_link(seeded)
    assert open_links(seeded) == 0
    assert entries(seeded) == ["link.expired"]
    (queued_item,) = queued_emails(seeded)
    assert (queued_item["kind"], queued_item["link_created_by"], queued_item["employee_id"]) == (
        "link_expired",
        MANAGER,
        EMPLOYEE,
    )
    assert metric_counts(capsys.readouterr().out) == {"LinksExpired": 1}
    assert link_requests.approve().code == "link_expired"


@pytest.mark.parametrize(("left", "expired"), [(1, 0), (0, 1), (-1, 1)])
def test_expire_link_at_its_exact_end_ends_it(seeded: Table, clock: Clock, left: int, expired: int) -> None:
    seed(seeded, expired_link(clock, expires_at=clock.time + timedelta(seconds=left)))

    run_expiry()

    assert entries(seeded) == ["link.expired"] * expired
    assert open_links(seeded) == 1 - expired


def test_expire_link_not_due_changes_nothing(seeded: Table) -> None:
    before = seeded.items()

    run_expiry()

    assert seeded.items() == before


def test_expire_with_time_in_schedule_event_ignores_it(seeded: Table) -> None:
    before = seeded.items()

    run_function(
        EXPIRE_LINKS,
        {"time": "2099-01-01T00:00:00Z", "detail": {"at": "2099-01-01T00:00:00Z", "stored_state": "expired"}},
    )

    assert seeded.items() == before


def test_expire_delayed_or_repeated_has_same_result(seeded: Table, clock: Clock) -> None:
    seed(seeded, expired_link(clock), *expired_links(clock, 3))
    clock.advance(days=30)

    run_expiry()
    after_first_run = seeded.items()
    run_expiry()
    run_expiry()

    assert seeded.items() == after_first_run
    assert entries(seeded) == ["link.expired"] * 4
    assert len(queued_emails(seeded)) == 4


def test_expire_concurrent_runs_end_each_link_once(
    seeded: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(seeded, expired_link(clock), *expired_links(clock, 3))

    with before_commit(run_expiry):
        run_expiry()

    assert entries(seeded) == ["link.expired"] * 4
    assert len(queued_emails(seeded)) == 4
    assert open_links(seeded) == 0
    assert metric_counts(capsys.readouterr().out) == {"LinksExpired": 4}


def test_expire_partly_approved_link_ends_it(seeded: Table, clock: Clock) -> None:
    seed(seeded, an_open_link(max_approvals=3))
    assert link_requests.approve().status == 201
    clock.advance(days=7)

    run_expiry()

    assert stored_link(seeded)["stored_state"] == "expired"
    assert "link.expired" in entries(seeded)


SECOND_CLIENT = "client-second"


def test_expire_used_up_link_clears_due_time_without_email(
    seeded: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(
        seeded,
        an_open_link(max_approvals=2),
        an_open_link(link_id=link_id(1), expires_at=clock.time + timedelta(days=20)),
        the_client(account_id=SECOND_CLIENT, name="The Second"),
        a_member(APPROVER, account_id=SECOND_CLIENT),
    )
    assert [link_requests.approve(account_id=each).status for each in (CLIENT, SECOND_CLIENT)] == [201, 201]
    assert open_links(seeded) == 2
    clock.advance(days=7)

    with before_commit(run_expiry):
        run_expiry()
    run_expiry()

    assert stored_link(seeded)["stored_state"] == "open"
    assert "due_at" not in stored_link(seeded)
    assert open_links(seeded) == 1
    assert set(entries(seeded)) == {"link.approved"}
    assert {notification["kind"] for notification in queued_emails(seeded)} == {"access_granted"}
    assert metric_counts(capsys.readouterr().out) == {}
    assert link_requests.approve().code == "link_already_used"


CONCURRENT_CHANGES: dict[str, tuple[Callable[[], ApiResponse], str, int]] = {
    "approved": (link_requests.approve, "open", 0),
    "declined": (link_requests.decline, "declined", 0),
    "revoked": (link_requests.revoke, "revoked", 0),
    "resent": (link_requests.resend, "open", 1),
}


@pytest.mark.parametrize(
    ("concurrent_change", "stored_state", "left"), CONCURRENT_CHANGES.values(), ids=CONCURRENT_CHANGES
)
@pytest.mark.parametrize(
    "operation", ["BatchGetItem", "TransactWriteItems"], ids=["before it is read", "before it ends"]
)
def test_expire_link_changed_by_other_operation_keeps_that_change(
    seeded: Table,
    clock: Clock,
    operation: str,
    concurrent_change: Callable[[], ApiResponse],
    stored_state: str,
    left: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The link is over by the clock of the job, but not by the others'. The write conditions decide who was first."""
    clock.advance(days=6, minutes=1)
    responses = []

    def meanwhile(_: Any, send: faults.Send) -> Any:
        responses.append(concurrent_change().status)
        return send()

    with faults.inject(dynamo.client(), operation, meanwhile):
        run_expiry()

    assert responses[0] < 300
    assert stored_link(seeded)["stored_state"] == stored_state
    assert open_links(seeded) == left
    assert ("due_at" in stored_link(seeded)) is bool(left)
    assert "link.expired" not in entries(seeded)
    assert "link_expired" not in [notification["kind"] for notification in queued_emails(seeded)]
    assert "LinksExpired" not in metric_counts(capsys.readouterr().out)


def test_expire_link_in_stale_index_is_not_counted_twice(seeded: Table, clock: Clock) -> None:
    """The index is eventually consistent. It can still show an earlier state of an item that has left it."""
    seed(seeded, expired_link(clock))
    query = queries.query
    cached_pages: dict[str, queries.QueryPage] = {}

    def late(condition: str, **how: Any) -> queries.QueryPage:
        return cached_pages.setdefault(how["part"], query(condition, **how))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(queries, "query", late)
        run_expiry()
        after_first_run = seeded.items()
        run_expiry()

    assert seeded.items() == after_first_run


def test_expire_link_deleted_before_read_is_skipped(seeded: Table, clock: Clock) -> None:
    seed(seeded, expired_link(clock))

    def gone(_: Any, send: faults.Send) -> Any:
        seeded.remove(keys.link(PARTNER, LINK))
        seeded.change(keys.user(EMPLOYEE), open_links=0)
        return send()

    with faults.inject(dynamo.client(), "BatchGetItem", gone):
        run_expiry()

    assert entries(seeded) == []


# time, load, cost


def test_expire_links_out_of_time_is_continued_by_next_run(seeded: Table, clock: Clock) -> None:
    seed(seeded, expired_link(clock), *expired_links(clock, 5))

    run_expiry(Context(4_999))
    assert entries(seeded) == []

    context = Context(5_000)
    with before_commit(lambda: setattr(context, "milliseconds", 4_999)):
        run_expiry(context)
    assert len(entries(seeded)) == 1

    run_expiry()
    assert len(entries(seeded)) == 6


def test_expire_link_with_conflicts_does_not_block_others(
    seeded: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(seeded, expired_link(clock), *expired_links(clock, 3))

    def crowded(request_body: Any, send: faults.Send) -> Any:
        return faults.WRITE_CONFLICT(request_body, send) if LINK in str(request_body.body) else send()

    with faults.inject(dynamo.client(), "TransactWriteItems", last_fault=crowded) as attempts:
        run_expiry()

    assert len(attempts) == 3 + retries.ATTEMPTS
    assert len(entries(seeded)) == 3
    assert metric_counts(capsys.readouterr().out) == {"LinksExpired": 3, "ConflictExhausted": 1}
    run_expiry()
    assert len(entries(seeded)) == 4


@pytest.mark.parametrize("fault", [faults.request_lost, faults.response_lost, BUSY], ids=["lost", "late", "busy"])
@pytest.mark.parametrize("position", range(3))
def test_expire_link_with_table_fault_has_one_effect(
    seeded: Table, clock: Clock, position: int, fault: faults.Fault
) -> None:
    seed(seeded, expired_link(clock))

    with faults.inject(dynamo.client(), "", *[faults.succeeds] * (7 + position), fault) as requests:
        run_expiry()

    assert len(requests) <= keys.SHARDS + 4
    assert entries(seeded) == ["link.expired"]
    assert len(queued_emails(seeded)) == 1


@pytest.mark.parametrize("kills", [faults.killed_before, faults.killed_after], ids=["before", "after"])
def test_expire_links_killed_at_any_request_is_finished_by_next_run(
    seeded: Table, clock: Clock, kills: faults.Fault
) -> None:
    seed(seeded, expired_link(clock), *expired_links(clock, 2))

    for position in range(16):
        with (
            suppress(faults.Killed),
            faults.inject(dynamo.client(), "", *[faults.succeeds] * position, kills),
        ):
            run_expiry()
        assert violations(seeded.items()) == []
    run_expiry()

    assert entries(seeded) == ["link.expired"] * 3
    assert len(queued_emails(seeded)) == 3


def test_expire_with_table_down_raises_and_writes_nothing(seeded: Table, clock: Clock) -> None:
    seed(seeded, expired_link(clock))
    before = seeded.items()

    with (
        faults.inject(dynamo.client(), "", last_fault=BUSY) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        run_expiry()

    assert len(attempts) == 3
    assert seeded.items() == before


def test_expire_links_cost_is_proportional_to_due_links(seeded: Table, clock: Clock) -> None:
    spent = []
    for live in (0, 490):
        seed(seeded, *expired_links(clock, 10, first=1000 * live), *open_links_due_later(clock, live))
        with count_costs(seeded) as costs:
            run_expiry()
        spent.append((costs.reads, costs.writes, costs.units))
        for item in [
            *seeded.items_with_prefix("AUDIT#"),
            *seeded.items_with_prefix("OUTBOX#"),
            *seeded.items_with_prefix(f"PARTNER#{PARTNER}"),
        ]:
            seeded.remove(keys.Key(item["pk"], item["sk"]))
    seed(seeded)

    assert spent[0][1] == spent[1][1] == 10
    assert spent[0] == spent[1]


def open_links_due_later(clock: Clock, how_many: int) -> list[Link]:
    end = clock.time + timedelta(days=1)
    return [an_open_link(link_id=link_id(5_000 + number), expires_at=end) for number in range(how_many)]


def test_expire_links_over_many_pages_ends_all(seeded: Table, clock: Clock) -> None:
    seed(seeded, *expired_links(clock, 20))
    query = queries.query

    def few(condition: str, **how: Any) -> queries.QueryPage:
        return query(condition, **{**how, "limit": 1})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(queries, "query", few)
        run_expiry()

    assert entries(seeded) == ["link.expired"] * 20


def test_expire_revoked_link_is_not_read(seeded: Table, clock: Clock) -> None:
    seed(seeded, expired_link(clock, stored_state=StoredLinkState.REVOKED))

    with count_costs(seeded) as costs:
        run_expiry()

    assert (costs.reads, costs.writes) == (keys.SHARDS, 0)


# grants


def partner_admin_ending(clock: Clock, warned: int | None = None, link_id: str | None = None, **left: float) -> Member:
    """Return the employee as partner admin, with a grant that ends after this time."""
    end = clock.time + timedelta(**left)
    return a_partner_admin(EMPLOYEE, grant=a_grant(expires_at=end, last_warning_days=warned, link_id=link_id))


def stored_member(table: Table) -> Item:
    found = table.get(keys.member(CLIENT, EMPLOYEE))
    assert found
    return found


def change_member(table: Table, **changes: Any) -> None:
    """Change the membership, as a concurrent operation would."""
    member = Member.model_validate(stored_member(table)).next_version(**changes)
    table.put(keys.of(member), members.item(member))


def change_grant_end(table: Table, clock: Clock, days: int | None) -> None:
    """Give the grant a new end, as the client would."""
    grant = Member.model_validate(stored_member(table)).grant
    assert grant
    end = None if days is None else clock.time + timedelta(days=days)
    change_member(table, grant=grant.with_end(end, clock.time))


def end_emails(table: Table) -> list[tuple[str, int | None]]:
    """Return kind and days left of the emails on the end of a grant, oldest first."""
    found = sorted(emails_with_id(table))
    return [
        (notification["kind"], notification.get("days_left"))
        for _, notification in found
        if notification["kind"] in END_EMAIL_KINDS
    ]


def emails_with_id(table: Table) -> Iterator[tuple[str, Item]]:
    return ((item["outbox_id"], item["notification"]) for item in table.items_with_prefix("OUTBOX#"))


END_EMAIL_KINDS = {"access_ending", "access_ended"}
ENDED_EMAIL = ("access_ended", None)


def partner_seats_used(table: Table) -> int:
    return int((table.get(keys.account(CLIENT)) or {})["partner_seats_used"])


def test_expire_due_grant_ends_it_frees_seat_and_emails_once(
    seeded: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(seeded, the_client(partner_seat_limit=1), partner_admin_ending(clock))

    run_expiry()
    after_first_run = seeded.items()
    run_expiry()

    assert seeded.items() == after_first_run
    assert (stored_member(seeded)["active"], "grant" in stored_member(seeded)) == (False, False)
    assert "due_at" not in stored_member(seeded)
    assert partner_seats_used(seeded) == 0
    expired = [entry["pk"] for entry in seeded.items_with_prefix("AUDIT#") if entry["event"] == "grant.expired"]
    assert expired == [f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"]
    (queued_item,) = queued_emails(seeded)
    assert (queued_item["kind"], queued_item["cause"]) == ("access_ended", "time")
    assert (queued_item["employee_id"], queued_item["partner_id"], queued_item["account_id"]) == (
        EMPLOYEE,
        PARTNER,
        CLIENT,
    )
    assert metric_counts(capsys.readouterr().out) == {"GrantsExpired": 1}


def test_expire_grant_leaves_no_membership_and_names_former_set(seeded: Table, clock: Clock) -> None:
    # domain.md rule 10
    ending = partner_admin_ending(clock)
    assert ending.grant
    seed(seeded, ending.model_copy(update={"grant": ending.grant.model_copy(update={"former_set": "sales"})}))

    run_expiry()

    assert (stored_member(seeded)["active"], stored_member(seeded)["partner_id"]) == (False, PARTNER)
    (queued,) = seeded.items_with_prefix("OUTBOX#")
    assert (queued["notification"]["kind"], queued["notification"]["former_set"]) == ("access_ended", "sales")


@pytest.mark.parametrize(("days", "warned"), [(30, None), (7, 30), (1, 7), (0, 1)])
def test_expire_grant_one_second_before_due_writes_nothing(
    seeded: Table, clock: Clock, days: int, warned: int | None
) -> None:
    seed(seeded, partner_admin_ending(clock, days=days, seconds=1, warned=warned))
    before = seeded.items()

    run_expiry()
    assert seeded.items() == before
    clock.advance(seconds=1)
    run_expiry()
    assert end_emails(seeded) == [("access_ending", days) if days else ENDED_EMAIL]


def test_expire_grant_ending_soon_warns_both_sides_once(
    seeded: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(seeded, an_open_link(created_by=MANAGER), partner_admin_ending(clock, days=30, link_id=LINK))

    run_expiry()
    after_first_run = seeded.items()
    run_expiry()

    assert seeded.items() == after_first_run
    end = int((clock.time + timedelta(days=30)).timestamp())
    assert (stored_member(seeded)["active"], stored_member(seeded)["grant"]["expires_at"]) == (True, end)
    assert stored_member(seeded)["due_at"] == int((clock.time + timedelta(days=23)).timestamp())
    entries_of_both = [entry for entry in seeded.items_with_prefix("AUDIT#") if entry["event"] == "grant.ending"]
    assert [entry["pk"] for entry in entries_of_both] == [f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"]
    assert entries_of_both[0]["details"] == {"employee_id": EMPLOYEE, "days_left": 30}
    (queued_item,) = queued_emails(seeded)
    assert (queued_item["kind"], queued_item["days_left"], queued_item["expires_at"]) == ("access_ending", 30, end)
    people = recipients(outbox.facts(Notification.model_validate(queued_item), clock.time), clock.time)
    assert {each.address for each in people} == {
        f"{EMPLOYEE}@north.example",
        f"{MANAGER}@north.example",
        f"{APPROVER}@bakery.example",
    }
    assert metric_counts(capsys.readouterr().out) == {"GrantExpiryWarnings": 1}


def test_expire_grant_over_its_life_sends_three_warnings_and_end(seeded: Table, clock: Clock) -> None:
    # domain.md rule 23
    seed(seeded, partner_admin_ending(clock, days=31))
    emails_by_day: list[tuple[float, tuple[str, int | None]]] = []

    for hour in range(0, 32 * 24, 12):
        run_expiry()
        emails_by_day += [(hour / 24, each) for each in end_emails(seeded)[len(emails_by_day) :]]
        clock.advance(hours=12)

    assert emails_by_day == [
        (1, ("access_ending", 30)),
        (24, ("access_ending", 7)),
        (30, ("access_ending", 1)),
        (31, ENDED_EMAIL),
    ]


def test_expire_grant_of_20_days_skips_30_day_warning(seeded: Table, clock: Clock) -> None:
    assert link_requests.approve(access_days=20).status == 201
    clock.catch_up()

    run_expiry()
    assert end_emails(seeded) == []
    clock.advance(days=14)
    run_expiry()
    assert end_emails(seeded) == [("access_ending", 7)]


@pytest.mark.parametrize(
    ("away", "expected_emails"),
    [
        (24, [("access_ending", 7), ("access_ending", 1), ENDED_EMAIL]),
        (30, [("access_ending", 1), ENDED_EMAIL]),
        (31, [ENDED_EMAIL]),
        (60, [ENDED_EMAIL]),
    ],
)
def test_expire_grant_with_missed_warnings_sends_latest_only(
    seeded: Table, clock: Clock, away: int, expected_emails: list[tuple[str, int | None]]
) -> None:
    seed(seeded, partner_admin_ending(clock, days=31))
    run_expiry()
    clock.advance(days=away)

    for _ in range(3):
        run_expiry()
        run_expiry()
        clock.advance(days=6 if away == 24 else 1)
    run_expiry()

    assert end_emails(seeded) == expected_emails


def test_expire_grant_after_extension_restarts_warnings(seeded: Table, clock: Clock) -> None:
    seed(seeded, partner_admin_ending(clock, days=1))
    run_expiry()
    assert end_emails(seeded) == [("access_ending", 1)]
    change_grant_end(seeded, clock, 45)

    run_expiry()
    clock.advance(days=15)
    run_expiry()

    assert end_emails(seeded) == [("access_ending", 1), ("access_ending", 30)]


@pytest.mark.parametrize("reason", SuspensionReason)
def test_expire_suspended_grant_warns_and_ends_it(seeded: Table, clock: Clock, reason: SuspensionReason) -> None:
    seed(seeded, partner_admin_ending(clock, days=1).model_copy(update={"suspended_by": frozenset({reason})}))

    run_expiry()
    clock.advance(days=1)
    run_expiry()

    assert end_emails(seeded) == [("access_ending", 1), ENDED_EMAIL]
    assert partner_seats_used(seeded) == 0


def test_expire_grant_under_suspended_program_warns_both_sides(seeded: Table, clock: Clock) -> None:
    seed(seeded, the_partner(program=Program.SUSPENDED), partner_admin_ending(clock, days=1))

    run_expiry()

    assert end_emails(seeded) == [("access_ending", 1)]


ENDED_ACCESS: dict[str, Record] = {
    "the employee left": an_employee(offboardings={PARTNER: 1}, version=2),
    "all have left": the_partner(terminations=1, version=2),
}


@pytest.mark.parametrize("gone", ENDED_ACCESS.values(), ids=ENDED_ACCESS)
@pytest.mark.parametrize("meanwhile", [False, True])
def test_expire_grant_voided_by_offboarding_or_termination_sends_no_warning(
    seeded: Table, clock: Clock, gone: Record, meanwhile: bool
) -> None:
    """The job leaves such a grant to reconciliation, which runs within minutes."""
    due = partner_admin_ending(clock, days=1)
    seed(seeded, due, *(() if meanwhile else (gone,)))
    seeded.put(
        keys.reconciliation("an-act"),
        {"reconciliation": Reconciliation(partner_id=PARTNER, reason=ReconciliationReason.PROGRAM_ENDED)},
    )
    after_change = []

    def void_access() -> None:
        seed(seeded, due, gone)
        after_change.append(seeded.items())

    if meanwhile:
        with before_commit(void_access):
            run_expiry()
    else:
        after_change.append(seeded.items())
    run_expiry()

    assert [seeded.items()] == after_change


def test_expire_due_grant_of_offboarded_employee_ends_it(seeded: Table, clock: Clock) -> None:
    seed(seeded, an_employee(offboardings={PARTNER: 1}), partner_admin_ending(clock))

    run_expiry()

    assert end_emails(seeded) == [ENDED_EMAIL]
    assert partner_seats_used(seeded) == 0


def test_expire_grant_in_stale_index_is_skipped(seeded: Table, clock: Clock) -> None:
    seed(seeded, partner_admin_ending(clock, days=31))
    before = seeded.items()
    seeded.change(keys.member(CLIENT, EMPLOYEE), due_at=clock.time)

    run_expiry()

    seeded.change(keys.member(CLIENT, EMPLOYEE), due_at=clock.time + timedelta(days=1))
    assert seeded.items() == before


# concurrent changes


@pytest.mark.parametrize(("left", "warned"), [(0, 1), (1, 7)], ids=["over", "to be warned of"])
@pytest.mark.parametrize("days", [60, None])
def test_expire_grant_lengthened_before_commit_keeps_it(
    seeded: Table, clock: Clock, left: int, warned: int, days: int | None
) -> None:
    """The grant is over by the clock of the job, but was not yet by the client's."""
    seed(seeded, partner_admin_ending(clock, days=left, warned=warned))

    with before_commit(lambda: change_grant_end(seeded, clock, days)):
        run_expiry()
    run_expiry()

    assert (stored_member(seeded)["active"], partner_seats_used(seeded)) == (True, 1)
    assert end_emails(seeded) == []
    assert not {"grant.expired", "grant.ending"} & set(entries(seeded))
    assert visible_account_ids() == [CLIENT, PARTNER]


@pytest.mark.parametrize(
    ("left", "warned", "expected_emails"),
    [(0, 1, ENDED_EMAIL), (1, 7, ("access_ending", 1))],
    ids=["over", "to be warned of"],
)
def test_expire_grant_suspended_before_commit_keeps_suspension(
    seeded: Table, clock: Clock, left: int, warned: int, expected_emails: tuple[str, int | None]
) -> None:
    seed(seeded, partner_admin_ending(clock, days=left, warned=warned))

    with before_commit(lambda: change_member(seeded, suspended_by=frozenset({SuspensionReason.CLIENT}))):
        run_expiry()
    assert end_emails(seeded) == []
    run_expiry()

    assert end_emails(seeded) == [expected_emails]
    assert stored_member(seeded)["suspended_by"] == {"client"}, "the end of a grant gives no one access"


def test_expire_grant_ended_before_commit_sends_no_warning(seeded: Table, clock: Clock) -> None:
    seed(seeded, partner_admin_ending(clock, days=1))

    def ends() -> None:
        clock.advance(days=1)
        run_expiry()

    with before_commit(ends):
        run_expiry()

    assert end_emails(seeded) == [ENDED_EMAIL]
    assert not stored_member(seeded)["active"]


def test_expire_grant_warned_before_commit_is_ended_by_next_run(seeded: Table, clock: Clock) -> None:
    seed(seeded, partner_admin_ending(clock, warned=7))

    def warned_by_a_clock_that_is_behind() -> None:
        clock.advance(seconds=-1)
        run_expiry()
        clock.advance(seconds=1)

    with before_commit(warned_by_a_clock_that_is_behind):
        run_expiry()
    assert end_emails(seeded) == [("access_ending", 1)]
    assert stored_member(seeded)["active"]
    run_expiry()

    assert end_emails(seeded) == [("access_ending", 1), ENDED_EMAIL]


@pytest.mark.parametrize(
    ("left", "expected_emails", "counted_as"),
    [(0, ENDED_EMAIL, "GrantsExpired"), (7, ("access_ending", 7), "GrantExpiryWarnings")],
    ids=["over", "to be warned of"],
)
def test_expire_concurrent_runs_email_each_grant_once(
    seeded: Table,
    clock: Clock,
    left: int,
    expected_emails: tuple[str, int | None],
    counted_as: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed(seeded, partner_admin_ending(clock, days=left))

    with before_commit(run_expiry):
        run_expiry()

    assert end_emails(seeded) == [expected_emails]
    assert metric_counts(capsys.readouterr().out) == {counted_as: 1}


@pytest.mark.parametrize("fault", [faults.request_lost, faults.response_lost, BUSY], ids=["lost", "late", "busy"])
@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize(
    ("left", "expected_emails"), [(0, ENDED_EMAIL), (7, ("access_ending", 7))], ids=["over", "to be warned of"]
)
def test_expire_grant_with_table_fault_sends_one_email(
    seeded: Table, clock: Clock, position: int, fault: faults.Fault, left: int, expected_emails: tuple[str, int | None]
) -> None:
    seed(seeded, partner_admin_ending(clock, days=left))

    with faults.inject(dynamo.client(), "", *[faults.succeeds] * (7 + position), fault) as requests:
        run_expiry()

    assert len(requests) <= keys.SHARDS + 5
    assert end_emails(seeded) == [expected_emails]


@pytest.mark.parametrize("kills", [faults.killed_before, faults.killed_after], ids=["before", "after"])
@pytest.mark.parametrize(
    ("left", "expected_emails"), [(0, ENDED_EMAIL), (7, ("access_ending", 7))], ids=["over", "to be warned of"]
)
def test_expire_grants_killed_at_any_request_is_finished_by_next_run(
    seeded: Table, clock: Clock, kills: faults.Fault, left: int, expected_emails: tuple[str, int | None]
) -> None:
    seed(seeded, partner_admin_ending(clock, days=left))

    for position in range(12):
        with (
            suppress(faults.Killed),
            faults.inject(dynamo.client(), "", *[faults.succeeds] * position, kills),
        ):
            run_expiry()
        assert violations(seeded.items()) == []
    run_expiry()

    assert end_emails(seeded) == [expected_emails]


# the instant at which a grant ends


@pytest.fixture
def shared_clock(seeded: Table, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Set the clock of the API to the clock of the job."""
    return Clock(monkeypatch, WORKER, "partner_access.api.routing")


@pytest.mark.parametrize("swept", [False, True], ids=["before the sweep", "after the sweep"])
@pytest.mark.parametrize(
    ("left", "accounts", "status"),
    [(1, [CLIENT, PARTNER], 200), (0, [PARTNER], 404), (-1, [PARTNER], 404)],
    ids=["a second before", "at the instant", "a second after"],
)
def test_expired_grant_denies_access_from_exact_end_without_job(
    seeded: Table, shared_clock: Clock, left: int, accounts: list[str], status: int, swept: bool
) -> None:
    seed(seeded, partner_admin_ending(shared_clock, seconds=left, warned=1))
    if swept:
        run_expiry()

    assert visible_account_ids() == accounts
    assert list_permission_sets().status == status


def visible_account_ids() -> list[str]:
    """Return the ids of the accounts that the employee can see."""
    return [row["account_id"] for row in call("GET /accounts", EMPLOYEE).body["items"]]


def account_row(account_id: str) -> Item:
    (row,) = (row for row in call("GET /accounts", EMPLOYEE).body["items"] if row["account_id"] == account_id)
    return dict(row)


def list_permission_sets() -> ApiResponse:
    return call("GET /accounts/{account_id}/permission-sets", EMPLOYEE, account_id=CLIENT)


# time and cost


def test_expire_grants_out_of_time_is_continued_by_next_run(seeded: Table, clock: Clock) -> None:
    seed(seeded, partner_admin_ending(clock, days=7))

    run_expiry(Context(4_999))
    assert end_emails(seeded) == []
    run_expiry()
    assert end_emails(seeded) == [("access_ending", 7)]


def test_expire_grant_with_conflicts_is_retried_by_next_run(
    seeded: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(seeded, partner_admin_ending(clock, days=7))

    with faults.inject(dynamo.client(), "TransactWriteItems", last_fault=faults.WRITE_CONFLICT) as attempts:
        run_expiry()

    assert len(attempts) == retries.ATTEMPTS
    assert metric_counts(capsys.readouterr().out) == {"ConflictExhausted": 1}
    run_expiry()
    assert end_emails(seeded) == [("access_ending", 7)]


def test_expire_grants_cost_is_proportional_to_due_grants(table: Table, clock: Clock) -> None:
    spent = []
    for live in (0, 997):
        table.clear()
        seed(
            table,
            *(partner_admin_of(each, clock, days) for each, days in ((EMPLOYEE, 0), (COLLEAGUE, 1), (MANAGER, 7))),
        )
        for number in range(1_000, 1_000 + live):
            member = partner_admin_of(f"user-{number}", clock, 100)
            table.put(keys.of(member), members.item(member))
        with count_costs(table) as costs:
            run_expiry()
        spent.append((costs.reads, costs.writes, costs.units))
        assert sorted(end_emails(table)) == [ENDED_EMAIL, ("access_ending", 1), ("access_ending", 7)]

    assert spent[0] == spent[1]
    assert spent[0][1] == 3
    assert spent[0][2] <= 3 * 16


def partner_admin_of(user_id: str, clock: Clock, days: int) -> Member:
    grant = a_grant(grant_id=f"grt_of_{user_id}", expires_at=clock.time + timedelta(days=days))
    return a_partner_admin(user_id, grant=grant)
