"""Signed tree heads: the Merkle tree of RFC 9162, computed by hand, the signed content, due times and succession."""

from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_access.domain.audit import tree_heads
from partner_access.domain.audit.hash_chain import GENESIS_HASH, ChainHead, canonical_json
from partner_access.domain.audit.tree_heads import LatestTreeHead, ProofSide, SignedTreeHead
from tests.support.builders import NOW

KEY = "arn:aws:kms:eu-west-1:000000000000:key/1"
HEADS = [ChainHead(account_id=name, entries=number, chain_hash="ab" * 32) for number, name in enumerate("cab", 1)]


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def leaves(count: int) -> list[bytes]:
    return [sha256(bytes([number])).digest() for number in range(count)]


def test_tree_root_matches_rfc_9162() -> None:
    a, b, c, d, e = leaves(5)

    assert tree_heads.root_hash([a]) == a
    assert tree_heads.root_hash([a, b]) == node(a, b)
    assert tree_heads.root_hash([a, b, c]) == node(node(a, b), c)
    assert tree_heads.root_hash([a, b, c, d]) == node(node(a, b), node(c, d))
    assert tree_heads.root_hash([a, b, c, d, e]) == node(node(node(a, b), node(c, d)), e)


def test_inclusion_proof_steps_go_from_leaf_to_root() -> None:
    a, b, c = leaves(3)

    assert tree_heads.inclusion_proof([a, b, c], 0) == ((ProofSide.RIGHT, b.hex()), (ProofSide.RIGHT, c.hex()))
    assert tree_heads.inclusion_proof([a, b, c], 1) == ((ProofSide.LEFT, a.hex()), (ProofSide.RIGHT, c.hex()))
    assert tree_heads.inclusion_proof([a, b, c], 2) == ((ProofSide.LEFT, node(a, b).hex()),)
    assert tree_heads.inclusion_proof([a], 0) == ()


@given(st.data())
def test_inclusion_proof_of_every_leaf_yields_root(data: st.DataObject) -> None:
    leaf_hashes = leaves(data.draw(st.integers(1, 40)))
    position = data.draw(st.integers(0, len(leaf_hashes) - 1))
    steps = tree_heads.inclusion_proof(leaf_hashes, position)

    assert tree_heads.root_from_proof(leaf_hashes[position], steps) == tree_heads.root_hash(leaf_hashes)
    assert tree_heads.root_from_proof(sha256(b"other").digest(), steps) != tree_heads.root_hash(leaf_hashes)
    assert len(steps) <= (len(leaf_hashes) - 1).bit_length()


def test_tree_leaves_are_sorted_by_account() -> None:
    first, second, third = (
        sha256(b"\x00" + canonical_json(head.model_dump())).digest() for head in (HEADS[1], HEADS[2], HEADS[0])
    )

    assert tree_heads.leaf_hashes(HEADS) == [first, second, third]
    assert tree_heads.leaves_json(HEADS).startswith(b'[{"account_id":"a","chain_hash":"abab')


def test_tree_head_signs_content_and_previous_hash() -> None:
    latest = LatestTreeHead(number=4, at=NOW, root="00", tree_head_hash="cd" * 32)

    statement = tree_heads.next_tree_head(latest, HEADS, NOW, KEY)

    assert statement
    assert statement.bytes_to_sign() == canonical_json(
        {
            "number": 5,
            "at": "2026-11-22T09:00:00Z",
            "accounts": 3,
            "root": tree_heads.root_hash(tree_heads.leaf_hashes(HEADS)).hex(),
            "previous": "cd" * 32,
            "key_id": KEY,
        }
    )
    signed = statement.with_signature("c2lnbmVk")
    assert signed.bytes_to_sign() == statement.bytes_to_sign()
    assert SignedTreeHead.model_validate_json(signed.to_stored_json()) == signed


def test_tree_head_due_without_previous_is_first() -> None:
    first = tree_heads.next_tree_head(LatestTreeHead(), HEADS, NOW, KEY)

    assert first
    assert (first.number, first.previous) == (1, GENESIS_HASH)
    assert tree_heads.next_tree_head(LatestTreeHead(), [], NOW, KEY) is None


@pytest.mark.parametrize(("later", "changed", "is_due"), [
    (timedelta(minutes=5), False, False),
    (timedelta(minutes=5), True, True),
    (timedelta(days=1), False, True),
    (timedelta(days=1, seconds=-1), False, False),
])  # fmt: skip
def test_tree_head_is_due_after_change_and_once_a_day(later: timedelta, changed: bool, is_due: bool) -> None:
    latest = LatestTreeHead(number=1, at=NOW, root=tree_heads.root_hash(tree_heads.leaf_hashes(HEADS)).hex())
    heads = [*HEADS[1:], HEADS[0].model_copy(update={"entries": 2})] if changed else HEADS

    assert (tree_heads.next_tree_head(latest, heads, NOW + later, KEY) is not None) == is_due


@pytest.mark.parametrize("changes", [{"number": 3}, {"number": 1}, {"previous": "ef" * 32}])
def test_tree_head_followed_by_rejects_wrong_number_or_hash(changes: dict[str, object]) -> None:
    latest = LatestTreeHead(number=1, at=NOW, root="00", tree_head_hash="cd" * 32)
    statement = tree_heads.next_tree_head(latest, HEADS, NOW, KEY)
    assert statement
    signed = statement.with_signature("c2ln")

    assert latest.followed_by(signed.to_stored_json()) == LatestTreeHead(
        number=2, at=NOW, root=signed.root, tree_head_hash=sha256(signed.to_stored_json()).hexdigest()
    )
    with pytest.raises(ValueError, match="does not follow 1"):
        latest.followed_by(signed.model_copy(update=changes).to_stored_json())
