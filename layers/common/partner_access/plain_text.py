"""Invisible characters, and the dots that email programs and browsers read as the dots of a domain."""

import re
import unicodedata
from typing import Final

INVISIBLE_CHARACTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")
"""Characters that are invisible. Those in Unicode's control and format categories are recognized by category."""
VISIBLE_CATEGORIES: Final = ("L", "N", "P", "S")

DOT: Final = "[.．․。｡]"
"""The dots of IDNA, and the one dot leader, which NFKC makes a full stop."""
DOMAIN_DOTS: Final = re.compile(r"(?<=\w)[.．․](?=[^\W\d_]{2})|(?<=\w)[。｡](?=[a-zａ-ｚ]{2})", re.IGNORECASE)
"""Dots in anything like a domain name. An ideographic full stop before Japanese text ends a sentence."""


def is_invisible(character: str) -> bool:
    return character in INVISIBLE_CHARACTERS or unicodedata.category(character).startswith("C")


def has_visible_character(text: str) -> bool:
    """Return whether a reader sees anything. Marks alone, such as accents and variation selectors, do not count."""
    return any(not is_invisible(each) and unicodedata.category(each).startswith(VISIBLE_CATEGORIES) for each in text)


def with_full_stops(text: str) -> str:
    """Return the text in NFKC with a full stop for each dot of a domain."""
    return re.sub(DOT, ".", unicodedata.normalize("NFKC", text))
