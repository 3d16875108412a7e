"""Benchmarks that count: tests record the figures, and a failed test stops the benchmark."""

from pathlib import Path

import pytest

from tools.bench import counts
from tools.bench.figures import Figure, stored_figures

ONE, OTHER = Figure(name="one", measured=1, unit="units"), Figure(name="other", measured=2, unit="units")
NOTING = """
from tools.bench import counts
from tools.bench.figures import Figure

def test_it_holds():
    counts.record("some", Figure(name="one", measured=1, unit="units"))
"""


def test_figures_are_kept_in_their_order_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(counts.FIGURES_VARIABLE, str(tmp_path))

    counts.record("some", ONE)
    counts.record("some", OTHER)

    assert stored_figures("some", tmp_path) == (ONE, OTHER)


def test_nothing_is_kept_when_nobody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(counts.FIGURES_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)

    counts.record("some", ONE)

    assert list(tmp_path.iterdir()) == []


def test_what_a_test_noted_is_a_figure(tmp_path: Path) -> None:
    file = tmp_path / "test_noting.py"
    file.write_text(NOTING, encoding="utf-8")

    assert list(counts.count_in_tests("some", str(file))) == [ONE]


@pytest.mark.parametrize("text", ["def test_it(): assert False", "def nothing_here(): ..."])
def test_a_test_that_does_not_hold_ends_the_bench(tmp_path: Path, text: str) -> None:
    file = tmp_path / "test_failing.py"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(counts.CountFailed):
        list(counts.count_in_tests("some", str(file)))
