"""The exploration of every schedule of some attempts, with a check after each step.

Two schedules that lead to the same state of AWS and the same progress of each attempt have the same future. It is
explored once and counted for each of them. Calls that commute therefore cost nothing extra, and the exploration needs
no knowledge of which calls commute. test_exploring.py compares the result with running every schedule from its start.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.proofs.interleavings.attempts import Attempt, AttemptProgress, AttemptResult, AttemptRunner
from tests.proofs.interleavings.fake_aws import AwsCall, AwsState, CallResult, FakeAws

LABELS: Final = "ABCDEFGH"
STEP: Final = re.compile(r"[A-H](?:\[\w+\])?")
"""One step of a schedule: the attempt, and optionally the fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The replacement of a call's normal response. A lasting fault also hits all later calls of the attempt."""

    name: str
    apply: Callable[[FakeAws, AwsState, AwsCall], tuple[CallResult, AwsState] | None]
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The state of AWS, the progress and lasting fault of each attempt, and the number of faults left.

    `ever` contains, for each attempt, all values of `watch` since its first call.
    """

    aws_state: AwsState
    runs: tuple[AttemptProgress, ...]
    lasting_faults: tuple[Fault | None, ...]
    watched: tuple[frozenset[Any], ...]
    faults_left: int = 0

    @property
    def results(self) -> tuple[AttemptResult, ...]:
        """The results of the attempts that have ended."""
        return tuple(run.result for run in self.runs if run.result)

    @property
    def is_over(self) -> bool:
        return all(run.result for run in self.runs)


Check = Callable[[State], Iterable[str]]
"""A check that returns a sentence for each violation."""
Watch = Callable[[AwsState], Any]


class Violated(AssertionError):
    """A schedule that leads to a violation."""


@dataclass(slots=True)
class ExplorationResult:
    """The result of an exploration. `violating_schedule` is the first with a violation, and no shorter one has any."""

    schedules: int = 0
    states: int = 0
    ends: dict[State, int] = field(default_factory=dict)
    violating_schedule: str = ""
    violations: list[str] = field(default_factory=list)


def nothing_wrong(_: State) -> Iterable[str]:
    return ()


def invariants_hold(state: State) -> Iterable[str]:
    """Check the invariants of the table."""
    return state.aws_state.violations


@dataclass(frozen=True, slots=True)
class Exploration:
    """The settings of an exploration: the checks after each step and at the end, and the faults with their number."""

    runner: AttemptRunner
    aws: FakeAws
    always: Check = invariants_hold
    at_end: Check = nothing_wrong
    faults: tuple[Fault, ...] = ()
    fault_count: int = 1
    retries: int = 0
    watch: Watch | None = None
    only: str = ""
    """The only schedule to run, such as `ABAB[unanswered]B`."""

    def explore(self, aws_state: AwsState, *attempts: Attempt) -> ExplorationResult:
        """Explore all schedules, breadth first, up to the first violation."""
        found = ExplorationResult()
        level = {self._first(aws_state, attempts): (1, "")}
        while level:
            following: dict[State, tuple[int, str]] = {}
            for state, (count, schedule) in level.items():
                found.states += 1
                violations = [*self.always(state), *(self.at_end(state) if state.is_over else ())]
                if violations:
                    found.violating_schedule, found.violations = schedule, violations
                    return found
                if state.is_over:
                    found.schedules += count
                    found.ends[state] = found.ends.get(state, 0) + count
                for step, then in self._steps(state, schedule, attempts):
                    before, earlier = following.get(then, (0, schedule + step))
                    following[then] = before + count, earlier
            level = following
        return found

    def must_hold(self, aws_state: AwsState, *attempts: Attempt) -> ExplorationResult:
        """Explore all schedules and raise an error for a violation."""
        found = self.explore(aws_state, *attempts)
        if found.violating_schedule:
            raise Violated(_report(found, attempts))
        return found

    def _first(self, aws_state: AwsState, attempts: tuple[Attempt, ...]) -> State:
        runs = tuple(map(self.runner.start, attempts))
        nothing = tuple(None for _ in runs)
        return State(aws_state, runs, nothing, tuple(frozenset() for _ in runs), self.fault_count if self.faults else 0)

    def _steps(self, state: State, schedule: str, attempts: tuple[Attempt, ...]) -> Iterator[tuple[str, State]]:
        wanted = STEP.findall(self.only)[len(STEP.findall(schedule)) :][:1] if self.only else []
        for position, run in enumerate(state.runs):
            if run.waits_for:
                with WithSchedule(schedule, attempts):
                    for step, then in self._of_one(state, position, run, run.waits_for):
                        if not self.only or [step] == wanted:
                            yield step, then

    def _of_one(self, state: State, position: int, run: AttemptProgress, asks: AwsCall) -> Iterator[tuple[str, State]]:
        label = LABELS[position]
        lasting_fault = state.lasting_faults[position]
        if lasting_fault:
            faulted = lasting_fault.apply(self.aws, state.aws_state, asks)
            yield label, self._then(state, position, *(faulted or self.aws.respond(state.aws_state, asks)))
            return
        yield label, self._then(state, position, *self.aws.respond(state.aws_state, asks))
        for fault in self.faults if state.faults_left else ():
            faulted = fault.apply(self.aws, state.aws_state, asks)
            if faulted:
                lasting_faults = _with(state.lasting_faults, position, fault if fault.lasts else None)
                then = replace(state, lasting_faults=lasting_faults, faults_left=state.faults_left - 1)
                yield f"{label}[{fault.name}]", self._then(then, position, *faulted)

    def _then(self, state: State, position: int, result: CallResult, aws_state: AwsState) -> State:
        before = state.runs[position]
        run, lasting_fault = self.runner.continue_with(before, result), state.lasting_faults
        if run.result and run.result.needs_retry and run.attempt.try_number <= self.retries:
            run, lasting_fault = self.runner.start(run.attempt.retry()), _with(lasting_fault, position, None)
        ever = state.watched
        if self.watch:
            ever = tuple(self._ever(state, each, position, aws_state) for each in range(len(ever)))
        return State(aws_state, _with(state.runs, position, run), lasting_fault, ever, state.faults_left)

    def _ever(self, state: State, which: int, position: int, aws_state: AwsState) -> frozenset[Any]:
        """Return the values of `watch` during one attempt, after one step of any attempt."""
        run, was = state.runs[which], state.watched[which]
        if run.result or not self.watch or (not run.responses and which != position):
            return was
        return was | {self.watch(state.aws_state), self.watch(aws_state)}


def _with(all_of_them: tuple[Any, ...], position: int, one: Any) -> tuple[Any, ...]:
    return (*all_of_them[:position], one, *all_of_them[position + 1 :])


def _report(found: ExplorationResult, attempts: tuple[Attempt, ...]) -> str:
    return "\n".join([*found.violations, as_text(found.violating_schedule, *attempts)])


def as_text(schedule: str, *attempts: Attempt) -> str:
    """Return the schedule in the form in which a failure prints it and SCHEDULE accepts it."""
    return f"SCHEDULE='{' × '.join(each.label for each in attempts)}: {schedule}'"


@dataclass(frozen=True, slots=True)
class WithSchedule:
    """A context manager that adds the schedule to each exception raised within it."""

    schedule: str
    attempts: tuple[Attempt, ...]

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error:
            error.add_note(as_text(self.schedule, *self.attempts))
