"""Fake EventBridge: the entries that the bus accepted, in order, and the result of each attempt."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse

from partner_access import event_bus
from tests.support.faults import Fault, Send, body, replace_calls, responds, succeeds

Json = dict[str, Any]


@dataclass(slots=True)
class FakeEventBus:
    """A fake event bus.

    `accepted` has the accepted entries and `attempts` the entries of each attempt. `next_faults` are applied in order.
    """

    accepted: list[Json] = field(default_factory=list)
    attempts: list[list[Json]] = field(default_factory=list)
    next_faults: deque[Fault] = field(default_factory=deque)

    @property
    def events(self) -> list[Json]:
        """The CloudEvents of the accepted entries."""
        return [json.loads(each["Detail"]) for each in self.accepted]

    def respond(self, request: Any, _: Send) -> AWSResponse:
        entries = body(request)["Entries"]
        self.attempts.append(entries)
        fault = self.next_faults.popleft() if self.next_faults else succeeds

        def take() -> AWSResponse:
            self.accepted += entries
            return responds(200, _put_events_result([{"EventId": f"event-{number}"} for number in range(len(entries))]))

        return fault(request, take)


def rejects_entry_at(position: int, code: str = "ThrottlingException") -> Fault:
    """Return a fault in which the bus rejects the entry at this position."""

    def respond(request: Any, _: Send) -> AWSResponse:
        results = [{"EventId": "event"} for _ in body(request)["Entries"]]
        results[position] = {"ErrorCode": code, "ErrorMessage": "user@example.com"}
        return responds(200, _put_events_result(results))

    return respond


def _put_events_result(results: list[dict[str, str]]) -> Mapping[str, Any]:
    return {"FailedEntryCount": sum("ErrorCode" in each for each in results), "Entries": results}


@contextmanager
def fake_event_bus() -> Iterator[FakeEventBus]:
    """Replace the event bus with a fake in the block."""
    listening = FakeEventBus()
    with replace_calls(event_bus.client(), "PutEvents", listening.respond):
        yield listening
