"""Behind what one write ended or stopped everywhere: who has nothing from that instant, what is told, and how it ends."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.notifications import CleanUp, Occasion
from partner_access.domain.records import Kept
from partner_access.store import dynamo, keys
from tests.support import faults, link_requests
from tests.support.background_functions import CLEAN_UP, Clock, clean_up, counts, logged
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
from tests.support.costs import counted
from tests.support.gateway import Context, call, tell
from tests.support.link_requests import nothing_changes
from tests.support.races import before_commit
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_world, an_open_link, staff
from tests.support.table import Item, Table
from tools.invariants import broken

BUSY = faults.says("ThrottlingException")
SECOND = "client-second"
END = "DELETE /partners/{partner_id}/employees/{user_id}/access"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Clock(monkeypatch, CLEAN_UP)


@pytest.fixture
def world(table: Table, clock: Clock) -> Iterator[Table]:
    """Two clients: in one the employee and a colleague are partner admins, in the other the employee; sound afterwards."""
    a_world(table, *two_clients())
    yield table
    assert broken(table.items()) == []


def two_clients(**changes: Any) -> list[Kept]:
    return [
        a_partner_admin(**changes),
        a_partner_admin(COLLEAGUE, grant=a_grant(grant_id=f"grt_{'8' * 32}")),
        the_client(account_id=SECOND, name="The Second"),
        a_member(APPROVER, account_id=SECOND),
        a_partner_admin(account_id=SECOND, grant=a_grant(grant_id=f"grt_{'9' * 32}")),
    ]


def member(table: Table, account_id: str = CLIENT, user_id: str = EMPLOYEE) -> Item:
    found = table.get(keys.member(account_id, user_id))
    assert found
    return found


def state(account_id: str = CLIENT, user_id: str = EMPLOYEE) -> tuple[str, list[str] | None]:
    """How the client sees the membership."""
    shown = call("GET /accounts/{account_id}/users/{user_id}", APPROVER, account_id=account_id, user_id=user_id).body
    return shown["state"], shown.get("suspended_by")


def has_access(by: str = EMPLOYEE, account_id: str = CLIENT) -> bool:
    return call("GET /accounts/{account_id}/permission-sets", by, account_id=account_id).status == 200


def partner_seats_used(table: Table, account_id: str = CLIENT) -> int:
    found = table.get(keys.account(account_id))
    assert found
    return int(found["partner_seats_used"])


def entries(table: Table, account_id: str = CLIENT) -> list[str]:
    return sorted(item["event"] for item in table.under(f"AUDIT#{account_id}") if item["event"] != "grant.given")


def letters(table: Table) -> list[tuple[str, str, str | None]]:
    found = [item["notification"] for item in table.under("OUTBOX#")]
    return sorted((each["account_id"], each["kind"], each.get("cause")) for each in found)


def waiting(table: Table) -> list[Item]:
    return table.under("RECONCILIATION#")


def end(user_id: str = EMPLOYEE) -> None:
    """All access of an employee ends, and nobody has tidied up yet."""
    with faults.at(dynamo.client(), "TransactWriteItems", faults.works, then=faults.CONFLICTS):
        assert call(END, MANAGER, partner_id=PARTNER, user_id=user_id).status == 200


def told_of_program(**told: object) -> None:
    link_requests.tell_account(PARTNER, **told)


# the program


def test_a_suspended_program_stops_everybody_at_once_and_each_client_hears_it_once(world: Table) -> None:
    told_of_program(program="suspended")

    for account_id, user_id in ((CLIENT, EMPLOYEE), (CLIENT, COLLEAGUE), (SECOND, EMPLOYEE)):
        assert not has_access(user_id, account_id)
        assert state(account_id, user_id) == ("suspended", ["program"])
    assert "suspended_by" not in member(world)

    clean_up()

    assert partner_seats_used(world) == 2
    assert member(world)["suspended_by"] == {"program"}
    stopped = [(CLIENT, "program_stopped", "program"), (SECOND, "program_stopped", "program")]
    assert letters(world) == stopped
    assert entries(world) == ["member.suspended", "member.suspended", "program.stopped"]
    assert entries(world, SECOND) == ["member.suspended", "program.stopped"]
    assert waiting(world) == []
    once = world.items()
    clean_up()
    assert world.items() == once


def test_a_reactivated_program_lets_all_go_on_before_anything_is_written(world: Table) -> None:
    told_of_program(program="suspended")
    clean_up()
    before = member(world)

    told_of_program(program="active")
    assert has_access()
    assert state() == ("active", None)
    assert member(world) == before

    clean_up()
    assert "suspended_by" not in member(world)
    assert [kind for _, kind, _ in letters(world)] == ["program_resumed", "program_stopped"] * 2
    assert entries(world, SECOND) == ["member.resumed", "member.suspended", "program.resumed", "program.stopped"]


def test_a_program_that_goes_on_before_anybody_was_told_is_told_as_it_is(world: Table) -> None:
    told_of_program(program="suspended")
    told_of_program(program="active")
    clean_up()

    assert letters(world) == [(each, "program_resumed", None) for each in (CLIENT, SECOND)]
    assert "suspended_by" not in member(world)
    assert waiting(world) == []


def test_a_terminated_program_ends_all_for_good(world: Table) -> None:
    told_of_program(program="terminated")

    assert not has_access()
    assert link_requests.approve().code == "link_revoked"
    clean_up()

    assert not member(world)["active"]
    assert (partner_seats_used(world), partner_seats_used(world, SECOND)) == (0, 0)
    assert letters(world) == [(each, "program_stopped", "terminated") for each in (CLIENT, SECOND)]
    assert entries(world) == ["access.ended", "access.ended", "program.stopped"]
    link = world.get(keys.link(PARTNER, LINK))
    assert link
    assert link["stored_state"] == "revoked"

    told_of_program(program="active")
    clean_up()
    assert not has_access()
    assert waiting(world) == []
    assert len(letters(world)) == 2


def test_what_ended_with_the_program_stays_ended_when_it_is_back_before_the_clean_up(world: Table) -> None:
    told_of_program(program="terminated")
    told_of_program(program="active")

    assert not has_access()
    clean_up()
    assert not member(world)["active"]
    assert letters(world) == [(each, "program_stopped", "terminated") for each in (CLIENT, SECOND)]


@pytest.mark.parametrize("told", [{"domains": []}, {"domains": ["other.example"]}])
def test_a_firm_without_its_domain_has_no_employees(world: Table, told: dict[str, object]) -> None:
    told_of_program(**told)

    assert state() == ("suspended", ["employee"])
    assert not has_access()
    clean_up()
    assert letters(world) == [
        (CLIENT, "access_suspended", "employee"),
        (CLIENT, "access_suspended", "employee"),
        (SECOND, "access_suspended", "employee"),
    ]

    told_of_program(domains=["north.example"])
    assert has_access()
    clean_up()
    assert [kind for _, kind, _ in letters(world)].count("access_resumed") == 3
    assert "suspended_by" not in member(world)


# one person


@pytest.mark.parametrize("by", ["vendor", "firm"])
def test_an_employee_who_is_deactivated_is_stopped_everywhere_and_comes_back(world: Table, by: str) -> None:
    def told(active: bool) -> None:
        if by == "vendor":
            link_requests.tell_user(EMPLOYEE, active=active)
        else:
            link_requests.tell_member(PARTNER, EMPLOYEE, active=active)

    told(active=False)
    assert not has_access()
    assert (state(), state(user_id=COLLEAGUE)) == (("suspended", ["employee"]), ("active", None))
    clean_up()
    assert (member(world)["suspended_by"], partner_seats_used(world)) == ({"employee"}, 2)
    assert letters(world) == [(each, "access_suspended", "employee") for each in (CLIENT, SECOND)]

    told(active=True)
    assert has_access()
    clean_up()
    assert "suspended_by" not in member(world)
    assert entries(world, SECOND) == ["member.resumed", "member.suspended"]
    assert [kind for _, kind, _ in letters(world)] == ["access_resumed", "access_suspended"] * 2
    assert waiting(world) == []


def test_the_clients_own_suspension_outlasts_all_others(world: Table) -> None:
    a_world(world, *two_clients(suspended_by=frozenset({SuspensionReason.CLIENT})))

    told_of_program(program="suspended")
    clean_up()
    assert member(world)["suspended_by"] == {"client", "program"}
    link_requests.tell_user(EMPLOYEE, active=False)
    clean_up()
    told_of_program(program="active")
    clean_up()
    assert member(world)["suspended_by"] == {"client", "employee"}
    assert state() == ("suspended", ["client", "employee"])
    link_requests.tell_user(EMPLOYEE, active=True)
    clean_up()

    assert member(world)["suspended_by"] == {"client"}
    assert not has_access()
    assert has_access(account_id=SECOND)


def test_an_erased_person_is_out_for_good_with_or_without_employment(world: Table) -> None:
    link_requests.tell_member(PARTNER, EMPLOYEE, active=False)

    assert tell("POST /directory/users/{user_id}/erasure", user_id=EMPLOYEE).status == 202
    clean_up()

    assert not member(world)["active"]
    assert entries(world, SECOND) == ["access.ended"]
    assert letters(world) == []
    assert partner_seats_used(world, SECOND) == 0
    assert world.get(keys.link(PARTNER, LINK))["stored_state"] == "revoked"  # type: ignore[index]
    link_requests.tell_user(EMPLOYEE, email="again@north.example", name="Again", active=True)
    link_requests.tell_member(PARTNER, EMPLOYEE, active=True)
    assert not has_access()
    clean_up()
    assert waiting(world) == []


def test_whoever_is_left_without_a_super_admin_hears_it(table: Table, clock: Clock) -> None:
    a_world(
        table,
        the_client(account_id=SECOND, name="The Second"),
        a_member(APPROVER, account_id=SECOND),
        a_user("user-other"),
        a_member("user-other", account_id=SECOND),
    )

    link_requests.tell_user(APPROVER, active=False)
    clean_up()
    clean_up()

    assert letters(table) == [(CLIENT, "account_orphaned", None)]
    assert entries(table) == ["account.orphaned", "user.updated"]
    assert entries(table, SECOND) == []
    assert waiting(table) == []
    assert broken(table.items()) == []
    link_requests.tell_user(APPROVER, active=True)
    clean_up()
    assert len(letters(table)) == 1


def test_a_lapsed_grant_is_left_to_its_own_sweep(table: Table, clock: Clock) -> None:
    a_world(table, a_partner_admin(grant=a_grant(expires_at=clock.time - timedelta(seconds=1))))
    end()
    link_requests.tell_user(EMPLOYEE, active=False)
    before = member(table)

    clean_up()

    assert member(table) == before
    assert letters(table) == []
    assert waiting(table) == []


# several at once


def test_who_left_and_is_then_deactivated_is_told_of_as_having_left(world: Table) -> None:
    """Each clean-up tidies up after its own write, whichever comes first."""
    link_requests.tell_user(EMPLOYEE, active=False)
    link_requests.tell_user(EMPLOYEE, active=True)
    link_requests.tell_user(EMPLOYEE, active=False)
    end()
    clean_up()

    assert letters(world) == [(each, "member_retained", None) for each in (CLIENT, SECOND)]
    assert waiting(world) == []


def test_clean_ups_that_are_doubled_or_skipped_come_to_the_same(world: Table, clock: Clock) -> None:
    end()
    clock.passes(days=30)
    clean_up()
    once = world.items()
    clean_up()

    assert world.items() == once
    assert entries(world) == ["access.ended"]
    assert letters(world) == [(each, "member_retained", None) for each in (CLIENT, SECOND)]


def test_two_clean_ups_at_once_tell_everybody_once(world: Table, capsys: pytest.CaptureFixture[str]) -> None:
    told_of_program(program="terminated")
    capsys.readouterr()

    with before_commit(clean_up):
        clean_up()
    clean_up()

    assert entries(world) == ["access.ended", "access.ended", "program.stopped"]
    assert len(letters(world)) == 2
    assert waiting(world) == []
    assert counts(capsys.readouterr().out)["MembershipsReconciled"] >= 1


def test_a_program_that_goes_on_while_its_stop_is_told_is_not_told_as_stopped(world: Table) -> None:
    told_of_program(program="suspended")

    with before_commit(lambda: told_of_program(program="active")):
        clean_up()
    clean_up()

    assert letters(world) == [(each, "program_resumed", None) for each in (CLIENT, SECOND)]
    assert waiting(world) == []


def test_whoever_is_deactivated_while_he_is_resumed_stays_stopped(world: Table) -> None:
    link_requests.tell_user(EMPLOYEE, active=False)
    clean_up()
    link_requests.tell_user(EMPLOYEE, active=True)

    with before_commit(lambda: link_requests.tell_user(EMPLOYEE, active=False)):
        clean_up()
    clean_up()

    assert member(world)["suspended_by"] == {"employee"}
    assert waiting(world) == []


# faults, load, time, cost


KILLS = {"before": faults.kills_before, "after": faults.kills_after}
HAPPENS: dict[str, Callable[[], None]] = {
    "left": end,
    "suspended": lambda: told_of_program(program="suspended"),
    "terminated": lambda: told_of_program(program="terminated"),
}
TOLD = {
    "left": [(CLIENT, "member_retained", None), (SECOND, "member_retained", None)],
    "suspended": [(CLIENT, "program_stopped", "program"), (SECOND, "program_stopped", "program")],
    "terminated": [(CLIENT, "program_stopped", "terminated"), (SECOND, "program_stopped", "terminated")],
}


@pytest.mark.parametrize("kills", KILLS.values(), ids=KILLS)
@pytest.mark.parametrize("happened", HAPPENS)
def test_a_clean_up_that_ends_anywhere_is_finished_by_the_next(
    world: Table, happened: str, kills: faults.Fault
) -> None:
    HAPPENS[happened]()

    for position in range(8, 34):
        with suppress(faults.Killed), faults.at(dynamo.client(), "", *[faults.works] * position, kills):
            clean_up()
        assert broken(world.items()) == []
    clean_up()

    assert letters(world) == TOLD[happened]
    assert waiting(world) == []


@pytest.mark.parametrize("fault", [faults.goes_unheard, faults.goes_unanswered, BUSY], ids=["lost", "late", "busy"])
def test_a_fault_at_the_table_is_survived_with_one_effect(world: Table, fault: faults.Fault) -> None:
    end()

    for position in range(24):
        with faults.at(dynamo.client(), "", *[faults.works] * position, fault):
            clean_up()
    assert letters(world) == TOLD["left"]
    assert waiting(world) == []


def test_a_crowded_account_does_not_keep_the_others(world: Table, capsys: pytest.CaptureFixture[str]) -> None:
    told_of_program(program="terminated")
    capsys.readouterr()

    def crowded(request: Any, send: faults.Send) -> Any:
        return faults.CONFLICTS(request, send) if f"ACCOUNT#{SECOND}" in str(request.body) else send()

    with faults.at(dynamo.client(), "TransactWriteItems", then=crowded):
        clean_up()

    assert (partner_seats_used(world), partner_seats_used(world, SECOND)) == (0, 1)
    assert len(waiting(world)) == 1
    assert "MembershipsReconciled" not in counts(capsys.readouterr().out)
    clean_up()
    assert partner_seats_used(world, SECOND) == 0
    assert counts(capsys.readouterr().out) == {"MembershipsReconciled": 1}


def test_where_nobody_can_be_told_of_the_program_nothing_is_written_off(world: Table) -> None:
    told_of_program(program="terminated")

    with faults.at(dynamo.client(), "TransactWriteItems", then=faults.CONFLICTS):
        clean_up()

    assert partner_seats_used(world) == 2
    clean_up()
    assert letters(world) == TOLD["terminated"]


def test_a_table_that_cannot_be_read_is_read_again_by_the_next(
    world: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    end()
    end(COLLEAGUE)
    capsys.readouterr()

    def busy(request: Any, send: faults.Send) -> Any:
        return BUSY(request, send) if f"USER#{EMPLOYEE}" in str(request.body) else send()

    with faults.at(dynamo.client(), "Query", then=busy):
        clean_up()

    assert (len(waiting(world)), partner_seats_used(world)) == (1, 1)
    assert counts(capsys.readouterr().out) == {"MembershipsReconciled": 1, "ConflictExhausted": 1}
    clean_up()
    assert waiting(world) == []


def test_a_clean_up_that_runs_out_of_time_is_for_the_next(world: Table) -> None:
    end()

    clean_up(Context(9_999))
    assert letters(world) == []
    context = Context(10_000)
    with before_commit(lambda: setattr(context, "milliseconds", 9_999)):
        clean_up(context)
    assert len(letters(world)) == 1
    assert len(waiting(world)) == 1
    clean_up()
    assert len(letters(world)) == 2
    assert waiting(world) == []


def test_links_take_time_as_well(table: Table, clock: Clock) -> None:
    a_world(table, an_open_link(link_id=f"lnk_{'4' * 32}"))
    end()
    context = Context(10_000)

    with before_commit(lambda: setattr(context, "milliseconds", 9_999)):
        clean_up(context)
    assert len([item for item in table.under("PARTNER#") if item["stored_state"] == "revoked"]) == 1
    clean_up()
    assert len([item for item in table.under("PARTNER#") if item["stored_state"] == "revoked"]) == 2


def test_a_crowded_link_is_withdrawn_by_the_next(table: Table, clock: Clock) -> None:
    a_world(table)
    end()

    with faults.at(dynamo.client(), "TransactWriteItems", then=faults.CONFLICTS):
        clean_up()
    assert len(waiting(table)) == 1
    clean_up()
    assert waiting(table) == []


def queue(table: Table, name: str, clock: Clock, **about: object) -> Item:
    act = an_act(MANAGER, name=name * 32)
    item = {
        "act_id": act.name,
        "actor_id": act.by,
        "queued_at": clock.time,
        "reconciliation": CleanUp.model_validate(about),
    }
    table.put(keys.clean_up(act.name), item)
    return item


@pytest.mark.parametrize("after", list(Occasion))
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
def test_a_clean_up_of_somebody_unknown_ends(
    world: Table, clock: Clock, about: dict[str, str], after: Occasion
) -> None:
    queue(world, "1", clock, **about, after=after)

    clean_up()

    assert waiting(world) == []
    assert member(world)["active"]


def test_a_clean_up_that_cannot_be_read_waits_an_hour_and_keeps_no_other(
    world: Table, clock: Clock, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    queue(world, "1", clock)
    key = keys.clean_up("1" * 32)
    world.change(key, reconciliation={"reason": "who knows"})
    end()
    capsys.readouterr()

    clean_up()
    assert len(letters(world)) == 2
    assert [item["sk"] for item in waiting(world)] == [key.sk]
    assert counts(capsys.readouterr().out) == {"ReconciliationUnreadable": 1, "MembershipsReconciled": 1}
    told = [line for line in logged(caplog) if line["message"] == "unreadable_reconciliation"]
    assert [(line["level"], line["reconciliation"]) for line in told] == [("ERROR", key.sk)]

    clock.passes(minutes=59)
    clean_up()
    assert counts(capsys.readouterr().out) == {"ReconciliationLate": 1}
    clock.passes(minutes=1)
    clean_up()
    assert counts(capsys.readouterr().out) == {"ReconciliationLate": 1, "ReconciliationUnreadable": 1}
    world.change(key, reconciliation={"user_id": EMPLOYEE}, next_at="soon", queued_at=None)
    clock.passes(hours=1)
    clean_up()
    assert waiting(world) == []


@pytest.mark.parametrize("item", [keys.member(CLIENT, COLLEAGUE), keys.user(COLLEAGUE)])
def test_somebody_who_cannot_be_read_keeps_nobody_else(
    world: Table, clock: Clock, item: keys.Key, capsys: pytest.CaptureFixture[str]
) -> None:
    was = world.get(item)
    assert was
    told_of_program(program="terminated")
    world.change(item, version="one")
    capsys.readouterr()

    clean_up()

    assert (member(world)["active"], partner_seats_used(world)) == (False, 1)
    assert counts(capsys.readouterr().out) == {"ReconciliationUnreadable": 1}
    assert len(waiting(world)) == 1
    world.put(item, was)
    clean_up()
    assert len(waiting(world)) == 1
    clock.passes(hours=1)
    clean_up()
    assert waiting(world) == []
    assert partner_seats_used(world) == 0


def test_a_partner_whose_people_cannot_be_told_apart_is_left_alone(world: Table, clock: Clock) -> None:
    told_of_program(program="suspended")
    nobody = keys.member(PARTNER, "user-nobody")
    world.put(nobody, {"version": 1})

    clean_up()

    assert len(waiting(world)) == 1
    world.remove(nobody)
    clock.passes(hours=1)
    clean_up()
    assert waiting(world) == []


def test_what_was_finished_meanwhile_is_not_put_back(world: Table, clock: Clock) -> None:
    queue(world, "1", clock)
    key = keys.clean_up("1" * 32)
    world.change(key, reconciliation={"reason": "who knows"})

    with before_commit(lambda: world.remove(key)):
        clean_up()

    assert world.get(key) is None


def test_a_clean_up_that_cannot_even_be_put_off_keeps_no_other(world: Table, clock: Clock) -> None:
    queue(world, "1", clock)
    world.change(keys.clean_up("1" * 32), reconciliation={"reason": "who knows"})
    end()

    def crowded(request: Any, send: faults.Send) -> Any:
        return faults.CONFLICTS(request, send) if "ACT#11" in str(request.body) else send()

    with faults.at(dynamo.client(), "TransactWriteItems", then=crowded):
        clean_up()

    assert len(letters(world)) == 2
    world.remove(keys.clean_up("1" * 32))


@pytest.mark.parametrize(("minutes", "late"), [(14, 0), (16, 1)])
def test_a_clean_up_that_waits_for_long_is_counted(
    world: Table, clock: Clock, minutes: int, late: int, capsys: pytest.CaptureFixture[str]
) -> None:
    queue(world, "1", clock, user_id=EMPLOYEE)
    clock.passes(minutes=minutes)

    clean_up()

    assert counts(capsys.readouterr().out)["ReconciliationLate"] == late


def test_the_oldest_comes_first(world: Table, clock: Clock) -> None:
    names = "2143"
    for name in names:
        queue(world, name, clock, user_id="user-unknown")
    done: list[str] = []

    def seen(request: Any, send: faults.Send) -> Any:
        done.extend(line["Delete"]["Key"]["sk"]["S"] for line in faults.body(request)["TransactItems"])
        return send()

    with faults.at(dynamo.client(), "TransactWriteItems", then=seen):
        clean_up()

    assert done == [f"ACT#{name * 32}" for name in sorted(names)]


def test_nothing_to_do_costs_a_look_at_each_shard(world: Table) -> None:
    with counted(world) as costs, nothing_changes(world):
        clean_up()

    assert (costs.reads, costs.writes) == (keys.SHARDS, 0)


def many(how_many: int) -> list[Kept]:
    return [
        record
        for number in range(how_many)
        for record in (
            the_client(account_id=f"client-{number:03}", name="A client"),
            a_member(APPROVER, account_id=f"client-{number:03}"),
            a_partner_admin(account_id=f"client-{number:03}", grant=a_grant(grant_id=f"grt_{number:032x}")),
        )
    ]


def test_what_it_costs_is_in_proportion_to_the_accounts_concerned(table: Table, clock: Clock) -> None:
    spent = []
    for how_many in (10, 110):
        table.clear()
        a_world(table, *many(how_many))
        end()
        with counted(table) as costs:
            clean_up()
        assert waiting(table) == []
        spent.append((costs.reads, costs.writes, costs.units))

    (few_reads, few_writes, few_units), (reads, writes, units) = spent
    assert (few_writes, writes) == (10 + 2, 110 + 2)
    assert reads - few_reads <= 6
    assert (units - few_units) / 100 <= 14
    assert broken(table.items()) == []


def test_an_employee_of_the_firm_who_is_nowhere_needs_no_words(table: Table, clock: Clock) -> None:
    a_world(table, the_partner(program=Program.ACTIVE), staff("user-idle"), an_employee("user-idle"))

    told_of_program(program="suspended")
    clean_up()

    assert letters(table) == []
    assert entries(table) == []
    assert waiting(table) == []
