"""Bad input at the decision API (authzen.md §4, hostile.md §2.1): refused with a sentence, or denied; nothing changed.

What is tried at each route is made from the routes themselves, so that a new one is tried without a word here.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from partner_access.api import authzen
from partner_access.api.request_fields import Request
from tests.support import gateway
from tests.support.authzen_requests import (
    ACTIONS,
    ENFORCER,
    EVALUATION,
    EVALUATIONS,
    QUESTIONS,
    RESOURCES,
    SEARCHES,
    SHIPPED,
    SUBJECTS,
    Json,
    action,
    resource,
    subject,
)
from tests.support.builders import APPROVER, CLIENT, SECRET_TEXT
from tests.support.gateway import DECIDE, Answer, Context, call, event, send
from tests.support.link_requests import nothing_changes
from tests.support.malformed_requests import BIG, MEDIA, NO_KEYS, UNDECODABLE, UNREADABLE
from tests.support.seeded_table import a_world
from tests.support.table import Table

ROUTES: Final = {
    route_key: route
    for operation in gateway.OPERATIONS
    for route_key, route in gateway.app(operation).routes.items()
    if isinstance(gateway.app(operation), authzen.App)
}
EVERY: Final = sorted(ROUTES)
WITH_BODY: Final = [each for each in EVERY if each.startswith("POST ")]

WHO, DOES, WHERE = subject(APPROVER), action("crm.import"), resource(CLIENT, "account")
GOOD: Final[dict[str, Json]] = {
    EVALUATION: {"subject": WHO, "action": DOES, "resource": WHERE},
    EVALUATIONS: {"subject": WHO, "action": DOES, "resource": WHERE, "evaluations": [{}]},
    SUBJECTS: {"subject": {"type": "user"}, "action": DOES, "resource": WHERE},
    RESOURCES: {"subject": WHO, "action": DOES, "resource": {"type": "account"}},
    ACTIONS: {"subject": WHO, "resource": WHERE},
}


@pytest.fixture(autouse=True)
def world(table: Table) -> Iterator[Table]:
    """The usual world, which no bad input changes."""
    a_world(table)
    with nothing_changes(table):
        yield table


def knock(route_key: str, body: object = None, **how: Any) -> Answer:
    """Somebody who may ask anything."""
    headers = {"idempotency-key": None, **how.pop("headers", {})}
    return call(route_key, ENFORCER, body, scope=DECIDE, headers=headers, **how)


def must_be(answer: Answer, status: int = 400) -> None:
    """A sentence, that tells nothing of the inside and is no decision."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert isinstance(answer.body, str)
    for inside in ("Traceback", "partner_access", "pydantic", "dynamodb", "arn:", "#ACCOUNT", "decision"):
        assert inside not in answer.text


# at every route


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_what_cannot_be_read_is_refused(route_key: str) -> None:
    for text in UNREADABLE.values():
        must_be(knock(route_key, text))
    for encoded in UNDECODABLE.values():
        made = event(route_key, ENFORCER, encoded, scope=DECIDE, headers={"idempotency-key": None})
        must_be(send({**made, "isBase64Encoded": True}))


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_what_is_not_json_is_refused(route_key: str) -> None:
    for media in MEDIA:
        must_be(knock(route_key, {}, headers={"content-type": media}))


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_what_is_too_large_is_refused(route_key: str) -> None:
    for text in ('{"a": "' + "x" * BIG + '"}', "[" * (BIG + 1), '{"a": "' + "ä" * (BIG // 2) + '"}'):
        must_be(knock(route_key, text), 413)


def fields_of(route_key: str) -> dict[str, bool]:
    """What is read of the body, and whether it is needed."""
    (model,) = (
        kind for kind in ROUTES[route_key].arguments.values() if isinstance(kind, type) and issubclass(kind, Request)
    )
    return {name: each.is_required() for name, each in model.model_fields.items()}


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_a_value_of_another_kind_is_refused(route_key: str) -> None:
    for name in fields_of(route_key):
        for value in ("x", 1, 1.5, True, None, [[1]]):
            answer = knock(route_key, {**GOOD.get(route_key.removeprefix("POST /access/v1/"), {}), name: value})
            if (name, value) == ("page", None):
                assert answer.status == 200
            else:
                must_be(answer)
                assert f"/{name}" in answer.body


@pytest.mark.parametrize("route_key", WITH_BODY)
def test_a_field_that_is_needed_is_missed(route_key: str) -> None:
    answer = knock(route_key, {})

    must_be(answer)
    needed = [name for name, is_needed in fields_of(route_key).items() if is_needed]
    assert all(f"/{name}" in answer.body for name in needed or ("subject", "action", "resource"))


@pytest.mark.parametrize("route_key", EVERY)
def test_a_parameter_that_is_not_known_is_refused(route_key: str) -> None:
    must_be(knock(route_key, None if route_key.startswith("GET") else {}, query={"tenant": "1"}))


@pytest.mark.parametrize("route_key", EVERY)
def test_a_secret_in_the_address_is_refused_and_not_repeated(route_key: str) -> None:
    answer = knock(route_key, query={"secret": SECRET_TEXT})

    must_be(answer)
    assert SECRET_TEXT not in answer.text


@pytest.mark.parametrize("route_key", EVERY)
def test_no_key_is_needed_but_one_that_is_none_is_refused(route_key: str) -> None:
    for key in NO_KEYS:
        must_be(knock(route_key, headers={"idempotency-key": key}))


@pytest.mark.parametrize("route_key", EVERY)
def test_another_method_is_refused_with_the_one_that_there_is(route_key: str) -> None:
    right, _, path = route_key.partition(" ")

    for method in {"GET", "HEAD", "OPTIONS", "PATCH", "PUT", "POST", "DELETE"} - {right}:
        answer = knock(f"{method} {path}", {})
        assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method_not_allowed", right)


def test_headers_that_would_have_it_otherwise_are_ignored() -> None:
    plain = SHIPPED.configuration()

    for name in ("x-forwarded-host", "x-forwarded-proto", "x-original-url", "host", "accept", "range"):
        same = SHIPPED.configuration(headers={name: "evil.example"})
        assert (same.status, same.text, same.headers) == (plain.status, plain.text, plain.headers)
    assert plain.status == 200


# what a question is made of


def put(body: Json, path: str, value: object) -> Json:
    """The body with this at the place."""
    name, _, rest = path.partition(".")
    return {**body, name: put(body.get(name, {}), rest, value) if rest else value}


ENTITIES: Final = {
    EVALUATION: ("subject.type", "subject.id", "action.name", "resource.type", "resource.id"),
    SUBJECTS: ("subject.type", "action.name", "resource.type", "resource.id"),
    RESOURCES: ("subject.type", "subject.id", "action.name", "resource.type"),
    ACTIONS: ("subject.type", "subject.id", "resource.type", "resource.id"),
}
PLACES: Final = [(what, path) for what, paths in ENTITIES.items() for path in paths]
OBJECTS: Final = [
    (what, path)
    for what, body in GOOD.items()
    for path in ("context", *(f"{name}.properties" for name in ("subject", "action", "resource") if name in body))
    if what != EVALUATIONS or path == "context"
]

NO_TEXTS: Final[tuple[object, ...]] = (123, 1.0, True, None, [], {}, ["user"], {"id": "x"})
NO_OBJECTS: Final[tuple[object, ...]] = ([], "x", 1, None, True)
NO_LENGTHS: Final[tuple[object, ...]] = (-1, 1.5, "1", True, [], {}, 10**38)
NO_TOKENS: Final[tuple[object, ...]] = ("x", ".", "x.y", "e30=." + "0" * 64, "é.é", "a" * 50_000, 1, [], {})


@pytest.mark.parametrize(("what", "path"), PLACES)
def test_nothing_is_taken_for_a_text_that_is_none(what: str, path: str) -> None:
    for value in NO_TEXTS:
        answer = SHIPPED.ask(what, put(GOOD[what], path, value))
        must_be(answer)
        assert "/" + path.replace(".", "/") in answer.body


@pytest.mark.parametrize(("what", "path"), PLACES)
def test_an_empty_text_is_a_text_that_names_nothing(what: str, path: str) -> None:
    answer = SHIPPED.ask(what, put(GOOD[what], path, ""))

    nothing: Json = {"decision": False} if what == EVALUATION else {"results": []}
    assert (answer.status, answer.body) == (200, nothing)


@pytest.mark.parametrize(("what", "path"), OBJECTS)
def test_properties_and_context_are_objects(what: str, path: str) -> None:
    for value in NO_OBJECTS:
        must_be(SHIPPED.ask(what, put(GOOD[what], path, value)))
    assert SHIPPED.ask(what, put(GOOD[what], path, {"any": {"thing": [None, 1.5]}})).status == 200


@pytest.mark.parametrize("value", [{}, "x", 1, None, [1], ["x"], [None], [[]], [{}, 1], [{}] * 51])
def test_a_batch_is_a_list_of_up_to_fifty_objects(value: object) -> None:
    must_be(SHIPPED.ask(EVALUATIONS, {**GOOD[EVALUATION], "evaluations": value}))


def test_fifty_are_not_too_many() -> None:
    answer = SHIPPED.ask(EVALUATIONS, {**GOOD[EVALUATION], "evaluations": [{}] * 50})

    assert [each["decision"] for each in answer.body["evaluations"]] == [True] * 50


@pytest.mark.parametrize("value", ["first", "EXECUTE_ALL", "", 1, None, ["execute_all"]])
def test_a_semantic_is_one_of_three(value: object) -> None:
    body = put(GOOD[EVALUATIONS], "options.evaluations_semantic", value)

    must_be(SHIPPED.ask(EVALUATIONS, body))
    must_be(SHIPPED.ask(EVALUATIONS, {**body, "evaluations": []}))


@pytest.mark.parametrize("what", SEARCHES)
def test_a_page_has_a_length_and_a_token_that_was_given(what: str) -> None:
    for limit in NO_LENGTHS:
        must_be(SHIPPED.ask(what, {**GOOD[what], "page": {"limit": limit}}))
    for token in NO_TOKENS:
        must_be(SHIPPED.ask(what, {**GOOD[what], "page": {"token": token}}))


@pytest.mark.parametrize("what", SEARCHES)
def test_a_page_of_nothing_is_empty_and_the_last(what: str) -> None:
    answer = SHIPPED.ask(what, {**GOOD[what], "page": {"limit": 0}})

    assert (answer.status, answer.body) == (200, {"page": {"next_token": "", "count": 0}, "results": []})


@pytest.mark.parametrize("what", SEARCHES)
def test_a_page_of_more_than_a_hundred_is_one_of_a_hundred(what: str) -> None:
    answer = SHIPPED.ask(what, {**GOOD[what], "page": {"limit": 1_000_000}})

    assert answer.status == 200
    assert answer.body["page"] == {"next_token": "", "count": len(answer.body["results"])}
    assert answer.body["results"]


@pytest.mark.parametrize("what", QUESTIONS)
def test_what_is_deep_is_refused_wherever_it_stands(what: str) -> None:
    nested: object = 1
    for _ in range(17):
        nested = [nested]

    must_be(SHIPPED.ask(what, {**GOOD[what], "unknown": nested}))
    must_be(SHIPPED.ask(what, {**GOOD[what], "context": {"a": nested}}))


@pytest.mark.parametrize("what", QUESTIONS)
def test_a_name_twice_is_refused_though_unknown_names_are_not(what: str) -> None:
    must_be(SHIPPED.ask(what, '{"subject": {"type": "user", "type": "user"}}'))
    must_be(SHIPPED.ask(what, '{"unknown": 1, "unknown": 2}'))


def test_time_that_is_up_is_no_decision() -> None:
    for what in QUESTIONS:
        answer = SHIPPED.ask(what, GOOD[what], context=Context(milliseconds=1))
        must_be(answer, 503)
        assert answer.headers["retry-after"] == "2"
