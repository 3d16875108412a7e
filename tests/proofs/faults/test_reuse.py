"""A warm process (consistency.md F29): earlier requests, by any caller, change no later response."""

import os
import re
from random import Random
from typing import Final

from tests.proofs.faults.operations import OPERATIONS, Operation
from tests.proofs.faults.test_operations import run_under_fault
from tests.support.environment import Environment
from tests.support.gateway import ApiResponse
from tools.proof.notes import Notes

VARIABLE_PARTS: Final = re.compile(r"[0-9a-f]{32}|\d{4}-\d\d-\d\dT[\d:]+Z|#pal_[\w.-]+|pal_[\w.-]+")
"""Parts that differ in every run: ids, times and secrets."""


def run_operation(fault_environment: Environment, operation: Operation) -> str:
    """Return the response and the calls, without the parts that differ in every run."""
    response, fake = run_under_fault(operation, None, 0, operation.prepare(fault_environment))
    assert response is None or isinstance(response, ApiResponse), response
    visible_response = (response.status, dict(response.headers), response.text) if response else ()
    return VARIABLE_PARTS.sub("…", str((visible_response, sorted(fake.calls))))


def test_response_in_warm_process_is_independent_of_earlier_requests(
    fault_environment: Environment, notes: Notes, *, whole: bool
) -> None:
    chance = Random(os.environ.get("SEED", "of the gate"))
    first = {
        each.route: run_operation(fault_environment, each) for each in (OPERATIONS if whole else OPERATIONS[:16:5])
    }
    again = [each for each in OPERATIONS if each.route in first] * (8 if whole else 2)
    chance.shuffle(again)
    for operation in again:
        assert run_operation(fault_environment, operation) == first[operation.route], operation.route
    notes.passed("F29: operations in one process, in any order", operations=len(first), runs=len(again))
