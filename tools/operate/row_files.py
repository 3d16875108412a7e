"""Read the operator's files (CSV or JSON lines) row by row."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TextIO

from partner_access.api import json_body
from partner_access.api.errors import BodyTooLarge, MalformedBody
from tools.operate.rows import IDS, MODELS, ImportRow, RecordType, RowError, encodable, kind_of, row_text, validated_row

UNREADABLE: Final = "cannot be read: use one JSON object in UTF-8 per line, without duplicate names"
TOO_LONG: Final = f"is longer than {json_body.MAX_BYTES // 1024} KiB"
UTF_16: Final = "is in UTF-16: save it in UTF-8"
UTF_16_STARTS: Final = ("\udcff\udcfe", "\udcfe\udcff")
"""The byte order marks of UTF-16 as they are read in UTF-8."""
SEPARATORS: Final[Mapping[str, str]] = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
MAX_HEADER_SHOWN: Final = 200
NULL: Final = "null"
"""The cell text that removes a value. An empty cell keeps the value."""
BOOLEANS: Final = {"true": True, "false": False}


def read_rows(path: Path) -> Iterator[ImportRow]:
    """Yield the rows of a file, one at a time. A file without rows is an error, since an export may have failed.

    A file that starts with a brace has JSON lines, and any other file is CSV.
    """
    has_rows = False
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        start = next((line for line in file if line.strip()), "")
        file.seek(0)
        if start.startswith(UTF_16_STARTS) or "\0" in start:
            yield _unreadable(path.name, UTF_16)
            return
        for row in (_json_rows if start.lstrip().startswith("{") else _csv_rows)(path.name, file):
            has_rows = True
            yield row
    if not has_rows:
        yield _unreadable(path.name, "has no rows")


def _unreadable(location: str, reason: str) -> ImportRow:
    return ImportRow(location, json.dumps({"unreadable": location}), None, {}, errors=(RowError("", reason),))


def _json_rows(name: str, file: TextIO) -> Iterator[ImportRow]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        location = f"{name}:{number}"
        try:
            fields = json_body.parsed({"headers": {"content-type": "application/json"}, "body": line})
        except (MalformedBody, BodyTooLarge) as error:
            reason = TOO_LONG if isinstance(error, BodyTooLarge) else UNREADABLE
            yield ImportRow(location, encodable(line.strip()), None, {}, errors=(RowError("", reason),))
        else:
            yield validated_row(location, kind_of(fields), fields)


def _csv_rows(name: str, file: TextIO) -> Iterator[ImportRow]:
    reader = csv.reader(file, strict=True)
    header: list[str] = []
    kind: RecordType | None = None
    while True:
        location = f"{name}:{reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as unreadable:
            yield _unreadable(location, str(unreadable))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if header:
            yield _csv_row(location, kind, header, cells)
            continue
        header = [cell.strip() for cell in cells]
        kind = kind_of(header)
        if errors := tuple(_column_errors(kind, header)):
            yield ImportRow(location, json.dumps({"header": header}), None, {}, errors=errors)
            return


def _column_errors(kind: RecordType | None, header: list[str]) -> Iterator[RowError]:
    if not kind:
        yield RowError(
            "", f"no column account_id or user_id: members have both, accounts and users one. {_read_as(header)}"
        )
        return
    known = {*IDS[kind], *_columns(kind)}
    for column in header:
        if column not in known:
            yield RowError(column, f"a row of a {kind} has no such column")
        elif header.count(column) > 1:
            yield RowError(column, "is in the header twice")


def _read_as(header: list[str]) -> str:
    """Return a sentence that says how the header was read, and what is probably different in the file."""
    text = ", ".join(header)
    shown = f"{text[:MAX_HEADER_SHOWN]}…" if len(text) > MAX_HEADER_SHOWN else text
    hints = [
        f" It seems to be separated by {name}: save it with commas."
        for separator, name in SEPARATORS.items()
        if len(header) == 1 and separator in text
    ]
    if kind_of([name.casefold() for name in header]):
        hints.append(" The names of columns are in lower case.")
    columns = "1 column" if len(header) == 1 else f"{len(header)} columns"
    return f"The header was read in UTF-8 as {columns} separated by commas: {shown}.{''.join(hints)}"


def _columns(kind: RecordType) -> set[str]:
    return {field.alias or name for name, field in MODELS[kind].model_fields.items()}


def _csv_row(location: str, kind: RecordType | None, header: list[str], cells: list[str]) -> ImportRow:
    named = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
    if len(cells) != len(header):
        error = RowError("", f"has {len(cells)} cells, but the header has {len(header)}")
        return ImportRow(location, row_text(named), None, {}, errors=(error,))
    if encoding_errors := tuple(
        RowError(name, "is not UTF-8") for name, cell in named.items() if encodable(cell) != cell
    ):
        return ImportRow(location, row_text(named), None, {}, errors=encoding_errors)
    return validated_row(
        location, kind, {name: CELL_CONVERTERS.get(name, _text_cell)(cell) for name, cell in named.items()}
    )


def _text_cell(cell: str) -> object:
    return cell


def _number(cell: str) -> object:
    is_number = cell.isascii() and cell.isdigit() and len(cell) <= json_body.MAX_DIGITS
    return None if cell == NULL else int(cell) if is_number else cell


CELL_CONVERTERS: Final[Mapping[str, Callable[[str], object]]] = {
    "active": lambda cell: BOOLEANS.get(cell.lower(), cell),
    "domains": lambda cell: [] if cell == NULL else cell.replace(";", " ").split(),
    "locale": lambda cell: None if cell == NULL else cell,
    "partner_seat_limit": _number,
}
"""Converters for cells that are not text. A value that cannot be converted stays as it is and fails validation."""
