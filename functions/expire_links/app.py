"""Every few minutes: links whose time is over become `expired`, and their creators are told.

The truth is in `expires_at` all the time; this only writes it down, and costs in proportion to what is due.
"""

from datetime import UTC, datetime
from typing import Any, Final

import uuid_utils

from partner_access import telemetry
from partner_access.context import Context
from partner_access.domain import links
from partner_access.domain.decisions import Act, Overtaken
from partner_access.domain.links import Link
from partner_access.domain.refusals import TemporarilyUnavailable
from partner_access.store import links as stored

SPARE_MILLISECONDS: Final = 5_000
BY: Final = "schedule"


def handler(_: dict[str, Any], context: Context) -> None:
    """The schedule's input is ignored; skipped, doubled or side by side, sweeps come to the same."""
    telemetry.begin(context.aws_request_id, "expire_links")
    try:
        now = datetime.now(UTC).replace(microsecond=0)
        for link in stored.due(now):
            if context.get_remaining_time_in_millis() < SPARE_MILLISECONDS:
                break
            _expire(link, now)
    finally:
        telemetry.flush()


def _expire(link: Link, now: datetime) -> None:
    """One transaction for each link: whoever ended it meanwhile was first, and one that is crowded is left for later."""
    expired = links.expire(link, Act(by=BY, at=now, name=uuid_utils.uuid7().hex))
    try:
        if expired:
            stored.record_end(expired)
            telemetry.count("LinksExpired")
        else:
            stored.record_retirement(link)
    except Overtaken:
        return
    except TemporarilyUnavailable as refusal:
        telemetry.refused(refusal)
