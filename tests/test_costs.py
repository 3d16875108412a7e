"""Tests of costs: the write units of each operation against its budget, and the requests of the link-expiry job.

`make bench` records the figures, and runs the job with 100,000 open links.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import pytest

from partner_access.domain.links.links import Link
from partner_access.domain.records import Record
from tests.support import membership_facts
from tests.support.background_functions import EXPIRE_LINKS, WORKER, Clock, run_function
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, LINK, a_member, a_partner_admin, a_user
from tests.support.costs import Costs, count_costs, count_requests
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import approve, create, decline, resend, revoke
from tests.support.seeded_table import an_open_link, seed
from tests.support.table import Table
from tools.bench import counts
from tools.bench.figures import Figure

EMAIL_FIELDS: Final = {"recipient_email": "boss@bakery.example", "purpose": "Your new website"}
NEWCOMER: Final = "user-newcomer"
REQUESTS: Final = 3
"""Two reads, the second only if it needs keys from the first, and the transaction."""
EMAIL_REASON: Final = "an email is an item more than the budget counts; the outbox is a guarantee"


@dataclass(frozen=True, slots=True)
class CostCase:
    """One operation on one set of records. `max_units` is the cost today, so that an increase does not go unnoticed."""

    name: str
    send_request: Callable[[], ApiResponse]
    max_units: int
    target: int | None = None
    stretch: int | None = None
    others: tuple[Record, ...] = ()
    reads: int = 2
    reason: str = ""
    why_so_many: str = ""


def create_user(user_id: str, permission_set: str, email_domain: str, **more: object) -> ApiResponse:
    new_member = {"email": f"{user_id}@{email_domain}.example", "permission_set": permission_set, **more}
    return call("POST /accounts/{account_id}/users", APPROVER, new_member, account_id=CLIENT)


def migrate_super_admin(by: str) -> ApiResponse:
    return call("POST /accounts/{account_id}/migrations", by, {"user_id": EMPLOYEE}, account_id=CLIENT)


def approve_link() -> ApiResponse:
    return approve(permissions={"remove": ["crm.import"]}, access_days=90)


FOR_MANY: Final = an_open_link(max_approvals=9)
EDITED: Final = (a_partner_admin(),)
MIGRATED: Final = (a_member(EMPLOYEE),)
CASES: Final = (
    CostCase("create a link for oneself", create, 14, target=14, stretch=10, reads=1),
    CostCase(
        "create a link for oneself, with an email",
        lambda: create(**EMAIL_FIELDS),
        16,
        14,
        10,
        reads=1,
        reason=EMAIL_REASON,
    ),
    CostCase(
        "create a link for a colleague, with an email",
        lambda: create(employee_id=EMPLOYEE, **EMAIL_FIELDS),
        18,
        14,
        10,
        reads=1,
        reason=f"{EMAIL_REASON}; a caller who asks for another user adds a condition on their rights",
    ),
    CostCase("approve a link", approve_link, 27, 28, 20),
    CostCase("approve a link for many accounts", approve_link, 28, 28, 20, others=(FOR_MANY,)),
    CostCase("approve a link for a member", approve_link, 25, 28, 20, others=(a_member(EMPLOYEE, "sales"),)),
    CostCase("migrate a super admin", lambda: migrate_super_admin(APPROVER), 23, 24, 18, others=MIGRATED),
    CostCase("migrate oneself", lambda: migrate_super_admin(EMPLOYEE), 23, 24, 18, others=MIGRATED),
    CostCase(
        "create a partner admin",
        lambda: create_user(EMPLOYEE, "partner_admin", "north"),
        23,
        24,
        18,
        reads=3,
        why_so_many="the address gives the user, and the user the partner; a request that names the partner saves the third read",
    ),
    CostCase("create a user", lambda: create_user(NEWCOMER, "sales", "bakery"), 18, 24, 18, others=(a_user(NEWCOMER),)),
    CostCase("decline a link", decline, 19),
    CostCase("revoke a link", revoke, 11, reads=1),
    CostCase("send a link again", lambda: resend(link_id=LINK), 16),
    CostCase(
        "edit a partner admin", lambda: membership_facts.edit(permissions={"remove": ["crm.import"]}), 18, others=EDITED
    ),
    CostCase("suspend a partner admin", membership_facts.suspend, 18, others=EDITED),
    CostCase("end a partner admin", membership_facts.remove, 19, others=EDITED),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_operation_costs_at_most_its_gate(table: Table, case: CostCase) -> None:
    seed(table, *case.others)

    with count_costs(table) as costs:
        answer = case.send_request()

    assert answer.status < HTTPStatus.MULTIPLE_CHOICES, answer
    assert (costs.reads, costs.writes) == (case.reads, 1)
    assert costs.units <= case.max_units
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
