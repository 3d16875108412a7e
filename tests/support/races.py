"""Changes between the read and the commit of an operation.

They are made at the AWS client, so that the product's own code runs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from partner_access.store import dynamo

BEFORE_TRANSACTION = "before-parameter-build.dynamodb.TransactWriteItems"


@contextmanager
def before_commit(change: Callable[[], object], *, times: int = 1) -> Iterator[list[None]]:
    """Call `change` just before each of the next `times` transactions is sent.

    The list that is yielded grows with each run.
    """
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
    """Raise the throttling error of DynamoDB."""
    error_response: Any = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    raise ClientError(error_response, "TransactWriteItems")
