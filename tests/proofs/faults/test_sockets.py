"""Connection faults on real sockets.

They test the settings of the SDK, that each request takes effect at most once, and the time that a response takes.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
import pytest

from partner_access.domain.email_delivery import SendResult
from partner_access.emails import transport
from partner_access.emails.rendering import RenderedEmail
from partner_access.store import dynamo
from partner_access.store.attribute_values import from_attribute_values, to_attribute_values
from tests import conftest
from tests.proofs.faults import proxy
from tests.proofs.faults.proxy import ConnectionFault, ProxyPlan
from tests.support import link_requests
from tests.support.built_artifacts import credentials
from tests.support.seeded_table import seed
from tests.support.table import Table
from tools.emulator import running_emulator
from tools.invariants import violations
from tools.local_stack import PYTHON
from tools.proof.notes import Notes
from tools.template import ROOT
from tools.whole_table import Item

KEY: Final = "the-same-key"
SDK_ATTEMPTS: Final = 3
GATEWAY_TIMEOUT: Final = 29.0
"""Seconds after which the gateway gives up and sends an error of its own."""
RENDERED: Final = RenderedEmail(subject="An email", text="Words", html="<p>Words</p>")


@contextmanager
def clients_at(endpoint: str) -> Iterator[None]:
    """Point the product's clients, with their own settings, to this endpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "DEFAULT_SESSION", None)  # the default session keeps the first credentials that it finds
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


# no AWS behind the proxy


@pytest.mark.parametrize("fault", [proxy.throttle, proxy.fail_with_500, proxy.reset_before])
def test_approve_over_broken_connection_returns_503_in_time(table: Table, fault: ConnectionFault, notes: Notes) -> None:
    plan = ProxyPlan(then=fault)
    with proxy.proxy(plan) as endpoint, clients_at(endpoint):
        began = time.monotonic()
        response = link_requests.approve(key=KEY)
        seconds = time.monotonic() - began

    assert (response.status, response.headers["retry-after"]) == (503, "2")
    assert len(plan.requests) == 2 * SDK_ATTEMPTS, (
        "the requests of the transaction, and then those of the lookup of its key"
    )
    assert seconds < GATEWAY_TIMEOUT
    assert table.items() == []
    notes.passed(f"F2, on a real socket: {fault.__name__.replace('_', ' ')}, for ever", attempts=len(plan.requests))


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (proxy.throttle, {SendResult.THROTTLED}),
        (proxy.fail_with_500, {SendResult.UNCLEAR}),
        (proxy.reset_before, {SendResult.UNCLEAR}),
    ],
)
def test_send_to_ses_over_broken_connection_makes_one_attempt(
    table: Table, fault: ConnectionFault, outcome: set[SendResult], notes: Notes
) -> None:
    plan = ProxyPlan(then=fault)
    with proxy.proxy(plan) as endpoint, clients_at(endpoint):
        assert transport.send("user@example.com", RENDERED, "copy") in outcome

    assert len(plan.requests) == 1
    notes.passed(f"F17, on a real socket: SES {fault.__name__.replace('_', ' ')}", attempts=1)


# an emulator behind the proxy, which honors client request tokens


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with running_emulator(ROOT / PYTHON) as emulator:
        yield emulator.endpoint


@pytest.fixture
def emulator_items(emulator: str, table: Table) -> Iterator[Callable[[], list[Item]]]:
    """Yield a function that returns all items of the emulator's table, which starts with the usual records."""
    seed(table)
    client: Any = boto3.client(
        "dynamodb", endpoint_url=emulator, aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_table(TableName=table.name, **conftest._table_definition())
    for item in table.items():
        client.put_item(TableName=table.name, Item=to_attribute_values(item))
    yield lambda: [
        from_attribute_values(each) for each in client.scan(TableName=table.name, ConsistentRead=True)["Items"]
    ]
    client.delete_table(TableName=table.name)


SINGLE_FAULTS: Final = (
    proxy.throttle,
    proxy.fail_with_500,
    proxy.reset_before,
    proxy.reset_after,
    proxy.respond_late,
    proxy.stay_silent,
    proxy.respond_slowly,
    proxy.cut_off,
)
"""Faults that hit one request."""
TAKEN_FOR_A_RESPONSE: Final = (proxy.respond_slowly, proxy.cut_off)
"""Faults after which the SDK takes half of a response body for the whole.

This is harmless: the product reads nothing from the response of a transaction but its success.
"""


@pytest.fixture
def full_proof_only(*, whole: bool) -> None:
    if not whole:
        pytest.skip("an emulator is started for it: `make proof` does")


@pytest.mark.parametrize("fault", SINGLE_FAULTS)
@pytest.mark.usefixtures("full_proof_only")
def test_approve_with_one_connection_fault_takes_effect_once(
    request: pytest.FixtureRequest, fault: ConnectionFault, notes: Notes
) -> None:
    upstream, items = request.getfixturevalue("emulator"), request.getfixturevalue("emulator_items")
    plan = ProxyPlan(proxy.forward, deque([fault]), upstream, matching=b"ClientRequestToken")
    with proxy.proxy(plan) as endpoint, clients_at(endpoint):
        began = time.monotonic()
        response = link_requests.approve(key=KEY)
        seconds = time.monotonic() - began
        attempts = [each for each in plan.requests if b"ClientRequestToken" in each]
        again = link_requests.approve(key=KEY)

    assert response.status == again.status == 201, response
    assert again.replayed
    assert again.body["grant_id"] == response.body["grant_id"]
    assert seconds < GATEWAY_TIMEOUT
    assert len(tokens(attempts)) == 1
    assert len(attempts) == (1 if fault in TAKEN_FOR_A_RESPONSE else 2)
    now = items()
    assert violations(now) == []
    assert sum(item["sk"].startswith("aud_") and item["event"] == "link.approved" for item in now) == 2
    assert sum(item["pk"].startswith("OUTBOX#") for item in now) == 1
    notes.passed(f"F5, on a real socket: {fault.__name__.replace('_', ' ')}, once", attempts=len(attempts), effects=1)
