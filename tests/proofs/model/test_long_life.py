"""One town that goes on from day to day, where the model's other days each begin anew (hostile.md §3: soak)."""

import os
import time
from random import Random
from typing import Final

from tests.proofs.model import machine
from tests.proofs.model.model import Model
from tests.proofs.model.system import TROUBLES, Moment, Town, town
from tests.support.table import Table
from tools.proof.notes import Notes

SEED: Final = int(os.environ.get("SEED", "1"))
MINUTES: Final = float(os.environ.get("MINUTES", "0"))
"""How long it goes on; one day at least."""
STEPS: Final = 60
"""Of a day, after which all that waits is brought to its end."""
MAILER_COMES: Final = 20
"""How often, a day apart, before no letter may be left."""


def test_however_long_it_goes_on_nothing_breaks_and_nothing_piles_up(table: Table, notes: Notes) -> None:
    chance, days, ends = Random(SEED), 0, time.monotonic() + MINUTES * 60
    with town(table, Model()) as here:
        here.begin_anew()
        while not days or time.monotonic() < ends:
            a_day(here, chance)
            days += 1
        done, refused = sum(here.done.values()), sum(here.refused.values())
        notes.tried("one long life", days=days, done=done, refused=refused, records=len(here.items))


def a_day(here: Town, chance: Random) -> None:
    """Whatever comes, and in the end nothing waits: no letter, no clean-up, nothing that is due."""
    for _ in range(STEPS):
        machine.STEPS[chance.choice(machine.NAMES)](here, a_moment(chance))
    here.settles()
    for _ in range(MAILER_COMES):
        here.clock.passes(days=1)
        here.mails(a_moment(chance))
    assert here.table.under("OUTBOX#") == []


def a_moment(chance: Random) -> Moment:
    """In trouble as often as not."""
    trouble = chance.choice((None,) * len(TROUBLES) + tuple(TROUBLES))
    return Moment(chance.randrange(2**20), chance.choice((0, 0, 0, -5, 5)), trouble, chance.randrange(6))
