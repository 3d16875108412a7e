"""Histories of access changes and access checks, each with its start and end time.

A history is checked for decisions that cannot be correct (consistency.md G4).
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class AccessChange:
    """An operation that takes access away, or restores it after one of these causes. `ended` is None while it runs."""

    causes: frozenset[str]
    removes_access: bool
    started: float
    ended: float | None = None

    def was_refused(self) -> None:
        """Record that the operation was refused and restored no access."""
        self.causes = frozenset()

    def ended_before(self, moment: float) -> bool:
        return self.ended is not None and self.ended < moment


@dataclass(frozen=True, slots=True)
class AccessCheck:
    """An access check and its decision."""

    started: float
    ended: float
    permits: bool


@dataclass(slots=True)
class History:
    """The history of one user in one account. Each writer adds to it from a thread of its own."""

    changes: list[AccessChange] = field(default_factory=list)
    checks: list[AccessCheck] = field(default_factory=list)

    @contextmanager
    def removing_access(self, cause: str) -> Iterator[None]:
        """Record that access is taken away in the block, unless it raises: then it may not have been."""
        act = AccessChange(frozenset({cause}), removes_access=True, started=time.monotonic())
        yield
        act.ended = time.monotonic()
        self.changes.append(act)

    @contextmanager
    def restoring_access(self, *causes: str) -> Iterator[AccessChange]:
        """Record that access may be restored in the block, even if it raises."""
        act = AccessChange(frozenset(causes), removes_access=False, started=time.monotonic())
        self.changes.append(act)
        try:
            yield act
        finally:
            act.ended = time.monotonic()

    def relevant_checks(self) -> list[AccessCheck]:
        """Return the checks after access was taken away and before any operation began to restore it."""
        return [check for check in list(self.checks) if any(self._removals_in_force(check))]

    def wrong_checks(self) -> list[AccessCheck]:
        """Return those checks that wrongly permitted access."""
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
        """Yield operations that can have taken effect after access was taken away and before the check ended."""
        return (
            given
            for given in list(self.changes)
            if not given.removes_access
            and taken.causes <= given.causes
            and given.started <= check.ended
            and not given.ended_before(taken.started)
        )
