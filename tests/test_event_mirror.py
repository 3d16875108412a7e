"""Tests of a consumer that follows the events with the code in docs/integration/events.md and derives who has access where."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from partner_access import event_bus
from partner_access.domain.accounts import AccountState
from partner_access.domain.audit.events import MemberSnapshot
from partner_access.domain.memberships.members import Member
from partner_access.store.memberships import actors
from tests.support import link_requests, membership_facts
from tests.support.background_functions import (
    WORKER,
    Clock,
    publish_audit_events,
    run_reconcile_access,
)
from tests.support.builders import CLIENT, EMPLOYEE, PARTNER, a_partner_admin
from tests.support.fake_event_bus import FakeEventBus, fake_event_bus, rejects_entry_at
from tests.support.random_operations import RandomOperations
from tests.support.schemas import Json, validation_errors
from tests.support.seeded_table import seed
from tests.support.table import Item, Table
from tests.support.table_stream import new_audit_entries
from tools.invariants import violations
from tools.operate.snapshot import snapshot_lines

DOCUMENT = Path(__file__).parents[1] / "docs/integration/events.md"
SEED = 2
OPERATION_COUNT = 300
CHECK_INTERVAL = 50
MIN_EVENT_KINDS = 22
"""The least number of event kinds that these operations produce, of 33 in total."""

Access = set[tuple[str, str]]


class Mirror:
    """A consumer that runs the example code of the document."""

    def __init__(self) -> None:
        (block,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
        self.example_globals: dict[str, Any] = {}
        exec(block, self.example_globals)

    def apply_event(self, event: Json) -> None:
        self.example_globals["take"](event)

    @property
    def members(self) -> dict[tuple[str, str], Json]:
        found: dict[tuple[str, str], Json] = self.example_globals["latest"]["member"]
        return found

    def access(self, at: datetime) -> Access:
        return {where for where in self.members if self.example_globals["has_access"](*where, at)}

    def load(self, lines: list[str]) -> None:
        self.example_globals["load"](lines)


class FaultyDelivery:
    """A faulty delivery path from the table's stream to the mirror, as bad as AWS permits."""

    def __init__(self, stream: list[Item], heard: FakeEventBus, chance: Random) -> None:
        self.stream, self.event_bus, self.random = stream, heard, chance
        self.position = 0
        self.delivered_events: list[Json] = []
        self.mirror = Mirror()
        self.late_mirrors: list[Mirror] = []

    def start_from_snapshot(self, items: list[Item], *, loads_first: bool) -> None:
        """Start one more mirror, which has no earlier event. Some events come while the table is read."""
        mirror, lines = Mirror(), list(snapshot_lines(items))
        self.late_mirrors.append(mirror)
        if loads_first:
            mirror.load(lines)
        self.deliver_batch()
        mirror.load(lines)

    def deliver_batch(self) -> None:
        """Deliver one batch to the function and its events to the mirror.

        The batch may repeat earlier items or fail in part at first. The events come out of order, and some come twice.
        """
        start = max(0, self.position - self.random.choice([0, 0, 0, 5, 30]))
        batch = self.stream[start : self.position + self.random.randint(1, 60)]
        if not batch:
            return
        if self.random.random() < 0.2:
            self.event_bus.next_faults.append(rejects_entry_at(0))
            with pytest.raises(event_bus.PublishFailed):
                publish_audit_events(batch)
        publish_audit_events(batch)
        self.position = max(self.position, start + len(batch))
        new = [json.loads(each["Detail"]) for each in self.event_bus.accepted[len(self.delivered_events) :]]
        self.delivered_events += new
        for event in (*self.random.sample(new, len(new)), *self.random.choices(self.delivered_events, k=3)):
            for mirror in (self.mirror, *self.late_mirrors):
                mirror.apply_event(event)

    def deliver_all(self) -> None:
        while self.position < len(self.stream):
            self.deliver_batch()


def access_by_rules(table: Table, at: datetime) -> Access:
    """Return the users with any permission in an open account, computed by the product's rules."""
    found: Access = set()
    for item in members(table):
        actor, account = actors.in_account(item["account_id"], item["user_id"])
        if account and account.state is AccountState.ACTIVE and actor.rights_at(at).held:
            found.add((item["account_id"], item["user_id"]))
    return found


def members(table: Table) -> list[Item]:
    return [item for item in table.items_with_prefix("ACCOUNT#") if item["sk"].startswith("MEMBER#")]


@pytest.fixture
def published_events(table: Table) -> Iterator[FakeEventBus]:
    with fake_event_bus() as listening:
        yield listening


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch, "partner_access.api.routing", WORKER)


def test_mirror_after_random_operations_equals_the_table(
    table: Table, published_events: FakeEventBus, clock: Clock
) -> None:
    acts = RandomOperations(table, clock, Random(SEED))
    with new_audit_entries() as stream:
        follower = FaultyDelivery(stream, published_events, acts.random)
        acts.create_accounts()
        for number in range(1, OPERATION_COUNT + 1):
            acts.run_one()
            if acts.random.random() < 0.3:
                follower.deliver_batch()
            if number % CHECK_INTERVAL == CHECK_INTERVAL // 2:
                follower.start_from_snapshot(table.items(), loads_first=acts.random.random() < 0.5)
            if number % CHECK_INTERVAL == 0:
                acts.run_scheduled_jobs()
                follower.deliver_all()
                expected = {
                    (item["account_id"], item["user_id"]): MemberSnapshot.of(Member.model_validate(item)).model_dump(
                        mode="json", exclude_none=True
                    )
                    for item in members(table)
                }
                for mirror in (follower.mirror, *follower.late_mirrors):
                    assert mirror.access(clock.time) == access_by_rules(table, clock.time), number
                    assert mirror.members == expected
    assert_all_published(table, follower.delivered_events)
    assert violations(table.items()) == []
    assert len({event["type"] for event in follower.delivered_events}) >= MIN_EVENT_KINDS


def test_mirror_after_program_suspended_between_two_runs_shows_active_member(
    table: Table, published_events: FakeEventBus, clock: Clock
) -> None:
    """Check a state that no later entry of the client takes back. Events in between must not leave it behind."""
    seed(table, a_partner_admin())
    mirror = Mirror()
    with new_audit_entries() as stream:
        link_requests.put_account(PARTNER, program="suspended")
        assert membership_facts.edit(permissions={"remove": ["crm.import"]}).status == 200
        publish_audit_events(stream)
        followed = len(stream)
        link_requests.put_account(PARTNER, program="active")
        run_reconcile_access()
        publish_audit_events(stream[followed:])

    for event in published_events.events:
        mirror.apply_event(event)

    assert "member.resumed" not in {item["event"] for item in stream}
    assert (CLIENT, EMPLOYEE) in access_by_rules(table, clock.time)
    assert mirror.members[CLIENT, EMPLOYEE]["state"] == "active"


def test_mirror_from_snapshot_of_deactivated_user_follows_reactivation(
    table: Table, published_events: FakeEventBus, clock: Clock
) -> None:
    seed(table, a_partner_admin())
    link_requests.put_user(EMPLOYEE, active=False)
    mirror = Mirror()
    mirror.load(list(snapshot_lines(table.items())))
    assert (CLIENT, EMPLOYEE) not in mirror.access(clock.time)
    with new_audit_entries() as stream:
        link_requests.put_user(EMPLOYEE, active=True)
        publish_audit_events(stream)

    for event in published_events.events:
        mirror.apply_event(event)

    assert (CLIENT, EMPLOYEE) in mirror.access(clock.time) == access_by_rules(table, clock.time)


def assert_all_published(table: Table, events: list[Json]) -> None:
    """Assert that every audit entry was published as a valid event.

    Sequence numbers have no gaps and increase, except for repeated events.
    """
    sequence_numbers: dict[str, dict[str, str]] = defaultdict(dict)
    for event in events:
        assert validation_errors(event) == []
        assert sequence_numbers[event["source"]].setdefault(event["id"], event["sequence"]) == event["sequence"]
    entries = Counter(item["pk"].replace("AUDIT#", "/accounts/") for item in table.items_with_prefix("AUDIT#"))
    assert {source: len(found) for source, found in sequence_numbers.items()} == entries
    for found in sequence_numbers.values():
        assert [int(each) for each in found.values()] == list(range(1, len(found) + 1))
        assert all(one < other for one, other in pairwise(found.values()))
