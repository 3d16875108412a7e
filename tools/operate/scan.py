"""Reading the whole table, or what begins in some way, in several segments at once."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer

from tools.operate.stack import explained

AT_ONCE: Final = 4

Item = Mapping[str, Any]

_deserializer: Final = TypeDeserializer()


def scan(dynamodb: Any, table: str, *prefixes: str) -> list[Item]:
    """The items whose partition begins in one of these ways, or all, each as it is when the scan comes by."""
    asked: dict[str, Any] = {"TableName": table, "ConsistentRead": True, "TotalSegments": AT_ONCE}
    if prefixes:
        asked["FilterExpression"] = " OR ".join(f"begins_with(pk, :p{nth})" for nth, _ in enumerate(prefixes))
        asked["ExpressionAttributeValues"] = {f":p{nth}": {"S": prefix} for nth, prefix in enumerate(prefixes)}
    with explained(f"The table {table} cannot be read"), ThreadPoolExecutor(AT_ONCE, "segment") as threads:
        parts = threads.map(lambda segment: _segment(dynamodb, {**asked, "Segment": segment}), range(AT_ONCE))
        found = {(item["pk"], item["sk"]): item for part in parts for item in part}
    return list(found.values())


def _segment(dynamodb: Any, asked: dict[str, Any]) -> list[Item]:
    return items_of(dynamodb.get_paginator("scan").paginate(**asked))


def items_of(pages: Iterable[Any]) -> list[Item]:
    """The items of these pages, as plain values."""
    return [
        {name: _deserializer.deserialize(value) for name, value in item.items()}
        for page in pages
        for item in page["Items"]
    ]
