"""Test access to the whole table, without the product's code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from partner_access.domain.records import Record
from partner_access.store import keys, writes
from partner_access.store.keys import Key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

_deserializer = TypeDeserializer()


@dataclass(frozen=True, slots=True)
class Table:
    """The DynamoDB table.

    It reads all items, and writes what no operation would: old facts, or changes by others.
    """

    client: "DynamoDBClient"
    name: str

    def items(self) -> list[Item]:
        """Return all items, sorted by key."""
        found = (item.to_json()["Attributes"] for item in self._moto_table().all_items())
        read = [{name: _deserializer.deserialize(value) for name, value in item.items()} for item in found]
        return sorted(read, key=lambda item: (item["pk"], item["sk"]))

    def _moto_table(self) -> Any:
        """Return moto's own table. Reading all items through the API would take longer than most tests."""
        return dynamodb_backends[DEFAULT_ACCOUNT_ID][self.client.meta.region_name].tables[self.name]

    def clear(self) -> None:
        """Remove all items."""
        self._moto_table().items.clear()

    def snapshot(self) -> dict[Any, dict[Any, Any]]:
        """Return a snapshot to restore later.

        No copy is needed, because items are never changed in place (tests/support/fast_moto.py).
        """
        return {key: dict(items) for key, items in self._moto_table().items.items()}

    def restore(self, snapshot: Mapping[Any, Mapping[Any, Any]]) -> None:
        """Restore a snapshot."""
        self.clear()
        self._moto_table().items.update({key: dict(items) for key, items in snapshot.items()})

    def items_with_prefix(self, prefix: str) -> list[Item]:
        """Return the items whose partition key has this prefix, such as `AUDIT#`."""
        return [item for item in self.items() if item["pk"].startswith(prefix)]

    def get(self, key: Key) -> Item | None:
        return next((item for item in self.items() if (item["pk"], item["sk"]) == tuple(key)), None)

    def put(self, key: Key, values: Mapping[str, object]) -> None:
        """Write an item, replacing any with the same key."""
        transaction_item = writes.put(key, values, only_if=None)
        self._moto_table().put_item(transaction_item.expressions["Item"])

    def put_records(self, *records: Record) -> None:
        """Write records unchanged, without the items that depend on them."""
        for record in records:
            self.put(keys.of(record), dict(record))

    def change(self, key: Key, **values: object) -> None:
        """Overwrite some attributes of an item. The value None removes one."""
        self.put(key, {**(self.get(key) or {}), **values})

    def remove(self, key: Key) -> None:
        self.client.delete_item(TableName=self.name, Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}})


def differences(before: Iterable[Item], after: Iterable[Item]) -> list[Item]:
    """Return the items that are in only one of the two lists, or differ."""
    first, second = list(before), list(after)
    return [item for item in (*first, *second) if item not in first or item not in second]
