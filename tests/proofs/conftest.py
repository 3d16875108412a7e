"""Fixtures of all proofs: the choice between short and full form, and the notes of their results.

`make test` runs a short form of each proof. `make proof` sets PROOFS to the folder for notes, and each proof then runs
in full. These notes become PROOFS.md.
"""

import os
from pathlib import Path

import pytest

from tools.proof.notes import Notes
from tools.proof.parts import PARTS

HERE = Path(__file__).parent
PART_NAMES = {part.name for part in PARTS}


@pytest.fixture(scope="session")
def whole() -> bool:
    """True if the full proof is requested instead of its short form."""
    return "PROOFS" in os.environ


@pytest.fixture
def notes(request: pytest.FixtureRequest) -> Notes:
    """Return the notes of one part, which is named after the file or folder that contains the test."""
    part = request.path.relative_to(HERE).parts[0].removeprefix("test_").removesuffix(".py")
    assert part in PART_NAMES, f"name this file or folder after its part, or add {part} to tools/proof/parts.py"
    folder = os.environ.get("PROOFS")
    return Notes(part, Path(folder) if folder else None)
