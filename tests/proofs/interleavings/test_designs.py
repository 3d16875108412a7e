"""Controls for the exploration: it must find the errors of designs that are known to be wrong."""

import pytest

from tests.proofs.interleavings.designs import WRONG_DESIGNS, Design
from tests.proofs.interleavings.invariants import Scenario
from tests.proofs.interleavings.schedules import as_text
from tests.proofs.interleavings.sharding import all_or_first
from tools.proof.notes import Notes


@pytest.mark.parametrize("design", WRONG_DESIGNS, ids=lambda design: design.name)
def test_exploration_of_wrong_design_finds_violation(scenario: Scenario, design: Design, notes: Notes) -> None:
    found, attempts = design.explore(scenario, as_designed=True)

    assert found.violating_schedule
    notes.passed(f"control: {design.name}", caught=1, states=found.states)
    schedule = as_text(found.violating_schedule, *attempts).removeprefix("SCHEDULE=")
    notes.exception(f"control: {design.name}", f"caught by the schedule {schedule}: {found.violations[0]}")


@pytest.mark.parametrize("design", all_or_first(WRONG_DESIGNS, short=1), ids=lambda design: design.name)
def test_exploration_of_shipped_design_finds_no_violation(scenario: Scenario, design: Design, notes: Notes) -> None:
    found, _ = design.explore(scenario, as_designed=False)

    assert not found.violating_schedule, found.violations
    assert found.schedules > 1
    notes.passed(f"as it is shipped: {design.name}", schedules=found.schedules, states=found.states)
