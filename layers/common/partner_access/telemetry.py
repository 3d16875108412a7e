"""What the operator sees: JSON logs without personal data, and counts as embedded metrics."""

from functools import cache
from typing import Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from partner_access.domain.refusals import LinkNotFound, Refused, TemporarilyUnavailable

COUNTED: Final = {LinkNotFound: "WrongSecret", TemporarilyUnavailable: "ConflictExhausted"}


@cache
def _logger() -> Logger:
    return Logger()


@cache
def _metrics() -> Metrics:
    return Metrics()


def begin(request_id: str, what: str) -> None:
    """From here on each line of the log names this request; nothing of an earlier one is left."""
    _logger().clear_state()
    _logger().append_keys(request_id=request_id, what=what)


def refused(refusal: Refused) -> None:
    """A refusal is the product at work: told at info, by its code alone."""
    _logger().info("refused", extra={"code": refusal.code})
    counted = COUNTED.get(type(refusal))
    if counted:
        count(counted)


def unreadable(letter: str) -> None:
    """A letter in the outbox that this code cannot read waits for one that can."""
    _logger().error("unreadable", extra={"letter": letter})
    count("LetterUnreadable")


def unreadable_clean_up(name: str) -> None:
    """A clean-up, or somebody whom it is about, that this code cannot read waits for one that can."""
    _logger().error("unreadable", extra={"clean_up": name})
    count("CleanUpUnreadable")


def not_taken(code: str) -> None:
    """Why SES did not send a copy, by its code alone: what is no code might name somebody."""
    _logger().warning("not_taken", extra={"code": code if code.isascii() and code.isalpha() else "unknown"})


def count(name: str, times: int = 1) -> None:
    """Add to a metric of this invocation."""
    _metrics().add_metric(name=name, unit=MetricUnit.Count, value=times)


def flush() -> None:
    """Write this invocation's counts to the log, where CloudWatch finds them; nothing when nothing was counted."""
    if _metrics().metric_set:
        _metrics().flush_metrics()
