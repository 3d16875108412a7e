"""The gateway compares every response with openapi.json: its status, its type and its body."""

import json

import pytest

from tests.support.gateway import ApiResponse, contract_violations

JSON = {"content-type": "application/json"}
ROUTE = "GET /accounts"


@pytest.mark.parametrize(
    ("response", "violation"),
    [
        (ApiResponse(200, JSON, json.dumps({"items": [], "next_cursor": None})), ""),
        (ApiResponse(200, JSON, json.dumps({"items": [{"account_id": 3}], "next_cursor": None})), "$.items[0]"),
        (ApiResponse(200, JSON, json.dumps({"next_cursor": None})), "'items' is a required property"),
        (ApiResponse(201, JSON, "{}"), "status 201 is not documented"),
        (ApiResponse(200, {"content-type": "text/html"}, ""), "type 'text/html' is not documented"),
        (ApiResponse(404, {"content-type": "application/problem+json"}, "{}"), "is a required property"),
    ],
)
def test_response_is_compared_with_the_contract(response: ApiResponse, violation: str) -> None:
    found = contract_violations(ROUTE, response)

    assert bool(found) is bool(violation)
    assert violation in " ".join(found)


def test_body_of_response_without_content_is_found() -> None:
    route = "DELETE /accounts/{account_id}/permission-sets/{set_id}"

    assert contract_violations(route, ApiResponse(204, {}, "")) == []
    assert contract_violations(route, ApiResponse(204, {}, "{}")) == ["a body of '{}' is not documented"]


def test_route_outside_the_contract_is_not_compared() -> None:
    assert contract_violations("GET /nothing", ApiResponse(500, {}, "")) == []
