"""Measured figures with their targets."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from tools.template import ROOT

FOLDER: Final = ROOT / ".local/bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A row of the page. Smaller values are better. `spread` is the range of the middle half of the pairs.

    `reason` explains a missed target. `unit` follows each number, and × means a ratio.
    """

    name: str
    measured: float
    target: float | None = None
    stretch: float | None = None
    spread: tuple[float, float] | None = None
    unit: str = "×"
    reason: str = ""

    @classmethod
    def of_ratios(cls, name: str, ratios: Sequence[float], **more: Any) -> Self:
        """Return a figure of ratios, each measured as a pair: their median, with the quartiles as its spread."""
        lower, middle, upper = statistics.quantiles(ratios, n=4)
        return cls(name=name, measured=middle, spread=(lower, upper), **more)

    @property
    def met(self) -> bool | None:
        """Return whether the target is met, or None without a target."""
        return None if self.target is None else self.measured <= self.target

    def format(self, number: float | None) -> str:
        """Return a number in readable form, or an empty string for None."""
        if number is None:
            return ""
        if self.unit == "×":
            return f"{number:.2f}"
        digits = f"{number:,.2f}".rstrip("0").rstrip(".")
        return f"{digits} {self.unit}".strip()


def store_figures(part: str, figures: Sequence[Figure], folder: Path = FOLDER) -> None:
    """Store the figures until the page is written."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(figure) for figure in figures], indent=1)
    (folder / f"{part}.json").write_text(text, encoding="utf-8")


def stored_figures(part: str, folder: Path = FOLDER) -> tuple[Figure, ...]:
    """Return the stored figures of a part's last run, or nothing if it never ran."""
    file = folder / f"{part}.json"
    if not file.exists():
        return ()
    found = json.loads(file.read_text(encoding="utf-8"))
    return tuple(Figure(**{**each, "spread": each["spread"] and tuple(each["spread"])}) for each in found)
