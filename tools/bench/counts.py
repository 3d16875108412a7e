"""Collect figures that are counted, not timed. Tests of the cost limits report them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tools.bench.figures import Figure, store_figures, stored_figures
from tools.template import ROOT

FIGURES_VARIABLE: Final = "FIGURES"
"""The environment variable with the folder for figures. Without it nothing is stored, and tests count less."""


class CountFailed(Exception):
    """A test failed. The message is pytest's output."""


def is_enabled() -> bool:
    """Return whether a benchmark runs these tests."""
    return FIGURES_VARIABLE in os.environ


def record(part: str, *figures: Figure) -> None:
    """Add figures to those of a part. Does nothing outside a benchmark."""
    if is_enabled():
        folder = Path(os.environ[FIGURES_VARIABLE])
        store_figures(part, (*stored_figures(part, folder), *figures), folder)


def count_in_tests(part: str, *tests: str) -> Iterator[Figure]:
    """Run these tests and yield the figures that they recorded for a part, in order."""
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *tests, "-q", "--no-header", "-p", "no:cacheprovider"],
            cwd=ROOT,
            env={**os.environ, FIGURES_VARIABLE: folder},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CountFailed(done.stdout)
        yield from stored_figures(part, Path(folder))
