"""The content of the whole table, with items grouped by type."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from partner_access.store import keys

Item = Mapping[str, Any]


class TableContent:
    """The items of a table, grouped by type."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items = {(item["pk"], item["sk"]): item for item in items}

    def items_with_prefix(self, pk: str, sk: str) -> Iterator[tuple[str, str, Item]]:
        """Yield every item whose keys have these prefixes, with the rest of both keys."""
        for (its_pk, its_sk), item in self._items_by_type.get(pk.partition("#")[0], {}).items():
            if its_pk.startswith(pk) and its_sk.startswith(sk):
                yield its_pk.removeprefix(pk), its_sk.removeprefix(sk), item

    @cached_property
    def _items_by_type(self) -> dict[str, dict[tuple[str, str], Item]]:
        """The items by the first part of their partition key.

        The index exists because rules read the table many times.
        """
        found: dict[str, dict[tuple[str, str], Item]] = {}
        for key, item in self.items.items():
            found.setdefault(key[0].partition("#")[0], {})[key] = item
        return found

    def get(self, pk: str, sk: str) -> Item:
        """Return an item, or an empty mapping if it does not exist."""
        return self.items.get((pk, sk), {})

    @cached_property
    def accounts(self) -> dict[str, Item]:
        return {account: item for account, _, item in self.items_with_prefix(keys.ACCOUNT, "ACCOUNT")}

    @cached_property
    def members(self) -> dict[tuple[str, str], Item]:
        return {(account, user): item for account, user, item in self.items_with_prefix(keys.ACCOUNT, keys.MEMBER)}

    @cached_property
    def sets(self) -> dict[tuple[str, str], Item]:
        return {(account, name): item for account, name, item in self.items_with_prefix(keys.ACCOUNT, keys.SET)}

    @cached_property
    def users(self) -> dict[str, Item]:
        return {user: item for user, sk, item in self.items_with_prefix(keys.USER, "USER") if not sk}

    @cached_property
    def links(self) -> dict[str, Item]:
        return {link: item for _, link, item in self.items_with_prefix(keys.PARTNER, keys.LINK)}

    @cached_property
    def audits(self) -> dict[tuple[str, str], Item]:
        return {(account, audit): item for account, audit, item in self.items_with_prefix(keys.AUDIT, "")}

    @cached_property
    def acts(self) -> dict[str, Item]:
        """Audit entries by id. An entry of several accounts occurs once."""
        return {audit: item for (_, audit), item in self.audits.items()}

    @cached_property
    def outbox(self) -> dict[str, Item]:
        return {name: item for _, name, item in self.items_with_prefix(keys.OUTBOX, keys.NOTIFICATION)}
