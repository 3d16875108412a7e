"""What all proofs share: how much of each is run, and where it is noted what was found.

`make test` runs a short form of each. `make proof` sets PROOFS to the folder of its notes, and then each is run whole;
what is noted there becomes PROOFS.md.
"""

import os
from pathlib import Path

import pytest

from tools.proof.notes import Notes

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def whole() -> bool:
    """Whether the whole proof is asked for, and not its short form."""
    return "PROOFS" in os.environ


@pytest.fixture
def notes(request: pytest.FixtureRequest) -> Notes:
    """Of this part: the file or folder here that the test stands in names it."""
    part = request.path.relative_to(HERE).parts[0].removeprefix("test_").removesuffix(".py")
    folder = os.environ.get("PROOFS")
    return Notes(part, Path(folder) if folder else None)
