"""Real sockets that break: what the SDK makes of them as we set it, that nothing comes true twice, and in what time."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
import pytest

from partner_access.domain.email_delivery import Outcome
from partner_access.emails import transport
from partner_access.emails.rendering import Composed
from partner_access.store import dynamo
from partner_access.store.attribute_values import read_back, written
from tests import conftest
from tests.proofs.faults import proxy
from tests.proofs.faults.proxy import Break, Line
from tests.support import link_requests
from tests.support.built_artifacts import credentials
from tests.support.seeded_table import a_world
from tests.support.table import Table
from tools.emulator import running_emulator
from tools.invariants import broken
from tools.local_stack import PYTHON
from tools.proof.notes import Notes
from tools.template import ROOT
from tools.whole_table import Item

KEY: Final = "the-same-key"
SDK: Final = 3
API_WAITS: Final = 29.0
"""Seconds, after which the gateway answers for itself."""
COMPOSED: Final = Composed(subject="A letter", text="Words", html="<p>Words</p>")


@contextmanager
def clients_at(endpoint: str) -> Iterator[None]:
    """The product's own clients, with their own settings, at this address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the first credentials that it finds
        for name, value in credentials(endpoint).items():
            patch.setenv(name, value)
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        for client in (dynamo.client, transport.client):
            client.cache_clear()
        yield
    for client in (dynamo.client, transport.client):
        client.cache_clear()


def tokens(attempts: list[bytes]) -> set[str]:
    return {json.loads(each)["ClientRequestToken"] for each in attempts}


# without anybody behind the line


@pytest.mark.parametrize("fault", [proxy.throttles, proxy.breaks, proxy.resets_before])
def test_a_line_that_stays_broken_is_unavailable_in_time(table: Table, fault: Break, notes: Notes) -> None:
    line = Line(then=fault)
    with proxy.proxy(line) as endpoint, clients_at(endpoint):
        began = time.monotonic()
        answer = link_requests.approve(key=KEY)
        lasted = time.monotonic() - began

    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert len(line.asked) == 2 * SDK, "what was asked, and then what the key was answered"
    assert lasted < API_WAITS
    assert table.items() == []
    notes.tried(f"F2, on a real socket: {fault.__name__.replace('_', ' ')}, for ever", attempts=len(line.asked))


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (proxy.throttles, {Outcome.NOT_NOW}),
        (proxy.breaks, {Outcome.UNCLEAR}),
        (proxy.resets_before, {Outcome.UNCLEAR}),
    ],
)
def test_ses_is_asked_exactly_once(table: Table, fault: Break, outcome: set[Outcome], notes: Notes) -> None:
    line = Line(then=fault)
    with proxy.proxy(line) as endpoint, clients_at(endpoint):
        assert transport.send("somebody@example.com", COMPOSED, "copy") in outcome

    assert len(line.asked) == 1
    notes.tried(f"F17, on a real socket: SES {fault.__name__.replace('_', ' ')}", attempts=1)


# with an emulator behind it that heeds tokens


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with running_emulator(ROOT / PYTHON) as emulator:
        yield emulator.endpoint


@pytest.fixture
def behind(emulator: str, table: Table) -> Iterator[Callable[[], list[Item]]]:
    """The usual world in the emulator's table; whoever calls gets all that is in it."""
    a_world(table)
    client: Any = boto3.client(
        "dynamodb", endpoint_url=emulator, aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_table(TableName=table.name, **conftest._definition())
    for item in table.items():
        client.put_item(TableName=table.name, Item=written(item))
    yield lambda: [read_back(each) for each in client.scan(TableName=table.name, ConsistentRead=True)["Items"]]
    client.delete_table(TableName=table.name)


ONCE: Final = (
    proxy.throttles,
    proxy.breaks,
    proxy.resets_before,
    proxy.resets_after,
    proxy.is_late,
    proxy.is_silent,
    proxy.dribbles,
    proxy.cuts_off,
)
"""What befalls one request."""
TAKEN_FOR_AN_ANSWER: Final = (proxy.dribbles, proxy.cuts_off)
"""The SDK takes half a body for all of it: of a transaction nothing more is wanted than that it came true."""


@pytest.fixture
def asked_for_whole(*, whole: bool) -> None:
    if not whole:
        pytest.skip("an emulator is started for it: `make proof` does")


@pytest.mark.parametrize("fault", ONCE)
@pytest.mark.usefixtures("asked_for_whole")
def test_a_transaction_whose_line_broke_once_came_true_once(
    request: pytest.FixtureRequest, fault: Break, notes: Notes
) -> None:
    upstream, items = request.getfixturevalue("emulator"), request.getfixturevalue("behind")
    line = Line(proxy.passes, deque([fault]), upstream, about=b"ClientRequestToken")
    with proxy.proxy(line) as endpoint, clients_at(endpoint):
        began = time.monotonic()
        answer = link_requests.approve(key=KEY)
        lasted = time.monotonic() - began
        attempts = [each for each in line.asked if b"ClientRequestToken" in each]
        again = link_requests.approve(key=KEY)

    assert answer.status == again.status == 201, answer
    assert again.replayed
    assert again.body["grant_id"] == answer.body["grant_id"]
    assert lasted < API_WAITS
    assert len(tokens(attempts)) == 1
    assert len(attempts) == (1 if fault in TAKEN_FOR_AN_ANSWER else 2)
    now = items()
    assert broken(now) == []
    assert sum(item["sk"].startswith("aud_") and item["event"] == "link.approved" for item in now) == 2
    assert sum(item["pk"].startswith("OUTBOX#") for item in now) == 1
    notes.tried(f"F5, on a real socket: {fault.__name__.replace('_', ' ')}, once", attempts=len(attempts), effects=1)
