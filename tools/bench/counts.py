"""What is counted rather than timed: the tests that hold each budget say here how far below it they are."""

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
"""The variable that names the folder for figures; without it nothing is kept, and tests count less."""


class CountFailed(Exception):
    """A test did not hold; the message is what pytest said."""


def is_enabled() -> bool:
    """Whether a bench runs these tests."""
    return FIGURES_VARIABLE in os.environ


def record(part: str, *figures: Figure) -> None:
    """Add figures to those of a part, if a bench asks for them."""
    if is_enabled():
        folder = Path(os.environ[FIGURES_VARIABLE])
        store_figures(part, (*stored_figures(part, folder), *figures), folder)


def count_in_tests(part: str, *tests: str) -> Iterator[Figure]:
    """What these tests noted of a part, in their order."""
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
