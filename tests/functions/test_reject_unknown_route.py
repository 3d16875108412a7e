"""Tests of unknown routes: the problem reports whether the path exists and which methods it allows."""

import re

import pytest

from functions.reject_unknown_route.app import METHODS_BY_PATH
from tests.support.builders import SECRET_TEXT
from tests.support.gateway import call


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


@pytest.mark.parametrize("path", METHODS_BY_PATH)
@pytest.mark.parametrize("method", ["PATCH", "HEAD", "TRACE", "get", "post", "BREW"])
def test_known_path_with_other_method_returns_405_with_allow(environment: None, method: str, path: str) -> None:
    if method in METHODS_BY_PATH[path].split(", "):
        return

    response = call(f"{method} {path}", None, **dict.fromkeys(re.findall(r"\{(\w+)\}", path), "an-id"))

    assert (response.status, response.code) == (405, "method_not_allowed")
    assert response.headers["allow"] == response.body["allow"] == METHODS_BY_PATH[path]


def test_other_method_of_literal_path_is_not_taken_for_a_parameter(environment: None) -> None:
    response = call("$default", None, path="/accounts/an-id/permission-sets/updates")

    assert response.headers["allow"] == "GET, POST"


def test_unknown_path_with_secret_in_query_is_refused(environment: None) -> None:
    assert call("$default", None, path="/approve", query={"s": SECRET_TEXT}).code == "secret_in_url"
