"""The hash chain of an account's audit log. Each hash covers its entry and the hash before, so all earlier entries."""

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
"""The first byte of the hashed data tells the kind of a hash, so that no kind passes for another.

The byte 01 marks a node in the tree of a tree head.
"""


def canonical_json(document: JsonValue) -> bytes:
    """Return the canonical JSON of a document: sorted names, no whitespace, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(document: BaseModel) -> bytes:
    """Return the SHA-256 digest of a document in its canonical JSON."""
    return sha256(DOCUMENT_PREFIX + canonical_json(document.model_dump(mode="json"))).digest()


class ChainHead(BaseModel):
    """The head of a chain: its number of entries and the hash over all of them, in hexadecimal digits."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    account_id: str
    entries: int = 0
    chain_hash: str = GENESIS_HASH

    def with_entry(self, entry: AuditEntry) -> Self:
        """Return the head with this entry appended. The entry's position is the new number of entries."""
        return self.with_entry_digest(digest(entry))

    def with_entry_digest(self, entry_digest: bytes) -> Self:
        """Return the head with an entry appended that is given by its digest."""
        chain_hash = sha256(CHAIN_PREFIX + bytes.fromhex(self.chain_hash) + entry_digest).hexdigest()
        return self.model_copy(update={"entries": self.entries + 1, "chain_hash": chain_hash})

    def with_entries(self, entries: Iterable[AuditEntry]) -> tuple[Self, ...]:
        """Return one head for each entry, in the same order."""
        heads = [self]
        for entry in entries:
            heads.append(heads[-1].with_entry(entry))
        return tuple(heads[1:])
