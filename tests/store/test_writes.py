"""Tests of the items of a transaction. `test_dynamo.py` tests the transactions."""

import pytest

from partner_access.domain.errors import StaleFacts
from partner_access.store import dynamo, writes
from partner_access.store.keys import Key
from tests.support.table import Table

KEY = Key("PLACE#1", "ITEM")
OPEN = "stored_state = :open"


def test_delete_requires_its_condition(table: Table) -> None:
    table.put(KEY, {"stored_state": "open"})

    with pytest.raises(StaleFacts):
        dynamo.transact([writes.delete(KEY, only_if="stored_state = :ended", ended="ended")])
    assert table.get(KEY)
    dynamo.transact([writes.delete(KEY, only_if=OPEN, open="open")])
    assert table.get(KEY) is None


def test_put_overwrites_only_without_condition(table: Table) -> None:
    dynamo.transact([writes.put(KEY, {"number": 1})])

    with pytest.raises(StaleFacts):
        dynamo.transact([writes.put(KEY, {"number": 2})])
    dynamo.transact([writes.put(KEY, {"number": 3}, only_if=None)])

    assert dynamo.read([KEY])[KEY]["number"] == 3


def test_update_with_failed_condition_writes_nothing(table: Table) -> None:
    table.put(KEY, {"stored_state": "ended", "times": 1})

    with pytest.raises(StaleFacts):
        dynamo.transact([writes.update(KEY, "ADD times :one", only_if=OPEN, open="open", one=1)])

    assert dynamo.read([KEY])[KEY]["times"] == 1


def test_check_requires_its_condition_and_writes_nothing(table: Table) -> None:
    table.put(KEY, {"stored_state": "open"})
    before = table.items()

    dynamo.transact([writes.check(KEY, only_if=OPEN, open="open")])
    with pytest.raises(StaleFacts):
        dynamo.transact([writes.check(KEY, only_if="stored_state = :ended", ended="ended")])

    assert table.items() == before
