"""An exploration that finds nothing proves nothing unless it finds what is there: designs that are wrong are caught."""

import pytest

from tests.proofs.interleavings.designs import WRONG, Design
from tests.proofs.interleavings.invariants import World
from tests.proofs.interleavings.schedules import how
from tests.proofs.interleavings.sharding import of_all
from tools.proof.notes import Notes


@pytest.mark.parametrize("design", WRONG, ids=lambda design: design.name)
def test_a_design_that_is_wrong_is_caught(world: World, design: Design, notes: Notes) -> None:
    found, attempts = design.explored(world, naively=True)

    assert found.caught
    notes.tried(f"control: {design.name}", caught=1, states=found.states)
    schedule = how(found.caught, *attempts).removeprefix("SCHEDULE=")
    notes.named(f"control: {design.name}", f"caught by the schedule {schedule}: {found.because[0]}")


@pytest.mark.parametrize("design", of_all(WRONG, short=1), ids=lambda design: design.name)
def test_what_catches_a_wrong_design_finds_nothing_in_the_shipped_one(
    world: World, design: Design, notes: Notes
) -> None:
    found, _ = design.explored(world, naively=False)

    assert not found.caught, found.because
    assert found.schedules > 1
    notes.tried(f"as it is shipped: {design.name}", schedules=found.schedules, states=found.states)
