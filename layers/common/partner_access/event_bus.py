"""Publication of events to EventBridge: in order, at least once. Events that were not accepted are sent again."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

from partner_access import settings
from partner_access.domain.audit.events import SOURCE, CloudEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

MAX_BATCH_EVENTS: Final = 10
MAX_BATCH_BYTES: Final = 256 * 1024
"""Maximum size of one EventBridge request, in bytes."""
TIME_BYTES: Final = 14
"""Size that EventBridge counts for a time, in bytes."""


class PublishFailed(Exception):
    """Raised when EventBridge did not accept some events. The message has the error codes."""


@cache
def client() -> "EventBridgeClient":
    """Return the EventBridge client of this process."""
    return boto3.client(
        "events",
        config=Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}),
    )


def publish(events: Iterable[CloudEvent]) -> None:
    """Put the events on the bus of the stack in this order. Stop after a batch that was not fully accepted."""
    for batch in _batches(map(_entry, events)):
        response = client().put_events(Entries=batch)
        if response["FailedEntryCount"]:
            raise PublishFailed(sorted({each["ErrorCode"] for each in response["Entries"] if "ErrorCode" in each}))


def _entry(event: CloudEvent) -> "PutEventsRequestEntryTypeDef":
    return {
        "EventBusName": settings.event_bus(),
        "Source": SOURCE,
        "DetailType": event.data.event,
        "Time": event.time,
        "Detail": event.to_json(),
    }


def _batches(
    entries: "Iterable[PutEventsRequestEntryTypeDef]",
) -> "Iterator[list[PutEventsRequestEntryTypeDef]]":
    batch: list[PutEventsRequestEntryTypeDef] = []
    size = 0
    for entry in entries:
        entry_size = TIME_BYTES + sum(len(entry[part].encode()) for part in ("Source", "DetailType", "Detail"))
        if batch and (len(batch) == MAX_BATCH_EVENTS or size + entry_size > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry_size
    if batch:
        yield batch
