"""Clock skew, and functions that run out of time (consistency.md F26, F28)."""

from datetime import timedelta
from itertools import product

import pytest

from tests.proofs.faults.fake_dynamodb import WRITE, fake_dynamodb
from tests.proofs.faults.operations import OPERATIONS
from tests.proofs.faults.test_operations import run_under_fault
from tests.support import gateway, link_requests
from tests.support.background_functions import (
    EXPIRE_LINKS,
    PUBLISH_AUDIT_EVENTS,
    RECONCILE_ACCESS,
    RECORD_EMAIL_FEEDBACK,
    SIGN_AUDIT_LOG,
    Clock,
    run_function,
)
from tests.support.environment import Environment
from tests.support.seeded_table import MANAGER, an_open_link
from tests.support.table import differences
from tools.invariants import violations
from tools.proof.notes import Notes

SKEWS = (-5, -1, 0, 1, 5)
WITHOUT_DEADLINE = {PUBLISH_AUDIT_EVENTS, RECORD_EMAIL_FEEDBACK, SIGN_AUDIT_LOG, RECONCILE_ACCESS}
"""Functions without a check of the remaining time. They do little at a time, or check between two parts."""


def test_approve_and_expiry_under_clock_skew_never_both_succeed(
    fault_environment: Environment, monkeypatch: pytest.MonkeyPatch, notes: Notes, *, whole: bool
) -> None:
    api_clock, seen_events = Clock(monkeypatch, "partner_access.api.routing"), set()
    cases = list(product(SKEWS, SKEWS, (-1, 0, 1), (True, False)))
    for skew, skew_of_sweep, second, sweeps_first in cases if whole else cases[:: len(cases) // 6]:
        fault_environment.reset()
        end = fault_environment.clock.time + timedelta(seconds=10)
        fault_environment.reset(an_open_link(expires_at=end, created_by=MANAGER))
        api_clock.time = end + timedelta(seconds=second + skew)
        fault_environment.clock.time = end + timedelta(seconds=second + skew_of_sweep)

        attempts = [link_requests.approve, lambda: run_function(EXPIRE_LINKS, {})]
        for attempt in reversed(attempts) if sweeps_first else attempts:
            attempt()

        events = {item["event"] for item in fault_environment.audit_entries()}
        assert len(events & {"link.approved", "link.expired"}) <= 1
        assert violations(fault_environment.table.items()) == []
        assert all(int(item["ttl"]) > 0 for item in fault_environment.table.items() if "ttl" in item)
        seen_events |= events
    assert seen_events == {"link.approved", "link.expired"}
    notes.passed("F26: an approval and an expiry sweep, each clock up to five seconds off", pairs=len(cases))


def test_operation_in_last_seconds_of_function_writes_nothing(
    fault_environment: Environment, monkeypatch: pytest.MonkeyPatch, notes: Notes, *, whole: bool
) -> None:
    operations = [each for each in OPERATIONS if each.route not in WITHOUT_DEADLINE]
    for operation in operations if whole else operations[::6]:
        with monkeypatch.context() as patch:
            attempt = operation.prepare(fault_environment)
            before = fault_environment.table.items()
            patch.setattr(gateway.Context, "get_remaining_time_in_millis", lambda _: 4_999)
            response, fake = run_under_fault(operation, None, 0, attempt)

        assert WRITE not in fake.calls
        assert differences(before, fault_environment.table.items()) == []
        if isinstance(response, gateway.ApiResponse):
            assert response.status == 503 or '"failed"' in response.text, operation.route
        else:
            assert response is None
    with fake_dynamodb() as fake:
        assert fake.calls == []
    notes.passed("F28: operations in the last seconds of their function", operations=len(operations))
