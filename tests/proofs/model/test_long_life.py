"""A soak test: one system runs from day to day (threat-model.md §3). Other tests of the model start each day afresh."""

import os
import time
from random import Random
from typing import Final

from tests.proofs.model import state_machine
from tests.proofs.model.model import Model
from tests.proofs.model.system import FAULTS, Moment, System, running_system
from tests.support.table import Table
from tools.proof.notes import Notes

SEED: Final = int(os.environ.get("SEED", "1"))
MINUTES: Final = float(os.environ.get("MINUTES", "0"))
"""Minimum run time in minutes. At least one day is simulated."""
STEPS: Final = 60
"""Random steps in a day. All pending work is finished after them."""
EMAIL_RUNS: Final = 20
"""Number of days of sending after which no email may be pending."""


def test_system_over_many_days_stays_sound_and_leaves_no_pending_work(table: Table, notes: Notes) -> None:
    chance, days, ends = Random(SEED), 0, time.monotonic() + MINUTES * 60
    with running_system(table, Model()) as system:
        system.restart()
        while not days or time.monotonic() < ends:
            run_day(system, chance)
            days += 1
        done, rejected = sum(system.done.values()), sum(system.rejected.values())
        notes.passed("one long life", days=days, done=done, rejected=rejected, records=len(system.items))


def run_day(system: System, chance: Random) -> None:
    """Run random steps for a day, finish all pending work, and assert that no email remains in the outbox."""
    for _ in range(STEPS):
        state_machine.STEPS[chance.choice(state_machine.STEP_NAMES)](system, random_conditions(chance))
    system.finish_pending_work()
    for _ in range(EMAIL_RUNS):
        system.clock.advance(days=1)
        system.send_emails(random_conditions(chance))
    assert system.table.items_with_prefix("OUTBOX#") == []


def random_conditions(chance: Random) -> Moment:
    """Return random conditions for one step, with a fault in half of all cases."""
    fault = chance.choice((None,) * len(FAULTS) + tuple(FAULTS))
    return Moment(chance.randrange(2**20), chance.choice((0, 0, 0, -5, 5)), fault, chance.randrange(6))
