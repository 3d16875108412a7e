"""The world on which the doors are tried, and that it is sound, and can be told of, whatever happened at them."""

import json
from collections.abc import Iterator

import pytest

from partner_access.domain.audit.events import event_of
from partner_access.store.audit import events
from partner_access.store.audit.audit_log import entry_of
from tests.support.schemas import complaints
from tests.support.seeded_table import a_world
from tests.support.table import Table
from tools.invariants import broken


@pytest.fixture
def sound(table: Table) -> Iterator[None]:
    """Every invariant holds when the test is over."""
    yield
    assert broken(table.items()) == []


@pytest.fixture
def world(table: Table, sound: None) -> Table:
    """The usual world."""
    a_world(table)
    return table


@pytest.fixture(autouse=True)
def schemas(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a door wrote into a trail makes an event that fits its schema; where trails are made up, this is too."""
    table: Table | None = request.getfixturevalue("table") if "table" in request.fixturenames else None
    yield
    if not table:
        return
    told = [(item["pk"].removeprefix("AUDIT#"), entry_of(item)) for item in table.under("AUDIT#")]
    real = [(account_id, entry) for account_id, entry in told if entry.event != "grant.given"]
    for (account_id, entry), now in zip(real, events.now(real), strict=True):
        assert complaints(json.loads(event_of(entry, account_id, 1, now).told())) == []
