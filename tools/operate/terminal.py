"""Print on the operator's terminal. Text of files, records and responses is printed as it is and controls nothing."""

import errno
import io
import sys
import unicodedata
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.markup import escape

LINE_SEPARATORS: Final = frozenset({"Zl", "Zp"})


def terminal(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """Return a console for sentences. A character that the terminal's encoding lacks is printed as an escape."""
    if not stderr and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console(stderr=stderr, soft_wrap=soft_wrap, highlight=False, emoji=False)


def table_console(file: TextIO, width: int | None) -> Console:
    """Return a console for a table. It raises UnicodeEncodeError rather than print other text than the table has."""
    return Console(file=file, width=width, highlight=False, emoji=False)


def printable(text: object) -> str:
    """Return text from outside for a console: without markup, and with control characters as escapes."""
    return escape("".join(each if _is_visible(each) else _escaped(each) for each in str(text)))


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return not category.startswith("C") and category not in LINE_SEPARATORS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def require_folder_of(path: Path | None) -> None:
    """Raise FileNotFoundError, before any work, if a file cannot be written because its folder does not exist."""
    if path and not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "its folder does not exist", str(path))


def sentence_of(error: Exception) -> str:
    """Return an expected error as a sentence."""
    match error:
        case UnicodeEncodeError():
            return f"The text cannot be written in {error.encoding}. Use --output FILE, or set PYTHONIOENCODING=utf-8."
        case OSError(filename=str(name), strerror=str(reason)):
            return f"{name} cannot be used: {reason[:1].lower()}{reason[1:]}."
    return str(error)
