"""Find a link's secret in a URL, because URLs are logged (threat-model.md §2.1).

The search is linear. Its parts do not overlap, and each is searched once.
"""

import re
from collections.abc import Iterator
from typing import Final

PREFIX: Final = "pal_"
DOT: Final = re.compile(r"\.|%2E", re.IGNORECASE)
NO_PART_OF_A_NAME: Final = re.compile(r"[^\w-]", re.ASCII)
LINK_ID: Final = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


def has_secret(url: str) -> bool:
    """Return whether the URL contains enough of a link's secret that no id can match by mistake."""
    return any(PREFIX in name[:-1] for name in names_before_link_ids(url.lower()))


def names_before_link_ids(url: str) -> Iterator[str]:
    """Yield the texts that stand before a dot and an id of a link, as the partner in a secret does."""
    before, *others = DOT.split(url)
    for after in others:
        if LINK_ID.match(after):
            yield NO_PART_OF_A_NAME.split(before)[-1]
        before = after
