"""Scheduled every minute: reconcile the accounts affected by an offboarding or a program change.

Access was ended by the original write. This job only notifies and tidies up. It is safe to skip, repeat or run
concurrently.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from partner_access import telemetry
from partner_access.domain.act import Act
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.notifications import Reconciliation
from partner_access.domain.relationships.offboarding import AffectedMembership
from partner_access.lambda_context import Context
from partner_access.store.dynamo import Item
from partner_access.store.relationships import offboarding as stored
from partner_access.store.relationships.offboarding import QueuedReconciliation

SPARE_MILLISECONDS: Final = 10_000
RETRY_UNREADABLE_AFTER: Final = timedelta(hours=1)


class OutOfTime(Exception):
    """Raised when this run has too little time left. The next run does the rest."""


def handler(_: dict[str, Any], context: Context) -> None:
    """Process all due reconciliations.

    The input of the schedule is ignored. The next run restarts a reconciliation that was not completed.
    """
    telemetry.begin(context.aws_request_id, "reconcile_access")
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        for item in stored.queued():
            _process(item, now, context)
    except OutOfTime:
        return
    finally:
        telemetry.flush()


def _process(item: Item, now: datetime, context: Context) -> None:
    """Process one reconciliation. One that is unavailable now does not block the others."""
    if stored.is_late(item, now):
        telemetry.count("ReconciliationLate")
    if not stored.is_due(item, now):
        return
    try:
        if _reconcile(item, now, context):
            stored.complete(item)
            telemetry.count("MembershipsReconciled")
    except TemporarilyUnavailable as error:
        telemetry.log_error(error)


def _reconcile(item: Item, now: datetime, context: Context) -> bool:
    """Reconcile all users concerned, and return whether that is complete.

    A user who cannot be processed or read now does not block the others.
    """
    complete, readable = True, True
    try:
        queued = QueuedReconciliation.model_validate(item)
        for user_id in stored.user_ids(queued.reconciliation):
            try:
                complete &= _reconcile_user(queued.reconciliation, user_id, queued.act(now), context)
            except (LookupError, ValueError):
                readable = False
    except (LookupError, ValueError):
        readable = False
    if not readable:
        telemetry.report_unreadable_reconciliation(item["sk"])
        stored.postpone(item, now + RETRY_UNREADABLE_AFTER)
    return complete and readable


def _reconcile_user(reconciliation: Reconciliation, user_id: str, act: Act, context: Context) -> bool:
    """Reconcile one user in all their accounts and the links for them, and return whether that is complete."""
    complete = True
    for affected in stored.all_of(reconciliation, user_id, act):
        _require_time(context)
        complete &= _reconcile_membership(affected, user_id, act)
    for link in stored.void_links(reconciliation, user_id, act.at):
        _require_time(context)
        complete &= stored.revoke(link, act)
    return complete


def _reconcile_membership(affected: AffectedMembership, user_id: str, act: Act) -> bool:
    """Notify the client of the partner's program change, then record the end of access.

    The order matters: a member whose end of access is recorded no longer shows that the client is concerned.
    """
    return stored.notify_of_program_change(affected, act) and stored.reconcile(affected, user_id, act)


def _require_time(context: Context) -> None:
    if context.get_remaining_time_in_millis() < SPARE_MILLISECONDS:
        raise OutOfTime
