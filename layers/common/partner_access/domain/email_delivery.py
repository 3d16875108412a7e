"""Whom each letter goes to, what it may name, and what becomes of one copy of it (guarantees.md §4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from pydantic import model_validator

from partner_access.domain.accounts import Account
from partner_access.domain.links.links import SECRETS_AT_ONCE, Link, LinkDeliveryStatus, LinkState, tenure_now
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import Letter, LetterKind, Locale
from partner_access.domain.permissions.rights import USERS_MANAGE
from partner_access.domain.records import Kept
from partner_access.domain.users import User

SETTLE: Final = timedelta(minutes=5)
"""How long a copy without an answer may still turn out to have gone; longer than the mailer can run."""
MOST_UNCLEAR: Final = 8
"""After how many lost answers nobody tries any more: each may have been one copy, and its report was lost, too."""
FIRST_PAUSE: Final = timedelta(seconds=30)
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
    """One copy of a letter, or that it went to nobody.

    `next_at` is when it may be taken up (again), `unclear` how many answers were lost before, `resent` when its link had
    been sent again until then: a copy that is older than the link's newest secret speaks for the link no more.
    """

    delivery_id: str
    delivery_status: Standing
    next_at: datetime
    attempt: str
    attempts: int
    outbox_id: str | None = None
    partner_id: str | None = None
    link_id: str | None = None
    unclear_attempts: int = 0
    resent_at: tuple[datetime, ...] = ()

    def is_free_at(self, at: datetime) -> bool:
        """Whether it may be taken up: neither settled nor in somebody's hands."""
        return self.delivery_status not in FINAL and self.next_at <= at

    @property
    def waits_until(self) -> datetime | None:
        """When to look at the copy again, None when it is settled."""
        return None if self.delivery_status in FINAL else self.next_at


class Queued(Kept):
    """A letter in the outbox."""

    outbox_id: str
    queued_at: datetime
    next_at: datetime
    notification: Letter

    @model_validator(mode="after")
    def _must_name_whom_it_is_about(self) -> Self:
        if not self.notification.employee_id and self.notification.kind not in ABOUT_A_PARTNER:
            raise ValueError("the letter names nobody")
        return self


ABOUT_A_PARTNER: Final = frozenset({LetterKind.PROGRAM_STOPPED, LetterKind.PROGRAM_RESUMED})
"""Letters about all people of a partner; the others are about one person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingFacts:
    """The people and things that a letter is about, as they are now; `members` are of an account without super admins."""

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
    members: tuple[Actor, ...] = ()

    @property
    def tenure(self) -> int:
        """Today's of the employee, against which a link is looked at."""
        return tenure_now(self.employee, self.partner)

    @property
    def is_about_a_secret(self) -> bool:
        """Whether each copy brings a secret of its own."""
        return self.letter.kind is LetterKind.LINK_TO_APPROVE

    @property
    def named_account(self) -> Account | None:
        """The account where it is the account's own doing: whoever binds a link to an id does not learn whose it is."""
        return self.account if self.letter.kind in BY_THE_ACCOUNT else None


BY_THE_ACCOUNT: Final = frozenset(
    {
        LetterKind.ACCESS_GRANTED,
        LetterKind.LINK_DECLINED,
        LetterKind.SUPER_ADMIN_MIGRATED,
        LetterKind.MEMBER_CREATED,
        LetterKind.ACCESS_CHANGED,
        LetterKind.ACCESS_SUSPENDED,
        LetterKind.ACCESS_RESUMED,
        LetterKind.ACCESS_ENDED,
        LetterKind.ACCESS_ENDING,
        LetterKind.MEMBER_RETAINED,
        LetterKind.PROGRAM_STOPPED,
        LetterKind.PROGRAM_RESUMED,
        LetterKind.ACCOUNT_ORPHANED,
    }
)

TOLD_TO_MEMBERS: Final = frozenset({LetterKind.ACCOUNT_ORPHANED, LetterKind.MEMBER_RETAINED})
"""Letters that an account's other members get where no super admin is left to get them."""


class Leads(StrEnum):
    """To which page a letter leads: that of a person in an account, of all its users, of a partner's links, or a link's."""

    PERSON = "person"
    USERS = "users"
    LINKS = "links"
    REQUEST = "request"


LEADS_TO: Final = {
    LetterKind.LINK_DECLINED: Leads.LINKS,
    LetterKind.LINK_EXPIRED: Leads.LINKS,
    LetterKind.LINK_RENEWAL_REQUESTED: Leads.LINKS,
    LetterKind.PROGRAM_STOPPED: Leads.USERS,
    LetterKind.PROGRAM_RESUMED: Leads.USERS,
    LetterKind.ACCOUNT_ORPHANED: Leads.USERS,
}
"""Letters that speak of no one person's access in an account; the others lead to it."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a copy, in which language, and where it leads him: nowhere if he may not see what it speaks of."""

    address: str
    locale: Locale
    leads: Leads | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is told; `home` is the account whose language he reads if he has none of his own."""

    user: User | None
    home: Account | None
    sees: bool = True


def recipients(facts: MailingFacts, at: datetime) -> tuple[Recipient, ...]:
    """Each address once; nobody who left, no address that bounced."""
    chosen = _addressee(facts, at) if facts.is_about_a_secret else _readers(facts, at)
    return tuple(each for each in chosen if each.address not in facts.suppressed)


def _readers(facts: MailingFacts, at: datetime) -> tuple[Recipient, ...]:
    """Whoever is told in two capacities reads as the later one of them."""
    leads = LEADS_TO.get(facts.letter.kind, Leads.PERSON)
    chosen = {
        address: Recipient(
            address,
            reader.user.locale or (reader.home and reader.home.locale) or Locale.EN,
            leads if reader.sees else None,
        )
        for reader in _people(facts, at)
        if reader.user and (address := _address(reader.user))
    }
    return tuple(chosen.values())


def _address(user: User | None) -> str | None:
    """Where somebody gets letters; nowhere once he is deactivated."""
    return user.email if user and user.active else None


def _addressee(facts: MailingFacts, at: datetime) -> tuple[Recipient, ...]:
    """The address that the partner gave, in the language that it chose, else in the one of whoever has the address."""
    if not facts.link or not facts.link.recipient or facts.link.is_void_at(at, facts.tenure):
        return ()
    own = facts.addressee.locale if facts.addressee else None
    return (Recipient(facts.link.recipient, facts.link.locale or own or Locale.EN, Leads.REQUEST),)


def _people(facts: MailingFacts, at: datetime) -> list[Reader]:
    """Who is told; whom a link names stands in for whoever made it and left the partner (domain.md rule 6)."""
    employee = Reader(facts.employee, facts.partner or facts.account, _sees_himself(facts))
    creator = Reader(_creator(facts), facts.partner)
    asker = creator if creator.user else employee
    admins = [Reader(actor.user, facts.account) for actor in facts.super_admins if actor.is_super_admin_at(at)]
    others = [each for each in admins if each.user and each.user.user_id != facts.letter.employee_id]
    clients = admins if facts.letter.partner_id else []
    return {
        LetterKind.ACCESS_GRANTED: [employee, creator, *admins],
        LetterKind.LINK_DECLINED: [employee, creator],
        LetterKind.LINK_EXPIRED: [asker],
        LetterKind.LINK_RENEWAL_REQUESTED: [asker],
        LetterKind.SUPER_ADMIN_MIGRATED: [employee, *admins],
        LetterKind.MEMBER_CREATED: [employee, *admins],
        LetterKind.ACCESS_CHANGED: [employee, *clients],
        LetterKind.ACCESS_SUSPENDED: [employee, *admins],
        LetterKind.ACCESS_RESUMED: [employee, *admins],
        LetterKind.ACCESS_ENDED: [employee, *admins],
        LetterKind.ACCESS_ENDING: [employee, creator, *admins],
        LetterKind.MEMBER_RETAINED: others or _own_people(facts, at),
        LetterKind.PROGRAM_STOPPED: admins,
        LetterKind.PROGRAM_RESUMED: admins,
        LetterKind.ACCOUNT_ORPHANED: _own_people(facts, at),
    }[facts.letter.kind]


def _creator(facts: MailingFacts) -> User | None:
    """Who made the link, while he works for the partner: afterwards its clients are none of his business."""
    creator = facts.creator
    return creator if creator and creator.active and facts.letter.partner_id in creator.employed_by else None


def _sees_himself(facts: MailingFacts) -> bool:
    """Whether he may see what he is told of: not where he has no access any more, nor the links of a firm he left."""
    if facts.letter.kind is LetterKind.ACCESS_ENDED:
        return False
    leads_to_links = LEADS_TO.get(facts.letter.kind) is Leads.LINKS
    return not leads_to_links or (facts.employee is not None and facts.letter.partner_id in facts.employee.employed_by)


def _own_people(facts: MailingFacts, at: datetime) -> list[Reader]:
    """Those who stand in for super admins; who does not manage users sees himself alone."""
    return [
        Reader(one.user, facts.account, USERS_MANAGE in one.rights_at(at))
        for one in facts.members
        if may_stand_in(one, facts.letter, at)
    ]


def may_stand_in(one: Actor, letter: Letter, at: datetime) -> bool:
    """Whether a member can be told instead of a super admin.

    He is the account's own, free to come in, has an address, and is not whom the letter is about.
    """
    now = one.member_at(at)
    if not now or not now.active or now.partner_id or now.user_id == letter.employee_id:
        return False
    return not one.suspended_by_at(at) and _address(one.user) is not None


def is_outdated(queued: Queued, link: Link | None) -> bool:
    """Whether the link has been sent again since: the later letter stands for this one (domain.md rule 7)."""
    is_about_a_secret = queued.notification.kind is LetterKind.LINK_TO_APPROVE
    return is_about_a_secret and link is not None and any(each > queued.queued_at for each in link.resent_at)


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
    """How a copy stands after this attempt, and when the next one may be.

    What certainly went to nobody is tried until it goes; what may have gone waits for its report first.
    """
    if outcome is Outcome.SENT:
        return Standing.SENT, at
    if outcome is Outcome.REJECTED:
        return Standing.FAILED, at
    if outcome is Outcome.UNCLEAR:
        return Standing.SENDING, at + SETTLE
    return Standing.PENDING, at + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 10))


def without_a_secret(link: Link | None, at: datetime) -> Standing:
    """What becomes of a copy that got no secret: its link has ended or was sent again, or its secrets are used up."""
    is_used_up = link is not None and link.state_at(at) is LinkState.OPEN and len(link.secrets) >= SECRETS_AT_ONCE
    return Standing.FAILED if is_used_up else Standing.CANCELLED


LETTER_STATE: Final = {
    Standing.SENT: LinkDeliveryStatus.SENT,
    Standing.BOUNCED: LinkDeliveryStatus.BOUNCED,
    Standing.COMPLAINED: LinkDeliveryStatus.COMPLAINED,
    Standing.FAILED: LinkDeliveryStatus.FAILED,
    Standing.CANCELLED: LinkDeliveryStatus.FAILED,
}
"""What a link shows of its letter once the copy stands so."""
