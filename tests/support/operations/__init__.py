"""The register of operations: one row for each, from which tests and proofs take their cases.

`rows` describes the columns. Each module has the rows of one subject. A function has one row, which contains a row for
each of its routes.
"""

from collections.abc import Iterator
from typing import Final

from tests.support import gateway
from tests.support.operations import (
    access,
    background,
    creations,
    directory,
    links,
    memberships,
    permission_sets,
    relationships,
)
from tests.support.operations.rows import Draw, FunctionRow, OperationRow
from tools import template

FOLDER: Final = "tests/support/operations"
MODULES: Final = (links, creations, memberships, relationships, permission_sets, directory, access, background)
FUNCTIONS: Final[tuple[FunctionRow, ...]] = tuple(row for module in MODULES for row in module.FUNCTIONS)
OPERATIONS: Final[tuple[OperationRow, ...]] = tuple(row for function in FUNCTIONS for row in function.operations)
CHANGING: Final = tuple(row for row in OPERATIONS if row.changes)
FILES: Final = {
    row.name: f"{FOLDER}/{module.__name__.rpartition('.')[2]}.py" for module in MODULES for row in module.FUNCTIONS
}
"""The file that has the row of each function."""
PAGES: Final = "serve_pages"

COLUMNS: Final = {
    "authority": "an AuthorityCase with the status for each role",
    "concurrent": "a ConcurrentCase that succeeds on the records of tests/support/busy_table.py",
    "under_fault": "a FaultCase that succeeds",
    "draws": "a Draw, which sends the request with random values",
}
"""The content of each column that can be missing. Every operation has authority, and the others if it changes something."""


def all_draws() -> Iterator[Draw]:
    """Yield each draw of each row, so that a draw that several rows list occurs several times."""
    for function in FUNCTIONS:
        for row in (*function.operations, *([function.background] if function.background else ())):
            yield from row.draws


def problems(column: str) -> list[str]:
    """Return a sentence for each operation without a row, or without content in this column, with the remedy."""
    rows = {row.route: row for row in OPERATIONS}
    routes = {route.key: route.operation for route in template.routes() if route.operation != PAGES}
    without_row = [
        _no_row(function, f"an OperationRow for {key}") for key, function in routes.items() if key not in rows
    ]
    without_route = [
        f"{key} is no route of template.yaml. Remove its row in {FOLDER}." for key in rows if key not in routes
    ]
    empty = [
        f"{key} has no {column} in {FILES[routes[key]]}. Write {COLUMNS[column]}."
        for key, row in rows.items()
        if key in routes and not getattr(row, column) and (row.changes or column == "authority")
    ]
    return [*without_row, *without_route, *empty]


def function_problems() -> list[str]:
    """Return a sentence for each function without a row, or for a row without a function, with the remedy.

    A function that no route calls needs the cases of a background function.
    """
    names = {path.parent.name for path in (template.ROOT / "functions").glob("*/app.py")}
    without_row = [_no_row(name, "its permissions") for name in sorted(names - FILES.keys())]
    without_function = [f"{name} is no function. Remove its row in {FILES[name]}." for name in FILES.keys() - names]
    without_cases = [
        f"{row.name} has no routes and no cases. Write a BackgroundRow in {FILES[row.name]}."
        for row in FUNCTIONS
        if row.name not in {*gateway.OPERATIONS, PAGES} and not row.background
    ]
    return [*without_row, *without_function, *without_cases]


def _no_row(function: str, content: str) -> str:
    """Return the remedy for a function without this content in the register."""
    if function in FILES:
        return f"Write {content} in the FunctionRow {function} of {FILES[function]}."
    return (
        f"Write a FunctionRow {function} with {content} in the module of its subject in {FOLDER}. "
        "`make operation` writes it for a new operation."
    )
