"""Whatever DynamoDB does to a question: it is answered as things are, or with 503, or not at all (guarantees.md G9)."""

from typing import Final

import pytest
from botocore.exceptions import ClientError

from tests.proofs.faults.fake_dynamodb import door
from tests.proofs.faults.operations import Stage
from tests.proofs.faults.plans import PLANS, Ends, Plan
from tests.support.authzen_requests import EVALUATION, EVALUATIONS, SHIPPED, Json, action, resource, subject
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, a_partner_admin
from tests.support.faults import Killed
from tests.support.gateway import Answer
from tests.support.link_requests import nothing_changes
from tests.support.seeded_table import CLERK
from tools.proof.notes import Notes

MANAGE: Final = "account.users.manage"
REACH: Final = "crm.contacts.view"
EMPLOYED: Final = {"subject": subject(EMPLOYEE), "action": action(REACH), "resource": resource(CLIENT, "account")}
MAY_NOT: Final = {"subject": subject(CLERK), "action": action(MANAGE), "resource": resource(CLIENT, "account")}
QUESTIONS: Final[dict[str, tuple[str, Json, list[bool]]]] = {
    "one who may": (EVALUATION, EMPLOYED, [True]),
    "one who may not": (EVALUATION, MAY_NOT, [False]),
    "one who is not there": (EVALUATION, {**EMPLOYED, "subject": subject("user-nobody")}, [False]),
    "several": (
        EVALUATIONS,
        {"evaluations": [EMPLOYED, MAY_NOT, {**MAY_NOT, "subject": subject(APPROVER)}]},
        [True, False, True],
    ),
}


def decided(what: str, answer: Answer) -> list[bool]:
    rows = [answer.body] if what == EVALUATION else answer.body["evaluations"]
    return [each["decision"] for each in rows]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.row} {plan.what}")
def test_no_fault_is_answered_with_a_permission(stage: Stage, plan: Plan, notes: Notes) -> None:
    stage.set(a_partner_admin())
    tried = 0
    for what, asked, truth in QUESTIONS.values():
        with door() as usual:
            assert decided(what, SHIPPED.ask(what, asked)) == truth
        for first in range(len(usual.called)):
            if usual.called[first] in plan.at:
                must_not_permit(stage, plan, first, (what, asked, truth))
                tried += 1

    if tried:
        notes.tried(f"F3: questions, {plan.what}, at every attempt", attempts=tried)


def must_not_permit(stage: Stage, plan: Plan, first: int, question: tuple[str, Json, list[bool]]) -> None:
    what, asked, truth = question
    with nothing_changes(stage.table), door(plan.fault, first, plan.times, plan.at) as here:
        try:
            answer = SHIPPED.ask(what, asked)
        except (ClientError, RuntimeError, Killed):
            assert plan.ends in {Ends.AS_A_BUG, Ends.KILLED}
            return
    assert len(here.called) <= first + 7
    if plan.ends is Ends.WELL:
        assert decided(what, answer) == truth
    else:
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        assert "decision" not in answer.text
