"""A warm process (guarantees.md F29): what was asked before, and by whom, changes no answer."""

import os
import re
from random import Random
from typing import Final

from tests.proofs.faults.operations import OPERATIONS, Operation, Stage
from tests.proofs.faults.test_operations import played
from tests.support.gateway import Answer
from tools.proof.notes import Notes

OWN: Final = re.compile(r"[0-9a-f]{32}|\d{4}-\d\d-\d\dT[\d:]+Z|#pal_[\w.-]+|pal_[\w.-]+")
"""What each act has of its own: names, times, secrets."""


def answered(stage: Stage, operation: Operation) -> str:
    """What a caller hears, but for what no two acts have in common."""
    answer, here = played(operation, None, 0, operation.sets(stage))
    assert answer is None or isinstance(answer, Answer), answer
    heard = (answer.status, dict(answer.headers), answer.text) if answer else ()
    return OWN.sub("…", str((heard, sorted(here.called))))


def test_an_answer_does_not_depend_on_who_was_served_before(stage: Stage, notes: Notes, *, whole: bool) -> None:
    chance = Random(os.environ.get("SEED", "of the gate"))
    first = {each.route: answered(stage, each) for each in (OPERATIONS if whole else OPERATIONS[:16:5])}
    again = [each for each in OPERATIONS if each.route in first] * (8 if whole else 2)
    chance.shuffle(again)
    for operation in again:
        assert answered(stage, operation) == first[operation.route], operation.route
    notes.tried("F29: operations in one process, in any order", operations=len(first), runs=len(again))
