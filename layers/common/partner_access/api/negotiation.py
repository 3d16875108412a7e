"""Content negotiation: which media type the caller accepts (RFC 9110 §12.5.1)."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)
"""Matches the weight of a media type in an Accept header. Weight 0 means not acceptable."""


class MediaType(StrEnum):
    """Media type of a response."""

    JSON = "application/json"
    CSV = "text/csv"


def accepted(header: str) -> MediaType:
    """Return the media type that the client prefers (RFC 9110 §12.5.1), or JSON if it has no preference."""
    liked: dict[str, float] = {}
    for each in header.lower().replace(" ", "").replace("\t", "").split(","):
        named, *parameters = each.split(";")
        weight = next((it.removeprefix("q=") for it in parameters if it.startswith("q=")), "1")
        if WEIGHT.fullmatch(weight):
            liked[named] = max(float(weight), liked.get(named, 0))
    csv, json_ = (_preference(liked, kind) for kind in (MediaType.CSV, MediaType.JSON))
    return MediaType.CSV if csv > json_ else MediaType.JSON


def _preference(weights: Mapping[str, float], kind: MediaType) -> tuple[float, int]:
    """Return the weight of a media type and the rank of the most specific range that names it.

    The exact type takes precedence over its type range, and that over `*/*`. With equal weights, the more specific
    range wins.
    """
    ranges = ("*/*", kind.partition("/")[0] + "/*", kind)
    nearest = max((rank for rank, each in enumerate(ranges) if each in weights), default=0)
    weight = weights.get(ranges[nearest], 0)
    return weight, nearest if weight else 0
