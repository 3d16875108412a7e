"""Send the requests of an import, several at once, in an order that the directory accepts."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from partner_access.email_addresses import normalize
from tools.operate.directory_check import AddressMove, blocked_moves
from tools.operate.directory_client import DirectoryClient
from tools.operate.journal import Journal
from tools.operate.rows import DirectoryRequest, ImportStep, RowError

EMAIL_IN_USE: Final = "email_in_use"
ORDER_DEPENDENT: Final = frozenset({EMAIL_IN_USE, "last_super_admin"})
"""Codes of rejections that another row of the same step can lift: it frees an address, or names a super admin."""


class RequestSource(Protocol):
    """A source of requests for each step, which also receives the rejections."""

    def requests(self, step: ImportStep) -> Iterator[tuple[int, DirectoryRequest]]: ...

    def record_error(self, row: int, error: RowError) -> None: ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that was rejected, and that another request of its step may make acceptable."""

    row: int
    request: DirectoryRequest
    error: RowError


@dataclass(slots=True)
class Sender:
    """Sends requests in threads, at most `most` at a time."""

    threads: ThreadPoolExecutor
    source: RequestSource
    journal: Journal
    back_end: DirectoryClient
    most: int
    on_request: Callable[[], None]
    pending: dict[Future[RowError | None], tuple[int, DirectoryRequest]] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)

    def send_all(self, requests: Iterator[tuple[int, DirectoryRequest]]) -> list[Waiting]:
        """Send the requests that the journal does not contain. Return those that wait for another request."""
        self.waiting = []
        for row, request in requests:
            if self.journal.contains(request):
                self.on_request()
                continue
            if len(self.pending) == self.most:
                self._collect()
            self.pending[self.threads.submit(self.back_end.submit, request)] = row, request
        while self.pending:
            self._collect()
        return self.waiting

    def _collect(self) -> None:
        """Record the finished requests. Accepted ones are recorded before an error that stops the import is raised."""
        finished, _ = wait(self.pending, return_when=FIRST_COMPLETED)
        for future in sorted(finished, key=lambda each: each.exception() is not None):
            row, request = self.pending.pop(future)
            error = future.result()
            if error and error.code in ORDER_DEPENDENT:
                self.waiting.append(Waiting(row, request, error))
                continue
            if error:
                self.source.record_error(row, error)
            else:
                self.journal.record(request)
            self.on_request()


def send_requests(
    source: RequestSource, journal: Journal, back_end: DirectoryClient, *, parallel: int, on_request: Callable[[], None]
) -> None:
    """Send the requests that the journal does not contain, step by step, at most `2 * parallel` at the same time.

    `on_request` is called once for each request. Requests that wait for another one of their step are sent again, as
    long as that helps at least one of them.
    """
    with _threads(parallel, back_end.stop) as threads:
        sender = Sender(threads, source, journal, back_end, 2 * parallel, on_request)
        for step in ImportStep:
            waiting = sender.send_all(source.requests(step))
            while waiting:
                again = sender.send_all(iter([(each.row, each.request) for each in waiting]))
                if len(again) == len(waiting):
                    break
                waiting = again
            for row, error in _errors(waiting, back_end):
                source.record_error(row, error)
                on_request()


def _errors(waiting: Sequence[Waiting], back_end: DirectoryClient) -> Iterator[tuple[int, RowError]]:
    """Yield the error of each row that no other row made acceptable. Exchanged addresses have an error of their own."""
    exchanging = dict(blocked_moves(list(_moves(waiting, back_end))))
    for each in waiting:
        yield each.row, exchanging.get(each.row, each.error)


def _moves(waiting: Sequence[Waiting], back_end: DirectoryClient) -> Iterator[AddressMove]:
    for each in waiting:
        if each.error.code == EMAIL_IN_USE:
            user = back_end.read(each.request.path)
            if user and user.get("email"):
                wanted = normalize(json.loads(each.request.body)["email"])
                yield AddressMove(each.row, str(user["user_id"]), user["email"], wanted)


@contextmanager
def _threads(at_once: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """Provide a thread pool. On exit, requests that have not started are canceled and no thread waits to retry."""
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="directory")
    try:
        yield threads
    finally:
        stop.set()
        threads.shutdown(cancel_futures=True)
