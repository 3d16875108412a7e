"""One request about many: each is done in a transaction of its own, and gets a row of the report."""

import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

from partner_access import telemetry
from partner_access.api.response_body import Answer
from partner_access.api.routing import settled
from partner_access.domain.act import Act
from partner_access.domain.errors import Refused, TemporarilyUnavailable
from partner_access.idempotency import Replayed


class BulkOutcome(StrEnum):
    """The outcome of one item. An item that already is in the requested state is skipped."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    WOULD_MIGRATE = "would_migrate"


class BulkRow(Answer):
    """One of many."""

    outcome: BulkOutcome
    reason: str | None = None


class BulkMemberRow(BulkRow, title="BulkMemberRow"):
    """The outcome for one user of a bulk request in one account."""

    user_id: str


Row = TypeVar("Row", bound=BulkRow)


def row(
    decide: Callable[[Act], Row], act: Act, blank: Row, *, skipped: type[Refused], recall: Callable[[Act], None]
) -> Row:
    """What became of one: it was done now or by an earlier attempt, or why not, which does not stop the others."""
    try:
        return _settled(decide, act, blank, skipped, recall)
    except Replayed as replayed:
        return type(blank).model_validate_json(replayed.answer)


def _settled(
    decide: Callable[[Act], Row], act: Act, blank: Row, skipped: type[Refused], recall: Callable[[Act], None]
) -> Row:
    try:
        return settled(lambda: _in_time(decide, act))
    except Refused as refusal:
        recall(act)
        telemetry.refused(refusal)
        outcome = BulkOutcome.SKIPPED if isinstance(refusal, skipped) else BulkOutcome.FAILED
        return blank.model_copy(update={"outcome": outcome, "reason": refusal.code})


def _in_time(decide: Callable[[Act], Row], act: Act) -> Row:
    if time.time() > act.ends:
        raise TemporarilyUnavailable
    return decide(act)


def is_complete(rows: Iterable[BulkRow]) -> bool:
    """Whether nothing is left to try again, so that the report may be kept for the key."""
    return not any(each.outcome is BulkOutcome.FAILED for each in rows)
