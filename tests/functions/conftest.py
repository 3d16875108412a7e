"""The world on which the doors are tried, and that it is sound, and can be told of, whatever happened at them."""

import json
from collections.abc import Iterator

import pytest

from partner_access.domain.audit.events import cloud_event_of
from partner_access.store.audit import events
from partner_access.store.audit.audit_log import entry_of
from tests.support.schemas import validation_errors
from tests.support.seeded_table import seed
from tests.support.table import Table
from tools.invariants import violations


@pytest.fixture
def check_invariants(table: Table) -> Iterator[None]:
    """Every invariant holds when the test is over."""
    yield
    assert violations(table.items()) == []


@pytest.fixture
def seeded(table: Table, check_invariants: None) -> Table:
    """The usual world."""
    seed(table)
    return table


@pytest.fixture(autouse=True)
def events_match_schemas(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a door wrote into a trail makes an event that fits its schema; where trails are made up, this is too."""
    table: Table | None = request.getfixturevalue("table") if "table" in request.fixturenames else None
    yield
    if not table:
        return
    entries = [(item["pk"].removeprefix("AUDIT#"), entry_of(item)) for item in table.items_with_prefix("AUDIT#")]
    real = [(account_id, entry) for account_id, entry in entries if entry.event != "grant.given"]
    for (account_id, entry), now in zip(real, events.current_records(real), strict=True):
        assert validation_errors(json.loads(cloud_event_of(entry, account_id, 1, now).to_json())) == []
