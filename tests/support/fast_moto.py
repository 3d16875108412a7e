"""Faster versions of slow parts of moto's table, with the same behavior (tests/support/test_fast_moto.py)."""

import copy
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import pytest
from moto.core import responses, utils
from moto.core.common_models import BaseModel
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

MAX_ITEM_BYTES: Final = 405_000
"""The largest size of an item in bytes that moto accepts."""

original_serialize_structure: Final = BaseJSONSerializer._serialize_type_structure
original_all_items: Final = Table.all_items
original_update_item: Final = DynamoDBBackend.update_item


def speed_up_moto(patch: pytest.MonkeyPatch) -> None:
    """Replace the slow parts of moto. The patch undoes it."""
    # moto keeps every item it copies until the mock ends, unless its models are plain objects
    patch.setattr(BaseModel, "__new__", lambda cls, *_, **__: object.__new__(cls))
    # moto collects its own method names at every request
    patch.setattr(responses, "method_names_from_class", cache(utils.method_names_from_class))
    # moto checks every attribute ten times for which of six type names it has
    patch.setattr(BaseJSONSerializer, "_serialize_type_structure", _serialize_structure)
    # moto computes the item's size again for every attribute that is added
    patch.setattr(Item, "__init__", _init_item)
    # moto sorts the whole table by key in Python on every iteration
    patch.setattr(Table, "all_items", _sorted_items)
    # moto copies the whole table before every transaction, which is not needed if items are never changed in place
    patch.setattr(Table, "__deepcopy__", _shallow_copy, raising=False)
    patch.setattr(DynamoDBBackend, "update_item", _update_copy)


def _serialize_structure(serializer: Any, output: dict[str, Any], value: Any, shape: Any, key: str) -> None:
    if shape.name == "AttributeValue" and type(value) is dict and len(value) == 1:
        output[serializer.get_serialized_name(shape, key)] = _serialize_attribute(value, serializer._base64)
    else:
        original_serialize_structure(serializer, output, value, shape, key)


def _serialize_attribute(value: dict[str, Any], base64: Callable[[Any], str]) -> dict[str, Any]:
    """Serialize an attribute by its type name. Only bytes need a conversion."""
    ((type_name, content),) = value.items()
    match type_name:
        case "B":
            return {type_name: base64(content)}
        case "BS":
            return {type_name: [base64(each) for each in content]}
        case "L":
            return {type_name: [_serialize_attribute(each, base64) for each in content]}
        case "M":
            return {type_name: {name: _serialize_attribute(each, base64) for name, each in content.items()}}
    return {type_name: content}


def _init_item(item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    item.hash_key, item.range_key, item.attrs = hash_key, range_key, LimitedSizeDict()
    for name, value in attrs.items():
        dict.__setitem__(item.attrs, name, DynamoType(value))
    if item.size() > MAX_ITEM_BYTES:
        raise ItemSizeTooLarge


def _sorted_items(table: Table) -> list[Item]:
    """Return all items, sorted by the text of their keys."""
    items = (item for items in table.items.values() for item in items.values())
    return sorted(items, key=lambda item: (item.hash_key.value, item.range_key.value))


def _shallow_copy(table: Table, _: dict[int, Any]) -> Table:
    table_copy: Table = copy.copy(table)
    table_copy.items = defaultdict(dict, {key: dict(items) for key, items in table.items.items()})
    return table_copy


def _update_copy(backend: DynamoDBBackend, table_name: str, key: dict[str, Any], *how: Any, **more: Any) -> Item:
    table = backend.get_table(table_name)
    partition_key, sort_key = (DynamoType(key[name]) for name in table.table_key_attrs)
    if old := table.get_item(partition_key, sort_key):
        table.items[partition_key][sort_key] = copy.deepcopy(old)
    updated: Item = original_update_item(backend, table_name, key, *how, **more)
    return updated
