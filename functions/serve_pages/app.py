"""Serve the web pages. They have no rights of their own, since each calls the API with the user's token.

The files are in static/ and have a version in their URL. Each page has a table of its texts in each language.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cache
from gzip import compress
from hashlib import sha256
from html import escape
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import Any, Final

from partner_access import settings
from partner_access.api.errors import error_classes
from partner_access.api.negotiation import takes_gzip
from partner_access.emails.permission_texts import Language
from partner_access.lambda_context import Event
from partner_access.web import unknown_address
from partner_access.web.assets import Asset, PageResponse, served_name, served_script
from partner_access.web.headers import YEAR_SECONDS, page_headers
from partner_access.web.languages import LANGUAGES, Texts, language_of, permission_labels
from partner_access.web.policy import content_security_policy

STATIC: Final = Path(__file__).with_name("static")
METHODS: Final = ("GET", "HEAD")
SCRIPTS: Final = ("home", "approve", "account", "partner", "problem")
"""Names of the pages' scripts. The names of texts that only one page shows begin with its name."""
VENDORED: Final = "vendor"
"""The folder of other projects' scripts, which are served as they are."""
ERRORS_OF_PROGRAMS: Final = frozenset(
    f"error.{code}"
    for code in (
        "body_too_large",
        "email_in_use",
        "idempotency_key_required",
        "idempotency_key_reused",
        "invalid_etag",
        "invalid_idempotency_key",
        "kind_is_fixed",
        "limit_below_use",
        "malformed_body",
        "method_not_allowed",
        "precondition_required",
        "reserved_subject",
        "secret_in_url",
        "unsupported_media_type",
    )
)
"""Texts of errors that only programs cause. Of the pages, only that of problems has them."""
MIN_COMPRESSED_BYTES: Final = 1024
"""Contents shorter than this, in bytes, are not compressed."""

CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

ApiResponse = dict[str, Any]


# --- texts ---


@cache
def texts(language: Language) -> Texts:
    """Return all texts of the pages. The English texts of errors are their details."""
    language_texts: Texts = json.loads((STATIC / f"texts/{language}.json").read_text(encoding="utf-8"))
    english = {f"error.{error.code}": error.detail for error in error_classes()} if language == "en" else {}
    return {**english, **unknown_address.TEXTS[language], **language_texts}


# --- assets ---


@cache
def static_assets() -> Mapping[str, Asset]:
    """Return the static files by their served names."""
    found: dict[str, Asset] = {}
    for file in sorted(STATIC.rglob("*")):
        if file.suffix in CONTENT_TYPES:
            path = file.relative_to(STATIC)
            text = file.read_text(encoding="utf-8")
            is_own_script = file.suffix == ".js" and path.parts[0] != VENDORED
            content = served_script(text, path) if is_own_script else text
            found[served_name(path)] = Asset(content.encode(), CONTENT_TYPES[file.suffix])
    return found


def modules_of(script: str) -> tuple[str, ...]:
    """Return the script and all modules that it imports, so that the browser can load them in parallel."""
    found: list[str] = []
    queue = [script]
    while queue:
        name = queue.pop(0)
        if name not in found:
            found.append(name)
            queue += static_assets()[name].imports
    return tuple(found)


def texts_of(script: str, language: Language) -> Texts:
    """Return the texts that a page can show: its own, those that its modules name, and those of groups that they name.

    The group of a text is what stands before its first dot. Texts of another page are not shown as a group.
    """
    modules = [static_assets()[module] for module in modules_of(f"{script}.js")]
    named = {text for module in modules for text in module.quoted_names}
    groups = {group for module in modules for group in module.quoted_groups} - {*SCRIPTS} | {script}
    left_out = frozenset() if script == "problem" else ERRORS_OF_PROGRAMS
    return {
        name: text
        for name, text in texts(language).items()
        if name in named or (name.partition(".")[0] in groups and name not in left_out)
    }


@cache
def assets() -> Mapping[str, Asset]:
    """Return all assets by name: the static files, and modules of the texts of each page and of the permissions."""
    found = dict(static_assets())
    for language in LANGUAGES:
        tables = {f"texts.{script}": texts_of(script, language) for script in SCRIPTS}
        for name, table in {**tables, "permissions": permission_labels(language)}.items():
            module = f"export default {json.dumps(table, ensure_ascii=False, separators=(',', ':'))};\n"
            found[f"{name}.{language}.js"] = Asset(module.encode(), CONTENT_TYPES[".js"])
    return found


@cache
def version() -> str:
    """Return the version of the assets, which changes with any byte of them."""
    digest = sha256()
    for name, asset in assets().items():
        digest.update(f"{name} {len(asset.content)} ".encode() + asset.content)
    return digest.hexdigest()[:12]


@cache
def compressed(name: str) -> bytes:
    return compress(assets()[name].content, mtime=0)


# --- pages ---


def url_of(asset: str) -> str:
    return f"/assets/{version()}/{asset}"


def _page(name: str, script: str, event: Event, *, lead: str = "", status: HTTPStatus = HTTPStatus.OK) -> PageResponse:
    """Render the HTML that all pages share. The script of the page fills it."""
    language = language_of(event)
    page_texts = texts(language)
    modules = modules_of(f"{script}.js")
    tables = [f"texts.{script}.{language}.js"]
    if "shared.permissions.js" in modules:
        tables.append(f"permissions.{language}.js")
    heading = page_texts[f"{name}.title"]
    return PageResponse(
        Template((STATIC / "page.html").read_text(encoding="utf-8"))
        .substitute(
            language=language,
            page=script,
            title=escape(f"{heading} – {page_texts['product']}"),
            product=escape(page_texts["product"]),
            skip=escape(page_texts["skip"]),
            heading=escape(heading),
            lead=escape(lead or page_texts[f"{name}.lead"]),
            needs_script=escape(page_texts["needs_script"]),
            before_modules=url_of("shared.before-modules.js"),
            failed=escape(page_texts["failed"]),
            reload=escape(page_texts["reload"]),
            script=url_of(f"{script}.js"),
            style=url_of("style.css"),
            icon=url_of("icon.svg"),
            preloads="\n".join(f'<link rel="modulepreload" href="{url_of(module)}">' for module in (*modules, *tables)),
            authorization_url=escape(settings.authorization_url()),
            token_url=escape(settings.token_url()),
            sign_out_url=escape(settings.sign_out_url()),
            client_id=escape(settings.pages_client_id()),
            user_id_claim=escape(settings.user_id_claim()),
            scope=escape(f"openid email {settings.use_scope()}"),
        )
        .encode(),
        "text/html; charset=utf-8",
        status,
    )


def serve_home(event: Event) -> PageResponse:
    """Serve the start page, which is also the redirect target of the sign-in."""
    return _page("home", "home", event)


def serve_approve(event: Event) -> PageResponse:
    return _page("approve", "approve", event)


def serve_account(event: Event) -> PageResponse:
    return _page("account", "account", event)


def serve_partner(event: Event) -> PageResponse:
    return _page("partner", "partner", event)


def serve_problem(event: Event) -> PageResponse:
    """Serve the explanation of an error, at the URL that is its RFC 9457 type."""
    slug, page_texts = event["pathParameters"]["problem"], texts(language_of(event))
    meaning = page_texts.get(f"error.{slug.replace('-', '_')}") if "_" not in slug else None
    if meaning is None:
        return _page("missing", "problem", event, lead=page_texts["missing.body"], status=HTTPStatus.NOT_FOUND)
    return _page("problem", "problem", event, lead=meaning)


def serve_asset(event: Event) -> PageResponse:
    """Serve an asset. It can be cached forever under its current version, and not at all under another one."""
    name = event["pathParameters"]["asset"]
    asset = assets().get(name)
    if not asset:
        return PageResponse(b"", "text/plain; charset=utf-8", HTTPStatus.NOT_FOUND)
    is_current = event["pathParameters"]["version"] == version()
    return PageResponse(
        asset.content,
        asset.content_type,
        cache_control=f"public, max-age={YEAR_SECONDS}, immutable" if is_current else "no-store",
    )


def serve_icon(_: Event) -> PageResponse:
    """Serve the icon at the traditional path /favicon.ico."""
    icon = assets()["icon.svg"]
    return PageResponse(icon.content, icon.content_type, cache_control="public, max-age=86400")


PAGES: Final[Mapping[str, Callable[[Event], PageResponse]]] = {
    "/": serve_home,
    "/accounts/{account_id}": serve_account,
    "/approve": serve_approve,
    "/assets/{version}/{asset}": serve_asset,
    "/favicon.ico": serve_icon,
    "/partners/{partner_id}": serve_partner,
    "/problems/{problem}": serve_problem,
}

routes: Final = tuple(f"{method} {path}" for path in PAGES for method in METHODS)


def handler(event: Event, _: object) -> ApiResponse:
    """Handle a Lambda event. It only reads files that are deployed with the function."""
    method, _, path = event["routeKey"].partition(" ")
    page = PAGES[path](event)
    headers = {
        "content-type": page.content_type,
        "cache-control": page.cache_control,
        **page_headers(content_security_policy()),
    }
    if method == "HEAD":
        return {"statusCode": int(page.status), "headers": headers, "body": ""}
    if len(page.content) < MIN_COMPRESSED_BYTES or not takes_gzip(event["headers"].get("accept-encoding", "")):
        return {"statusCode": int(page.status), "headers": headers, "body": page.content.decode()}
    body = b64encode(_compressed(event, page)).decode()
    headers["content-encoding"] = "gzip"
    return {"statusCode": int(page.status), "headers": headers, "body": body, "isBase64Encoded": True}


def _compressed(event: Event, page: PageResponse) -> bytes:
    name = (event.get("pathParameters") or {}).get("asset")
    return compressed(name) if name else compress(page.content, mtime=0)
