"""Tests of the samples for `sam local invoke`: each must be accepted by its function."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import gateway, operations
from tests.support.built_artifacts import FUNCTIONS
from tests.support.table import Table

EVENTS = Path(__file__).parents[1] / "events"
EXPECTED = {row.name: row.sample_status for row in operations.FUNCTIONS}
"""Expected status codes with an empty table."""


def sample(operation: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{operation}.json").read_text(encoding="utf-8"))
    return found


def test_every_function_has_a_sample_and_every_sample_a_function() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == {function.operation for function in FUNCTIONS}


@pytest.mark.parametrize("operation", gateway.OPERATIONS)
def test_sample_event_is_accepted_by_its_function(operation: str, table: Table) -> None:
    made = sample(operation)

    answer = gateway.send_event(made)

    assert made["routeKey"] in gateway.app(operation).routes
    assert answer.status == EXPECTED.get(operation, 404), (
        f"correct events/{operation}.json, or write sample_status in {operations.FILES.get(operation)}: {answer.text}"
    )
