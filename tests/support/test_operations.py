"""The register of operations is complete and agrees with the product, and each problem names its remedy."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support import gateway, operations
from tests.support.operations.rows import FunctionRow, OperationRow
from tools import template

LINKS = "tests/support/operations/links.py"
REVOKE = "DELETE /partners/{partner_id}/access-links/{link_id}"


@pytest.mark.parametrize("column", operations.COLUMNS)
def test_column_is_filled_in_for_each_operation_that_needs_it(column: str) -> None:
    assert operations.problems(column) == []


def test_functions_have_rows() -> None:
    assert operations.function_problems() == []


def test_routes_and_names_of_cases_are_unique() -> None:
    routes = [row.route for row in operations.OPERATIONS]
    names = [case.name for row in operations.OPERATIONS for case in row.concurrent]

    assert len(routes) == len(set(routes)), "each route has one row"
    assert len(names) == len(set(names)), "each ConcurrentCase has a name of its own"


def test_rows_that_change_something_equal_routes_of_the_product() -> None:
    """Check that a row has `reads` exactly if the function needs no idempotency key for the POST."""
    changing = {
        key
        for operation in gateway.OPERATIONS
        for key, route in gateway.app(operation).routes.items()
        if not key.startswith(("GET", "$")) and (route.needs_key or not key.startswith("POST"))
    }

    assert {row.route for row in operations.CHANGING} == changing, (
        f"a POST that changes nothing has needs_key=False in its app.py and reads=True in its row in {operations.FOLDER}"
    )


def test_draw_that_several_rows_list_is_counted_by_one() -> None:
    weights: dict[str, int] = {}
    for draw in operations.all_draws():
        weights[draw.name] = weights.get(draw.name, 0) + draw.often + draw.with_model

    assert [name for name, weight in weights.items() if not weight] == [], "give each draw a weight in one of its rows"


def test_missing_row_names_function_and_file(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tuple(row for row in operations.OPERATIONS if row.route != REVOKE)
    monkeypatch.setattr(operations, "OPERATIONS", rows)

    (problem,) = operations.problems("authority")

    assert problem == f"Write an OperationRow for {REVOKE} in the FunctionRow revoke_link of {LINKS}."


@pytest.mark.parametrize("column", operations.COLUMNS)
def test_empty_column_names_content_and_file(monkeypatch: pytest.MonkeyPatch, column: str) -> None:
    empty: dict[str, Any] = {column: None if column == "under_fault" else ()}
    rows = tuple(replace(row, **empty) if row.route == REVOKE else row for row in operations.OPERATIONS)
    monkeypatch.setattr(operations, "OPERATIONS", rows)

    (problem,) = operations.problems(column)

    assert problem == f"{REVOKE} has no {column} in {LINKS}. Write {operations.COLUMNS[column]}."


def test_row_without_route_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "OPERATIONS", (*operations.OPERATIONS, OperationRow("GET /nothing")))

    (problem,) = operations.problems("authority")

    assert problem == f"GET /nothing is no route of template.yaml. Remove its row in {operations.FOLDER}."


def test_function_without_row_or_row_without_function_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {**operations.FILES, "pause_link": LINKS}
    del files["revoke_link"]
    monkeypatch.setattr(operations, "FILES", files)

    without_row, without_function = operations.function_problems()

    assert without_row.startswith(
        "Write a FunctionRow revoke_link with its permissions in the module of its subject in tests/support/operations."
    )
    assert without_function == f"pause_link is no function. Remove its row in {LINKS}."


def test_background_function_without_cases_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "FUNCTIONS", (FunctionRow("send_emails", frozenset()),))

    (problem,) = operations.function_problems()

    assert problem == (
        "send_emails has no routes and no cases. Write a BackgroundRow in tests/support/operations/background.py."
    )


def test_functions_of_the_register_are_those_of_the_template() -> None:
    of_template = {(route.operation, route.key) for route in template.routes() if route.operation != operations.PAGES}

    assert {(each.name, row.route) for each in operations.FUNCTIONS for row in each.operations} == of_template, (
        f"write each OperationRow in the FunctionRow of the function that template.yaml gives the route, in {operations.FOLDER}"
    )
