"""Every few minutes: links and grants whose time is over become `expired`; people are told, of grants also before.

The truth is in `expires_at` all the time; this only writes it down, and costs in proportion to what is due.
"""

from datetime import UTC, datetime
from typing import Any, Final

import uuid_utils

from partner_access import telemetry
from partner_access.domain.act import Act
from partner_access.domain.errors import Overtaken, TemporarilyUnavailable
from partner_access.domain.links import links
from partner_access.domain.links.links import Link
from partner_access.domain.memberships import grants
from partner_access.domain.memberships.grants import DueGrant
from partner_access.lambda_context import Context
from partner_access.store import expiry
from partner_access.store.links import links as stored

SPARE_MILLISECONDS: Final = 5_000
BY: Final = "schedule"


def handler(_: dict[str, Any], context: Context) -> None:
    """The schedule's input is ignored; skipped, doubled or side by side, sweeps come to the same."""
    telemetry.begin(context.aws_request_id, "expire_links")
    try:
        now = datetime.now(UTC).replace(microsecond=0)
        for due in expiry.due(now):
            if context.get_remaining_time_in_millis() < SPARE_MILLISECONDS:
                break
            _settle(due, Act(by=BY, at=now, name=uuid_utils.uuid7().hex))
    finally:
        telemetry.flush()


def _settle(due: Link | DueGrant, act: Act) -> None:
    """One transaction each: whoever was there meanwhile was first, and what is crowded is left for later."""
    try:
        if isinstance(due, Link):
            _settle_link(due, act)
        else:
            _settle_grant(due, act)
    except Overtaken:
        return
    except TemporarilyUnavailable as refusal:
        telemetry.refused(refusal)


def _settle_link(link: Link, act: Act) -> None:
    expired = links.expire(link, act)
    if expired:
        stored.record_end(expired)
        telemetry.count("LinksExpired")
    else:
        stored.record_retirement(link)


def _settle_grant(due: DueGrant, act: Act) -> None:
    expired, ending = grants.expire(due, act), grants.warn(due, act)
    if expired:
        expiry.record(expired)
        telemetry.count("GrantsExpired")
    if ending:
        expiry.record(ending)
        telemetry.count("GrantExpiryWarnings")
