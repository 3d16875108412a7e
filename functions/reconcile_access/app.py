"""Every minute: behind access that one write ended or stopped everywhere, each account is told and tidied up.

Nothing here takes access away: it is gone since that write. Skipped, doubled or side by side, clean-ups come to the same.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from partner_access import telemetry
from partner_access.domain.act import Act
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.notifications import CleanUp
from partner_access.domain.relationships.offboarding import Aftermath
from partner_access.lambda_context import Context
from partner_access.store.dynamo import Item
from partner_access.store.relationships import offboarding as stored
from partner_access.store.relationships.offboarding import Queued

SPARE_MILLISECONDS: Final = 10_000
UNREADABLE_FOR: Final = timedelta(hours=1)


class OutOfTime(Exception):
    """What is left is for the next sweep."""


def handler(_: dict[str, Any], context: Context) -> None:
    """The schedule's input is ignored; a clean-up that could not be finished is begun anew by the next sweep."""
    telemetry.begin(context.aws_request_id, "reconcile_access")
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        for item in stored.queued():
            _take_up(item, now, context)
    except OutOfTime:
        return
    finally:
        telemetry.flush()


def _take_up(item: Item, now: datetime, context: Context) -> None:
    """One that cannot be dealt with now does not keep the others."""
    if stored.is_late(item, now):
        telemetry.count("ReconciliationLate")
    if not stored.is_due(item, now):
        return
    try:
        if _cleaned_up(item, now, context):
            stored.done(item)
            telemetry.count("MembershipsReconciled")
    except TemporarilyUnavailable as refusal:
        telemetry.refused(refusal)


def _cleaned_up(item: Item, now: datetime, context: Context) -> bool:
    """Whether everybody concerned has heard; one who cannot be told now, or be read, does not keep the others."""
    complete, readable = True, True
    try:
        waiting = Queued.model_validate(item)
        for user_id in stored.people(waiting.reconciliation):
            try:
                complete &= _followed_up(waiting.reconciliation, user_id, waiting.act(now), context)
            except (LookupError, ValueError):
                readable = False
    except (LookupError, ValueError):
        readable = False
    if not readable:
        telemetry.unreadable_clean_up(item["sk"])
        stored.postpone(item, now + UNREADABLE_FOR)
    return complete and readable


def _followed_up(clean_up: CleanUp, user_id: str, act: Act, context: Context) -> bool:
    """The same of one person, in all his accounts, and of the links that name him."""
    complete = True
    for aftermath in stored.all_of(clean_up, user_id, act):
        _must_have_time(context)
        complete &= _settled(aftermath, user_id, act)
    for link in stored.void_links(clean_up, user_id, act.at):
        _must_have_time(context)
        complete &= stored.withdraw(link, act)
    return complete


def _settled(aftermath: Aftermath, user_id: str, act: Act) -> bool:
    """The client hears of the partner's program first: of one whose access has been written off it shows no more."""
    return stored.tell_of_program(aftermath, act) and stored.follow(aftermath, user_id, act)


def _must_have_time(context: Context) -> None:
    if context.get_remaining_time_in_millis() < SPARE_MILLISECONDS:
        raise OutOfTime
