"""Tests of explanations through the gateway, with real tokens and the IAM rights of the function."""

import pytest

from tests.stack.stack_users import StackUsers, new_key, with_retries
from tools.api_client import Json
from tools.sign_in import DECIDE_SCOPE

pytestmark = pytest.mark.usefixtures("invariants_hold")

EXPLANATIONS = "/access/v1/explanations"


def question(user_id: str, account_id: str) -> Json:
    return {
        "subject": {"type": "user", "id": user_id},
        "action": {"name": "crm.import"},
        "resource": {"type": "account", "id": account_id},
    }


def test_explanation_of_denial_names_approvers_and_effective_request(
    stack_users: StackUsers,
) -> None:
    employee, admin = stack_users.employees[0], stack_users.clients[0]
    account_id = stack_users.a_client(admin)
    creation = {"email": employee.email, "permission_set": "partner_admin", "permissions": {"remove": ["crm.import"]}}
    created = with_retries(lambda: admin.caller.post(f"/accounts/{account_id}/users", creation, key=new_key()))
    assert created.status == 201, created
    body = question(employee.user_id, account_id)

    explanation = employee.caller.post(EXPLANATIONS, body).json
    assert (explanation["decision"], explanation["rule"], explanation["facts"]["removed"]) == (
        False,
        "removed",
        "crm.import",
    )
    assert admin.user_id in {each["user_id"] for each in explanation["changeable_by"][0]["people"]}
    request = explanation["request"]
    changed = with_retries(
        lambda: admin.caller.call(
            request["method"], request["path"], request["body"], headers={"if-match": request["if_match"]}
        )
    )

    assert changed.status == 200, changed
    for caller in (employee.caller, admin.caller, stack_users.stack.machine_client(DECIDE_SCOPE)):
        assert caller.post(EXPLANATIONS, body).json["rule"] == "in_set"


def test_explanation_for_unauthorized_caller_is_refused(stack_users: StackUsers) -> None:
    body = question(stack_users.clients[0].user_id, stack_users.a_client(stack_users.clients[0]))

    assert stack_users.stack.api_client().post(EXPLANATIONS, body).status == 401
    assert stack_users.back_end.post(EXPLANATIONS, body).status == 403
    assert stack_users.employees[0].caller.post(EXPLANATIONS, body).status == 404
