"""Something happens between reading and committing: at AWS's door, so that our own code is the real one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from partner_access.store import dynamo

COMMITTING = "before-parameter-build.dynamodb.TransactWriteItems"


@contextmanager
def before_commit(happens: Callable[[], object], *, times: int = 1) -> Iterator[list[None]]:
    """Let this happen just before each of the next transactions is sent; the list grows as it happens."""
    happened: list[None] = []

    def interrupt(**_: Any) -> None:
        if len(happened) < times:
            happened.append(None)
            happens()

    events = dynamo.client().meta.events
    events.register(COMMITTING, interrupt)
    try:
        yield happened
    finally:
        events.unregister(COMMITTING, interrupt)


def too_busy() -> None:
    """What happens is that DynamoDB has no room for this one."""
    said: Any = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    raise ClientError(said, "TransactWriteItems")
