"""The way out to EventBridge: in order, as much as it takes at once, and what was not taken is raised."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from partner_access import event_bus
from partner_access.domain.audit.events import CloudEvent, Now, event_of
from partner_access.domain.records import audit
from tests.support import faults
from tests.support.builders import CLIENT, NOW, an_act
from tests.support.fake_event_bus import Listener, listener, takes_all_but
from tests.support.table import Table


@pytest.fixture
def heard(table: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with listener() as listening:
        yield listening


def some(how_many: int, **details: Any) -> list[CloudEvent]:
    return [
        event_of(audit("link.declined", an_act(name=f"{number:032x}"), CLIENT, **details), CLIENT, number, Now())
        for number in range(1, how_many + 1)
    ]


def sequences(listening: Listener) -> list[int]:
    return [int(each["sequence"]) for each in listening.events]


def test_an_event_lies_on_the_bus_as_its_followers_filter_it(heard: Listener) -> None:
    (event,) = some(1)

    event_bus.publish([event])

    ((entry,),) = heard.tried
    assert entry["EventBusName"] == "partner-access"
    assert (entry["Source"], entry["DetailType"]) == ("partner-access", "link.declined")
    assert datetime.fromtimestamp(entry["Time"], NOW.tzinfo) == NOW
    assert json.loads(entry["Detail"]) == json.loads(event.told())


@pytest.mark.parametrize(("how_many", "portions"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (100, [10] * 10)])
def test_ten_go_at_once_and_all_in_their_order(heard: Listener, how_many: int, portions: list[int]) -> None:
    event_bus.publish(some(how_many))

    assert [len(each) for each in heard.tried] == portions
    assert sequences(heard) == list(range(1, how_many + 1))


def test_large_ones_go_by_themselves(heard: Listener) -> None:
    """EventBridge takes 256 KB in one request, and an entry of the table is smaller than that."""
    event_bus.publish(some(3, text="é" * 60_000))

    assert [len(each) for each in heard.tried] == [2, 1]
    assert all(sum(len(each["Detail"].encode()) for each in tried) < 256 * 1024 for tried in heard.tried)


def test_what_was_not_taken_is_raised_with_the_codes_alone_and_nothing_goes_after_it(heard: Listener) -> None:
    heard.plan.extend([faults.works, takes_all_but(3, "InternalFailure")])

    with pytest.raises(event_bus.NotTaken, match=r"^\['InternalFailure'\]$"):
        event_bus.publish(some(25))

    assert [len(each) for each in heard.tried] == [10, 10]


@pytest.mark.parametrize("fault", [faults.says("InternalException", 500), faults.says("ThrottlingException")])
def test_a_bus_that_is_crowded_once_is_asked_again(heard: Listener, fault: faults.Fault) -> None:
    heard.plan.append(fault)

    event_bus.publish(some(2))

    assert sequences(heard) == [1, 2]
    assert len(heard.tried) == 2


def test_a_bus_that_stays_crowded_is_given_up_after_three_attempts(heard: Listener) -> None:
    heard.plan.extend([faults.says("ThrottlingException")] * 3)

    with pytest.raises(ClientError, match="ThrottlingException"):
        event_bus.publish(some(1))

    assert (len(heard.tried), heard.heard) == (3, [])


def test_a_lost_answer_means_that_events_come_twice(heard: Listener) -> None:
    heard.plan.append(faults.goes_unanswered)

    event_bus.publish(some(2))

    assert sequences(heard) == [1, 2, 1, 2]


def test_a_bus_that_does_not_answer_is_raised(heard: Listener) -> None:
    heard.plan.extend([faults.goes_unheard] * 3)

    with pytest.raises(ReadTimeoutError):
        event_bus.publish(some(1))


def test_what_is_asked_is_what_eventbridge_understands(table: Table) -> None:
    """By the service's own model, and by moto, which knows the bus."""
    event_bus.publish(some(1))
    with pytest.raises(ParamValidationError):
        event_bus.client().put_events(Entries=[{"Bus": "partner-access"}])  # type: ignore[typeddict-unknown-key]  # on purpose
