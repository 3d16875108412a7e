"""How people stand in accounts is read at one instant, in few requests, and never guessed (guarantees.md §3, G4, G9)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from random import Random
from typing import Any, Final

import pytest

from partner_access.domain.authorization.access import Presence, Rule, Verdict, judge
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import Kept
from partner_access.store import dynamo, keys, retries
from partner_access.store.authorization import access
from partner_access.store.authorization.access import Pair, presences
from partner_access.store.keys import Key
from tests.support import faults
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
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
from tests.support.costs import counted
from tests.support.faults import Fault
from tests.support.random_memberships import VERSIONS, a_state, records
from tests.support.seeded_table import CLERK, MANAGER, a_world
from tests.support.set_versions import of_sets
from tests.support.table import Table

SOUTH: Final = "partner-south"
OTHER_SET: Final = f"set_{'4' * 32}"
OF_BOTH: Final = an_employee(employed_by=frozenset({PARTNER, SOUTH}), email="e@both.example")
BOTH: Final = ("both.example",)
ADMIN: Final = Pair(CLIENT, APPROVER)
EMPLOYED: Final = Pair(CLIENT, EMPLOYEE)
READING: Final = "TransactGetItems"
TELLING: Final = sorted(catalogue.RESTRICTED | {"crm.import", "crm.contacts.edit", "sales.access", "reports.create"})


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long every pause would have lasted."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def sizes(requests: list[Any]) -> list[int]:
    """How many items each request took; each was a snapshot, and there was no other."""
    assert all(set(request) == {"TransactItems"} for request in requests)
    return [len(request["TransactItems"]) for request in requests]


def told(request: Any) -> list[Key]:
    """Which items a request took."""
    gets = [each["Get"]["Key"] for each in request["TransactItems"]]
    return [Key(key["pk"]["S"], key["sk"]["S"]) for key in gets]


def then(happens: Any) -> Fault:
    """Something happens just before this request is heard."""

    def fault(_: Any, send: faults.Send) -> Any:
        happens()
        return send()

    return fault


def verdict(table: Table, pair: Pair = EMPLOYED, permission: str = "crm.import") -> Verdict:
    return judge(presences([pair], NOW)[pair], permission)


# what it costs


@pytest.mark.parametrize(
    ("others", "pair", "items"),
    [
        ((), ADMIN, [3]),
        ((), Pair(CLIENT, CLERK), [3]),
        ((), Pair(PARTNER, MANAGER), [3]),
        ((), Pair(CLIENT, "user-nobody"), [3]),
        ((), Pair("client-nowhere", APPROVER), [3]),
        ((a_partner_admin(),), EMPLOYED, [3, 4]),
        ((a_member(EMPLOYEE, "sales", partner_id=PARTNER),), EMPLOYED, [3, 4]),
        ((a_member(CLERK, CUSTOM_SET), a_custom_set()), Pair(CLIENT, CLERK), [3, 4]),
        ((a_member(CLERK, CUSTOM_SET),), Pair(CLIENT, CLERK), [3, 4]),
        ((a_partner_admin().changed(permission_set=CUSTOM_SET), a_custom_set()), EMPLOYED, [3, 5]),
        ((a_partner_admin(previous=a_member(permission_set=CUSTOM_SET).place), a_custom_set()), EMPLOYED, [3, 5]),
        ((a_partner_admin(previous=a_member(partner_id=SOUTH).place),), EMPLOYED, [3, 5]),
        ((a_partner_admin(previous=a_member(partner_id=PARTNER).place),), EMPLOYED, [3, 4]),
        # nothing stands behind what is over
        ((a_partner_admin(grant=a_grant(expires_at=NOW)),), EMPLOYED, [3]),
        ((a_partner_admin(grant=a_grant(expires_at=NOW), previous=a_member().place),), EMPLOYED, [3]),
    ],
)
def test_a_decision_takes_three_items_or_three_and_then_five_at_most(
    table: Table, others: tuple[Kept, ...], pair: Pair, items: list[int]
) -> None:
    a_world(table, *others)

    with counted(table) as costs, faults.at(dynamo.client(), "") as requests:
        found = presences([pair], NOW)

    assert list(found) == [pair]
    assert sizes(requests) == items
    assert (costs.reads, costs.writes) == (len(items), 0)


def test_more_than_five_items_are_never_read_for_one_decision(table: Table) -> None:
    """What somebody was before his grant is then denied until what ended is written off: late, and never too early."""
    previous = a_member(permission_set=OTHER_SET).place
    lost = a_partner_admin(previous=previous).changed(permission_set=CUSTOM_SET)
    own = (a_custom_set(), a_custom_set(OTHER_SET, permissions=("crm.import",)))
    a_world(table, *own, lost)

    with faults.at(dynamo.client(), "") as requests:
        assert verdict(table, permission="crm.tickets.view").permits
    assert sizes(requests) == [3, 5]
    a_world(table, *own, lost, an_employee(offboardings={PARTNER: 1}))
    assert verdict(table).rule is Rule.UNKNOWN_SET
    a_world(table, *own, lost.ended(), an_employee(offboardings={PARTNER: 1}))
    assert verdict(table).permits


def test_many_questions_about_one_person_are_one_reading(table: Table) -> None:
    a_world(table)

    with faults.at(dynamo.client(), "") as requests:
        found = presences([ADMIN] * 50, NOW)

    assert sizes(requests) == [3]
    assert list(found) == [ADMIN]


def test_nobody_asked_about_nothing_read(table: Table) -> None:
    with faults.at(dynamo.client(), "") as requests:
        assert presences([], NOW) == {}

    assert requests == []


@pytest.mark.parametrize(
    ("many", "items"), [(1, [3, 4]), (20, [60, 80]), (21, [60, 80, 3, 4]), (50, [60, 80, 60, 80, 30, 40])]
)
def test_twenty_are_read_together(table: Table, many: int, items: list[int]) -> None:
    pairs = [Pair(f"client-{number}", f"user-{number}") for number in range(many)]
    for number, pair in enumerate(pairs):
        table.keep(
            the_client(account_id=pair.account_id),
            the_partner(account_id=f"firm-{number}"),
            an_employee(pair.user_id, employed_by=frozenset({f"firm-{number}"})),
            a_partner_admin(pair.user_id, account_id=pair.account_id, partner_id=f"firm-{number}"),
        )

    with faults.at(dynamo.client(), "") as requests:
        found = presences(iter(pairs), NOW)

    assert sizes(requests) == items
    assert set(found) == set(pairs)
    assert all(judge(stands, "crm.import").permits for stands in found.values())


def test_what_several_have_in_common_is_read_once(table: Table) -> None:
    a_world(table, a_partner_admin(), a_partner_admin(MANAGER))
    pairs = [ADMIN, EMPLOYED, Pair(CLIENT, MANAGER), Pair(PARTNER, MANAGER)]

    with faults.at(dynamo.client(), "") as requests:
        found = presences(pairs, NOW)

    assert [told(request) for request in requests] == [
        [
            keys.account(CLIENT),
            *(keys.user(APPROVER), keys.member(CLIENT, APPROVER)),
            *(keys.user(EMPLOYEE), keys.member(CLIENT, EMPLOYEE)),
            *(keys.user(MANAGER), keys.member(CLIENT, MANAGER)),
            *(keys.account(PARTNER), keys.member(PARTNER, MANAGER)),
        ],
        [
            *(keys.account(CLIENT), keys.user(EMPLOYEE), keys.member(CLIENT, EMPLOYEE), keys.account(PARTNER)),
            *(keys.user(MANAGER), keys.member(CLIENT, MANAGER)),
        ],
    ]
    assert all(judge(found[pair], "crm.import").permits for pair in pairs[:3])


def test_even_the_most_that_can_stand_behind_twenty_is_as_much_as_one_request_takes() -> None:
    assert access.AT_ONCE * (3 + access.BEHIND) == dynamo.AT_ONCE


# of one instant


def test_what_decides_is_the_last_reading_alone(table: Table) -> None:
    """The new enemy: between the two readings his access is ended, and the account's door opened for somebody else."""
    a_world(table, a_partner_admin(), the_client(state="closed"))

    def moves_on() -> None:
        table.keep(the_client(), an_employee(offboardings={PARTNER: 1}))

    with faults.at(dynamo.client(), READING, faults.works, then(moves_on)) as requests:
        assert verdict(table).rule is Rule.ACCESS_ENDED

    assert sizes(requests) == [3, 4]
    assert set(told(requests[0])) < set(told(requests[1]))


def test_who_changes_firms_between_two_readings_is_read_again_with_the_new_one(table: Table) -> None:
    """He was there for a firm that has its program; the one that he is there for now has none."""
    south = the_partner(account_id=SOUTH, domains=BOTH, program="suspended")
    a_world(table, OF_BOTH, the_partner(domains=BOTH), south, a_partner_admin())

    def moves_on() -> None:
        table.keep(OF_BOTH, a_partner_admin(partner_id=SOUTH))

    with faults.at(dynamo.client(), READING, faults.works, then(moves_on)) as requests:
        stands = presences([EMPLOYED], NOW)[EMPLOYED]

    assert sizes(requests) == [3, 4, 4]
    assert [told(request)[3:] for request in requests] == [[], [keys.account(PARTNER)], [keys.account(SOUTH)]]
    assert set(stands.actor.firms) == {SOUTH}
    assert judge(stands, "crm.import").rule is Rule.SUSPENDED


def test_who_needs_less_than_was_read_is_not_read_again(table: Table) -> None:
    a_world(table, a_partner_admin())

    with faults.at(dynamo.client(), READING, faults.works, then(lambda: table.keep(a_member(EMPLOYEE)))) as requests:
        found = verdict(table, permission="account.billing.manage")

    assert sizes(requests) == [3, 4]
    assert found.permits, "he is the client's own super admin by now"


def test_only_those_are_read_again_of_whom_not_all_is_known(table: Table) -> None:
    a_world(table, a_partner_admin(), a_custom_set(), the_partner(account_id=SOUTH))
    clerk = Pair(CLIENT, CLERK)

    def moves_on() -> None:
        table.keep(a_member(APPROVER, active=False), a_partner_admin().changed(permission_set=CUSTOM_SET))

    with faults.at(dynamo.client(), READING, faults.works, then(moves_on)) as requests:
        found = presences([ADMIN, EMPLOYED, clerk], NOW)

    assert [told(request)[1:] for request in requests[1:]] == [
        [keys.user(EMPLOYEE), keys.member(CLIENT, EMPLOYEE), keys.account(PARTNER)],
        [
            *(keys.user(EMPLOYEE), keys.member(CLIENT, EMPLOYEE), keys.account(PARTNER)),
            keys.permission_set(CLIENT, CUSTOM_SET),
        ],
    ]
    assert judge(found[ADMIN], "crm.import").permits, "he was read before that"
    assert judge(found[EMPLOYED], "crm.tickets.view").permits


def test_who_is_never_the_same_twice_is_not_decided_about(table: Table) -> None:
    a_world(table, a_partner_admin())
    numbers = iter(range(100))

    def moves_on() -> None:
        table.keep(a_partner_admin(partner_id=f"firm-{next(numbers)}"))

    with (
        faults.at(dynamo.client(), READING, then=then(moves_on)) as requests,
        pytest.raises(TemporarilyUnavailable),
    ):
        presences([ADMIN, EMPLOYED], NOW)

    assert sizes(requests) == [5, 4, 4, 4]


# nobody else's


def test_what_was_read_for_somebody_else_changes_no_answer(table: Table) -> None:
    """A set that is not read for one, since too much stands behind him, is not his because another holds it."""
    previous = a_member(permission_set=OTHER_SET).place
    a_world(
        table,
        a_custom_set(),
        a_custom_set(OTHER_SET, permissions=("crm.import",)),
        a_partner_admin(previous=previous).changed(permission_set=CUSTOM_SET),
        an_employee(offboardings={PARTNER: 1}),
        a_member(CLERK, OTHER_SET),
    )
    clerk = Pair(CLIENT, CLERK)
    alone = {pair: presences([pair], NOW)[pair] for pair in (EMPLOYED, clerk)}

    together = presences([EMPLOYED, clerk], NOW)

    assert together == alone
    assert set(together[EMPLOYED].actor.sets) == {CUSTOM_SET}
    assert set(together[clerk].actor.sets) == {OTHER_SET}


def test_whoever_is_asked_about_along_with_others_stands_as_if_alone(table: Table) -> None:
    chance = Random(5)
    states = [a_state(chance.choice, number % 3) for number in range(24)]
    with of_sets(partner_admin=VERSIONS):
        for first in range(0, len(states), 3):
            table.clear()
            table.keep(*(record for state in states[first : first + 3] for record in records(state)))
            pairs = [Pair(f"account-{a}", f"user-{u}") for a in range(3) for u in range(3)]
            together = presences(pairs, NOW)
            for pair in pairs:
                alone = presences([pair], NOW)[pair]
                assert rested(together[pair]) == rested(alone)
                assert all(judge(together[pair], name) == judge(alone, name) for name in TELLING)


def rested(stands: Presence) -> Mapping[Key, Kept]:
    return {keys.of(record): record for record in stands.rests_on}


def test_a_presence_is_of_the_pair_and_the_instant_that_was_asked_about(table: Table) -> None:
    a_world(table, a_partner_admin(grant=a_grant(expires_at=NOW)))
    sooner = NOW - timedelta(seconds=1)

    assert [presences([EMPLOYED], at)[EMPLOYED].at for at in (sooner, NOW)] == [sooner, NOW]
    assert judge(presences([EMPLOYED], sooner)[EMPLOYED], "crm.import").permits
    assert judge(presences([EMPLOYED], NOW)[EMPLOYED], "crm.import").rule is Rule.GRANT_EXPIRED
    stands = presences([ADMIN], NOW)[ADMIN]
    assert rested(stands) == {
        keys.account(CLIENT): stands.account,
        keys.user(APPROVER): a_user(),
        keys.member(CLIENT, APPROVER): a_member(),
    }


def test_of_an_account_or_a_person_that_is_not_there_nothing_is_made_up(table: Table) -> None:
    a_world(table)
    nowhere, nobody = Pair("client-nowhere", APPROVER), Pair(CLIENT, "user-nobody")

    found = presences([nowhere, nobody], NOW)

    assert found[nowhere].account is None
    assert (found[nobody].actor.user, found[nobody].actor.member) == (None, None)
    assert {judge(each, "crm.import").rule for each in found.values()} == {Rule.NOT_A_MEMBER}


# faults: deny, never permit

FOR_EVER: Final[dict[str, Fault]] = {
    "throttled": faults.says("ThrottlingException"),
    "no throughput": faults.says("ProvisionedThroughputExceededException"),
    "broken": faults.says("InternalServerError", 500),
    "away": faults.says("ServiceUnavailable", 503),
    "slow": faults.goes_unheard,
    "lost": faults.goes_unanswered,
    "in conflict": faults.CONFLICTS,
    "throttled in the transaction": faults.cancels("ThrottlingError"),
}


@pytest.mark.parametrize("after", [0, 1], ids=["at the first reading", "at the second"])
@pytest.mark.parametrize("fault", FOR_EVER.values(), ids=FOR_EVER)
def test_a_table_that_stays_so_decides_nothing(table: Table, fault: Fault, after: int, slept: list[float]) -> None:
    """F3: whoever may do it is denied along with the rest, in a bounded number of calls."""
    a_world(table, a_partner_admin())
    assert verdict(table).permits

    plan = [faults.works] * after
    with (
        faults.at(dynamo.client(), "", *plan, then=fault) as requests,
        pytest.raises(TemporarilyUnavailable),
    ):
        presences([EMPLOYED], NOW)

    assert len(requests) <= after + retries.ATTEMPTS
    assert sum(slept) < 4
    assert all(set(request) == {"TransactItems"} for request in requests), "nothing else is asked instead"


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_conflict_is_waited_out(table: Table, times: int, slept: list[float]) -> None:
    """F7."""
    a_world(table, a_partner_admin())

    with faults.at(dynamo.client(), "", *[faults.CONFLICTS] * times) as requests:
        assert verdict(table).permits

    assert sizes(requests) == [*[3] * (times + 1), 4]
    assert len(slept) == times


def test_after_a_conflict_what_is_true_then_is_what_counts(table: Table) -> None:
    a_world(table, a_partner_admin())

    def in_the_way(request: Any, send: faults.Send) -> Any:
        table.keep(an_employee(offboardings={PARTNER: 1}))
        return faults.CONFLICTS(request, send)

    with faults.at(dynamo.client(), "", faults.works, in_the_way) as requests:
        assert verdict(table).rule is Rule.ACCESS_ENDED

    assert sizes(requests) == [3, 4, 4]


def test_a_question_is_given_up_when_its_time_is_over(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    a_world(table, a_partner_admin())
    time = iter([100.0, 101.5])
    monkeypatch.setattr("partner_access.store.dynamo.time.time", time.__next__)

    with faults.at(dynamo.client(), "") as requests, pytest.raises(TemporarilyUnavailable):
        presences([EMPLOYED], NOW, ends=101.0)

    assert sizes(requests) == [3], "there was no time for what stands behind him"


def test_what_cannot_be_read_is_nobodys_right(table: Table) -> None:
    """A record of another make: the question fails, rather than being answered without it."""
    a_world(table, a_partner_admin())
    for key, wrong in ((keys.member(*EMPLOYED), "seat"), (keys.account(CLIENT), "state")):
        before = table.get(key) or {}
        table.change(key, **{wrong: "of a later make"})
        with pytest.raises(ValueError, match=wrong):
            presences([EMPLOYED], NOW)
        table.put(key, before)


# nothing but the snapshot


@pytest.fixture
def every_request(table: Table) -> Iterator[list[str]]:
    """The name of every operation that the table is asked for."""
    seen: list[str] = []

    def see(model: Any, **_: Any) -> None:
        seen.append(model.name)

    events = dynamo.client().meta.events
    events.register("before-parameter-build.dynamodb", see)
    yield seen
    events.unregister("before-parameter-build.dynamodb", see)


def test_no_decision_rests_on_an_index_or_on_anything_but_a_snapshot(table: Table, every_request: list[str]) -> None:
    a_world(table, a_partner_admin(), a_custom_set(), a_member(CLERK, CUSTOM_SET))

    presences([ADMIN, EMPLOYED, Pair(CLIENT, CLERK), Pair(PARTNER, EMPLOYEE), Pair("nowhere", "nobody")], NOW)

    assert set(every_request) == {READING}
