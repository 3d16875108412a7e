"""Queries: pages in order, and consistent reads except on an index."""

from datetime import timedelta

import pytest

from partner_access.store import dynamo, queries
from partner_access.store.keys import Key
from tests.store.test_dynamo import every_item
from tests.support import faults
from tests.support.builders import NOW
from tests.support.table import Table


@pytest.fixture
def listed_items(table: Table) -> Table:
    for number in range(5):
        at = NOW + timedelta(days=number)
        table.put(Key("LIST#1", f"ITEM#{number}"), {"number": number, "due_shard": "DUE#0", "due_at": at})
    table.put(Key("LIST#2", "ITEM#9"), {"number": 9})
    return table


@pytest.mark.parametrize(("newest_first", "order"), [(False, [0, 1, 2, 3, 4]), (True, [4, 3, 2, 1, 0])])
@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_query_returns_all_pages_in_order(
    listed_items: Table, limit: int, *, newest_first: bool, order: list[int]
) -> None:
    assert [item["number"] for item in every_item(limit=limit, newest_first=newest_first)] == order


def test_query_is_consistent_except_on_index(listed_items: Table) -> None:
    with faults.inject(dynamo.client(), "Query") as requests:
        queries.query("pk = :list", list="LIST#1")
        found = queries.query("due_shard = :shard AND due_at <= :now", index="due", shard="DUE#0", now=NOW)

    assert [operation.get("ConsistentRead") for operation in requests] == [True, None]
    assert [operation.get("IndexName") for operation in requests] == [None, "due"]
    assert [(item["pk"], item["sk"]) for item in found.items] == [("LIST#1", "ITEM#0")]
    assert "number" not in found.items[0]
