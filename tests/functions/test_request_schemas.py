"""openapi.json is judged by the server: each field of each request takes what its schema allows, and nothing else.

The rules of the operations do not run, only the parsing of requests. Values are generated from the schemas.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support import gateway
from tests.support.builders import SECRET_TEXT
from tests.support.gateway import CONTRACT, USE

pytestmark = pytest.mark.usefixtures("environment")

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"
STRINGS = (
    *("", "a", "x" * 1000, "user-1", "person@example.com", "partner.example", SECRET_TEXT, "a\x00", "#"),
    *("2026-09-01", "Europe/Berlin"),
)
POOL: tuple[object, ...] = (
    *STRINGS,
    *(None, True, False, 0, 1, -1, 1.5, 10**7),
    *([], ["a"], ["person.example"], [1], [None], ["a"] * 300, {}, {"unknown": 1}),
)
BODIES = {
    f"{method.upper()} {path}": operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].removeprefix(
        SCHEMAS
    )
    for path, operations in CONTRACT["paths"].items()
    for method, operation in operations.items()
    if "requestBody" in operation
}
QUERIES = {
    f"{method.upper()} {path}": each
    for path, operations in CONTRACT["paths"].items()
    for method, operation in operations.items()
    if (each := {one["name"]: one["schema"] for one in operation["parameters"] if one["in"] == "query"})
}


def is_accepted(route_key: str, body: Json | None, query: Mapping[str, str] | None = None) -> bool:
    """Return whether the server parses the request of this route. A malformed secret of a link gets 404."""
    app = gateway.app_for_route(route_key)
    parser = type(app)()
    parser.routes[route_key] = replace(app.routes[route_key], operation=lambda **_: None)
    ids = dict.fromkeys(("account_id", "partner_id", "user_id", "link_id", "set_id"), "an-id")
    how: Json = {"headers": {"if-match": '"1"'}, "query": query, "scope": USE, **ids}
    status = parser(gateway.api_event(route_key, "user-1", body, **how), gateway.Context())["statusCode"]
    assert status in {204, 400, 404, 422}
    return bool(status == 204)


def is_allowed(contract: Json, schema: Json, value: object) -> bool:
    return bool(Draft202012Validator({**contract, **schema}).is_valid(value))


def resolved(contract: Json, schema: Json) -> Iterator[Json]:
    """Yield the alternatives of a schema, without references."""
    for choice in schema.get("anyOf", [schema]):
        name = choice.get("$ref", "").removeprefix(SCHEMAS)
        yield contract["components"]["schemas"][name] if name else choice


def candidates(contract: Json, schema: Json) -> list[object]:
    """Return values inside and outside the limits of a schema, and values of every other type."""
    found: list[object] = list(POOL)
    for choice in resolved(contract, schema):
        found += choice.get("enum", [])
        found += [choice[name] + step for name in ("minimum", "maximum") if name in choice for step in (-1, 0, 1)]
        found += [
            "x" * (choice[name] + step) for name in ("minLength", "maxLength") if name in choice for step in (0, 1)
        ]
        if "properties" in choice:
            found.append(sample(contract, choice))
        if "items" in choice:
            item = next(
                each for each in candidates(contract, choice["items"]) if is_allowed(contract, choice["items"], each)
            )
            found += [[item], [item, item], [item] * (choice.get("maxItems", 1) + 1)]
    return found


def sample(contract: Json, schema: Json) -> Json:
    """Return an object with the required fields only, each with a value that is likely to be accepted."""
    likely = {"email": "person@example.com", "secret": SECRET_TEXT}
    fields = {name: schema["properties"][name] for name in schema.get("required", ())}
    return {
        name: likely.get(name)
        or next(each for each in candidates(contract, field) if each and is_allowed(contract, field, each))
        for name, field in fields.items()
    }


def type_of(value: object) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def body_differences(contract: Json, route_key: str) -> list[str]:
    """Return what the schema of this body says otherwise than the server does."""
    schema = contract["components"]["schemas"][BODIES[route_key]]
    base = sample(CONTRACT, CONTRACT["components"]["schemas"][BODIES[route_key]])
    assert is_accepted(route_key, base), base
    found = []
    if is_accepted(route_key, {**base, "unknown": 1}) is (schema.get("additionalProperties") is False):
        found.append("unknown fields")
    for name, field in schema["properties"].items():
        without = {each: value for each, value in base.items() if each != name}
        if is_accepted(route_key, without) is (name in schema.get("required", ())):
            found.append(f"{name}: presence")
        outcomes = [
            (value, is_allowed(contract, field, value), is_accepted(route_key, {**base, name: value}))
            for value in candidates(contract, field)
        ]
        found += [
            f"{name}: takes {json.dumps(each)[:60]}" for each, allowed, taken in outcomes if taken and not allowed
        ]
        allowed_types = {type_of(each) for each, allowed, _ in outcomes if allowed}
        taken_types = {type_of(each) for each, _, taken in outcomes if taken}
        found += [f"{name}: takes no {each}" for each in sorted(allowed_types - taken_types)]
        exact = {"bool", "number", "NoneType"}
        found += [
            f"{name}: refuses {value!r}"
            for value, allowed, taken in outcomes
            if allowed and not taken and type_of(value) in exact
        ]
    return found


@pytest.mark.parametrize("route_key", BODIES)
def test_schema_of_body_allows_what_the_server_takes_and_nothing_else(route_key: str) -> None:
    assert body_differences(CONTRACT, route_key) == []


@pytest.mark.parametrize("route_key", QUERIES)
def test_schema_of_query_allows_what_the_server_takes_and_nothing_else(route_key: str) -> None:
    differences = [
        f"{name}: {value!r}"
        for name, schema in QUERIES[route_key].items()
        for value in {*STRINGS, "1", "100", "101", "true", "2026-01-01T00:00:00Z", *schema.get("enum", ())}
        if is_accepted(route_key, None, {name: value}) and not is_allowed(CONTRACT, schema, value)
    ]

    assert differences == []
    assert not is_accepted(route_key, None, {"unknown": "1"})


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda schema: schema["required"].remove("email"), "email: presence"),
        (lambda schema: schema["required"].append("seat"), "seat: presence"),
        (lambda schema: schema["properties"].update(access_days={"type": "integer"}), "access_days: takes null"),
        (lambda schema: schema["properties"]["email"].update(type=["string", "null"]), "email: takes no NoneType"),
        (lambda schema: schema.pop("additionalProperties"), "unknown fields"),
    ],
)
def test_changed_schema_is_reported(change: Any, difference: str) -> None:
    contract = copy.deepcopy(CONTRACT)
    change(contract["components"]["schemas"]["CreateUserRequest"])

    assert difference in body_differences(contract, "POST /accounts/{account_id}/users")


PROSE_LENGTH = 500


@pytest.mark.parametrize("route_key", BODIES)
def test_every_field_of_several_lines_takes_line_breaks(route_key: str) -> None:
    """A field of prose is known by its length. On the pages it has several lines."""
    schema = CONTRACT["components"]["schemas"][BODIES[route_key]]
    prose = [
        name
        for name, field in schema["properties"].items()
        if any(choice.get("maxLength") == PROSE_LENGTH for choice in resolved(CONTRACT, field))
    ]

    assert prose or route_key not in {"POST /partners/{partner_id}/access-links", "POST /access-links/declines"}
    for name in prose:
        assert is_accepted(route_key, {**sample(CONTRACT, schema), name: "We have an agency.\r\nAsk in spring."})
