"""The vendor adds versions of its sets: as data, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import default_set_rights

PARTNER_ADMIN_PERMISSIONS: Final = catalogue.SETS["partner_admin"][-1]
ADDED_PERMISSIONS: Final = ("crm.export", "crm.import")
"""What the second version of `partner_admin` brings in these tests; `sales` then gets the same."""
SALES_PERMISSIONS: Final = catalogue.SETS["sales"][-1]


@contextmanager
def published_versions(**versions: tuple[tuple[str, ...], ...]) -> Iterator[Callable[..., None]]:
    """The vendor's sets, some of them in these versions, or in those that it makes known later."""
    with pytest.MonkeyPatch.context() as patched:

        def publish(**newer: tuple[tuple[str, ...], ...]) -> None:
            patched.setattr(catalogue, "SETS", {**catalogue.SETS, **newer})
            default_set_rights.cache_clear()

        publish(**versions)
        yield publish
    default_set_rights.cache_clear()


@contextmanager
def two_set_versions() -> Iterator[None]:
    """A second version of two sets, with something new."""
    older = tuple(name for name in PARTNER_ADMIN_PERMISSIONS if name not in ADDED_PERMISSIONS)
    with published_versions(
        partner_admin=(older, PARTNER_ADMIN_PERMISSIONS),
        sales=(SALES_PERMISSIONS, (*SALES_PERMISSIONS, *ADDED_PERMISSIONS)),
    ):
        yield
