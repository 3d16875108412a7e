"""Send a request to the directory over HTTP until it is accepted or rejected."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import urllib3

from tools.api_client import ApiClient, ApiResponse, Json
from tools.operate.rows import DirectoryRequest, RowError

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
"""Error code of a request that was rejected only because another request changed the same rights at the same time."""
MAX_ATTEMPTS: Final = 8
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 60.0
MAX_BODY_SHOWN: Final = 200

Call = Callable[[ApiClient], ApiResponse]


class ImportStopped(Exception):
    """Sending cannot continue, whichever row comes next. The message gives the reason.

    The journal records the requests that were accepted before.
    """


@dataclass(slots=True)
class AccessToken:
    """An access token and a way to get the next one. `fetch` is None when the operator supplied a single token."""

    text: str
    fetch: Callable[[], str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def replacement_for(self, rejected: str) -> str:
        """Return a token that replaces a rejected one. Threads that need it at the same time cause one request only."""
        with self.lock:
            if self.text == rejected:
                if not self.fetch:
                    raise ImportStopped("The API rejects the token. Run it again with a new one to continue.")
                self.text = self.fetch()
            return self.text


@dataclass(frozen=True, slots=True)
class DirectoryClient:
    """A client of the directory with a valid token. The event `stop` ends all waiting."""

    caller: ApiClient
    token: AccessToken
    stop: threading.Event = field(default_factory=threading.Event)

    def submit(self, request: DirectoryRequest) -> RowError | None:
        """Send a request until it is accepted or rejected. Return None, or the reason for the rejection.

        Raises `ImportStopped` when no other request would be accepted either.
        """
        response = self._respond(lambda client: client.put(request.path, request.body.encode()))
        if response.status in ACCEPTED:
            return None
        if self._is_retryable(response):
            return RowError("", f"not accepted in {MAX_ATTEMPTS} attempts: {_summary(response)}")
        return rejection(response)

    def read(self, path: str) -> Json | None:
        """Return a record of the directory, or None if it has none. Raises `ImportStopped` if it cannot be read."""
        response = self._respond(lambda client: client.get(path))
        if response.status not in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
            raise ImportStopped(f"The directory cannot be read: {_summary(response)}")
        return response.json if response.status == HTTPStatus.OK else None

    def _respond(self, call: Call) -> ApiResponse:
        """Call the API until it responds with a result that another attempt would not change."""
        response = self._authorized(call)
        for nth in range(MAX_ATTEMPTS - 1):
            if not self._is_retryable(response):
                break
            self._pause(response, nth)
            response = self._authorized(call)
        return response

    @staticmethod
    def _is_retryable(response: ApiResponse) -> bool:
        return response.status in RETRYABLE or (
            response.status == HTTPStatus.CONFLICT and response.code == RIGHTS_CHANGED
        )

    def _pause(self, response: ApiResponse, nth: int) -> None:
        if self.stop.wait(pause_after(response, nth)):
            raise ImportStopped("Stopped. Run it again to continue.")

    def _authorized(self, call: Call) -> ApiResponse:
        token = self.token.text
        response = self._send(call, token)
        if response.status == HTTPStatus.UNAUTHORIZED:
            response = self._send(call, self.token.replacement_for(token))
        if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise ImportStopped(f"The API rejects the token. It needs the directory scope: {_summary(response)}")
        return response

    def _send(self, call: Call, token: str, nth: int = 0) -> ApiResponse:
        """Send a request and repeat it while there is no response. A repetition is safe: GET and PUT are idempotent."""
        try:
            return call(self.caller.with_token(token))
        except urllib3.exceptions.HTTPError as error:
            if nth == MAX_ATTEMPTS - 1 or self.stop.wait(backoff(nth)):
                raise ImportStopped(f"The API cannot be reached. Run it again to continue: {error}") from error
        return self._send(call, token, nth + 1)


def backoff(nth: int) -> float:
    """Return the seconds to wait before the next attempt.

    They double with each attempt, and up to half of them is random.
    """
    return min(LONGEST_PAUSE, FIRST_PAUSE * float(1 << nth)) * random.uniform(0.5, 1)  # noqa: S311  no secret


def pause_after(response: ApiResponse, nth: int) -> float:
    """Return the seconds that Retry-After asks for (a number or a date), at most a minute.

    Without a usable Retry-After, return an exponentially growing time.
    """
    retry_after = response.headers.get("retry-after", "").strip()
    if retry_after.isascii() and retry_after.isdigit():
        return min(LONGEST_PAUSE, float(retry_after))
    try:
        retry_at = parsedate_to_datetime(retry_after)
    except ValueError:
        return backoff(nth)
    return min(LONGEST_PAUSE, max(0.0, (retry_at.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()))


def rejection(response: ApiResponse) -> RowError:
    """Return the reason why the directory rejected a request, with the names of the invalid fields."""
    if not response.code:
        return RowError("", _summary(response))
    problem = response.json
    fields = [str(each.get("pointer", "")).strip("/").replace("/", ".") for each in problem.get("errors", ())]
    reason = f"{response.code}: {problem.get('detail', '')}".removesuffix(": ")
    return RowError(", ".join(filter(None, fields)), reason, response.code)


def _summary(response: ApiResponse) -> str:
    return f"{response.status} {response.body[:MAX_BODY_SHOWN].decode(errors='replace')}".strip()
