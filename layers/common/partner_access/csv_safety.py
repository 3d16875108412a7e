"""Cells of tables that people open in a spreadsheet."""

from typing import Final

FORMULA_PREFIXES: Final = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would execute."""


def escape_formula(cell: str) -> str:
    """The same text, which no spreadsheet executes."""
    return f"'{cell}" if cell.startswith(FORMULA_PREFIXES) else cell
