"""Failures of tree head signing (consistency.md F34).

Operations go on, and the series of signed tree heads catches up.
"""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from partner_access import tree_head_store
from partner_access.store.audit import tree_heads
from tests.support import faults, link_requests
from tests.support.background_functions import SIGN_AUDIT_LOG, publish_audit_events, run_function
from tests.support.environment import Environment
from tests.support.faults import Fault, replace_calls
from tests.support.gateway import ApiResponse
from tests.support.seeded_table import COLLEAGUE
from tools.invariants import violations
from tools.proof.notes import Notes

AWAY: Fault = lambda *_: faults.responds(503, {})  # noqa: E731  a function that only returns one response


@pytest.mark.parametrize("operation", ["PutObject", "Sign"])
def test_operations_succeed_while_signing_fails_and_signing_catches_up(
    fault_environment: Environment, operation: str, notes: Notes
) -> None:
    fault_environment.reset()
    client = tree_head_store.s3_client() if operation == "PutObject" else tree_head_store.kms_client()

    acts: tuple[Callable[[], ApiResponse], ...] = (
        link_requests.approve,
        lambda: link_requests.create(employee_id=COLLEAGUE),
    )
    for act in acts:
        with replace_calls(client, operation, AWAY):
            assert act().status == 201
            publish_audit_events(fault_environment.audit_entries())
            with pytest.raises(ClientError):
                run_function(SIGN_AUDIT_LOG, {})
        assert violations(fault_environment.table.items()) == []
    assert tree_heads.latest().number == 0
    run_function(SIGN_AUDIT_LOG, {})

    latest, heads = tree_heads.latest(), tree_heads.chain_heads()
    assert latest.number == 1
    assert sum(head.entries for head in heads) == len(fault_environment.audit_entries())
    notes.passed(f"F34: {operation} away while people act", runs=3)
