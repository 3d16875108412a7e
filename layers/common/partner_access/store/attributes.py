"""Values as the table keeps them, and back."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pydantic import BaseModel

_serializer: Final = TypeSerializer()
_deserializer: Final = TypeDeserializer()


def plain(value: object) -> Any:
    """A value as the table keeps it: times in epoch seconds, nothing where there is nothing."""
    match value:
        case BaseModel():
            return plain(dict(value))
        case Mapping():
            return {name: plain(each) for name, each in value.items() if each not in (None, frozenset(), {})}
        case datetime():
            return int(value.timestamp())
        case Enum():
            return value.value
        case list() | tuple():
            return [plain(each) for each in value]
        case set() | frozenset():
            return {plain(each) for each in value}
    return value


def written(values: Mapping[str, object]) -> dict[str, Any]:
    """As requests carry them."""
    return {name: _serializer.serialize(value) for name, value in plain(values).items()}


def read_back(item: Mapping[str, Any]) -> dict[str, Any]:
    """As answers bring them."""
    return {name: _deserializer.deserialize(value) for name, value in item.items()}
