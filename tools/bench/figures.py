"""What a bench measured, beside what was aimed at."""

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
    """One row: smaller is better where there is a target; `spread` is where the middle half of the pairs lies.

    `reason` says why it was missed, should it be; `unit` stands behind each number, × for a ratio.
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
        """The median of what pairs measured one after the other came to."""
        lower, middle, upper = statistics.quantiles(ratios, n=4)
        return cls(name=name, measured=middle, spread=(lower, upper), **more)

    @property
    def met(self) -> bool | None:
        """Nothing can be said where nothing was aimed at."""
        return None if self.target is None else self.measured <= self.target

    def format(self, number: float | None) -> str:
        """A number as people read it, nothing where there is none."""
        if number is None:
            return ""
        if self.unit == "×":
            return f"{number:.2f}"
        digits = f"{number:,.2f}".rstrip("0").rstrip(".")
        return f"{digits} {self.unit}".strip()


def store_figures(part: str, figures: Sequence[Figure], folder: Path = FOLDER) -> None:
    """Until the page is written."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(figure) for figure in figures], indent=1)
    (folder / f"{part}.json").write_text(text, encoding="utf-8")


def stored_figures(part: str, folder: Path = FOLDER) -> tuple[Figure, ...]:
    """What the part measured when it was last run, nothing if it never was."""
    file = folder / f"{part}.json"
    if not file.exists():
        return ()
    found = json.loads(file.read_text(encoding="utf-8"))
    return tuple(Figure(**{**each, "spread": each["spread"] and tuple(each["spread"])}) for each in found)
