"""The sweep of links whose time is over: each becomes expired once, and its creator is told once."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.links import Link, Standing
from partner_access.domain.members import Member, Place, Seat
from partner_access.domain.refusals import TemporarilyUnavailable
from partner_access.store import dynamo, keys
from tests import faults, knocks
from tests.builders import APPROVER, CLIENT, EMPLOYEE, LINK, PARTNER, a_grant, a_member, a_partner_admin, the_client
from tests.costs import counted
from tests.doors import Answer, Context
from tests.invariants import broken
from tests.races import before_commit
from tests.table import Item, Table
from tests.workers import EXPIRE_LINKS, Clock, counts, run
from tests.worlds import MANAGER, a_world, an_open_link

BUSY = faults.says("ThrottlingException")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Clock(monkeypatch, EXPIRE_LINKS)


@pytest.fixture
def world(table: Table, clock: Clock) -> Iterator[Table]:
    """The usual world; whatever happens, it is sound afterwards."""
    a_world(table)
    yield table
    assert broken(table.items()) == []


def sweep(context: Context | None = None) -> None:
    assert run(EXPIRE_LINKS, {}, context) is None


def link_id(number: int) -> str:
    return f"lnk_{number:032x}"


def is_over(clock: Clock, **changes: Any) -> Link:
    return an_open_link(**{"expires_at": clock.time, "created_by": MANAGER, **changes})


def some(clock: Clock, how_many: int, first: int = 0, **changes: Any) -> list[Link]:
    return [is_over(clock, link_id=link_id(number), **changes) for number in range(first, first + how_many)]


def kept(table: Table, name: str = LINK) -> Item:
    found = table.get(keys.link(PARTNER, name))
    assert found
    return found


def open_links(table: Table) -> int:
    found = table.get(keys.user(EMPLOYEE))
    assert found
    return int(found["open_links"])


def entries(table: Table) -> list[str]:
    return [item["event"] for item in table.under("AUDIT#")]


def letters(table: Table) -> list[Item]:
    return [item["letter"] for item in table.under("OUTBOX#")]


def test_a_link_whose_time_is_over_expires_and_its_creator_is_told(
    world: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    a_world(world, is_over(clock))

    sweep()

    assert kept(world)["standing"] == "expired"
    assert "due_at" not in kept(world)
    assert open_links(world) == 0
    assert entries(world) == ["link.expired"]
    (letter,) = letters(world)
    assert (letter["kind"], letter["created_by"], letter["employee_id"]) == ("link_expired", MANAGER, EMPLOYEE)
    assert counts(capsys.readouterr().out) == {"LinksExpired": 1}
    assert knocks.approve().code == "link_expired"


@pytest.mark.parametrize(("left", "expired"), [(1, 0), (0, 1), (-1, 1)])
def test_the_end_is_exclusive(world: Table, clock: Clock, left: int, expired: int) -> None:
    a_world(world, is_over(clock, expires_at=clock.time + timedelta(seconds=left)))

    sweep()

    assert entries(world) == ["link.expired"] * expired
    assert open_links(world) == 1 - expired


def test_a_link_that_is_not_due_is_left_alone(world: Table) -> None:
    before = world.items()

    sweep()

    assert world.items() == before


def test_sweeps_that_follow_each_other_or_were_skipped_come_to_the_same(world: Table, clock: Clock) -> None:
    a_world(world, is_over(clock), *some(clock, 3))
    clock.passes(days=30)

    sweep()
    once = world.items()
    sweep()
    sweep()

    assert world.items() == once
    assert entries(world) == ["link.expired"] * 4
    assert len(letters(world)) == 4


def test_two_sweeps_at_once_expire_each_link_once(
    world: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    a_world(world, is_over(clock), *some(clock, 3))

    with before_commit(sweep):
        sweep()

    assert entries(world) == ["link.expired"] * 4
    assert len(letters(world)) == 4
    assert open_links(world) == 0
    assert counts(capsys.readouterr().out) == {"LinksExpired": 4}


def test_a_link_with_several_approvals_that_some_gave_expires(world: Table, clock: Clock) -> None:
    a_world(world, an_open_link(max_approvals=3))
    assert knocks.approve().status == 201
    clock.passes(days=7)

    sweep()

    assert kept(world)["standing"] == "expired"
    assert "link.expired" in entries(world)


SECOND = "client-second"


def test_a_link_that_is_used_up_leaves_the_sweep_without_a_word(
    world: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    a_world(
        world,
        an_open_link(max_approvals=2),
        an_open_link(link_id=link_id(1), expires_at=clock.time + timedelta(days=20)),
        the_client(account_id=SECOND, name="The Second"),
        a_member(APPROVER, account_id=SECOND),
    )
    assert [knocks.approve(account_id=each).status for each in (CLIENT, SECOND)] == [201, 201]
    assert open_links(world) == 2
    clock.passes(days=7)

    with before_commit(sweep):
        sweep()
    sweep()

    assert kept(world)["standing"] == "open"
    assert "due_at" not in kept(world)
    assert open_links(world) == 1
    assert set(entries(world)) == {"link.approved"}
    assert {letter["kind"] for letter in letters(world)} == {"access_granted"}
    assert counts(capsys.readouterr().out) == {}
    assert knocks.approve().code == "link_already_used"


MEANWHILE: dict[str, tuple[Callable[[], Answer], str, int]] = {
    "approved": (knocks.approve, "open", 0),
    "declined": (knocks.decline, "declined", 0),
    "revoked": (knocks.revoke, "revoked", 0),
    "resent": (knocks.resend, "open", 1),
}


@pytest.mark.parametrize(("happens", "standing", "left"), MEANWHILE.values(), ids=MEANWHILE)
@pytest.mark.parametrize(
    "operation", ["BatchGetItem", "TransactWriteItems"], ids=["before it is read", "before it ends"]
)
def test_whoever_ends_or_renews_a_link_first_keeps_it(
    world: Table,
    clock: Clock,
    operation: str,
    happens: Callable[[], Answer],
    standing: str,
    left: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the sweep's clock the link is over, by the others' it is not: the conditions say who was first."""
    clock.passes(days=6, minutes=1)
    answers = []

    def meanwhile(_: Any, send: faults.Send) -> Any:
        answers.append(happens().status)
        return send()

    with faults.at(dynamo.client(), operation, meanwhile):
        sweep()

    assert answers[0] < 300
    assert kept(world)["standing"] == standing
    assert open_links(world) == left
    assert ("due_at" in kept(world)) is bool(left)
    assert "link.expired" not in entries(world)
    assert "link_expired" not in [letter["kind"] for letter in letters(world)]
    assert "LinksExpired" not in counts(capsys.readouterr().out)


def test_a_link_that_the_index_still_shows_is_not_counted_again(world: Table, clock: Clock) -> None:
    """An index lags: it may show what left it, as it was."""
    a_world(world, is_over(clock))
    asked = dynamo.query
    shown: dict[str, dynamo.Page] = {}

    def late(condition: str, **how: Any) -> dynamo.Page:
        return shown.setdefault(how["part"], asked(condition, **how))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dynamo, "query", late)
        sweep()
        once = world.items()
        sweep()

    assert world.items() == once


def test_a_link_that_is_not_there_any_more_is_passed_by(world: Table, clock: Clock) -> None:
    a_world(world, is_over(clock))

    def gone(_: Any, send: faults.Send) -> Any:
        world.remove(keys.link(PARTNER, LINK))
        world.change(keys.user(EMPLOYEE), open_links=0)
        return send()

    with faults.at(dynamo.client(), "BatchGetItem", gone):
        sweep()

    assert entries(world) == []


# time, load, cost


def test_a_sweep_that_runs_out_of_time_leaves_the_rest_to_the_next(world: Table, clock: Clock) -> None:
    a_world(world, is_over(clock), *some(clock, 5))

    sweep(Context(4_999))
    assert entries(world) == []

    context = Context(5_000)
    with before_commit(lambda: setattr(context, "milliseconds", 4_999)):
        sweep(context)
    assert len(entries(world)) == 1

    sweep()
    assert len(entries(world)) == 6


def test_a_crowded_link_does_not_keep_the_others(
    world: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    a_world(world, is_over(clock), *some(clock, 3))

    def crowded(request: Any, send: faults.Send) -> Any:
        return faults.CONFLICTS(request, send) if LINK in str(request.body) else send()

    with faults.at(dynamo.client(), "TransactWriteItems", then=crowded) as attempts:
        sweep()

    assert len(attempts) == 3 + dynamo.ATTEMPTS
    assert len(entries(world)) == 3
    assert counts(capsys.readouterr().out) == {"LinksExpired": 3, "ConflictExhausted": 1}
    sweep()
    assert len(entries(world)) == 4


@pytest.mark.parametrize("fault", [faults.goes_unheard, faults.goes_unanswered, BUSY], ids=["lost", "late", "busy"])
@pytest.mark.parametrize("position", range(3))
def test_a_fault_at_the_table_is_survived_with_one_effect(
    world: Table, clock: Clock, position: int, fault: faults.Fault
) -> None:
    a_world(world, is_over(clock))

    with faults.at(dynamo.client(), "", *[faults.works] * (7 + position), fault) as requests:
        sweep()

    assert len(requests) <= keys.SHARDS + 4
    assert entries(world) == ["link.expired"]
    assert len(letters(world)) == 1


@pytest.mark.parametrize("kills", [faults.kills_before, faults.kills_after], ids=["before", "after"])
def test_a_sweep_that_ends_anywhere_is_finished_by_the_next(world: Table, clock: Clock, kills: faults.Fault) -> None:
    a_world(world, is_over(clock), *some(clock, 2))

    for position in range(16):
        with (
            suppress(faults.Killed),
            faults.at(dynamo.client(), "", *[faults.works] * position, kills),
        ):
            sweep()
        assert broken(world.items()) == []
    sweep()

    assert entries(world) == ["link.expired"] * 3
    assert len(letters(world)) == 3


def test_a_table_that_is_down_is_no_reason_to_write_anything(world: Table, clock: Clock) -> None:
    a_world(world, is_over(clock))
    before = world.items()

    with (
        faults.at(dynamo.client(), "", then=BUSY) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        sweep()

    assert len(attempts) == 3
    assert world.items() == before


def test_a_sweep_costs_in_proportion_to_what_is_due_whatever_else_is_open(world: Table, clock: Clock) -> None:
    spent = []
    for live in (0, 490):
        a_world(world, *some(clock, 10, first=1000 * live), *others(clock, live))
        with counted(world) as costs:
            sweep()
        spent.append((costs.reads, costs.writes, costs.units))
        for item in [*world.under("AUDIT#"), *world.under("OUTBOX#"), *world.under(f"PARTNER#{PARTNER}")]:
            world.remove(keys.Key(item["pk"], item["sk"]))
    a_world(world)

    assert spent[0][1] == spent[1][1] == 10
    assert spent[0] == spent[1]


def others(clock: Clock, how_many: int) -> list[Link]:
    end = clock.time + timedelta(days=1)
    return [an_open_link(link_id=link_id(5_000 + number), expires_at=end) for number in range(how_many)]


def test_more_links_than_a_page_all_expire(world: Table, clock: Clock) -> None:
    a_world(world, *some(clock, 20))
    asked = dynamo.query

    def few(condition: str, **how: Any) -> dynamo.Page:
        return asked(condition, **{**how, "limit": 1})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dynamo, "query", few)
        sweep()

    assert entries(world) == ["link.expired"] * 20


def test_links_that_ended_otherwise_are_not_even_looked_at(world: Table, clock: Clock) -> None:
    a_world(world, is_over(clock, standing=Standing.REVOKED))

    with counted(world) as costs:
        sweep()

    assert (costs.reads, costs.writes) == (keys.SHARDS, 0)


# grants


def a_lapsed(clock: Clock, **changes: Any) -> Member:
    return a_partner_admin(EMPLOYEE, grant=a_grant(expires_at=clock.time), **changes)


def member_of(table: Table) -> Item:
    found = table.get(keys.member(CLIENT, EMPLOYEE))
    assert found
    return found


def test_a_grant_whose_time_is_over_ends_and_frees_its_seat_once(world: Table, clock: Clock) -> None:
    a_world(world, the_client(seats=1), a_lapsed(clock))

    sweep()
    once = world.items()
    sweep()

    assert world.items() == once
    assert (member_of(world)["active"], "grant" in member_of(world)) == (False, False)
    assert (world.get(keys.account(CLIENT)) or {})["seats_taken"] == 0
    expired = [entry["pk"] for entry in world.under("AUDIT#") if entry["event"] == "grant.expired"]
    assert expired == [f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"]


def test_whoever_was_there_before_stays_as_he_was_and_for_whom_he_was(world: Table, clock: Clock) -> None:
    before = Place(permission_set="sales", set_version=1, seat=Seat.VIEW_ONLY, partner_id=PARTNER)
    a_world(world, a_lapsed(clock, previous=before))

    sweep()

    kept_now = member_of(world)
    assert (kept_now["active"], kept_now["permission_set"], kept_now["seat"]) == (True, "sales", "view_only")
    assert kept_now["partner_id"] == PARTNER, "who came by his firm goes with it, whatever he was in between"


def test_a_grant_with_a_later_end_is_left_alone(world: Table, clock: Clock) -> None:
    later = a_grant(expires_at=clock.time + timedelta(seconds=1))
    a_world(world, a_partner_admin(EMPLOYEE, grant=later))
    before = world.items()

    sweep()

    assert world.items() == before


def test_a_grant_that_was_lengthened_meanwhile_is_left_alone(world: Table, clock: Clock) -> None:
    a_world(world, a_lapsed(clock))

    def lengthen() -> None:
        a_world(world, a_partner_admin(EMPLOYEE, version=2, grant=a_grant(expires_at=clock.time + timedelta(days=1))))

    with before_commit(lengthen):
        sweep()
    sweep()

    assert member_of(world)["active"]
    assert "grant.expired" not in entries(world)


def test_the_index_may_still_show_a_grant_that_has_a_later_end(world: Table, clock: Clock) -> None:
    later = a_grant(expires_at=clock.time + timedelta(days=1))
    a_world(world, a_partner_admin(EMPLOYEE, grant=later))
    world.change(keys.member(CLIENT, EMPLOYEE), due_at=int(clock.time.timestamp()))

    sweep()

    assert member_of(world)["active"]
    world.change(keys.member(CLIENT, EMPLOYEE), due_at=int(later.expires_at.timestamp()) if later.expires_at else 0)
