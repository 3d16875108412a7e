"""Telemetry for the operator: JSON logs without personal data, and counters as embedded metrics."""

from functools import cache
from typing import TYPE_CHECKING, Final

from partner_access.domain.errors import DomainError, LinkNotFound, TemporarilyUnavailable

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

METRIC_BY_ERROR: Final = {LinkNotFound: "InvalidLinkSecret", TemporarilyUnavailable: "ConflictExhausted"}


_log_keys: Final[dict[str, str]] = {}
"""Keys that each log line includes."""


# A successful response writes no log line. The logger takes a sixth of a cold start, so it is loaded on first use.
@cache
def _logger() -> "Logger":
    from aws_lambda_powertools import Logger  # noqa: PLC0415  loaded on first use, as said above

    return Logger()


@cache
def _metrics() -> "Metrics":
    from aws_lambda_powertools import Metrics  # noqa: PLC0415  loaded on first use

    return Metrics()


def _log() -> "Logger":
    _logger().append_keys(**_log_keys)
    return _logger()


def begin(request_id: str, operation: str) -> None:
    """Add this request to each following log line, in place of the earlier one."""
    _log_keys.update(request_id=request_id, operation=operation)


def log_error(error: DomainError) -> None:
    """Log an error of the API at level info, with its code only. Such an error is normal operation."""
    _log().info("domain_error", extra={"code": error.code})
    metric = METRIC_BY_ERROR.get(type(error))
    if metric:
        count(metric)


def report_unreadable_notification(notification: str) -> None:
    """Report a notification in the outbox that this version cannot read. It waits for a version that can."""
    _log().error("unreadable_notification", extra={"notification": notification})
    count("EmailUnreadable")


def report_unreadable_reconciliation(name: str) -> None:
    """Report a reconciliation, or a user it is about, that this version cannot read. It waits for one that can."""
    _log().error("unreadable_reconciliation", extra={"reconciliation": name})
    count("ReconciliationUnreadable")


def log_unsent_email(code: str) -> None:
    """Log the reason why SES did not send a copy, by its code only. Any other text could contain personal data."""
    _log().warning("email_not_sent", extra={"code": code if code.isascii() and code.isalpha() else "unknown"})


def count(name: str, times: int = 1) -> None:
    """Add to a metric of this invocation."""
    _metrics().add_metric(name=name, unit="Count", value=times)


def flush() -> None:
    """Write the counters of this invocation to the log for CloudWatch, if there are any."""
    if _metrics.cache_info().currsize and _metrics().metric_set:
        _metrics().flush_metrics()
