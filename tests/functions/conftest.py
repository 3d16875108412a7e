"""Fixtures for tests of the functions: seeded data, and checks of the invariants and event schemas afterwards."""

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
    """Assert after the test that every invariant holds."""
    yield
    assert violations(table.items()) == []


@pytest.fixture
def seeded(table: Table, check_invariants: None) -> Table:
    """Seed the table with the usual records."""
    seed(table)
    return table


@pytest.fixture(autouse=True)
def events_match_schemas(request: pytest.FixtureRequest) -> Iterator[None]:
    """Assert after the test that each audit entry makes an event that matches its schema.

    Entries of `grant.given` are skipped, because the seeded data contains invented ones.
    """
    table: Table | None = request.getfixturevalue("table") if "table" in request.fixturenames else None
    yield
    if not table:
        return
    entries = [(item["pk"].removeprefix("AUDIT#"), entry_of(item)) for item in table.items_with_prefix("AUDIT#")]
    real = [(account_id, entry) for account_id, entry in entries if entry.event != "grant.given"]
    for (account_id, entry), now in zip(real, events.current_records(real), strict=True):
        assert validation_errors(json.loads(cloud_event_of(entry, account_id, 1, now).to_json())) == []
