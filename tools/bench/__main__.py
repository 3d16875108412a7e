"""Run the benchmarks, print them, and write BENCHMARKS.md with its picture: `python -m tools.bench`."""

import time
from itertools import chain
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tools.bench import page
from tools.bench.counts import CountFailed
from tools.bench.figures import Figure, store_figures, stored_figures
from tools.bench.measurements import MEASUREMENTS, Measurement

console = Console()
app = typer.Typer(add_completion=False)


@app.command()
def bench(
    only: Annotated[list[str] | None, typer.Option(help="name of a measurement, repeatable")] = None,
) -> None:
    """Run the measurements one after the other.

    Each one writes its section when it ends. The sections of others stay as they are. One that fails stops no other.
    """
    unknown = set(only or ()) - {each.name for each in MEASUREMENTS}
    if unknown:
        raise typer.BadParameter(f"no such measurement: {', '.join(sorted(unknown))}")
    failed = [each.name for each in MEASUREMENTS if (not only or each.name in only) and not _run(each)]
    if failed:
        console.print(f"[red]failed: {', '.join(failed)}")
        raise typer.Exit(1)


def _run(measurement: Measurement) -> bool:
    """Run a measurement and write its section. Return False if one of its tests failed."""
    began = time.monotonic()
    try:
        figures = tuple(measurement.figures())
    except CountFailed as failure:
        console.print(f"{measurement.title}: {failure}", markup=False)
        return False
    store_figures(measurement.name, figures)
    console.print(_table(measurement.title, figures, time.monotonic() - began))
    page.write_section(measurement, figures)
    stored = [stored_figures(each.name) for each in MEASUREMENTS]
    if all(stored):
        page.draw_picture(chain.from_iterable(stored))
    return True


def _table(title: str, figures: tuple[Figure, ...], seconds: float) -> Table:
    table = Table("what", title=f"{title} ({seconds:.0f} s)")
    for column in ("target", "stretch", "measured", "interquartile range", "met"):
        table.add_column(column, justify="right")
    for figure in figures:
        table.add_row(*page.cells(figure))
    return table


if __name__ == "__main__":
    app()
