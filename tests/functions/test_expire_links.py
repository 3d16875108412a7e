"""The sweep of links and grants whose time is over: each ends once, and people are told once, of a grant also before."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.email_delivery import recipients
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.links.links import Link, Standing
from partner_access.domain.memberships.members import Member, Place, Seat, SuspensionReason
from partner_access.domain.notifications import CleanUp, Letter, Occasion
from partner_access.domain.records import Kept
from partner_access.store import dynamo, keys, outbox, retries
from partner_access.store.memberships import members
from tests.support import faults, link_requests
from tests.support.background_functions import EXPIRE_LINKS, Clock, counts, run
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
from tests.support.costs import counted
from tests.support.gateway import Answer, Context, call
from tests.support.races import before_commit
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_world, an_open_link
from tests.support.table import Item, Table
from tools.invariants import broken

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
    return [item["notification"] for item in table.under("OUTBOX#")]


def test_a_link_whose_time_is_over_expires_and_its_creator_is_told(
    world: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    a_world(world, is_over(clock))

    sweep()

    assert kept(world)["stored_state"] == "expired"
    assert "due_at" not in kept(world)
    assert open_links(world) == 0
    assert entries(world) == ["link.expired"]
    (letter,) = letters(world)
    assert (letter["kind"], letter["link_created_by"], letter["employee_id"]) == ("link_expired", MANAGER, EMPLOYEE)
    assert counts(capsys.readouterr().out) == {"LinksExpired": 1}
    assert link_requests.approve().code == "link_expired"


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


def test_what_the_event_of_a_schedule_says_is_not_looked_at(world: Table) -> None:
    before = world.items()

    run(
        EXPIRE_LINKS,
        {"time": "2099-01-01T00:00:00Z", "detail": {"at": "2099-01-01T00:00:00Z", "stored_state": "expired"}},
    )

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
    assert link_requests.approve().status == 201
    clock.passes(days=7)

    sweep()

    assert kept(world)["stored_state"] == "expired"
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
    assert [link_requests.approve(account_id=each).status for each in (CLIENT, SECOND)] == [201, 201]
    assert open_links(world) == 2
    clock.passes(days=7)

    with before_commit(sweep):
        sweep()
    sweep()

    assert kept(world)["stored_state"] == "open"
    assert "due_at" not in kept(world)
    assert open_links(world) == 1
    assert set(entries(world)) == {"link.approved"}
    assert {letter["kind"] for letter in letters(world)} == {"access_granted"}
    assert counts(capsys.readouterr().out) == {}
    assert link_requests.approve().code == "link_already_used"


MEANWHILE: dict[str, tuple[Callable[[], Answer], str, int]] = {
    "approved": (link_requests.approve, "open", 0),
    "declined": (link_requests.decline, "declined", 0),
    "revoked": (link_requests.revoke, "revoked", 0),
    "resent": (link_requests.resend, "open", 1),
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
    assert kept(world)["stored_state"] == standing
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

    assert len(attempts) == 3 + retries.ATTEMPTS
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
    a_world(world, is_over(clock, stored_state=Standing.REVOKED))

    with counted(world) as costs:
        sweep()

    assert (costs.reads, costs.writes) == (keys.SHARDS, 0)


# grants


def ending(clock: Clock, warned: int | None = None, link_id: str | None = None, **left: float) -> Member:
    """The employee, partner admin for so much longer."""
    end = clock.time + timedelta(**left)
    return a_partner_admin(EMPLOYEE, grant=a_grant(expires_at=end, last_warning_days=warned, link_id=link_id))


def member_of(table: Table) -> Item:
    found = table.get(keys.member(CLIENT, EMPLOYEE))
    assert found
    return found


def becomes(table: Table, **changes: Any) -> None:
    """Somebody changes the membership meanwhile."""
    member = Member.model_validate(member_of(table)).changed(**changes)
    table.put(keys.of(member), members.item(member))


def lasts(table: Table, clock: Clock, days: int | None) -> None:
    """The client gives the grant a new end."""
    grant = Member.model_validate(member_of(table)).grant
    assert grant
    becomes(table, grant=grant.ending(days, clock.time))


def told(table: Table) -> list[tuple[str, int | None]]:
    """Of what the letters are that have to do with time, oldest first."""
    found = sorted(letters_by_age(table))
    return [(letter["kind"], letter.get("days_left")) for _, letter in found if letter["kind"] in OF_TIME]


def letters_by_age(table: Table) -> Iterator[tuple[str, Item]]:
    return ((item["outbox_id"], item["notification"]) for item in table.under("OUTBOX#"))


OF_TIME = {"access_ending", "access_ended"}
ENDED = ("access_ended", None)


def partner_seats_used(table: Table) -> int:
    return int((table.get(keys.account(CLIENT)) or {})["partner_seats_used"])


def test_a_grant_whose_time_is_over_ends_frees_its_seat_and_is_told_of_once(
    world: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    a_world(world, the_client(partner_seat_limit=1), ending(clock))

    sweep()
    once = world.items()
    sweep()

    assert world.items() == once
    assert (member_of(world)["active"], "grant" in member_of(world)) == (False, False)
    assert "due_at" not in member_of(world)
    assert partner_seats_used(world) == 0
    expired = [entry["pk"] for entry in world.under("AUDIT#") if entry["event"] == "grant.expired"]
    assert expired == [f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"]
    (letter,) = letters(world)
    assert (letter["kind"], letter["cause"]) == ("access_ended", "time")
    assert (letter["employee_id"], letter["partner_id"], letter["account_id"]) == (EMPLOYEE, PARTNER, CLIENT)
    assert counts(capsys.readouterr().out) == {"GrantsExpired": 1}


def test_whoever_was_there_before_stays_as_he_was_and_for_whom_he_was(world: Table, clock: Clock) -> None:
    before = Place(permission_set="sales", set_version=1, seat=Seat.VIEW_ONLY, partner_id=PARTNER)
    a_world(world, ending(clock).model_copy(update={"previous": before}))

    sweep()

    kept_now = member_of(world)
    assert (kept_now["active"], kept_now["permission_set"], kept_now["seat"]) == (True, "sales", "view_only")
    assert kept_now["partner_id"] == PARTNER, "who came by his firm goes with it, whatever he was in between"


@pytest.mark.parametrize(("days", "warned"), [(30, None), (7, 30), (1, 7), (0, 1)])
def test_nothing_is_written_a_second_before_it_is_due(
    world: Table, clock: Clock, days: int, warned: int | None
) -> None:
    a_world(world, ending(clock, days=days, seconds=1, warned=warned))
    before = world.items()

    sweep()
    assert world.items() == before
    clock.passes(seconds=1)
    sweep()
    assert told(world) == [("access_ending", days) if days else ENDED]


def test_both_sides_are_warned_of_the_end_once(world: Table, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    a_world(world, an_open_link(created_by=MANAGER), ending(clock, days=30, link_id=LINK))

    sweep()
    once = world.items()
    sweep()

    assert world.items() == once
    end = int((clock.time + timedelta(days=30)).timestamp())
    assert (member_of(world)["active"], member_of(world)["grant"]["expires_at"]) == (True, end)
    assert member_of(world)["due_at"] == int((clock.time + timedelta(days=23)).timestamp())
    trail = [entry for entry in world.under("AUDIT#") if entry["event"] == "grant.ending"]
    assert [entry["pk"] for entry in trail] == [f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"]
    assert trail[0]["details"] == {"employee_id": EMPLOYEE, "days_left": 30}
    (letter,) = letters(world)
    assert (letter["kind"], letter["days_left"], letter["expires_at"]) == ("access_ending", 30, end)
    people = recipients(outbox.facts(Letter.model_validate(letter), clock.time), clock.time)
    assert {each.address for each in people} == {
        f"{EMPLOYEE}@north.example",
        f"{MANAGER}@north.example",
        f"{APPROVER}@bakery.example",
    }
    assert counts(capsys.readouterr().out) == {"GrantExpiryWarnings": 1}


def test_from_the_first_day_to_the_last_both_sides_hear_of_it_four_times(world: Table, clock: Clock) -> None:
    a_world(world, ending(clock, days=31))
    heard: list[tuple[float, tuple[str, int | None]]] = []

    for hour in range(0, 32 * 24, 12):
        sweep()
        heard += [(hour / 24, each) for each in told(world)[len(heard) :]]
        clock.passes(hours=12)

    assert heard == [
        (1, ("access_ending", 30)),
        (24, ("access_ending", 7)),
        (30, ("access_ending", 1)),
        (31, ENDED),
    ]


def test_access_given_for_less_than_thirty_days_is_not_warned_of_at_once(world: Table, clock: Clock) -> None:
    assert link_requests.approve(access_days=20).status == 201
    clock.catches_up()

    sweep()
    assert told(world) == []
    clock.passes(days=13)
    sweep()
    assert told(world) == [("access_ending", 7)]


@pytest.mark.parametrize(
    ("away", "heard"),
    [
        (24, [("access_ending", 7), ("access_ending", 1), ENDED]),
        (30, [("access_ending", 1), ENDED]),
        (31, [ENDED]),
        (60, [ENDED]),
    ],
)
def test_of_warnings_that_were_missed_only_the_newest_is_given(
    world: Table, clock: Clock, away: int, heard: list[tuple[str, int | None]]
) -> None:
    a_world(world, ending(clock, days=31))
    sweep()
    clock.passes(days=away)

    for _ in range(3):
        sweep()
        sweep()
        clock.passes(days=6 if away == 24 else 1)
    sweep()

    assert told(world) == heard


def test_an_extension_makes_the_warnings_start_anew(world: Table, clock: Clock) -> None:
    a_world(world, ending(clock, days=1))
    sweep()
    assert told(world) == [("access_ending", 1)]
    lasts(world, clock, 45)

    sweep()
    clock.passes(days=15)
    sweep()

    assert told(world) == [("access_ending", 1), ("access_ending", 30)]


@pytest.mark.parametrize("reason", SuspensionReason)
def test_a_suspended_grant_is_warned_of_and_ends_like_any_other(
    world: Table, clock: Clock, reason: SuspensionReason
) -> None:
    a_world(world, ending(clock, days=1).model_copy(update={"suspended_by": frozenset({reason})}))

    sweep()
    clock.passes(days=1)
    sweep()

    assert told(world) == [("access_ending", 1), ENDED]
    assert partner_seats_used(world) == 0


def test_both_sides_are_warned_while_the_program_of_the_firm_is_suspended(world: Table, clock: Clock) -> None:
    a_world(world, the_partner(program=Program.SUSPENDED), ending(clock, days=1))

    sweep()

    assert told(world) == [("access_ending", 1)]


LEFT: dict[str, Kept] = {
    "he left": an_employee(offboardings={PARTNER: 1}, version=2),
    "all have left": the_partner(terminations=1, version=2),
}


@pytest.mark.parametrize("gone", LEFT.values(), ids=LEFT)
@pytest.mark.parametrize("meanwhile", [False, True])
def test_nobody_is_warned_of_a_grant_that_ended_with_all_that_its_holder_had_for_his_firm(
    world: Table, clock: Clock, gone: Kept, meanwhile: bool
) -> None:
    """The sweep leaves such a grant to the clean-up, which comes within minutes."""
    due = ending(clock, days=1)
    a_world(world, due, *(() if meanwhile else (gone,)))
    world.put(keys.clean_up("an-act"), {"reconciliation": CleanUp(partner_id=PARTNER, reason=Occasion.PROGRAM_ENDED)})
    seen = []

    def leave() -> None:
        a_world(world, due, gone)
        seen.append(world.items())

    if meanwhile:
        with before_commit(leave):
            sweep()
    else:
        seen.append(world.items())
    sweep()

    assert [world.items()] == seen


def test_whoever_left_may_be_written_off_by_the_sweep_when_his_time_is_over(world: Table, clock: Clock) -> None:
    a_world(world, an_employee(offboardings={PARTNER: 1}), ending(clock))

    sweep()

    assert told(world) == [ENDED]
    assert partner_seats_used(world) == 0


def test_the_index_may_still_show_a_grant_that_has_a_later_end(world: Table, clock: Clock) -> None:
    a_world(world, ending(clock, days=31))
    before = world.items()
    world.change(keys.member(CLIENT, EMPLOYEE), due_at=clock.time)

    sweep()

    world.change(keys.member(CLIENT, EMPLOYEE), due_at=clock.time + timedelta(days=1))
    assert world.items() == before


# who is first


@pytest.mark.parametrize(("left", "warned"), [(0, 1), (1, 7)], ids=["over", "to be warned of"])
@pytest.mark.parametrize("days", [60, None])
def test_who_lengthens_a_grant_meanwhile_was_first(
    world: Table, clock: Clock, left: int, warned: int, days: int | None
) -> None:
    """By the sweep's clock the grant is over, by the client's it was not yet."""
    a_world(world, ending(clock, days=left, warned=warned))

    with before_commit(lambda: lasts(world, clock, days)):
        sweep()
    sweep()

    assert (member_of(world)["active"], partner_seats_used(world)) == (True, 1)
    assert told(world) == []
    assert not {"grant.expired", "grant.ending"} & set(entries(world))
    assert accounts_of_the_employee() == [CLIENT, PARTNER]


@pytest.mark.parametrize(
    ("left", "warned", "heard"), [(0, 1, ENDED), (1, 7, ("access_ending", 1))], ids=["over", "to be warned of"]
)
def test_who_suspends_a_grant_meanwhile_keeps_his_suspension_and_the_next_sweep_comes(
    world: Table, clock: Clock, left: int, warned: int, heard: tuple[str, int | None]
) -> None:
    before = Place(permission_set="sales", set_version=1, seat=Seat.VIEW_ONLY)
    a_world(world, ending(clock, days=left, warned=warned).model_copy(update={"previous": before}))

    with before_commit(lambda: becomes(world, suspended_by=frozenset({SuspensionReason.CLIENT}))):
        sweep()
    assert told(world) == []
    sweep()

    assert told(world) == [heard]
    assert member_of(world)["suspended_by"] == {"client"}, "no end of a grant gives anybody access"


def test_a_grant_that_has_just_ended_is_not_warned_of_by_a_sweep_that_is_late(world: Table, clock: Clock) -> None:
    a_world(world, ending(clock, days=1))

    def ends() -> None:
        clock.passes(days=1)
        sweep()

    with before_commit(ends):
        sweep()

    assert told(world) == [ENDED]
    assert not member_of(world)["active"]


def test_a_grant_that_was_warned_of_meanwhile_ends_with_the_next_sweep(world: Table, clock: Clock) -> None:
    a_world(world, ending(clock, warned=7))

    def warned_by_a_clock_that_is_behind() -> None:
        clock.passes(seconds=-1)
        sweep()
        clock.passes(seconds=1)

    with before_commit(warned_by_a_clock_that_is_behind):
        sweep()
    assert told(world) == [("access_ending", 1)]
    assert member_of(world)["active"]
    sweep()

    assert told(world) == [("access_ending", 1), ENDED]


@pytest.mark.parametrize(
    ("left", "heard", "counted_as"),
    [(0, ENDED, "GrantsExpired"), (7, ("access_ending", 7), "GrantExpiryWarnings")],
    ids=["over", "to be warned of"],
)
def test_two_sweeps_at_once_tell_of_each_grant_once(
    world: Table,
    clock: Clock,
    left: int,
    heard: tuple[str, int | None],
    counted_as: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    a_world(world, ending(clock, days=left))

    with before_commit(sweep):
        sweep()

    assert told(world) == [heard]
    assert counts(capsys.readouterr().out) == {counted_as: 1}


@pytest.mark.parametrize("fault", [faults.goes_unheard, faults.goes_unanswered, BUSY], ids=["lost", "late", "busy"])
@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize(("left", "heard"), [(0, ENDED), (7, ("access_ending", 7))], ids=["over", "to be warned of"])
def test_a_fault_at_the_table_is_survived_with_one_letter(
    world: Table, clock: Clock, position: int, fault: faults.Fault, left: int, heard: tuple[str, int | None]
) -> None:
    a_world(world, ending(clock, days=left))

    with faults.at(dynamo.client(), "", *[faults.works] * (7 + position), fault) as requests:
        sweep()

    assert len(requests) <= keys.SHARDS + 5
    assert told(world) == [heard]


@pytest.mark.parametrize("kills", [faults.kills_before, faults.kills_after], ids=["before", "after"])
@pytest.mark.parametrize(("left", "heard"), [(0, ENDED), (7, ("access_ending", 7))], ids=["over", "to be warned of"])
def test_a_sweep_of_grants_that_ends_anywhere_is_finished_by_the_next(
    world: Table, clock: Clock, kills: faults.Fault, left: int, heard: tuple[str, int | None]
) -> None:
    a_world(world, ending(clock, days=left))

    for position in range(12):
        with (
            suppress(faults.Killed),
            faults.at(dynamo.client(), "", *[faults.works] * position, kills),
        ):
            sweep()
        assert broken(world.items()) == []
    sweep()

    assert told(world) == [heard]


# the instant at which a grant ends


@pytest.fixture
def one_clock(world: Table, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The doors go by the sweep's clock."""
    return Clock(monkeypatch, EXPIRE_LINKS, "partner_access.api.routing")


@pytest.mark.parametrize("swept", [False, True], ids=["before the sweep", "after the sweep"])
@pytest.mark.parametrize(
    ("left", "accounts", "status"),
    [(1, [CLIENT, PARTNER], 200), (0, [PARTNER], 404), (-1, [PARTNER], 404)],
    ids=["a second before", "at the instant", "a second after"],
)
def test_access_ends_at_the_instant_whether_or_not_the_sweep_has_come(
    world: Table, one_clock: Clock, left: int, accounts: list[str], status: int, swept: bool
) -> None:
    a_world(world, ending(one_clock, seconds=left, warned=1))
    if swept:
        sweep()

    assert accounts_of_the_employee() == accounts
    assert assignable().status == status


@pytest.mark.parametrize("swept", [False, True], ids=["before the sweep", "after the sweep"])
@pytest.mark.parametrize(
    ("left", "permission_set", "status"),
    [(1, "partner_admin", 200), (0, "view_only", 403), (-1, "view_only", 403)],
    ids=["a second before", "at the instant", "a second after"],
)
def test_whoever_was_there_before_is_what_he_was_from_that_instant_on(
    world: Table, one_clock: Clock, left: int, permission_set: str, status: int, swept: bool
) -> None:
    before = Place(permission_set="view_only", set_version=1, seat=Seat.VIEW_ONLY)
    a_world(world, ending(one_clock, seconds=left, warned=1).model_copy(update={"previous": before}))
    if swept:
        sweep()

    assert shown_in(CLIENT)["permission_set"] == permission_set
    assert assignable().status == status


def accounts_of_the_employee() -> list[str]:
    """The accounts in which the employee is."""
    return [row["account_id"] for row in call("GET /accounts", EMPLOYEE).body["items"]]


def shown_in(account_id: str) -> Item:
    (row,) = (row for row in call("GET /accounts", EMPLOYEE).body["items"] if row["account_id"] == account_id)
    return dict(row)


def assignable() -> Answer:
    return call("GET /accounts/{account_id}/permission-sets", EMPLOYEE, account_id=CLIENT)


# time and cost


def test_a_sweep_that_runs_out_of_time_leaves_the_rest_of_the_warnings_to_the_next(world: Table, clock: Clock) -> None:
    a_world(world, ending(clock, days=7))

    sweep(Context(4_999))
    assert told(world) == []
    sweep()
    assert told(world) == [("access_ending", 7)]


def test_a_crowded_grant_is_left_for_the_next_sweep(
    world: Table, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    a_world(world, ending(clock, days=7))

    with faults.at(dynamo.client(), "TransactWriteItems", then=faults.CONFLICTS) as attempts:
        sweep()

    assert len(attempts) == retries.ATTEMPTS
    assert counts(capsys.readouterr().out) == {"ConflictExhausted": 1}
    sweep()
    assert told(world) == [("access_ending", 7)]


def test_a_sweep_costs_in_proportion_to_the_grants_that_are_due_whatever_else_lives(table: Table, clock: Clock) -> None:
    spent = []
    for live in (0, 997):
        table.clear()
        a_world(table, *(someone(each, clock, days) for each, days in ((EMPLOYEE, 0), (COLLEAGUE, 1), (MANAGER, 7))))
        for number in range(1_000, 1_000 + live):
            member = someone(f"user-{number}", clock, 100)
            table.put(keys.of(member), members.item(member))
        with counted(table) as costs:
            sweep()
        spent.append((costs.reads, costs.writes, costs.units))
        assert sorted(told(table)) == [ENDED, ("access_ending", 1), ("access_ending", 7)]

    assert spent[0] == spent[1]
    assert spent[0][1] == 3
    assert spent[0][2] <= 3 * 16


def someone(user_id: str, clock: Clock, days: int) -> Member:
    grant = a_grant(grant_id=f"grt_of_{user_id}", expires_at=clock.time + timedelta(days=days))
    return a_partner_admin(user_id, grant=grant)
