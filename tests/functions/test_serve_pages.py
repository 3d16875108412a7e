"""Tests of serving the pages: HTML shells in the user's language, their assets, and security headers."""

import gzip
import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import pytest

from functions.serve_pages import app
from partner_access.api.errors import error_classes
from partner_access.domain.permissions.catalogue import CATALOGUE
from partner_access.emails.permission_texts import Language
from partner_access.web import languages, policy
from partner_access.web.assets import served_script
from tests.support.built_artifacts import PARAMETER_VALUES
from tools import page_weights

SHELLS = page_weights.PAGES
PLACEHOLDERS = re.compile(r"\{(\w+)\}")
WEIGHT_LIMITS = {
    "/": 16_500,
    "/approve": 32_000,
    "/accounts/{account_id}": 51_000,
    "/partners/{partner_id}": 47_500,
    "/problems/{problem}": 17_000,
}
"""The compressed bytes that a page may have with its assets, with some room for what it has to learn."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTHORIZATION_URL", "PAGES_CLIENT_ID", "SIGN_OUT_URL", "TOKEN_URL", "USER_ID_CLAIM", "USE_SCOPE"):
        monkeypatch.setenv(name, PARAMETER_VALUES[name])


@dataclass(frozen=True, slots=True)
class ServedResponse:
    """A response as the browser sees it. `sent` is the body's size in bytes before decompression."""

    status: int
    headers: Mapping[str, str]
    text: str
    sent: int


def get(
    path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, **parameters: str
) -> ServedResponse:
    event: dict[str, Any] = {"routeKey": f"{method} {path}", "headers": headers or {}}
    if parameters:
        event["pathParameters"] = parameters
    answer = app.handler(event, None)
    content = b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"].encode()
    plain = gzip.decompress(content) if answer["headers"].get("content-encoding") == "gzip" else content
    return ServedResponse(answer["statusCode"], answer["headers"], plain.decode(), len(content))


def get_page(path: str, **headers: str) -> ServedResponse:
    return get(path, headers=headers, problem="link-expired")


def get_asset(name: str, *, version: str | None = None, **headers: str) -> ServedResponse:
    return get("/assets/{version}/{asset}", headers=headers, version=version or app.version(), asset=name)


@pytest.mark.parametrize("path", SHELLS)
def test_serve_page_returns_shell_with_heading_and_own_scripts_only(path: str) -> None:
    served = get_page(path)

    assert served.status == 200
    assert served.headers["content-type"] == "text/html; charset=utf-8"
    assert served.headers["cache-control"] == "no-store"
    assert served.text.count("<h1>") == 1
    before_modules, script = re.findall(r"<script([^>]*)></script>", served.text)
    assert re.fullmatch(r' src="/assets/\w+/shared\.before-modules\.js"', before_modules)
    assert re.fullmatch(r' type="module" src="/assets/\w+/\w+\.js"', script)
    assert "$" not in served.text
    assert not re.search(r"<style|\son\w+=|style=", served.text)


@pytest.mark.parametrize("path", SHELLS)
def test_serve_page_references_only_existing_assets(path: str) -> None:
    for version, name in re.findall(r'(?:href|src)="/assets/(\w+)/([\w.-]+)"', get_page(path).text):
        assert version == app.version()
        assert get_asset(name).status == 200


@pytest.mark.parametrize("path", SHELLS)
def test_serve_page_preloads_each_module_so_that_one_round_trip_loads_all(path: str) -> None:
    preloaded = set(re.findall(r'<link rel="modulepreload" href="/assets/\w+/([\w.-]+)">', get_page(path).text))

    imported = {
        name for module in preloaded for name in re.findall(r'\b(?:from|import) "\./([\w.-]+)"', get_asset(module).text)
    }
    assert imported
    assert imported <= preloaded


@pytest.mark.parametrize("path", [*SHELLS, "/favicon.ico"])
def test_serve_page_sets_restrictive_security_headers(path: str) -> None:
    headers = get_page(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))

    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == "'self'"
    assert policy["connect-src"] == "'self' https://sign-in.example.com"
    assert policy["require-trusted-types-for"] == "'script'"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["vary"] == "accept-encoding, accept-language"


def test_policy_without_sign_in_allows_connections_to_own_origin_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_URL", "")

    assert "connect-src 'self';" in policy.content_security_policy()


@pytest.mark.parametrize(("accept_language", "language"), [
    ("", "en"),
    ("ja", "ja"),
    ("ja-JP,ja;q=0.9,en;q=0.8", "ja"),
    ("en-GB,ja;q=0.9", "en"),
    ("fr,ja;q=0.3,en;q=0.2", "ja"),
    ("en;q=0.2,ja;q=0.9", "ja"),
    ("ja;q=0,fr", "en"),
    ("ja;q=nonsense", "en"),
    ("de,*", "en"),
    ("JA", "ja"),
])  # fmt: skip
def test_serve_page_selects_language_from_accept_language(accept_language: str, language: str) -> None:
    assert f'<html lang="{language}" ' in get_page("/approve", **{"accept-language": accept_language}).text


@pytest.mark.parametrize("path", [*SHELLS, "/favicon.ico"])
def test_serve_page_with_head_returns_same_headers_without_body(path: str) -> None:
    headed, got = get(path, method="HEAD", problem="link-expired"), get_page(path)

    assert (headed.status, headed.text) == (got.status, "")
    assert headed.headers == got.headers


def test_serve_asset_is_cacheable_forever_only_under_current_version() -> None:
    assert get_asset("style.css").headers["cache-control"] == "public, max-age=31536000, immutable"
    assert get_asset("style.css", version="older").headers["cache-control"] == "no-store"
    assert get_asset("style.css", version="older").text == get_asset("style.css").text


@pytest.mark.parametrize("name", ["nothing.js", "page.html", "../app.py", "en.json", ""])
def test_serve_asset_with_unknown_name_returns_404(name: str) -> None:
    served = get_asset(name)

    assert (served.status, served.text) == (404, "")


@pytest.mark.parametrize(("accepted", "packed"), [
    ("gzip, deflate, br", True),
    ("br", False),
    ("", False),
    ("gzip;q=0", False),
    ("gzip;q=0.5", True),
    ("gzip;q=0, br", False),
])  # fmt: skip
def test_serve_large_response_is_compressed_only_if_gzip_is_accepted(accepted: str, packed: bool) -> None:
    for served in (
        get_asset("style.css", **{"accept-encoding": accepted}),
        get_page("/", **{"accept-encoding": accepted}),
    ):
        assert ("content-encoding" in served.headers) is packed
    assert "content-encoding" not in get_asset("icon.svg", **{"accept-encoding": accepted}).headers


@pytest.mark.parametrize("path", SHELLS)
@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_serve_page_with_assets_stays_within_weight_limit(path: str, language: str) -> None:
    assert page_weights.weigh(path, language).size <= WEIGHT_LIMITS[path]


@pytest.mark.parametrize(("source", "served"), [
    ("/** Read. */\nf();\n", "\nf();\n"),
    ("/**\n * Read.\n */\nf();\n", "\n\n\nf();\n"),
    ("  // why\n  f(); // here\n", "\nf(); // here\n"),
    ("if (a) {\n  f();\n}\n", "if (a) {\nf();\n}\n"),
    ("x = /** @type {A} */ (y) + /** @type {B} */ (z);\n", "x = (y) + (z);\n"),
    ('f("https://example.com");\n', 'f("https://example.com");\n'),
])  # fmt: skip
def test_scripts_are_served_without_comments_or_indentation_on_same_lines(source: str, served: str) -> None:
    assert served_script(source, PurePath("page.js")) == served


def test_served_scripts_import_only_assets() -> None:
    for name, asset in app.assets().items():
        if name.startswith(app.VENDORED):
            continue
        for imported in re.findall(r'(?:from |import )"([^"]*)"|import\("([^"]*)"\)', asset.content.decode()):
            specifier = "".join(imported)
            assert specifier.startswith("./"), f"{name} imports {specifier}"
            assert specifier.removeprefix("./") in app.assets(), f"{name} imports {specifier}"


@pytest.mark.parametrize(("source", "served"), [
    ('import { t } from "./texts.js";', 'import { t } from "./shared.texts.js";'),
    ('import { a } from "../account/a.js";', 'import { a } from "./account.a.js";'),
    ('import "../home.js";', 'import "./home.js";'),
    ('await import("../vendor/x.js")', 'await import("./vendor.x.js")'),
    ('import x from "elsewhere";', 'import x from "elsewhere";'),
    ('t("./texts.js")', 't("./texts.js")'),
])  # fmt: skip
def test_served_script_names_modules_as_their_urls_do(source: str, served: str) -> None:
    assert served_script(source, PurePath("shared/page.js")) == served


JAVASCRIPT_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|/\*.*?\*/|//[^\n]*', re.DOTALL)


OWN_SCRIPTS = sorted(path for path in app.STATIC.rglob("*.js") if path.parent.name != app.VENDORED)


@pytest.mark.parametrize("path", OWN_SCRIPTS, ids=lambda path: str(path.relative_to(app.STATIC)))
def test_served_script_equals_its_source_except_for_comments(path: Path) -> None:
    def without_comments(script: str) -> str:
        return JAVASCRIPT_TOKEN.sub(lambda token: "" if token[0].startswith("/") else token[0], script)

    source = re.sub(r"\s", "", without_comments(path.read_text(encoding="utf-8")))
    served = re.sub(r"\s", "", without_comments(served_script(path.read_text(encoding="utf-8"), PurePath("page.js"))))

    assert re.sub(r'"\.[\w./-]+"', "", served) == re.sub(r'"\.[\w./-]+"', "", source)


@pytest.mark.parametrize("path", OWN_SCRIPTS, ids=lambda path: str(path.relative_to(app.STATIC)))
def test_script_has_no_text_over_several_lines(path: Path) -> None:
    """Such a text would lose its indentation when it is served."""
    for token in JAVASCRIPT_TOKEN.findall(path.read_text(encoding="utf-8")):
        assert token.startswith("/") or "\n" not in token


def test_library_of_the_sign_in_is_served_unchanged_and_not_with_the_first_load() -> None:
    library = app.STATIC / app.VENDORED / "oauth4webapi.js"

    assert get_asset("vendor.oauth4webapi.js").text == library.read_text(encoding="utf-8")
    assert all("vendor." not in get_page(path).text for path in SHELLS)


# --- texts ---


def test_texts_have_same_keys_and_placeholders_in_both_languages() -> None:
    english, japanese = app.texts("en"), app.texts("ja")

    assert english.keys() - japanese.keys() == set(), "not in Japanese"
    for name, text in english.items():
        if isinstance(text, dict):
            assert set(text) == {"one", "other"}
            assert set(japanese[name]) == {"other"}
            assert set(PLACEHOLDERS.findall(text["other"])) == set(PLACEHOLDERS.findall(japanese[name]["other"])), name
        else:
            assert set(PLACEHOLDERS.findall(text)) == set(PLACEHOLDERS.findall(japanese[name])), name


@pytest.mark.parametrize("language", languages.LANGUAGES)
@pytest.mark.parametrize("error", error_classes(), ids=lambda each: str(each.code))
def test_texts_have_a_page_for_every_error_code(error: Any, language: Language) -> None:
    served = get("/problems/{problem}", headers={"accept-language": language}, problem=error.code.replace("_", "-"))

    assert served.status == 200
    assert app.texts(language)[f"error.{error.code}"]


@pytest.mark.parametrize("slug", ["nothing", "link_expired", "", "<b>"])
def test_serve_problem_page_with_unknown_slug_returns_404(slug: str) -> None:
    served = get("/problems/{problem}", problem=slug)

    assert served.status == 404
    assert "<b>" not in served.text


@pytest.mark.parametrize("script", app.SCRIPTS)
def test_texts_of_page_contain_every_text_that_its_scripts_use(script: str) -> None:
    english, of_page = app.texts("en"), app.texts_of(script, "en")
    for module in app.modules_of(f"{script}.js"):
        source = app.assets()[module].content.decode()
        named = set(re.findall(r'\b(?:t|hasText)\("([\w.]+)"', source))
        built = tuple(re.findall(r"\b(?:t|hasText)\(`([\w.]+)\$", source))
        used = named | {name for name in english if built and name.startswith(built)}
        assert used <= of_page.keys(), f"{module} uses {used - of_page.keys()}"


def test_texts_of_page_contain_no_texts_of_other_pages() -> None:
    assert not any(name.startswith(("account.", "home.", "partner.")) for name in app.texts_of("approve", "en"))
    of_pages = {name for script in app.SCRIPTS for name in app.texts_of(script, "ja")}
    assert of_pages | {"needs_script"} == app.texts("ja").keys()


def test_errors_of_programs_have_texts_on_the_page_of_problems_only() -> None:
    assert app.texts_of("problem", "en").keys() >= app.ERRORS_OF_PROGRAMS
    for script in {*app.SCRIPTS} - {"problem"}:
        assert not app.texts_of(script, "en").keys() & app.ERRORS_OF_PROGRAMS
        assert "error.unexpected" in app.texts_of(script, "en")


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_permission_texts_cover_the_whole_catalogue(language: Language) -> None:
    texts = languages.permission_labels(language)
    named = {name for group in texts["groups"] for name in group["names"]} | texts["single"].keys()

    assert named == CATALOGUE
    assert set(texts["scoped"]) <= named
    assert all(verb and noun for group in texts["groups"] for verb, noun in group["names"].values())
    assert texts["unnamed"].count("{}") == 1
    assert all("{}" in text for text in texts["narrowed"].values())


def test_serve_texts_returns_javascript_module_with_the_table() -> None:
    module = get_asset("texts.approve.ja.js").text

    assert json.loads(module.removeprefix("export default ").rstrip(";\n")) == app.texts_of("approve", "ja")


def test_scripts_never_render_length_of_an_empty_list() -> None:
    for path in app.STATIC.rglob("*.js"):
        assert not re.search(r"[^!\w.][\w.]+\.length && (?:h|bulletList|button)\(", path.read_text(encoding="utf-8")), (
            path.name
        )


def test_scripts_never_write_html() -> None:
    for path in app.STATIC.rglob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", path.read_text(encoding="utf-8")
        )
