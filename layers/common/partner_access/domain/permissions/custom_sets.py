"""Custom permission sets of an account, and the effective rights of any set.

A default set counts in the version that was given. A custom set counts as it is now.
"""

from collections.abc import Mapping
from typing import Final

from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import (
    Rights,
    read_known,
)
from partner_access.domain.records import Record


class CustomSet(Record):
    """A permission set that belongs to one account.

    `holders` counts all members that hold the set. `partner_holders` counts those of them who are partner members. Both
    change without a new version.
    """

    account_id: str
    set_id: str
    name: str
    permissions: tuple[str, ...]
    holders: int = 0
    partner_holders: int = 0

    @property
    def rights(self) -> Rights:
        return read_known(self.permissions)

    @property
    def restricted(self) -> tuple[str, ...]:
        """The permissions in the set that a partner admin can never hold."""
        return tuple(name for name in self.rights if name in catalogue.RESTRICTED)


CustomSets = Mapping[str, CustomSet]
"""The custom sets of an account by id, as far as an operation needs them."""


SET_ID_PREFIX: Final = "set"


def is_custom(permission_set: str) -> bool:
    return permission_set not in catalogue.SETS


def counts_holders(permission_set: str) -> bool:
    """Return whether the set is an account's own. A default set of a later deployment is not (rule 34)."""
    return is_custom(permission_set) and permission_set.startswith(f"{SET_ID_PREFIX}_")
