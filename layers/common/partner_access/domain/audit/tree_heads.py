"""Seals: one signed root over the heads of all chains, each seal bound to the one before (RFC 6962, §2.1)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from pydantic import BaseModel, ConfigDict

from partner_access.domain.audit.hash_chain import NOTHING, Head, canonical, digest

OF_A_NODE: Final = b"\x01"
AT_LEAST_EVERY: Final = timedelta(days=1)
"""So that what a seal covers can be looked up as long as it is the latest, though nothing happens for weeks."""


class Side(StrEnum):
    """Where the other hash of a step stands."""

    LEFT = "left"
    RIGHT = "right"


Step = tuple[Side, str]


class Statement(BaseModel):
    """What is signed: how many chains there are, the root over their heads, and the hash of the seal before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    at: datetime
    accounts: int
    root: str
    previous: str
    key_id: str

    def to_sign(self) -> bytes:
        """The statement without its signature."""
        return canonical(self.model_dump(mode="json", exclude={"signature"}))

    def signed(self, signature: str) -> "Seal":
        """Base64 of the signature, in DER."""
        return Seal(**dict(self), signature=signature)


class Seal(Statement):
    """A statement with its signature: ECDSA over P-256 and SHA-256."""

    signature: str

    def written(self) -> bytes:
        """As it is kept."""
        return canonical(self.model_dump(mode="json"))


class Latest(BaseModel):
    """The last seal there is, as the next one needs it; number 0 is none yet."""

    model_config = ConfigDict(frozen=True)

    number: int = 0
    at: datetime | None = None
    root: str = ""
    tree_head_hash: str = NOTHING

    def followed_by(self, written: bytes) -> "Latest":
        """The seal that was written after this one; ValueError when this is no such seal."""
        seal = Seal.model_validate_json(written)
        if (seal.number, seal.previous) != (self.number + 1, self.tree_head_hash):
            raise ValueError(f"seal {seal.number} does not follow seal {self.number}")
        return Latest(number=seal.number, at=seal.at, root=seal.root, tree_head_hash=sha256(written).hexdigest())


def due(latest: Latest, heads: Sequence[Head], at: datetime, key_id: str) -> Statement | None:
    """What the next seal says, or None while the latest one says it all."""
    if not heads:
        return None
    found = root(leaves_of(heads)).hex()
    if found == latest.root and latest.at and at - latest.at < AT_LEAST_EVERY:
        return None
    return Statement(
        number=latest.number + 1,
        at=at,
        accounts=len(heads),
        root=found,
        previous=latest.tree_head_hash,
        key_id=key_id,
    )


def ordered(heads: Sequence[Head]) -> list[Head]:
    """As they stand in the tree."""
    return sorted(heads, key=lambda head: head.account_id)


def leaves_of(heads: Sequence[Head]) -> list[bytes]:
    """The hashes at the bottom of the tree."""
    return [digest(head) for head in ordered(heads)]


def written_leaves(heads: Sequence[Head]) -> bytes:
    """All heads of a seal, for whoever looks for one of them."""
    return canonical([head.model_dump() for head in ordered(heads)])


def root(leaves: Sequence[bytes]) -> bytes:
    """The hash over all leaves, of which there is at least one."""
    if len(leaves) == 1:
        return leaves[0]
    middle = _middle(len(leaves))
    return _node(root(leaves[:middle]), root(leaves[middle:]))


def path(leaves: Sequence[bytes], position: int) -> tuple[Step, ...]:
    """What a leaf is hashed together with on the way to the root, from the bottom."""
    return tuple(_steps(leaves, position))


def _steps(leaves: Sequence[bytes], position: int) -> Iterator[Step]:
    if len(leaves) == 1:
        return
    middle = _middle(len(leaves))
    if position < middle:
        yield from _steps(leaves[:middle], position)
        yield Side.RIGHT, root(leaves[middle:]).hex()
    else:
        yield from _steps(leaves[middle:], position - middle)
        yield Side.LEFT, root(leaves[:middle]).hex()


def root_over(leaf: bytes, steps: Sequence[Step]) -> bytes:
    """The root to which a leaf leads by these steps."""
    for side, other in steps:
        leaf = _node(bytes.fromhex(other), leaf) if side is Side.LEFT else _node(leaf, bytes.fromhex(other))
    return leaf


def _middle(leaves: int) -> int:
    """The largest power of two that is smaller."""
    return 1 << (leaves - 1).bit_length() - 1


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(OF_A_NODE + left + right).digest()
