"""Read the whole table, or the partitions with certain prefixes, in several segments at once."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer

from tools.operate.stack import translate_errors

SEGMENTS: Final = 4

Item = Mapping[str, Any]

_deserializer: Final = TypeDeserializer()


def scan(dynamodb: Any, table: str, *prefixes: str) -> list[Item]:
    """Return the items whose partition key has one of these prefixes. Without prefixes, return all items.

    The scan is not a snapshot: each item has its state at the moment when the scan reads it.
    """
    parameters: dict[str, Any] = {"TableName": table, "ConsistentRead": True, "TotalSegments": SEGMENTS}
    if prefixes:
        parameters["FilterExpression"] = " OR ".join(f"begins_with(pk, :p{nth})" for nth, _ in enumerate(prefixes))
        parameters["ExpressionAttributeValues"] = {f":p{nth}": {"S": prefix} for nth, prefix in enumerate(prefixes)}
    with translate_errors(f"The table {table} cannot be read"), ThreadPoolExecutor(SEGMENTS, "segment") as threads:
        parts = threads.map(lambda segment: _segment(dynamodb, {**parameters, "Segment": segment}), range(SEGMENTS))
        found = {(item["pk"], item["sk"]): item for part in parts for item in part}
    return list(found.values())


def _segment(dynamodb: Any, parameters: dict[str, Any]) -> list[Item]:
    return items_of(dynamodb.get_paginator("scan").paginate(**parameters))


def items_of(pages: Iterable[Any]) -> list[Item]:
    """Return the items of these pages as plain Python values."""
    return [
        {name: _deserializer.deserialize(value) for name, value in item.items()}
        for page in pages
        for item in page["Items"]
    ]
