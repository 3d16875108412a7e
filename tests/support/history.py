"""What was asked and what was done, with when each began and had its answer; and what of it cannot be (guarantees.md G4)."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class AccessChange:
    """Something that takes access, or gives back what was taken for one of these causes; `ended` is None while it lasts."""

    causes: frozenset[str]
    removes_access: bool
    started: float
    ended: float | None = None

    def was_refused(self) -> None:
        """It was refused, and gave nobody anything."""
        self.causes = frozenset()

    def ended_before(self, moment: float) -> bool:
        return self.ended is not None and self.ended < moment


@dataclass(frozen=True, slots=True)
class AccessCheck:
    """A question, and whether it was answered with yes."""

    started: float
    ended: float
    permits: bool


@dataclass(slots=True)
class History:
    """Of one person in one account; whoever adds to it does so from a thread of his own."""

    changes: list[AccessChange] = field(default_factory=list)
    checks: list[AccessCheck] = field(default_factory=list)

    @contextmanager
    def removing_access(self, cause: str) -> Iterator[None]:
        """Access is taken in here, unless this fails: then nothing need have been."""
        act = AccessChange(frozenset({cause}), removes_access=True, started=time.monotonic())
        yield
        act.ended = time.monotonic()
        self.changes.append(act)

    @contextmanager
    def restoring_access(self, *causes: str) -> Iterator[AccessChange]:
        """Access may be given back in here, whether or not this fails."""
        act = AccessChange(frozenset(causes), removes_access=False, started=time.monotonic())
        self.changes.append(act)
        try:
            yield act
        finally:
            act.ended = time.monotonic()

    def relevant_checks(self) -> list[AccessCheck]:
        """The questions after somebody who took access had his answer, and before anybody began to give it back."""
        return [check for check in list(self.checks) if any(self._removals_in_force(check))]

    def wrong_checks(self) -> list[AccessCheck]:
        """Those of them that were answered with yes."""
        return [check for check in self.relevant_checks() if check.permits]

    def _removals_in_force(self, check: AccessCheck) -> Iterable[AccessChange]:
        return (
            taken
            for taken in list(self.changes)
            if taken.removes_access
            and taken.ended_before(check.started)
            and not any(self._possible_restorations(taken, check))
        )

    def _possible_restorations(self, taken: AccessChange, check: AccessCheck) -> Iterable[AccessChange]:
        """Acts that can have come true after the taking and before the answer."""
        return (
            given
            for given in list(self.changes)
            if not given.removes_access
            and taken.causes <= given.causes
            and given.started <= check.ended
            and not given.ended_before(taken.started)
        )
