"""The lines of an exported audit log, and the error of an altered one."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.domain.audit.tree_heads import ProofSide, SignedTreeHead
from partner_access.domain.records import AuditEntry

FORMAT: Final = 1
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class AuditLogAltered(Exception):
    """The exported audit log was altered. The message names the first entry that does not match."""


class ExportLine(BaseModel):
    """A line, which has no other fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ExportTitle(ExportLine):
    """The first line of the file: its subject and the numbers of lines that must follow."""

    account_id: str
    entries: int
    format: int = FORMAT
    key: str
    tree_heads: int


class TreeHeadProof(ExportLine):
    """A signed tree head with the account's chain head and its inclusion path."""

    leaf: ChainHead
    path: tuple[tuple[ProofSide, Hash], ...]
    tree_head: SignedTreeHead


class ChainedEntry(ExportLine):
    """An audit entry with its position in the chain."""

    chain_hash: Hash
    entry: AuditEntry
    position: int
