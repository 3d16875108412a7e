"""Tests of publishing to EventBridge: order, batch size, and an error if an event was not accepted."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from partner_access import event_bus
from partner_access.domain.audit.events import CloudEvent, RecordSnapshots, cloud_event_of
from partner_access.domain.records import audit
from tests.support import faults
from tests.support.builders import CLIENT, NOW, an_act
from tests.support.fake_event_bus import FakeEventBus, fake_event_bus, rejects_entry_at
from tests.support.table import Table


@pytest.fixture
def published_events(table: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEventBus]:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with fake_event_bus() as listening:
        yield listening


def some_events(how_many: int, **details: Any) -> list[CloudEvent]:
    return [
        cloud_event_of(
            audit("link.declined", an_act(id=f"{number:032x}"), CLIENT, **details), CLIENT, number, RecordSnapshots()
        )
        for number in range(1, how_many + 1)
    ]


def sequence_numbers(listening: FakeEventBus) -> list[int]:
    return [int(each["sequence"]) for each in listening.events]


def test_publish_sets_bus_source_and_detail_type(published_events: FakeEventBus) -> None:
    (event,) = some_events(1)

    event_bus.publish([event])

    ((entry,),) = published_events.attempts
    assert entry["EventBusName"] == "partner-access"
    assert (entry["Source"], entry["DetailType"]) == ("partner-access", "link.declined")
    assert datetime.fromtimestamp(entry["Time"], NOW.tzinfo) == NOW
    assert json.loads(entry["Detail"]) == json.loads(event.to_json())


@pytest.mark.parametrize(("how_many", "portions"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (100, [10] * 10)])
def test_publish_sends_batches_of_ten_in_order(
    published_events: FakeEventBus, how_many: int, portions: list[int]
) -> None:
    event_bus.publish(some_events(how_many))

    assert [len(each) for each in published_events.attempts] == portions
    assert sequence_numbers(published_events) == list(range(1, how_many + 1))


def test_publish_large_events_in_smaller_batches(published_events: FakeEventBus) -> None:
    """Stay below the 256 KB that EventBridge accepts in one request. An entry of the table is smaller than that."""
    event_bus.publish(some_events(3, text="é" * 60_000))

    assert [len(each) for each in published_events.attempts] == [2, 1]
    assert all(sum(len(each["Detail"].encode()) for each in tried) < 256 * 1024 for tried in published_events.attempts)


def test_publish_with_rejected_entry_raises_codes_and_sends_no_more(
    published_events: FakeEventBus,
) -> None:
    published_events.next_faults.extend([faults.succeeds, rejects_entry_at(3, "InternalFailure")])

    with pytest.raises(event_bus.PublishFailed, match=r"^\['InternalFailure'\]$"):
        event_bus.publish(some_events(25))

    assert [len(each) for each in published_events.attempts] == [10, 10]


@pytest.mark.parametrize("fault", [faults.aws_error("InternalException", 500), faults.aws_error("ThrottlingException")])
def test_publish_with_one_temporary_error_retries(published_events: FakeEventBus, fault: faults.Fault) -> None:
    published_events.next_faults.append(fault)

    event_bus.publish(some_events(2))

    assert sequence_numbers(published_events) == [1, 2]
    assert len(published_events.attempts) == 2


def test_publish_with_lasting_throttling_raises_after_three_attempts(published_events: FakeEventBus) -> None:
    published_events.next_faults.extend([faults.aws_error("ThrottlingException")] * 3)

    with pytest.raises(ClientError, match="ThrottlingException"):
        event_bus.publish(some_events(1))

    assert (len(published_events.attempts), published_events.accepted) == (3, [])


def test_publish_with_lost_response_sends_events_twice(published_events: FakeEventBus) -> None:
    published_events.next_faults.append(faults.response_lost)

    event_bus.publish(some_events(2))

    assert sequence_numbers(published_events) == [1, 2, 1, 2]


def test_publish_with_timeouts_raises(published_events: FakeEventBus) -> None:
    published_events.next_faults.extend([faults.request_lost] * 3)

    with pytest.raises(ReadTimeoutError):
        event_bus.publish(some_events(1))


def test_publish_request_is_valid_for_eventbridge(table: Table) -> None:
    """Validate with botocore's service model and with moto, which has the bus."""
    event_bus.publish(some_events(1))
    with pytest.raises(ParamValidationError):
        event_bus.client().put_events(Entries=[{"Bus": "partner-access"}])  # type: ignore[typeddict-unknown-key]  # on purpose
