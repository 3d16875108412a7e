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

from tools.api_client import ApiClient, ApiResponse
from tools.operate.journal import Journal
from tools.operate.rows import DirectoryRequest, ImportStep, RowError

ACCEPTED: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
RETRYABLE: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
RIGHTS_CHANGED: Final = "rights_changed"
"""Refused only because something else was told at the same time."""
MAX_ATTEMPTS: Final = 8
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 60.0
MAX_BODY_SHOWN: Final = 200


class ImportStopped(Exception):
    """Nothing more can be told, whatever the row; the message says why. The journal knows how far it went."""


@dataclass(slots=True)
class AccessToken:
    """The access token, and how to get another when its time is over; None when somebody gave just this one."""

    text: str
    fetch: Callable[[], str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def replacement_for(self, rejected: str) -> str:
        """Another token than this one, which is not taken any more; asked for once, however many need it."""
        with self.lock:
            if self.text == rejected:
                if not self.fetch:
                    raise ImportStopped(
                        "The API does not take the token (any more). Run it again with a new one to go on."
                    )
                self.text = self.fetch()
            return self.text


@dataclass(frozen=True, slots=True)
class DirectoryClient:
    """The way to the directory, with a token that is good; `stop` ends all waiting."""

    caller: ApiClient
    token: AccessToken
    stop: threading.Event = field(default_factory=threading.Event)

    def submit(self, request: DirectoryRequest) -> RowError | None:
        """Put it until it is taken, None, or refused; Stopped when nothing would be."""
        response = self._put(request)
        for nth in range(MAX_ATTEMPTS - 1):
            if not self._is_retryable(response):
                break
            self._pause(response, nth)
            response = self._put(request)
        if response.status in ACCEPTED:
            return None
        if self._is_retryable(response):
            return RowError("", f"not taken in {MAX_ATTEMPTS} attempts: {_summary(response)}")
        return rejection(response)

    @staticmethod
    def _is_retryable(response: ApiResponse) -> bool:
        return response.status in RETRYABLE or (
            response.status == HTTPStatus.CONFLICT and response.code == RIGHTS_CHANGED
        )

    def _pause(self, response: ApiResponse, nth: int) -> None:
        if self.stop.wait(pause_after(response, nth)):
            raise ImportStopped("It was stopped. Run it again to go on.")

    def _put(self, request: DirectoryRequest) -> ApiResponse:
        token = self.token.text
        response = self._send(request, token)
        if response.status == HTTPStatus.UNAUTHORIZED:
            response = self._send(request, self.token.replacement_for(token))
        if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise ImportStopped(
                f"The API does not take the token; it needs the directory's scope: {_summary(response)}"
            )
        return response

    def _send(self, request: DirectoryRequest, token: str, nth: int = 0) -> ApiResponse:
        """An unanswered request is sent again: it says how something is, and may be said twice."""
        try:
            return self.caller.with_token(token).put(request.path, request.body.encode())
        except urllib3.exceptions.HTTPError as error:
            if nth == MAX_ATTEMPTS - 1 or self.stop.wait(backoff(nth)):
                raise ImportStopped(f"The API cannot be reached. Run it again to go on: {error}") from error
        return self._send(request, token, nth + 1)


def backoff(nth: int) -> float:
    """Seconds to wait before the next attempt: doubling, with half of it by chance."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * float(1 << nth)) * random.uniform(0.5, 1)  # noqa: S311  no secret


def pause_after(response: ApiResponse, nth: int) -> float:
    """What Retry-After says, in seconds or as a time, at most a minute; without it ever longer."""
    retry_after = response.headers.get("retry-after", "").strip()
    if retry_after.isascii() and retry_after.isdigit():
        return min(LONGEST_PAUSE, float(retry_after))
    try:
        retry_at = parsedate_to_datetime(retry_after)
    except ValueError:
        return backoff(nth)
    return min(LONGEST_PAUSE, max(0.0, (retry_at.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()))


def rejection(response: ApiResponse) -> RowError:
    """Why the directory does not take it, and at which field."""
    if not response.code:
        return RowError("", _summary(response))
    problem = response.json
    fields = [str(each.get("pointer", "")).strip("/").replace("/", ".") for each in problem.get("errors", ())]
    return RowError(", ".join(filter(None, fields)), f"{response.code}: {problem.get('detail', '')}".removesuffix(": "))


def _summary(response: ApiResponse) -> str:
    return f"{response.status} {response.body[:MAX_BODY_SHOWN].decode(errors='replace')}".strip()


class RequestSource(Protocol):
    """What is to be told, in order, and who hears what was refused."""

    def requests(self, step: ImportStep) -> Iterator[tuple[int, DirectoryRequest]]: ...

    def record_error(self, row: int, error: RowError) -> None: ...


def send_requests(
    source: RequestSource, journal: Journal, back_end: DirectoryClient, *, parallel: int, on_request: Callable[[], None]
) -> None:
    """Tell step by step what the journal does not have, so many at once; `done` is called after each."""
    with _threads(parallel, back_end.stop) as threads:
        for step in ImportStep:
            pending: dict[Future[RowError | None], tuple[int, DirectoryRequest]] = {}
            for row, request in source.requests(step):
                if journal.contains(request):
                    on_request()
                    continue
                if len(pending) == 2 * parallel:
                    _collect(pending, source, journal, on_request)
                pending[threads.submit(back_end.submit, request)] = row, request
            while pending:
                _collect(pending, source, journal, on_request)


@contextmanager
def _threads(at_once: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """Whatever ends the work, nothing waits longer than for its answer."""
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="directory")
    try:
        yield threads
    finally:
        stop.set()
        threads.shutdown(cancel_futures=True)


def _collect(
    pending: dict[Future[RowError | None], tuple[int, DirectoryRequest]],
    source: RequestSource,
    journal: Journal,
    done: Callable[[], None],
) -> None:
    """Note what has been answered: all that was taken before anybody hears that the rest cannot be."""
    finished, _ = wait(pending, return_when=FIRST_COMPLETED)
    for future in sorted(finished, key=lambda each: each.exception() is not None):
        row, request = pending.pop(future)
        if fault := future.result():
            source.record_error(row, fault)
        else:
            journal.record(request)
        done()
