"""Tests of the API layer: events, responses and errors, independent of the operation (threat-model.md §2.1)."""

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from logging import StreamHandler
from typing import Any, ClassVar, NoReturn

import pytest
from typing_extensions import override

from partner_access import telemetry
from partner_access.api import errors as request_errors
from partner_access.api import routing
from partner_access.api.negotiation import MediaType
from partner_access.api.request_fields import ListQuery, Name, Request
from partner_access.api.response_body import ResponseBody
from partner_access.domain import errors
from partner_access.domain.act import Act
from partner_access.domain.errors import DomainError, StaleFacts
from partner_access.email_addresses import EmailAddress
from partner_access.idempotency import StoredResponseFound
from partner_access.lambda_context import Event
from tests.support import gateway
from tests.support.builders import SECRET_TEXT

pytestmark = pytest.mark.usefixtures("environment")

CANARY = "canary@secret.example"


class CreateThingRequest(Request):
    """A request body."""

    name: Name
    email: EmailAddress | None = None
    many: int = 1


class ThingsQuery(ListQuery):
    """A query of a list."""

    colour: Name | None = None


class Thing(ResponseBody):
    """A response."""

    status: ClassVar[int] = 201

    name: str
    nothing: str | None = None


def call_app(
    app: routing.App, route_key: str = "POST /things", body: object = None, *, user_id: str | None = "user", **how: Any
) -> gateway.ApiResponse:
    request_body = {"name": "a"} if body is None and route_key.startswith("POST") else body
    answer = app(gateway.api_event(route_key, user_id, request_body, **how), gateway.Context())
    return gateway.ApiResponse(answer["statusCode"], answer["headers"], answer["body"])


def posting_app(decide: Callable[[Act], Thing | None], recall: Callable[[Act], None] | None = None) -> routing.App:
    app = routing.App(recall)

    @app.route("POST /things", needs_key=True)
    def make(new_thing: CreateThingRequest, act: Act) -> Thing | None:
        return decide(act)

    return app


def failing_app(error: DomainError, recall: Callable[[Act], None] | None = None) -> routing.App:
    def decide(_: Act) -> NoReturn:
        raise error

    return posting_app(decide, recall)


def recording_app() -> tuple[routing.App, list[Act]]:
    """Return an app and the list of acts that it receives."""
    received_acts: list[Act] = []
    return posting_app(received_acts.append), received_acts


def a_thing(_: Act) -> Thing:
    return Thing(name="a")


# responses


def test_response_has_status_and_fields_and_is_not_cached() -> None:
    answer = call_app(posting_app(a_thing))

    assert (answer.status, answer.text) == (201, '{"name":"a"}')
    assert answer.headers == {"content-type": "application/json", "cache-control": "no-store"}


class Tagged(Thing):
    """A response with a header of its own."""

    @property
    @override
    def headers(self) -> Mapping[str, str]:
        return {"etag": '"3"'}


def test_response_includes_headers_of_its_model() -> None:
    answer = call_app(posting_app(lambda _: Tagged(name="a")))

    assert answer.headers == {"content-type": "application/json", "cache-control": "no-store", "etag": '"3"'}


def test_response_none_becomes_204() -> None:
    answer = call_app(posting_app(lambda _: None))

    assert (answer.status, answer.text) == (204, "")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_app_calls_operation_of_route_with_declared_arguments(method: str) -> None:
    app = routing.App()
    given: list[object] = []

    @app.route(f"{method.upper()} /things/{{thing_id}}")
    def operation(thing_id: str, query: ThingsQuery, act: Act, event: Event) -> Thing:
        given.extend((thing_id, query, act.actor_id, event["rawPath"]))
        return Thing(name=thing_id)

    answer = call_app(app, f"{method.upper()} /things/{{thing_id}}", thing_id="auth0|1", query={"colour": "red"})

    assert answer.body == {"name": "auth0|1"}
    assert given == ["auth0|1", ThingsQuery(colour="red"), "user", "/things/auth0|1"]


def edit_with_if_match(header: str | None) -> tuple[gateway.ApiResponse, list[routing.ExpectedVersion]]:
    app, given = routing.App(), list[routing.ExpectedVersion]()

    @app.route("PATCH /things")
    def edit(expected_version: routing.ExpectedVersion) -> Thing:
        given.append(expected_version)
        return Thing(name="a")

    return call_app(app, "PATCH /things", headers={"if-match": header}), given


@pytest.mark.parametrize(
    ("header", "version"),
    [('"1"', 1), ('"42"', 42), ('W/"1"', 1), ('W/"42"', 42), ('"9999999999999999"', 9_999_999_999_999_999)],
)
def test_if_match_with_version_is_passed_to_operation(header: str, version: int) -> None:
    answer, given = edit_with_if_match(header)

    assert (answer.status, given) == (201, [version])


@pytest.mark.parametrize(
    "header", ['""', '"0"', '"-1"', '"01"', '"1.0"', '"abc"', '"10000000000000000"', '"' + "a" * 100 + '"']
)
def test_if_match_with_unknown_tag_is_passed_as_version_that_never_matches(header: str) -> None:
    answer, given = edit_with_if_match(header)

    assert (answer.status, given) == (201, [routing.NO_SUCH_VERSION])


def test_if_match_missing_returns_428() -> None:
    answer, given = edit_with_if_match(None)

    assert (answer.status, answer.code, given) == (428, "precondition_required", [])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "*",
        "1",
        'w/"1"',
        'W/ "1"',
        "W/1",
        'W/W/"1"',
        'W/"1", W/"2"',
        '"1',
        '1"',
        '"1","2"',
        '"1", "2"',
        ' "1"',
        '"1" ',
        '"a b"',
        '"１"',
        '"é"',
        '"1\n"',
        '"1"\n',
        '"' + "a" * 101 + '"',
    ],
)
def test_if_match_other_than_one_strong_tag_returns_400(header: str) -> None:
    answer, given = edit_with_if_match(header)

    assert (answer.status, answer.code, given) == (400, "invalid_etag", [])


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html,application/xhtml+xml", "application/json"),
        ("", "application/json"),
        ("text/csv", "text/csv"),
        ("Text/CSV; charset=utf-8", "text/csv"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("text/csv,application/json", "application/json"),
        ("application/json,text/csv", "application/json"),
        ("application/json, text/csv;q=0.9", "application/json"),
        ("application/json;q=0.8,text/csv ; Q=0.9", "text/csv"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=0.000", "application/json"),
        ("application/json;q=0, text/csv;q=0", "application/json"),
        ("application/json;q=0, text/csv;q=0.001", "text/csv"),
        ("text/csv;q=0.2, text/csv;q=0.9, application/json;q=0.5", "text/csv"),
        ("text/csv;q=0.9, text/csv;q=0.2, application/json;q=0.5", "text/csv"),
        ("text/csv, */*", "text/csv"),
        ("text/csv, application/*", "text/csv"),
        ("text/*, application/json", "application/json"),
        ("text/*, application/*", "application/json"),
        ("text/csv, */*;q=0.1", "text/csv"),
        ("text/csv;q=0.5, */*", "application/json"),
        ("text/csv;q=0.5, application/*;q=0.4, */*", "text/csv"),
        ("text/csv;q=0, text/*", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv;q=2", "application/json"),
        ("text/csv;q=much", "application/json"),
        ("text/csv;q=1.000", "text/csv"),
        ("text/csv;q=", "application/json"),
        ("text/csvs, x-text/csv", "application/json"),
        (",;,", "application/json"),
    ],
)
def test_media_type_is_negotiated_from_accept_header(accept: str | None, wanted: str) -> None:
    app = routing.App()

    @app.route("GET /things")
    def see(media_type: MediaType) -> Thing:
        return Thing(name=media_type)

    assert call_app(app, "GET /things", headers={"accept": accept}).body == {"name": wanted}


def test_app_sends_unknown_route_to_default() -> None:
    app = routing.App()

    @app.default
    def unknown(event: Event) -> NoReturn:
        raise request_errors.MethodNotAllowed(allow="GET, PUT")

    answer = call_app(app, "$default", path="/things", headers={"idempotency-key": None}, query={"a": "b"})

    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method_not_allowed", "GET, PUT")


def test_app_does_not_catch_unexpected_exception() -> None:
    def bug(_: Act) -> NoReturn:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call_app(posting_app(bug))


# errors

ERROR_OF_EACH_STATUS = [
    (request_errors.MalformedBody, 400),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.NoSeatLeft, 409),
    (errors.LinkExpired, 410),
    (errors.PreconditionFailed, 412),
    (request_errors.BodyTooLarge, 413),
    (request_errors.UnsupportedMediaType, 415),
    (errors.InvalidField, 422),
    (request_errors.PreconditionRequired, 428),
    (errors.RateLimited, 429),
    (errors.TemporarilyUnavailable, 503),
]


@pytest.mark.parametrize(("kind", "status"), ERROR_OF_EACH_STATUS)
def test_error_becomes_problem_response(kind: type[DomainError], status: int) -> None:
    answer = call_app(failing_app(kind()))

    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.body == {
        "type": f"https://access.example.com/problems/{kind.code.replace('_', '-')}",
        "title": kind.code.replace("_", " ").capitalize(),
        "status": status,
        "detail": kind.detail,
        "instance": "request-1",
        "code": kind.code,
    }


@pytest.mark.parametrize(("kind", "status"), ERROR_OF_EACH_STATUS)
def test_error_that_can_be_retried_has_retry_after(kind: type[DomainError], status: int) -> None:
    assert ("retry-after" in call_app(failing_app(kind())).headers) is (status in {429, 503})


def test_error_response_contains_pointers_and_details() -> None:
    answer = call_app(failing_app(errors.NoSeatLeft("account_id", limit=3)))

    assert answer.body["errors"] == [{"pointer": "/account_id", "code": "no_seat_left"}]
    assert answer.body["limit"] == 3


def test_error_response_repeats_no_input_and_no_internals() -> None:
    body = {"name": CANARY + "\u202e", "email": f"{CANARY},b@c.example", "many": SECRET_TEXT}
    answer = call_app(
        posting_app(a_thing), body=body, headers={"x-forwarded-host": "evil.example", "host": "evil.example"}
    )

    assert answer.status == 422
    for leak in ("canary", "pal_", "evil", "partner_access", "pydantic", "Traceback", "arn:"):
        assert leak not in answer.text


@pytest.mark.parametrize(
    ("body", "code", "errors"),
    [
        ({}, "missing_field", [("/name", "missing_field")]),
        ({"name": None}, "invalid_field", [("/name", "invalid_field")]),
        ({"name": 1}, "invalid_field", [("/name", "invalid_field")]),
        ({"name": ["a"]}, "invalid_field", [("/name", "invalid_field")]),
        ({"name": "a\x00"}, "invalid_field", [("/name", "invalid_field")]),
        ({"name": "a", "many": True}, "invalid_field", [("/many", "invalid_field")]),
        ({"name": "a", "many": "1"}, "invalid_field", [("/many", "invalid_field")]),
        ({"name": "a", "many": 1.0}, "invalid_field", [("/many", "invalid_field")]),
        ({"name": "a", "role": "admin"}, "unknown_field", [("/role", "unknown_field")]),
        ({"name": "a", "a/b~c": 1}, "unknown_field", [("/a~1b~0c", "unknown_field")]),
        ({"name": "a", "email": "x@y"}, "invalid_email", [("/email", "invalid_email")]),
        ({"name": "a", "email": ["x@y.example"]}, "invalid_field", [("/email", "invalid_field")]),
        ({"seat": 1}, "invalid_field", [("/name", "missing_field"), ("/seat", "unknown_field")]),
    ],
)
def test_body_with_invalid_fields_returns_pointer_for_each(
    body: object, code: str, errors: list[tuple[str, str]]
) -> None:
    answer = call_app(posting_app(a_thing), body=body)

    assert (answer.status, answer.code) == (422, code)
    assert [(each["pointer"], each["code"]) for each in answer.body["errors"]] == errors


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ({"body": "{"}, 400, "malformed_body"),
        ({"body": "{}", "headers": {"content-type": "text/plain"}}, 415, "unsupported_media_type"),
        ({"body": "x" * 65537, "headers": {"content-type": None}}, 413, "body_too_large"),
    ],
)
def test_body_that_is_unreadable_returns_error(how: dict[str, Any], status: int, code: str) -> None:
    answer = call_app(posting_app(a_thing), **how)

    assert (answer.status, answer.code) == (status, code)


# paths and queries


@pytest.mark.parametrize(
    "part",
    ["", "a b", "a#b", "a/b", "..", "%2F", "a%00", "a\x00", "a\n", "é", "a" * 129, "a" * 2049, "_a", "a;b=c", "a,b"],
)
def test_path_parameter_that_is_malformed_returns_404(part: str) -> None:
    app = routing.App()

    @app.route("GET /things/{thing_id}")
    def view(thing_id: str) -> Thing:
        return Thing(name=thing_id)

    answer = call_app(app, "GET /things/{thing_id}", thing_id=part)

    assert (answer.status, answer.code) == (404, "not_found")


def listing_app() -> routing.App:
    app = routing.App()

    @app.route("GET /things")
    def view(query: ThingsQuery) -> Thing:
        return Thing(name=str(query.size))

    return app


def test_list_query_without_limit_uses_default() -> None:
    assert call_app(listing_app(), "GET /things").body == {"name": "25"}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"page": "2"}, "/page"),
        ({"limit": "0"}, "/limit"),
        ({"limit": "5,5"}, "/limit"),
        ({"limit": "１０"}, "/limit"),
        ({"colour": "a\u202eb"}, "/colour"),
        ({"Limit": "5"}, "/Limit"),
        ({"a/b": "5"}, "/a~1b"),
    ],
)
def test_query_that_is_invalid_returns_400(query: Mapping[str, str], pointer: str) -> None:
    answer = call_app(listing_app(), "GET /things", query=query)

    assert (answer.status, answer.code) == (400, "invalid_query")
    assert answer.body["errors"] == [{"pointer": pointer, "code": "invalid_query"}]


def test_query_of_operation_without_parameters_returns_400() -> None:
    answer = call_app(posting_app(a_thing), query={"dry_run": "true"})

    assert (answer.status, answer.code) == (400, "invalid_query")
    assert answer.body["errors"] == [{"pointer": "/dry_run", "code": "invalid_query"}]


@pytest.mark.parametrize(
    "how",
    [
        {"query": {"secret": SECRET_TEXT}},
        {"query": {"x": f"y{SECRET_TEXT[:-30]}"}},
        {"path": f"/things/{SECRET_TEXT}"},
        {"path": f"/things%23{SECRET_TEXT}"},
        {"path": f"/things/{SECRET_TEXT.replace('.', '%2E')}"},
    ],
)
def test_secret_in_url_returns_400_and_is_not_repeated(how: dict[str, Any]) -> None:
    answer = call_app(posting_app(a_thing), **how)

    assert (answer.status, answer.code) == (400, "secret_in_url")
    assert "pal_" not in answer.text


@pytest.mark.parametrize("part", ["municipal_bank", "principal_1", "pal_1", f"pal_{'1' * 32}", "pal_x.y"])
def test_path_parameter_that_resembles_a_secret_is_accepted(part: str) -> None:
    app = routing.App()

    @app.route("GET /things/{thing_id}")
    def view(thing_id: str) -> Thing:
        return Thing(name=thing_id)

    assert call_app(app, "GET /things/{thing_id}", thing_id=part).body == {"name": part}


# acts


def test_act_has_subject_time_id_and_random_of_its_own() -> None:
    app, acts = recording_app()
    before = datetime.now(UTC).replace(microsecond=0)
    call_app(app, user_id="user-1")
    call_app(app, user_id="user-1")
    first, second = acts

    assert first.actor_id == "user-1"
    assert before <= first.at <= datetime.now(UTC)
    assert first.at.microsecond == 0
    assert len(first.id) == len(second.id) == 32
    assert first.id < second.id
    assert len(first.random) == 43
    assert first.random != second.random
    assert not first.for_vendor


def test_act_without_token_has_no_actor() -> None:
    app, acts = recording_app()
    call_app(app, user_id=None)

    assert (acts[0].actor_id, acts[0].for_vendor) == ("", False)


@pytest.mark.parametrize(
    ("scope", "for_vendor"),
    [
        ("partner-access/directory", True),
        ("partner-access/use partner-access/directory", True),
        ("partner-access/use", False),
        ("partner-access/directory-reader", False),
        ("", False),
    ],
)
def test_act_with_directory_scope_is_for_the_vendor(scope: str, for_vendor: bool) -> None:
    app, acts = recording_app()
    call_app(app, scope=scope)

    assert acts[0].for_vendor is for_vendor
    assert acts[0].scopes == set(scope.split())


@pytest.mark.parametrize(
    ("claims", "claim", "actor_id"),
    [
        ({"scope": gateway.USE, "oid": "object-1"}, "oid", "object-1"),
        ({"scope": gateway.USE, "uid": "anna+okta@example.test"}, "uid", "anna+okta@example.test"),
        ({"scope": gateway.USE}, "oid", None),
        ({"scope": gateway.USE, "oid": ""}, "oid", None),
        ({"scope": gateway.DIRECTORY}, "oid", "user"),
        ({"scope": gateway.DECIDE}, "oid", "user"),
        ({"scope": gateway.DIRECTORY, "oid": "object-1"}, "oid", "object-1"),
        ({"scope": gateway.USE, "oid": "a b"}, "oid", None),
        ({"scope": gateway.USE, "oid": "x" * 129}, "oid", None),
    ],
)
def test_act_is_of_the_user_that_the_claim_names(
    monkeypatch: pytest.MonkeyPatch, claims: dict[str, str], claim: str, actor_id: str | None
) -> None:
    monkeypatch.setenv("USER_ID_CLAIM", claim)
    app, acts = recording_app()
    answer = call_app(app, claims=claims)

    assert [act.actor_id for act in acts] == ([actor_id] if actor_id else [])
    assert answer.status == (204 if actor_id else 401)


@pytest.mark.parametrize(("caller_id", "status"), [("aa/bb==", 204), ("_a", 204), ("a b", 401), ("x" * 129, 401)])
def test_token_whose_sub_is_no_user_id_is_refused(caller_id: str, status: int) -> None:
    assert call_app(recording_app()[0], user_id=caller_id).status == status


BOTH_SCOPES = {"partner-access/use", "partner-access/directory"}


@pytest.mark.parametrize("claim", ["scope", "scp"])
@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("partner-access/use partner-access/directory", BOTH_SCOPES),
        ("[partner-access/use partner-access/directory]", BOTH_SCOPES),
        ("[partner-access/directory]", {"partner-access/directory"}),
        ("  partner-access/directory  ", {"partner-access/directory"}),
        ("[]", set()),
        ("", set()),
        ("[partner-access/directory", {"[partner-access/directory"}),
        ("partner-access/directory]", {"partner-access/directory]"}),
        ("partner-access/directory,partner-access/use", {"partner-access/directory,partner-access/use"}),
    ],
)
def test_act_has_scopes_of_either_claim_in_each_form_of_api_gateway(claim: str, text: str, scopes: set[str]) -> None:
    app, acts = recording_app()
    call_app(app, claims={claim: text})

    assert acts[0].scopes == scopes
    assert acts[0].for_vendor is ("partner-access/directory" in scopes)


def test_act_with_both_scope_claims_has_scopes_of_both() -> None:
    app, acts = recording_app()
    call_app(app, claims={"scope": "partner-access/use", "scp": "[partner-access/directory]"})

    assert acts[0].scopes == BOTH_SCOPES


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"token_use": "access"}, 204),
        ({}, 204),
        ({"token_use": "refresh"}, 401),
        ({"token_use": "id"}, 401),
        ({"token_use": "Access"}, 401),
        ({"token_use": ""}, 401),
    ],
)
def test_token_for_another_use_than_access_is_refused(claims: dict[str, str], status: int) -> None:
    app, acts = recording_app()
    answer = call_app(app, claims={"scope": gateway.USE, **claims})

    assert answer.status == status
    assert len(acts) == (status == 204)
    if status == 401:
        assert answer.code == "invalid_token"
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_act_deadline_leaves_seven_seconds_of_function_timeout() -> None:
    app, acts = recording_app()
    app(gateway.api_event("POST /things", "user", {"name": "a"}), gateway.Context(10_000))

    assert 2 < acts[0].deadline - time.time() <= 3


# idempotency keys


def idempotency_key_of(header: str | None, **how: Any) -> Any:
    app, acts = recording_app()
    answer = call_app(app, headers={"idempotency-key": header}, **how)
    return acts[0].idempotency_key if acts else answer.code


@pytest.mark.parametrize("key", ["a", "8f14e45f-ceea-467f", "a;b=c:d/e\\f'g", "~!#", "k" * 255])
def test_idempotency_key_bare_and_quoted_are_the_same(key: str) -> None:
    idempotency_key = idempotency_key_of(key)

    assert idempotency_key == idempotency_key_of(f'"{key}"')
    assert idempotency_key.key.endswith("#user")
    assert key not in idempotency_key.key.removesuffix("#user") or len(key) == 1


def test_idempotency_key_in_quotes_can_contain_spaces() -> None:
    assert idempotency_key_of('"a b"').key != idempotency_key_of('"a  b"').key


@pytest.mark.parametrize(
    "header",
    [
        "",
        '""',
        "k" * 256,
        f'"{"k" * 256}"',
        "a b",
        "é",
        '"é"',
        "a\x00",
        "a\n",
        '"a',
        'a"',
        '"a"b"',
        "a,b",
        '"a", "b"',
        '"a,b"',
    ],
)
def test_idempotency_key_that_is_invalid_is_rejected(header: str) -> None:
    assert idempotency_key_of(header) == "invalid_idempotency_key"


def test_idempotency_key_missing_on_post_returns_400() -> None:
    answer = call_app(posting_app(a_thing), headers={"idempotency-key": None})

    assert (answer.status, answer.code) == (400, "idempotency_key_required")


def test_idempotency_key_missing_on_read_only_post_is_accepted() -> None:
    app = routing.App()

    @app.route("POST /things")
    def look(new_thing: CreateThingRequest) -> Thing:
        return Thing(name=new_thing.name)

    assert call_app(app, headers={"idempotency-key": None}).status == 201


def test_idempotency_key_is_scoped_to_caller_and_route_with_request_fingerprint() -> None:
    idempotency_key = idempotency_key_of("key")

    assert idempotency_key_of("key", user_id="other").key != idempotency_key.key
    assert idempotency_key_of("key", body={"name": "b"}).key == idempotency_key.key
    assert idempotency_key_of("key", body={"name": "b"}).fingerprint != idempotency_key.fingerprint
    assert idempotency_key_of("key", path="/things/1").fingerprint != idempotency_key.fingerprint
    assert idempotency_key_of("other").key != idempotency_key.key
    assert idempotency_key_of("other").fingerprint == idempotency_key.fingerprint

    app = routing.App()
    acts: list[Act] = []

    @app.route("PUT /things")
    def put(new_thing: CreateThingRequest, act: Act) -> None:
        acts.append(act)

    call_app(app, "PUT /things", {"name": "a"}, headers={"idempotency-key": "key"})
    call_app(app, "PUT /things", {"name": "a"})
    assert acts[0].idempotency_key
    assert acts[0].idempotency_key.key != idempotency_key.key
    assert acts[1].idempotency_key is None


# replays and concurrent changes


def raise_replay(_: Act) -> NoReturn:
    raise StoredResponseFound(201, '{"name":"first"}')


def test_replay_returns_stored_response_with_header() -> None:
    answer = call_app(posting_app(raise_replay))

    assert (answer.status, answer.body, answer.replayed) == (201, {"name": "first"}, True)


def test_error_after_own_successful_attempt_is_replayed() -> None:
    assert call_app(failing_app(errors.Forbidden(), raise_replay)).replayed


def test_error_of_first_attempt_is_returned() -> None:
    looked_up: list[Act] = []

    assert call_app(failing_app(errors.Forbidden(), looked_up.append)).code == "forbidden"
    assert len(looked_up) == 1


def test_success_looks_up_no_stored_response() -> None:
    looked_up: list[Act] = []
    call_app(posting_app(a_thing, looked_up.append))

    assert looked_up == []


@pytest.mark.parametrize("times", [0, 1, 3])
def test_stale_facts_are_retried_with_the_same_act(times: int) -> None:
    tried: list[Act] = []

    def decide(act: Act) -> Thing:
        tried.append(act)
        if len(tried) <= times:
            raise StaleFacts(errors.RightsChanged)
        return Thing(name="a")

    assert call_app(posting_app(decide)).status == 201
    assert len(tried) == times + 1
    assert len(set(tried)) == 1


def test_stale_facts_on_every_attempt_return_error_of_failed_condition() -> None:
    tried: list[Act] = []

    def decide(act: Act) -> NoReturn:
        tried.append(act)
        raise StaleFacts(errors.NoSeatLeft)

    assert call_app(posting_app(decide)).code == "no_seat_left"
    assert len(tried) == 4


def test_stale_facts_of_decision_that_narrows_are_retried_for_longer() -> None:
    tried: list[Act] = []

    def decide(act: Act) -> NoReturn:
        tried.append(act)
        raise StaleFacts(errors.RightsChanged, narrows=True)

    assert call_app(posting_app(decide)).code == "rights_changed"
    assert len(tried) == 12


def test_stale_facts_followed_by_error_return_that_error() -> None:
    outcomes = iter([StaleFacts(errors.RightsChanged), errors.LinkRevoked()])

    def decide(_: Act) -> NoReturn:
        raise next(outcomes)

    assert call_app(posting_app(decide)).code == "link_revoked"


# logs and metrics


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Yield the text that is logged in the test."""
    written = io.StringIO()
    handler = telemetry._logger().registered_handler
    assert isinstance(handler, StreamHandler)
    # setStream would flush the previous stream, which the first test that logged may have closed since
    before, handler.stream = handler.stream, written
    yield written
    handler.stream = before


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_error_is_logged_with_code_and_request_only(log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    body = {"name": CANARY, "email": CANARY}
    path = f"/things/{CANARY}"
    answer = call_app(
        failing_app(errors.NotEligible()), body=body, path=path, user_id=CANARY, headers={"authorization": SECRET_TEXT}
    )
    call_app(failing_app(errors.LinkNotFound()), body={"name": SECRET_TEXT})
    call_app(posting_app(a_thing), body={"name": CANARY, "email": f"{CANARY}@"})
    call_app(posting_app(a_thing), query={"secret": SECRET_TEXT})
    log_and_output = log.getvalue() + "".join(capsys.readouterr())

    assert answer.status == 409
    assert "canary" not in log_and_output
    assert "pal_" not in log_and_output
    assert [line["code"] for line in lines(log)] == ["not_eligible", "link_not_found", "invalid_email", "secret_in_url"]
    assert {(line["level"], line["request_id"], line["operation"]) for line in lines(log)} == {
        ("INFO", "request-1", "POST /things")
    }


def test_success_is_not_logged_and_leaves_no_log_context(log: io.StringIO) -> None:
    call_app(posting_app(a_thing), body={"name": CANARY})
    assert log.getvalue() == ""
    telemetry.begin("request-2", "other")
    telemetry.log_error(errors.NotFound())

    assert [(line["request_id"], line["operation"]) for line in lines(log)] == [("request-2", "other")]


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (errors.LinkNotFound(), "InvalidLinkSecret"),
        (errors.TemporarilyUnavailable(), "ConflictExhausted"),
        (errors.NotFound(), None),
    ],
)
def test_error_that_operators_watch_is_counted(
    error: DomainError, counted: str | None, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    call_app(failing_app(error))
    written = capsys.readouterr().out

    if counted is None:
        assert written == ""
    else:
        assert json.loads(written)[counted] == [1.0]
        assert json.loads(written)["service"] == "partner-access"


def test_metric_is_written_when_operation_raises(capsys: pytest.CaptureFixture[str]) -> None:
    def bug(_: Act) -> NoReturn:
        telemetry.count("AccountOrphaned", 2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call_app(posting_app(bug))
    assert json.loads(capsys.readouterr().out)["AccountOrphaned"] == [2.0]
    call_app(posting_app(a_thing))
    assert capsys.readouterr().out == ""


def test_unreadable_notification_is_logged_as_error_with_its_id(
    log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.begin("request-1", "send_emails")
    telemetry.report_unreadable_notification("outbox-1")
    telemetry.flush()

    assert [(line["level"], line["notification"]) for line in lines(log)] == [("ERROR", "outbox-1")]
    assert json.loads(capsys.readouterr().out)["EmailUnreadable"] == [1.0]


@pytest.mark.parametrize(("body", "status"), [("", 204), ("{}", 204), ('{"x": 1}', 422), ("[]", 400)])
def test_body_of_operation_without_body_rejects_each_field(body: str, status: int) -> None:
    app = routing.App()
    app.route("POST /things")(lambda: None)

    answer = call_app(app, "POST /things", body=body)

    assert answer.status == status
