"""EventBridge as a test sees it: what the bus took, in its order, and what became of each attempt."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse

from partner_access import event_bus
from tests.support.faults import Fault, Send, body, instead, responds, works

Json = dict[str, Any]


@dataclass(slots=True)
class Listener:
    """`heard` is what the bus took and `tried` what each attempt brought; `plan` is what becomes of the next attempts."""

    heard: list[Json] = field(default_factory=list)
    tried: list[list[Json]] = field(default_factory=list)
    plan: deque[Fault] = field(default_factory=deque)

    @property
    def events(self) -> list[Json]:
        """The CloudEvents alone."""
        return [json.loads(each["Detail"]) for each in self.heard]

    def answer(self, request: Any, _: Send) -> AWSResponse:
        entries = body(request)["Entries"]
        self.tried.append(entries)
        fault = self.plan.popleft() if self.plan else works

        def take() -> AWSResponse:
            self.heard += entries
            return responds(200, _answered([{"EventId": f"event-{number}"} for number in range(len(entries))]))

        return fault(request, take)


def takes_all_but(position: int, code: str = "ThrottlingException") -> Fault:
    """The bus does not take this one of an attempt."""

    def answer(request: Any, _: Send) -> AWSResponse:
        results = [{"EventId": "event"} for _ in body(request)["Entries"]]
        results[position] = {"ErrorCode": code, "ErrorMessage": "somebody@example.com"}
        return responds(200, _answered(results))

    return answer


def _answered(results: list[dict[str, str]]) -> Mapping[str, Any]:
    return {"FailedEntryCount": sum("ErrorCode" in each for each in results), "Entries": results}


@contextmanager
def listener() -> Iterator[Listener]:
    """The bus, as long as the test looks."""
    listening = Listener()
    with instead(event_bus.client(), "PutEvents", listening.answer):
        yield listening
