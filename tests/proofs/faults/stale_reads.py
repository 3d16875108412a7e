"""DynamoDB with maximum staleness.

An index and an eventually consistent read may return any earlier state of the table.
"""

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
class PastStates:
    """The earlier states of the table. `stale` counts the responses that came from one of them."""

    table: Table
    random: Random
    states: list[list[Item]] = field(default_factory=list)
    stale: int = 0

    def remember(self) -> None:
        """Remember the current state as a past one."""
        self.states.append(self.table.items())

    def respond(self, request: Any, send: Send) -> AWSResponse:
        if not self.states or _is_consistent(faults.body(request)):
            return send()
        now = self.table.items()
        self._restore(self.random.choice(self.states))
        try:
            return send()
        finally:
            self.stale += 1
            self._restore(now)

    def _restore(self, items: list[Item]) -> None:
        self.table.clear()
        for item in items:
            values = {name: value for name, value in item.items() if name not in {"pk", "sk"}}
            self.table.put(Key(item["pk"], item["sk"]), values)


def _is_consistent(request: Any) -> bool:
    """Return whether the request demands consistent reads.

    Transactions always do, and queries of an index never can.
    """
    if "TransactItems" in request:
        return True
    if "RequestItems" in request:
        return all(each.get("ConsistentRead") for each in request["RequestItems"].values())
    return bool(request.get("ConsistentRead"))


@contextmanager
def stale_reads(table: Table, random: Random) -> Iterator[PastStates]:
    """Serve eventually consistent reads from past states within the block."""
    past_states = PastStates(table, random)
    with faults.replace_calls(dynamo.client(), "", past_states.respond):
        yield past_states
