"""Tests of invalid input at the decision API: an error or a denial, and no change.

integration/authzen.md §4 and threat-model.md §2.1 list the inputs. The cases are derived from the routes, so a new route is tested without a change here.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from partner_access.api import authzen
from partner_access.api.request_fields import Request
from tests.support import gateway
from tests.support.authzen_requests import (
    ACTIONS,
    DEPLOYED,
    ENDPOINTS,
    ENFORCER,
    EVALUATION,
    EVALUATIONS,
    RESOURCES,
    SEARCHES,
    SUBJECTS,
    Json,
    action,
    resource,
    subject,
)
from tests.support.builders import APPROVER, CLIENT, SECRET_TEXT
from tests.support.gateway import DECIDE, ApiResponse, Context, api_event, call, send_event
from tests.support.link_requests import assert_unchanged
from tests.support.malformed_requests import (
    INVALID_KEYS,
    INVALID_MEDIA_TYPES,
    MALFORMED_BODIES,
    TOO_LARGE_BYTES,
    UNDECODABLE_BODIES,
)
from tests.support.seeded_table import seed
from tests.support.table import Table

ROUTES: Final = {
    route_key: route
    for operation in gateway.OPERATIONS
    for route_key, route in gateway.app(operation).routes.items()
    if isinstance(gateway.app(operation), authzen.App)
}
ALL_ROUTES: Final = sorted(ROUTES)
WITH_BODY: Final = [each for each in ALL_ROUTES if each.startswith("POST ")]

REQUESTED_SUBJECT, REQUESTED_ACTION, REQUESTED_RESOURCE = (
    subject(APPROVER),
    action("crm.import"),
    resource(CLIENT, "account"),
)
VALID_REQUESTS: Final[dict[str, Json]] = {
    EVALUATION: {"subject": REQUESTED_SUBJECT, "action": REQUESTED_ACTION, "resource": REQUESTED_RESOURCE},
    EVALUATIONS: {
        "subject": REQUESTED_SUBJECT,
        "action": REQUESTED_ACTION,
        "resource": REQUESTED_RESOURCE,
        "evaluations": [{}],
    },
    SUBJECTS: {"subject": {"type": "user"}, "action": REQUESTED_ACTION, "resource": REQUESTED_RESOURCE},
    RESOURCES: {"subject": REQUESTED_SUBJECT, "action": REQUESTED_ACTION, "resource": {"type": "account"}},
    ACTIONS: {"subject": REQUESTED_SUBJECT, "resource": REQUESTED_RESOURCE},
}


@pytest.fixture(autouse=True)
def seeded(table: Table) -> Iterator[Table]:
    """Yield the default records, which no invalid input changes."""
    seed(table)
    with assert_unchanged(table):
        yield table


def call_route(route_key: str, body: object = None, **how: Any) -> ApiResponse:
    """Send a request as a caller with all rights."""
    headers = {"idempotency-key": None, **how.pop("headers", {})}
    return call(route_key, ENFORCER, body, scope=DECIDE, headers=headers, **how)


def assert_error(answer: ApiResponse, status: int = 400) -> None:
    """Assert that the response is an error message without internal details and without a decision."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert isinstance(answer.body, str)
    for inside in ("Traceback", "partner_access", "pydantic", "dynamodb", "arn:", "#ACCOUNT", "decision"):
        assert inside not in answer.text


# all routes


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_unreadable_body_returns_400(route_key: str) -> None:
    for text in MALFORMED_BODIES.values():
        assert_error(call_route(route_key, text))
    for encoded in UNDECODABLE_BODIES.values():
        made = api_event(route_key, ENFORCER, encoded, scope=DECIDE, headers={"idempotency-key": None})
        assert_error(send_event({**made, "isBase64Encoded": True}))


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_content_type_other_than_json_returns_400(route_key: str) -> None:
    for media in INVALID_MEDIA_TYPES:
        assert_error(call_route(route_key, {}, headers={"content-type": media}))


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_body_larger_than_limit_returns_413(route_key: str) -> None:
    for text in (
        '{"a": "' + "x" * TOO_LARGE_BYTES + '"}',
        "[" * (TOO_LARGE_BYTES + 1),
        '{"a": "' + "ä" * (TOO_LARGE_BYTES // 2) + '"}',
    ):
        assert_error(call_route(route_key, text), 413)


def fields_of(route_key: str) -> dict[str, bool]:
    """Return the body fields of a route, each with whether it is required."""
    (model,) = (
        kind for kind in ROUTES[route_key].arguments.values() if isinstance(kind, type) and issubclass(kind, Request)
    )
    return {name: each.is_required() for name, each in model.model_fields.items()}


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_field_of_another_type_returns_400(route_key: str) -> None:
    for name in fields_of(route_key):
        for value in ("x", 1, 1.5, True, None, [[1]]):
            answer = call_route(
                route_key, {**VALID_REQUESTS.get(route_key.removeprefix("POST /access/v1/"), {}), name: value}
            )
            if (name, value) == ("page", None):
                assert answer.status == 200
            else:
                assert_error(answer)
                assert f"/{name}" in answer.body


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_missing_required_field_returns_400(route_key: str) -> None:
    answer = call_route(route_key, {})

    assert_error(answer)
    needed = [name for name, is_needed in fields_of(route_key).items() if is_needed]
    assert all(f"/{name}" in answer.body for name in needed or ("subject", "action", "resource"))


@pytest.mark.parametrize("route_key", ALL_ROUTES)
def test_unknown_query_parameter_returns_400(route_key: str) -> None:
    assert_error(call_route(route_key, None if route_key.startswith("GET") else {}, query={"tenant": "1"}))


@pytest.mark.parametrize("route_key", ALL_ROUTES)
def test_secret_in_url_returns_400_and_is_not_repeated(route_key: str) -> None:
    answer = call_route(route_key, query={"secret": SECRET_TEXT})

    assert_error(answer)
    assert SECRET_TEXT not in answer.text


@pytest.mark.parametrize("route_key", ALL_ROUTES)
def test_invalid_idempotency_key_returns_400(route_key: str) -> None:
    for key in INVALID_KEYS:
        assert_error(call_route(route_key, headers={"idempotency-key": key}))


@pytest.mark.parametrize("route_key", ALL_ROUTES)
def test_other_method_returns_405_with_allow_header(route_key: str) -> None:
    right, _, path = route_key.partition(" ")

    for method in {"GET", "HEAD", "OPTIONS", "PATCH", "PUT", "POST", "DELETE"} - {right}:
        answer = call_route(f"{method} {path}", {})
        assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method_not_allowed", right)


def test_forwarding_headers_are_ignored() -> None:
    plain = DEPLOYED.configuration()

    for name in ("x-forwarded-host", "x-forwarded-proto", "x-original-url", "host", "accept", "range"):
        same = DEPLOYED.configuration(headers={name: "evil.example"})
        assert (same.status, same.text, same.headers) == (plain.status, plain.text, plain.headers)
    assert plain.status == 200


# parts of a question


def with_value(body: Json, path: str, value: object) -> Json:
    """Return the body with this value at the path."""
    name, _, rest = path.partition(".")
    return {**body, name: with_value(body.get(name, {}), rest, value) if rest else value}


ENTITIES: Final = {
    EVALUATION: ("subject.type", "subject.id", "action.name", "resource.type", "resource.id"),
    SUBJECTS: ("subject.type", "action.name", "resource.type", "resource.id"),
    RESOURCES: ("subject.type", "subject.id", "action.name", "resource.type"),
    ACTIONS: ("subject.type", "subject.id", "resource.type", "resource.id"),
}
TEXT_FIELDS: Final = [(what, path) for what, paths in ENTITIES.items() for path in paths]
OBJECT_FIELDS: Final = [
    (what, path)
    for what, body in VALID_REQUESTS.items()
    for path in ("context", *(f"{name}.properties" for name in ("subject", "action", "resource") if name in body))
    if what != EVALUATIONS or path == "context"
]

INVALID_TEXTS: Final[tuple[object, ...]] = (123, 1.0, True, None, [], {}, ["user"], {"id": "x"})
INVALID_OBJECTS: Final[tuple[object, ...]] = ([], "x", 1, None, True)
INVALID_LIMITS: Final[tuple[object, ...]] = (-1, 1.5, "1", True, [], {}, 10**38)
INVALID_TOKENS: Final[tuple[object, ...]] = ("x", ".", "x.y", "e30=." + "0" * 64, "é.é", "a" * 50_000, 1, [], {})


@pytest.mark.parametrize(("what", "path"), TEXT_FIELDS)
def test_entity_field_other_than_text_returns_400(what: str, path: str) -> None:
    for value in INVALID_TEXTS:
        answer = DEPLOYED.request(what, with_value(VALID_REQUESTS[what], path, value))
        assert_error(answer)
        assert "/" + path.replace(".", "/") in answer.body


@pytest.mark.parametrize(("what", "path"), TEXT_FIELDS)
def test_empty_entity_field_returns_no_access(what: str, path: str) -> None:
    answer = DEPLOYED.request(what, with_value(VALID_REQUESTS[what], path, ""))

    nothing: Json = {"decision": False} if what == EVALUATION else {"results": []}
    assert (answer.status, answer.body) == (200, nothing)


@pytest.mark.parametrize(("what", "path"), OBJECT_FIELDS)
def test_properties_and_context_other_than_object_return_400(what: str, path: str) -> None:
    for value in INVALID_OBJECTS:
        assert_error(DEPLOYED.request(what, with_value(VALID_REQUESTS[what], path, value)))
    assert DEPLOYED.request(what, with_value(VALID_REQUESTS[what], path, {"any": {"thing": [None, 1.5]}})).status == 200


@pytest.mark.parametrize("value", [{}, "x", 1, None, [1], ["x"], [None], [[]], [{}, 1], [{}] * 51])
def test_evaluations_other_than_list_of_fifty_objects_return_400(value: object) -> None:
    assert_error(DEPLOYED.request(EVALUATIONS, {**VALID_REQUESTS[EVALUATION], "evaluations": value}))


def test_fifty_evaluations_are_accepted() -> None:
    answer = DEPLOYED.request(EVALUATIONS, {**VALID_REQUESTS[EVALUATION], "evaluations": [{}] * 50})

    assert [each["decision"] for each in answer.body["evaluations"]] == [True] * 50


@pytest.mark.parametrize("value", ["first", "EXECUTE_ALL", "", 1, None, ["execute_all"]])
def test_unknown_evaluations_semantic_returns_400(value: object) -> None:
    body = with_value(VALID_REQUESTS[EVALUATIONS], "options.evaluations_semantic", value)

    assert_error(DEPLOYED.request(EVALUATIONS, body))
    assert_error(DEPLOYED.request(EVALUATIONS, {**body, "evaluations": []}))


@pytest.mark.parametrize("what", SEARCHES)
def test_invalid_page_limit_or_token_returns_400(what: str) -> None:
    for limit in INVALID_LIMITS:
        assert_error(DEPLOYED.request(what, {**VALID_REQUESTS[what], "page": {"limit": limit}}))
    for token in INVALID_TOKENS:
        answer = DEPLOYED.request(what, {**VALID_REQUESTS[what], "page": {"token": token}})
        assert_error(answer)
        assert "cursor" not in answer.text


@pytest.mark.parametrize("what", SEARCHES)
def test_page_limit_zero_returns_empty_page_and_token_if_there_are_results(what: str) -> None:
    answer = DEPLOYED.request(what, {**VALID_REQUESTS[what], "page": {"limit": 0}})
    token = answer.body["page"]["next_token"]
    again = DEPLOYED.request(what, {**VALID_REQUESTS[what], "page": {"token": token}})

    assert (answer.status, answer.body["results"], answer.body["page"]["count"]) == (200, [], 0)
    assert bool(token) is bool(DEPLOYED.request(what, VALID_REQUESTS[what]).body["results"])
    assert (again.status, again.body["results"]) == (200, [])


@pytest.mark.parametrize("what", SEARCHES)
def test_page_limit_above_hundred_is_reduced_to_hundred(what: str) -> None:
    answer = DEPLOYED.request(what, {**VALID_REQUESTS[what], "page": {"limit": 1_000_000}})

    assert answer.status == 200
    assert answer.body["page"] == {"next_token": "", "count": len(answer.body["results"])}
    assert answer.body["results"]


@pytest.mark.parametrize("what", ENDPOINTS)
def test_deeply_nested_value_returns_400(what: str) -> None:
    nested: object = 1
    for _ in range(17):
        nested = [nested]

    assert_error(DEPLOYED.request(what, {**VALID_REQUESTS[what], "unknown": nested}))
    assert_error(DEPLOYED.request(what, {**VALID_REQUESTS[what], "context": {"a": nested}}))


@pytest.mark.parametrize("what", ENDPOINTS)
def test_duplicate_field_name_returns_400(what: str) -> None:
    assert_error(DEPLOYED.request(what, '{"subject": {"type": "user", "type": "user"}}'))
    assert_error(DEPLOYED.request(what, '{"unknown": 1, "unknown": 2}'))


def test_request_without_time_left_returns_503() -> None:
    for what in ENDPOINTS:
        answer = DEPLOYED.request(what, VALID_REQUESTS[what], context=Context(milliseconds=1))
        assert_error(answer, 503)
        assert answer.headers["retry-after"] == "2"
