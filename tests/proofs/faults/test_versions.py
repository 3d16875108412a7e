"""Old and new code on one table (consistency.md F37): attributes of a later version are ignored."""

from typing import Final

from partner_access.store.keys import Key
from tests.proofs.faults.operations import OPERATIONS, Operation
from tests.proofs.faults.test_operations import reference, run_under_fault, settle
from tests.support.environment import Environment
from tools.proof.notes import Notes

UNKNOWN_ATTRIBUTES: Final = {"of_a_later_version": {"what": "nobody knows", "numbers": [1, 2]}, "another": "word"}


def operations(*, whole: bool) -> tuple[Operation, ...]:
    return OPERATIONS if whole else OPERATIONS[1:25:8]


def test_operation_on_items_with_unknown_attributes_reaches_same_outcome(
    fault_environment: Environment, notes: Notes, *, whole: bool
) -> None:
    """Add unknown attributes to each item and compare the outcome.

    An item that is rewritten as a whole loses them: a later version must not add attributes that an earlier one has to
    keep.
    """
    for operation in operations(whole=whole):
        expected = reference(fault_environment, operation)
        attempt = operation.prepare(fault_environment)
        for item in fault_environment.table.items():
            fault_environment.table.change(Key(item["pk"], item["sk"]), **UNKNOWN_ATTRIBUTES)

        response, _ = run_under_fault(operation, None, 0, attempt)

        assert not isinstance(response, BaseException), operation.route
        assert (response and response.status) == (expected.response and expected.response.status), operation.route
        assert settle(fault_environment, attempt) == expected.outcome, operation.route
    notes.passed("F37: every item with attributes of a later version", operations=len(operations(whole=whole)))
