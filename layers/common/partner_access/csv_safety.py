"""Protection of CSV cells against execution as formulas in a spreadsheet."""

from typing import Final

FORMULA_PREFIXES: Final = ("=", "+", "-", "@", "\t", "\r")
"""Prefixes of cells that a spreadsheet would execute."""


def escape_formula(cell: str) -> str:
    """Return the cell as text that no spreadsheet executes."""
    return f"'{cell}" if cell.startswith(FORMULA_PREFIXES) else cell
