"""The initial state of all explorations, built once, and the runner of attempts in it."""

from collections.abc import Iterator

import pytest

from tests.proofs.interleavings import call_faults, operations
from tests.proofs.interleavings.attempts import Attempt, AttemptRunner, Operation, attempt_runner
from tests.proofs.interleavings.fake_aws import AwsState, FakeAws
from tests.proofs.interleavings.invariants import Scenario, SharedResults
from tests.proofs.interleavings.schedules import Exploration
from tests.proofs.interleavings.sharding import SHARDS
from tests.support import busy_table, set_versions
from tests.support.background_functions import publish_audit_events
from tests.support.builders import NOW
from tests.support.table import Table

SIGNING_SETTINGS = {"TREE_HEADS_BUCKET": "bucket", "TREE_HEAD_SIGNING_KEY": "key", "TREE_HEAD_RETENTION_DAYS": "365"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test with the parameter `shard` one run for each shard."""
    if "shard" in metafunc.fixturenames:
        metafunc.parametrize("shard", range(SHARDS))


@pytest.fixture(scope="session")
def shared_results() -> SharedResults:
    return SharedResults()


@pytest.fixture
def scenario(table: Table, shared_results: SharedResults, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scenario]:
    for name, value in SIGNING_SETTINGS.items():
        monkeypatch.setenv(name, value)
    with set_versions.two_set_versions(), attempt_runner(NOW) as runner:
        aws = FakeAws(table)
        if not shared_results.initial_state:
            shared_results.initial_state = _initial_state(aws, runner, table)
            every = (
                *operations.OPERATIONS,
                *operations.background_operations(shared_results.initial_state.items),
            )
            shared_results.operations = {operation.name: operation for operation in every}
        runner.started = shared_results.started
        yield Scenario(aws.same(shared_results.initial_state), shared_results.operations, aws, runner)


def _initial_state(aws: FakeAws, runner: AttemptRunner, table: Table) -> AwsState:
    """Return the initial state: an employee has a link, another was offboarded without a reconciliation.

    Some audit entries are already in the hash chain.
    """
    busy_table.fill_table(table)
    aws_state = aws.now()
    exploration = Exploration(runner, aws)
    (invited,) = exploration.must_hold(aws_state, Attempt(operations.INVITE)).ends
    killed_after = Exploration(runner, aws, faults=(call_faults.KILLED_AFTER,))
    offboarded = next(
        end
        for end in killed_after.must_hold(invited.aws_state, Attempt(operations.OFFBOARD_AT_ONCE)).ends
        if end.results[0].failed
    )
    entries = [item for item in offboarded.aws_state.items if item["pk"].startswith("AUDIT#")]
    chaining = Operation(
        "chain", "before", lambda _: publish_audit_events(sorted(entries, key=lambda item: item["sk"])[:2])
    )
    (chained,) = exploration.must_hold(offboarded.aws_state, Attempt(chaining)).ends
    return aws.same(AwsState(chained.aws_state.table))
