"""Old and new code on one table (guarantees.md F37): what a later version adds to an item is passed by."""

from typing import Final

from partner_access.store.keys import Key
from tests.proofs.faults.operations import OPERATIONS, Operation, Stage
from tests.proofs.faults.test_operations import played, reference, settled
from tools.proof.notes import Notes

OF_LATER: Final = {"of_a_later_version": {"what": "nobody knows", "numbers": [1, 2]}, "another": "word"}


def shown(*, whole: bool) -> tuple[Operation, ...]:
    return OPERATIONS if whole else OPERATIONS[1:25:8]


def test_what_a_later_version_adds_is_passed_by(stage: Stage, notes: Notes, *, whole: bool) -> None:
    """What is written anew as a whole loses it: a later version must not add what an earlier one must keep."""
    for operation in shown(whole=whole):
        expected = reference(stage, operation)
        act = operation.sets(stage)
        for item in stage.table.items():
            stage.table.change(Key(item["pk"], item["sk"]), **OF_LATER)

        answer, _ = played(operation, None, 0, act)

        assert not isinstance(answer, BaseException), operation.route
        assert (answer and answer.status) == (expected.answer and expected.answer.status), operation.route
        assert settled(stage, act) == expected.outcome, operation.route
    notes.tried("F37: every item with attributes of a later version", operations=len(shown(whole=whole)))
