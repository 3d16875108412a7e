"""The way out to EventBridge: all events in their order, at least once; what was not taken is told again."""

import os
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

from partner_access.domain.audit.events import SOURCE, CloudEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

AT_ONCE: Final = 10
MOST_BYTES: Final = 256 * 1024
"""How much EventBridge takes in one request."""
TIME_BYTES: Final = 14
"""What a time counts for."""


class NotTaken(Exception):
    """Some events are not on the bus; the message has the codes that say why."""


@cache
def client() -> "EventBridgeClient":
    """One per process."""
    return boto3.client(
        "events",
        config=Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}),
    )


def publish(events: Iterable[CloudEvent]) -> None:
    """Put them on the bus of the stack, in this order; no portion after one of which something was not taken."""
    for portion in _portions(map(_entry, events)):
        answer = client().put_events(Entries=portion)
        if answer["FailedEntryCount"]:
            raise NotTaken(sorted({each["ErrorCode"] for each in answer["Entries"] if "ErrorCode" in each}))


def _entry(event: CloudEvent) -> "PutEventsRequestEntryTypeDef":
    return {
        "EventBusName": os.environ["EVENT_BUS"],
        "Source": SOURCE,
        "DetailType": event.data.event,
        "Time": event.time,
        "Detail": event.told(),
    }


def _portions(
    entries: "Iterable[PutEventsRequestEntryTypeDef]",
) -> "Iterator[list[PutEventsRequestEntryTypeDef]]":
    portion: list[PutEventsRequestEntryTypeDef] = []
    size = 0
    for entry in entries:
        weight = TIME_BYTES + sum(len(entry[part].encode()) for part in ("Source", "DetailType", "Detail"))
        if portion and (len(portion) == AT_ONCE or size + weight > MOST_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(entry)
        size += weight
    if portion:
        yield portion
