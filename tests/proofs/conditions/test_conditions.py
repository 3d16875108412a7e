"""Mutation tests of DynamoDB conditions: each clause is changed on its own, and at least one test must fail.

A surviving mutant means that the clause is unnecessary or that a test is missing.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tools.mutation.survivors import group_by_reason, reasons
from tools.proof.notes import Notes
from tools.template import ROOT

HERE = Path(__file__).parent
UNTESTED = "links.links.record_used_up"
WEAKER = {"dropped", "line taken out", "checked, not written"}


def run_mutants(folder: Path, tests: list[str], *options: str) -> list[dict[str, Any]]:
    """Run the mutation tool and return the outcome of each mutant."""
    out = folder / "outcomes"
    done = subprocess.run(
        [sys.executable, "-m", "tools.mutation", "requests", f"--out={out}", *options, *tests],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def outcomes(trials: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the outcome of the unchanged product and those of its mutants."""
    (unchanged,) = (each for each in trials if not each["mutant"])
    return unchanged, [each for each in trials if each["mutant"]]


def test_mutants_of_untested_conditions_survive_and_others_are_killed(tmp_path: Path) -> None:
    """Run the control and a sample. `make proof` runs all mutants."""
    tests = [f"{HERE}/untested.py", "tests/store/audit/test_tree_heads.py"]

    unchanged, mutants = outcomes(run_mutants(tmp_path, tests))

    assert unchanged["outcome"] == "survived"
    untested = [each for each in mutants if each["mutant"].startswith(UNTESTED)]
    weaker = [each for each in untested if each["kind"] in WEAKER]
    assert {each["kind"] for each in weaker} == WEAKER
    assert {each["outcome"] for each in weaker} == {"survived"}
    assert "killed" in {each["outcome"] for each in untested if each["kind"] == "turned"}
    tested = [each for each in mutants if each not in untested]
    assert tested
    assert [each for each in tested if each["outcome"] != "killed"] == []


def test_mutants_of_all_conditions_are_killed_or_explained(whole: bool, notes: Notes, tmp_path: Path) -> None:
    if not whole:
        pytest.skip("`make proof` changes every condition; this is its short form's")
    unchanged, mutants = outcomes(run_mutants(tmp_path, ["tests/store", "tests/functions"]))

    assert unchanged["outcome"] == "survived", unchanged["killed_by"]
    assert [each for each in mutants if each["outcome"] == "invalid"] == []
    survivors = [each["mutant"] for each in mutants if each["outcome"] != "killed"]
    known = reasons(HERE / "survivors.toml")
    by_reason, without = group_by_reason(survivors, known)
    assert without == []
    assert [reason for reason in known if reason.why not in by_reason] == []
    for kind, tried in Counter(each["kind"] for each in mutants).items():
        killed = sum(each["kind"] == kind and each["outcome"] == "killed" for each in mutants)
        notes.passed(kind, mutants=tried, killed=killed)
    for why, some in by_reason.items():
        for each in some:
            notes.exception(f"`{each}`".replace("|", "–"), why)
