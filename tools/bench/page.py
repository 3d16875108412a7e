"""Write BENCHMARKS.md: each measurement with its method, its targets and the machine."""

import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tools.bench import plot
from tools.bench.figures import Figure
from tools.bench.measurements import MEASUREMENTS, Measurement
from tools.template import ROOT

PAGE: Final = ROOT / "BENCHMARKS.md"
PICTURE: Final = ROOT / "docs/benchmarks.svg"
HEAD: Final = """# Benchmarks

Results of `make bench`. Each part writes its own section when it ends. Times are ratios of processor time within one run, from alternating
pairs: the median and the interquartile range. Requests, units and bytes are counts. An absolute time is valid for this
machine only. The targets are those of `docs/performance.md`.

![Each figure as a share of its target](docs/benchmarks.svg)
"""
COLUMNS: Final = ("Figure", "Target", "Stretch", "Measured", "Interquartile range", "Met")
MET: Final = {None: "", True: "yes", False: "**no**"}
MISSED: Final = "Missed targets"


def write_section(measurement: Measurement, figures: Sequence[Figure], page: Path = PAGE) -> None:
    """Write the section of one measurement, and its missed targets. The other sections stay as they are."""
    found = _sections(page.read_text(encoding="utf-8") if page.exists() else "")
    found[measurement.title] = _section(measurement, figures)
    tables = [found[each.title] for each in MEASUREMENTS if each.title in found]
    missed = _missed_section(found.get(MISSED, ""), figures, "".join(tables))
    page.write_text("\n".join(filter(None, [HEAD, *tables, missed])), encoding="utf-8")


def draw_picture(figures: Iterable[Figure], picture: Path = PICTURE) -> None:
    """Draw the figures that have a target."""
    picture.write_text(plot.draw([each for each in figures if each.target is not None]), encoding="utf-8")


def _sections(text: str) -> dict[str, str]:
    """Return the sections of the page by title."""
    _, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return {each.partition("\n")[0].removeprefix("## "): each.rstrip("\n") + "\n" for each in sections}


def cells(figure: Figure) -> tuple[str, ...]:
    """Return a figure as a row of cells under `COLUMNS`."""
    spread = " - ".join(map(figure.format, figure.spread)) if figure.spread else ""
    target = f"≤ {figure.format(figure.target)}" if figure.target is not None else ""
    stretch = figure.format(figure.stretch)
    return figure.name, target, stretch, figure.format(figure.measured), spread, MET[figure.met]


def _machine() -> str:
    return (
        f"Run on {datetime.now(UTC):%Y-%m-%d} on {platform.system()} ({platform.machine()}) with {os.cpu_count()} "
        f"processors and {platform.python_implementation()} {platform.python_version()}.\n"
    )


def _section(measurement: Measurement, figures: Sequence[Figure]) -> str:
    rows = [COLUMNS, ("---", *["--:"] * (len(COLUMNS) - 1)), *map(cells, figures)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"## {measurement.title}\n\n{measurement.about}\n\n{_machine()}\n{table}"


def _missed_section(before: str, figures: Sequence[Figure], tables: str) -> str:
    """Return the section of missed targets: those of these figures, and the earlier ones of other tables."""
    names = {figure.name for figure in figures}
    earlier = [(line.split("**")[1], line) for line in re.findall(r"^- .*\n", before, re.MULTILINE)]
    others = [line for name, line in earlier if name not in names and f"| {name} |" in tables]
    missed = [
        f"- **{figure.name}**: {figure.reason or 'not known yet.'}\n" for figure in figures if figure.met is False
    ]
    return f"## {MISSED}\n\n" + "".join(others + missed) if others + missed else ""
