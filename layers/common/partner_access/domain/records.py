"""The values that travel between the floors: acts, decisions with their audit entries and letters, answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue

from partner_access.domain.act import Act
from partner_access.domain.notifications import Notification, Reconciliation

DIRECTORY_LOG_ID = "@directory"
"""Whose trail tells of the vendor's changes to users, who belong to no one account."""


class Record(BaseModel):
    """A record of the table; whoever relies on it names the `version` he saw. 0 is not kept yet."""

    # an item that cannot be read is told of without what is in it
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    version: int = 0

    def next_version(self, **values: object) -> Self:
        """The next version of this record."""
        return self.model_copy(update={**values, "version": self.version + 1})


class AuditEntry(BaseModel):
    """The immutable record of one act, kept once for each account concerned; ids only, never names."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    audit_id: str
    at: datetime
    event: str
    actor_id: str
    accounts: tuple[str, ...]
    details: Mapping[str, JsonValue]


def audit(event: str, act: Act, *accounts: str | None, **details: JsonValue) -> AuditEntry:
    """The entry that tells each of these accounts of the act; details without a value are left out."""
    return AuditEntry(
        audit_id=act.new_id("aud"),
        at=act.at,
        event=event,
        actor_id=act.actor_id,
        accounts=tuple(dict.fromkeys(account for account in accounts if account)),
        details={name: value for name, value in details.items() if value not in (None, [], {})},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What shall be, as far as every operation has it: each adds the records it writes."""

    act: Act
    audit: AuditEntry
    notification: Notification | None = None
    reconciliation: Reconciliation | None = None
    relies_on: tuple[Record, ...] = field(default=())
