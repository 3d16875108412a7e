"""The environment of the fault tests: no real waiting, and a fake for each service that the product calls."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support import set_versions
from tests.support.background_functions import WORKER, Clock
from tests.support.environment import Environment
from tests.support.fake_event_bus import fake_event_bus
from tests.support.fake_ses import fake_ses
from tests.support.fake_tree_head_store import fake_tree_head_store
from tests.support.table import Table


@pytest.fixture
def fault_environment(table: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """Yield the fault_environment.

    Two of the vendor's sets have a second version, so that there is a set update to accept.
    """
    monkeypatch.setattr("time.sleep", lambda _: None)
    clock = Clock(monkeypatch, WORKER)
    with (
        set_versions.two_set_versions(),
        fake_ses() as ses,
        fake_event_bus() as event_bus,
        ExitStack() as tree_head_stores,
    ):
        tree_head_stores.enter_context(fake_tree_head_store())
        yield Environment(table, ses, event_bus, clock, tree_head_stores)
