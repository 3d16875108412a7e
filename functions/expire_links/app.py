"""Scheduled every few minutes: record expired links, end due grants, and notify users of them.

Users are also warned before a grant ends. Access ends at `expires_at` in any case. This job only records that, and
its cost is proportional to the number of due items.
"""

from datetime import UTC, datetime
from typing import Any, Final

import uuid_utils

from partner_access import telemetry
from partner_access.domain.act import Act
from partner_access.domain.errors import StaleFacts, TemporarilyUnavailable
from partner_access.domain.links import links
from partner_access.domain.links.links import Link
from partner_access.domain.memberships import grants
from partner_access.domain.memberships.grants import DueGrant
from partner_access.lambda_context import Context
from partner_access.store import expiry
from partner_access.store.links import links as stored

SPARE_MILLISECONDS: Final = 5_000
ACTOR_ID: Final = "schedule"


def handler(_: dict[str, Any], context: Context) -> None:
    """Process all due links and grants.

    The input of the schedule is ignored. The job is safe to skip, repeat or run concurrently.
    """
    telemetry.begin(context.aws_request_id, "expire_links")
    try:
        now = datetime.now(UTC).replace(microsecond=0)
        for due in expiry.due(now):
            if context.get_remaining_time_in_millis() < SPARE_MILLISECONDS:
                break
            _process(due, Act(actor_id=ACTOR_ID, at=now, id=uuid_utils.uuid7().hex))
    finally:
        telemetry.flush()


def _process(due: Link | DueGrant, act: Act) -> None:
    """Process one due item in a transaction of its own.

    A concurrent change takes precedence, and an item that is unavailable now is left for the next run.
    """
    try:
        if isinstance(due, Link):
            _process_link(due, act)
        else:
            _process_grant(due, act)
    except StaleFacts:
        return
    except TemporarilyUnavailable as error:
        telemetry.log_error(error)


def _process_link(link: Link, act: Act) -> None:
    expired = links.expire(link, act)
    if expired:
        stored.record_end(expired)
        telemetry.count("LinksExpired")
    else:
        stored.record_used_up(link)


def _process_grant(due: DueGrant, act: Act) -> None:
    expired, ending = grants.expire(due, act), grants.warn_of_end(due, act)
    if expired:
        expiry.record(expired)
        telemetry.count("GrantsExpired")
    if ending:
        expiry.record(ending)
        telemetry.count("GrantExpiryWarnings")
