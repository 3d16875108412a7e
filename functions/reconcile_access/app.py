"""Scheduled every minute: reconcile the accounts affected by an offboarding or a program change.

Access was ended by the original write. This job only notifies and tidies up. It is safe to skip, repeat or run
concurrently.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from partner_access import telemetry, worker
from partner_access.domain.act import Act
from partner_access.domain.notifications import Reconciliation
from partner_access.domain.relationships.offboarding import AffectedMembership
from partner_access.store.dynamo import Item
from partner_access.store.relationships import offboarding as stored
from partner_access.store.relationships.offboarding import QueuedReconciliation
from partner_access.worker import Run

RETRY_UNREADABLE_AFTER: Final = timedelta(hours=1)


@worker.background("reconcile_access", spare_milliseconds=10_000)
def handler(_: dict[str, Any], run: Run) -> None:
    """Process all due reconciliations.

    The input of the schedule is ignored. The next run restarts a reconciliation that was not completed.
    """
    now = run.now()
    for item in stored.queued():
        with worker.skip_if_unavailable():
            _process(item, now, run)


def _process(item: Item, now: datetime, run: Run) -> None:
    if stored.is_late(item, now):
        telemetry.count("ReconciliationLate")
    if not stored.is_due(item, now):
        return
    if _reconcile(item, now, run):
        stored.complete(item)
        telemetry.count("MembershipsReconciled")


def _reconcile(item: Item, now: datetime, run: Run) -> bool:
    """Reconcile all users concerned, and return whether that is complete.

    A user who cannot be processed or read now does not block the others.
    """
    complete, readable = True, True
    try:
        queued = QueuedReconciliation.model_validate(item)
        for user_id in stored.user_ids(queued.reconciliation):
            try:
                complete &= _reconcile_user(queued.reconciliation, user_id, queued.act(now), run)
            except (LookupError, ValueError):
                readable = False
    except (LookupError, ValueError):
        readable = False
    if not readable:
        telemetry.report_unreadable_reconciliation(item["sk"])
        stored.postpone(item, now + RETRY_UNREADABLE_AFTER)
    return complete and readable


def _reconcile_user(reconciliation: Reconciliation, user_id: str, act: Act, run: Run) -> bool:
    """Reconcile one user in all their accounts and the links for them, and return whether that is complete."""
    complete = True
    for affected in stored.all_of(reconciliation, user_id, act):
        run.require_time()
        complete &= _reconcile_membership(affected, user_id, act)
    for link in stored.void_links(reconciliation, user_id, act.at):
        run.require_time()
        complete &= stored.revoke(link, act)
    return complete


def _reconcile_membership(affected: AffectedMembership, user_id: str, act: Act) -> bool:
    """Notify the client of the partner's program change, then record the end of access.

    The order matters: a member whose end of access is recorded no longer shows that the client is concerned.
    """
    return stored.notify_of_program_change(affected, act) and stored.reconcile(affected, user_id, act)
