"""The decision API through the gateway, with real tokens (authzen.md §1)."""

from typing import Final

import pytest

from tests.stack.stack_users import Town, a_key, persistently
from tools.api_client import Answer, Caller, Json
from tools.local_stack import Stack
from tools.sign_in import DECIDE

pytestmark = pytest.mark.usefixtures("sound")

IMPORT: Final = "crm.import"


@pytest.fixture(scope="module")
def enforcer(stack: Stack) -> Caller:
    """A policy enforcement point, with a token for decisions and for nothing else."""
    return stack.machine(DECIDE)


@pytest.fixture(scope="module")
def account_id(town: Town) -> str:
    return town.a_client(town.clients[0])


def question(user_id: str, account_id: str, name: str = IMPORT) -> Json:
    return {
        "subject": {"type": "user", "id": user_id},
        "action": {"name": name},
        "resource": {"type": "account", "id": account_id},
    }


def decision(answer: Answer) -> bool:
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json"), answer
    decided: bool = answer.json["decision"]
    return decided


def test_who_is_revoked_may_no_more_from_that_answer_on(town: Town, enforcer: Caller, account_id: str) -> None:
    employee, admin = town.employees[0], town.clients[0].caller
    asked = question(employee.user_id, account_id)
    who = {"subject": {"type": "user"}, "action": asked["action"], "resource": asked["resource"]}
    assert decision(enforcer.post("/access/v1/evaluation", asked)) is False

    path = f"/accounts/{account_id}/users"
    wish = {"email": employee.email, "permission_set": "partner_admin"}
    assert persistently(lambda: admin.post(path, wish, key=a_key())).status == 201
    assert decision(enforcer.post("/access/v1/evaluation", asked)) is True
    found = enforcer.post("/access/v1/search/subject", who).json["results"]
    assert {each["id"] for each in found} == {employee.user_id, town.clients[0].user_id}
    places = {"subject": asked["subject"], "action": asked["action"], "resource": {"type": "account"}}
    assert {"type": "account", "id": account_id} in enforcer.post("/access/v1/search/resource", places).json["results"]

    seen = admin.get(f"{path}/{employee.user_id}").headers["etag"]
    ended = persistently(lambda: admin.call("DELETE", f"{path}/{employee.user_id}", headers={"if-match": seen}))
    assert ended.status == 204, ended
    assert enforcer.post("/access/v1/evaluation", asked).body == b'{"decision":false}'
    found = enforcer.post("/access/v1/search/subject", who).json["results"]
    assert {each["id"] for each in found} == {town.clients[0].user_id}


def test_a_batch_and_the_pages_of_a_search_come_through_the_gateway(
    town: Town, enforcer: Caller, account_id: str
) -> None:
    admin = town.clients[0].user_id
    asked = {**question(admin, account_id), "evaluations": [{}, {"action": {"name": "no.such.thing"}}, {"action": {}}]}
    told = enforcer.post("/access/v1/evaluations", asked).json["evaluations"]
    assert [each["decision"] for each in told] == [True, False, False]

    search = {"subject": asked["subject"], "resource": asked["resource"]}
    first = enforcer.post("/access/v1/search/action", {**search, "page": {"limit": 2}}).json
    page = {"token": first["page"]["next_token"]}
    second = enforcer.post("/access/v1/search/action", {**search, "page": page}).json
    names = [each["name"] for each in (*first["results"], *second["results"])]
    assert (len(names), names) == (4, sorted(set(names)))


def test_anybody_may_find_out_where_to_ask(stack: Stack, enforcer: Caller) -> None:
    answer = stack.caller().get("/.well-known/authzen-configuration")

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json"), answer
    base = answer.json["policy_decision_point"]
    for name, at in answer.json.items():
        if name != "policy_decision_point":
            assert at.startswith(f"{base}/access/v1/")
            assert enforcer.post(at.removeprefix(base), {}).status == 400


def test_without_a_token_or_with_another_scope_nothing_is_decided(town: Town, account_id: str) -> None:
    asked = question(town.clients[0].user_id, account_id)

    for caller, status in ((town.stack.caller(), 401), (town.back_end, 403), (town.clients[0].caller, 403)):
        answer = caller.post("/access/v1/evaluation", asked)
        assert answer.status == status, answer
        assert "decision" not in answer.json


def test_an_x_request_id_comes_back_through_the_gateway(town: Town, enforcer: Caller, account_id: str) -> None:
    for body, status in ((question(town.clients[0].user_id, account_id), 200), ({}, 400)):
        answer = enforcer.call("POST", "/access/v1/evaluation", body, headers={"X-Request-ID": "Ab-1, 2"})
        assert (answer.status, answer.headers["x-request-id"]) == (status, "Ab-1, 2"), answer
