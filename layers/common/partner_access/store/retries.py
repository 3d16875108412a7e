"""How long AWS is waited for: what is tried again, after which pauses, and what gives up as unavailable."""

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
"""Why a transaction may be cancelled that says nothing about its items."""
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
BASE_DELAY: Final = 0.05
"""In seconds."""


class TransientErrorsAsUnavailable:
    """Reports a dependency that is down or crowded as unavailable; anything else is a bug and stays one."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        is_transient = isinstance(error, ClientError) and _is_transient(error)
        if is_transient or isinstance(error, BrokenConnection | HTTPClientError):
            raise TemporarilyUnavailable from error


def _is_transient(error: ClientError) -> bool:
    """It is crowded or broken there, or the answer was cut off: botocore then takes the status for its code."""
    code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return code in THROTTLING_CODES or status >= HTTPStatus.INTERNAL_SERVER_ERROR or code == str(status)


def pauses() -> Iterator[Callable[[], None]]:
    """As many attempts as there are, each with its pause: full jitter, doubling; none before giving up."""
    for attempt in range(ATTEMPTS - 1):
        yield partial(_sleep, BASE_DELAY * 2**attempt)
    yield lambda: None


def _sleep(at_most: float) -> None:
    time.sleep(random.uniform(0, at_most))  # noqa: S311 no secret
