"""Every pair of operations at once: the guarantees hold in every state of every interleaving."""

from collections.abc import Iterator
from itertools import combinations_with_replacement, islice
from typing import Final

from tests.proofs.interleavings.attempts import Attempt
from tests.proofs.interleavings.invariants import Scenario
from tests.proofs.interleavings.schedules import ExplorationResult
from tests.proofs.interleavings.sharding import SHARDS
from tests.support import gateway, operations
from tests.test_conventions import OPERATIONS
from tools.proof.notes import Notes

CHOSEN: Final = (
    ("approve", "approve as the owner"),
    ("approve", "revoke"),
    ("approve", "end the newcomer everywhere"),
    ("create a partner admin", "fewer seats"),
    ("demote the owner", "demote the approver"),
    ("end the colleague", "decide"),
    ("send emails from the stream", "the email bounces"),
)
"""Pairs of the short form."""
LEFT_OUT: Final = "the sweep a week later"
REPEATED: Final = frozenset({"approve", "the owner goes"})
"""Operations that the short form requests twice."""
PAGES: Final = "serve_pages"
SAMPLED: Final = 6
"""The short form tries one in this many operations alone."""


def counts(found: list[ExplorationResult]) -> dict[str, int]:
    return {"schedules": sum(each.schedules for each in found), "states": sum(each.states for each in found)}


def pairs(scenario: Scenario, *, whole: bool) -> Iterator[list[Attempt]]:
    if not whole:
        yield from (scenario.attempts(*names) for names in CHOSEN)
        return
    for names in combinations_with_replacement(scenario.operations, 2):
        if set(names) != {LEFT_OUT}:
            yield scenario.attempts(*names)


def test_pair_of_concurrent_operations_keeps_invariants(
    scenario: Scenario, shard: int, whole: bool, notes: Notes
) -> None:
    # domain.md rule 16
    mine = islice(pairs(scenario, whole=whole), shard, None, SHARDS)
    found = [scenario.prove(*pair) for pair in mine]

    assert all(each.schedules > 1 for each in found)
    notes.passed("every pair of operations", share=shard, pairs=len(found), **counts(found))
    notes.exception(
        f"{LEFT_OUT} and another like it",
        "left out: it has more schedules than all others together, and no case that two concurrent expiry sweeps do not have",
    )


def test_concurrent_requests_with_same_key_take_effect_once(
    scenario: Scenario, shard: int, whole: bool, notes: Notes
) -> None:
    """Check a retry that starts before the first try has its response (G8).

    This includes operations that remove the caller's own rights.
    """
    keyed = [attempt for attempt in scenario.attempts(*scenario.operations) if attempt.has_key]
    mine = keyed[shard::SHARDS] if whole else scenario.attempts(*sorted(REPEATED))
    found = [scenario.prove(each, each.retry()) for each in mine]

    notes.passed("the same key twice at once", share=shard, operations=len(found), **counts(found))


def test_operations_include_each_changing_route_and_background_function(scenario: Scenario) -> None:
    changing = {
        key
        for operation in gateway.OPERATIONS
        for key, route in gateway.app(operation).routes.items()
        if not key.startswith(("GET", "$")) and (route.needs_key or not key.startswith("POST"))
    }
    workers = {f"functions.{operation}.app" for operation in {*OPERATIONS} - {*gateway.OPERATIONS, PAGES}}
    tried = {operation.where for operation in scenario.operations.values()}

    assert [*operations.problems("concurrent"), *operations.function_problems()] == []
    assert changing | workers <= tried
    assert changing
    assert workers


def test_operation_alone_succeeds(scenario: Scenario, shard: int) -> None:
    """Check that each operation succeeds alone. One that fails anyway would prove nothing about concurrency."""
    for operation in [*scenario.operations.values()][shard :: max(SHARDS, SAMPLED)]:
        state = scenario.run_alone(scenario.initial_state, Attempt(operation))
        assert state.results[0].succeeded, (
            f"{operation.name} fails alone, so correct its ConcurrentCase in {operations.FOLDER}: {state.results[0].text}"
        )
        assert (state.aws_state is scenario.initial_state) == (not operation.has_effect), (
            f"{operation.name} has an effect or none, unlike has_effect of its ConcurrentCase in {operations.FOLDER}"
        )
