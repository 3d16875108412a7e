"""Calls of the functions in this process as API Gateway makes them: payload 2.0 in, status, headers and body out."""

import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from partner_access.api.routing import App

USE = "partner-access/use"
DIRECTORY = "partner-access/directory"
DECIDE = "partner-access/decide"
VENDOR = "vendor-back-end"

_keys = count(1)


class Context:
    """A Lambda context with enough time left by default."""

    aws_request_id = "00000000-0000-0000-0000-000000000001"
    function_name = "function"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:function"

    def __init__(self, milliseconds: int = 900_000) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """The response of a function."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.body["code"])

    @property
    def replayed(self) -> bool:
        return self.headers.get("idempotent-replayed") == "true"


def app(operation: str) -> App:
    """Return the app of this function's folder."""
    found: App = importlib.import_module(f"functions.{operation}.app").handler
    return found


ROUTES: dict[str, str] = {}
"""The function that handles each route key. It is filled from the functions themselves."""


def app_for_route(route_key: str) -> App:
    if not ROUTES:
        for operation in OPERATIONS:
            ROUTES.update(dict.fromkeys(app(operation).routes, operation))
    return app(ROUTES.get(route_key, "reject_unknown_route"))


OPERATIONS = tuple(
    path.parent.name
    for path in sorted((Path(__file__).parents[2] / "functions").glob("*/app.py"))
    if re.search(r"\b(routing|authzen|browsing)\.App\(", path.read_text(encoding="utf-8"))
)
"""The functions behind the API."""


def api_event(
    route_key: str,
    caller_id: str | None,
    body: object = None,
    *,
    path: str | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str | None] | None = None,
    scope: str = USE,
    claims: Mapping[str, str] | None = None,
    **path_parameters: str,
) -> dict[str, Any]:
    """Return the event for a request.

    A header with the value None is left out. `claims` stand for all claims of the token except the caller's `sub`. A `body` that is text is sent unchanged.
    """
    method, _, template = route_key.partition(" ")
    raw_path = path or re.sub(r"\{(\w+)\}", lambda part: path_parameters[part[1]], template)
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    sent_headers = {
        "content-type": "application/json" if text is not None else None,
        "idempotency-key": f"key-{next(_keys)}" if method == "POST" else None,
        **(headers or {}),
    }
    token = {"sub": caller_id, **({"scope": scope, "token_use": "access"} if claims is None else claims)}
    return {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": raw_path,
        "rawQueryString": urlencode(query or {}),
        "headers": {name: value for name, value in sent_headers.items() if value is not None},
        **({"queryStringParameters": dict(query)} if query else {}),
        **({"pathParameters": path_parameters} if path_parameters else {}),
        "requestContext": {
            "requestId": "request-1",
            "http": {"method": method, "path": raw_path},
            **({"authorizer": {"jwt": {"claims": token, "scopes": [scope]}}} if caller_id else {}),
        },
        **({"body": text} if text is not None else {}),
        "isBase64Encoded": False,
    }


def call(route_key: str, caller_id: str | None, body: object = None, **options: Any) -> ApiResponse:
    """Send a request and return the response."""
    return send_event(api_event(route_key, caller_id, body, **options))


def call_as_vendor(route_key: str, body: object = None, **options: Any) -> ApiResponse:
    """Send a request as the vendor's back end."""
    return call(route_key, VENDOR, body, scope=DIRECTORY, **options)


def send_event(api_event_sent: Mapping[str, Any], context: Context | None = None) -> ApiResponse:
    """Send an event to the function of its route."""
    function_app = app_for_route(api_event_sent["routeKey"])
    routed_event = (
        api_event_sent
        if api_event_sent["routeKey"] in function_app.routes
        else {**api_event_sent, "routeKey": "$default"}
    )
    lambda_response = function_app(routed_event, context or Context())
    api_response = ApiResponse(lambda_response["statusCode"], lambda_response["headers"], lambda_response["body"])
    if api_response.headers.get("content-type") == "application/problem+json":
        assert SENTENCE.fullmatch(api_response.body["detail"]), "an error says what to do"
        assert _unknown_pointers(api_event_sent, api_response) == [], "an error points at an existing field"
    assert contract_violations(api_event_sent["routeKey"], api_response) == [], "openapi.json describes the response"
    return api_response


def contract_violations(route_key: str, api_response: ApiResponse) -> list[str]:
    """Return how a response differs from openapi.json: an undocumented status or type, or a body against its schema."""
    responses = RESPONSES_BY_ROUTE.get(route_key)
    if responses is None:
        return []
    status = next(
        (each for each in (str(api_response.status), f"{api_response.status // 100}XX") if each in responses), None
    )
    documented = responses.get(status)
    if documented is None:
        return [f"the status {api_response.status} is not documented"]
    content = documented.get("content", {})
    if not content:
        return [f"a body of {api_response.text!r} is not documented"] if api_response.text else []
    content_type = api_response.headers.get("content-type", "").partition(";")[0]
    if content_type not in content:
        return [f"the type {content_type!r} is not documented"]
    if not content_type.endswith("json"):
        return []
    reference = f"#/paths/{_pointer(route_key)}/responses/{status}/content/{_escaped(content_type)}/schema"
    return [f"{error.json_path}: {error.message}" for error in _validator(reference).iter_errors(api_response.body)]


@cache
def _validator(reference: str) -> Validator:
    """Return the validator of a schema in the contract."""
    return Draft202012Validator({"$ref": reference, **CONTRACT}, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _pointer(route_key: str) -> str:
    method, _, path = route_key.partition(" ")
    return f"{_escaped(path)}/{method.lower()}"


def _escaped(part: str) -> str:
    """Return a part of a JSON pointer in a URI fragment."""
    return quote(part.replace("~", "~0").replace("/", "~1"))


def _unknown_pointers(api_event_sent: Mapping[str, Any], api_response: ApiResponse) -> list[str]:
    """Return error pointers at fields that the contract does not define.

    Errors about unknown fields are allowed to point at them.
    """
    known_fields = FIELDS_BY_ROUTE.get(api_event_sent["routeKey"], frozenset())
    pointers = [
        str(each["pointer"]) for each in api_response.body.get("errors", []) if each["code"] not in UNKNOWN_FIELD_CODES
    ]
    return [each for each in pointers if each.partition("/")[2].partition("/")[0] not in known_fields]


def _contract_fields(path: str, operation: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields of a request in the contract: those of its path, query and body."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body_schema = CONTRACT["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], {})
    return frozenset(
        {
            *re.findall(r"\{(\w+)\}", path),
            *(each["name"] for each in operation["parameters"]),
            *body_schema.get("properties", ()),
        }
    )


SENTENCE = re.compile("[A-Z][a-z ].*[a-z]{2}.*[.]")
UNKNOWN_FIELD_CODES = {"unknown_field", "invalid_query"}
CONTRACT = json.loads((Path(__file__).parents[2] / "openapi.json").read_text(encoding="utf-8"))
FIELDS_BY_ROUTE = {
    f"{method.upper()} {path}": _contract_fields(path, operation)
    for path, operations in CONTRACT["paths"].items()
    for method, operation in operations.items()
}
RESPONSES_BY_ROUTE = {
    f"{method.upper()} {path}": operation["responses"]
    for path, operations in CONTRACT["paths"].items()
    for method, operation in operations.items()
}
"""The documented responses of each route, by status."""
