"""The vendor adds versions of its sets: as data, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import rights_of

FULL: Final = catalogue.SETS["partner_admin"][-1]
NEW: Final = ("crm.export", "crm.import")
"""What the second version of `partner_admin` brings in these tests; `sales` then gets the same."""
SALES: Final = catalogue.SETS["sales"][-1]


@contextmanager
def of_sets(**versions: tuple[tuple[str, ...], ...]) -> Iterator[Callable[..., None]]:
    """The vendor's sets, some of them in these versions, or in those that it makes known later."""
    with pytest.MonkeyPatch.context() as patched:

        def publish(**newer: tuple[tuple[str, ...], ...]) -> None:
            patched.setattr(catalogue, "SETS", {**catalogue.SETS, **newer})
            rights_of.cache_clear()

        publish(**versions)
        yield publish
    rights_of.cache_clear()


@contextmanager
def two_versions() -> Iterator[None]:
    """A second version of two sets, with something new."""
    older = tuple(name for name in FULL if name not in NEW)
    with of_sets(partner_admin=(older, FULL), sales=(SALES, (*SALES, *NEW))):
        yield
