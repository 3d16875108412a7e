"""Cells of tables that people open in a spreadsheet."""

from typing import Final

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would execute."""


def harmless(cell: str) -> str:
    """The same text, which no spreadsheet executes."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
