"""Acts without end keep records busy, and do not prevent the end of the access of the person who makes them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from partner_access.store import dynamo, keys
from partner_access.store.keys import Key
from tests.support import busy_table, link_requests, membership_facts
from tests.support.background_functions import Clock
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, NOW, PARTNER
from tests.support.busy_table import SUSPENDED
from tests.support.costs import key_of
from tests.support.gateway import ApiResponse, call
from tests.support.operations.relationships import offboard
from tests.support.seeded_table import COLLEAGUE, MANAGER
from tests.support.table import Table

TRANSACTION: Final = "before-parameter-build.dynamodb.TransactWriteItems"
OWN: Final = {keys.user(COLLEAGUE), keys.member(CLIENT, COLLEAGUE)}
"""The records of the person concerned, which their end must write."""
CONFLICTS: Final = 8
"""More than a widening act is tried, and fewer than a narrowing one."""

SendRequest = Callable[[], ApiResponse]


@pytest.fixture(autouse=True)
def filled(table: Table, monkeypatch: pytest.MonkeyPatch) -> Table:
    Clock(monkeypatch, "partner_access.api.routing").time = NOW
    monkeypatch.setattr("time.sleep", lambda _: None)
    busy_table.fill_table(table)
    return table


def _keys(params: Any) -> set[Key]:
    return {Key(*key_of(request)) for item in params["TransactItems"] for request in item.values()}


@contextmanager
def on_transaction(see: Callable[[set[Key]], None]) -> Iterator[None]:
    def handle(params: Any, **_: Any) -> None:
        see(_keys(params))

    events = dynamo.client().meta.events
    events.register(TRANSACTION, handle)
    try:
        yield
    finally:
        events.unregister(TRANSACTION, handle)


def busy_keys() -> set[Key]:
    """Return the records that the acts of the person concerned use: they edit a colleague, and add one."""
    found: set[Key] = set()
    with on_transaction(found.update):
        assert membership_facts.edit(COLLEAGUE, SUSPENDED, permissions={"remove": ["reports.view"]}).status == 200
        added = call(
            "POST /partners/{partner_id}/clients/{account_id}/users",
            COLLEAGUE,
            {"employee_ids": [EMPLOYEE], "permission_set": "view_only"},
            partner_id=PARTNER,
            account_id=CLIENT,
        )
        assert added.body["items"][0]["outcome"] == "done"
    return found


@contextmanager
def conflicts_on(busy: set[Key], times: int) -> Iterator[list[set[Key]]]:
    """Let the first transactions on these records collide. Yield the busy records of each."""
    collisions: list[set[Key]] = []

    def collide(used: set[Key]) -> None:
        if not used & busy or len(collisions) >= times:
            return
        collisions.append(used & busy)
        reasons = [{"Code": "TransactionConflict"}]
        error: Any = {
            "Error": {"Code": "TransactionCanceledException"},
            "ResponseMetadata": {"HTTPStatusCode": 400},
            "CancellationReasons": reasons * len(used),
        }
        raise dynamo.client().exceptions.TransactionCanceledException(error, "TransactWriteItems")

    with on_transaction(collide):
        yield collisions


def edit_of_colleague() -> ApiResponse:
    return membership_facts.edit(APPROVER, COLLEAGUE, permissions={"remove": ["reports.view"]})


NARROWING: Final[dict[str, SendRequest]] = {
    "the client suspends": lambda: membership_facts.suspend(APPROVER, COLLEAGUE),
    "the partner suspends": lambda: membership_facts.suspend(MANAGER, COLLEAGUE),
    "the client removes": lambda: membership_facts.remove(APPROVER, COLLEAGUE),
    "the client narrows": edit_of_colleague,
    "the partner ends all access": lambda: offboard(COLLEAGUE, "key"),
}


@pytest.mark.parametrize("send_request", NARROWING.values(), ids=NARROWING)
def test_acts_without_end_do_not_prevent_the_end_of_own_access(send_request: SendRequest) -> None:
    # domain.md rule 46
    busy = busy_keys()

    with conflicts_on(busy, CONFLICTS) as collisions:
        response = send_request()

    assert response.status in {200, 204}, response
    assert set().union(*collisions) <= OWN | {keys.user(APPROVER)}, "only the person's own records are shared"


@pytest.mark.parametrize("send_request", [link_requests.decline], ids=["decline"])
def test_decline_does_not_depend_on_busy_account_or_partner(send_request: SendRequest) -> None:
    busy = {keys.account(CLIENT), keys.account(PARTNER), keys.member(CLIENT, EMPLOYEE)}

    with conflicts_on(busy, CONFLICTS) as collisions:
        assert send_request().status == 200

    assert collisions == []


def test_widening_act_gives_up_after_fewer_conflicts() -> None:
    assert edit_of_colleague().status == 200

    with conflicts_on({keys.member(CLIENT, COLLEAGUE)}, CONFLICTS) as collisions:
        widened = membership_facts.edit(APPROVER, COLLEAGUE, expected_version=2, permissions={"add": ["reports.view"]})

    assert (widened.status, len(collisions)) == (503, 6)
