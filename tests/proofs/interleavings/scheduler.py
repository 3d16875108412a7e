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

from tests.proofs.interleavings.attempts import Attempt, AttemptResult
from tests.proofs.interleavings.invariants import Outcome, Scenario
from tests.proofs.interleavings.schedules import LABELS
from tests.support.faults import Send


@dataclass(slots=True)
class AttemptThread:
    """Somebody with an attempt, who waits for his turn; `names` is how many it has taken."""

    attempt: Attempt
    turn: Semaphore = field(default_factory=lambda: Semaphore(0))
    draws: int = 0
    is_done: bool = False
    end: Future[AttemptResult] | None = None


@dataclass(slots=True)
class Scheduler:
    """Where attempts are acted out."""

    scenario: Scenario
    control: Semaphore = field(default_factory=lambda: Semaphore(0))
    current: Any = field(default_factory=local)

    def run_schedule(self, beginning: str, *attempts: Attempt) -> tuple[str, list[list[str]], Outcome]:
        """A schedule that begins so and goes on with whoever comes first, who could have gone on when, and what came of it."""
        actors = [AttemptThread(attempt) for attempt in attempts]
        schedule, choices = "", []
        self.scenario.aws.restore(self.scenario.initial_state)
        with self._live(), ThreadPoolExecutor(len(actors)) as pool:
            for thread in actors:
                thread.end = pool.submit(self._run_thread, thread)
                self._give_turn(thread)
            while runnable := [label for label, thread in zip(LABELS, actors, strict=False) if not thread.is_done]:
                label = beginning[len(schedule)] if len(schedule) < len(beginning) else runnable[0]
                choices.append(runnable)
                schedule += label
                self._give_turn(actors[LABELS.index(label)])
            ends = [thread.end.result() for thread in actors if thread.end]
        return schedule, choices, self.scenario.outcome(self.scenario.aws.now(), ends)

    def outcomes(self, *attempts: Attempt) -> Counter[Outcome]:
        """How many schedules there are to each outcome: at each turn everybody who could, goes on once."""
        found: Counter[Outcome] = Counter()
        beginnings = [""]
        while beginnings:
            beginning = beginnings.pop()
            schedule, choices, outcome = self.run_schedule(beginning, *attempts)
            found[outcome] += 1
            for position in range(len(beginning), len(schedule)):
                others = choices[position][choices[position].index(schedule[position]) + 1 :]
                beginnings += [schedule[:position] + other for other in others]
        return found

    @contextmanager
    def _live(self) -> Iterator[None]:
        self.scenario.runner.live = self._wait_for_turn
        yield
        self.scenario.runner.live = None

    def _run_thread(self, thread: AttemptThread) -> AttemptResult:
        self.current.actor = thread
        try:
            thread.turn.acquire()
            return self.scenario.runner.run_attempt(thread.attempt)
        finally:
            thread.is_done = True
            self.control.release()

    def _wait_for_turn(self, send: Send) -> Any:
        thread = self.current.actor
        self.control.release()
        thread.turn.acquire()
        return send()

    def _give_turn(self, thread: AttemptThread) -> None:
        runner = self.scenario.runner
        runner.become(thread.attempt, thread.draws)
        thread.turn.release()
        self.control.acquire()
        thread.draws = runner.draws
