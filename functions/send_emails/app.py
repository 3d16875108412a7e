"""Stream of the outbox, and a sweep every minute: send each email once to each of its recipients.

The stream makes delivery fast, and the sweep makes it reliable. Both do the same work, and a claim on each copy keeps
them from sending it twice (consistency.md §4).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import uuid_utils
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from partner_access import page_urls, telemetry, worker
from partner_access.domain import email_delivery
from partner_access.domain.email_delivery import (
    Delivery,
    DeliveryFacts,
    DeliveryStatus,
    LinkedPage,
    QueuedNotification,
    Recipient,
    SendResult,
)
from partner_access.domain.links.links import Link, LinkState
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.notifications import Notification
from partner_access.domain.permissions.custom_sets import is_custom
from partner_access.domain.permissions.rights import Overrides, default_set_rights, missing_in_clients
from partner_access.emails import transport
from partner_access.emails.rendering import EmailContext, RenderedEmail, render
from partner_access.store import keys, outbox
from partner_access.worker import Run

processor: Final = BatchProcessor(event_type=EventType.DynamoDBStreams)

SPARE_MILLISECONDS: Final = 20_000
"""Time reserved for one copy, so that no run is aborted between sending a copy and recording it."""
RETRY_UNREADABLE_AFTER: Final = timedelta(hours=1)
METRIC_BY_OUTCOME: Final = {
    SendResult.SENT: "EmailSent",
    SendResult.REJECTED: "EmailFailed",
    SendResult.THROTTLED: "EmailPostponed",
    SendResult.PAUSED: "EmailPaused",
    SendResult.UNCLEAR: "EmailUnclear",
}
STATES_WITH_EXPIRY: Final = frozenset({LinkState.OPEN, LinkState.EXPIRED})
"""States of a link in which its email names the expiry. The expiry means nothing when the link ended otherwise."""
METRIC_BY_UNSENT_STATUS: Final = {DeliveryStatus.CANCELLED: "EmailCanceled", DeliveryStatus.FAILED: "EmailFailed"}


@dataclass(frozen=True, slots=True)
class EmailCopy:
    """A rendered email for one recipient. `secret` opens the link once it is added to the link."""

    delivery_id: str
    address: str
    rendered: RenderedEmail
    link: Link | None = None
    secret: LinkSecret | None = None


@worker.background("send_emails", spare_milliseconds=SPARE_MILLISECONDS)
def handler(event: dict[str, Any], run: Run) -> dict[str, Any] | None:
    """Send the emails of a stream batch or of a sweep.

    For a batch, the result names the failed records. The input of the schedule is ignored.
    """
    if "Records" in event:
        return dict(process_partial_response(event, lambda record: _from_stream(record, run), processor))
    _sweep(run)
    return None


def _from_stream(record: Mapping[str, Any], run: Run) -> None:
    """Process the notification that a stream record names. Its content is read from the table."""
    item = outbox.queued(record["dynamodb"]["Keys"]["sk"]["S"].removeprefix(keys.NOTIFICATION))
    if item:
        _process(item, run)


def _sweep(run: Run) -> None:
    """Process all queued notifications."""
    for item in outbox.all_queued():
        with worker.skip_if_unavailable():
            _process(item, run)


def _process(item: outbox.Item, run: Run) -> None:
    """Send all copies of one notification that can be sent now. The next sweep does what is left."""
    now = run.now()
    if not outbox.is_due(item, now):
        return
    try:
        queued = QueuedNotification.model_validate(item)
        facts = outbox.facts(queued.notification, now)
        copies = _copies(queued, facts, now)
    except (LookupError, ValueError):
        telemetry.report_unreadable_notification(item["sk"])
        outbox.postpone(item, now + RETRY_UNREADABLE_AFTER)
        return
    if email_delivery.is_superseded(queued, facts.link):
        outbox.complete(item)
        return
    if facts.link and facts.carries_secret and not copies:
        outbox.record_failed_email(facts.link)
    if not copies:
        outbox.complete_without_recipients(queued, now)
        return
    next_attempts = []
    for copy in copies:
        if not run.has_time:
            return
        next_attempt = _deliver(copy, queued, now)
        if next_attempt:
            next_attempts.append(next_attempt)
    if next_attempts:
        outbox.postpone(item, min(next_attempts))
    else:
        outbox.complete(item)


def _copies(queued: QueuedNotification, facts: DeliveryFacts, now: datetime) -> list[EmailCopy]:
    """Render all copies before any is claimed, so that a rendering error leaves no claim behind."""
    return [_copy(queued, facts, recipient, now) for recipient in email_delivery.recipients(facts, now)]


def _copy(queued: QueuedNotification, facts: DeliveryFacts, recipient: Recipient, now: datetime) -> EmailCopy:
    delivery_id = outbox.delivery_id(queued.outbox_id, recipient.address)
    kind, link = queued.notification.kind, facts.link
    if not link or not facts.carries_secret:
        return EmailCopy(
            delivery_id,
            recipient.address,
            render(
                kind,
                recipient.locale,
                _email_context(facts, _page_url(queued.notification, recipient.page), recipient.zone, now),
            ),
        )
    text = LinkSecret.write(link.partner_id, link.link_id, secrets.token_urlsafe(32))
    rendered = render(kind, recipient.locale, _email_context(facts, page_urls.of_approval(text), recipient.zone, now))
    return EmailCopy(delivery_id, recipient.address, rendered, link, LinkSecret.read(text))


def _deliver(copy: EmailCopy, queued: QueuedNotification, now: datetime) -> datetime | None:
    """Claim the copy, add its secret to the link, send it and record the result, in this order.

    Each write has its own condition. Return the time of the next attempt, or None when the delivery status is final.
    """
    attempt = uuid_utils.uuid7().hex
    claimed = outbox.claim(queued, copy.link, copy.delivery_id, attempt, now)
    if claimed.attempt != attempt:
        return claimed.next_check_at
    if claimed.unclear_attempts >= email_delivery.MAX_UNCLEAR_ATTEMPTS:
        _drop(claimed, DeliveryStatus.FAILED, now)
        return None
    if copy.link and copy.secret and not outbox.add_secret(copy.link, copy.secret, now):
        _drop(claimed, email_delivery.status_without_secret(copy.link, now), now)
        return None
    outcome = transport.send(copy.address, copy.rendered, copy.delivery_id)
    _count(outcome, claimed)
    status, next_at = email_delivery.status_after(outcome, claimed.attempts, now)
    outbox.record_result(claimed, status, next_at, unsent=copy.secret if outcome in email_delivery.NOT_SENT else None)
    return claimed.model_copy(update={"delivery_status": status, "next_at": next_at}).next_check_at


def _drop(claimed: Delivery, status: DeliveryStatus, now: datetime) -> None:
    """Record that this copy is never sent."""
    telemetry.count(METRIC_BY_UNSENT_STATUS[status])
    outbox.record_result(claimed, status, now)


def _page_url(notification: Notification, target: LinkedPage | None) -> str:
    """Return the URL that the button of an email opens, or an empty string for none."""
    if target is LinkedPage.LINKS and notification.partner_id:
        return page_urls.of_links(notification.partner_id)
    if target is LinkedPage.MEMBER and notification.account_id and notification.employee_id:
        return page_urls.of_member(notification.account_id, notification.employee_id)
    if target is LinkedPage.USERS and notification.account_id:
        return page_urls.of_account(notification.account_id)
    return ""


def _email_context(facts: DeliveryFacts, page_url: str, zone: ZoneInfo, now: datetime) -> EmailContext:
    notification, link = facts.notification, facts.link
    can, cannot = _rights(notification)
    return EmailContext(
        partner_name=facts.partner.name if facts.partner else "",
        partner_domains=facts.partner.domains if facts.partner else (),
        employee_name=facts.employee.name if facts.employee else "",
        employee_email=(facts.employee.email if facts.employee else None) or "",
        account_name=facts.named_account.name if facts.named_account else None,
        actor_name=facts.actor.name if facts.actor else None,
        can=can,
        cannot=cannot,
        requested_more=notification.requested_but_removed,
        gained=notification.gained,
        lost=notification.lost,
        requested_end=link.requested_access.end if link and facts.carries_secret else notification.requested_end,
        granted_end=notification.granted_end,
        days_left=notification.days_left,
        expires_at=notification.expires_at,
        link_expires_at=link.expires_at
        if link and link.state_at(now, facts.access_generation) in STATES_WITH_EXPIRY
        else None,
        zone=zone,
        purpose=link.purpose if link else None,
        reason=notification.reason,
        cause=notification.cause,
        button_url=page_url,
        paid_seat_required=notification.paid_seat_required,
        former_set=facts.former_set,
    )


def _rights(notification: Notification) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the permissions that the employee has and lacks.

    Both are empty for a custom set, because its permissions can change at any time.
    """
    if is_custom(notification.permission_set):
        return (), ()
    can = Overrides(notification.added, notification.removed).applied_to(
        default_set_rights(notification.permission_set, notification.set_version)
    )
    return can.to_names(), missing_in_clients(can)


def _count(outcome: SendResult, claimed: Delivery) -> None:
    telemetry.count(METRIC_BY_OUTCOME[outcome])
    if claimed.unclear_attempts and outcome not in email_delivery.NOT_SENT:
        telemetry.count("EmailPossibleDuplicate")
