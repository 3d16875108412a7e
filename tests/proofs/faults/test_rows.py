"""Each row of guarantees.md §7 is shown by tests that there are, or it is said why it cannot be."""

import ast
from functools import cache

import pytest

from tests.proofs.faults.rows import ROWS, Row
from tools.proof.notes import Notes
from tools.proof.parts import FAULTS_ARE_ALSO_IN
from tools.template import ROOT


@cache
def named_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("name", "row"), ROWS.items(), ids=list(ROWS))
def test_a_row_is_shown_or_said_to_need_aws(name: str, row: Row, notes: Notes) -> None:
    for shown in row.shown:
        file, _, test = shown.partition("::")
        assert test in named_in(file)
        assert file.startswith("proofs/faults/") or f"tests/{file}" in FAULTS_ARE_ALSO_IN
    assert row.shown or row.elsewhere

    if row.shown:
        notes.tried(f"{name}: {row.fault}", tests=len(row.shown))
    if row.elsewhere:
        notes.named(f"{name}: {row.fault}", row.elsewhere)


def test_every_row_is_there() -> None:
    assert list(ROWS) == [f"F{number}" for number in range(1, 39)]
