"""What the operator sees: JSON logs without personal data, and counts as embedded metrics."""

from functools import cache
from typing import TYPE_CHECKING, Final

from partner_access.domain.errors import DomainError, LinkNotFound, TemporarilyUnavailable

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

METRIC_BY_ERROR: Final = {LinkNotFound: "InvalidLinkSecret", TemporarilyUnavailable: "ConflictExhausted"}


_log_keys: Final[dict[str, str]] = {}
"""What each line of the log names."""


# an answer that succeeds writes no line: what writes one, a sixth of a cold start, is loaded by the first that does
@cache
def _logger() -> "Logger":
    from aws_lambda_powertools import Logger  # noqa: PLC0415  as said above

    return Logger()


@cache
def _metrics() -> "Metrics":
    from aws_lambda_powertools import Metrics  # noqa: PLC0415  the same

    return Metrics()


def _log() -> "Logger":
    _logger().append_keys(**_log_keys)
    return _logger()


def begin(request_id: str, operation: str) -> None:
    """From here on each line of the log names this request; nothing of an earlier one is left."""
    _log_keys.update(request_id=request_id, operation=operation)


def log_error(error: DomainError) -> None:
    """A refusal is the product at work: told at info, by its code alone."""
    _log().info("domain_error", extra={"code": error.code})
    metric = METRIC_BY_ERROR.get(type(error))
    if metric:
        count(metric)


def report_unreadable_notification(notification: str) -> None:
    """A letter in the outbox that this code cannot read waits for one that can."""
    _log().error("unreadable_notification", extra={"notification": notification})
    count("EmailUnreadable")


def report_unreadable_reconciliation(name: str) -> None:
    """A clean-up, or somebody whom it is about, that this code cannot read waits for one that can."""
    _log().error("unreadable_reconciliation", extra={"reconciliation": name})
    count("ReconciliationUnreadable")


def log_unsent_email(code: str) -> None:
    """Why SES did not send a copy, by its code alone: what is no code might name somebody."""
    _log().warning("email_not_sent", extra={"code": code if code.isascii() and code.isalpha() else "unknown"})


def count(name: str, times: int = 1) -> None:
    """Add to a metric of this invocation."""
    _metrics().add_metric(name=name, unit="Count", value=times)


def flush() -> None:
    """Write this invocation's counts to the log, where CloudWatch finds them; nothing when nothing was counted."""
    if _metrics.cache_info().currsize and _metrics().metric_set:
        _metrics().flush_metrics()
