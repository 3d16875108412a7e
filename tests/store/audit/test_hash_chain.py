"""Hash chains in the table: each entry once and in order, despite duplicates and concurrent writers."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from partner_access.domain.audit.hash_chain import GENESIS_HASH, ChainHead
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.records import AuditEntry, audit
from partner_access.store import dynamo, keys
from partner_access.store.audit import hash_chain
from tests.support import faults
from tests.support.builders import CLIENT, NOW, PARTNER, an_act
from tests.support.costs import count_costs
from tests.support.races import before_commit
from tests.support.table import Table

_numbers = count(1)


def entries(total: int, *accounts: str, **details: Any) -> list[AuditEntry]:
    """Create entries of as many acts, each one second after the previous one."""
    return [
        audit("link.approved", an_act(id=f"{number:032x}", at=NOW + timedelta(seconds=number)), *accounts, **details)
        for number in (next(_numbers) for _ in range(total))
    ]


def with_account(account_id: str, some: list[AuditEntry]) -> list[tuple[str, AuditEntry]]:
    return [(account_id, entry) for entry in some]


def head(table: Table, account_id: str = CLIENT) -> ChainHead:
    found = table.get(keys.chain_head(account_id))
    return ChainHead.model_validate(found) if found else ChainHead(account_id=account_id)


def chained_items(table: Table, account_id: str = CLIENT) -> list[tuple[int, str, str]]:
    return sorted(
        (int(item["place"]), item["sk"], item["chain_hash"]) for item in table.items_with_prefix(f"CHAIN#{account_id}")
    )


def expected_chain(some: list[AuditEntry], account_id: str = CLIENT) -> list[tuple[int, str, str]]:
    heads = ChainHead(account_id=account_id).with_entries(some)
    return [(head.entries, entry.audit_id, head.chain_hash) for entry, head in zip(some, heads, strict=True)]


def test_append_assigns_positions_in_given_order(table: Table) -> None:
    first, second, third = entries(3, CLIENT)

    places = hash_chain.append(with_account(CLIENT, [second, first]))
    more = hash_chain.append(with_account(CLIENT, [third]))

    assert places == {(CLIENT, second.audit_id): 1, (CLIENT, first.audit_id): 2}
    assert more == {(CLIENT, third.audit_id): 3}
    assert chained_items(table) == expected_chain([second, first, third])
    assert head(table) == ChainHead(account_id=CLIENT).with_entries([second, first, third])[-1]


def test_append_keeps_one_chain_per_account(table: Table) -> None:
    shared, partners = entries(1, CLIENT, PARTNER), entries(1, PARTNER)

    places = hash_chain.append(
        [*with_account(PARTNER, partners), *with_account(CLIENT, shared), *with_account(PARTNER, shared)]
    )

    assert places == {
        (PARTNER, partners[0].audit_id): 1,
        (CLIENT, shared[0].audit_id): 1,
        (PARTNER, shared[0].audit_id): 2,
    }
    assert chained_items(table) == expected_chain(shared)
    assert chained_items(table, PARTNER) == expected_chain([*partners, *shared], PARTNER)


def test_append_again_returns_existing_positions(table: Table) -> None:
    some = entries(4, CLIENT)
    hash_chain.append(with_account(CLIENT, some[:2]))
    after_first = table.items()

    assert hash_chain.append(with_account(CLIENT, [some[1], some[1], some[0]])) == {
        (CLIENT, some[1].audit_id): 2,
        (CLIENT, some[0].audit_id): 1,
    }
    assert table.items() == after_first

    assert set(hash_chain.append(with_account(CLIENT, [some[0], some[2], some[1], some[3], some[2]])).values()) == {
        1,
        2,
        3,
        4,
    }
    assert chained_items(table) == expected_chain(some)


def test_append_without_entries_writes_nothing(table: Table) -> None:
    assert hash_chain.append([]) == {}
    assert table.items() == []


def test_append_concurrently_serializes_batches(table: Table) -> None:
    some = entries(5, CLIENT)

    with before_commit(lambda: hash_chain.append(with_account(CLIENT, [some[3], some[0]])), times=1):
        places = hash_chain.append(with_account(CLIENT, some[:3]))
    with before_commit(lambda: hash_chain.append(with_account(CLIENT, [some[4]])), times=1):
        again = hash_chain.append(with_account(CLIENT, [some[4]]))

    assert [places[CLIENT, each.audit_id] for each in some[:3]] == [2, 3, 4]
    assert again == {(CLIENT, some[4].audit_id): 5}
    assert chained_items(table) == expected_chain([some[3], some[0], some[1], some[2], some[4]])


def test_append_with_persistent_conflict_raises_unavailable(table: Table) -> None:
    (mine,) = entries(1, CLIENT)
    others = count(1)

    def overtake() -> None:
        table.put(keys.chain_head(CLIENT), dict(ChainHead(account_id=CLIENT, entries=next(others))))

    with before_commit(overtake, times=hash_chain.ATTEMPTS), pytest.raises(TemporarilyUnavailable):
        hash_chain.append(with_account(CLIENT, [mine]))

    assert next(others) == hash_chain.ATTEMPTS + 1
    assert chained_items(table) == []


@pytest.mark.parametrize("fault", [faults.response_lost, faults.killed_after, faults.killed_before])
def test_append_after_fault_and_retry_adds_each_entry_once(table: Table, fault: faults.Fault) -> None:
    some = entries(3, CLIENT)

    with faults.inject(dynamo.client(), "TransactWriteItems", fault):
        try:
            hash_chain.append(with_account(CLIENT, some))
        except faults.Killed:
            hash_chain.append(with_account(CLIENT, some))

    assert chained_items(table) == expected_chain(some)


def test_append_more_entries_than_one_transaction_succeeds(table: Table) -> None:
    some = entries(hash_chain.MAX_ENTRIES_PER_TRANSACTION + 5, CLIENT)

    with count_costs(table) as costs:
        places = hash_chain.append(with_account(CLIENT, some))

    assert list(places.values()) == list(range(1, len(some) + 1))
    assert chained_items(table) == expected_chain(some)
    assert (costs.reads, costs.writes) == (1, 2)


def test_append_one_entry_costs_one_read_and_four_units(table: Table) -> None:
    hash_chain.append(with_account(CLIENT, entries(1, CLIENT)))

    with count_costs(table) as costs:
        hash_chain.append(with_account(CLIENT, entries(1, CLIENT)))

    assert (costs.reads, costs.writes, costs.units) == (1, 1, 4)


def test_append_first_entry_starts_from_empty_hash(table: Table) -> None:
    (entry,) = entries(1, CLIENT)

    hash_chain.append(with_account(CLIENT, [entry]))

    assert head(table) == ChainHead(account_id=CLIENT, chain_hash=GENESIS_HASH).with_entry(entry)


@pytest.mark.parametrize("which", range(3))
def test_append_entry_added_concurrently_keeps_its_position(table: Table, which: int) -> None:
    some = entries(3, CLIENT)
    other_entry = some[which]
    place = {"place": 7, "chain_hash": GENESIS_HASH}

    with before_commit(lambda: table.put(keys.chain_entry(CLIENT, other_entry.audit_id), place)):
        places = hash_chain.append(with_account(CLIENT, some))

    own_entries = [entry for entry in some if entry is not other_entry]
    assert places == {
        (CLIENT, other_entry.audit_id): 7,
        (CLIENT, own_entries[0].audit_id): 1,
        (CLIENT, own_entries[1].audit_id): 2,
    }
    assert head(table) == ChainHead(account_id=CLIENT).with_entries(own_entries)[-1]


def test_append_with_changed_head_of_same_length_starts_from_new_head(table: Table) -> None:
    first, second = entries(2, CLIENT)
    hash_chain.append(with_account(CLIENT, [first]))
    another = ChainHead(account_id=CLIENT).with_entries(entries(1, CLIENT))[-1]

    with before_commit(lambda: table.change(keys.chain_head(CLIENT), chain_hash=another.chain_hash)):
        hash_chain.append(with_account(CLIENT, [second]))

    assert head(table) == another.with_entries([second])[-1]
