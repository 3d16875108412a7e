"""Signed tree heads. Each covers the heads of all chains, and is linked to the one before (RFC 9162, §2.1)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from pydantic import BaseModel, ConfigDict

from partner_access.domain.audit.hash_chain import GENESIS_HASH, ChainHead, canonical_json, digest

NODE_PREFIX: Final = b"\x01"
MAX_TREE_HEAD_AGE: Final = timedelta(days=1)
"""The maximum time between signed tree heads, even if nothing changes.

The leaves of the latest one then stay available as long as it is the latest.
"""


class ProofSide(StrEnum):
    """The side of the other hash in a step of an inclusion proof."""

    LEFT = "left"
    RIGHT = "right"


ProofStep = tuple[ProofSide, str]


class TreeHead(BaseModel):
    """The content to sign: the number of chains, their root hash, and the hash of the previous signed tree head."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    at: datetime
    accounts: int
    root: str
    previous: str
    key_id: str

    def bytes_to_sign(self) -> bytes:
        """Return the bytes to sign, without the signature."""
        return canonical_json(self.model_dump(mode="json", exclude={"signature"}))

    def with_signature(self, signature: str) -> "SignedTreeHead":
        """Return the signed tree head. `signature` is Base64 of the DER encoding."""
        return SignedTreeHead(**dict(self), signature=signature)


class SignedTreeHead(TreeHead):
    """A tree head with its signature: ECDSA over P-256 with SHA-256."""

    signature: str

    def to_stored_json(self) -> bytes:
        """Return the bytes as stored."""
        return canonical_json(self.model_dump(mode="json"))


class LatestTreeHead(BaseModel):
    """The latest signed tree head, as far as the next one needs it. Number 0 means that there is none yet."""

    model_config = ConfigDict(frozen=True)

    number: int = 0
    at: datetime | None = None
    root: str = ""
    tree_head_hash: str = GENESIS_HASH

    def followed_by(self, stored_json: bytes) -> "LatestTreeHead":
        """Return the latest tree head after this stored one. Raise `ValueError` if it does not follow this one."""
        signed_head = SignedTreeHead.model_validate_json(stored_json)
        if (signed_head.number, signed_head.previous) != (self.number + 1, self.tree_head_hash):
            raise ValueError(f"signed tree head {signed_head.number} does not follow {self.number}")
        return LatestTreeHead(
            number=signed_head.number,
            at=signed_head.at,
            root=signed_head.root,
            tree_head_hash=sha256(stored_json).hexdigest(),
        )


def next_tree_head(latest: LatestTreeHead, heads: Sequence[ChainHead], at: datetime, key_id: str) -> TreeHead | None:
    """Return the next tree head, or None while the latest one is still current."""
    if not heads:
        return None
    root_hash_now = root_hash(leaf_hashes(heads)).hex()
    if root_hash_now == latest.root and latest.at and at - latest.at < MAX_TREE_HEAD_AGE:
        return None
    return TreeHead(
        number=latest.number + 1,
        at=at,
        accounts=len(heads),
        root=root_hash_now,
        previous=latest.tree_head_hash,
        key_id=key_id,
    )


def in_tree_order(heads: Sequence[ChainHead]) -> list[ChainHead]:
    """Return the heads in the order of the tree."""
    return sorted(heads, key=lambda head: head.account_id)


def leaf_hashes(heads: Sequence[ChainHead]) -> list[bytes]:
    """Return the leaf hashes of the tree."""
    return [digest(head) for head in in_tree_order(heads)]


def leaves_json(heads: Sequence[ChainHead]) -> bytes:
    """Return all heads of a tree head as canonical JSON, for proofs about one of them."""
    return canonical_json([head.model_dump() for head in in_tree_order(heads)])


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle root (RFC 9162) over leaf hashes in the order of the tree. There must be at least one."""
    if len(leaves) == 1:
        return leaves[0]
    middle = _split_point(len(leaves))
    return _node_hash(root_hash(leaves[:middle]), root_hash(leaves[middle:]))


def inclusion_proof(leaves: Sequence[bytes], position: int) -> tuple[ProofStep, ...]:
    """Return the inclusion proof of a leaf: the hashes that it is combined with, from the leaf to the root."""
    return tuple(_steps(leaves, position))


def _steps(leaves: Sequence[bytes], position: int) -> Iterator[ProofStep]:
    if len(leaves) == 1:
        return
    middle = _split_point(len(leaves))
    if position < middle:
        yield from _steps(leaves[:middle], position)
        yield ProofSide.RIGHT, root_hash(leaves[middle:]).hex()
    else:
        yield from _steps(leaves[middle:], position - middle)
        yield ProofSide.LEFT, root_hash(leaves[:middle]).hex()


def root_from_proof(leaf: bytes, steps: Sequence[ProofStep]) -> bytes:
    """Return the root hash that follows from a leaf and its inclusion proof."""
    for side, other in steps:
        leaf = (
            _node_hash(bytes.fromhex(other), leaf) if side is ProofSide.LEFT else _node_hash(leaf, bytes.fromhex(other))
        )
    return leaf


def _split_point(leaves: int) -> int:
    """Return the largest power of two that is smaller than the number of leaves."""
    return 1 << (leaves - 1).bit_length() - 1


def _node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(NODE_PREFIX + left + right).digest()
