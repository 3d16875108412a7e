"""Every schedule of some attempts: whatever may come next is done next, and all is looked at after each step.

Two schedules that come to the same, what is held and what each attempt has heard, have the same future: it is run once,
and counted for each of them. So a call that commutes with those of the others costs no schedules of its own, and nothing
needs to be known of which do; test_exploring.py compares with running every schedule from its start.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.proofs.interleavings.attempts import Attempt, End, Player, Run
from tests.proofs.interleavings.fake_aws import Asked, Aws, Heard, Held

LETTERS: Final = "ABCDEFGH"
STEP: Final = re.compile(r"[A-H](?:\[\w+\])?")
"""Whose step, and what befell it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What becomes of a call instead of its answer; one that lasts becomes of all later calls of the attempt, too."""

    name: str
    happens: Callable[[Aws, Held, Asked], tuple[Heard, Held] | None]
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """What is held, how far each attempt has come, what keeps it from coming further, and how much may yet go wrong.

    `ever` has for each attempt what was true at any time since its first call, as far as somebody asked to know it.
    """

    held: Held
    runs: tuple[Run, ...]
    ails: tuple[Fault | None, ...]
    ever: tuple[frozenset[Any], ...]
    left: int = 0

    @property
    def ends(self) -> tuple[End, ...]:
        """How all ended, when all have."""
        return tuple(run.ends for run in self.runs if run.ends)

    @property
    def is_over(self) -> bool:
        return all(run.ends for run in self.runs)


Look = Callable[[State], Iterable[str]]
"""What is not as it was promised, in sentences."""
Watch = Callable[[Held], Any]


class Broken(AssertionError):
    """A schedule after which something is not as it was promised."""


@dataclass(slots=True)
class Found:
    """What an exploration came to; `caught` is the first schedule that breaks something, and no other is shorter."""

    schedules: int = 0
    states: int = 0
    ends: dict[State, int] = field(default_factory=dict)
    caught: str = ""
    because: list[str] = field(default_factory=list)


def nothing_wrong(_: State) -> Iterable[str]:
    return ()


def is_sound(state: State) -> Iterable[str]:
    """The guarantees hold in what is held."""
    return state.held.broken


@dataclass(frozen=True, slots=True)
class Exploration:
    """How to explore: what is looked at after each step, and when all have ended; what may go wrong, and how often."""

    player: Player
    aws: Aws
    always: Look = is_sound
    at_end: Look = nothing_wrong
    faults: tuple[Fault, ...] = ()
    how_often: int = 1
    again: int = 0
    watch: Watch | None = None
    only: str = ""
    """The one schedule that is asked for, such as `ABAB[unanswered]B`."""

    def of(self, held: Held, *attempts: Attempt) -> Found:
        """All schedules, breadth first; the first that breaks something ends it."""
        found = Found()
        level = {self._first(held, attempts): (1, "")}
        while level:
            following: dict[State, tuple[int, str]] = {}
            for state, (count, schedule) in level.items():
                found.states += 1
                broken = [*self.always(state), *(self.at_end(state) if state.is_over else ())]
                if broken:
                    found.caught, found.because = schedule, broken
                    return found
                if state.is_over:
                    found.schedules += count
                    found.ends[state] = found.ends.get(state, 0) + count
                for step, then in self._steps(state, schedule, attempts):
                    before, earlier = following.get(then, (0, schedule + step))
                    following[then] = before + count, earlier
            level = following
        return found

    def must_hold(self, held: Held, *attempts: Attempt) -> Found:
        """The same, where nothing may be broken."""
        found = self.of(held, *attempts)
        if found.caught:
            raise Broken(_told(found, attempts))
        return found

    def _first(self, held: Held, attempts: tuple[Attempt, ...]) -> State:
        runs = tuple(map(self.player.begun, attempts))
        nothing = tuple(None for _ in runs)
        return State(held, runs, nothing, tuple(frozenset() for _ in runs), self.how_often if self.faults else 0)

    def _steps(self, state: State, schedule: str, attempts: tuple[Attempt, ...]) -> Iterator[tuple[str, State]]:
        wanted = STEP.findall(self.only)[len(STEP.findall(schedule)) :][:1] if self.only else []
        for place, run in enumerate(state.runs):
            if run.asks:
                with _Telling(schedule, attempts):
                    for step, then in self._of_one(state, place, run, run.asks):
                        if not self.only or [step] == wanted:
                            yield step, then

    def _of_one(self, state: State, place: int, run: Run, asks: Asked) -> Iterator[tuple[str, State]]:
        letter = LETTERS[place]
        ails = state.ails[place]
        if ails:
            became = ails.happens(self.aws, state.held, asks)
            yield letter, self._then(state, place, *(became or self.aws.answer(state.held, asks)))
            return
        yield letter, self._then(state, place, *self.aws.answer(state.held, asks))
        for fault in self.faults if state.left else ():
            became = fault.happens(self.aws, state.held, asks)
            if became:
                ailing = _with(state.ails, place, fault if fault.lasts else None)
                then = replace(state, ails=ailing, left=state.left - 1)
                yield f"{letter}[{fault.name}]", self._then(then, place, *became)

    def _then(self, state: State, place: int, heard: Heard, held: Held) -> State:
        before = state.runs[place]
        run, ails = self.player.goes_on(before, heard), state.ails
        if run.ends and run.ends.is_open and run.attempt.nth <= self.again:
            run, ails = self.player.begun(run.attempt.again()), _with(ails, place, None)
        ever = state.ever
        if self.watch:
            ever = tuple(self._ever(state, each, place, held) for each in range(len(ever)))
        return State(held, _with(state.runs, place, run), ails, ever, state.left)

    def _ever(self, state: State, which: int, place: int, held: Held) -> frozenset[Any]:
        """What was true while one attempt lasted, now that another, or it itself, has made a step."""
        run, was = state.runs[which], state.ever[which]
        if run.ends or not self.watch or (not run.past and which != place):
            return was
        return was | {self.watch(state.held), self.watch(held)}


def _with(all_of_them: tuple[Any, ...], place: int, one: Any) -> tuple[Any, ...]:
    return (*all_of_them[:place], one, *all_of_them[place + 1 :])


def _told(found: Found, attempts: tuple[Attempt, ...]) -> str:
    return "\n".join([*found.because, how(found.caught, *attempts)])


def how(schedule: str, *attempts: Attempt) -> str:
    """A schedule as it is told, and asked for again."""
    return f"SCHEDULE='{' × '.join(each.label for each in attempts)}: {schedule}'"


@dataclass(frozen=True, slots=True)
class _Telling:
    """Whatever is raised in here, tells by which schedule it was reached."""

    schedule: str
    attempts: tuple[Attempt, ...]

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error:
            error.add_note(how(self.schedule, *self.attempts))
