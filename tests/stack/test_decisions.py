"""Tests of the decision API through the gateway, with real tokens (integration/authzen.md §1)."""

from typing import Final

import pytest

from tests.stack.stack_users import StackUsers, new_key, with_retries
from tools.api_client import ApiClient, ApiResponse, Json
from tools.local_stack import LocalStack
from tools.sign_in import DECIDE_SCOPE

pytestmark = pytest.mark.usefixtures("invariants_hold")

IMPORT: Final = "crm.import"


@pytest.fixture(scope="module")
def enforcer(stack: LocalStack) -> ApiClient:
    """Return a policy enforcement point, whose token has only the scope for decisions."""
    return stack.machine_client(DECIDE_SCOPE)


@pytest.fixture(scope="module")
def account_id(stack_users: StackUsers) -> str:
    return stack_users.a_client(stack_users.clients[0])


def question(user_id: str, account_id: str, name: str = IMPORT) -> Json:
    return {
        "subject": {"type": "user", "id": user_id},
        "action": {"name": name},
        "resource": {"type": "account", "id": account_id},
    }


def decision(response: ApiResponse) -> bool:
    assert (response.status, response.headers["content-type"]) == (200, "application/json"), response
    decided: bool = response.json["decision"]
    return decided


def test_decide_after_response_to_removal_denies(stack_users: StackUsers, enforcer: ApiClient, account_id: str) -> None:
    employee, admin = stack_users.employees[0], stack_users.clients[0].caller
    request = question(employee.user_id, account_id)
    subject_search = {"subject": {"type": "user"}, "action": request["action"], "resource": request["resource"]}
    assert decision(enforcer.post("/access/v1/evaluation", request)) is False

    path = f"/accounts/{account_id}/users"
    body = {"email": employee.email, "permission_set": "partner_admin"}
    assert with_retries(lambda: admin.post(path, body, key=new_key())).status == 201
    assert decision(enforcer.post("/access/v1/evaluation", request)) is True
    found = enforcer.post("/access/v1/search/subject", subject_search).json["results"]
    assert {each["id"] for each in found} == {employee.user_id, stack_users.clients[0].user_id}
    resource_search = {"subject": request["subject"], "action": request["action"], "resource": {"type": "account"}}
    assert {"type": "account", "id": account_id} in enforcer.post("/access/v1/search/resource", resource_search).json[
        "results"
    ]

    etag = admin.get(f"{path}/{employee.user_id}").headers["etag"]
    ended = with_retries(lambda: admin.call("DELETE", f"{path}/{employee.user_id}", headers={"if-match": etag}))
    assert ended.status == 200, ended
    assert enforcer.post("/access/v1/evaluation", request).body == b'{"decision":false}'
    found = enforcer.post("/access/v1/search/subject", subject_search).json["results"]
    assert {each["id"] for each in found} == {stack_users.clients[0].user_id}


def test_batch_decisions_and_search_pages_work_through_gateway(
    stack_users: StackUsers, enforcer: ApiClient, account_id: str
) -> None:
    admin = stack_users.clients[0].user_id
    request = {
        **question(admin, account_id),
        "evaluations": [{}, {"action": {"name": "no.such.thing"}}, {"action": {}}],
    }
    evaluations = enforcer.post("/access/v1/evaluations", request).json["evaluations"]
    assert [each["decision"] for each in evaluations] == [True, False, False]

    search = {"subject": request["subject"], "resource": request["resource"]}
    first = enforcer.post("/access/v1/search/action", {**search, "page": {"limit": 2}}).json
    page = {"token": first["page"]["next_token"]}
    second = enforcer.post("/access/v1/search/action", {**search, "page": page}).json
    names = [each["name"] for each in (*first["results"], *second["results"])]
    assert (len(names), names) == (4, sorted(set(names)))


def test_discovery_document_without_token_lists_endpoints(stack: LocalStack, enforcer: ApiClient) -> None:
    response = stack.api_client().get("/.well-known/authzen-configuration")

    assert (response.status, response.headers["content-type"]) == (200, "application/json"), response
    base = response.json["policy_decision_point"]
    for name, at in response.json.items():
        if name != "policy_decision_point":
            assert at.startswith(f"{base}/access/v1/")
            assert enforcer.post(at.removeprefix(base), {}).status == 400


def test_decide_without_token_or_scope_is_refused(stack_users: StackUsers, account_id: str) -> None:
    request = question(stack_users.clients[0].user_id, account_id)

    for caller, status in (
        (stack_users.stack.api_client(), 401),
        (stack_users.back_end, 403),
        (stack_users.clients[0].caller, 403),
    ):
        response = caller.post("/access/v1/evaluation", request)
        assert response.status == status, response
        assert "decision" not in response.json


def test_x_request_id_is_returned_through_gateway(
    stack_users: StackUsers, enforcer: ApiClient, account_id: str
) -> None:
    for body, status in ((question(stack_users.clients[0].user_id, account_id), 200), ({}, 400)):
        response = enforcer.call("POST", "/access/v1/evaluation", body, headers={"X-Request-ID": "Ab-1, 2"})
        assert (response.status, response.headers["x-request-id"]) == (status, "Ab-1, 2"), response
