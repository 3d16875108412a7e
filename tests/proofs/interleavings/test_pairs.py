"""Every two deeds at once: whatever of one comes between what of the other, the guarantees hold at every moment."""

from collections.abc import Iterator
from itertools import combinations_with_replacement, islice
from typing import Final

from tests.proofs.interleavings.attempts import Attempt
from tests.proofs.interleavings.invariants import World
from tests.proofs.interleavings.schedules import Found
from tests.proofs.interleavings.sharding import SHARES
from tests.support import gateway
from tests.test_conventions import OPERATIONS
from tools.proof.notes import Notes

CHOSEN: Final = (
    ("approve", "approve as the owner"),
    ("approve", "revoke"),
    ("approve", "end the newcomer everywhere"),
    ("create a partner admin", "fewer seats"),
    ("demote the owner", "demote the approver"),
    ("end the colleague", "decide"),
    ("the mailer's stream", "the letter bounces"),
)
"""Those of the short form."""
TOO_MANY: Final = "the sweep a week later"
TWICE: Final = frozenset({"approve", "the owner goes"})
"""Those of the short form that are asked for twice."""
WITHOUT_EFFECT: Final = frozenset({"preview", "decide", "the letter bounces", "the letter was sent"})
"""They read, or come before there is anything to do."""
PAGES: Final = "serve_pages"
SAMPLED: Final = 6
"""Of how many deeds the short form tries one alone."""


def counts(found: list[Found]) -> dict[str, int]:
    return {"schedules": sum(each.schedules for each in found), "states": sum(each.states for each in found)}


def pairs(world: World, *, whole: bool) -> Iterator[list[Attempt]]:
    if not whole:
        yield from (world.attempts(*names) for names in CHOSEN)
        return
    for names in combinations_with_replacement(world.operations, 2):
        if set(names) != {TOO_MANY}:
            yield world.attempts(*names)


def test_every_two_deeds_may_happen_at_once(world: World, share: int, whole: bool, notes: Notes) -> None:
    mine = islice(pairs(world, whole=whole), share, None, SHARES)
    found = [world.prove(*pair) for pair in mine]

    assert all(each.schedules > 1 for each in found)
    notes.tried("every two deeds", share=share, pairs=len(found), **counts(found))
    notes.named(
        f"{TOO_MANY} and another like it",
        "left out: more schedules than all others together, and nothing in them that two sweeps of what is due now have not",
    )


def test_one_deed_that_is_asked_for_twice_at_once_is_done_once(
    world: World, share: int, whole: bool, notes: Notes
) -> None:
    """G8, for whoever asks again before he is answered: also when what he did takes his own right away."""
    asked = [attempt for attempt in world.attempts(*world.operations) if attempt.is_deed]
    mine = asked[share::SHARES] if whole else world.attempts(*sorted(TWICE))
    found = [world.prove(each, each.again()) for each in mine]

    notes.tried("the same key twice at once", share=share, deeds=len(found), **counts(found))


def test_every_door_that_changes_something_and_every_worker_is_among_them(world: World) -> None:
    changing = {
        key
        for operation in gateway.OPERATIONS
        for key, route in gateway.app(operation).routes.items()
        if not key.startswith(("GET", "$")) and (route.needs_key or not key.startswith("POST"))
    }
    workers = {f"functions.{operation}.app" for operation in {*OPERATIONS} - {*gateway.OPERATIONS, PAGES}}
    tried = {operation.at for operation in world.operations.values()}

    assert changing | workers <= tried
    assert changing
    assert workers


def test_alone_every_deed_comes_true(world: World, share: int) -> None:
    """What is refused anyway does not show what happens when it is not."""
    for operation in [*world.operations.values()][share :: max(SHARES, SAMPLED)]:
        state = world.alone(world.held, Attempt(operation))
        assert state.ends[0].succeeded, operation
        assert (state.held is world.held) == (operation.name in WITHOUT_EFFECT), operation
