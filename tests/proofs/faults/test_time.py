"""Clocks that differ, and time that is over (guarantees.md F26, F28)."""

from datetime import timedelta
from itertools import product

import pytest

from tests.proofs.faults.fake_dynamodb import WRITE, door
from tests.proofs.faults.operations import OPERATIONS, Stage
from tests.proofs.faults.test_operations import played
from tests.support import gateway, link_requests
from tests.support.background_functions import (
    CLEAN_UP,
    EXPIRE_LINKS,
    FOLLOW_TRAIL,
    RECORD_DELIVERY,
    SEAL_TRAIL,
    Clock,
    run,
)
from tests.support.seeded_table import MANAGER, an_open_link
from tests.support.table import differences
from tools.invariants import broken
from tools.proof.notes import Notes

SKEWS = (-5, -1, 0, 1, 5)
NO_SENSE_OF_TIME = {FOLLOW_TRAIL, RECORD_DELIVERY, SEAL_TRAIL, CLEAN_UP}
"""Little is done at a time, or it is looked at between two parts."""


def test_clocks_that_differ_decide_who_wins_and_never_let_both(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, notes: Notes, *, whole: bool
) -> None:
    at_the_door, trail = Clock(monkeypatch, "partner_access.api.routing"), set()
    cases = list(product(SKEWS, SKEWS, (-1, 0, 1), (True, False)))
    for skew, skew_of_sweep, second, sweeps_first in cases if whole else cases[:: len(cases) // 6]:
        stage.set()
        end = stage.clock.time + timedelta(seconds=10)
        stage.set(an_open_link(expires_at=end, created_by=MANAGER))
        at_the_door.time = end + timedelta(seconds=second + skew)
        stage.clock.time = end + timedelta(seconds=second + skew_of_sweep)

        acts = [link_requests.approve, lambda: run(EXPIRE_LINKS, {})]
        for act in reversed(acts) if sweeps_first else acts:
            act()

        events = {item["event"] for item in stage.entries()}
        assert len(events & {"link.approved", "link.expired"}) <= 1
        assert broken(stage.table.items()) == []
        assert all(int(item["ttl"]) > 0 for item in stage.table.items() if "ttl" in item)
        trail |= events
    assert trail == {"link.approved", "link.expired"}
    notes.tried("F26: a door and a sweep, each up to five seconds off", pairs=len(cases))


def test_nothing_is_begun_in_the_last_seconds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, notes: Notes, *, whole: bool
) -> None:
    shown = [each for each in OPERATIONS if each.route not in NO_SENSE_OF_TIME]
    for operation in shown if whole else shown[::6]:
        with monkeypatch.context() as patch:
            act = operation.sets(stage)
            before = stage.table.items()
            patch.setattr(gateway.Context, "get_remaining_time_in_millis", lambda _: 4_999)
            answer, here = played(operation, None, 0, act)

        assert WRITE not in here.called
        assert differences(before, stage.table.items()) == []
        if isinstance(answer, gateway.Answer):
            assert answer.status == 503 or '"failed"' in answer.text, operation.route
        else:
            assert answer is None
    with door() as here:
        assert here.called == []
    notes.tried("F28: operations in the last seconds of their function", operations=len(shown))
