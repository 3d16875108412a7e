"""Access decisions under each fault of DynamoDB (consistency.md G9).

A response is correct, or it is a 503, or there is no response.
"""

from typing import Final

import pytest
from botocore.exceptions import ClientError

from tests.proofs.faults.fake_dynamodb import fake_dynamodb
from tests.proofs.faults.fault_plans import PLANS, ExpectedEnd, FaultPlan
from tests.support.authzen_requests import DEPLOYED, EVALUATION, EVALUATIONS, Json, action, resource, subject
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, a_partner_admin
from tests.support.environment import Environment
from tests.support.faults import Killed
from tests.support.gateway import ApiResponse
from tests.support.link_requests import assert_unchanged
from tests.support.seeded_table import CLERK
from tools.proof.notes import Notes

MANAGE: Final = "account.users.manage"
VIEW_CONTACTS: Final = "crm.contacts.view"
PERMITTED: Final = {
    "subject": subject(EMPLOYEE),
    "action": action(VIEW_CONTACTS),
    "resource": resource(CLIENT, "account"),
}
DENIED: Final = {"subject": subject(CLERK), "action": action(MANAGE), "resource": resource(CLIENT, "account")}
REQUESTS: Final[dict[str, tuple[str, Json, list[bool]]]] = {
    "one who may": (EVALUATION, PERMITTED, [True]),
    "one who may not": (EVALUATION, DENIED, [False]),
    "one who is not there": (EVALUATION, {**PERMITTED, "subject": subject("user-nobody")}, [False]),
    "several": (
        EVALUATIONS,
        {"evaluations": [PERMITTED, DENIED, {**DENIED, "subject": subject(APPROVER)}]},
        [True, False, True],
    ),
}


def decided(endpoint: str, response: ApiResponse) -> list[bool]:
    rows = [response.body] if endpoint == EVALUATION else response.body["evaluations"]
    return [each["decision"] for each in rows]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.row} {plan.description}")
def test_decide_with_fault_at_each_call_never_permits_wrongly(
    fault_environment: Environment, plan: FaultPlan, notes: Notes
) -> None:
    fault_environment.reset(a_partner_admin())
    tried = 0
    for endpoint, request, expected in REQUESTS.values():
        with fake_dynamodb() as usual:
            assert decided(endpoint, DEPLOYED.request(endpoint, request)) == expected
        for first in range(len(usual.calls)):
            if usual.calls[first] in plan.actions:
                must_not_permit(fault_environment, plan, first, (endpoint, request, expected))
                tried += 1

    if tried:
        notes.passed(f"F3: questions, {plan.description}, at every attempt", attempts=tried)


def must_not_permit(
    fault_environment: Environment, plan: FaultPlan, first: int, case: tuple[str, Json, list[bool]]
) -> None:
    endpoint, request, truth = case
    with assert_unchanged(fault_environment.table), fake_dynamodb(plan.fault, first, plan.calls, plan.actions) as fake:
        try:
            response = DEPLOYED.request(endpoint, request)
        except (ClientError, RuntimeError, Killed):
            assert plan.end in {ExpectedEnd.UNHANDLED, ExpectedEnd.KILLED}
            return
    assert len(fake.calls) <= first + 7
    if plan.end is ExpectedEnd.SUCCESS:
        assert decided(endpoint, response) == truth
    else:
        assert (response.status, response.headers["retry-after"]) == (503, "2")
        assert "decision" not in response.text
