"""The generation of PROOFS.md from the notes of the proofs, and the completeness of its parts."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.proof import page, passed
from tools.proof.__main__ import app
from tools.proof.notes import Notes, read
from tools.proof.parts import GUARANTEES, PARTS
from tools.template import ROOT

REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.test_safe_methods" name="one"/>
<testcase classname="tests.test_safe_methods" name="two"><properties><property name="states" value="7"/></properties>
</testcase>
<testcase classname="tests.proofs.faults.test_rows" name="three"/>
</testsuite></testsuites>"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "PROOFS.md"


def test_page_contains_row_for_each_note(tmp_path: Path, file: Path) -> None:
    notes = Notes("faults", tmp_path)
    notes.passed("throttled for ever", calls=1200, attempts=1)
    notes.exception("F35", "the keys of an issuer are the gateway's")
    page.write(["faults"], tmp_path, 7, file)

    written = file.read_text()
    assert "| throttled for ever | 1,200 calls, 1 attempt |" in written
    assert "| F35 | the keys of an issuer are the gateway's |" in written
    assert "seed 7." in written


def test_notes_with_equal_rows_are_merged(tmp_path: Path) -> None:
    for _ in range(2):
        Notes("faults", tmp_path).passed("throttled", calls=1)

    assert len(list(read("faults", tmp_path))) == 1


def test_notes_with_shares_are_summed(tmp_path: Path) -> None:
    for share in (0, 1, 1):
        Notes("faults", tmp_path).passed("throttled", share=share, calls=5, operations=2)

    (row,) = read("faults", tmp_path)
    assert (row.what, dict(row.counts)) == ("throttled", {"calls": 10, "operations": 4})


def test_notes_without_folder_are_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Notes("faults", None).passed("throttled", calls=1)

    assert list(tmp_path.iterdir()) == []


def test_page_keeps_section_of_part_not_run(tmp_path: Path, file: Path) -> None:
    Notes("faults", tmp_path).passed("throttled", calls=1)
    page.write(["faults"], tmp_path, 7, file)
    Notes("model", tmp_path).passed("acts", acts=5)
    page.write(["model"], tmp_path, 8, file)

    written = file.read_text()
    assert written.count("throttled") == written.count("5 acts") == 1
    assert written.index("5 acts") < written.index("throttled"), "in the order of the parts"


def test_page_of_part_without_notes_raises_lookup_error(tmp_path: Path, file: Path) -> None:
    with pytest.raises(LookupError, match="faults"):
        page.write(["faults"], tmp_path, 7, file)


def test_passed_counts_ordinary_tests_by_file_without_proofs(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)

    (row,) = passed.rows(tmp_path / "report.xml")

    assert row.what.startswith("Tests that reads change nothing")
    assert row.counts == {"tests": 2, "states": 7}


def test_guarantees_name_existing_parts() -> None:
    names = {part.name for part in PARTS}
    assert [name for name, _, _ in GUARANTEES] == [f"G{number}" for number in range(1, 13)]
    for _, _, parts in GUARANTEES:
        assert parts
        assert set(parts) <= names


def test_parts_name_existing_tests() -> None:
    for part in PARTS:
        assert all((ROOT / each).exists() for each in part.tests), part.name


def test_page_does_not_link_to_part_not_run(tmp_path: Path, file: Path) -> None:
    Notes("faults", tmp_path).passed("throttled", calls=1)
    page.write(["faults"], tmp_path, 7, file)

    written = file.read_text()
    assert "| [Faults](#faults) |" in written
    assert "[Conditions]" not in written
    assert "Conditions (not complete yet)" in written


@pytest.mark.parametrize("name", ["mutation", "faultz"])
def test_prove_unknown_part_exits_with_1(name: str) -> None:
    rejected = CliRunner().invoke(app, ["--only", name])

    assert rejected.exit_code == 1
    assert name in rejected.output
