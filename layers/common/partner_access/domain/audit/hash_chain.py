"""The chain of an account's trail: each hash is over its entry and the hash before, and so over all that came before."""

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from partner_access.domain.records import AuditEntry

NOTHING: Final = bytes(32).hex()
"""The hash before the first entry."""
OF_A_DOCUMENT: Final = b"\x00"
OF_A_CHAIN: Final = b"\x02"
"""What a hash is of is its first byte, so that none can be taken for another; 01 is a node of a seal's tree."""


def canonical(document: JsonValue) -> bytes:
    """The one way to write this as JSON: names in order, no blanks, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(document: BaseModel) -> bytes:
    """The hash of a document as `canonical` writes it."""
    return sha256(OF_A_DOCUMENT + canonical(document.model_dump(mode="json"))).digest()


class Head(BaseModel):
    """How far a chain has come: how many entries it has, and the hash over all of them, in hexadecimal digits."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    account_id: str
    entries: int = 0
    chain_hash: str = NOTHING

    def followed_by(self, entry: AuditEntry) -> Self:
        """The head when this entry has become the chain's last; its place is the number of entries then."""
        return self.followed_by_digest(digest(entry))

    def followed_by_digest(self, next_digest: bytes) -> Self:
        """The same by the digest of the entry alone."""
        chain_hash = sha256(OF_A_CHAIN + bytes.fromhex(self.chain_hash) + next_digest).hexdigest()
        return self.model_copy(update={"entries": self.entries + 1, "chain_hash": chain_hash})

    def followed_by_all(self, entries: Iterable[AuditEntry]) -> tuple[Self, ...]:
        """The heads after each of them."""
        heads = [self]
        for entry in entries:
            heads.append(heads[-1].followed_by(entry))
        return tuple(heads[1:])
