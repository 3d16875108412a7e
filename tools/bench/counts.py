"""What is counted rather than timed: the tests that hold each budget say here how far below it they are."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tools.bench.figures import Figure, keep, kept
from tools.template import ROOT

FOLDER: Final = "FIGURES"
"""The variable that names the folder for figures; without it nothing is kept, and tests count less."""


class NotCounted(Exception):
    """A test did not hold; the message is what pytest said."""


def is_asked_for() -> bool:
    """Whether a bench runs these tests."""
    return FOLDER in os.environ


def note(part: str, *figures: Figure) -> None:
    """Add figures to those of a part, if a bench asks for them."""
    if is_asked_for():
        folder = Path(os.environ[FOLDER])
        keep(part, (*kept(part, folder), *figures), folder)


def counted_by(part: str, *tests: str) -> Iterator[Figure]:
    """What these tests noted of a part, in their order."""
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *tests, "-q", "--no-header", "-p", "no:cacheprovider"],
            cwd=ROOT,
            env={**os.environ, FOLDER: folder},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotCounted(done.stdout)
        yield from kept(part, Path(folder))
