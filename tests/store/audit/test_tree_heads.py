"""Signed tree heads in the table: chain heads and the latest tree head."""

import pytest

from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.domain.audit.tree_heads import LatestTreeHead
from partner_access.domain.errors import StaleFacts
from partner_access.store import keys
from partner_access.store.audit import tree_heads
from tests.support.builders import NOW
from tests.support.costs import count_costs
from tests.support.table import Table


def test_chain_heads_of_all_shards_are_found(table: Table) -> None:
    heads = [ChainHead(account_id=f"client-{number}", entries=1, chain_hash="ab" * 32) for number in range(20)]
    for head in heads:
        table.put(keys.chain_head(head.account_id), dict(head))

    with count_costs(table) as costs:
        assert sorted(tree_heads.chain_heads(), key=lambda head: head.account_id) == sorted(
            heads, key=lambda head: head.account_id
        )

    assert costs.reads == keys.SHARDS


def test_latest_tree_head_is_last_noted_one(table: Table) -> None:
    first = LatestTreeHead(number=1, at=NOW, root="01", tree_head_hash="ab" * 32)
    second = LatestTreeHead(number=2, at=NOW, root="02", tree_head_hash="cd" * 32)

    assert tree_heads.latest() == LatestTreeHead()
    tree_heads.record(LatestTreeHead(), first)
    assert tree_heads.latest() == first
    tree_heads.record(first, second)
    assert tree_heads.latest() == second


def test_note_tree_head_behind_latest_raises_stale_facts(table: Table) -> None:
    first = LatestTreeHead(number=1, at=NOW, root="01", tree_head_hash="ab" * 32)
    tree_heads.record(LatestTreeHead(), first)

    with pytest.raises(StaleFacts):
        tree_heads.record(LatestTreeHead(), first)

    assert tree_heads.latest() == first
