"""Conversion of values to DynamoDB attribute values and back."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from boto3.dynamodb.types import Binary, TypeDeserializer
from pydantic import BaseModel

_deserializer: Final = TypeDeserializer()


def to_plain(value: object) -> Any:
    """Convert a value to the plain form stored in the table.

    Times become epoch seconds, and dates become text. An entry whose value is None is left out, and so is an empty set,
    which DynamoDB cannot store. A record reads both as its default. Empty lists and mappings are values (domain.md
    rule 45).
    """
    match value:
        case BaseModel():
            return to_plain(dict(value))
        case Mapping():
            return {name: to_plain(each) for name, each in value.items() if each is not None and each != frozenset()}
        case datetime():
            return int(value.timestamp())
        case date():
            return value.isoformat()
        case Enum():
            return value.value
        case list() | tuple():
            return [to_plain(each) for each in value]
        case set() | frozenset():
            return {to_plain(each) for each in value}
    return value


def to_attribute_values(values: Mapping[str, object]) -> dict[str, Any]:
    """Convert values to the typed attribute values of a DynamoDB request."""
    return {name: _to_attribute_value(value) for name, value in to_plain(values).items()}


def _to_attribute_value(value: Any) -> dict[str, Any]:
    """Wrap a plain value in its DynamoDB type descriptor."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case dict():
            return {"M": {name: _to_attribute_value(each) for name, each in value.items()}}
        case list():
            return {"L": [_to_attribute_value(each) for each in value]}
        case set():
            return {"SS": list(value)}
        case bytes() | Binary():
            read: Any = value
            return {"B": bytes(read)}
        case None:
            return {"NULL": True}
    raise TypeError(type(value))


def from_attribute_values(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the typed attribute values of a DynamoDB response to plain values."""
    return {name: _deserializer.deserialize(value) for name, value in item.items()}
