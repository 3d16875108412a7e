"""Tests of the gate that prove something by themselves: a row for each file of them that pytest's report names."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from tools.proof.notes import Note
from tools.template import ROOT

PROOF_TESTS: Final = "tests.proofs."
"""These note what they tried themselves."""


def rows(report: Path) -> Iterator[Note]:
    """How many tests of each file passed, and what they counted with `record_property`; the file's docstring says of what."""
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
    """The first line of its docstring."""
    return file.read_text(encoding="utf-8").removeprefix('"""').partition("\n")[0].removesuffix('"""').rstrip(".;")
