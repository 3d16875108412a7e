"""Rows of PROOFS.md for ordinary tests that are proofs by themselves, from pytest's report."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from tools.proof.notes import Note
from tools.template import ROOT

PROOF_TESTS: Final = "tests.proofs."
"""The prefix of tests that record their own results."""


def rows(report: Path) -> Iterator[Note]:
    """Yield a row for each test file: its passed tests and the counts that they recorded.

    The title of the row is the first line of the file's docstring.
    """
    counts: dict[str, Counter[str]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 pytest wrote it here
        module = str(case.get("classname"))
        if module.startswith(PROOF_TESTS):
            continue
        counted = counts.setdefault(module, Counter())
        counted["tests"] += 1
        for each in case.iter("property"):
            counted[str(each.get("name"))] += int(str(each.get("value")))
    for module, counted in sorted(counts.items()):
        yield Note(_title(ROOT / f"{module.replace('.', '/')}.py"), counted)


def _title(file: Path) -> str:
    """Return the first line of the file's docstring."""
    return file.read_text(encoding="utf-8").removeprefix('"""').partition("\n")[0].removesuffix('"""').rstrip(".;")
