"""The functions as a WSGI application: API Gateway's part between HTTP and the events, without its checks of tokens."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from tests.support import gateway

CONTRACT_PATH = "/openapi.json"

Callers = Mapping[str, tuple[str, str]]
"""Caller and scope by path prefix. The first prefix that fits counts."""
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


def application(contract: Any, callers: Callers) -> Application:
    """Return an application that publishes this contract and calls the functions."""

    def run(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        if path == CONTRACT_PATH:
            start("200 OK", [("content-type", "application/json")])
            return [json.dumps(contract).encode()]
        response = gateway.send_event(_event(environ, method, path, callers))
        start(f"{response.status} {HTTPStatus(response.status).phrase}", list(response.headers.items()))
        return [(response.text or "").encode()]

    return run


def _event(environ: Mapping[str, Any], method: str, path: str, callers: Callers) -> dict[str, Any]:
    """Return the event that API Gateway would build from the request."""
    by, scope = next(caller for start, caller in callers.items() if path.startswith(start))
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length).decode("utf-8", "surrogateescape") if length else None
    headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers |= {"content-type": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {}
    key, named = _route(method, path)
    made = gateway.api_event(key, by, body, path=path, scope=scope, **named)
    return {**made, "headers": headers, "rawQueryString": environ.get("QUERY_STRING", "")}


def _route(method: str, path: str) -> tuple[str, dict[str, Any]]:
    for template in gateway.CONTRACT["paths"]:
        found = re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)), path)
        if found and method.lower() in gateway.CONTRACT["paths"][template]:
            return f"{method} {template}", found.groupdict()
    return "$default", {}
