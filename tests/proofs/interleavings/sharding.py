"""How much of a proof is run, and how it is shared out among workers: a test is given its part before fixtures are."""

import os
from collections.abc import Sequence
from typing import Final, TypeVar

WHOLE: Final = "PROOFS" in os.environ
SHARDS: Final = 30 if WHOLE else 1

Case = TypeVar("Case")


def all_or_first(cases: Sequence[Case], short: int) -> Sequence[Case]:
    """All of them when the whole proof is asked for, else the first few."""
    return cases if WHOLE else cases[:short]
