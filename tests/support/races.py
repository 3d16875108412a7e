"""Something happens between reading and committing: at AWS's door, so that our own code is the real one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from partner_access.store import dynamo

BEFORE_TRANSACTION = "before-parameter-build.dynamodb.TransactWriteItems"


@contextmanager
def before_commit(change: Callable[[], object], *, times: int = 1) -> Iterator[list[None]]:
    """Let this happen just before each of the next transactions is sent; the list grows as it happens."""
    runs: list[None] = []

    def interrupt(**_: Any) -> None:
        if len(runs) < times:
            runs.append(None)
            change()

    events = dynamo.client().meta.events
    events.register(BEFORE_TRANSACTION, interrupt)
    try:
        yield runs
    finally:
        events.unregister(BEFORE_TRANSACTION, interrupt)


def raise_throttling() -> None:
    """What happens is that DynamoDB has no room for this one."""
    error_response: Any = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    raise ClientError(error_response, "TransactWriteItems")
