"""The same attempts in threads, for real: whoever has the baton makes the call he waits with, and goes on to his next.

Only one thread runs at a time, so that moto is never asked by two. Nothing is kept from one schedule to the next.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Semaphore, local
from typing import Any

from tests.proofs.interleavings.attempts import Attempt, End
from tests.proofs.interleavings.invariants import Outcome, World
from tests.proofs.interleavings.schedules import LETTERS
from tests.support.faults import Send


@dataclass(slots=True)
class Actor:
    """Somebody with an attempt, who waits for his turn; `names` is how many it has taken."""

    attempt: Attempt
    turn: Semaphore = field(default_factory=lambda: Semaphore(0))
    names: int = 0
    is_done: bool = False
    end: Future[End] | None = None


@dataclass(slots=True)
class Stage:
    """Where attempts are acted out."""

    world: World
    back: Semaphore = field(default_factory=lambda: Semaphore(0))
    here: Any = field(default_factory=local)

    def acted(self, beginning: str, *attempts: Attempt) -> tuple[str, list[list[str]], Outcome]:
        """A schedule that begins so and goes on with whoever comes first, who could have gone on when, and what came of it."""
        actors = [Actor(attempt) for attempt in attempts]
        schedule, choices = "", []
        self.world.aws.put_back(self.world.held)
        with self._live(), ThreadPoolExecutor(len(actors)) as threads:
            for actor in actors:
                actor.end = threads.submit(self._act, actor)
                self._give(actor)
            while able := [letter for letter, actor in zip(LETTERS, actors, strict=False) if not actor.is_done]:
                letter = beginning[len(schedule)] if len(schedule) < len(beginning) else able[0]
                choices.append(able)
                schedule += letter
                self._give(actors[LETTERS.index(letter)])
            ends = [actor.end.result() for actor in actors if actor.end]
        return schedule, choices, self.world.outcome(self.world.aws.now(), ends)

    def every(self, *attempts: Attempt) -> Counter[Outcome]:
        """How many schedules there are to each outcome: at each turn everybody who could, goes on once."""
        found: Counter[Outcome] = Counter()
        beginnings = [""]
        while beginnings:
            beginning = beginnings.pop()
            schedule, choices, outcome = self.acted(beginning, *attempts)
            found[outcome] += 1
            for place in range(len(beginning), len(schedule)):
                others = choices[place][choices[place].index(schedule[place]) + 1 :]
                beginnings += [schedule[:place] + other for other in others]
        return found

    @contextmanager
    def _live(self) -> Iterator[None]:
        self.world.player.live = self._waits
        yield
        self.world.player.live = None

    def _act(self, actor: Actor) -> End:
        self.here.actor = actor
        try:
            actor.turn.acquire()
            return self.world.player.acts(actor.attempt)
        finally:
            actor.is_done = True
            self.back.release()

    def _waits(self, send: Send) -> Any:
        actor = self.here.actor
        self.back.release()
        actor.turn.acquire()
        return send()

    def _give(self, actor: Actor) -> None:
        player = self.world.player
        player.becomes(actor.attempt, actor.names)
        actor.turn.release()
        self.back.acquire()
        actor.names = player.names
