"""Tests of unknown routes: the problem reports whether the path exists and which methods it allows."""

import re

import pytest

from functions.reject_unknown_route.app import METHODS_BY_PATH
from functions.serve_pages.app import STATIC
from partner_access.domain.links.secrets import TEXT_PATTERN
from tests.support.builders import SECRET_TEXT
from tests.support.gateway import ApiResponse, call

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


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


def get(path: str, *, accept: str | None = BROWSER, method: str = "GET", language: str = "en") -> ApiResponse:
    return call(f"{method} /nowhere", None, path=path, headers={"accept": accept, "accept-language": language})


@pytest.mark.parametrize(("language", "title"), [("en", "There is no such page"), ("ja", "ページが見つかりません")])
@pytest.mark.parametrize("path", ["/nothing", "/accounts/a/b/users", "/approve/", "/<script>"])
def test_unknown_path_gives_a_browser_a_page(environment: None, path: str, language: str, title: str) -> None:
    response = get(path, language=language)

    assert (response.status, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert f'<html lang="{language}">' in response.text
    assert f"<h1>{title}</h1>" in response.text
    assert '<a href="/">' in response.text
    assert "script" not in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; ")
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/html", "text/html;q=0"])
def test_unknown_path_gives_a_program_a_problem(environment: None, accept: str | None) -> None:
    response = get("/nothing", accept=accept)

    assert (response.status, response.code) == (404, "not_found")


def test_request_of_a_browser_that_is_no_get_gets_a_problem(environment: None) -> None:
    assert get("/nothing", method="DELETE").code == "not_found"
    assert call("DELETE /accounts", None, headers={"accept": BROWSER}).code == "method_not_allowed"
    assert get("/access-links/approvals").code == "method_not_allowed"


@pytest.mark.parametrize("hash_", ["#", "%23", "%2523"])
@pytest.mark.parametrize("after", ["", ".", "%E3%80%82", "&data=05%7C02", "/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_link_with_encoded_number_sign_leads_to_its_page(
    environment: None, hash_: str, after: str, method: str
) -> None:
    response = get(f"/approve{hash_}{SECRET_TEXT}{after}", method=method)

    assert (response.status, response.text) == (303, "")
    assert response.headers["location"] == f"https://access.example.com/approve#{SECRET_TEXT}"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (f"/approve%23{SECRET_TEXT}", "application/json"),
        (f"/approve/{SECRET_TEXT}", BROWSER),
        (f"/accounts%23{SECRET_TEXT}", BROWSER),
        (f"/nothing/approve%23{SECRET_TEXT}", BROWSER),
    ],
)
def test_other_path_with_secret_is_refused(environment: None, path: str, accept: str) -> None:
    response = get(path, accept=accept)

    assert (response.status, response.code) == (400, "secret_in_url")


def test_page_and_function_find_secrets_by_the_same_pattern() -> None:
    assert f"const SECRET = /{TEXT_PATTERN}/;" in (STATIC / "approve/link-secret.js").read_text(encoding="utf-8")
    assert re.fullmatch(TEXT_PATTERN, SECRET_TEXT, re.ASCII)
