"""Write BENCHMARKS.md: each measurement with its method, its targets and the machine."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tools.bench import plot
from tools.bench.figures import Figure
from tools.bench.measurements import Measurement
from tools.template import ROOT

PAGE: Final = ROOT / "BENCHMARKS.md"
PICTURE: Final = ROOT / "docs/benchmarks.svg"
HEAD: Final = """# Benchmarks

Results of `make bench`, which writes this file. Times are ratios of processor time within one run, from alternating
pairs: the median and the interquartile range. Requests, units and bytes are counts. An absolute time is valid for this
machine only. The targets are those of `docs/performance.md`.

![Each figure as a share of its target](docs/benchmarks.svg)
"""
COLUMNS: Final = ("Figure", "Target", "Stretch", "Measured", "Interquartile range", "Met")
MET: Final = {None: "", True: "yes", False: "**no**"}

Sections = Sequence[tuple[Measurement, Sequence[Figure]]]


def write(sections: Sections, page: Path = PAGE, picture: Path = PICTURE) -> None:
    """Write the page and its picture again."""
    with_target = [figure for _, figures in sections for figure in figures if figure.target is not None]
    blocks = [HEAD, _machine(), *(_section(*each) for each in sections), _missed_section(with_target)]
    page.write_text("\n".join(filter(None, blocks)), encoding="utf-8")
    picture.write_text(plot.draw(with_target), encoding="utf-8")


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
    return f"## {measurement.title}\n\n{measurement.about}\n\n{table}"


def _missed_section(figures: Sequence[Figure]) -> str:
    missed = [
        f"- **{figure.name}**: {figure.reason or 'not known yet.'}\n" for figure in figures if figure.met is False
    ]
    return "## Missed targets\n\n" + "".join(missed) if missed else ""
