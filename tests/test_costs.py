"""Tests of costs: the write units of each operation against its budget, and the requests of the link-expiry job.

`make bench` records the figures, and runs the job with 100,000 open links.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import pytest
from _pytest.mark.structures import ParameterSet

from partner_access.domain.links.links import Link
from tests.support import operations
from tests.support.background_functions import EXPIRE_LINKS, WORKER, Clock, run_function
from tests.support.costs import Costs, count_costs, count_requests
from tests.support.operations.rows import CostCase, SendRequest
from tests.support.seeded_table import an_open_link, seed
from tests.support.table import Table
from tools.bench import counts
from tools.bench.figures import Figure

REQUESTS: Final = 3
"""Two reads, the second only if it needs keys from the first, and the transaction."""


def case_params() -> Iterator[ParameterSet]:
    """Yield each case of the register with the function that sends its request."""
    for row in operations.OPERATIONS:
        for case in row.costs:
            send_request = case.send_request or (partial(row.attempt, None) if row.attempt else None)
            assert send_request, f"Write `send_request` in the case, or `attempt` in the row of {row.route}."
            yield pytest.param(case, send_request, id=case.name)


@pytest.mark.parametrize(("case", "send_request"), [*case_params()])
def test_operation_costs_at_most_its_gate(table: Table, case: CostCase, send_request: SendRequest) -> None:
    seed(table, *case.others)

    with count_costs(table) as costs:
        answer = send_request()

    assert answer.status < HTTPStatus.MULTIPLE_CHOICES, answer
    assert (costs.reads, costs.writes) == (case.reads, 1), f"read less, or correct the CostCase in {operations.FOLDER}"
    assert costs.units <= case.max_units, f"use fewer units, or raise max_units of the CostCase in {operations.FOLDER}"
    spent = ", ".join(f"{name} {units}" for name, units in costs.units_by_kind.most_common())
    counts.record(
        "operations",
        Figure(
            name=case.name,
            measured=costs.units,
            target=case.target,
            stretch=case.stretch,
            unit="units",
            reason=case.reason,
        ),
        Figure(name=f"… which are for {spent}", measured=costs.units, unit="units"),
        Figure(
            name=f"{case.name}: its requests",
            measured=costs.requests,
            target=REQUESTS,
            unit="requests",
            reason=case.why_so_many,
        ),
    )


# link-expiry job


DUE_LINKS: Final = 1_000 if counts.is_enabled() else 20
OPEN_LINKS: Final = (1_000, 100_000) if counts.is_enabled() else (100, 2_000)


def test_expire_links_requests_do_not_grow_with_open_links(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, WORKER)
    few, many = (run_expire_links(table, clock, live) for live in OPEN_LINKS)

    assert (few.reads, few.writes) == (many.reads, many.writes)
    assert few.writes == DUE_LINKS
    counts.record(
        "sweep",
        Figure(name=f"{DUE_LINKS:,} due, {OPEN_LINKS[0]:,} open", measured=few.requests, unit="requests"),
        Figure(
            name=f"{DUE_LINKS:,} due, {OPEN_LINKS[1]:,} open",
            measured=many.requests,
            target=few.requests,
            unit="requests",
        ),
    )


def run_expire_links(table: Table, clock: Clock, open_links: int) -> Costs:
    """Return the costs of a run that expires all links that are due."""
    table.clear()
    seed(
        table,
        *some_links(range(DUE_LINKS), expires_at=clock.time),
        *some_links(range(DUE_LINKS, DUE_LINKS + open_links), expires_at=a_day_after(clock)),
    )
    costs = Costs()
    with count_requests(costs):
        assert run_function(EXPIRE_LINKS, {}) is None
    return costs


def some_links(numbers: range, **changes: Any) -> Iterator[Link]:
    return (an_open_link(link_id=f"lnk_{number:032x}", **changes) for number in numbers)


def a_day_after(clock: Clock) -> datetime:
    return clock.time + timedelta(days=1)
