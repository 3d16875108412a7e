"""An operation as a sequence of calls to AWS. Its next call depends only on the responses so far.

Ids, times and random values derive from the name of the attempt. An attempt can therefore be run again from the start
up to the call that waits for a response. Nothing else runs meanwhile. The calls that follow each sequence of responses
are remembered, so that each sequence runs once.
"""

import logging
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from typing_extensions import override

from partner_access import event_bus, tree_head_store
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.emails import transport
from partner_access.store import dynamo
from tests.proofs.interleavings import fake_aws
from tests.proofs.interleavings.fake_aws import AwsCall, CallResult
from tests.support import faults
from tests.support.background_functions import (
    WORKER,
    Clock,
)
from tests.support.faults import Send
from tests.support.gateway import ApiResponse

MODULES: Final = ("partner_access.api.routing", WORKER)
TIMED_OUT: Final = CallResult(0)
KILLED: Final = CallResult(-1)
UNAVAILABLE: Final = 503
ROW_TO_RETRY: Final = '"reason":"temporarily_unavailable"'
"""Reason in a row of a bulk response that asks for a retry."""
MILLISECOND: Final = "019a0000-0000-7"
"""Common prefix of all generated ids: they all have the same instant."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `run` gets the idempotency key of the attempt, and `later` is the lead of its clock.

    `where` is its route or the module of its background function. `in_parts` is true if its reads or writes are not
    all at one instant, so that other operations may come between them. `has_effect` is false if it only reads, or has
    nothing to do in the initial state.
    """

    name: str
    where: str
    run: Callable[[str], ApiResponse | None] = field(compare=False)
    in_parts: bool = False
    decides: bool = False
    is_keyed: bool = True
    has_effect: bool = True
    later: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at an operation. Attempts with the same key are retries of one request."""

    operation: Operation
    try_number: int = 1
    request_number: int = 1

    @property
    def key(self) -> str:
        """The idempotency key, which all attempts of one request share."""
        return re.sub(r"\W+", "-", f"{self.operation.name} {self.request_number}")

    @property
    def label(self) -> str:
        """The name of the attempt, such as "revoke", "revoke#2" for the second request or "revoke~2" for the first retry."""
        request_suffix, try_suffix = (
            f"#{self.request_number}" if self.request_number > 1 else "",
            f"~{self.try_number}" if self.try_number > 1 else "",
        )
        return f"{self.operation.name}{request_suffix}{try_suffix}"

    @property
    def has_key(self) -> bool:
        """True if the caller sends an idempotency key, so that they can retry."""
        return self.operation.is_keyed

    def retry(self) -> "Attempt":
        """Return the next attempt of the same request."""
        return Attempt(self.operation, self.try_number + 1, self.request_number)

    def as_new_request(self) -> "Attempt":
        """Return the same operation as a separate request, with a key of its own."""
        return Attempt(self.operation, self.try_number, self.request_number + 1)


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of an attempt: the HTTP status, or 0 if there is no response."""

    status: int
    text: str = ""
    replayed: bool = False
    failed: str = ""

    @property
    def succeeded(self) -> bool:
        return not self.failed and self.status < fake_aws.FIRST_ERROR_STATUS

    @override
    def __str__(self) -> str:
        """Return a short description that tells one result from another."""
        return " ".join([str(self.status), self.failed, *re.findall(r'"code": "(\w+)"', self.text)])

    @property
    def needs_retry(self) -> bool:
        """True if all or part of the request should be retried, because it failed or its result is unknown."""
        return bool(self.failed) or self.status == UNAVAILABLE or ROW_TO_RETRY in self.text


@dataclass(slots=True, eq=False)
class AttemptProgress:
    """The progress of an attempt: it waits for the response to a call, or it has ended."""

    attempt: Attempt
    responses: tuple[CallResult, ...]
    waits_for: AwsCall | None
    result: AttemptResult | None
    next_by_response: dict[CallResult, "AttemptProgress"] = field(default_factory=dict)


class WaitsForCall(BaseException):
    """The attempt has no more known responses and waits for one to this call."""

    def __init__(self, call: AwsCall) -> None:
        super().__init__()
        self.call = call


@dataclass(slots=True)
class AttemptRunner:
    """The runner of attempts. It runs each from its start, with the responses so far."""

    clock: Clock
    began: datetime
    started: dict[Attempt, AttemptProgress] = field(default_factory=dict)
    live: Callable[[Send], Any] | None = None
    _attempt: Attempt | None = None
    _responses: Iterator[CallResult] = field(default_factory=lambda: iter(()))
    draws: int = 0

    def start(self, attempt: Attempt) -> AttemptProgress:
        """Return the attempt before its first response."""
        if attempt not in self.started:
            self.started[attempt] = self._replay(attempt, ())
        return self.started[attempt]

    def continue_with(self, run: AttemptProgress, response: CallResult) -> AttemptProgress:
        """Return the attempt after one more response."""
        if response not in run.next_by_response:
            run.next_by_response[response] = self._replay(run.attempt, (*run.responses, response))
        return run.next_by_response[response]

    def _replay(self, attempt: Attempt, responses: tuple[CallResult, ...]) -> AttemptProgress:
        self.become(attempt, 0)
        self._responses = iter(responses)
        try:
            with redirect_stdout(None):
                return AttemptProgress(attempt, responses, None, self.run_attempt(attempt))
        except WaitsForCall as waiting:
            return AttemptProgress(attempt, responses, waiting.call, None)

    def become(self, attempt: Attempt, draws: int) -> None:
        """Take on ids, time and random values of this attempt, which has already drawn `draws` of them."""
        self._attempt, self.draws = attempt, draws
        self.clock.time = self.began + attempt.operation.later

    def run_attempt(self, attempt: Attempt) -> AttemptResult:
        """Run the attempt as far as it gets."""
        try:
            response = attempt.operation.run(attempt.key)
        except faults.Killed:
            return AttemptResult(0, failed="killed")
        except (TemporarilyUnavailable, ClientError, BotoCoreError, event_bus.PublishFailed) as error:
            return AttemptResult(0, failed=type(error).__name__)
        if isinstance(response, ApiResponse):
            return AttemptResult(response.status, response.text, response.replayed)
        return AttemptResult(0)

    def handle_call(self, service: str, request: Any, send: Send) -> Any:
        """Return the recorded response to a call, or stop the attempt. In live mode, make the call."""
        if self.live:
            return self.live(send)
        response = next(self._responses, None)
        if response is None:
            raise WaitsForCall(AwsCall(service, _target(service, request), _body(request), send))
        if response == TIMED_OUT:
            raise ReadTimeoutError(endpoint_url=service)
        if response == KILLED:
            raise faults.Killed
        return response.to_response()

    def random_bytes(self) -> bytes:
        """Return the next 256 random bits of this attempt."""
        self.draws += 1
        assert self._attempt
        seed = f"{self._attempt.key} {self._attempt.try_number} {self.draws}"
        return sha256(seed.encode()).digest()

    def uuid7(self) -> UUID:
        found = self.random_bytes().hex()
        return UUID(f"{MILLISECOND}{found[:3]}-8{found[3:6]}-{found[6:18]}")


def _target(service: str, request: Any) -> str:
    if service == fake_aws.S3:
        name = unquote(urlsplit(request.url).path).partition("/")[2]
        return f"{request.method} {name} {request.headers.get('If-None-Match', b'').decode()}".strip()
    if service == fake_aws.SES:
        return "SendEmail"
    target: str = request.headers["X-Amz-Target"].decode()
    return target.partition(".")[2]


def _body(request: Any) -> bytes:
    """Return the request body without the chunk headers and checksums of S3."""
    body = request.body
    if isinstance(body, bytes) or not body:
        return body or b""
    length = int(request.headers["X-Amz-Decoded-Content-Length"])
    _, _, chunk = body.read().partition(b"\r\n")
    return bytes(chunk[:length])


@contextmanager
def attempt_runner(began: datetime) -> Iterator[AttemptRunner]:
    """Route all AWS calls of the product to the runner, and replace time, random values and waiting."""
    clients = {
        fake_aws.DYNAMODB: dynamo.client(),
        fake_aws.SES: transport.client(),
        fake_aws.EVENTS: event_bus.client(),
        fake_aws.KMS: tree_head_store.kms_client(),
        fake_aws.S3: tree_head_store.s3_client(),
    }
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        runner = AttemptRunner(Clock(patch, *MODULES), began)
        patch.setattr("time.sleep", lambda _: None)
        patch.setattr("uuid_utils.uuid7", runner.uuid7)
        patch.setattr("uuid.uuid4", runner.uuid7)
        patch.setattr("secrets.token_urlsafe", lambda _: urlsafe_b64encode(runner.random_bytes()).decode().rstrip("="))
        patch.setattr("secrets.token_bytes", lambda size: runner.random_bytes()[:size])
        # loggers cache their levels, so logging is switched off as a whole
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        for service, client in clients.items():
            stack.enter_context(
                faults.replace_calls(client, "", lambda *call, of=service: runner.handle_call(of, *call))
            )
        yield runner
