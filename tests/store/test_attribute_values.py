"""Attribute values: plain values in the table that can be read back unchanged."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel

from partner_access.domain.users import User
from partner_access.store import attribute_values, dynamo, keys, writes
from partner_access.store.keys import Key
from tests.support.builders import NOW, a_user
from tests.support.table import Table

STORED_KEY = Key("PLACE#1", "ITEM")
MISSING_KEY = Key("PLACE#2", "ITEM")


class Color(StrEnum):
    RED = "red"


class Part(BaseModel):
    name: str
    at: Any = None


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("text", "text"),
        (7, 7),
        (True, True),
        (NOW, int(NOW.timestamp())),
        (NOW + timedelta(microseconds=999_999), int(NOW.timestamp())),
        (Color.RED, "red"),
        ((1, NOW), [1, int(NOW.timestamp())]),
        ([], []),
        ([None, "x"], [None, "x"]),
        ({"a", "b"}, {"a", "b"}),
        (frozenset({Color.RED}), {"red"}),
        ({"here": 1, "not": None, "none": frozenset()}, {"here": 1}),
        (Part(name="x", at=NOW), {"name": "x", "at": int(NOW.timestamp())}),
        (Part(name="x"), {"name": "x"}),
        ({"parts": (Part(name="x"), Part(name="y"))}, {"parts": [{"name": "x"}, {"name": "y"}]}),
        ("x" * 10_000, "x" * 10_000),
        ("日本 \U0001f41f", "日本 \U0001f41f"),
    ],
)
def test_plain_value_round_trip_returns_same_value(table: Table, value: object, stored: object) -> None:
    dynamo.transact([writes.put(STORED_KEY, {"value": value})])

    assert attribute_values.to_plain(value) == stored
    assert type(attribute_values.to_plain(value)) is type(stored)
    assert dynamo.read([STORED_KEY])[STORED_KEY]["value"] == stored


def test_written_none_in_list_is_null() -> None:
    assert attribute_values.to_attribute_values({"value": [None]}) == {"value": {"L": [{"NULL": True}]}}


def test_put_float_raises_type_error(table: Table) -> None:
    with pytest.raises(TypeError, match="float"):
        writes.put(STORED_KEY, {"value": 0.5})


def test_record_round_trip_returns_same_record(table: Table) -> None:
    user = a_user(employed_by=frozenset({"partner"}), open_links=3)
    dynamo.transact([writes.put(keys.of(user), user)])

    found = dynamo.read([keys.of(user)])

    assert found.get_as(User, keys.of(user)) == user
    assert found.get_as(User, MISSING_KEY) is None
