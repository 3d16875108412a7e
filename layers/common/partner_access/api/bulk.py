"""Bulk requests: each item is processed in its own transaction and gets its own row in the response."""

import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

from partner_access import telemetry
from partner_access.api.response_body import ResponseBody
from partner_access.api.routing import retry_on_conflict
from partner_access.domain.act import Act
from partner_access.domain.errors import DomainError, TemporarilyUnavailable
from partner_access.idempotency import StoredResponseFound


class BulkOutcome(StrEnum):
    """The outcome of one item. An item that already is in the requested state is skipped."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    WOULD_MIGRATE = "would_migrate"


class BulkRow(ResponseBody):
    """The outcome of one item of a bulk request."""

    outcome: BulkOutcome
    reason: str | None = None


class BulkMemberRow(BulkRow, title="BulkMemberRow"):
    """The outcome for one user of a bulk request in one account."""

    user_id: str


RowT = TypeVar("RowT", bound=BulkRow)


def row(
    decide: Callable[[Act], RowT],
    act: Act,
    blank: RowT,
    *,
    skipped: type[DomainError],
    replay_if_stored: Callable[[Act], None],
) -> RowT:
    """Process one item and return its row.

    The row says that the item is done, now or by an earlier attempt, or why it failed. A failure does not stop the
    other items.
    """
    try:
        return _row_of(decide, act, blank, skipped, replay_if_stored)
    except StoredResponseFound as replayed:
        return type(blank).model_validate_json(replayed.body)


def _row_of(
    decide: Callable[[Act], RowT],
    act: Act,
    blank: RowT,
    skipped: type[DomainError],
    replay_if_stored: Callable[[Act], None],
) -> RowT:
    try:
        return retry_on_conflict(lambda: _decide_in_time(decide, act))
    except DomainError as error:
        replay_if_stored(act)
        telemetry.log_error(error)
        outcome = BulkOutcome.SKIPPED if isinstance(error, skipped) else BulkOutcome.FAILED
        return blank.model_copy(update={"outcome": outcome, "reason": error.code})


def _decide_in_time(decide: Callable[[Act], RowT], act: Act) -> RowT:
    if time.time() > act.deadline:
        raise TemporarilyUnavailable
    return decide(act)


def is_complete(rows: Iterable[BulkRow]) -> bool:
    """Return whether no item is left to retry, so that the response can be stored for the idempotency key."""
    return not any(each.outcome is BulkOutcome.FAILED for each in rows)
