"""Tests of the table of faults: each row of consistency.md §7 names its tests or the reason that there are none."""

import ast
from functools import cache

import pytest

from tests.proofs.faults.rows import ROWS, Row
from tools.proof.notes import Notes
from tools.proof.parts import MORE_FAULT_TESTS
from tools.template import ROOT


@cache
def function_names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("name", "row"), ROWS.items(), ids=list(ROWS))
def test_fault_row_names_existing_tests_or_a_reason(name: str, row: Row, notes: Notes) -> None:
    for shown in row.tests:
        file, _, test = shown.partition("::")
        assert test in function_names_in(file)
        assert file.startswith("proofs/faults/") or f"tests/{file}" in MORE_FAULT_TESTS
    assert row.tests or row.elsewhere

    if row.tests:
        notes.passed(f"{name}: {row.fault}", tests=len(row.tests))
    if row.elsewhere:
        notes.exception(f"{name}: {row.fault}", row.elsewhere)


def test_fault_rows_are_complete() -> None:
    assert list(ROWS) == [f"F{number}" for number in range(1, 39)]
