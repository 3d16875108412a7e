"""Products that are known to be wrong: the proof of all operations must catch each of them."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest

from partner_access.store import dynamo
from partner_access.store.dynamo import Line
from tests.proofs.faults.fake_dynamodb import WRITE
from tests.proofs.faults.operations import OPERATIONS, Stage
from tests.proofs.faults.plans import PLANS
from tests.proofs.faults.test_operations import reference, survives
from tests.support import link_requests
from tools.proof.notes import Notes

together: Final = dynamo.transact


def forgets_keys(*_: object) -> tuple[Line, ...]:
    """An answer that was lost is not found again."""
    return ()


def tears(lines: Iterable[Line], **how: Any) -> None:
    """The first line is written before the others."""
    first, *others = lines
    together([first], **how)
    if others:
        together(others, **{**how, "once_first": False})


@pytest.mark.parametrize(
    ("name", "wrong", "row"),
    [("_once", forgets_keys, "F6"), ("transact", tears, "F27")],
    ids=["keys are not kept", "a transaction is torn"],
)
def test_a_wrong_product_is_caught(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str, wrong: Callable[..., Any], row: str, notes: Notes
) -> None:
    approve = next(each for each in OPERATIONS if each.route == link_requests.APPROVALS)
    plan = next(each for each in PLANS if each.row == row and each.takes_effect)
    expected = reference(stage, approve)
    first = expected.called.index(WRITE)
    survives(stage, approve, plan, first, expected)
    monkeypatch.setattr(dynamo, name, wrong)

    with pytest.raises(AssertionError):
        survives(stage, approve, plan, first, expected)
    notes.tried(f"known to be wrong, and caught: {wrong.__name__.replace('_', ' ')}", products=1)
