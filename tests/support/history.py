"""What was asked and what was done, with when each began and had its answer; and what of it cannot be (guarantees.md G4)."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Act:
    """Something that takes access, or gives back what was taken for one of these causes; `ended` is None while it lasts."""

    causes: frozenset[str]
    takes: bool
    began: float
    ended: float | None = None

    def came_to_nothing(self) -> None:
        """It was refused, and gave nobody anything."""
        self.causes = frozenset()

    def had_ended_by(self, moment: float) -> bool:
        return self.ended is not None and self.ended < moment


@dataclass(frozen=True, slots=True)
class Check:
    """A question, and whether it was answered with yes."""

    began: float
    ended: float
    permits: bool


@dataclass(slots=True)
class History:
    """Of one person in one account; whoever adds to it does so from a thread of his own."""

    acts: list[Act] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @contextmanager
    def taking(self, cause: str) -> Iterator[None]:
        """Access is taken in here, unless this fails: then nothing need have been."""
        act = Act(frozenset({cause}), takes=True, began=time.monotonic())
        yield
        act.ended = time.monotonic()
        self.acts.append(act)

    @contextmanager
    def giving(self, *causes: str) -> Iterator[Act]:
        """Access may be given back in here, whether or not this fails."""
        act = Act(frozenset(causes), takes=False, began=time.monotonic())
        self.acts.append(act)
        try:
            yield act
        finally:
            act.ended = time.monotonic()

    def telling(self) -> list[Check]:
        """The questions after somebody who took access had his answer, and before anybody began to give it back."""
        return [check for check in list(self.checks) if any(self._taken(check))]

    def impossible(self) -> list[Check]:
        """Those of them that were answered with yes."""
        return [check for check in self.telling() if check.permits]

    def _taken(self, check: Check) -> Iterable[Act]:
        return (
            taken
            for taken in list(self.acts)
            if taken.takes and taken.had_ended_by(check.began) and not any(self._given_back(taken, check))
        )

    def _given_back(self, taken: Act, check: Check) -> Iterable[Act]:
        """Acts that can have come true after the taking and before the answer."""
        return (
            given
            for given in list(self.acts)
            if not given.takes
            and taken.causes <= given.causes
            and given.began <= check.ended
            and not given.had_ended_by(taken.began)
        )
