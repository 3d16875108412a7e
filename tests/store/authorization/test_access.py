"""Access facts in the table: one snapshot, few requests, no decision without all facts (consistency.md §3, G4, G9)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from random import Random
from typing import Any, Final

import pytest

from partner_access.domain.authorization.access import AccessDecision, AccessFacts, Rule, decide
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import Record
from partner_access.store import dynamo, keys, retries
from partner_access.store.authorization import access
from partner_access.store.authorization.access import MemberId, access_facts
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
from tests.support.costs import count_costs
from tests.support.faults import Fault
from tests.support.random_memberships import PARTNER_ADMIN_VERSIONS, random_state, records
from tests.support.seeded_table import CLERK, MANAGER, seed
from tests.support.set_versions import published_versions
from tests.support.table import Table

SOUTH: Final = "partner-south"
OTHER_SET: Final = f"set_{'4' * 32}"
EMPLOYEE_OF_BOTH: Final = an_employee(employed_by=frozenset({PARTNER, SOUTH}), email="e@both.example")
BOTH_DOMAINS: Final = ("both.example",)
ADMIN: Final = MemberId(CLIENT, APPROVER)
EMPLOYED: Final = MemberId(CLIENT, EMPLOYEE)
READ_OPERATION: Final = "TransactGetItems"
CHECKED_PERMISSIONS: Final = sorted(
    catalogue.RESTRICTED | {"crm.import", "crm.contacts.edit", "sales.access", "reports.create"}
)


@pytest.fixture(autouse=True)
def recorded_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace `time.sleep`. Return the list of the pauses in seconds."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def item_counts(requests: list[Any]) -> list[int]:
    """Return the number of items per request. Every request must be a `TransactGetItems`."""
    assert all(set(operation) == {"TransactItems"} for operation in requests)
    return [len(operation["TransactItems"]) for operation in requests]


def keys_read(operation: Any) -> list[Key]:
    """Return the keys that a request read."""
    gets = [each["Get"]["Key"] for each in operation["TransactItems"]]
    return [Key(key["pk"]["S"], key["sk"]["S"]) for key in gets]


def before_request(change: Any) -> Fault:
    """Call `change` just before the table receives the request."""

    def fault(_: Any, send: faults.Send) -> Any:
        change()
        return send()

    return fault


def decision(table: Table, pair: MemberId = EMPLOYED, permission: str = "crm.import") -> AccessDecision:
    return decide(access_facts([pair], NOW)[pair], permission)


# cost


@pytest.mark.parametrize(
    ("others", "pair", "items"),
    [
        ((), ADMIN, [3]),
        ((), MemberId(CLIENT, CLERK), [3]),
        ((), MemberId(PARTNER, MANAGER), [3]),
        ((), MemberId(CLIENT, "user-nobody"), [3]),
        ((), MemberId("client-nowhere", APPROVER), [3]),
        ((a_partner_admin(),), EMPLOYED, [3, 4]),
        ((a_member(EMPLOYEE, "sales", partner_id=PARTNER),), EMPLOYED, [3, 4]),
        ((a_member(CLERK, CUSTOM_SET), a_custom_set()), MemberId(CLIENT, CLERK), [3, 4]),
        ((a_member(CLERK, CUSTOM_SET),), MemberId(CLIENT, CLERK), [3, 4]),
        ((a_partner_admin().next_version(permission_set=CUSTOM_SET), a_custom_set()), EMPLOYED, [3, 5]),
        ((a_partner_admin(grant=a_grant(former_set=CUSTOM_SET)), a_custom_set()), EMPLOYED, [3, 4]),
        # An expired grant needs no further records.
        ((a_partner_admin(grant=a_grant(expires_at=NOW)),), EMPLOYED, [3]),
    ],
)
def test_access_facts_read_three_then_at_most_five_items(
    table: Table, others: tuple[Record, ...], pair: MemberId, items: list[int]
) -> None:
    seed(table, *others)

    with count_costs(table) as costs, faults.inject(dynamo.client(), "") as requests:
        found = access_facts([pair], NOW)

    assert list(found) == [pair]
    assert item_counts(requests) == items
    assert (costs.reads, costs.writes) == (len(items), 0)


def test_access_facts_for_repeated_pair_are_one_read(table: Table) -> None:
    seed(table)

    with faults.inject(dynamo.client(), "") as requests:
        found = access_facts([ADMIN] * 50, NOW)

    assert item_counts(requests) == [3]
    assert list(found) == [ADMIN]


def test_access_facts_without_pairs_read_nothing(table: Table) -> None:
    with faults.inject(dynamo.client(), "") as requests:
        assert access_facts([], NOW) == {}

    assert requests == []


@pytest.mark.parametrize(
    ("count", "items"), [(1, [3, 4]), (20, [60, 80]), (21, [60, 80, 3, 4]), (50, [60, 80, 60, 80, 30, 40])]
)
def test_access_facts_read_twenty_pairs_per_request(table: Table, count: int, items: list[int]) -> None:
    pairs = [MemberId(f"client-{number}", f"user-{number}") for number in range(count)]
    for number, pair in enumerate(pairs):
        table.put_records(
            the_client(account_id=pair.account_id),
            the_partner(account_id=f"partner-{number}"),
            an_employee(pair.user_id, employed_by=frozenset({f"partner-{number}"})),
            a_partner_admin(pair.user_id, account_id=pair.account_id, partner_id=f"partner-{number}"),
        )

    with faults.inject(dynamo.client(), "") as requests:
        found = access_facts(iter(pairs), NOW)

    assert item_counts(requests) == items
    assert set(found) == set(pairs)
    assert all(decide(found_facts, "crm.import").permits for found_facts in found.values())


def test_access_facts_read_shared_records_once(table: Table) -> None:
    seed(table, a_partner_admin(), a_partner_admin(MANAGER))
    pairs = [ADMIN, EMPLOYED, MemberId(CLIENT, MANAGER), MemberId(PARTNER, MANAGER)]

    with faults.inject(dynamo.client(), "") as requests:
        found = access_facts(pairs, NOW)

    assert [keys_read(operation) for operation in requests] == [
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
    assert all(decide(found[pair], "crm.import").permits for pair in pairs[:3])


def test_access_facts_batch_limit_fits_one_request() -> None:
    assert access.PAIRS_PER_SNAPSHOT * (3 + access.MAX_RELATED_ITEMS) == dynamo.MAX_BATCH_ITEMS


# one instant


def test_access_facts_use_only_last_snapshot(table: Table) -> None:
    """Check the "new enemy" problem.

    Between the two reads, the employee's access is ended and the closed account is reopened.
    """
    seed(table, a_partner_admin(), the_client(state="closed"))

    def moves_on() -> None:
        table.put_records(the_client(), an_employee(offboardings={PARTNER: 1}))

    with faults.inject(dynamo.client(), READ_OPERATION, faults.succeeds, before_request(moves_on)) as requests:
        assert decision(table).rule is Rule.ACCESS_ENDED

    assert item_counts(requests) == [3, 4]
    assert set(keys_read(requests[0])) < set(keys_read(requests[1]))


def test_access_facts_after_partner_change_between_reads_are_read_again(table: Table) -> None:
    """Check that the partner is read again. The first partner is in the program, and the second one is suspended."""
    south = the_partner(account_id=SOUTH, domains=BOTH_DOMAINS, program="suspended")
    seed(table, EMPLOYEE_OF_BOTH, the_partner(domains=BOTH_DOMAINS), south, a_partner_admin())

    def moves_on() -> None:
        table.put_records(EMPLOYEE_OF_BOTH, a_partner_admin(partner_id=SOUTH))

    with faults.inject(dynamo.client(), READ_OPERATION, faults.succeeds, before_request(moves_on)) as requests:
        found_facts = access_facts([EMPLOYED], NOW)[EMPLOYED]

    assert item_counts(requests) == [3, 4, 4]
    assert [keys_read(operation)[3:] for operation in requests] == [[], [keys.account(PARTNER)], [keys.account(SOUTH)]]
    assert set(found_facts.actor.partners) == {SOUTH}
    assert decide(found_facts, "crm.import").rule is Rule.SUSPENDED


def test_access_facts_needing_fewer_records_are_not_read_again(table: Table) -> None:
    seed(table, a_partner_admin())

    with faults.inject(
        dynamo.client(), READ_OPERATION, faults.succeeds, before_request(lambda: table.put_records(a_member(EMPLOYEE)))
    ) as requests:
        found = decision(table, permission="account.billing.manage")

    assert item_counts(requests) == [3, 4]
    assert found.permits, "the user is a super admin of the client by now"


def test_access_facts_read_again_only_incomplete_pairs(table: Table) -> None:
    seed(table, a_partner_admin(), a_custom_set(), the_partner(account_id=SOUTH))
    member_pair = MemberId(CLIENT, CLERK)

    def moves_on() -> None:
        table.put_records(a_member(APPROVER, active=False), a_partner_admin().next_version(permission_set=CUSTOM_SET))

    with faults.inject(dynamo.client(), READ_OPERATION, faults.succeeds, before_request(moves_on)) as requests:
        found = access_facts([ADMIN, EMPLOYED, member_pair], NOW)

    assert [keys_read(operation)[1:] for operation in requests[1:]] == [
        [keys.user(EMPLOYEE), keys.member(CLIENT, EMPLOYEE), keys.account(PARTNER)],
        [
            *(keys.user(EMPLOYEE), keys.member(CLIENT, EMPLOYEE), keys.account(PARTNER)),
            keys.permission_set(CLIENT, CUSTOM_SET),
        ],
    ]
    assert decide(found[ADMIN], "crm.import").permits, "the user was read before that"
    assert decide(found[EMPLOYED], "crm.tickets.view").permits


def test_access_facts_changing_at_every_read_raise_unavailable(table: Table) -> None:
    seed(table, a_partner_admin())
    numbers = iter(range(100))

    def moves_on() -> None:
        table.put_records(a_partner_admin(partner_id=f"partner-{next(numbers)}"))

    with (
        faults.inject(dynamo.client(), READ_OPERATION, last_fault=before_request(moves_on)) as requests,
        pytest.raises(TemporarilyUnavailable),
    ):
        access_facts([ADMIN, EMPLOYED], NOW)

    assert item_counts(requests) == [5, 4, 4, 4]


# independence of other pairs


def test_access_facts_ignore_records_read_for_other_pairs(table: Table) -> None:
    seed(
        table,
        a_custom_set(),
        a_custom_set(OTHER_SET, permissions=("crm.import",)),
        a_partner_admin().next_version(permission_set=CUSTOM_SET),
        an_employee(offboardings={PARTNER: 1}),
        a_member(CLERK, OTHER_SET),
    )
    member_pair = MemberId(CLIENT, CLERK)
    alone = {pair: access_facts([pair], NOW)[pair] for pair in (EMPLOYED, member_pair)}

    together = access_facts([EMPLOYED, member_pair], NOW)

    assert together == alone
    assert set(together[EMPLOYED].actor.sets) == {CUSTOM_SET}
    assert set(together[member_pair].actor.sets) == {OTHER_SET}


def test_access_facts_of_batch_equal_single_reads(table: Table) -> None:
    random = Random(5)
    states = [random_state(random.choice, number % 3) for number in range(24)]
    with published_versions(partner_admin=PARTNER_ADMIN_VERSIONS):
        for first in range(0, len(states), 3):
            table.clear()
            table.put_records(*(record for state in states[first : first + 3] for record in records(state)))
            pairs = [MemberId(f"account-{a}", f"user-{u}") for a in range(3) for u in range(3)]
            together = access_facts(pairs, NOW)
            for pair in pairs:
                alone = access_facts([pair], NOW)[pair]
                assert records_by_key(together[pair]) == records_by_key(alone)
                assert all(decide(together[pair], name) == decide(alone, name) for name in CHECKED_PERMISSIONS)


def records_by_key(found_facts: AccessFacts) -> Mapping[Key, Record]:
    return {keys.of(record): record for record in found_facts.relied_on}


def test_access_facts_belong_to_requested_pair_and_instant(table: Table) -> None:
    seed(table, a_partner_admin(grant=a_grant(expires_at=NOW)))
    sooner = NOW - timedelta(seconds=1)

    assert [access_facts([EMPLOYED], at)[EMPLOYED].at for at in (sooner, NOW)] == [sooner, NOW]
    assert decide(access_facts([EMPLOYED], sooner)[EMPLOYED], "crm.import").permits
    assert decide(access_facts([EMPLOYED], NOW)[EMPLOYED], "crm.import").rule is Rule.GRANT_EXPIRED
    found_facts = access_facts([ADMIN], NOW)[ADMIN]
    assert records_by_key(found_facts) == {
        keys.account(CLIENT): found_facts.account,
        keys.user(APPROVER): a_user(),
        keys.member(CLIENT, APPROVER): a_member(),
    }


def test_access_facts_for_missing_account_or_user_are_empty(table: Table) -> None:
    seed(table)
    missing_account, missing_user = MemberId("client-nowhere", APPROVER), MemberId(CLIENT, "user-nobody")

    found = access_facts([missing_account, missing_user], NOW)

    assert found[missing_account].account is None
    assert (found[missing_user].actor.user, found[missing_user].actor.member) == (None, None)
    assert {decide(each, "crm.import").rule for each in found.values()} == {Rule.NOT_A_MEMBER}


# faults deny and never permit

PERSISTENT_FAULTS: Final[dict[str, Fault]] = {
    "throttled": faults.aws_error("ThrottlingException"),
    "no throughput": faults.aws_error("ProvisionedThroughputExceededException"),
    "broken": faults.aws_error("InternalServerError", 500),
    "away": faults.aws_error("ServiceUnavailable", 503),
    "slow": faults.request_lost,
    "lost": faults.response_lost,
    "in conflict": faults.WRITE_CONFLICT,
    "throttled in the transaction": faults.transaction_canceled("ThrottlingError"),
}


@pytest.mark.parametrize("after", [0, 1], ids=["at the first reading", "at the second"])
@pytest.mark.parametrize("fault", PERSISTENT_FAULTS.values(), ids=PERSISTENT_FAULTS)
def test_access_facts_with_persistent_fault_raise_unavailable(
    table: Table, fault: Fault, after: int, recorded_pauses: list[float]
) -> None:
    """Check that no decision is made, and that the number of calls is bounded (consistency.md F3)."""
    seed(table, a_partner_admin())
    assert decision(table).permits

    plan = [faults.succeeds] * after
    with (
        faults.inject(dynamo.client(), "", *plan, last_fault=fault) as requests,
        pytest.raises(TemporarilyUnavailable),
    ):
        access_facts([EMPLOYED], NOW)

    assert len(requests) <= after + retries.ATTEMPTS
    assert sum(recorded_pauses) < 4
    assert all(set(operation) == {"TransactItems"} for operation in requests), "no other request is sent"


@pytest.mark.parametrize("times", [1, 2, 5])
def test_access_facts_after_transaction_conflict_are_retried(
    table: Table, times: int, recorded_pauses: list[float]
) -> None:
    """Check that a conflict is retried after a pause (consistency.md F7)."""
    seed(table, a_partner_admin())

    with faults.inject(dynamo.client(), "", *[faults.WRITE_CONFLICT] * times) as requests:
        assert decision(table).permits

    assert item_counts(requests) == [*[3] * (times + 1), 4]
    assert len(recorded_pauses) == times


def test_access_facts_after_conflict_use_new_records(table: Table) -> None:
    seed(table, a_partner_admin())

    def in_the_way(operation: Any, send: faults.Send) -> Any:
        table.put_records(an_employee(offboardings={PARTNER: 1}))
        return faults.WRITE_CONFLICT(operation, send)

    with faults.inject(dynamo.client(), "", faults.succeeds, in_the_way) as requests:
        assert decision(table).rule is Rule.ACCESS_ENDED

    assert item_counts(requests) == [3, 4, 4]


def test_access_facts_after_deadline_raise_unavailable(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(table, a_partner_admin())
    time = iter([100.0, 101.5])
    monkeypatch.setattr("partner_access.store.dynamo.time.time", time.__next__)

    with faults.inject(dynamo.client(), "") as requests, pytest.raises(TemporarilyUnavailable):
        access_facts([EMPLOYED], NOW, deadline=101.0)

    assert item_counts(requests) == [3], "there was no time for the items after this one"


def test_access_facts_with_unreadable_record_raise_value_error(table: Table) -> None:
    """Check a record of an incompatible version. The read fails instead of ignoring the record."""
    seed(table, a_partner_admin())
    for key, wrong in ((keys.member(*EMPLOYED), "since"), (keys.account(CLIENT), "state")):
        before = table.get(key) or {}
        table.change(key, **{wrong: "of a later make"})
        with pytest.raises(ValueError, match=wrong):
            access_facts([EMPLOYED], NOW)
        table.put(key, before)


# no other reads


@pytest.fixture
def every_request(table: Table) -> Iterator[list[str]]:
    """Yield the list of DynamoDB operations that were requested."""
    operations: list[str] = []

    def record(model: Any, **_: Any) -> None:
        operations.append(model.name)

    events = dynamo.client().meta.events
    events.register("before-parameter-build.dynamodb", record)
    yield operations
    events.unregister("before-parameter-build.dynamodb", record)


def test_access_facts_use_only_transact_get_items(table: Table, every_request: list[str]) -> None:
    seed(table, a_partner_admin(), a_custom_set(), a_member(CLERK, CUSTOM_SET))

    access_facts(
        [ADMIN, EMPLOYED, MemberId(CLIENT, CLERK), MemberId(PARTNER, EMPLOYEE), MemberId("nowhere", "nobody")], NOW
    )

    assert set(every_request) == {READ_OPERATION}
