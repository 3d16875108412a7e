"""An operation as a row of calls: what it asks next depends on nothing but what it has heard so far.

Identity, time and chance come from its name, so that it can be run again from the start, up to the call that it waits
for; nothing else runs meanwhile. What it asks after which answers is kept, and runs once.
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
    EXPIRE_LINKS,
    RECONCILE_ACCESS,
    SEND_EMAILS,
    SIGN_AUDIT_LOG,
    Clock,
)
from tests.support.faults import Send
from tests.support.gateway import ApiResponse

MODULES: Final = ("partner_access.api.routing", RECONCILE_ACCESS, EXPIRE_LINKS, SIGN_AUDIT_LOG, SEND_EMAILS)
TIMED_OUT: Final = CallResult(0)
KILLED: Final = CallResult(-1)
UNAVAILABLE: Final = 503
ROW_TO_RETRY: Final = '"reason":"temporarily_unavailable"'
"""In a row of an answer about many."""
MILLISECOND: Final = "019a0000-0000-7"
"""How every name of an act begins here: they are all of one instant."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One deed: `does` takes the key that names the attempt; `later` is how far its clock is ahead.

    `at` is the route or the worker whose deed it is; `in_parts` says that it reads or writes not all of it at one instant,
    so that others may come between.
    """

    name: str
    where: str
    run: Callable[[str], ApiResponse | None] = field(compare=False)
    in_parts: bool = False
    decides: bool = False
    is_keyed: bool = True
    later: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Attempt:
    """An operation, tried: again with the same key, it is the same deed."""

    operation: Operation
    try_number: int = 1
    request_number: int = 1

    @property
    def key(self) -> str:
        """The Idempotency-Key: that of all tries of this deed."""
        return re.sub(r"\W+", "-", f"{self.operation.name} {self.request_number}")

    @property
    def label(self) -> str:
        """Whose try this is, such as `revoke`, `revoke#2` for another's and `revoke~2` for the next."""
        request_suffix, try_suffix = (
            f"#{self.request_number}" if self.request_number > 1 else "",
            f"~{self.try_number}" if self.try_number > 1 else "",
        )
        return f"{self.operation.name}{request_suffix}{try_suffix}"

    @property
    def has_key(self) -> bool:
        """Whether it is of somebody who names it by a key, so that he may ask for it again."""
        return self.operation.is_keyed

    def retry(self) -> "Attempt":
        """The next try of the same deed."""
        return Attempt(self.operation, self.try_number + 1, self.request_number)

    def as_new_request(self) -> "Attempt":
        """The same deed by somebody who does not know of this one."""
        return Attempt(self.operation, self.try_number, self.request_number + 1)


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended: a status of its answer, 0 when there is none to give."""

    status: int
    text: str = ""
    replayed: bool = False
    failed: str = ""

    @property
    def succeeded(self) -> bool:
        return not self.failed and self.status < fake_aws.FIRST_ERROR_STATUS

    @override
    def __str__(self) -> str:
        """As much as tells one end from another."""
        return " ".join([str(self.status), self.failed, *re.findall(r'"code": "(\w+)"', self.text)])

    @property
    def needs_retry(self) -> bool:
        """Whether it, or a part of it, is to be tried again: it was not done, or nobody knows."""
        return bool(self.failed) or self.status == UNAVAILABLE or ROW_TO_RETRY in self.text


@dataclass(slots=True, eq=False)
class AttemptProgress:
    """How far an attempt has come: it asks, or it has ended."""

    attempt: Attempt
    responses: tuple[CallResult, ...]
    waits_for: AwsCall | None
    result: AttemptResult | None
    next_by_response: dict[CallResult, "AttemptProgress"] = field(default_factory=dict)


class WaitsForCall(BaseException):
    """As far as it is known what an operation heard."""

    def __init__(self, call: AwsCall) -> None:
        super().__init__()
        self.call = call


@dataclass(slots=True)
class AttemptRunner:
    """Runs attempts, each from its start, with what it has heard so far."""

    clock: Clock
    began: datetime
    started: dict[Attempt, AttemptProgress] = field(default_factory=dict)
    live: Callable[[Send], Any] | None = None
    _attempt: Attempt | None = None
    _responses: Iterator[CallResult] = field(default_factory=lambda: iter(()))
    draws: int = 0

    def start(self, attempt: Attempt) -> AttemptProgress:
        """An attempt that has heard nothing yet."""
        if attempt not in self.started:
            self.started[attempt] = self._replay(attempt, ())
        return self.started[attempt]

    def continue_with(self, run: AttemptProgress, response: CallResult) -> AttemptProgress:
        """The attempt after it has heard this, too."""
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
        """From here on identity, time and chance are this attempt's, which has taken so many names."""
        self._attempt, self.draws = attempt, draws
        self.clock.time = self.began + attempt.operation.later

    def run_attempt(self, attempt: Attempt) -> AttemptResult:
        """Run it as far as it comes."""
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
        """What becomes of a call: what it is known to have heard, else it waits for it; or whatever is live."""
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
        """The next of this attempt's own 256 bits."""
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
    """What is sent, without the lengths and sums that S3 gets along with it."""
    body = request.body
    if isinstance(body, bytes) or not body:
        return body or b""
    length = int(request.headers["X-Amz-Decoded-Content-Length"])
    _, _, chunk = body.read().partition(b"\r\n")
    return bytes(chunk[:length])


@contextmanager
def attempt_runner(began: datetime) -> Iterator[AttemptRunner]:
    """Every call of the product is heard by the player alone, and nothing is left to chance, or waits."""
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
        # by their own switch: loggers remember what they were told not to write
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        for service, client in clients.items():
            stack.enter_context(
                faults.replace_calls(client, "", lambda *call, of=service: runner.handle_call(of, *call))
            )
        yield runner
