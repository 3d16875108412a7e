"""The measurements, in the order in which they are made and stand on the page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tools.bench import decisions
from tools.bench.figures import Figure


@dataclass(frozen=True, slots=True)
class Measurement:
    """`about` says on the page what was measured, and how."""

    name: str
    title: str
    about: str
    figures: Callable[[], Iterable[Figure]]


MEASUREMENTS: Final = (
    Measurement(
        "decisions",
        "Decisions",
        "`decide_access` as it ships, with DynamoDB's answer given inside botocore: signing, serialising and parsing are "
        "in, the network is not.",
        decisions.figures,
    ),
)
