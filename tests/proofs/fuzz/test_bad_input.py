"""Tests of the table of bad input: each known kind is tried by an existing test."""

import ast
import re
from functools import cache

import pytest

from tests.proofs.fuzz.bad_input import DECIDED_AGAINST, OUT_OF_SCOPE, TRIED
from tools.proof.notes import Notes
from tools.proof.parts import MORE_BAD_INPUT_TESTS
from tools.template import ROOT


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the functions of this file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("part", TRIED)
def test_bad_input_rows_name_existing_tests(part: str, notes: Notes) -> None:
    rows = TRIED[part]

    assert [(file, test) for _, file, test in rows if test not in names_in(file)] == []
    assert {file for _, file, _ in rows} <= {*MORE_BAD_INPUT_TESTS}
    assert len({what for what, _, _ in rows}) == len(rows)
    notes.passed(f"bad input: {part}", rows=len(rows), tests=len({(file, test) for _, file, test in rows}))


def test_bad_input_decided_against_is_in_decisions(notes: Notes) -> None:
    records = (record.read_text(encoding="utf-8") for record in (ROOT / "docs/decisions").glob("*.md"))
    rows = set(re.findall(r"threat\s+model,\s+row\s+(\d+)", "\n".join(records)))

    assert rows == {"66", "68", "69"}
    for what, reason in OUT_OF_SCOPE.items():
        notes.exception(f"not ours: {what}", reason)
    for what, reason in DECIDED_AGAINST.items():
        notes.exception(f"decided against: {what}", reason)
