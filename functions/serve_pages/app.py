"""GET /…: the pages that people see. They hold no right of their own: each asks the API with the token of its reader.

What is served stands in static/, under an address that names its version; words are a table for each language.
"""

import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from gzip import compress
from hashlib import sha256
from html import escape
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import Any, Final

from partner_access.domain.errors import Refused
from partner_access.emails.permission_texts import Language
from partner_access.lambda_context import Event
from partner_access.web.assets import Asset, Shown
from partner_access.web.headers import policy, takes_gzip
from partner_access.web.languages import LANGUAGES, Words, language_of, permissions

STATIC: Final = Path(__file__).with_name("static")
METHODS: Final = ("GET", "HEAD")
A_YEAR: Final = 31_536_000
TABLES: Final = ("words", "permissions")
"""Each is a module that loads the one of its language."""
SMALL: Final = 1024
"""Fewer bytes than this are not worth compressing."""

KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

Response = dict[str, Any]


# --- words ---


def _refusals(kind: type[Refused] = Refused) -> Iterator[type[Refused]]:
    """The refusals that say something themselves: the leaves of the tree."""
    for each in kind.__subclasses__():
        yield from _refusals(each) if each.__subclasses__() else [each]


@cache
def words(language: Language) -> Words:
    """All that pages say; what a refusal means stands in English where it is made, in refusals.py."""
    told: Words = json.loads((STATIC / f"words/{language}.json").read_text(encoding="utf-8"))
    english = {f"refused.{refusal.code}": refusal.detail for refusal in _refusals()}
    return english | told if language == "en" else told


# --- what pages load ---


@cache
def assets() -> Mapping[str, Asset]:
    """By name: the files, and a module of words and one of permissions for each language."""
    found = {
        path.name: Asset(path.read_bytes(), KINDS[path.suffix])
        for path in sorted(STATIC.iterdir())
        if path.suffix in KINDS
    }
    for language in LANGUAGES:
        for name, table in zip(TABLES, (words(language), permissions(language)), strict=True):
            module = f"export default {json.dumps(table, ensure_ascii=False, separators=(',', ':'))};\n"
            found[f"{name}.{language}.js"] = Asset(module.encode(), KINDS[".js"])
    return found


@cache
def version() -> str:
    """Changes with any byte of what pages load."""
    digest = sha256()
    for name, asset in assets().items():
        digest.update(f"{name} {len(asset.content)} ".encode() + asset.content)
    return digest.hexdigest()[:12]


@cache
def compressed(name: str) -> bytes:
    return compress(assets()[name].content, mtime=0)


def modules_of(script: str) -> tuple[str, ...]:
    """The script and all that it stands on, so that the browser can load them at once."""
    found: list[str] = []
    waiting = [script]
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found.append(name)
            waiting += assets()[name].imports
    return tuple(found)


# --- pages ---


def address_of(asset: str) -> str:
    return f"/assets/{version()}/{asset}"


def _page(name: str, script: str, event: Event, *, lead: str = "", status: HTTPStatus = HTTPStatus.OK) -> Shown:
    """The shell that every page shares; the script fills it."""
    language = language_of(event)
    told = words(language)
    modules = modules_of(script)
    tables = [f"{table}.{language}.js" for table in TABLES if f"{table}.js" in modules]
    heading = told[f"{name}.title"]
    return Shown(
        Template((STATIC / "shell.html").read_text(encoding="utf-8"))
        .substitute(
            language=language,
            title=escape(f"{heading} – {told['product']}"),
            product=escape(told["product"]),
            skip=escape(told["skip"]),
            heading=escape(heading),
            lead=escape(lead or told[f"{name}.lead"]),
            needs_script=escape(told["needs_script"]),
            early=address_of("early.js"),
            script=address_of(script),
            style=address_of("style.css"),
            icon=address_of("icon.svg"),
            preloads="\n".join(
                f'<link rel="modulepreload" href="{address_of(module)}">' for module in (*modules, *tables)
            ),
            authorization_url=escape(os.environ["AUTHORIZATION_URL"]),
            token_url=escape(os.environ["TOKEN_URL"]),
            sign_out_url=escape(os.environ["SIGN_OUT_URL"]),
            client_id=escape(os.environ["PAGES_CLIENT_ID"]),
            scope=escape(f"openid email {os.environ['USE_SCOPE']}"),
        )
        .encode(),
        "text/html; charset=utf-8",
        status,
    )


def show_home(event: Event) -> Shown:
    """Where everybody starts, and where the sign-in leads back to."""
    return _page("home", "home.js", event)


def show_approve(event: Event) -> Shown:
    return _page("approve", "approve.js", event)


def show_account(event: Event) -> Shown:
    return _page("account", "account.js", event)


def show_partner(event: Event) -> Shown:
    return _page("partner", "partner.js", event)


def show_problem(event: Event) -> Shown:
    """What a refusal means: the page at the address that is its RFC 9457 type."""
    slug, told = event["pathParameters"]["problem"], words(language_of(event))
    meaning = told.get(f"refused.{slug.replace('-', '_')}") if "_" not in slug else None
    if meaning is None:
        return _page("missing", "problem.js", event, lead=told["missing.body"], status=HTTPStatus.NOT_FOUND)
    return _page("problem", "problem.js", event, lead=meaning)


def show_asset(event: Event) -> Shown:
    """What pages load, for good under its version; under another it is shown, but not to be kept."""
    name = event["pathParameters"]["asset"]
    asset = assets().get(name)
    if not asset:
        return Shown(b"", "text/plain; charset=utf-8", HTTPStatus.NOT_FOUND)
    named = event["pathParameters"]["version"] == version()
    return Shown(asset.content, asset.kind, kept=f"public, max-age={A_YEAR}, immutable" if named else "no-store")


def show_icon(_: Event) -> Shown:
    """For whoever asks for it by the name that it has had of old."""
    icon = assets()["icon.svg"]
    return Shown(icon.content, icon.kind, kept="public, max-age=86400")


PAGES: Final[Mapping[str, Callable[[Event], Shown]]] = {
    "/": show_home,
    "/accounts/{account_id}": show_account,
    "/approve": show_approve,
    "/assets/{version}/{asset}": show_asset,
    "/favicon.ico": show_icon,
    "/partners/{partner_id}": show_partner,
    "/problems/{problem}": show_problem,
}

routes: Final = tuple(f"{method} {path}" for path in PAGES for method in METHODS)


def handler(event: Event, _: object) -> Response:
    """Lambda's handler; nothing is read or written but what shipped with it."""
    method, _, path = event["routeKey"].partition(" ")
    shown = PAGES[path](event)
    headers = {
        "content-type": shown.kind,
        "cache-control": shown.kept,
        "vary": "accept-encoding, accept-language",
        "content-security-policy": policy(),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "referrer-policy": "no-referrer",
        "strict-transport-security": f"max-age={A_YEAR}",
        "x-content-type-options": "nosniff",
    }
    if method == "HEAD":
        return {"statusCode": int(shown.status), "headers": headers, "body": ""}
    if len(shown.content) < SMALL or not takes_gzip(event):
        return {"statusCode": int(shown.status), "headers": headers, "body": shown.content.decode()}
    body = b64encode(_compressed(event, shown)).decode()
    headers["content-encoding"] = "gzip"
    return {"statusCode": int(shown.status), "headers": headers, "body": body, "isBase64Encoded": True}


def _compressed(event: Event, shown: Shown) -> bytes:
    name = (event.get("pathParameters") or {}).get("asset")
    return compressed(name) if name else compress(shown.content, mtime=0)
