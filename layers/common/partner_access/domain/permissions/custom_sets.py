"""An account's own permission sets, and what any set comes to: the vendor's by their version, an account's as they are."""

from collections.abc import Mapping

from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import (
    Rights,
    read_rights,
)
from partner_access.domain.records import Record


class CustomSet(Record):
    """`holders` and `partner_holders`, of those the ones who are here for a partner, count without a new version."""

    account_id: str
    set_id: str
    name: str
    permissions: tuple[str, ...]
    holders: int = 0
    partner_holders: int = 0

    @property
    def rights(self) -> Rights:
        return read_rights(self.permissions)

    @property
    def restricted(self) -> tuple[str, ...]:
        """What of it a partner admin can never hold."""
        return tuple(name for name in self.rights if name in catalogue.RESTRICTED)


CustomSets = Mapping[str, CustomSet]
"""An account's own sets by their ids, as far as they matter."""


def is_custom(permission_set: str) -> bool:
    return permission_set not in catalogue.SETS
