"""All operations that change something, each with a setup in which it succeeds: routes and background functions.

The cases come from the register of operations.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.support import operations
from tests.support.environment import Environment
from tests.support.operations.rows import FaultCase

Attempt = Callable[[str], Any]
"""One attempt under an idempotency key. A background function ignores the key and returns no response."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, named by its route or by the module of its background function.

    `prepare` prepares the environment and returns the attempt.
    """

    route: str
    prepare: Callable[[Environment], Attempt]
    in_parts: bool = False
    """True if the operation uses several transactions, each of which is atomic."""


def _preparation(attempt: Attempt | None, case: FaultCase) -> Callable[[Environment], Attempt]:
    def prepare(environment: Environment) -> Attempt:
        assert attempt
        environment.reset(*case.records())
        return attempt

    return prepare


def _of_routes() -> Iterator[Operation]:
    for row in operations.OPERATIONS:
        if case := row.under_fault:
            yield Operation(row.route, _preparation(case.attempt or row.attempt, case), case.in_parts)


def _of_background_functions() -> Iterator[Operation]:
    for row in operations.FUNCTIONS:
        module = f"functions.{row.name}.app"
        for trigger, prepare in row.background.under_fault.items() if row.background else ():
            yield Operation(f"{module}, {trigger}" if trigger else module, prepare, in_parts=True)


OPERATIONS: Final = (*_of_routes(), *_of_background_functions())
