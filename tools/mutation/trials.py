"""Mutants on trial: all tests run once, watched; then those that came near a mutant run again, changed, in a copy.

A trial is a fork of the process in which all tests have passed: nothing is imported, collected or set up twice.
"""

import gc
import os
import signal
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any, Final, Generic, NoReturn, Protocol, TypeVar

import pytest
from hypothesis import Phase, settings

PROFILE: Final = "trials"
TIMEOUT_FACTOR: Final = 10
"""How many times as long as before a test may take, and how many seconds more."""
RECENT_KILLS: Final = 30
"""How many of the last kills say which tests are tried first."""

Mutant = TypeVar("Mutant", bound=Hashable)


class Outcome(StrEnum):
    KILLED = "killed"
    SURVIVED = "survived"
    INVALID = "invalid"
    """It was no mutant: AWS takes no such request, or Python no such function."""
    UNCOVERED = "untouched"
    """No test came near it."""


EXIT_CODES: Final = {Outcome.SURVIVED: 0, Outcome.KILLED: 1, Outcome.INVALID: 3}


@dataclass(frozen=True, slots=True)
class TrialResult(Generic[Mutant]):
    """What became of a mutant, and the test that killed it; None stands for the product as it is."""

    mutant: Mutant | None
    outcome: Outcome
    killed_by: str = ""


class Experiment(Protocol[Mutant]):
    """What is changed, and how it is known which tests come near it."""

    def recording(self, test: str) -> AbstractContextManager[None]:
        """Take down what this test comes near while it runs."""

    def mutants(self) -> Iterable[tuple[Mutant, Iterable[str]]]:
        """Each with the tests that came near it, the likeliest to notice first; like ones one after the other."""

    def install(self, mutant: Mutant) -> bool:
        """In this process, for good; False when it cannot be."""

    def was_rejected(self) -> bool:
        """Whether what the mutant asked was refused as no request at all."""


class Trials(Generic[Mutant]):
    """A plugin for pytest that runs an experiment instead of the tests alone."""

    def __init__(self, experiment: Experiment[Mutant], report: Callable[[TrialResult[Mutant]], object]) -> None:
        self._experiment = experiment
        self._report = report
        self._failed = False
        self._seconds: dict[str, float] = {}
        self._killers: deque[str] = deque(maxlen=RECENT_KILLS)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed |= report.failed
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0) + report.duration

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Watch every test pass, then try every mutant."""
        items = {item.nodeid: item for item in session.items}
        if session.testsfailed or not items:
            raise session.Interrupted("the tests cannot be collected")
        self._prepare(items, session)
        for item in items.values():
            with self._experiment.recording(item.nodeid):
                _run(item, session)
            if self._failed:
                raise session.Failed(f"{item.nodeid} fails without any mutant")
        gc.collect()
        gc.freeze()
        for verdict in self._all_results(items, session):
            self._report(verdict)
        return True

    def _prepare(self, items: Mapping[str, pytest.Item], session: pytest.Session) -> None:
        """The table and what else tests share is made before the first is watched, and outlives them all."""
        for item in items.values():
            if "kept_table" in getattr(item, "fixturenames", ()):
                _run(item, session)
                return

    def _all_results(self, items: Mapping[str, pytest.Item], session: pytest.Session) -> Iterator[TrialResult[Mutant]]:
        running: dict[int, tuple[Mutant | None, int]] = {}
        trials: Iterable[tuple[Mutant | None, Iterable[str]]] = self._experiment.mutants()
        for mutant, covering in chain([(None, list(items))], trials):
            # what has just noticed one notices the next one, too
            tests = sorted(covering, key=lambda test: test not in self._killers)
            if not tests:
                yield TrialResult(mutant, Outcome.UNCOVERED)
                continue
            if len(running) == (os.cpu_count() or 1):
                yield self._first_finished(running)
            reader, writer = os.pipe()
            child = os.fork()
            if not child:
                os.close(reader)
                self._run_trial(mutant, [items[test] for test in tests], session, writer)
            os.close(writer)
            running[child] = mutant, reader
        while running:
            yield self._first_finished(running)

    def _first_finished(self, running: dict[int, tuple[Mutant | None, int]]) -> TrialResult[Mutant]:
        """Whichever is over first."""
        child, status = os.wait()
        mutant, reader = running.pop(child)
        with os.fdopen(reader) as pipe:
            killed_by = pipe.read()
        if killed_by:
            self._killers.append(killed_by)
        code = os.waitstatus_to_exitcode(status)
        outcome = next((each for each, exit_code in EXIT_CODES.items() if exit_code == code), Outcome.KILLED)
        return TrialResult(mutant, outcome, killed_by)

    def _run_trial(
        self, mutant: Mutant | None, tests: list[pytest.Item], session: pytest.Session, writer: int
    ) -> NoReturn:
        """In the copy: run the tests until one fails, say so, and be gone."""
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        if mutant is not None and not self._experiment.install(mutant):
            os._exit(EXIT_CODES[Outcome.INVALID])
        for test in tests:

            def fails(*_: object, test: str = test.nodeid) -> NoReturn:
                os.write(writer, test.encode())
                rejected = mutant is not None and self._experiment.was_rejected()
                os._exit(EXIT_CODES[Outcome.INVALID if rejected else Outcome.KILLED])

            signal.signal(signal.SIGALRM, fails)
            signal.alarm(int(TIMEOUT_FACTOR * (self._seconds.get(test.nodeid, 0) + 1)))
            _run(test, session)
            if self._failed:
                fails()
        os._exit(EXIT_CODES[Outcome.SURVIVED])


def _run(item: pytest.Item, session: pytest.Session) -> None:
    after: Any = session  # as if the next test shared nothing with it but the session
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)


def run(experiment: Experiment[Mutant], tests: Iterable[str], report: Callable[[TrialResult[Mutant]], object]) -> bool:
    """Whether the tests passed and every mutant was tried."""
    # a copy that waits for its processor is not slow; that a test fails is enough, and the smallest example is not wanted
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile(PROFILE, derandomize=True, deadline=None, phases=phases)
    options = (
        *("-q", "--no-header", "--capture=sys", "-p", "no:cacheprovider", f"--hypothesis-profile={PROFILE}"),
        # why a test failed is nobody's question here
        *("--tb=no", "--assert=plain", "--show-capture=no"),
        # hypothesis had to be imported to have a profile of it
        *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    )
    return pytest.main([*tests, *options], plugins=[Trials(experiment, report)]) is pytest.ExitCode.OK
