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
from tests.proofs.interleavings.fake_aws import Asked, Heard
from tests.support import faults
from tests.support.background_functions import (
    CLEAN_UP,
    EXPIRE_LINKS,
    SEAL_TRAIL,
    SEND_LETTERS,
    Clock,
)
from tests.support.faults import Send
from tests.support.gateway import Answer

MODULES: Final = ("partner_access.api.routing", CLEAN_UP, EXPIRE_LINKS, SEAL_TRAIL, SEND_LETTERS)
NOTHING_IN_TIME: Final = Heard(0)
KILLED: Final = Heard(-1)
UNAVAILABLE: Final = 503
TO_BE_TRIED_AGAIN: Final = '"reason":"temporarily_unavailable"'
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
    at: str
    does: Callable[[str], Answer | None] = field(compare=False)
    in_parts: bool = False
    decides: bool = False
    is_keyed: bool = True
    later: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Attempt:
    """An operation, tried: again with the same key, it is the same deed."""

    operation: Operation
    nth: int = 1
    deed: int = 1

    @property
    def key(self) -> str:
        """The Idempotency-Key: that of all tries of this deed."""
        return re.sub(r"\W+", "-", f"{self.operation.name} {self.deed}")

    @property
    def label(self) -> str:
        """Whose try this is, such as `revoke`, `revoke#2` for another's and `revoke~2` for the next."""
        deed, nth = f"#{self.deed}" if self.deed > 1 else "", f"~{self.nth}" if self.nth > 1 else ""
        return f"{self.operation.name}{deed}{nth}"

    @property
    def is_deed(self) -> bool:
        """Whether it is of somebody who names it by a key, so that he may ask for it again."""
        return self.operation.is_keyed

    def again(self) -> "Attempt":
        """The next try of the same deed."""
        return Attempt(self.operation, self.nth + 1, self.deed)

    def anew(self) -> "Attempt":
        """The same deed by somebody who does not know of this one."""
        return Attempt(self.operation, self.nth, self.deed + 1)


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt ended: a status of its answer, 0 when there is none to give."""

    status: int
    text: str = ""
    replayed: bool = False
    failed: str = ""

    @property
    def succeeded(self) -> bool:
        return not self.failed and self.status < fake_aws.REFUSED

    @override
    def __str__(self) -> str:
        """As much as tells one end from another."""
        return " ".join([str(self.status), self.failed, *re.findall(r'"code": "(\w+)"', self.text)])

    @property
    def is_open(self) -> bool:
        """Whether it, or a part of it, is to be tried again: it was not done, or nobody knows."""
        return bool(self.failed) or self.status == UNAVAILABLE or TO_BE_TRIED_AGAIN in self.text


@dataclass(slots=True, eq=False)
class Run:
    """How far an attempt has come: it asks, or it has ended."""

    attempt: Attempt
    past: tuple[Heard, ...]
    asks: Asked | None
    ends: End | None
    then: dict[Heard, "Run"] = field(default_factory=dict)


class _Waits(BaseException):
    """As far as it is known what an operation heard."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


@dataclass(slots=True)
class Player:
    """Runs attempts, each from its start, with what it has heard so far."""

    clock: Clock
    began: datetime
    first: dict[Attempt, Run] = field(default_factory=dict)
    live: Callable[[Send], Any] | None = None
    _attempt: Attempt | None = None
    _heard: Iterator[Heard] = field(default_factory=lambda: iter(()))
    names: int = 0

    def begun(self, attempt: Attempt) -> Run:
        """An attempt that has heard nothing yet."""
        if attempt not in self.first:
            self.first[attempt] = self._played(attempt, ())
        return self.first[attempt]

    def goes_on(self, run: Run, heard: Heard) -> Run:
        """The attempt after it has heard this, too."""
        if heard not in run.then:
            run.then[heard] = self._played(run.attempt, (*run.past, heard))
        return run.then[heard]

    def _played(self, attempt: Attempt, past: tuple[Heard, ...]) -> Run:
        self.becomes(attempt, 0)
        self._heard = iter(past)
        try:
            with redirect_stdout(None):
                return Run(attempt, past, None, self.acts(attempt))
        except _Waits as waits:
            return Run(attempt, past, waits.asked, None)

    def becomes(self, attempt: Attempt, names: int) -> None:
        """From here on identity, time and chance are this attempt's, which has taken so many names."""
        self._attempt, self.names = attempt, names
        self.clock.time = self.began + attempt.operation.later

    def acts(self, attempt: Attempt) -> End:
        """Run it as far as it comes."""
        try:
            answer = attempt.operation.does(attempt.key)
        except faults.Killed:
            return End(0, failed="killed")
        except (TemporarilyUnavailable, ClientError, BotoCoreError, event_bus.NotTaken) as error:
            return End(0, failed=type(error).__name__)
        if isinstance(answer, Answer):
            return End(answer.status, answer.text, answer.replayed)
        return End(0)

    def hears(self, service: str, request: Any, send: Send) -> Any:
        """What becomes of a call: what it is known to have heard, else it waits for it; or whatever is live."""
        if self.live:
            return self.live(send)
        heard = next(self._heard, None)
        if heard is None:
            raise _Waits(Asked(service, _target(service, request), _body(request), send))
        if heard == NOTHING_IN_TIME:
            raise ReadTimeoutError(endpoint_url=service)
        if heard == KILLED:
            raise faults.Killed
        return heard.told()

    def chance(self) -> bytes:
        """The next of this attempt's own 256 bits."""
        self.names += 1
        assert self._attempt
        who = f"{self._attempt.key} {self._attempt.nth} {self.names}"
        return sha256(who.encode()).digest()

    def uuid7(self) -> UUID:
        found = self.chance().hex()
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
def player(began: datetime) -> Iterator[Player]:
    """Every call of the product is heard by the player alone, and nothing is left to chance, or waits."""
    clients = {
        fake_aws.DYNAMODB: dynamo.client(),
        fake_aws.SES: transport.client(),
        fake_aws.EVENTS: event_bus.client(),
        fake_aws.KMS: tree_head_store.signer(),
        fake_aws.S3: tree_head_store.storage(),
    }
    with pytest.MonkeyPatch.context() as patch, ExitStack() as heard:
        found = Player(Clock(patch, *MODULES), began)
        patch.setattr("time.sleep", lambda _: None)
        patch.setattr("uuid_utils.uuid7", found.uuid7)
        patch.setattr("uuid.uuid4", found.uuid7)
        patch.setattr("secrets.token_urlsafe", lambda _: urlsafe_b64encode(found.chance()).decode().rstrip("="))
        patch.setattr("secrets.token_bytes", lambda size: found.chance()[:size])
        # by their own switch: loggers remember what they were told not to write
        heard.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        for service, client in clients.items():
            heard.enter_context(faults.instead(client, "", lambda *call, of=service: found.hears(of, *call)))
        yield found
