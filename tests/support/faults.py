"""Faults of AWS calls: the result of each attempt, before or after it took effect (consistency.md §7)."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import chain, repeat
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from moto.core.models import botocore_stubber

Send = Callable[[], AWSResponse]
Fault = Callable[[Any, Send], AWSResponse]
"""The result of one attempt. It takes the prepared request and a function that lets the request take effect."""


class Killed(BaseException):
    """Lambda ended the function at this point."""


class _RawBody(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def body(request: Any) -> Any:
    """Return the parsed body of a request."""
    return json.loads(request.body)


def responds(status: int, body: Mapping[str, Any], **headers: str) -> AWSResponse:
    return AWSResponse("", status, HTTPHeaders.from_dict(headers), _RawBody(json.dumps(body).encode()))


def succeeds(_: Any, send: Send) -> AWSResponse:
    return send()


def request_lost(_: Any, send: Send) -> AWSResponse:
    """Time out before the request takes effect."""
    raise ReadTimeoutError(endpoint_url="aws")


def response_lost(_: Any, send: Send) -> AWSResponse:
    """Let the request take effect, then lose its response."""
    send()
    raise ReadTimeoutError(endpoint_url="aws")


def response_cut_off(share: float) -> Fault:
    """Return a fault that lets the request take effect and returns only this share of the response body."""

    def cut(_: Any, send: Send) -> AWSResponse:
        answer = send()
        whole = answer.content
        return AWSResponse("", answer.status_code, HTTPHeaders(), _RawBody(whole[: int(share * len(whole))]))

    return cut


def killed_before(_: Any, send: Send) -> AWSResponse:
    raise Killed


def killed_after(_: Any, send: Send) -> AWSResponse:
    send()
    raise Killed


def aws_error(code: str, status: int = 400, **more: Any) -> Fault:
    """Return a fault that responds with this AWS error."""
    return lambda *_: responds(status, {"__type": code, "message": "", **more}, **{"x-amzn-errortype": code})


def error_cut_off(code: str, share: float) -> Fault:
    """Return a fault that responds with this AWS error, cut off after this share of its body."""
    whole = json.dumps({"__type": code, "message": ""}).encode()
    return lambda *_: AWSResponse("", 400, HTTPHeaders(), _RawBody(whole[: int(share * len(whole))]))


def transaction_canceled(code: str, *positions: int, **others: str) -> Fault:
    """Return a fault that cancels a transaction for this reason.

    `positions` are the affected items, by default all. `at_2="…"` sets another reason for one item.
    """

    def cancel(request: Any, _: Send) -> AWSResponse:
        lines = len(body(request)["TransactItems"])
        codes = dict.fromkeys(positions or range(lines), code)
        codes |= {int(name.removeprefix("at_")): other for name, other in others.items()}
        reasons = [{"Code": codes.get(position, "None")} for position in range(lines)]
        return aws_error("TransactionCanceledException", CancellationReasons=reasons)(request, _)

    return cancel


WRITE_CONFLICT = transaction_canceled("TransactionConflict", 0)


def _moto_response(event_name: str, request: Any) -> AWSResponse:
    answer = botocore_stubber(event_name, request)
    assert answer
    return answer


@contextmanager
def replace_calls(client: BaseClient, operation: str, fault: Fault) -> Iterator[None]:
    """Answer every attempt of this operation, or of all operations, with the fault.

    Moto responds only if the fault asks it.
    """
    events, name = client.meta.events, f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}"

    def respond(request: Any, event_name: str, **_: Any) -> Any:
        response = fault(request, lambda: _moto_response(event_name, request))
        botocore_stubber.enabled = False
        return response

    def reenable_moto(**_: Any) -> None:
        botocore_stubber.enabled = True

    events.register(name.rstrip("."), respond)
    events.register_last("before-send", reenable_moto)
    try:
        yield
    finally:
        events.unregister(name.rstrip("."), respond)
        events.unregister("before-send", reenable_moto)


@contextmanager
def inject(
    client: BaseClient, operation: str, *faults_in_order: Fault, last_fault: Fault = succeeds
) -> Iterator[list[Any]]:
    """Apply one fault to each attempt in order, then `last_fault` to all later ones.

    The list that is yielded collects the body of each attempt.
    """
    attempts: list[Any] = []
    faults = chain(faults_in_order, repeat(last_fault))

    def apply_next(request: Any, send: Send) -> AWSResponse:
        attempts.append(body(request))
        return next(faults)(request, send)

    with replace_calls(client, operation, apply_next):
        yield attempts
