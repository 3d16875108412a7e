"""Chains in the table: each entry once and in order, whatever comes twice, at once, or in between."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from partner_access.domain.audit.hash_chain import NOTHING, Head
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.records import AuditEntry, audit
from partner_access.store import dynamo, keys
from partner_access.store.audit import hash_chain
from tests.support import faults
from tests.support.builders import CLIENT, NOW, PARTNER, an_act
from tests.support.costs import counted
from tests.support.races import before_commit
from tests.support.table import Table

_numbers = count(1)


def entries(many: int, *accounts: str, **details: Any) -> list[AuditEntry]:
    """As many acts, each later than the one before."""
    return [
        audit("link.approved", an_act(name=f"{number:032x}", at=NOW + timedelta(seconds=number)), *accounts, **details)
        for number in (next(_numbers) for _ in range(many))
    ]


def of(account_id: str, some: list[AuditEntry]) -> list[tuple[str, AuditEntry]]:
    return [(account_id, entry) for entry in some]


def head(table: Table, account_id: str = CLIENT) -> Head:
    found = table.get(keys.head(account_id))
    return Head.model_validate(found) if found else Head(account_id=account_id)


def links(table: Table, account_id: str = CLIENT) -> list[tuple[int, str, str]]:
    return sorted((int(item["place"]), item["sk"], item["chain_hash"]) for item in table.under(f"CHAIN#{account_id}"))


def as_chained(some: list[AuditEntry], account_id: str = CLIENT) -> list[tuple[int, str, str]]:
    heads = Head(account_id=account_id).followed_by_all(some)
    return [(its.entries, entry.audit_id, its.chain_hash) for entry, its in zip(some, heads, strict=True)]


def test_entries_get_their_places_in_the_order_in_which_they_come(table: Table) -> None:
    first, second, third = entries(3, CLIENT)

    places = hash_chain.append(of(CLIENT, [second, first]))
    more = hash_chain.append(of(CLIENT, [third]))

    assert places == {(CLIENT, second.audit_id): 1, (CLIENT, first.audit_id): 2}
    assert more == {(CLIENT, third.audit_id): 3}
    assert links(table) == as_chained([second, first, third])
    assert head(table) == Head(account_id=CLIENT).followed_by_all([second, first, third])[-1]


def test_each_account_has_a_chain_of_its_own(table: Table) -> None:
    shared, his = entries(1, CLIENT, PARTNER), entries(1, PARTNER)

    places = hash_chain.append([*of(PARTNER, his), *of(CLIENT, shared), *of(PARTNER, shared)])

    assert places == {
        (PARTNER, his[0].audit_id): 1,
        (CLIENT, shared[0].audit_id): 1,
        (PARTNER, shared[0].audit_id): 2,
    }
    assert links(table) == as_chained(shared)
    assert links(table, PARTNER) == as_chained([*his, *shared], PARTNER)


def test_what_comes_again_keeps_its_place(table: Table) -> None:
    some = entries(4, CLIENT)
    hash_chain.append(of(CLIENT, some[:2]))
    once = table.items()

    assert hash_chain.append(of(CLIENT, [some[1], some[1], some[0]])) == {
        (CLIENT, some[1].audit_id): 2,
        (CLIENT, some[0].audit_id): 1,
    }
    assert table.items() == once

    assert set(hash_chain.append(of(CLIENT, [some[0], some[2], some[1], some[3], some[2]])).values()) == {1, 2, 3, 4}
    assert links(table) == as_chained(some)


def test_nothing_is_chained_by_nothing(table: Table) -> None:
    assert hash_chain.append([]) == {}
    assert table.items() == []


def test_whoever_chains_at_the_same_time_goes_first_or_after(table: Table) -> None:
    some = entries(5, CLIENT)

    with before_commit(lambda: hash_chain.append(of(CLIENT, [some[3], some[0]])), times=1):
        places = hash_chain.append(of(CLIENT, some[:3]))
    with before_commit(lambda: hash_chain.append(of(CLIENT, [some[4]])), times=1):
        again = hash_chain.append(of(CLIENT, [some[4]]))

    assert [places[CLIENT, each.audit_id] for each in some[:3]] == [2, 3, 4]
    assert again == {(CLIENT, some[4].audit_id): 5}
    assert links(table) == as_chained([some[3], some[0], some[1], some[2], some[4]])


def test_whoever_is_always_overtaken_gives_up_and_comes_again(table: Table) -> None:
    (mine,) = entries(1, CLIENT)
    others = count(1)

    def overtake() -> None:
        table.put(keys.head(CLIENT), dict(Head(account_id=CLIENT, entries=next(others))))

    with before_commit(overtake, times=hash_chain.ATTEMPTS), pytest.raises(TemporarilyUnavailable):
        hash_chain.append(of(CLIENT, [mine]))

    assert next(others) == hash_chain.ATTEMPTS + 1
    assert links(table) == []


@pytest.mark.parametrize("fault", [faults.goes_unanswered, faults.kills_after, faults.kills_before])
def test_whatever_becomes_of_a_batch_it_is_chained_once_when_it_comes_again(table: Table, fault: faults.Fault) -> None:
    some = entries(3, CLIENT)

    with faults.at(dynamo.client(), "TransactWriteItems", fault):
        try:
            hash_chain.append(of(CLIENT, some))
        except faults.Killed:
            hash_chain.append(of(CLIENT, some))

    assert links(table) == as_chained(some)


def test_more_entries_than_one_transaction_takes(table: Table) -> None:
    some = entries(hash_chain.AT_ONCE + 5, CLIENT)

    with counted(table) as costs:
        places = hash_chain.append(of(CLIENT, some))

    assert list(places.values()) == list(range(1, len(some) + 1))
    assert links(table) == as_chained(some)
    assert (costs.reads, costs.writes) == (1, 2)


def test_one_entry_costs_one_read_and_four_units(table: Table) -> None:
    hash_chain.append(of(CLIENT, entries(1, CLIENT)))

    with counted(table) as costs:
        hash_chain.append(of(CLIENT, entries(1, CLIENT)))

    assert (costs.reads, costs.writes, costs.units) == (1, 1, 4)


def test_a_chain_begins_with_nothing(table: Table) -> None:
    (entry,) = entries(1, CLIENT)

    hash_chain.append(of(CLIENT, [entry]))

    assert head(table) == Head(account_id=CLIENT, chain_hash=NOTHING).followed_by(entry)


@pytest.mark.parametrize("which", range(3))
def test_an_entry_that_got_its_place_meanwhile_keeps_it_even_if_the_head_tells_nothing_of_it(
    table: Table, which: int
) -> None:
    some = entries(3, CLIENT)
    theirs = some[which]
    place = {"place": 7, "chain_hash": NOTHING}

    with before_commit(lambda: table.put(keys.chained(CLIENT, theirs.audit_id), place)):
        places = hash_chain.append(of(CLIENT, some))

    ours = [entry for entry in some if entry is not theirs]
    assert places == {(CLIENT, theirs.audit_id): 7, (CLIENT, ours[0].audit_id): 1, (CLIENT, ours[1].audit_id): 2}
    assert head(table) == Head(account_id=CLIENT).followed_by_all(ours)[-1]


def test_a_chain_goes_on_from_the_head_that_is_there_and_from_none_of_the_same_length(table: Table) -> None:
    first, second = entries(2, CLIENT)
    hash_chain.append(of(CLIENT, [first]))
    another = Head(account_id=CLIENT).followed_by_all(entries(1, CLIENT))[-1]

    with before_commit(lambda: table.change(keys.head(CLIENT), chain_hash=another.chain_hash)):
        hash_chain.append(of(CLIENT, [second]))

    assert head(table) == another.followed_by_all([second])[-1]
