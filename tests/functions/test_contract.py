"""Valid and invalid requests, generated from openapi.json: each response matches the contract and is no server error.

`make proof` sends such requests to the running product, in greater number.
"""

import copy
import json
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support import gateway
from tests.support.builders import APPROVER
from tests.support.gateway import DECIDE, DIRECTORY, USE, VENDOR
from tests.support.seeded_table import MANAGER, seed
from tests.support.table import Table
from tools.template import ROOT

CONTRACT = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
CALLERS = {"/directory": (VENDOR, DIRECTORY), "/access/": (VENDOR, DECIDE), "/partners": (MANAGER, USE)}
"""Caller and scope by path prefix. A super admin of the client calls all other paths."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def schema_of(contract: Any) -> schemathesis.BaseSchema:
    """Return the schema of a WSGI application that publishes this contract and calls the functions."""

    def application(environ: Mapping[str, Any], start: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        if path == "/openapi.json":
            start("200 OK", [("content-type", "application/json")])
            return [json.dumps(contract).encode()]
        response = gateway.send_event(_event(environ, method, path))
        start(f"{response.status} {HTTPStatus(response.status).phrase}", list(response.headers.items()))
        return [(response.text or "").encode()]

    return schemathesis.openapi.from_wsgi("/openapi.json", application)


def _event(environ: Mapping[str, Any], method: str, path: str) -> dict[str, Any]:
    """Return the event that API Gateway would build from the request."""
    by, scope = next((caller for start, caller in CALLERS.items() if path.startswith(start)), (APPROVER, USE))
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length).decode("utf-8", "surrogateescape") if length else None
    headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers |= {"content-type": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {}
    key, named = _route(method, path)
    made = gateway.api_event(key, by, body, path=path, scope=scope, **named)
    return {**made, "headers": headers, "rawQueryString": environ.get("QUERY_STRING", "")}


def _route(method: str, path: str) -> tuple[str, dict[str, Any]]:
    for template in CONTRACT["paths"]:
        found = re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)), path)
        if found and method.lower() in CONTRACT["paths"][template]:
            return f"{method} {template}", found.groupdict()
    return "$default", {}


contract = schema_of(CONTRACT)


@pytest.fixture(autouse=True)
def seeded(table: Table) -> Table:
    seed(table)
    return table


@contract.parametrize()
@settings(
    max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_generated_request_returns_response_of_contract(case: schemathesis.Case[Any]) -> None:
    case.validate_response(case.call(), checks=CHECKS)


def test_undocumented_response_fails_contract_checks() -> None:
    changed = copy.deepcopy(CONTRACT)
    del changed["paths"]["/accounts"]["get"]["responses"]["200"]
    case = schema_of(changed)["/accounts"]["GET"].Case()

    with pytest.raises(FailureGroup, match="Undocumented status code"):
        case.validate_response(case.call(), checks=CHECKS)
