"""What each changing operation costs at AWS's door, beside its budget, and a sweep beside what else is open.

When `make bench` asks, what is counted is noted, and the sweep passes by 100,000 links.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import pytest

from partner_access.domain.links.links import Link
from partner_access.domain.records import Kept
from tests.support import membership_facts
from tests.support.background_functions import EXPIRE_LINKS, Clock, run
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, LINK, a_member, a_partner_admin, a_user
from tests.support.costs import Costs, counted, requests_counted
from tests.support.gateway import Answer, call
from tests.support.link_requests import approve, create, decline, resend, revoke
from tests.support.seeded_table import a_world, an_open_link
from tests.support.table import Table
from tools.bench import counts
from tools.bench.figures import Figure

ASKED: Final = {"recipient_email": "boss@bakery.example", "purpose": "Your new website"}
NEWCOMER: Final = "user-newcomer"
REQUESTS: Final = 3
"""Two reads, the second only where the first gives its keys, and the transaction."""
LETTER: Final = "a letter is a line more than the budget counts; the outbox is a promise"


@dataclass(frozen=True, slots=True)
class Case:
    """One operation in one world; `gate` is what it costs today, so that it never gets dearer unseen."""

    name: str
    act: Callable[[], Answer]
    gate: int
    target: int | None = None
    stretch: int | None = None
    others: tuple[Kept, ...] = ()
    reads: int = 2
    reason: str = ""
    why_so_many: str = ""


def created(user_id: str, permission_set: str, firm: str, **more: object) -> Answer:
    wish = {"email": f"{user_id}@{firm}.example", "permission_set": permission_set, **more}
    return call("POST /accounts/{account_id}/users", APPROVER, wish, account_id=CLIENT)


def migrated(by: str) -> Answer:
    return call("POST /accounts/{account_id}/migrations", by, {"user_id": EMPLOYEE}, account_id=CLIENT)


def approved() -> Answer:
    return approve(permissions={"remove": ["crm.import"]}, access_days=90)


FOR_MANY: Final = an_open_link(max_approvals=9)
EDITED: Final = (a_partner_admin(),)
MIGRATED: Final = (a_member(EMPLOYEE),)
CASES: Final = (
    Case("create a link for oneself", create, 14, target=14, stretch=10, reads=1),
    Case("create a link for oneself, with a letter", lambda: create(**ASKED), 16, 14, 10, reads=1, reason=LETTER),
    Case(
        "create a link for a colleague, with a letter",
        lambda: create(employee_id=EMPLOYEE, **ASKED),
        18,
        14,
        10,
        reads=1,
        reason=f"{LETTER}; whoever asks for somebody else is one more whose rights are a condition",
    ),
    Case("approve a link", approved, 27, 28, 20),
    Case("approve a link for many accounts", approved, 28, 28, 20, others=(FOR_MANY,)),
    Case("approve a link for a member", approved, 25, 28, 20, others=(a_member(EMPLOYEE, "sales"),)),
    Case("migrate a super admin", lambda: migrated(APPROVER), 23, 24, 18, others=MIGRATED),
    Case("migrate oneself", lambda: migrated(EMPLOYEE), 23, 24, 18, others=MIGRATED),
    Case(
        "create a partner admin",
        lambda: created(EMPLOYEE, "partner_admin", "north"),
        23,
        24,
        18,
        reads=3,
        why_so_many="the address gives the person, and the person his firm; whoever names the firm spares the third read",
    ),
    Case("create a user", lambda: created(NEWCOMER, "sales", "bakery"), 18, 24, 18, others=(a_user(NEWCOMER),)),
    Case("decline a link", decline, 19),
    Case("revoke a link", revoke, 11, reads=1),
    Case("send a link again", lambda: resend(link_id=LINK), 16),
    Case(
        "edit a partner admin", lambda: membership_facts.edit(permissions={"remove": ["crm.import"]}), 18, others=EDITED
    ),
    Case("suspend a partner admin", membership_facts.suspend, 18, others=EDITED),
    Case("end a partner admin", membership_facts.end, 19, others=EDITED),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_operation_costs_no_more_than_it_did(table: Table, case: Case) -> None:
    a_world(table, *case.others)

    with counted(table) as costs:
        answer = case.act()

    assert answer.status < HTTPStatus.MULTIPLE_CHOICES, answer
    assert (costs.reads, costs.writes) == (case.reads, 1)
    assert costs.units <= case.gate
    spent = ", ".join(f"{name} {units}" for name, units in costs.where.most_common())
    counts.note(
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


# the sweep


DUE: Final = 1_000 if counts.is_asked_for() else 20
LIVE: Final = (1_000, 100_000) if counts.is_asked_for() else (100, 2_000)


def test_a_sweep_asks_as_much_whatever_else_is_open(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, EXPIRE_LINKS)
    few, many = (swept(table, clock, live) for live in LIVE)

    assert (few.reads, few.writes) == (many.reads, many.writes)
    assert few.writes == DUE
    counts.note(
        "sweep",
        Figure(name=f"{DUE:,} due, {LIVE[0]:,} open", measured=few.requests, unit="requests"),
        Figure(name=f"{DUE:,} due, {LIVE[1]:,} open", measured=many.requests, target=few.requests, unit="requests"),
    )


def swept(table: Table, clock: Clock, live: int) -> Costs:
    """What the sweep asks for that ends all that is due."""
    table.clear()
    a_world(
        table, *some(range(DUE), expires_at=clock.time), *some(range(DUE, DUE + live), expires_at=a_day_after(clock))
    )
    costs = Costs()
    with requests_counted(costs):
        assert run(EXPIRE_LINKS, {}) is None
    return costs


def some(numbers: range, **changes: Any) -> Iterator[Link]:
    return (an_open_link(link_id=f"lnk_{number:032x}", **changes) for number in numbers)


def a_day_after(clock: Clock) -> datetime:
    return clock.time + timedelta(days=1)
