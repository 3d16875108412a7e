"""Content negotiation: which media type the caller accepts (RFC 9110 §12.5.1)."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)
"""How much an answer of a kind is liked; one of weight 0 is not."""


class MediaType(StrEnum):
    """How an answer is written."""

    JSON = "application/json"
    CSV = "text/csv"


def accepted(header: str) -> MediaType:
    """The one that is liked best (RFC 9110 §12.5.1); JSON where both are liked alike, or neither is."""
    liked: dict[str, float] = {}
    for each in header.lower().replace(" ", "").replace("\t", "").split(","):
        named, *parameters = each.split(";")
        weight = next((it.removeprefix("q=") for it in parameters if it.startswith("q=")), "1")
        if WEIGHT.fullmatch(weight):
            liked[named] = max(float(weight), liked.get(named, 0))
    csv, json_ = (_preference(liked, kind) for kind in (MediaType.CSV, MediaType.JSON))
    return MediaType.CSV if csv > json_ else MediaType.JSON


def _preference(weights: Mapping[str, float], kind: MediaType) -> tuple[float, int]:
    """What is said of this very type counts before what is said of all like it, or of all, and more when they are equal."""
    ranges = ("*/*", kind.partition("/")[0] + "/*", kind)
    nearest = max((rank for rank, each in enumerate(ranges) if each in weights), default=0)
    weight = weights.get(ranges[nearest], 0)
    return weight, nearest if weight else 0
