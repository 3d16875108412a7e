"""The stage of all faults: nobody waits in earnest, and all that leaves the product is caught."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests import versions
from tests.listener import listener
from tests.mailbox import mailbox
from tests.proofs.faults.operations import Stage
from tests.table import Table
from tests.vault import vault
from tests.workers import CLEAN_UP, EXPIRE_LINKS, SEAL_TRAIL, SEND_LETTERS, Clock


@pytest.fixture
def stage(table: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Two sets of the vendor's have a second version, so that there is one to accept."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    clock = Clock(monkeypatch, SEND_LETTERS, EXPIRE_LINKS, CLEAN_UP, SEAL_TRAIL)
    with versions.two_versions(), mailbox() as post, listener() as bus, ExitStack() as vaults:
        vaults.enter_context(vault())
        yield Stage(table, post, bus, clock, vaults)
