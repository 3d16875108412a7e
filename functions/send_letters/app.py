"""The outbox's stream, and a sweep every minute: each letter goes to everybody whom it is for, once.

The stream makes it quick, the sweep makes it certain; both do the same, and a claim keeps them apart (guarantees.md §4).
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import uuid_utils
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from pydantic import ValidationError

from partner_access import mail, pages, telemetry
from partner_access.context import Context
from partner_access.domain import mailing
from partner_access.domain.decisions import LetterKind, Locale
from partner_access.domain.link_secrets import Secret
from partner_access.domain.mailing import Delivery, MailingFacts, Outcome, Queued, Standing
from partner_access.domain.permissions import Overrides, lacking, rights_of
from partner_access.letters import Words, compose
from partner_access.store import outbox

processor: Final = BatchProcessor(event_type=EventType.DynamoDBStreams)

UNREADABLE_FOR: Final = timedelta(hours=1)
COUNTED: Final = {
    Outcome.SENT: "LetterSent",
    Outcome.REJECTED: "LetterFailed",
    Outcome.NOT_NOW: "LetterPostponed",
    Outcome.PAUSED: "LetterPaused",
    Outcome.UNCLEAR: "LetterUnclear",
}


def handler(event: dict[str, Any], context: Context) -> dict[str, Any] | None:
    """A batch of the stream names its failed records; the schedule's input is ignored."""
    telemetry.begin(context.aws_request_id, "send_letters")
    try:
        if "Records" in event:
            return dict(process_partial_response(event, _from_stream, processor, context))  # type: ignore[arg-type]  # any context
        _sweep()
        return None
    finally:
        telemetry.flush()


def _from_stream(record: dict[str, Any]) -> None:
    """The record only says which letter; what it holds is read from the table."""
    letter = outbox.queued(record["dynamodb"]["Keys"]["sk"]["S"].removeprefix("LETTER#"))
    if letter:
        _send(letter)


def _sweep() -> None:
    for item in outbox.all_queued():
        try:
            letter = Queued.model_validate(item)
        except ValidationError:
            telemetry.unreadable(item["sk"])
            outbox.postpone(item["sk"].removeprefix("LETTER#"), datetime.now(UTC) + UNREADABLE_FOR)
            continue
        _send(letter)


def _send(letter: Queued) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    if letter.next_at > now:
        return
    facts = outbox.facts(letter.letter)
    waiting = [
        until
        for address, locale in mailing.recipients(facts, now)
        if (until := _copy(letter, facts, address, locale, now))
    ]
    if waiting:
        outbox.postpone(letter.outbox_id, min(waiting))
    else:
        outbox.done(letter.outbox_id)


def _copy(letter: Queued, facts: MailingFacts, address: str, locale: Locale, now: datetime) -> datetime | None:
    """Claim, mint, send, mark: in this order, each under its condition; tells when to look again, None when settled."""
    name = outbox.delivery_id(letter.outbox_id, address)
    claimed = outbox.claim(letter, name, uuid_utils.uuid7().hex, now)
    if not claimed:
        return outbox.delivery(name).waits_until
    secret, page = _minted(facts, now) if facts.letter.kind is LetterKind.LINK_TO_APPROVE else (None, _page(facts))
    if not page:
        outbox.settle(claimed, Standing.CANCELLED, now)
        return None
    composed = compose(facts.letter.kind, locale, _words(facts, page, now))
    outcome = mail.send(address, composed, name)
    _count(outcome, claimed)
    standing, next_at = mailing.after(outcome, claimed.attempts, now)
    outbox.settle(claimed, standing, next_at, unsent=secret if outcome in mailing.NOT_GONE else None)
    return claimed.model_copy(update={"standing": standing, "next_at": next_at}).waits_until


def _minted(facts: MailingFacts, now: datetime) -> tuple[Secret | None, str]:
    """A secret of this letter's own, made when it is sent; none, and no page, for a link that has ended meanwhile."""
    link = facts.link
    if not link:
        return None, ""
    text = Secret.write(link.partner_id, link.link_id, secrets.token_urlsafe(32))
    secret = Secret.read(text)
    return (secret, pages.to_approve(text)) if outbox.mint(link, secret, now) else (None, "")


def _page(facts: MailingFacts) -> str:
    letter = facts.letter
    about_link = letter.kind in {LetterKind.LINK_DECLINED, LetterKind.LINK_EXPIRED, LetterKind.LINK_ASKED_ANEW}
    if about_link and letter.partner_id:
        return pages.of_partner(letter.partner_id)
    return pages.of_account(letter.account_id or "")


def _words(facts: MailingFacts, page: str, now: datetime) -> Words:
    letter, link = facts.letter, facts.link
    can = Overrides(letter.added, letter.removed).applied_to(rights_of(letter.permission_set, letter.set_version))
    asked_until = now + timedelta(days=link.access_days) if link and link.access_days else None
    return Words(
        partner_name=facts.partner.name if facts.partner else "",
        partner_domains=facts.partner.domains if facts.partner else (),
        employee_name=facts.employee.name if facts.employee else "",
        employee_email=(facts.employee.email if facts.employee else None) or "",
        account_name=facts.account.name if facts.account else None,
        actor_name=facts.actor.name if facts.actor else None,
        can=can.written(),
        cannot=lacking(can),
        asked_more=letter.asked_more,
        until=asked_until if letter.kind is LetterKind.LINK_TO_APPROVE else letter.until,
        link_until=link.expires_at if link else None,
        purpose=link.purpose if link else None,
        reason=letter.reason,
        address=page,
        paid_seat_required=letter.paid_seat_required,
    )


def _count(outcome: Outcome, claimed: Delivery) -> None:
    telemetry.count(COUNTED[outcome])
    if claimed.unclear:
        telemetry.count("LetterPossibleDuplicate")
