"""The table as a test looks at it: whole, and from outside."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from partner_access.domain.records import Record
from partner_access.store import dynamo, keys
from partner_access.store.keys import Key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

_deserializer = TypeDeserializer()


@dataclass(frozen=True, slots=True)
class Table:
    """Reads everything, and writes what no operation would: yesterday's facts, or somebody else's change."""

    client: "DynamoDBClient"
    name: str

    def items(self) -> list[Item]:
        """All that is in it, in the order of its keys."""
        found = (item.to_json()["Attributes"] for item in self._moto_table().all_items())
        read = [{name: _deserializer.deserialize(value) for name, value in item.items()} for item in found]
        return sorted(read, key=lambda item: (item["pk"], item["sk"]))

    def _moto_table(self) -> Any:
        """Moto's own table: to look at it whole by the API would take longer than most tests."""
        return dynamodb_backends[DEFAULT_ACCOUNT_ID][self.client.meta.region_name].tables[self.name]

    def clear(self) -> None:
        """Take everything out."""
        self._moto_table().items.clear()

    def snapshot(self) -> dict[Any, dict[Any, Any]]:
        """All that is in it, to come back to: an item is never changed in place (tests/support/fast_moto.py)."""
        return {key: dict(items) for key, items in self._moto_table().items.items()}

    def restore(self, snapshot: Mapping[Any, Mapping[Any, Any]]) -> None:
        """As it was then."""
        self.clear()
        self._moto_table().items.update({key: dict(items) for key, items in snapshot.items()})

    def items_with_prefix(self, prefix: str) -> list[Item]:
        """The items whose partition begins so, such as `AUDIT#`."""
        return [item for item in self.items() if item["pk"].startswith(prefix)]

    def get(self, key: Key) -> Item | None:
        return next((item for item in self.items() if (item["pk"], item["sk"]) == tuple(key)), None)

    def put(self, key: Key, values: Mapping[str, object]) -> None:
        """Write an item over whatever was there."""
        transaction_item = dynamo.put(key, values, only_if=None)
        self._moto_table().put_item(transaction_item.expressions["Item"])

    def put_records(self, *records: Record) -> None:
        """Write records as they are, without what goes along with them."""
        for record in records:
            self.put(keys.of(record), dict(record))

    def change(self, key: Key, **values: object) -> None:
        """Overwrite some attributes; None takes one away."""
        self.put(key, {**(self.get(key) or {}), **values})

    def remove(self, key: Key) -> None:
        self.client.delete_item(TableName=self.name, Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}})


def differences(before: Iterable[Item], after: Iterable[Item]) -> list[Item]:
    """What stands in one and not, or not so, in the other."""
    first, second = list(before), list(after)
    return [item for item in (*first, *second) if item not in first or item not in second]
