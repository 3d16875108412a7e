"""Every few minutes: links and grants whose time is over become `expired`; people are told, of grants also before.

The truth is in `expires_at` all the time; this only writes it down, and costs in proportion to what is due.
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
    """The schedule's input is ignored; skipped, doubled or side by side, sweeps come to the same."""
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
    """One transaction each: whoever was there meanwhile was first, and what is crowded is left for later."""
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
