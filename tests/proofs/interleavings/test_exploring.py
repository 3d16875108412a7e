"""What is explored is what happens: the same as acting out every schedule, each from its start, in threads."""

import os
import re
from collections import Counter
from typing import Final

import pytest

from tests.proofs.interleavings.attempts import Attempt
from tests.proofs.interleavings.call_faults import EVERY
from tests.proofs.interleavings.invariants import World
from tests.proofs.interleavings.scheduler import Stage
from tests.proofs.interleavings.schedules import STEP
from tests.proofs.interleavings.sharding import of_all
from tools.proof.notes import Notes

ACTED: Final = (
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
SAMPLE: Final = "approve × approve as the owner: AABBB[unanswered]BAAAA"
"""What is run alone when no other schedule is asked for."""


@pytest.mark.parametrize("names", of_all(ACTED, short=1), ids=" and ".join)
def test_exploring_comes_to_what_acting_out_every_schedule_comes_to(
    world: World, names: tuple[str, str], notes: Notes
) -> None:
    attempts = world.attempts(*names)

    explored = world.exploring(*attempts, at_end=lambda _: ()).of(world.held, *attempts)

    expected: Counter[object] = Counter()
    for state, count in explored.ends.items():
        expected[world.outcome(state.held, state.ends)] += count
    acted = Stage(world).every(*attempts)
    assert acted == expected
    assert acted.total() == explored.schedules > 1
    notes.tried(f"acted out in threads: {' and '.join(names)}", schedules=acted.total(), outcomes=len(acted))


def test_one_schedule_can_be_run_alone(world: World) -> None:
    """`SCHEDULE='…'`, as a failure tells it, and `-k alone`."""
    names, _, schedule = os.environ.get("SCHEDULE", SAMPLE).rpartition(": ")
    attempts = [_attempt(world, label) for label in names.split(" × ")]

    found = world.prove(*attempts, faults=EVERY if "[" in schedule else (), only=schedule)

    assert found.states == len(STEP.findall(schedule)) + 1, "the schedule goes on, or cannot go so far"


def _attempt(world: World, label: str) -> Attempt:
    named = re.fullmatch(r"(.+?)(?:#(\d))?(?:~(\d))?", label)
    assert named
    return Attempt(world.operations[named[1]], nth=int(named[3] or 1), deed=int(named[2] or 1))
