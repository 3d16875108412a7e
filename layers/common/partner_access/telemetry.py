"""What the operator sees: JSON logs without personal data, and counts as embedded metrics."""

from functools import cache
from typing import TYPE_CHECKING, Final

from partner_access.domain.errors import LinkNotFound, Refused, TemporarilyUnavailable

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

COUNTED: Final = {LinkNotFound: "InvalidLinkSecret", TemporarilyUnavailable: "ConflictExhausted"}


_request: Final[dict[str, str]] = {}
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
    _logger().append_keys(**_request)
    return _logger()


def begin(request_id: str, what: str) -> None:
    """From here on each line of the log names this request; nothing of an earlier one is left."""
    _request.update(request_id=request_id, operation=what)


def refused(refusal: Refused) -> None:
    """A refusal is the product at work: told at info, by its code alone."""
    _log().info("domain_error", extra={"code": refusal.code})
    counted = COUNTED.get(type(refusal))
    if counted:
        count(counted)


def unreadable(letter: str) -> None:
    """A letter in the outbox that this code cannot read waits for one that can."""
    _log().error("unreadable_notification", extra={"notification": letter})
    count("EmailUnreadable")


def unreadable_clean_up(name: str) -> None:
    """A clean-up, or somebody whom it is about, that this code cannot read waits for one that can."""
    _log().error("unreadable_reconciliation", extra={"reconciliation": name})
    count("ReconciliationUnreadable")


def not_taken(code: str) -> None:
    """Why SES did not send a copy, by its code alone: what is no code might name somebody."""
    _log().warning("email_not_sent", extra={"code": code if code.isascii() and code.isalpha() else "unknown"})


def count(name: str, times: int = 1) -> None:
    """Add to a metric of this invocation."""
    _metrics().add_metric(name=name, unit="Count", value=times)


def flush() -> None:
    """Write this invocation's counts to the log, where CloudWatch finds them; nothing when nothing was counted."""
    if _metrics.cache_info().currsize and _metrics().metric_set:
        _metrics().flush_metrics()
