"""One town that goes on from day to day, where the model's other days each begin anew (hostile.md §3: soak)."""

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
"""How long it goes on; one day at least."""
STEPS: Final = 60
"""Of a day, after which all that waits is brought to its end."""
MAILER_RUNS: Final = 20
"""How often, a day apart, before no letter may be left."""


def test_however_long_it_goes_on_nothing_breaks_and_nothing_piles_up(table: Table, notes: Notes) -> None:
    chance, days, ends = Random(SEED), 0, time.monotonic() + MINUTES * 60
    with running_system(table, Model()) as system:
        system.restart()
        while not days or time.monotonic() < ends:
            run_day(system, chance)
            days += 1
        done, refused = sum(system.done.values()), sum(system.refused.values())
        notes.passed("one long life", days=days, done=done, refused=refused, records=len(system.items))


def run_day(system: System, chance: Random) -> None:
    """Whatever comes, and in the end nothing waits: no letter, no clean-up, nothing that is due."""
    for _ in range(STEPS):
        state_machine.STEPS[chance.choice(state_machine.STEP_NAMES)](system, random_conditions(chance))
    system.finish_pending_work()
    for _ in range(MAILER_RUNS):
        system.clock.advance(days=1)
        system.send_emails(random_conditions(chance))
    assert system.table.items_with_prefix("OUTBOX#") == []


def random_conditions(chance: Random) -> Moment:
    """In trouble as often as not."""
    fault = chance.choice((None,) * len(FAULTS) + tuple(FAULTS))
    return Moment(chance.randrange(2**20), chance.choice((0, 0, 0, -5, 5)), fault, chance.randrange(6))
