"""Retries of AWS calls: which errors are retried, the pauses in between, and when to give up as unavailable."""

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Final

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BrokenConnection

from partner_access.domain.errors import TemporarilyUnavailable

CONTENTION_CODES: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Reasons for canceling a transaction that say nothing about its items."""
THROTTLING_CODES: Final = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
ATTEMPTS: Final = 6
NARROWING_ATTEMPTS: Final = 12
"""Attempts at a transaction that only takes access away. Six more come after the longest pauses (domain.md rule 46)."""
MAX_DELAY: Final = 0.8
BASE_DELAY: Final = 0.05
"""Longest pause after the first attempt, in seconds."""


class TransientErrorsAsUnavailable:
    """Context manager that raises TemporarilyUnavailable when a dependency is down or throttles.

    Any other error is a bug and passes through.
    """

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        is_transient = isinstance(error, ClientError) and _is_transient(error)
        if is_transient or isinstance(error, BrokenConnection | HTTPClientError):
            raise TemporarilyUnavailable from error


def _is_transient(error: ClientError) -> bool:
    """Return whether the service throttled, failed, or sent a truncated response.

    For a truncated response, botocore uses the HTTP status as the error code.
    """
    code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return code in THROTTLING_CODES or status >= HTTPStatus.INTERNAL_SERVER_ERROR or code == str(status)


def pauses(attempts: int = ATTEMPTS) -> Iterator[Callable[[], None]]:
    """Yield the pause of each attempt: full jitter with a doubling maximum, and no pause after the last attempt."""
    for attempt in range(attempts - 1):
        yield partial(_sleep, min(BASE_DELAY * 2**attempt, MAX_DELAY))
    yield lambda: None


def _sleep(at_most: float) -> None:
    time.sleep(random.uniform(0, at_most))  # noqa: S311 not used for secrets
