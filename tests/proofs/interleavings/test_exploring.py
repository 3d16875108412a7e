"""Tests of the exploration: its outcomes equal those of running every schedule from its start in threads."""

import os
import re
from collections import Counter
from typing import Final

import pytest

from tests.proofs.interleavings.attempts import Attempt
from tests.proofs.interleavings.call_faults import EVERY_FAULT
from tests.proofs.interleavings.invariants import Scenario
from tests.proofs.interleavings.scheduler import Scheduler
from tests.proofs.interleavings.schedules import STEP
from tests.proofs.interleavings.sharding import all_or_first
from tools.proof.notes import Notes

THREADED_PAIRS: Final = (
    ("approve", "approve as the owner"),
    ("end the colleague", "decide"),
    ("approve", "revoke"),
    ("demote the owner", "demote the approver"),
    ("approve", "create a partner admin"),
    ("migrate", "fewer seats"),
    ("deactivate the newcomer", "approve"),
    ("give the clerk an own set", "drop a set"),
    ("approve", "preview"),
)
SAMPLE: Final = "approve × approve as the owner: AABBB[response_lost]BAAAA"
"""Schedule that runs if the environment requests no other."""


@pytest.mark.parametrize("names", all_or_first(THREADED_PAIRS, short=1), ids=" and ".join)
def test_exploration_has_same_outcomes_as_running_schedules_in_threads(
    scenario: Scenario, names: tuple[str, str], notes: Notes
) -> None:
    attempts = scenario.attempts(*names)

    explored = scenario.exploration_of(*attempts, at_end=lambda _: ()).explore(scenario.initial_state, *attempts)

    expected: Counter[object] = Counter()
    for state, count in explored.ends.items():
        expected[scenario.outcome(state.aws_state, state.results)] += count
    threaded = Scheduler(scenario).outcomes(*attempts)
    assert threaded == expected
    assert threaded.total() == explored.schedules > 1
    notes.passed(f"replayed in threads: {' and '.join(names)}", schedules=threaded.total(), outcomes=len(threaded))


def test_single_schedule_runs_alone(scenario: Scenario) -> None:
    """Run the schedule of the environment variable SCHEDULE. A failure prints it. Select this test with `-k alone`."""
    names, _, schedule = os.environ.get("SCHEDULE", SAMPLE).rpartition(": ")
    attempts = [_attempt(scenario, label) for label in names.split(" × ")]

    found = scenario.prove(*attempts, faults=EVERY_FAULT if "[" in schedule else (), only=schedule)

    assert found.states == len(STEP.findall(schedule)) + 1, "the schedule goes on, or cannot go so far"


def _attempt(scenario: Scenario, label: str) -> Attempt:
    named = re.fullmatch(r"(.+?)(?:#(\d))?(?:~(\d))?", label)
    assert named
    return Attempt(scenario.operations[named[1]], try_number=int(named[3] or 1), request_number=int(named[2] or 1))
