"""DynamoDB's door, as one operation finds it: a token is heeded there, as by the real one, and attempts go wrong by plan."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from botocore.awsrequest import AWSResponse

from partner_access.store import dynamo
from tests.support import faults
from tests.support.faults import Fault, Send

WRITE: Final = "TransactWriteItems"
SNAPSHOT: Final = "TransactGetItems"
ANY: Final = ("BatchGetItem", "Query", SNAPSHOT, WRITE)


@dataclass(slots=True)
class Door:
    """From the attempt at `first` on, `times` attempts get the fault, if they ask for one of `at`; `called` says what each asked."""

    fault: Fault = faults.works
    first: float = inf
    times: float = 1
    at: tuple[str, ...] = ANY
    called: list[str] = field(default_factory=list)
    applied: dict[str, Any] = field(default_factory=dict)

    def answer(self, request: Any, send: Send) -> AWSResponse:
        number = len(self.called)
        self.called.append(_name(request))

        def heeding() -> AWSResponse:
            return self._once(request, send)

        if self.first <= number < self.first + self.times and self.called[-1] in self.at:
            return self.fault(request, heeding)
        return heeding()

    def _once(self, request: Any, send: Send) -> AWSResponse:
        """What was applied under its token is not applied again; moto would."""
        asked = faults.body(request)
        token = asked.pop("ClientRequestToken", None)
        if token is None:
            return send()
        if token in self.applied:
            if self.applied[token] == asked:
                return faults.responds(200, {})
            return faults.says("IdempotentParameterMismatchException")(request, send)
        response = send()
        if response.status_code == 200:
            self.applied[token] = asked
        return response


def _name(request: Any) -> str:
    target = request.headers["X-Amz-Target"]
    text = target.decode() if isinstance(target, bytes) else str(target)
    return text.rpartition(".")[2]


@contextmanager
def door(
    fault: Fault = faults.works, first: float = inf, times: float = 1, at: tuple[str, ...] = ANY
) -> Iterator[Door]:
    """The only way to DynamoDB as long as the test looks."""
    here = Door(fault, first, times, at)
    with faults.instead(dynamo.client(), "", here.answer):
        yield here
