"""The environment of an operation under faults: the table, and a fake for each service around it."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from tests.support.background_functions import Clock
from tests.support.fake_event_bus import FakeEventBus
from tests.support.fake_ses import FakeSes
from tests.support.seeded_table import now, seed
from tests.support.table import Item, Table

RECIPIENT: Final = "admin@client.example"


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of the operations: the table and the fakes around it.

    `mailbox` has the emails sent, and `clock` is the clock of the background functions. `tree_head_stores` holds the
    fake stores for signed tree heads.
    """

    table: Table
    mailbox: FakeSes
    event_bus: FakeEventBus
    clock: Clock
    tree_head_stores: ExitStack

    def reset(self, *others: Any) -> None:
        """Reset the table to the usual records plus these, and forget everything that was sent or published."""
        self.table.clear()
        self.clock.time = now()
        seed(self.table, *others)
        self.mailbox.sent.clear()
        self.event_bus.accepted.clear()

    def audit_entries(self) -> list[Item]:
        """Return the audit entries that operations wrote, as the table's stream delivers them."""
        return [item for item in self.table.items_with_prefix("AUDIT#") if item["event"] != "grant.given"]
