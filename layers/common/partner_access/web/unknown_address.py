"""The response to a browser at an address without a page: an explanation, or the page of a link that was rewritten."""

import re
from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import unquote

from partner_access.domain.links.secrets import TEXT_PATTERN
from partner_access.emails.permission_texts import Language

TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "missing.title": "There is no such page",
        "missing.body": "Check the address, or start from your accounts.",
        "to_start": "To your accounts",
    },
    "ja": {
        "missing.title": "ページが見つかりません",
        "missing.body": "アドレスをご確認いただくか、アカウントの一覧からお進みください。",
        "to_start": "アカウントの一覧へ",
    },
}
"""Texts by language. The pages show them too, with the same names."""
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REWRITTEN_LINK: Final = re.compile(rf"/approve#({TEXT_PATTERN})", re.ASCII)


def page(language: Language) -> str:
    """Return the page that says that there is no page at this address. It needs no script."""
    texts = {name: escape(text) for name, text in TEXTS[language].items()}
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{texts["missing.title"]}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        '<link rel="stylesheet" href="/assets/any/style.css"></head>'
        f'<body><main><h1>{texts["missing.title"]}</h1><p class="lead">{texts["missing.body"]}</p>'
        f'<p><a href="/">{texts["to_start"]}</a></p></main></body></html>\n'
    )


def secret_of_rewritten_link(path: str) -> str | None:
    """Return the secret of a link in which an email gateway has encoded the number sign, once or twice.

    Whatever follows the secret is not part of it.
    """
    found = REWRITTEN_LINK.match(unquote(unquote(path)))
    return found[1] if found else None
