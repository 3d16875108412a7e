"""Explanations through the gateway, with real tokens and the rights that the function is given."""

import pytest

from tests.stack.stack_users import Town, a_key, persistently
from tools.api_client import Json
from tools.sign_in import DECIDE

pytestmark = pytest.mark.usefixtures("sound")

EXPLANATIONS = "/access/v1/explanations"


def question(user_id: str, account_id: str) -> Json:
    return {
        "subject": {"type": "user", "id": user_id},
        "action": {"name": "crm.import"},
        "resource": {"type": "account", "id": account_id},
    }


def test_who_may_not_is_told_whom_to_ask_and_the_request_that_is_told_turns_the_decision(town: Town) -> None:
    employee, admin = town.employees[0], town.clients[0]
    account_id = town.a_client(admin)
    wish = {"email": employee.email, "permission_set": "partner_admin", "permissions": {"remove": ["crm.import"]}}
    created = persistently(lambda: admin.caller.post(f"/accounts/{account_id}/users", wish, key=a_key()))
    assert created.status == 201, created
    asked = question(employee.user_id, account_id)

    told = employee.caller.post(EXPLANATIONS, asked).json
    assert (told["decision"], told["rule"], told["facts"]["removed"]) == (False, "removed", "crm.import")
    assert admin.user_id in {each["user_id"] for each in told["changeable_by"][0]["people"]}
    request = told["request"]
    changed = persistently(
        lambda: admin.caller.call(
            request["method"], request["path"], request["body"], headers={"if-match": request["if_match"]}
        )
    )

    assert changed.status == 200, changed
    for caller in (employee.caller, admin.caller, town.stack.machine(DECIDE)):
        assert caller.post(EXPLANATIONS, asked).json["rule"] == "in_set"


def test_strangers_and_the_directorys_token_are_told_nothing(town: Town) -> None:
    asked = question(town.clients[0].user_id, town.a_client(town.clients[0]))

    assert town.stack.caller().post(EXPLANATIONS, asked).status == 401
    assert town.back_end.post(EXPLANATIONS, asked).status == 403
    assert town.employees[0].caller.post(EXPLANATIONS, asked).status == 404
