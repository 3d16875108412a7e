"""Scheduled every few minutes: record expired links, end due grants, and notify users of them.

Users are also warned before a grant ends. Access ends at `expires_at` in any case. This job only records that, and
its cost is proportional to the number of due items.
"""

from contextlib import suppress
from typing import Any

import uuid_utils

from partner_access import telemetry, worker
from partner_access.domain.act import SCHEDULE, Act
from partner_access.domain.errors import StaleFacts
from partner_access.domain.links import links
from partner_access.domain.links.links import Link
from partner_access.domain.memberships import grants
from partner_access.domain.memberships.grants import DueGrant
from partner_access.store import expiry
from partner_access.store.links import links as stored
from partner_access.worker import Run


@worker.background("expire_links", spare_milliseconds=5_000)
def handler(_: dict[str, Any], run: Run) -> None:
    """Process all due links and grants.

    The input of the schedule is ignored. The job is safe to skip, repeat or run concurrently.
    """
    now = run.now()
    for due in expiry.due(now):
        run.require_time()
        with worker.skip_if_unavailable(), suppress(StaleFacts):  # A concurrent change takes precedence.
            _process(due, Act(actor_id=SCHEDULE, at=now, id=uuid_utils.uuid7().hex))


def _process(due: Link | DueGrant, act: Act) -> None:
    """Process one due item in a transaction of its own. Raises StaleFacts after a concurrent change of the item."""
    if isinstance(due, Link):
        _process_link(due, act)
    else:
        _process_grant(due, act)


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
