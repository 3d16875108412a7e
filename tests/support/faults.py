"""Faults at AWS's door: what becomes of each attempt of a call, before or after it took effect (guarantees.md §7)."""

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
"""What AWS makes of one attempt, a prepared request; calling the second argument lets it take effect."""


class Killed(BaseException):
    """Lambda ended the function here."""


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def body(request: Any) -> Any:
    """What an attempt asks."""
    return json.loads(request.body)


def responds(status: int, body: Mapping[str, Any], **headers: str) -> AWSResponse:
    return AWSResponse("", status, HTTPHeaders.from_dict(headers), _Raw(json.dumps(body).encode()))


def works(_: Any, send: Send) -> AWSResponse:
    return send()


def goes_unheard(_: Any, send: Send) -> AWSResponse:
    """It never arrived, and no answer says so."""
    raise ReadTimeoutError(endpoint_url="aws")


def goes_unanswered(_: Any, send: Send) -> AWSResponse:
    """It took effect, and its answer was lost."""
    send()
    raise ReadTimeoutError(endpoint_url="aws")


def cuts_off(left: float) -> Fault:
    """It took effect, and this much of the answer's body came."""

    def cut(_: Any, send: Send) -> AWSResponse:
        answer = send()
        whole = answer.content
        return AWSResponse("", answer.status_code, HTTPHeaders(), _Raw(whole[: int(left * len(whole))]))

    return cut


def kills_before(_: Any, send: Send) -> AWSResponse:
    raise Killed


def kills_after(_: Any, send: Send) -> AWSResponse:
    send()
    raise Killed


def says(code: str, status: int = 400, **more: Any) -> Fault:
    """AWS refuses in these words."""
    return lambda *_: responds(status, {"__type": code, "message": "", **more}, **{"x-amzn-errortype": code})


def breaks_off(code: str, left: float) -> Fault:
    """AWS refuses in these words, of which this much is heard."""
    whole = json.dumps({"__type": code, "message": ""}).encode()
    return lambda *_: AWSResponse("", 400, HTTPHeaders(), _Raw(whole[: int(left * len(whole))]))


def cancels(code: str, *positions: int, **others: str) -> Fault:
    """The transaction is cancelled for this reason, at these positions or at all; `at_2="…"` gives another reason."""

    def cancel(request: Any, _: Send) -> AWSResponse:
        lines = len(body(request)["TransactItems"])
        codes = dict.fromkeys(positions or range(lines), code)
        codes |= {int(name.removeprefix("at_")): other for name, other in others.items()}
        reasons = [{"Code": codes.get(position, "None")} for position in range(lines)]
        return says("TransactionCanceledException", CancellationReasons=reasons)(request, _)

    return cancel


CONFLICTS = cancels("TransactionConflict", 0)


def _through(event_name: str, request: Any) -> AWSResponse:
    answer = botocore_stubber(event_name, request)
    assert answer
    return answer


@contextmanager
def instead(client: BaseClient, operation: str, answer: Fault) -> Iterator[None]:
    """Have each attempt of this operation, or of all, answered so; what moto would say is heard only when asked for."""
    events, name = client.meta.events, f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}"

    def respond(request: Any, event_name: str, **_: Any) -> Any:
        response = answer(request, lambda: _through(event_name, request))
        botocore_stubber.enabled = False
        return response

    def go_on(**_: Any) -> None:
        botocore_stubber.enabled = True

    events.register(name.rstrip("."), respond)
    events.register_last("before-send", go_on)
    try:
        yield
    finally:
        events.unregister(name.rstrip("."), respond)
        events.unregister("before-send", go_on)


@contextmanager
def at(client: BaseClient, operation: str, *plan: Fault, then: Fault = works) -> Iterator[list[Any]]:
    """One fault for each attempt, and then always the last; the list grows by the body of each attempt."""
    attempts: list[Any] = []
    faults = chain(plan, repeat(then))

    def answer(request: Any, send: Send) -> AWSResponse:
        attempts.append(body(request))
        return next(faults)(request, send)

    with instead(client, operation, answer):
        yield attempts
