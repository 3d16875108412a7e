"""Every minute: behind access that one write ended or stopped everywhere, each account is told and tidied up.

Nothing here takes access away: it is gone since that write. Skipped, doubled or side by side, clean-ups come to the same.
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
    """What is left is for the next sweep."""


def handler(_: dict[str, Any], context: Context) -> None:
    """The schedule's input is ignored; a clean-up that could not be finished is begun anew by the next sweep."""
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
    """One that cannot be dealt with now does not keep the others."""
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
    """Whether everybody concerned has heard; one who cannot be told now, or be read, does not keep the others."""
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
    """The same of one person, in all his accounts, and of the links that name him."""
    complete = True
    for affected in stored.all_of(reconciliation, user_id, act):
        _require_time(context)
        complete &= _reconcile_membership(affected, user_id, act)
    for link in stored.void_links(reconciliation, user_id, act.at):
        _require_time(context)
        complete &= stored.revoke(link, act)
    return complete


def _reconcile_membership(affected: AffectedMembership, user_id: str, act: Act) -> bool:
    """The client hears of the partner's program first: of one whose access has been written off it shows no more."""
    return stored.notify_of_program_change(affected, act) and stored.reconcile(affected, user_id, act)


def _require_time(context: Context) -> None:
    if context.get_remaining_time_in_millis() < SPARE_MILLISECONDS:
        raise OutOfTime
