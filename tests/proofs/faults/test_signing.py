"""When nothing can be sealed (guarantees.md F34): what people do goes on, and the row of seals catches up in its order."""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from partner_access import tree_head_store
from partner_access.store.audit import tree_heads
from tests.proofs.faults.operations import Stage
from tests.support import faults, link_requests
from tests.support.background_functions import SEAL_TRAIL, publish_audit_events, run
from tests.support.faults import Fault, instead
from tests.support.gateway import Answer
from tests.support.seeded_table import COLLEAGUE
from tools.invariants import broken
from tools.proof.notes import Notes

AWAY: Fault = lambda *_: faults.responds(503, {})  # noqa: E731  it is nothing but its answer


@pytest.mark.parametrize("operation", ["PutObject", "Sign"])
def test_doors_stay_open_while_nothing_can_be_sealed_and_the_row_catches_up(
    stage: Stage, operation: str, notes: Notes
) -> None:
    stage.set()
    client = tree_head_store.storage() if operation == "PutObject" else tree_head_store.signer()

    acts: tuple[Callable[[], Answer], ...] = (
        link_requests.approve,
        lambda: link_requests.create(employee_id=COLLEAGUE),
    )
    for act in acts:
        with instead(client, operation, AWAY):
            assert act().status == 201
            publish_audit_events(stage.entries())
            with pytest.raises(ClientError):
                run(SEAL_TRAIL, {})
        assert broken(stage.table.items()) == []
    assert tree_heads.latest().number == 0
    run(SEAL_TRAIL, {})

    latest, heads = tree_heads.latest(), tree_heads.heads()
    assert latest.number == 1
    assert sum(head.entries for head in heads) == len(stage.entries())
    notes.tried(f"F34: {operation} away while people act", runs=3)
