"""The items of a transaction. Each names its condition and the error that the failed condition means."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import BaseModel

from partner_access import settings
from partner_access.domain.errors import DomainError, RightsChanged
from partner_access.domain.records import Record
from partner_access.store.attribute_values import to_attribute_values
from partner_access.store.keys import Key

NOT_EXISTS: Final = "attribute_not_exists(pk)"
EXISTS: Final = "attribute_exists(pk)"
UNCHANGED: Final = "version = :seen_version"
KEY_UNUSED: Final = "attribute_not_exists(pk) OR #ttl <= :now"  # DynamoDB reserves the name `ttl`


@dataclass(frozen=True, slots=True)
class TransactionItem:
    """One item of a transaction: the action, its condition, and the error that a failed condition means."""

    action: str
    key: Key
    condition: str | None
    values: Mapping[str, object]
    error: type[DomainError]
    expressions: Mapping[str, Any] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """Return the item in the request format of DynamoDB."""
        action_request: dict[str, Any] = {"TableName": settings.table_name(), **self.expressions}
        if self.action != "Put":
            action_request["Key"] = to_attribute_values(self.key._asdict())
        if self.condition:
            action_request["ConditionExpression"] = self.condition
            action_request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            if "#ttl" in self.condition:
                action_request["ExpressionAttributeNames"] = {"#ttl": "ttl"}
        if self.values:
            action_request["ExpressionAttributeValues"] = to_attribute_values(self.values)
        return {self.action: action_request}

    def with_version_check(self, record: Record) -> "TransactionItem":
        """Return the same item with the extra condition that the record still has the version that was read."""
        return replace(
            self,
            condition=f"({self.condition}) AND {UNCHANGED}" if self.condition else UNCHANGED,
            values={**self.values, ":seen_version": record.version},
        )


def _named(values: Mapping[str, object]) -> dict[str, object]:
    return {f":{name}": value for name, value in values.items()}


def put(
    key: Key,
    record: BaseModel | Mapping[str, object],
    *,
    only_if: str | None = NOT_EXISTS,
    error: type[DomainError] = RightsChanged,
    **values: object,
) -> TransactionItem:
    """Write the whole item."""
    item = to_attribute_values({**dict(record), **key._asdict()})
    return TransactionItem("Put", key, only_if, _named(values), error, {"Item": item})


def update(
    key: Key,
    change: str,
    *,
    only_if: str | None,
    error: type[DomainError] = RightsChanged,
    **values: object,
) -> TransactionItem:
    """Change attributes of an item."""
    return TransactionItem("Update", key, only_if, _named(values), error, {"UpdateExpression": change})


def delete(
    key: Key, *, only_if: str | None = None, error: type[DomainError] = RightsChanged, **values: object
) -> TransactionItem:
    """Delete the whole item."""
    return TransactionItem("Delete", key, only_if, _named(values), error)


def check(key: Key, *, only_if: str, error: type[DomainError] = RightsChanged, **values: object) -> TransactionItem:
    """Require a condition on an item without writing it."""
    return TransactionItem("ConditionCheck", key, only_if, _named(values), error)
