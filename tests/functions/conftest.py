"""The world on which the doors are tried, and that it is sound whatever happened at them."""

from collections.abc import Iterator

import pytest

from tests.table import Table
from tests.worlds import a_world
from tools.invariants import broken


@pytest.fixture
def sound(table: Table) -> Iterator[None]:
    """Every invariant holds when the test is over."""
    yield
    assert broken(table.items()) == []


@pytest.fixture
def world(table: Table, sound: None) -> Table:
    """The usual world."""
    a_world(table)
    return table
