"""Whoever follows the events, and has read no more than README.md, knows who has access where."""

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
from partner_access.domain.audit.events import MemberNow
from partner_access.domain.memberships.members import Member
from partner_access.store.memberships import actors
from tests.support import link_requests, membership_facts
from tests.support.background_functions import CLEAN_UP, EXPIRE_LINKS, Clock, clean_up, publish_audit_events
from tests.support.builders import CLIENT, EMPLOYEE, PARTNER, a_partner_admin
from tests.support.fake_event_bus import Listener, listener, takes_all_but
from tests.support.random_operations import Acts
from tests.support.schemas import Json, complaints
from tests.support.seeded_table import a_world
from tests.support.table import Item, Table
from tests.support.table_stream import of_trails
from tools.invariants import broken

README = Path(__file__).parents[1] / "README.md"
SEED = 1
ACTS = 300
LOOK_EVERY = 50
KINDS = 22
"""How many kinds of entries so many acts leave at least, of the 33 that there are."""

Access = set[tuple[str, str]]


class Mirror:
    """Runs what the README shows."""

    def __init__(self) -> None:
        (block,) = re.findall(r"## Events\n.*?```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
        self.shown: dict[str, Any] = {}
        exec(block, self.shown)

    def take(self, event: Json) -> None:
        self.shown["take"](event)

    @property
    def members(self) -> dict[tuple[str, str], Json]:
        found: dict[tuple[str, str], Json] = self.shown["kept"]["member"]
        return found

    def access(self, at: datetime) -> Access:
        return {where for where in self.members if self.shown["has_access"](*where, at)}


class Follower:
    """Brings what the stream has to the function, and what the function says to the mirror, as badly as AWS may."""

    def __init__(self, stream: list[Item], heard: Listener, chance: Random) -> None:
        self.stream, self.heard, self.chance = stream, heard, chance
        self.position = 0
        self.told: list[Json] = []
        self.mirror = Mirror()

    def goes_on(self) -> None:
        """A batch: perhaps an earlier one again, perhaps taken only in part at first; events out of order, some twice."""
        start = max(0, self.position - self.chance.choice([0, 0, 0, 5, 30]))
        batch = self.stream[start : self.position + self.chance.randint(1, 60)]
        if not batch:
            return
        if self.chance.random() < 0.2:
            self.heard.plan.append(takes_all_but(0))
            with pytest.raises(event_bus.NotTaken):
                publish_audit_events(batch)
        publish_audit_events(batch)
        self.position = max(self.position, start + len(batch))
        new = [json.loads(each["Detail"]) for each in self.heard.heard[len(self.told) :]]
        self.told += new
        for event in (*self.chance.sample(new, len(new)), *self.chance.choices(self.told, k=3)):
            self.mirror.take(event)

    def catches_up(self) -> None:
        while self.position < len(self.stream):
            self.goes_on()


def kept_access(table: Table, at: datetime) -> Access:
    """Who may do anything in an account that is open, by the rules themselves."""
    found: Access = set()
    for item in members(table):
        actor, account = actors.in_account(item["account_id"], item["user_id"])
        if account and account.state is AccountState.ACTIVE and actor.rights_at(at).held:
            found.add((item["account_id"], item["user_id"]))
    return found


def members(table: Table) -> list[Item]:
    return [item for item in table.under("ACCOUNT#") if item["sk"].startswith("MEMBER#")]


@pytest.fixture
def heard(table: Table) -> Iterator[Listener]:
    with listener() as listening:
        yield listening


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch, "partner_access.api.routing", EXPIRE_LINKS, CLEAN_UP)


def test_a_mirror_ends_up_with_what_the_table_has(table: Table, heard: Listener, clock: Clock) -> None:
    acts = Acts(table, clock, Random(SEED))
    with of_trails() as stream:
        follower = Follower(stream, heard, acts.chance)
        acts.begin()
        for number in range(1, ACTS + 1):
            acts.one()
            if acts.chance.random() < 0.3:
                follower.goes_on()
            if number % LOOK_EVERY == 0:
                acts.settles()
                follower.catches_up()
                assert follower.mirror.access(clock.time) == kept_access(table, clock.time), number
                assert follower.mirror.members == {
                    (item["account_id"], item["user_id"]): MemberNow.of(Member.model_validate(item)).model_dump(
                        mode="json", exclude_none=True
                    )
                    for item in members(table)
                }
    assert_all_is_told(table, follower.told)
    assert broken(table.items()) == []
    assert len({event["type"] for event in follower.told}) >= KINDS


def test_what_stops_and_goes_on_between_two_sweeps_leaves_no_trace(table: Table, heard: Listener, clock: Clock) -> None:
    """Whatever is told in between must not outlast it: no entry of the client's will ever take it back."""
    a_world(table, a_partner_admin())
    mirror = Mirror()
    with of_trails() as stream:
        link_requests.tell_account(PARTNER, program="suspended")
        assert membership_facts.edit(permissions={"remove": ["crm.import"]}).status == 200
        publish_audit_events(stream)
        followed = len(stream)
        link_requests.tell_account(PARTNER, program="active")
        clean_up()
        publish_audit_events(stream[followed:])

    for event in heard.events:
        mirror.take(event)

    assert "member.resumed" not in {item["event"] for item in stream}
    assert (CLIENT, EMPLOYEE) in kept_access(table, clock.time)
    assert mirror.members[CLIENT, EMPLOYEE]["state"] == "active"


def assert_all_is_told(table: Table, events: list[Json]) -> None:
    """Every entry of every trail, in places without a gap, by events that fit; in their order but for what came again."""
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for event in events:
        assert complaints(event) == []
        assert places[event["source"]].setdefault(event["id"], event["sequence"]) == event["sequence"]
    entries = Counter(item["pk"].replace("AUDIT#", "/accounts/") for item in table.under("AUDIT#"))
    assert {source: len(found) for source, found in places.items()} == entries
    for found in places.values():
        assert [int(each) for each in found.values()] == list(range(1, len(found) + 1))
        assert all(one < other for one, other in pairwise(found.values()))
