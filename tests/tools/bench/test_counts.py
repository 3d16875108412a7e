"""Benchmarks that count: tests record the figures, and a failed test stops the benchmark."""

from functools import partial
from pathlib import Path

import pytest

from tools.bench import counts
from tools.bench.figures import Figure, stored_figures
from tools.bench.measurements import MEASUREMENTS
from tools.template import ROOT

ONE, OTHER = Figure(name="one", measured=1, unit="units"), Figure(name="other", measured=2, unit="units")
NOTING = """
from tools.bench import counts
from tools.bench.figures import Figure

def test_it_holds():
    counts.record("some", Figure(name="one", measured=1, unit="units"))
"""


def test_note_with_folder_stores_figures_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(counts.FIGURES_VARIABLE, str(tmp_path))

    counts.record("some", ONE)
    counts.record("some", OTHER)

    assert stored_figures("some", tmp_path) == (ONE, OTHER)


def test_note_without_folder_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(counts.FIGURES_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)

    counts.record("some", ONE)

    assert list(tmp_path.iterdir()) == []


def test_counted_by_yields_recorded_figures(tmp_path: Path) -> None:
    file = tmp_path / "test_noting.py"
    file.write_text(NOTING, encoding="utf-8")

    assert list(counts.count_in_tests("some", str(file))) == [ONE]


@pytest.mark.parametrize(
    "tests",
    [
        each.figures.args[1:]
        for each in MEASUREMENTS
        if isinstance(each.figures, partial) and each.figures.func is counts.count_in_tests
    ],
    ids=" ".join,
)
def test_measurement_names_tests_that_exist(tests: tuple[str, ...]) -> None:
    for test in tests:
        file, _, function = test.partition("::")
        assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8") or not function


@pytest.mark.parametrize("text", ["def test_it(): assert False", "def nothing_here(): ..."])
def test_counted_by_failing_or_missing_test_raises_not_counted(tmp_path: Path, text: str) -> None:
    file = tmp_path / "test_failing.py"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(counts.CountFailed):
        list(counts.count_in_tests("some", str(file)))
