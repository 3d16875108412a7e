"""Tells the directory, over HTTP, several things at once and each until it is taken or refused."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Protocol

import urllib3

from tools.api_client import Answer, Caller
from tools.operate.journal import Journal
from tools.operate.rows import Fault, Request, Step

TAKEN: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
LATER: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
OVERTAKEN: Final = "rights_changed"
"""Refused only because something else was told at the same time."""
TRIES: Final = 8
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 60.0
SHOWN_OF_A_BODY: Final = 200


class Stopped(Exception):
    """Nothing more can be told, whatever the row; the message says why. The journal knows how far it went."""


@dataclass(slots=True)
class Token:
    """The access token, and how to get another when its time is over; None when somebody gave just this one."""

    text: str
    ask: Callable[[], str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def instead_of(self, refused: str) -> str:
        """Another token than this one, which is not taken any more; asked for once, however many need it."""
        with self.lock:
            if self.text == refused:
                if not self.ask:
                    raise Stopped("The API does not take the token (any more). Run it again with a new one to go on.")
                self.text = self.ask()
            return self.text


@dataclass(frozen=True, slots=True)
class BackEnd:
    """The way to the directory, with a token that is good; `stop` ends all waiting."""

    caller: Caller
    token: Token
    stop: threading.Event = field(default_factory=threading.Event)

    def tell(self, request: Request) -> Fault | None:
        """Put it until it is taken, None, or refused; Stopped when nothing would be."""
        answer = self._put(request)
        for nth in range(TRIES - 1):
            if not self._is_for_later(answer):
                break
            self._pause(answer, nth)
            answer = self._put(request)
        if answer.status in TAKEN:
            return None
        if self._is_for_later(answer):
            return Fault("", f"not taken in {TRIES} attempts: {_words(answer)}")
        return refusal(answer)

    @staticmethod
    def _is_for_later(answer: Answer) -> bool:
        return answer.status in LATER or (answer.status == HTTPStatus.CONFLICT and answer.code == OVERTAKEN)

    def _pause(self, answer: Answer, nth: int) -> None:
        if self.stop.wait(pause_after(answer, nth)):
            raise Stopped("It was stopped. Run it again to go on.")

    def _put(self, request: Request) -> Answer:
        token = self.token.text
        answer = self._send(request, token)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer = self._send(request, self.token.instead_of(token))
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise Stopped(f"The API does not take the token; it needs the directory's scope: {_words(answer)}")
        return answer

    def _send(self, request: Request, token: str, nth: int = 0) -> Answer:
        """An unanswered request is sent again: it says how something is, and may be said twice."""
        try:
            return self.caller.with_token(token).put(request.path, request.body.encode())
        except urllib3.exceptions.HTTPError as unanswered:
            if nth == TRIES - 1 or self.stop.wait(grown(nth)):
                raise Stopped(f"The API cannot be reached. Run it again to go on: {unanswered}") from unanswered
        return self._send(request, token, nth + 1)


def grown(nth: int) -> float:
    """Seconds to wait before the next attempt: doubling, with half of it by chance."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * float(1 << nth)) * random.uniform(0.5, 1)  # noqa: S311  no secret


def pause_after(answer: Answer, nth: int) -> float:
    """What Retry-After says, in seconds or as a time, at most a minute; without it ever longer."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(LONGEST_PAUSE, float(said))
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return grown(nth)
    return min(LONGEST_PAUSE, max(0.0, (until.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()))


def refusal(answer: Answer) -> Fault:
    """Why the directory does not take it, and at which field."""
    if not answer.code:
        return Fault("", _words(answer))
    problem = answer.json
    fields = [str(each.get("pointer", "")).strip("/").replace("/", ".") for each in problem.get("errors", ())]
    return Fault(", ".join(filter(None, fields)), f"{answer.code}: {problem.get('detail', '')}".removesuffix(": "))


def _words(answer: Answer) -> str:
    return f"{answer.status} {answer.body[:SHOWN_OF_A_BODY].decode(errors='replace')}".strip()


class Told(Protocol):
    """What is to be told, in order, and who hears what was refused."""

    def requests(self, step: Step) -> Iterator[tuple[int, Request]]: ...

    def fail(self, row: int, fault: Fault) -> None: ...


def send(told: Told, journal: Journal, back_end: BackEnd, *, at_once: int, done: Callable[[], None]) -> None:
    """Tell step by step what the journal does not have, so many at once; `done` is called after each."""
    with _threads(at_once, back_end.stop) as threads:
        for step in Step:
            waiting: dict[Future[Fault | None], tuple[int, Request]] = {}
            for row, request in told.requests(step):
                if journal.has(request):
                    done()
                    continue
                if len(waiting) == 2 * at_once:
                    _settle(waiting, told, journal, done)
                waiting[threads.submit(back_end.tell, request)] = row, request
            while waiting:
                _settle(waiting, told, journal, done)


@contextmanager
def _threads(at_once: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """Whatever ends the work, nothing waits longer than for its answer."""
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="directory")
    try:
        yield threads
    finally:
        stop.set()
        threads.shutdown(cancel_futures=True)


def _settle(
    waiting: dict[Future[Fault | None], tuple[int, Request]], told: Told, journal: Journal, done: Callable[[], None]
) -> None:
    """Note what has been answered: all that was taken before anybody hears that the rest cannot be."""
    answered, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in sorted(answered, key=lambda each: each.exception() is not None):
        row, request = waiting.pop(future)
        if fault := future.result():
            told.fail(row, fault)
        else:
            journal.note(request)
        done()
