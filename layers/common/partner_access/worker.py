"""Background functions, which no request starts: their telemetry, their clock, their remaining time and their errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

from partner_access import telemetry
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.lambda_context import Context

ResultT = TypeVar("ResultT")
EventData = dict[str, Any]


class OutOfTime(Exception):
    """Raised when a run has too little time left for its next step. The next run does the rest."""


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation of a background function."""

    context: Context
    spare_milliseconds: int

    @property
    def has_time(self) -> bool:
        """True while the time left is enough for one more step."""
        return self.context.get_remaining_time_in_millis() >= self.spare_milliseconds

    def require_time(self) -> None:
        """Raise OutOfTime, which ends the run, if the time left is not enough for one more step."""
        if not self.has_time:
            raise OutOfTime

    def now(self) -> datetime:
        """Return the current time in UTC, in whole seconds."""
        return datetime.now(UTC).replace(microsecond=0)


def background(
    operation: str, *, spare_milliseconds: int = 0
) -> Callable[[Callable[[EventData, Run], ResultT]], Callable[[EventData, Context], ResultT | None]]:
    """Make a Lambda handler of a function that takes an event and its run.

    `operation` names the function in its log. `spare_milliseconds` is the longest time that one step takes. A run that
    is out of time ends as a success. Any other error passes through, so that Lambda counts it and delivers a stream
    batch again.
    """

    def decorate(function: Callable[[EventData, Run], ResultT]) -> Callable[[EventData, Context], ResultT | None]:
        @wraps(function)
        def handler(event: EventData, context: Context) -> ResultT | None:
            telemetry.begin(context.aws_request_id, operation)
            try:
                return function(event, Run(context, spare_milliseconds))
            except OutOfTime:
                return None
            finally:
                telemetry.flush()

        return handler

    return decorate


@contextmanager
def skip_if_unavailable() -> Iterator[None]:
    """Log that an item is unavailable now instead of raising it, so that the item does not block the others."""
    try:
        yield
    except TemporarilyUnavailable as error:
        telemetry.log_error(error)
