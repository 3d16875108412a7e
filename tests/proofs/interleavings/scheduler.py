"""The same attempts in real threads. The thread with the turn makes its pending call and runs up to its next one.

Only one thread runs at a time, so that moto gets one call at a time. Schedules share no state.
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
    """An attempt in a thread that waits for its turn. `draws` counts the random values that it has drawn."""

    attempt: Attempt
    turn: Semaphore = field(default_factory=lambda: Semaphore(0))
    draws: int = 0
    is_done: bool = False
    end: Future[AttemptResult] | None = None


@dataclass(slots=True)
class Scheduler:
    """The scheduler of the threads."""

    scenario: Scenario
    control: Semaphore = field(default_factory=lambda: Semaphore(0))
    current: Any = field(default_factory=local)

    def run_schedule(self, beginning: str, *attempts: Attempt) -> tuple[str, list[list[str]], Outcome]:
        """Run a schedule that starts with `beginning` and continues with the first thread that can go on.

        Return the schedule, the threads that could have gone on at each step, and the outcome.
        """
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
        """Count the schedules for each outcome. At each step, each thread that can go on does so once."""
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
