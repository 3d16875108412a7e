"""Tests of unknown routes: the problem reports whether the path exists and which methods it allows."""

import re

import pytest

from functions.reject_unknown_route.app import ROUTES
from functions.serve_pages import app as serve_pages
from tests.support import gateway
from tests.support.builders import SECRET_TEXT
from tests.support.gateway import call
from tools import template


@pytest.mark.parametrize("path", [
    "/nothing",
    "/accounts/",
    "/accounts//users",
    "//accounts",
    "/accounts/a/b/users",
    "/accounts/%2e%2e/users/",
    "/accounts;v=1",
    "/ACCOUNTS",
    "/accounts\n",
])  # fmt: skip
def test_unknown_path_returns_404(environment: None, path: str) -> None:
    response = call("$default", None, path=path)

    assert (response.status, response.code) == (404, "not_found")
    assert response.headers["content-type"] == "application/problem+json"
    assert "allow" not in response.headers


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["PATCH", "HEAD", "TRACE", "get", "post", "BREW"])
def test_known_path_with_other_method_returns_405_with_allow(environment: None, method: str, path: str) -> None:
    if method in ROUTES[path].split(", "):
        return

    response = call(f"{method} {path}", None, **dict.fromkeys(re.findall(r"\{(\w+)\}", path), "an-id"))

    assert (response.status, response.code) == (405, "method_not_allowed")
    assert response.headers["allow"] == response.body["allow"] == ROUTES[path]


def test_known_routes_match_functions(environment: None) -> None:
    taken: dict[str, set[str]] = {}
    for operation in gateway.OPERATIONS:
        for route in gateway.app(operation).routes:
            method, _, path = route.partition(" ")
            if path:
                taken.setdefault(path, set()).add(method)
    for path in serve_pages.PAGES:
        taken[path] = set(serve_pages.METHODS)

    assert {path: ", ".join(sorted(methods)) for path, methods in taken.items()} == ROUTES


def test_known_routes_match_template() -> None:
    routes = {route.key for route in template.routes()}

    assert routes == {f"{method} {path}" for path, methods in ROUTES.items() for method in methods.split(", ")}


def test_unknown_path_with_secret_in_query_is_refused(environment: None) -> None:
    assert call("$default", None, path="/approve", query={"s": SECRET_TEXT}).code == "secret_in_url"
