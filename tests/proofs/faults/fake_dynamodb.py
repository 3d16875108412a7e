"""A fake of the DynamoDB API for one operation: it honors client request tokens and fails calls by plan."""

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
class FakeDynamoDb:
    """The fault plan and the calls so far.

    From call `first_call` on, the next `faulty_calls` calls get the fault if their action is in `actions`.
    `calls` lists the action of each call.
    """

    fault: Fault = faults.succeeds
    first_call: float = inf
    faulty_calls: float = 1
    actions: tuple[str, ...] = ANY
    calls: list[str] = field(default_factory=list)
    applied: dict[str, Any] = field(default_factory=dict)

    def respond(self, request: Any, send: Send) -> AWSResponse:
        number = len(self.calls)
        self.calls.append(_name(request))

        def once_by_token() -> AWSResponse:
            return self._once(request, send)

        if self.first_call <= number < self.first_call + self.faulty_calls and self.calls[-1] in self.actions:
            return self.fault(request, once_by_token)
        return once_by_token()

    def _once(self, request: Any, send: Send) -> AWSResponse:
        """Apply a transaction at most once for each token, as DynamoDB does. Moto ignores tokens."""
        body = faults.body(request)
        token = body.pop("ClientRequestToken", None)
        if token is None:
            return send()
        if token in self.applied:
            if self.applied[token] == body:
                return faults.responds(200, {})
            return faults.aws_error("IdempotentParameterMismatchException")(request, send)
        response = send()
        if response.status_code == 200:
            self.applied[token] = body
        return response


def _name(request: Any) -> str:
    target = request.headers["X-Amz-Target"]
    text = target.decode() if isinstance(target, bytes) else str(target)
    return text.rpartition(".")[2]


@contextmanager
def fake_dynamodb(
    fault: Fault = faults.succeeds, first_call: float = inf, faulty_calls: float = 1, actions: tuple[str, ...] = ANY
) -> Iterator[FakeDynamoDb]:
    """Route all DynamoDB calls through the fake within the block."""
    fake = FakeDynamoDb(fault, first_call, faulty_calls, actions)
    with faults.replace_calls(dynamo.client(), "", fake.respond):
        yield fake
