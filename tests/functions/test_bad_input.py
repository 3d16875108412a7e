"""Bad input at every route (threat-model.md §2.1): it returns a problem, raises no exception and changes nothing.

The inputs are derived from the routes, so a new route needs no change here. The decision API has its own error format:
tests/authzen/test_bad_input.py.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from partner_access.api import authzen
from partner_access.api.request_fields import ListQuery, Query, Request
from partner_access.api.routing import ExpectedVersion, Route
from tests.support import gateway
from tests.support.builders import APPROVER, CLIENT, CUSTOM_SET, EMPLOYEE, LINK, PARTNER, SECRET_TEXT, a_custom_set
from tests.support.gateway import DIRECTORY, USE, VENDOR, ApiResponse, api_event, call, send_event
from tests.support.link_requests import assert_unchanged
from tests.support.malformed_requests import (
    INVALID_KEYS,
    INVALID_MEDIA_TYPES,
    MALFORMED_BODIES,
    TOO_LARGE_BYTES,
    UNDECODABLE_BODIES,
)
from tests.support.seeded_table import CLERK, MANAGER, seed
from tests.support.table import Table

ROUTES: Final[dict[str, Route]] = {
    route_key: route
    for operation in gateway.OPERATIONS
    for route_key, route in gateway.app(operation).routes.items()
    if route_key != "$default" and not isinstance(gateway.app(operation), authzen.App)
}
PATH_PARAMETERS: Final[dict[str, Any]] = {
    "account_id": CLIENT,
    "partner_id": PARTNER,
    "link_id": LINK,
    "user_id": CLERK,
    "set_id": CUSTOM_SET,
}


def is_subclass(base: type, kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def body_of(route_key: str) -> type[Request] | None:
    """Return the model of the request body, or None for a route without a body."""
    return next((kind for kind in ROUTES[route_key].arguments.values() if is_subclass(Request, kind)), None)


def query_of(route_key: str) -> type[Query] | None:
    return next((kind for kind in ROUTES[route_key].arguments.values() if is_subclass(Query, kind)), None)


ALL_ROUTES: Final = sorted(ROUTES)
WITH_BODY: Final = [each for each in ALL_ROUTES if body_of(each)]
WITH_PATH_PARAMETERS: Final = [each for each in ALL_ROUTES if "{" in each]
VALID_BODIES: Final[dict[str, object]] = {
    "PUT /accounts/{account_id}/permission-sets/{set_id}": {"name": "Desk", "permissions": ["crm.tickets.view"]}
}
"""A valid body, for routes that do not accept an empty object."""
LISTS: Final = [each for each in ALL_ROUTES if is_subclass(ListQuery, query_of(each))]
GET_ROUTES: Final = [each for each in ALL_ROUTES if each.startswith("GET ")]


def send_request(route_key: str, body: object = None, **how: Any) -> ApiResponse:
    """Call the route as a user with every permission that it requires."""
    by, scope = MANAGER if "/partners/" in route_key else APPROVER, USE
    if "/directory/" in route_key:
        by, scope = VENDOR, DIRECTORY
    parts = {name: value for name, value in PATH_PARAMETERS.items() if f"{{{name}}}" in route_key}
    if "/employees/" in route_key:
        parts["user_id"] = EMPLOYEE
    headers = {"if-match": '"1"', **how.pop("headers", {})}
    return call(route_key, by, body, scope=scope, headers=headers, **{**parts, **how})


def assert_problem(response: ApiResponse, status: int, *codes: str) -> None:
    """Assert that the response is an RFC 9457 problem that reveals no internals."""
    assert (response.status, response.code in codes) == (status, True), response
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem = response.body
    assert {"type", "title", "status", "detail", "instance", "code"} <= set(problem)
    assert problem["type"] == f"https://access.example.com/problems/{response.code.replace('_', '-')}"
    assert problem["status"] == status
    for inside in ("Traceback", "partner_access.", "dynamodb", "arn:", "#ACCOUNT"):
        assert inside not in response.text


@pytest.fixture
def seeded(table: Table) -> Iterator[Table]:
    """Seed the table and assert that the test leaves it unchanged."""
    seed(table, a_custom_set())
    with assert_unchanged(table):
        yield table


# bodies


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_body_that_is_unreadable_is_refused(seeded: Table, route_key: str) -> None:
    none_is_right = (body_of(route_key) or Request).is_optional
    for text in MALFORMED_BODIES.values():
        if text or not none_is_right:
            assert_problem(send_request(route_key, text), 400, "malformed_body")
    for encoded in UNDECODABLE_BODIES.values():
        made = api_event(route_key, MANAGER, encoded, scope=USE, **PATH_PARAMETERS)
        assert_problem(send_event({**made, "isBase64Encoded": True}), 400, "malformed_body")


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_body_of_other_media_type_is_refused(seeded: Table, route_key: str) -> None:
    for media in INVALID_MEDIA_TYPES:
        assert_problem(send_request(route_key, {}, headers={"content-type": media}), 415, "unsupported_media_type")


@pytest.mark.parametrize("route_key", ALL_ROUTES)
def test_body_that_is_too_large_is_refused(seeded: Table, route_key: str) -> None:
    if not body_of(route_key) and not ROUTES[route_key].needs_key:
        return
    for text in (
        '{"a": "' + "x" * TOO_LARGE_BYTES + '"}',
        "[" * (TOO_LARGE_BYTES + 1),
        '{"a": "' + "ä" * (TOO_LARGE_BYTES // 2) + '"}',
    ):
        assert_problem(send_request(route_key, text), 413, "body_too_large")


INTERNAL_FIELDS: Final = (
    "role",
    "version",
    "stored_state",
    "approvals",
    "grant",
    "grant_id",
    "partner_seats_used",
    "secrets",
    "actor_id",
    "__class__",
)


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_body_with_unknown_field_is_refused(seeded: Table, route_key: str) -> None:
    for name in sorted({*INTERNAL_FIELDS} - {*fields_of(route_key)}):
        response = send_request(route_key, {name: 1})

        assert_problem(response, 422, "unknown_field", "invalid_field")
        assert {"pointer": f"/{name}", "code": "unknown_field"} in response.body["errors"]


def fields_of(route_key: str) -> list[str]:
    return [each.alias or name for name, each in (body_of(route_key) or Request).model_fields.items()]


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_body_field_of_wrong_type_is_refused(seeded: Table, route_key: str) -> None:
    for name in fields_of(route_key):
        for value in ({"a": 1}, [1], 1.5, [["x"]], -1, 10**30):
            response = send_request(route_key, {name: value})

            assert_problem(response, 422, "invalid_field", "unknown_field")
            assert any(each["pointer"].startswith(f"/{name}") for each in response.body["errors"])


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_body_with_missing_or_null_required_field_is_refused(seeded: Table, route_key: str) -> None:
    model = body_of(route_key) or Request
    needed = {each.alias or name for name, each in model.model_fields.items() if each.is_required()}
    if not needed:
        return

    missing, null = send_request(route_key, {}), send_request(route_key, dict.fromkeys(needed))

    assert_problem(missing, 422, "missing_field")
    assert {each["pointer"] for each in missing.body["errors"]} == {f"/{name}" for name in needed}
    assert_problem(null, 422, "invalid_field")
    assert {each["pointer"] for each in null.body["errors"]} == {f"/{name}" for name in needed}


INVALID_TEXTS: Final = (
    "a\0b",
    "a\x1bb",
    "a\x85b",
    "a\u202eb",
    "a\u2066b",
    "a\u200bb",
    "\u2028",
    "a" + "\u0301" * 10_000,
    "",
    " ",
)


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_body_text_with_invisible_characters_is_refused(seeded: Table, route_key: str) -> None:
    for name in fields_of(route_key):
        for text in INVALID_TEXTS:
            response = send_request(route_key, json.dumps({name: text}))

            if name == "secret":
                assert_problem(response, 404, "link_not_found")
            else:
                assert_problem(
                    response, 422, "invalid_field", "invalid_email", "unknown_permission_set", "missing_field"
                )


# paths and queries

MALFORMED_IDS: Final = (
    "", " ", "a b", "a#b", "a/b", "..", ".", "-a", "_a", "%2F", "a%2Fb", "%00", "a\0", "a\n", "é", "１２",
    "a;b", "a,b", "a\\b", "{account_id}", "a" * 129, "a" * 2049,
)  # fmt: skip


MALFORMED_USER_IDS: Final = (
    "", " ", "a b", "%2F", "a%2Fb", "%00", "a\0", "a\n", "é", "１２", "a" * 129, "a" * 2049, "~", "~YQ==", "~YSBi",
)  # fmt: skip


@pytest.mark.parametrize("route_key", WITH_PATH_PARAMETERS)
def test_path_with_malformed_id_returns_404(seeded: Table, route_key: str) -> None:
    for name in PATH_PARAMETERS:
        if f"{{{name}}}" in route_key:
            malformed = MALFORMED_USER_IDS if name == "user_id" else MALFORMED_IDS
            texts = {send_request(route_key, {}, path="/x", **{name: part}).text for part in malformed}
            assert len(texts) == 1
            assert json.loads(texts.pop())["code"] == "not_found"


@pytest.mark.parametrize("route_key", [each for each in WITH_PATH_PARAMETERS if not each.startswith("PUT ")])
def test_path_with_id_in_other_case_finds_nothing(seeded: Table, route_key: str) -> None:
    first = next(name for name in PATH_PARAMETERS if f"{{{name}}}" in route_key)
    body = {"user_id": CLERK} if body_of(route_key) else None
    if "/directory/users" not in route_key:
        made = send_request(route_key, {} if body else None, **{first: PATH_PARAMETERS[first].upper()})
        assert made.status in {404, 422}


@pytest.mark.parametrize("route_key", ALL_ROUTES)
def test_query_with_unknown_parameter_is_refused(seeded: Table, route_key: str) -> None:
    for query in ({"nothing": "1"}, {"Limit": "1"}, {"": ""}, {"access_token": "x"}):
        assert_problem(send_request(route_key, {}, query=query), 400, "invalid_query")


@pytest.mark.parametrize("route_key", ALL_ROUTES)
def test_query_with_secret_is_refused_and_not_echoed(seeded: Table, route_key: str) -> None:
    response = send_request(route_key, {}, query={"secret": SECRET_TEXT})

    assert_problem(response, 400, "secret_in_url")
    assert SECRET_TEXT not in response.text


@pytest.mark.parametrize("route_key", LISTS)
def test_list_with_limit_outside_1_to_100_is_refused(seeded: Table, route_key: str) -> None:
    for limit in ("0", "-1", "101", "1e2", "0x10", "１０", "1,2", "", " 1", "1.0", "+1", "null"):
        assert_problem(send_request(route_key, query={"limit": limit}), 400, "invalid_query")


@pytest.mark.parametrize("route_key", LISTS)
def test_list_with_invalid_cursor_is_refused(seeded: Table, route_key: str) -> None:
    for cursor in ("", ".", "x", "x.y", "e30=." + "0" * 64, "é.é", "a" * 2049, "1,2"):
        assert_problem(send_request(route_key, query={"cursor": cursor}), 400, "invalid_cursor", "invalid_query")


# headers


@pytest.mark.parametrize("route_key", ALL_ROUTES)
def test_idempotency_key_that_is_malformed_is_refused(seeded: Table, route_key: str) -> None:
    for key in INVALID_KEYS:
        assert_problem(send_request(route_key, {}, headers={"idempotency-key": key}), 400, "invalid_idempotency_key")


@pytest.mark.parametrize(
    "route_key", [each for each in ALL_ROUTES if ExpectedVersion in ROUTES[each].arguments.values()]
)
def test_edit_without_expected_version_is_refused(seeded: Table, route_key: str) -> None:
    for tag in ("*", 'w/"1"', "1", '"1', '"1", "1"', '"1" ', '"é"', "", '"' + "1" * 101 + '"'):
        assert_problem(
            send_request(route_key, VALID_BODIES.get(route_key, {}), headers={"if-match": tag}), 400, "invalid_etag"
        )
    assert_problem(
        send_request(route_key, VALID_BODIES.get(route_key, {}), headers={"if-match": None}),
        428,
        "precondition_required",
    )
    for tag in ('"2"', '"01"', '"-1"', '"1.0"', '"x"', '"' + "9" * 17 + '"'):
        assert_problem(
            send_request(route_key, VALID_BODIES.get(route_key, {}), headers={"if-match": tag}),
            412,
            "precondition_failed",
        )


@pytest.mark.parametrize("route_key", [each for each in ALL_ROUTES if each.startswith("POST ")])
def test_post_without_idempotency_key_is_refused(seeded: Table, route_key: str) -> None:
    response = send_request(route_key, {}, headers={"idempotency-key": None})

    if route_key == "POST /access-links/preview":
        assert_problem(response, 422, "missing_field")
    else:
        assert_problem(response, 400, "idempotency_key_required")


@pytest.mark.parametrize("route_key", GET_ROUTES)
def test_get_with_override_headers_ignores_them(seeded: Table, route_key: str) -> None:
    plain = send_request(route_key)

    for name, value in {
        "x-http-method-override": "DELETE",
        "x-forwarded-host": "evil.example",
        "x-original-url": "/directory/accounts/evil",
        "host": "evil.example",
        "accept": "text/html",
        "content-type": "text/plain",
        "range": "bytes=0-1",
    }.items():
        same = send_request(route_key, headers={name: value})
        assert (same.status, same.text, same.headers) == (plain.status, plain.text, plain.headers)
    assert plain.status == 200


# methods


@pytest.mark.parametrize("route_key", ALL_ROUTES)
def test_path_with_other_method_returns_405_with_allow(seeded: Table, route_key: str) -> None:
    _, _, path = route_key.partition(" ")
    methods = sorted(each.partition(" ")[0] for each in ALL_ROUTES if each.partition(" ")[2] == path)

    for method in {"GET", "HEAD", "PATCH", "PUT", "POST", "DELETE", "TRACE", "post"} - set(methods):
        response = send_request(f"{method} {path}", {})

        assert_problem(response, 405, "method_not_allowed")
        assert response.headers["allow"] == ", ".join(methods)


# members (threat-model.md §2.4)

USER: Final = "/accounts/{account_id}/users/{user_id}"
INVALID_EDITS: Final[list[tuple[object, int, str]]] = [
    ({"permissions": {"add": ["crm.import"], "remove": ["crm.import"]}}, 422, "invalid_field"),
    ({"permissions": {"add": ["crm.import", "crm.import"]}}, 422, "invalid_field"),
    ({"permissions": {"remove": [f"crm.{number}" for number in range(1000)]}}, 422, "invalid_field"),
    ({"permissions": {"add": ["crm.everything"]}}, 422, "unknown_permission"),
    ({"permissions": {"add": ["crm.contacts.view:some"]}}, 422, "unknown_permission"),
    ({"permissions": {"add": ["partner.client_access.manage"]}}, 422, "unknown_permission"),
    ({"permissions": {"add": ["x" * 101]}}, 422, "invalid_field"),
    ({"permissions": {"set": []}}, 422, "unknown_field"),
    ({"permission_set": "owner"}, 422, "unknown_permission_set"),
    ({"permission_set": "set_" + "9" * 32}, 422, "unknown_permission_set"),
    ({"permission_set": "partner_admin"}, 409, "not_eligible"),
    ({"permission_set": "sales", "seat": "free"}, 422, "invalid_field"),
    ({"seat": "partner"}, 422, "invalid_field"),
    ({"paid_seats": ["core"], "seat": "view_only"}, 422, "invalid_field"),
    ({"paid_seats": ["sales", "sales"]}, 422, "invalid_field"),
    ({"paid_seats": ["sales"] * 3}, 422, "invalid_field"),
    ({"access_days": 0}, 422, "invalid_field"),
    ({"access_days": 731}, 422, "invalid_field"),
    ({"access_days": 30}, 422, "invalid_field"),
    ({"partner_id": PARTNER}, 422, "invalid_field"),
    ({"state": "active"}, 422, "unknown_field"),
    ({"suspended_by": []}, 422, "unknown_field"),
    ({"expires_at": "2030-01-01T00:00:00Z"}, 422, "unknown_field"),
    ({"user_id": APPROVER}, 422, "unknown_field"),
]


@pytest.mark.parametrize(("body", "status", "code"), INVALID_EDITS)
def test_edit_user_with_invalid_change_is_refused(seeded: Table, body: object, status: int, code: str) -> None:
    assert_problem(send_request(f"PATCH {USER}", body), status, code)


@pytest.mark.parametrize("route_key", [f"PATCH {USER}", f"DELETE {USER}"])
def test_edit_or_remove_user_for_last_super_admin_is_refused(seeded: Table, route_key: str) -> None:
    body = {"permission_set": "sales"} if route_key.startswith("PATCH") else None

    assert_problem(send_request(route_key, body, user_id=APPROVER), 409, "last_super_admin")


@pytest.mark.parametrize(
    "route_key", [f"PATCH {USER}", f"DELETE {USER}", f"PUT {USER}/suspension", f"DELETE {USER}/suspension"]
)
def test_member_operation_for_non_member_returns_same_404_as_unknown_user(seeded: Table, route_key: str) -> None:
    body: object = None if route_key.startswith("DELETE") else {}
    texts = {send_request(route_key, body, user_id=each).text for each in (MANAGER, "user-nobody", CLERK.upper())}

    assert len(texts) == 1
    assert json.loads(texts.pop())["code"] == "not_found"
