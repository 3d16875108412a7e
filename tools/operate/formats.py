"""Write rows in a format for people or programs: a table, CSV without executable formulas, or JSON."""

import csv
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, TextIO

from rich.table import Table

from partner_access import csv_safety
from tools.operate.reports import Cell
from tools.operate.terminal import printable, table_console

FILE_WIDTH: Final = 220


class Format(StrEnum):
    """An output format of a report."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


Rows = Sequence[Mapping[str, Cell]]


def write(rows: Rows, columns: Sequence[str], output_format: Format, file: TextIO) -> None:
    """Write a report. Each format contains the same rows."""
    WRITERS[output_format](rows, columns, file)


def _table(rows: Rows, columns: Sequence[str], file: TextIO) -> None:
    table = Table(*columns, title=f"{len(rows)} found", title_justify="left")
    for row in rows:
        table.add_row(*("" if row[column] is None else printable(row[column]) for column in columns))
    table_console(file, None if file.isatty() else FILE_WIDTH).print(table)


def _csv(rows: Rows, columns: Sequence[str], file: TextIO) -> None:
    if (file.encoding or "utf-8").lower().startswith("utf"):
        file.write(csv_safety.BYTE_ORDER_MARK)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([safe_cell(row[column]) for column in columns] for row in rows)


def safe_cell(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet executes as a formula. Numbers and empty cells stay as they are."""
    return csv_safety.escape_formula(cell) if isinstance(cell, str) else cell


def _json(rows: Rows, _: Sequence[str], file: TextIO) -> None:
    json.dump(list(rows), file, ensure_ascii=False, indent=2)
    file.write("\n")


WRITERS: Final = {Format.TABLE: _table, Format.CSV: _csv, Format.JSON: _json}
