"""Values that pass between the layers: acts, decisions with their audit entries and notifications, responses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue

from partner_access.domain.act import Act
from partner_access.domain.notifications import Notification, Reconciliation

DIRECTORY_LOG_ID = "@directory"
"""The audit log of the vendor's changes to users, who belong to no single account."""


class Record(BaseModel):
    """A record of the table. A decision that relies on it checks its `version`. Version 0 is not stored yet."""

    # An error about an unreadable item must not contain its data.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    version: int = 0

    def next_version(self, **values: object) -> Self:
        """Return the next version of this record."""
        return self.model_copy(update={**values, "version": self.version + 1})


class AuditEntry(BaseModel):
    """An immutable record of one act. Each affected account gets a copy. It holds ids, never names."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    audit_id: str
    at: datetime
    event: str
    actor_id: str
    accounts: tuple[str, ...]
    details: Mapping[str, JsonValue]


def audit(event: str, act: Act, *accounts: str | None, **details: JsonValue) -> AuditEntry:
    """Return the audit entry of an act for these accounts.

    None is no value, and is left out. An empty list is a value: the act gave, took or named nothing (domain.md rule 45).
    """
    return AuditEntry(
        audit_id=act.new_id("aud"),
        at=act.at,
        event=event,
        actor_id=act.actor_id,
        accounts=tuple(dict.fromkeys(account for account in accounts if account)),
        details={name: value for name, value in details.items() if value is not None},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The parts of a decision that all operations share. Each operation adds the records that it writes.

    `narrows` is true if it only takes access away. It is then tried for longer (domain.md rule 46).
    """

    act: Act
    audit: AuditEntry
    notification: Notification | None = None
    reconciliation: Reconciliation | None = None
    relies_on: tuple[Record, ...] = field(default=())
    narrows: bool = False
