"""Run the benchmarks, print them, and write BENCHMARKS.md with its picture: `python -m tools.bench`."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tools.bench import page
from tools.bench.figures import Figure, store_figures, stored_figures
from tools.bench.measurements import MEASUREMENTS

console = Console()
app = typer.Typer(add_completion=False)


@app.command()
def bench(
    only: Annotated[list[str] | None, typer.Option(help="name of a measurement, repeatable")] = None,
) -> None:
    """Run the measurements one after the other. Measurements that are left out keep their last result on the page."""
    unknown = set(only or ()) - {each.name for each in MEASUREMENTS}
    if unknown:
        raise typer.BadParameter(f"no such measurement: {', '.join(sorted(unknown))}")
    for each in MEASUREMENTS:
        if only and each.name not in only:
            continue
        began = time.monotonic()
        figures = tuple(each.figures())
        store_figures(each.name, figures)
        console.print(_table(each.title, figures, time.monotonic() - began))
    sections = [(each, stored_figures(each.name)) for each in MEASUREMENTS]
    if all(figures for _, figures in sections):
        page.write(sections)
    else:
        console.print("BENCHMARKS.md is unchanged: it needs all measurements from this machine")


def _table(title: str, figures: tuple[Figure, ...], seconds: float) -> Table:
    table = Table("what", title=f"{title} ({seconds:.0f} s)")
    for column in ("target", "stretch", "measured", "interquartile range", "met"):
        table.add_column(column, justify="right")
    for figure in figures:
        table.add_row(*page.cells(figure))
    return table


if __name__ == "__main__":
    app()
