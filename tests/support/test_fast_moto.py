"""Tests of the faster moto: attributes stay as written, and a failed transaction changes nothing."""

from typing import Any, Final

import pytest
from moto.core.serialize import JSONSerializer
from moto.core.utils import get_service_model

from tests.support.fast_moto import original_all_items, original_serialize_structure
from tests.support.table import Table

KEY: Final[dict[str, Any]] = {"pk": {"S": "A"}, "sk": {"S": "B"}}
ITEM_WITH_EVERY_TYPE: Final[dict[str, Any]] = {
    **KEY,
    "binary": {"B": b"\x00\xff"},
    "binaries": {"BS": [b"\x00", b"\x01"]},
    "bool": {"BOOL": False},
    "list": {"L": [{"S": ""}, {"L": []}, {"M": {"in": {"B": b"\x02"}}}]},
    "map": {"M": {"null": {"NULL": True}, "hollow": {"M": {}}}},
    "number": {"N": "1.5"},
    "numbers": {"NS": ["1", "2"]},
    "string": {"S": "ü"},
    "strings": {"SS": ["a", "b"]},
}
TOO_BIG: Final = {"S": "x" * 405_001}


def test_fast_moto_returns_every_attribute_type_as_written(table: Table) -> None:
    table.client.put_item(TableName=table.name, Item=ITEM_WITH_EVERY_TYPE)

    assert table.client.get_item(TableName=table.name, Key=KEY)["Item"] == ITEM_WITH_EVERY_TYPE


def test_fast_moto_serializes_like_moto(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    model = get_service_model("dynamodb").operation_model("GetItem")
    fast = JSONSerializer(model).serialize({"Item": ITEM_WITH_EVERY_TYPE})
    monkeypatch.setattr(JSONSerializer, "_serialize_type_structure", original_serialize_structure)

    assert fast == JSONSerializer(model).serialize({"Item": ITEM_WITH_EVERY_TYPE})


def test_fast_moto_orders_items_like_moto(table: Table) -> None:
    names = ["A", "A#", "AB", "B", "a", "ü", "\U0001f600", "\uffff"]
    for pk in reversed(names):
        for sk in names:
            table.client.put_item(TableName=table.name, Item={"pk": {"S": pk}, "sk": {"S": sk}})

    assert table._moto_table().all_items() == original_all_items(table._moto_table())


@pytest.mark.parametrize("last", [
    {"ConditionCheck": {"Key": {**KEY, "sk": {"S": "C"}}, "ConditionExpression": "attribute_exists(pk)"}},
    {"Update": {"Key": {**KEY, "sk": {"S": "C"}}, "UpdateExpression": "SET n = m"}},
    {"Put": {"Item": {**KEY, "sk": {"S": "C"}, "much": TOO_BIG}}},
    {"Delete": {"Key": KEY}},
], ids=["a condition", "an expression", "too much", "the same item twice"])  # fmt: skip
@pytest.mark.parametrize("change", [
    {"Update": {"Key": KEY, "UpdateExpression": "ADD strings :more, numbers :two SET #list[0] = :new, #map.n = :new",
                "ExpressionAttributeNames": {"#list": "list", "#map": "map"},
                "ExpressionAttributeValues": {":more": {"SS": ["c"]}, ":two": {"NS": ["3"]}, ":new": {"S": "new"}}}},
    {"Update": {"Key": KEY, "UpdateExpression": "REMOVE #list[0], #map.hollow DELETE strings :one",
                "ExpressionAttributeNames": {"#list": "list", "#map": "map"},
                "ExpressionAttributeValues": {":one": {"SS": ["a"]}}}},
    {"Put": {"Item": {**KEY, "number": {"N": "2"}}}},
    {"Delete": {"Key": KEY}},
], ids=["more", "less", "another", "none"])  # fmt: skip
def test_fast_moto_failed_transaction_changes_nothing(table: Table, change: Any, last: Any) -> None:
    table.client.put_item(TableName=table.name, Item=ITEM_WITH_EVERY_TYPE)
    new = {"Put": {"Item": {**KEY, "sk": {"S": "D"}}}}
    before = table.items()

    with pytest.raises(table.client.exceptions.ClientError):
        _transact(table, new, change, last)
    assert table.items() == before

    _transact(table, new, change)
    assert table.items() != before


def _transact(table: Table, *lines: dict[str, Any]) -> None:
    named: Any = [{kind: {"TableName": table.name, **request} for kind, request in line.items()} for line in lines]
    table.client.transact_write_items(TransactItems=named)
