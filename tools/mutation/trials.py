"""Run all tests while recording their coverage, then run the tests that cover each mutant with the mutant installed.

A trial is a fork of the process in which all tests have passed. Nothing is imported, collected or set up twice.
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
CPU_TIME_FACTOR: Final = 10
"""A test may use this many times the CPU time that it took before, and this many seconds more.

CPU time does not pass while other processes keep the test waiting, so that load kills no mutant.
"""
LONGEST_WAIT: Final = 600
"""Seconds after which a test that waits without using the CPU counts as failed."""
RECENT_KILLS: Final = 30
"""The number of recent kills that decide which tests run first."""

Mutant = TypeVar("Mutant", bound=Hashable)


class Outcome(StrEnum):
    KILLED = "killed"
    SURVIVED = "survived"
    INVALID = "invalid"
    """The mutant is not valid: AWS rejects the request, or Python rejects the function."""
    UNCOVERED = "untouched"
    """No test covers the mutant."""


EXIT_CODES: Final = {Outcome.SURVIVED: 0, Outcome.KILLED: 1, Outcome.INVALID: 3}


@dataclass(frozen=True, slots=True)
class TrialResult(Generic[Mutant]):
    """The result of a mutant and the test that killed it. The mutant None is the unchanged product."""

    mutant: Mutant | None
    outcome: Outcome
    killed_by: str = ""


class Experiment(Protocol[Mutant]):
    """A source of mutants that also records which tests cover each of them."""

    def recording(self, test: str) -> AbstractContextManager[None]:
        """Record what this test covers while it runs."""

    def mutants(self) -> Iterable[tuple[Mutant, Iterable[str]]]:
        """Yield each mutant with the tests that cover it, the most likely to fail first.

        Similar mutants are adjacent.
        """

    def install(self, mutant: Mutant) -> bool:
        """Install the mutant in this process permanently. Return False if that is not possible."""

    def was_rejected(self) -> bool:
        """Return whether AWS rejected a request of the mutant as invalid."""


class Trials(Generic[Mutant]):
    """A pytest plugin that runs an experiment instead of only the tests."""

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
        """Check that every test passes while recording its coverage, then try every mutant."""
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
        for result in self._all_results(items, session):
            self._report(result)
        return True

    def _prepare(self, items: Mapping[str, pytest.Item], session: pytest.Session) -> None:
        """Create the shared table before the first recorded test, so that it exists during all of them."""
        for item in items.values():
            if "session_table" in getattr(item, "fixturenames", ()):
                _run(item, session)
                return

    def _all_results(self, items: Mapping[str, pytest.Item], session: pytest.Session) -> Iterator[TrialResult[Mutant]]:
        running: dict[int, tuple[Mutant | None, int]] = {}
        trials: Iterable[tuple[Mutant | None, Iterable[str]]] = self._experiment.mutants()
        for mutant, covering in chain([(None, list(items))], trials):
            # a test that killed one mutant often kills the next one
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
        """Return the result of the trial that ends first."""
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
        """Run the tests in the fork until one fails, report its name, and exit."""
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

            signal.signal(signal.SIGPROF, fails)
            signal.setitimer(signal.ITIMER_PROF, CPU_TIME_FACTOR * (self._seconds.get(test.nodeid, 0) + 1))
            signal.signal(signal.SIGALRM, fails)
            signal.alarm(LONGEST_WAIT)
            _run(test, session)
            if self._failed:
                fails()
        os._exit(EXIT_CODES[Outcome.SURVIVED])


def _run(item: pytest.Item, session: pytest.Session) -> None:
    after: Any = session  # tears down as if the next test shared only the session
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)


def run(experiment: Experiment[Mutant], tests: Iterable[str], report: Callable[[TrialResult[Mutant]], object]) -> bool:
    """Return whether the tests passed and every mutant was tried."""
    # No deadline, because a fork may wait for a processor. No shrinking, because any failure is enough.
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile(PROFILE, derandomize=True, deadline=None, phases=phases)
    options = (
        *("-q", "--no-header", "--capture=sys", "-p", "no:cacheprovider", f"--hypothesis-profile={PROFILE}"),
        # the reason for a failure is not needed
        *("--tb=no", "--assert=plain", "--show-capture=no"),
        # Hypothesis must be imported before the profile can be registered
        *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    )
    return pytest.main([*tests, *options], plugins=[Trials(experiment, report)]) is pytest.ExitCode.OK
