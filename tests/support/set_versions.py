"""New versions of the vendor's permission sets, added as data only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import default_set_rights

PARTNER_ADMIN_PERMISSIONS: Final = catalogue.SETS["partner_admin"][-1]
ADDED_PERMISSIONS: Final = ("crm.export", "crm.import")
"""The permissions that the second version of `partner_admin` adds in these tests. `sales` adds the same ones."""
SALES_PERMISSIONS: Final = catalogue.SETS["sales"][-1]


@contextmanager
def published_versions(**versions: tuple[tuple[str, ...], ...]) -> Iterator[Callable[..., None]]:
    """Set these versions of the vendor's sets in the block. The function that is yielded publishes more."""
    with pytest.MonkeyPatch.context() as patched:

        def publish(**newer: tuple[tuple[str, ...], ...]) -> None:
            patched.setattr(catalogue, "SETS", {**catalogue.SETS, **newer})
            default_set_rights.cache_clear()

        publish(**versions)
        yield publish
    default_set_rights.cache_clear()


@contextmanager
def two_set_versions() -> Iterator[None]:
    """Add a second version with new permissions to `partner_admin` and `sales` in the block."""
    older = tuple(name for name in PARTNER_ADMIN_PERMISSIONS if name not in ADDED_PERMISSIONS)
    with published_versions(
        partner_admin=(older, PARTNER_ADMIN_PERMISSIONS),
        sales=(SALES_PERMISSIONS, (*SALES_PERMISSIONS, *ADDED_PERMISSIONS)),
    ):
        yield
