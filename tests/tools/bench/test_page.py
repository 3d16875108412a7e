"""BENCHMARKS.md with targets, measured figures and reasons for missed targets."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from tools.bench import __main__ as bench
from tools.bench import page, plot
from tools.bench.counts import CountFailed
from tools.bench.figures import Figure, store_figures, stored_figures
from tools.bench.measurements import MEASUREMENTS

FAST = Figure(name="cold × bare", target=1.25, stretch=1.15, measured=1.1, spread=(1.0, 1.2))
SLOW = Figure(name="warm × <bare>", target=1.25, measured=4.0, reason="it does more")
COUNTED = Figure(name="reads", measured=1234.5, unit="requests")


def written(tmp_path: Path, *figures: Figure) -> str:
    file = tmp_path / "BENCHMARKS.md"
    page.write_section(MEASUREMENTS[0], figures, file)
    return file.read_text(encoding="utf-8")


def bar_of(figure: Figure) -> tuple[str, float]:
    (bar,) = ET.fromstring(plot.draw([figure])).iter("{http://www.w3.org/2000/svg}rect")
    return bar.attrib["class"], float(bar.attrib["width"])


@pytest.mark.parametrize(
    ("figure", "row"),
    [
        (FAST, "| cold × bare | ≤ 1.25 | 1.15 | 1.10 | 1.00 - 1.20 | yes |"),
        (SLOW, "| warm × <bare> | ≤ 1.25 |  | 4.00 |  | **no** |"),
        (COUNTED, "| reads |  |  | 1,234.5 requests |  |  |"),
    ],
)
def test_page_contains_row_for_each_figure(tmp_path: Path, figure: Figure, row: str) -> None:
    assert row in written(tmp_path, figure).splitlines()


def test_page_with_missed_target_prints_reason(tmp_path: Path) -> None:
    text = written(tmp_path, FAST, SLOW, COUNTED)

    assert re.findall(r"^- .*", text, re.MULTILINE) == ["- **warm × <bare>**: it does more"]


def test_page_without_missed_target_has_no_section_of_misses(tmp_path: Path) -> None:
    assert "Missed" not in written(tmp_path, FAST, COUNTED)


def test_page_keeps_sections_and_misses_of_other_measurements(tmp_path: Path) -> None:
    file = tmp_path / "BENCHMARKS.md"
    page.write_section(MEASUREMENTS[1], [SLOW], file)
    page.write_section(MEASUREMENTS[0], [FAST], file)
    page.write_section(MEASUREMENTS[0], [replace(FAST, name="gone", measured=3)], file)
    page.write_section(MEASUREMENTS[0], [replace(FAST, measured=3)], file)
    text = file.read_text(encoding="utf-8")

    titles = re.findall(r"^## (.*)", text, re.MULTILINE)
    assert titles == [MEASUREMENTS[0].title, MEASUREMENTS[1].title, page.MISSED]
    assert text.count("\nRun on ") == 2
    assert text.count("| cold × bare |") == 1
    assert re.findall(r"^- .*", text, re.MULTILINE) == [
        "- **warm × <bare>**: it does more",
        "- **cold × bare**: not known yet.",
    ]


def test_measurement_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail() -> Iterable[Figure]:
        raise CountFailed("a test failed")

    first, second = replace(MEASUREMENTS[0], figures=fail), replace(MEASUREMENTS[1], figures=lambda: [FAST])
    written_sections: list[str] = []
    monkeypatch.setattr(bench, "MEASUREMENTS", (first, second))
    monkeypatch.setattr(bench, "store_figures", lambda *_: None)
    monkeypatch.setattr(bench, "stored_figures", lambda _: ())
    monkeypatch.setattr(page, "write_section", lambda each, _: written_sections.append(each.name))

    result = CliRunner().invoke(bench.app, [])

    assert (result.exit_code, written_sections) == (1, [second.name])


def test_picture_shows_figures_with_target(tmp_path: Path) -> None:
    page.draw_picture([FAST, COUNTED], tmp_path / "benchmarks.svg")

    assert (tmp_path / "benchmarks.svg").read_text(encoding="utf-8") == plot.draw([FAST])


def test_plot_bar_length_is_share_of_target_within_picture() -> None:
    whole = plot.TARGET - plot.BARS_START

    assert bar_of(FAST) == ("met", round(whole * 1.1 / 1.25))
    assert bar_of(SLOW) == ("missed", round(whole * plot.MAX_SHARE))


def test_figure_of_ratios_measures_median() -> None:
    figure = Figure.of_ratios("cold", [1.0, 9.0, 2.0], target=2.0)

    assert figure.measured == 2.0
    assert figure.met


def test_keep_stores_figures_of_part(tmp_path: Path) -> None:
    store_figures("cold", [FAST, COUNTED], tmp_path)

    assert stored_figures("cold", tmp_path) == (FAST, COUNTED)
    assert stored_figures("warm", tmp_path) == ()
