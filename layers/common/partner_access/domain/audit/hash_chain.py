"""The chain of an account's trail: each hash is over its entry and the hash before, and so over all that came before."""

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from partner_access.domain.records import AuditEntry

GENESIS_HASH: Final = bytes(32).hex()
"""The hash before the first entry."""
DOCUMENT_PREFIX: Final = b"\x00"
CHAIN_PREFIX: Final = b"\x02"
"""What a hash is of is its first byte, so that none can be taken for another; 01 is a node of a seal's tree."""


def canonical_json(document: JsonValue) -> bytes:
    """The one way to write this as JSON: names in order, no blanks, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(document: BaseModel) -> bytes:
    """The hash of a document as `canonical` writes it."""
    return sha256(DOCUMENT_PREFIX + canonical_json(document.model_dump(mode="json"))).digest()


class ChainHead(BaseModel):
    """How far a chain has come: how many entries it has, and the hash over all of them, in hexadecimal digits."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    account_id: str
    entries: int = 0
    chain_hash: str = GENESIS_HASH

    def with_entry(self, entry: AuditEntry) -> Self:
        """The head when this entry has become the chain's last; its place is the number of entries then."""
        return self.with_entry_digest(digest(entry))

    def with_entry_digest(self, entry_digest: bytes) -> Self:
        """The same by the digest of the entry alone."""
        chain_hash = sha256(CHAIN_PREFIX + bytes.fromhex(self.chain_hash) + entry_digest).hexdigest()
        return self.model_copy(update={"entries": self.entries + 1, "chain_hash": chain_hash})

    def with_entries(self, entries: Iterable[AuditEntry]) -> tuple[Self, ...]:
        """The heads after each of them."""
        heads = [self]
        for entry in entries:
            heads.append(heads[-1].with_entry(entry))
        return tuple(heads[1:])
