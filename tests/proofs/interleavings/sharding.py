"""The sharding of a proof among workers, and its short form.

Both are needed when tests are collected, before any fixture exists.
"""

import os
from collections.abc import Sequence
from typing import Final, TypeVar

WHOLE: Final = "PROOFS" in os.environ
SHARDS: Final = 30 if WHOLE else 1

Case = TypeVar("Case")


def all_or_first(cases: Sequence[Case], short: int) -> Sequence[Case]:
    """Return all cases in a full proof, otherwise the first few."""
    return cases if WHOLE else cases[:short]
