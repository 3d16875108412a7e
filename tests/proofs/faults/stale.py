"""DynamoDB as stale as it may be: an index, and a read that does not insist, answer from any earlier state of the table."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from botocore.awsrequest import AWSResponse

from partner_access.store import dynamo
from partner_access.store.keys import Key
from tests.support import faults
from tests.support.faults import Send
from tests.support.table import Item, Table


@dataclass(slots=True)
class Past:
    """The states that the table has had; `stale` counts the answers that came from one of them."""

    table: Table
    chance: Random
    states: list[list[Item]] = field(default_factory=list)
    stale: int = 0

    def passes(self) -> None:
        """What is now has been."""
        self.states.append(self.table.items())

    def answer(self, request: Any, send: Send) -> AWSResponse:
        if not self.states or _insists(faults.body(request)):
            return send()
        now = self.table.items()
        self._becomes(self.chance.choice(self.states))
        try:
            return send()
        finally:
            self.stale += 1
            self._becomes(now)

    def _becomes(self, items: list[Item]) -> None:
        self.table.clear()
        for item in items:
            values = {name: value for name, value in item.items() if name not in {"pk", "sk"}}
            self.table.put(Key(item["pk"], item["sk"]), values)


def _insists(asked: Any) -> bool:
    """Transactions always do, an index never can."""
    if "TransactItems" in asked:
        return True
    if "RequestItems" in asked:
        return all(each.get("ConsistentRead") for each in asked["RequestItems"].values())
    return bool(asked.get("ConsistentRead"))


@contextmanager
def past(table: Table, chance: Random) -> Iterator[Past]:
    """As long as the block lasts."""
    here = Past(table, chance)
    with faults.instead(dynamo.client(), "", here.answer):
        yield here
