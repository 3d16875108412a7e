"""The language check finds what the style forbids, and nothing else."""

from pathlib import Path

import pytest

from tools import language


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ("firm_at = 1", ["banned word: firm"]),
        ("toldBy = 1", ["banned word: told"]),
        ("confirm = affirmed = 1", []),
        ("# somebody waits", ["banned word: somebody"]),
        ('"""Return the letter."""', ["banned word: letter"]),
        ('"""Read the dead-letter queue."""', []),
        ('"""What a test does."""', ["the docstring opens with What"]),
        ('"""Whatever comes."""', []),
        ('"""Where, if anywhere."""', ["the docstring opens with Where"]),
        ('"""Writes that come true."""', ["banned word: come true"]),
        ('name = "his letter"', ["banned word: his", "banned word: letter"]),
        ('name = f"{1} letter"', ["banned word: letter"]),
        ('""""""', []),
        ('def f(x):\n    """Use `x`."""', []),
        ('def f(x):\n    """Use `y`."""', ["`y` is not in the code of this file"]),
        ('"""A module about `x`."""', []),
        ('def f():\n    """Raises `a.B`."""\n    raise a.B', []),
        ('def f():\n    """Return `c` or `d`."""\n    return \'c\'', ["`d` is not in the code of this file"]),
        (
            'class A:\n    """Raises `LookupError`."""\n    x = 1\n    """Unlike `y`."""',
            ["`y` is not in the code of this file"],
        ),
    ],
)
def test_python_findings_are_the_banned_words_and_openings(source: str, problems: list[str]) -> None:
    assert [problem for _, problem in language.python_findings(source)] == problems


@pytest.mark.parametrize(
    ("name", "source", "problems"),
    [
        ("a.md", "The firm waits.", ["banned word: firm"]),
        ("a.md", "x" * 121, []),
        ("a.js", "x" * 121, ["the line has 121 characters, and 120 are allowed"]),
        ("a.js", "x" * 120, []),
    ],
)
def test_text_findings_include_long_javascript_lines(
    tmp_path: Path, name: str, source: str, problems: list[str]
) -> None:
    file = tmp_path / name
    file.write_text(source, encoding="utf-8")

    assert [problem for _, problem in language.findings(file)] == problems


def test_main_finds_nothing_in_this_repository(capsys: pytest.CaptureFixture[str]) -> None:
    assert (language.main(), capsys.readouterr().err.strip()) == (0, "")
