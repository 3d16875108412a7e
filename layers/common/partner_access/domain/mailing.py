"""Whom each letter goes to, what it may name, and what becomes of one copy of it (guarantees.md §4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.decisions import Kept, Letter, LetterKind, Locale
from partner_access.domain.links import LetterState, Link
from partner_access.domain.people import Actor, User

SETTLE: Final = timedelta(minutes=5)
"""How long a copy without an answer may still turn out to have gone; longer than the mailer can run."""
MOST_ATTEMPTS: Final = 8
LONGEST_PAUSE: Final = timedelta(minutes=10)


class Standing(StrEnum):
    """Of one copy of a letter. All but the first two are final."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL: Final = frozenset(Standing) - {Standing.PENDING, Standing.SENDING}


class Delivery(Kept):
    """One copy of a letter; `next_at` is when it may be taken up (again), `unclear` that an answer was lost before."""

    delivery_id: str
    standing: Standing
    next_at: datetime
    attempt: str
    attempts: int
    partner_id: str | None = None
    link_id: str | None = None
    unclear: bool = False

    @property
    def waits_until(self) -> datetime | None:
        """When to look at the copy again, None when it is settled."""
        return None if self.standing in FINAL else self.next_at


class Queued(Kept):
    """A letter in the outbox."""

    outbox_id: str
    next_at: datetime
    letter: Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingFacts:
    """The people and things that a letter is about, as they are now."""

    letter: Letter
    employee: User | None
    actor: User | None
    creator: User | None
    partner: Account | None
    account: Account | None
    link: Link | None
    super_admins: tuple[Actor, ...]
    addressee: User | None
    suppressed: frozenset[str]


def recipients(facts: MailingFacts, at: datetime) -> tuple[tuple[str, Locale], ...]:
    """The addresses with their language, each once; nobody who left, no address that bounced."""
    people = [user for user in _people(facts, at) if user and user.active]
    chosen = {user.email: user.locale or _locale(facts) for user in people if user.email}
    if facts.letter.kind is LetterKind.LINK_TO_APPROVE and facts.link and facts.link.recipient:
        own = facts.addressee.locale if facts.addressee else None
        chosen = {facts.link.recipient: facts.link.locale or own or Locale.EN}
    return tuple((address, locale) for address, locale in chosen.items() if address not in facts.suppressed)


def _locale(facts: MailingFacts) -> Locale:
    return (facts.account and facts.account.locale) or Locale.EN


def _people(facts: MailingFacts, at: datetime) -> list[User | None]:
    admins = [actor.user for actor in facts.super_admins if actor.is_super_admin_at(at)]
    return {
        LetterKind.LINK_TO_APPROVE: [],
        LetterKind.ACCESS_GRANTED: [facts.employee, facts.creator, *admins],
        LetterKind.LINK_DECLINED: [facts.employee, facts.creator],
        LetterKind.LINK_EXPIRED: [facts.creator],
        LetterKind.LINK_ASKED_ANEW: [facts.creator],
        LetterKind.SUPER_ADMIN_MIGRATED: [facts.employee, *admins],
        LetterKind.USER_CREATED: [facts.employee, *admins],
    }[facts.letter.kind]


class Outcome(StrEnum):
    """What the mail system made of a copy; it has no idempotency token, so a lost answer stays unclear."""

    SENT = "sent"
    REJECTED = "rejected"
    NOT_NOW = "not_now"
    PAUSED = "paused"
    UNCLEAR = "unclear"


NOT_GONE: Final = frozenset({Outcome.REJECTED, Outcome.NOT_NOW, Outcome.PAUSED})
"""The copy certainly went to nobody."""


def after(outcome: Outcome, attempts: int, at: datetime) -> tuple[Standing, datetime]:
    """How a copy stands after this attempt, and when the next one may be."""
    if outcome is Outcome.SENT:
        return Standing.SENT, at
    if outcome is Outcome.REJECTED or attempts >= MOST_ATTEMPTS:
        return Standing.FAILED, at
    if outcome is Outcome.UNCLEAR:
        return Standing.SENDING, at + SETTLE
    return Standing.PENDING, at + min(LONGEST_PAUSE, timedelta(seconds=15 * 2**attempts))


LETTER_STATE: Final = {
    Standing.SENT: LetterState.SENT,
    Standing.BOUNCED: LetterState.BOUNCED,
    Standing.COMPLAINED: LetterState.BOUNCED,
    Standing.FAILED: LetterState.FAILED,
    Standing.CANCELLED: LetterState.FAILED,
}
"""What a link shows of its letter once the copy stands so."""
