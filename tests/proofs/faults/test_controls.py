"""Controls: the proof of all operations must detect products that are known to be wrong."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest

from partner_access.store import dynamo
from partner_access.store.writes import TransactionItem
from tests.proofs.faults.fake_dynamodb import WRITE
from tests.proofs.faults.fault_plans import PLANS
from tests.proofs.faults.operations import OPERATIONS
from tests.proofs.faults.test_operations import must_survive, reference
from tests.support import link_requests
from tests.support.environment import Environment
from tools.proof.notes import Notes

transact: Final = dynamo.transact


def without_keys(*_: object) -> tuple[TransactionItem, ...]:
    """Omit the idempotency key, so that a lost response cannot be found again."""
    return ()


def torn_transaction(items: Iterable[TransactionItem], **how: Any) -> None:
    """Write the first item in a transaction of its own, before the others."""
    first, *others = items
    transact([first], **how)
    if others:
        transact(others, **{**how, "key_first": False})


@pytest.mark.parametrize(
    ("name", "wrong", "row"),
    [("_stored_response_items", without_keys, "F6"), ("transact", torn_transaction, "F27")],
    ids=["keys are not stored", "a transaction is torn"],
)
def test_approve_with_known_bug_fails_the_proof_of_operations(
    fault_environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    wrong: Callable[..., Any],
    row: str,
    notes: Notes,
) -> None:
    approve = next(each for each in OPERATIONS if each.route == link_requests.APPROVALS)
    plan = next(each for each in PLANS if each.row == row and each.takes_effect)
    expected = reference(fault_environment, approve)
    first = expected.calls.index(WRITE)
    must_survive(fault_environment, approve, plan, first, expected)
    monkeypatch.setattr(dynamo, name, wrong)

    with pytest.raises(AssertionError):
        must_survive(fault_environment, approve, plan, first, expected)
    notes.passed(f"known to be wrong, and caught: {wrong.__name__.replace('_', ' ')}", products=1)
