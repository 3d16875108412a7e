"""Each fault of DynamoDB at each call of each operation.

The tests check the resulting state, the notifications and the number of calls.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from botocore.exceptions import ClientError

from partner_access.api import routing
from partner_access.domain.errors import DomainError
from partner_access.store import retries
from tests.proofs.faults.fake_dynamodb import WRITE, FakeDynamoDb, fake_dynamodb
from tests.proofs.faults.fault_plans import PLANS, ExpectedEnd, FaultPlan
from tests.proofs.faults.operations import OPERATIONS, Operation
from tests.support import gateway, operations
from tests.support.background_functions import (
    RECORD_EMAIL_FEEDBACK,
    run_function,
    run_reconcile_access,
    run_send_emails,
)
from tests.support.environment import Environment
from tests.support.fake_ses import feedback
from tests.support.faults import Killed
from tests.support.gateway import ApiResponse
from tests.support.table import differences
from tools.invariants import violations
from tools.proof.notes import Notes
from tools.template import ROOT
from tools.whole_table import Item

READS: Final = ("GET ", "$default", "POST /access-links/preview", "POST /access/v1/", "functions.serve_pages.")
"""Routes and functions that change nothing."""
KEY: Final = "the-same-key"
SDK_ATTEMPTS: Final = 3
"""Attempts that the SDK makes for one call."""
DECISION_ATTEMPTS: Final = 4
NARROWING: Final = {
    "POST /access-links/declines",
    "DELETE /partners/{partner_id}/access-links/{link_id}",
    "PATCH /accounts/{account_id}/users/{user_id}",
    "DELETE /accounts/{account_id}/users/{user_id}",
    "PUT /accounts/{account_id}/users/{user_id}/suspension",
    "DELETE /partners/{partner_id}/employees/{user_id}/access",
}
"""The operations whose cases only take access away, so that they are tried for longer."""
"""Maximum number of times that a decision is repeated when its facts change."""
Ended = ApiResponse | BaseException | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an operation: its audit entries, the number of items of each kind, its emails and events."""

    audit_entries: Counter[tuple[str, str]]
    items: Counter[str]
    emails: Counter[tuple[str, str]]
    events: int


def audit_entries(fault_environment: Environment) -> Counter[tuple[str, str]]:
    return Counter((item["pk"], item["event"]) for item in fault_environment.audit_entries())


def kind_of(item: Item) -> str:
    return f"{item['pk'].partition('#')[0]} {item['sk'].partition('#')[0] if '#' in item['sk'] else ''}"


def run_under_fault(
    operation: Operation, plan: FaultPlan | None, first: int, attempt: object
) -> tuple[Ended, FakeDynamoDb]:
    """Run the operation once under the fault, and return its response or exception with the fake table API."""
    assert callable(attempt)
    faulty = (plan.fault, first, plan.calls, plan.actions) if plan else ()
    with fake_dynamodb(*faulty) as fake:
        try:
            return attempt(KEY), fake
        except (BatchProcessingError, ClientError, Killed, DomainError, RuntimeError) as ended:
            return ended, fake


def settle(fault_environment: Environment, attempt: object) -> Outcome:
    """Finish everything that is pending, and return the outcome.

    SES reports the emails that it sent, the caller repeats the request with its key, and the scheduled functions run.
    """
    assert callable(attempt)
    for copy in fault_environment.mailbox.sent:
        run_function(RECORD_EMAIL_FEEDBACK, feedback("Send", copy.delivery, copy.address))
    fault_environment.clock.advance(minutes=6)
    again = attempt(KEY)
    assert again is None or again.status < 300, again
    run_reconcile_access()
    run_send_emails()
    assert violations(fault_environment.table.items()) == []
    return Outcome(
        audit_entries=audit_entries(fault_environment),
        items=Counter(map(kind_of, fault_environment.table.items())),
        emails=Counter((copy.address, copy.subject) for copy in fault_environment.mailbox.sent),
        events=len({(each["source"], each["id"]) for each in fault_environment.event_bus.events}),
    )


@dataclass(frozen=True, slots=True)
class Reference:
    """The result of an operation without faults: its response, its calls, and its effects at once and in the end."""

    response: ApiResponse | None
    calls: list[str]
    audit_entries: Counter[tuple[str, str]]
    outcome: Outcome


def reference(fault_environment: Environment, operation: Operation) -> Reference:
    attempt = operation.prepare(fault_environment)
    response, fake = run_under_fault(operation, None, 0, attempt)
    assert response is None or (isinstance(response, ApiResponse) and response.status < 300), (
        f"{operation.route} fails without a fault, so correct its case in {operations.FOLDER}: {response}"
    )
    if isinstance(response, ApiResponse):
        assert '"failed"' not in response.text
    at_once = audit_entries(fault_environment)
    outcome = settle(fault_environment, attempt)
    assert outcome.audit_entries or not at_once
    return Reference(response, fake.calls, at_once, outcome)


def most_calls(plan: FaultPlan, operation: Operation, first: int, usual: int) -> float:
    """Return the maximum number of calls that the operation may make."""
    if plan.end is ExpectedEnd.SUCCESS:
        return usual + plan.calls
    if operation.in_parts:
        return (usual + 1) * retries.NARROWING_ATTEMPTS
    narrows = operation.route in NARROWING
    if plan.end is ExpectedEnd.ERROR:
        return (usual + 1) * (routing.NARROWING_ATTEMPTS if narrows else DECISION_ATTEMPTS) + SDK_ATTEMPTS
    if plan.end is ExpectedEnd.UNAVAILABLE:
        return first + (retries.NARROWING_ATTEMPTS if narrows else retries.ATTEMPTS) + SDK_ATTEMPTS
    return first + 1


def must_have_ended(plan: FaultPlan, operation: Operation, ended: Ended, expected: Reference) -> None:
    """Assert that the operation ended as planned.

    A background function may also postpone a part and end normally, or be cut off and run again.
    """
    if plan.end is ExpectedEnd.KILLED:
        assert isinstance(ended, Killed)
    elif plan.end is ExpectedEnd.SUCCESS:
        assert not isinstance(ended, BaseException), ended
        assert (ended and ended.status) == (expected.response and expected.response.status), ended
    elif expected.response is None:
        assert not isinstance(ended, ApiResponse)
    elif plan.end is ExpectedEnd.UNHANDLED:
        assert isinstance(ended, ClientError | RuntimeError), ended
    else:
        assert isinstance(ended, ApiResponse), ended
        if ended.status == 503:
            assert ended.headers["retry-after"] == "2"
        elif plan.end is ExpectedEnd.UNAVAILABLE:
            assert operation.in_parts, ended
            assert ended.status == expected.response.status
        else:
            assert ended.status == expected.response.status or 400 <= ended.status < 500, ended


def must_survive(
    fault_environment: Environment, operation: Operation, plan: FaultPlan, first: int, expected: Reference
) -> None:
    """Assert that the operation is correct under one fault at one call.

    The table is sound at once, nothing is half done, and the final outcome is the same as without the fault.
    """
    attempt = operation.prepare(fault_environment)
    before, entries_before = fault_environment.table.items(), audit_entries(fault_environment)
    ended, fake = run_under_fault(operation, plan, first, attempt)

    must_have_ended(plan, operation, ended, expected)
    assert len(fake.calls) <= most_calls(plan, operation, first, len(expected.calls)), fake.calls
    assert violations(fault_environment.table.items()) == []
    assert audit_entries(fault_environment) <= expected.outcome.audit_entries
    took_effect = plan.end is ExpectedEnd.SUCCESS or (isinstance(ended, ApiResponse) and ended.status < 300)
    if took_effect and not operation.in_parts:
        assert audit_entries(fault_environment) == expected.audit_entries
    if not took_effect and not operation.in_parts and not plan.takes_effect:
        assert differences(before, fault_environment.table.items()) == []
    if plan.row == "F33" and first == expected.calls.index(WRITE):
        assert audit_entries(fault_environment) == entries_before
    assert settle(fault_environment, attempt) == expected.outcome


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.row} {plan.description}")
def test_operation_with_fault_at_each_call_reaches_same_outcome(
    fault_environment: Environment, plan: FaultPlan, notes: Notes, *, whole: bool
) -> None:
    number = PLANS.index(plan)
    tried = 0
    for operation in OPERATIONS if whole else OPERATIONS[number % len(OPERATIONS) :][:1]:
        expected = reference(fault_environment, operation)
        positions = [at for at, name in enumerate(expected.calls) if name in plan.actions]
        for first in positions if whole else positions[-1:]:
            try:
                must_survive(fault_environment, operation, plan, first, expected)
            except AssertionError as wrong:
                wrong.add_note(f"{operation.route}, at attempt {first}: {expected.calls[first]}")
                raise
            tried += 1

    assert tried
    notes.passed(
        f"{plan.row}: {plan.description}, at every attempt of every operation",
        operations=len(OPERATIONS),
        attempts=tried,
    )


def test_operations_include_each_route_and_function_that_changes_something() -> None:
    routes = {route for operation in gateway.OPERATIONS for route in gateway.app(operation).routes}
    every = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    background_functions = {f"functions.{name}.app" for name in every - set(gateway.OPERATIONS)}
    tried = {operation.route.partition(",")[0] for operation in OPERATIONS}

    assert [*operations.problems("under_fault"), *operations.function_problems()] == []
    assert tried == {each for each in routes | background_functions if not each.startswith(READS)}, (
        "a POST that changes nothing has reads=True in its row, and is in READS here"
    )
