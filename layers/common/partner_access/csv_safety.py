"""CSV that spreadsheets read as text: no cell is executed as a formula, and the encoding is recognized."""

import unicodedata
from typing import Final

BYTE_ORDER_MARK: Final = "\ufeff"
"""The first character of CSV in UTF-8. Without it, Excel reads another encoding in many languages."""
FORMULA_PREFIXES: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Prefixes of cells that a spreadsheet would execute, after NFKC: a spreadsheet in Japanese accepts full-width ones."""


def escape_formula(cell: str) -> str:
    """Return the cell as text that no spreadsheet executes."""
    begins = (cell[:1], cell.lstrip()[:1])
    is_formula = any(unicodedata.normalize("NFKC", each).startswith(FORMULA_PREFIXES) for each in begins)
    return f"'{cell}" if is_formula else cell
