"""The world that everything is tried in, made once, and the player who runs attempts in it."""

from collections.abc import Iterator

import pytest

from tests.proofs.interleavings import call_faults, operations
from tests.proofs.interleavings.attempts import Attempt, Operation, Player, player
from tests.proofs.interleavings.fake_aws import Aws, Held
from tests.proofs.interleavings.invariants import Memory, World
from tests.proofs.interleavings.schedules import Exploration
from tests.proofs.interleavings.sharding import SHARES
from tests.support import set_versions
from tests.support.background_functions import publish_audit_events
from tests.support.builders import NOW
from tests.support.table import Table

SEALING = {"TREE_HEADS_BUCKET": "bucket", "TREE_HEAD_SIGNING_KEY": "key", "TREE_HEAD_RETENTION_DAYS": "365"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A whole proof is shared out among workers."""
    if "share" in metafunc.fixturenames:
        metafunc.parametrize("share", range(SHARES))


@pytest.fixture(scope="session")
def memory() -> Memory:
    return Memory()


@pytest.fixture
def world(table: Table, memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in SEALING.items():
        monkeypatch.setenv(name, value)
    with set_versions.two_versions(), player(NOW) as playing:
        aws = Aws(table)
        if not memory.began:
            memory.began = _begun(aws, playing, table)
            every = (
                *operations.OF_PEOPLE,
                *operations.OF_THE_VENDOR,
                *operations.READING,
                *operations.of_workers(memory.began.items),
            )
            memory.operations = {operation.name: operation for operation in every}
        playing.first = memory.first
        yield World(aws.same(memory.began), memory.operations, aws, playing)


def _begun(aws: Aws, playing: Player, table: Table) -> Held:
    """What has happened before: somebody was invited, somebody left and nobody tidied up, some entries are chained."""
    operations.fill(table)
    held = aws.now()
    exploration = Exploration(playing, aws)
    (invited,) = exploration.must_hold(held, Attempt(operations.INVITE)).ends
    leaving = Exploration(playing, aws, faults=(call_faults.KILLED_AFTER,))
    left = next(
        end for end in leaving.must_hold(invited.held, Attempt(operations.LEFT_AT_ONCE)).ends if end.ends[0].failed
    )
    entries = [item for item in left.held.items if item["pk"].startswith("AUDIT#")]
    chaining = Operation(
        "chain", "before", lambda _: publish_audit_events(sorted(entries, key=lambda item: item["sk"])[:2])
    )
    (chained,) = exploration.must_hold(left.held, Attempt(chaining)).ends
    return aws.same(Held(chained.held.table))
