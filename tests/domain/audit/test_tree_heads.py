"""Seals by hand: the tree of RFC 6962, when a seal is due, what it says, and what follows it."""

from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_access.domain.audit import tree_heads
from partner_access.domain.audit.hash_chain import NOTHING, Head, canonical
from partner_access.domain.audit.tree_heads import Latest, Seal, Side
from tests.support.builders import NOW

KEY = "arn:aws:kms:eu-west-1:000000000000:key/1"
HEADS = [Head(account_id=name, entries=number, chain_hash="ab" * 32) for number, name in enumerate("cab", 1)]


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def leaves(many: int) -> list[bytes]:
    return [sha256(bytes([number])).digest() for number in range(many)]


def test_the_root_is_that_of_rfc_6962() -> None:
    a, b, c, d, e = leaves(5)

    assert tree_heads.root([a]) == a
    assert tree_heads.root([a, b]) == node(a, b)
    assert tree_heads.root([a, b, c]) == node(node(a, b), c)
    assert tree_heads.root([a, b, c, d]) == node(node(a, b), node(c, d))
    assert tree_heads.root([a, b, c, d, e]) == node(node(node(a, b), node(c, d)), e)


def test_the_steps_to_the_root_go_from_the_bottom() -> None:
    a, b, c = leaves(3)

    assert tree_heads.path([a, b, c], 0) == ((Side.RIGHT, b.hex()), (Side.RIGHT, c.hex()))
    assert tree_heads.path([a, b, c], 1) == ((Side.LEFT, a.hex()), (Side.RIGHT, c.hex()))
    assert tree_heads.path([a, b, c], 2) == ((Side.LEFT, node(a, b).hex()),)
    assert tree_heads.path([a], 0) == ()


@given(st.data())
def test_every_leaf_leads_to_the_root_and_no_other_does(data: st.DataObject) -> None:
    some = leaves(data.draw(st.integers(1, 40)))
    position = data.draw(st.integers(0, len(some) - 1))
    steps = tree_heads.path(some, position)

    assert tree_heads.root_over(some[position], steps) == tree_heads.root(some)
    assert tree_heads.root_over(sha256(b"other").digest(), steps) != tree_heads.root(some)
    assert len(steps) <= (len(some) - 1).bit_length()


def test_heads_stand_in_the_tree_by_their_account() -> None:
    first, second, third = (
        sha256(b"\x00" + canonical(head.model_dump())).digest() for head in (HEADS[1], HEADS[2], HEADS[0])
    )

    assert tree_heads.leaves_of(HEADS) == [first, second, third]
    assert tree_heads.written_leaves(HEADS).startswith(b'[{"account_id":"a","chain_hash":"abab')


def test_a_seal_says_what_it_covers_and_which_it_follows() -> None:
    latest = Latest(number=4, at=NOW, root="00", tree_head_hash="cd" * 32)

    statement = tree_heads.due(latest, HEADS, NOW, KEY)

    assert statement
    assert statement.to_sign() == canonical(
        {
            "number": 5,
            "at": "2026-11-22T09:00:00Z",
            "accounts": 3,
            "root": tree_heads.root(tree_heads.leaves_of(HEADS)).hex(),
            "previous": "cd" * 32,
            "key_id": KEY,
        }
    )
    sealed = statement.signed("c2lnbmVk")
    assert sealed.to_sign() == statement.to_sign()
    assert Seal.model_validate_json(sealed.written()) == sealed


def test_the_first_seal_follows_nothing_and_nothing_needs_none() -> None:
    first = tree_heads.due(Latest(), HEADS, NOW, KEY)

    assert first
    assert (first.number, first.previous) == (1, NOTHING)
    assert tree_heads.due(Latest(), [], NOW, KEY) is None


@pytest.mark.parametrize(("later", "changed", "is_due"), [
    (timedelta(minutes=5), False, False),
    (timedelta(minutes=5), True, True),
    (timedelta(days=1), False, True),
    (timedelta(days=1, seconds=-1), False, False),
])  # fmt: skip
def test_a_seal_is_due_when_something_came_and_once_a_day(later: timedelta, changed: bool, is_due: bool) -> None:
    latest = Latest(number=1, at=NOW, root=tree_heads.root(tree_heads.leaves_of(HEADS)).hex())
    heads = [*HEADS[1:], HEADS[0].model_copy(update={"entries": 2})] if changed else HEADS

    assert (tree_heads.due(latest, heads, NOW + later, KEY) is not None) == is_due


@pytest.mark.parametrize("changes", [{"number": 3}, {"number": 1}, {"previous": "ef" * 32}])
def test_what_does_not_follow_the_latest_seal_is_no_next_one(changes: dict[str, object]) -> None:
    latest = Latest(number=1, at=NOW, root="00", tree_head_hash="cd" * 32)
    statement = tree_heads.due(latest, HEADS, NOW, KEY)
    assert statement
    seal = statement.signed("c2ln")

    assert latest.followed_by(seal.written()) == Latest(
        number=2, at=NOW, root=seal.root, tree_head_hash=sha256(seal.written()).hexdigest()
    )
    with pytest.raises(ValueError, match="does not follow seal 1"):
        latest.followed_by(seal.model_copy(update=changes).written())
