"""Content negotiation (RFC 9110 §12.5): the media type, language and encoding that a caller prefers."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)
"""Matches the weight of a value in an Accept header. Weight 0 means not acceptable."""


class MediaType(StrEnum):
    """Media type of a response."""

    JSON = "application/json"
    CSV = "text/csv"
    HTML = "text/html"


def weights(header: str) -> dict[str, float]:
    """Return the weight of each value of an Accept header, in the order of the header and in lower case.

    A value without a valid weight is left out. Of a repeated value, the highest weight counts.
    """
    found: dict[str, float] = {}
    for each in re.sub(r"[ \t]", "", header.lower()).split(","):
        value, *parameters = each.split(";")
        weight = next((it.removeprefix("q=") for it in parameters if it.startswith("q=")), "1")
        if WEIGHT.fullmatch(weight):
            found[value] = max(float(weight), found.get(value, 0))
    return found


def preferred_media_type(header: str) -> MediaType:
    """Return the media type that the client prefers, or JSON if it has no preference."""
    return MediaType.CSV if _is_preferred(MediaType.CSV, header) else MediaType.JSON


def prefers_html(header: str) -> bool:
    """Return whether the client prefers a page to JSON, as browsers do when a user opens an address."""
    return _is_preferred(MediaType.HTML, header)


def _is_preferred(kind: MediaType, header: str) -> bool:
    found = weights(header)
    return _media_type_rank(found, kind) > _media_type_rank(found, MediaType.JSON)


def _media_type_rank(found: Mapping[str, float], kind: MediaType) -> tuple[float, int]:
    """Return the weight of a media type and the rank of the most specific range that names it.

    The exact type takes precedence over its type range, and that over `*/*`. With equal weights, the more specific
    range wins.
    """
    ranges = ("*/*", kind.partition("/")[0] + "/*", kind)
    nearest = max((rank for rank, each in enumerate(ranges) if each in found), default=0)
    weight = found.get(ranges[nearest], 0)
    return weight, nearest if weight else 0


def preferred_language(header: str, languages: tuple[str, ...]) -> str | None:
    """Return the language that the user prefers most of these, or None if they accept none of them.

    Of equal weights, the first in the header wins. A region, as in `ja-JP`, does not matter.
    """
    found = [(weight, tag.partition("-")[0]) for tag, weight in weights(header).items() if weight]
    return max(
        ((weight, language) for weight, language in found if language in languages),
        key=lambda each: each[0],
        default=(0.0, None),
    )[1]


def takes_gzip(header: str) -> bool:
    return weights(header).get("gzip", 0) > 0
