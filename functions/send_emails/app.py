"""The outbox's stream, and a sweep every minute: each letter goes to everybody whom it is for, once.

The stream makes it quick, the sweep makes it certain; both do the same, and a claim keeps them apart (guarantees.md §4).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import uuid_utils
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from partner_access import page_urls, telemetry
from partner_access.domain import email_delivery
from partner_access.domain.email_delivery import Delivery, Leads, MailingFacts, Outcome, Queued, Recipient, Standing
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.links.links import Link, LinkState
from partner_access.domain.links.secrets import Secret
from partner_access.domain.notifications import Letter
from partner_access.domain.permissions.custom_sets import is_custom
from partner_access.domain.permissions.rights import Overrides, lacking, rights_of
from partner_access.emails import transport
from partner_access.emails.rendering import Composed, Words, compose
from partner_access.lambda_context import Context
from partner_access.store import keys, outbox

processor: Final = BatchProcessor(event_type=EventType.DynamoDBStreams)

SPARE_MILLISECONDS: Final = 20_000
"""What one copy may take: without it none is begun, so that none is cut off between sending and saying so."""
UNREADABLE_FOR: Final = timedelta(hours=1)
COUNTED: Final = {
    Outcome.SENT: "EmailSent",
    Outcome.REJECTED: "EmailFailed",
    Outcome.NOT_NOW: "EmailPostponed",
    Outcome.PAUSED: "EmailPaused",
    Outcome.UNCLEAR: "EmailUnclear",
}
ENDS_BY_TIME: Final = frozenset({LinkState.OPEN, LinkState.EXPIRED})
"""Of a link that ended otherwise, the day it would have expired tells nothing."""
UNSENT: Final = {Standing.CANCELLED: "EmailCanceled", Standing.FAILED: "EmailFailed"}


@dataclass(frozen=True, slots=True)
class Copy:
    """A letter as one person gets it, ready to go; `secret` opens the link once it is minted."""

    name: str
    address: str
    composed: Composed
    link: Link | None = None
    secret: Secret | None = None


def handler(event: dict[str, Any], context: Context) -> dict[str, Any] | None:
    """A batch of the stream names its failed records; the schedule's input is ignored."""
    telemetry.begin(context.aws_request_id, "send_emails")
    try:
        if "Records" in event:
            return dict(
                process_partial_response(event, lambda record: _from_stream(record, context), processor, context)  # type: ignore[arg-type]  # any context
            )
        _sweep(context)
        return None
    finally:
        telemetry.flush()


def _from_stream(record: Mapping[str, Any], context: Context) -> None:
    """The record only says which letter; what it holds is read from the table."""
    item = outbox.queued(record["dynamodb"]["Keys"]["sk"]["S"].removeprefix(keys.NOTIFICATION))
    if item:
        _take_up(item, context)


def _sweep(context: Context) -> None:
    """One letter that cannot be dealt with now does not keep the others."""
    for item in outbox.all_queued():
        try:
            _take_up(item, context)
        except TemporarilyUnavailable as refusal:
            telemetry.refused(refusal)


def _take_up(item: outbox.Item, context: Context) -> None:
    """Bring one letter on its way as far as it goes today; what there is no time for is left to the next sweep."""
    now = datetime.now(UTC).replace(microsecond=0)
    if not outbox.is_due(item, now):
        return
    try:
        letter = Queued.model_validate(item)
        facts = outbox.facts(letter.notification, now)
        copies = _copies(letter, facts, now)
    except (LookupError, ValueError):
        telemetry.unreadable(item["sk"])
        outbox.postpone(item, now + UNREADABLE_FOR)
        return
    if email_delivery.is_outdated(letter, facts.link):
        outbox.done(item)
        return
    if facts.link and facts.is_about_a_secret and not copies:
        outbox.give_up(facts.link)
    if not copies:
        outbox.done_for_nobody(letter, now)
        return
    waiting = []
    for copy in copies:
        if context.get_remaining_time_in_millis() < SPARE_MILLISECONDS:
            return
        until = _deliver(copy, letter, now)
        if until:
            waiting.append(until)
    if waiting:
        outbox.postpone(item, min(waiting))
    else:
        outbox.done(item)


def _copies(letter: Queued, facts: MailingFacts, now: datetime) -> list[Copy]:
    """All that goes out, written before anything is claimed: a letter that nobody can write is in nobody's hands."""
    return [_copy(letter, facts, recipient, now) for recipient in email_delivery.recipients(facts, now)]


def _copy(letter: Queued, facts: MailingFacts, to: Recipient, now: datetime) -> Copy:
    name = outbox.delivery_id(letter.outbox_id, to.address)
    kind, link = letter.notification.kind, facts.link
    if not link or not facts.is_about_a_secret:
        return Copy(
            name, to.address, compose(kind, to.locale, _words(facts, _page(letter.notification, to.leads), now))
        )
    text = Secret.write(link.partner_id, link.link_id, secrets.token_urlsafe(32))
    composed = compose(kind, to.locale, _words(facts, page_urls.to_approve(text), now))
    return Copy(name, to.address, composed, link, Secret.read(text))


def _deliver(copy: Copy, letter: Queued, now: datetime) -> datetime | None:
    """Claim, mint, send, mark: in this order, each under its condition; tells when to look again, None when settled."""
    attempt = uuid_utils.uuid7().hex
    claimed = outbox.claim(letter, copy.link, copy.name, attempt, now)
    if claimed.attempt != attempt:
        return claimed.waits_until
    if claimed.unclear_attempts >= email_delivery.MOST_UNCLEAR:
        _drop(claimed, Standing.FAILED, now)
        return None
    if copy.link and copy.secret and not outbox.mint(copy.link, copy.secret, now):
        _drop(claimed, email_delivery.without_a_secret(copy.link, now), now)
        return None
    outcome = transport.send(copy.address, copy.composed, copy.name)
    _count(outcome, claimed)
    standing, next_at = email_delivery.after(outcome, claimed.attempts, now)
    outbox.settle(claimed, standing, next_at, unsent=copy.secret if outcome in email_delivery.NOT_GONE else None)
    return claimed.model_copy(update={"delivery_status": standing, "next_at": next_at}).waits_until


def _drop(claimed: Delivery, standing: Standing, now: datetime) -> None:
    """This copy is not sent, now or ever."""
    telemetry.count(UNSENT[standing])
    outbox.settle(claimed, standing, now)


def _page(letter: Letter, leads: Leads | None) -> str:
    """The address that a copy leads to, empty for nowhere."""
    if leads is Leads.LINKS and letter.partner_id:
        return page_urls.of_links(letter.partner_id)
    if leads is Leads.PERSON and letter.account_id and letter.employee_id:
        return page_urls.of_person(letter.account_id, letter.employee_id)
    if leads is Leads.USERS and letter.account_id:
        return page_urls.of_account(letter.account_id)
    return ""


def _words(facts: MailingFacts, page: str, now: datetime) -> Words:
    letter, link = facts.letter, facts.link
    can, cannot = _rights(letter)
    return Words(
        partner_name=facts.partner.name if facts.partner else "",
        partner_domains=facts.partner.domains if facts.partner else (),
        employee_name=facts.employee.name if facts.employee else "",
        employee_email=(facts.employee.email if facts.employee else None) or "",
        account_name=facts.named_account.name if facts.named_account else None,
        actor_name=facts.actor.name if facts.actor else None,
        can=can,
        cannot=cannot,
        asked_more=letter.requested_but_removed,
        gained=letter.gained,
        lost=letter.lost,
        asked_days=link.access_days if link and facts.is_about_a_secret else letter.requested_days,
        given_days=letter.granted_days,
        days_left=letter.days_left,
        until=letter.expires_at,
        link_until=link.expires_at if link and link.state_at(now, facts.tenure) in ENDS_BY_TIME else None,
        purpose=link.purpose if link else None,
        reason=letter.reason,
        cause=letter.cause,
        address=page,
        paid_seat_required=letter.paid_seat_required,
    )


def _rights(letter: Letter) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What he can and cannot do; of an account's own set nothing is told, for what it holds may change any time."""
    if is_custom(letter.permission_set):
        return (), ()
    can = Overrides(letter.added, letter.removed).applied_to(rights_of(letter.permission_set, letter.set_version))
    return can.written(), lacking(can)


def _count(outcome: Outcome, claimed: Delivery) -> None:
    telemetry.count(COUNTED[outcome])
    if claimed.unclear_attempts and outcome not in email_delivery.NOT_GONE:
        telemetry.count("EmailPossibleDuplicate")
