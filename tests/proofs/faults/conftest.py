"""The stage of all faults: nobody waits in earnest, and all that leaves the product is caught."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.proofs.faults.operations import Stage
from tests.support import set_versions
from tests.support.background_functions import CLEAN_UP, EXPIRE_LINKS, SEAL_TRAIL, SEND_LETTERS, Clock
from tests.support.fake_event_bus import listener
from tests.support.fake_ses import mailbox
from tests.support.fake_tree_head_store import vault
from tests.support.table import Table


@pytest.fixture
def stage(table: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Two sets of the vendor's have a second version, so that there is one to accept."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    clock = Clock(monkeypatch, SEND_LETTERS, EXPIRE_LINKS, CLEAN_UP, SEAL_TRAIL)
    with set_versions.two_versions(), mailbox() as post, listener() as bus, ExitStack() as vaults:
        vaults.enter_context(vault())
        yield Stage(table, post, bus, clock, vaults)
