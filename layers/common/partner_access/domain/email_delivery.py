"""Whom each letter goes to, what it may name, and what becomes of one copy of it (guarantees.md §4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from pydantic import model_validator

from partner_access.domain.accounts import Account
from partner_access.domain.links.links import (
    MAX_VALID_SECRETS,
    Link,
    LinkDeliveryStatus,
    LinkState,
    current_access_generation,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import Locale, Notification, NotificationKind
from partner_access.domain.permissions.rights import USERS_MANAGE
from partner_access.domain.records import Record
from partner_access.domain.users import User

RESULT_TIMEOUT: Final = timedelta(minutes=5)
"""How long a copy without an answer may still turn out to have gone; longer than the mailer can run."""
MAX_UNCLEAR_ATTEMPTS: Final = 8
"""After how many lost answers nobody tries any more: each may have been one copy, and its report was lost, too."""
FIRST_RETRY_DELAY: Final = timedelta(seconds=30)
MAX_RETRY_DELAY: Final = timedelta(minutes=10)


class DeliveryStatus(StrEnum):
    """Of one copy of a letter. All but the first two are final."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_STATUSES: Final = frozenset(DeliveryStatus) - {DeliveryStatus.PENDING, DeliveryStatus.SENDING}


class Delivery(Record):
    """One copy of a letter, or that it went to nobody.

    `next_at` is when it may be taken up (again), `unclear` how many answers were lost before, `resent` when its link had
    been sent again until then: a copy that is older than the link's newest secret speaks for the link no more.
    """

    delivery_id: str
    delivery_status: DeliveryStatus
    next_at: datetime
    attempt: str
    attempts: int
    outbox_id: str | None = None
    partner_id: str | None = None
    link_id: str | None = None
    unclear_attempts: int = 0
    resent_at: tuple[datetime, ...] = ()

    def is_claimable_at(self, at: datetime) -> bool:
        """Whether it may be taken up: neither settled nor in somebody's hands."""
        return self.delivery_status not in FINAL_STATUSES and self.next_at <= at

    @property
    def next_check_at(self) -> datetime | None:
        """When to look at the copy again, None when it is settled."""
        return None if self.delivery_status in FINAL_STATUSES else self.next_at


class QueuedNotification(Record):
    """A letter in the outbox."""

    outbox_id: str
    queued_at: datetime
    next_at: datetime
    notification: Notification

    @model_validator(mode="after")
    def _must_name_subject(self) -> Self:
        if not self.notification.employee_id and self.notification.kind not in PARTNER_WIDE_KINDS:
            raise ValueError("the letter names nobody")
        return self


PARTNER_WIDE_KINDS: Final = frozenset({NotificationKind.PROGRAM_STOPPED, NotificationKind.PROGRAM_RESUMED})
"""Letters about all people of a partner; the others are about one person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFacts:
    """The people and things that a letter is about, as they are now; `members` are of an account without super admins."""

    notification: Notification
    employee: User | None
    actor: User | None
    creator: User | None
    partner: Account | None
    account: Account | None
    link: Link | None
    super_admins: tuple[Actor, ...]
    link_recipient: User | None
    suppressed: frozenset[str]
    members: tuple[Actor, ...] = ()

    @property
    def access_generation(self) -> int:
        """Today's of the employee, against which a link is looked at."""
        return current_access_generation(self.employee, self.partner)

    @property
    def carries_secret(self) -> bool:
        """Whether each copy brings a secret of its own."""
        return self.notification.kind is NotificationKind.LINK_TO_APPROVE

    @property
    def named_account(self) -> Account | None:
        """The account where it is the account's own doing: whoever binds a link to an id does not learn whose it is."""
        return self.account if self.notification.kind in KINDS_NAMING_ACCOUNT else None


KINDS_NAMING_ACCOUNT: Final = frozenset(
    {
        NotificationKind.ACCESS_GRANTED,
        NotificationKind.LINK_DECLINED,
        NotificationKind.SUPER_ADMIN_MIGRATED,
        NotificationKind.MEMBER_CREATED,
        NotificationKind.ACCESS_CHANGED,
        NotificationKind.ACCESS_SUSPENDED,
        NotificationKind.ACCESS_RESUMED,
        NotificationKind.ACCESS_ENDED,
        NotificationKind.ACCESS_ENDING,
        NotificationKind.MEMBER_RETAINED,
        NotificationKind.PROGRAM_STOPPED,
        NotificationKind.PROGRAM_RESUMED,
        NotificationKind.ACCOUNT_ORPHANED,
    }
)

KINDS_FOR_MEMBERS: Final = frozenset({NotificationKind.ACCOUNT_ORPHANED, NotificationKind.MEMBER_RETAINED})
"""Letters that an account's other members get where no super admin is left to get them."""


class LinkedPage(StrEnum):
    """To which page a letter leads: that of a person in an account, of all its users, of a partner's links, or a link's."""

    MEMBER = "person"
    USERS = "users"
    LINKS = "links"
    REQUEST = "request"


LINKED_PAGE_BY_KIND: Final = {
    NotificationKind.LINK_DECLINED: LinkedPage.LINKS,
    NotificationKind.LINK_EXPIRED: LinkedPage.LINKS,
    NotificationKind.LINK_RENEWAL_REQUESTED: LinkedPage.LINKS,
    NotificationKind.PROGRAM_STOPPED: LinkedPage.USERS,
    NotificationKind.PROGRAM_RESUMED: LinkedPage.USERS,
    NotificationKind.ACCOUNT_ORPHANED: LinkedPage.USERS,
}
"""Letters that speak of no one person's access in an account; the others lead to it."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a copy, in which language, and where it leads him: nowhere if he may not see what it speaks of."""

    address: str
    locale: Locale
    page: LinkedPage | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is told; `home` is the account whose language he reads if he has none of his own."""

    user: User | None
    fallback_account: Account | None
    can_see_page: bool = True


def recipients(facts: DeliveryFacts, at: datetime) -> tuple[Recipient, ...]:
    """Each address once; nobody who left, no address that bounced."""
    chosen = _link_recipients(facts, at) if facts.carries_secret else _notification_recipients(facts, at)
    return tuple(each for each in chosen if each.address not in facts.suppressed)


def _notification_recipients(facts: DeliveryFacts, at: datetime) -> tuple[Recipient, ...]:
    """Whoever is told in two capacities reads as the later one of them."""
    page = LINKED_PAGE_BY_KIND.get(facts.notification.kind, LinkedPage.MEMBER)
    chosen = {
        address: Recipient(
            address,
            reader.user.locale or (reader.fallback_account and reader.fallback_account.locale) or Locale.EN,
            page if reader.can_see_page else None,
        )
        for reader in _readers_by_kind(facts, at)
        if reader.user and (address := _email_of(reader.user))
    }
    return tuple(chosen.values())


def _email_of(user: User | None) -> str | None:
    """Where somebody gets letters; nowhere once he is deactivated."""
    return user.email if user and user.active else None


def _link_recipients(facts: DeliveryFacts, at: datetime) -> tuple[Recipient, ...]:
    """The address that the partner gave, in the language that it chose, else in the one of whoever has the address."""
    if not facts.link or not facts.link.recipient or facts.link.is_void_at(at, facts.access_generation):
        return ()
    own_locale = facts.link_recipient.locale if facts.link_recipient else None
    return (Recipient(facts.link.recipient, facts.link.locale or own_locale or Locale.EN, LinkedPage.REQUEST),)


def _readers_by_kind(facts: DeliveryFacts, at: datetime) -> list[Reader]:
    """Who is told; whom a link names stands in for whoever made it and left the partner (domain.md rule 6)."""
    employee = Reader(facts.employee, facts.partner or facts.account, _can_see_page(facts))
    creator = Reader(_creator(facts), facts.partner)
    link_reader = creator if creator.user else employee
    admins = [Reader(actor.user, facts.account) for actor in facts.super_admins if actor.is_super_admin_at(at)]
    others = [each for each in admins if each.user and each.user.user_id != facts.notification.employee_id]
    clients = admins if facts.notification.partner_id else []
    return {
        NotificationKind.ACCESS_GRANTED: [employee, creator, *admins],
        NotificationKind.LINK_DECLINED: [employee, creator],
        NotificationKind.LINK_EXPIRED: [link_reader],
        NotificationKind.LINK_RENEWAL_REQUESTED: [link_reader],
        NotificationKind.SUPER_ADMIN_MIGRATED: [employee, *admins],
        NotificationKind.MEMBER_CREATED: [employee, *admins],
        NotificationKind.ACCESS_CHANGED: [employee, *clients],
        NotificationKind.ACCESS_SUSPENDED: [employee, *admins],
        NotificationKind.ACCESS_RESUMED: [employee, *admins],
        NotificationKind.ACCESS_ENDED: [employee, *admins],
        NotificationKind.ACCESS_ENDING: [employee, creator, *admins],
        NotificationKind.MEMBER_RETAINED: others or _stand_in_readers(facts, at),
        NotificationKind.PROGRAM_STOPPED: admins,
        NotificationKind.PROGRAM_RESUMED: admins,
        NotificationKind.ACCOUNT_ORPHANED: _stand_in_readers(facts, at),
    }[facts.notification.kind]


def _creator(facts: DeliveryFacts) -> User | None:
    """Who made the link, while he works for the partner: afterwards its clients are none of his business."""
    creator = facts.creator
    return creator if creator and creator.active and facts.notification.partner_id in creator.employed_by else None


def _can_see_page(facts: DeliveryFacts) -> bool:
    """Whether he may see what he is told of: not where he has no access any more, nor the links of a firm he left."""
    if facts.notification.kind is NotificationKind.ACCESS_ENDED:
        return False
    leads_to_links = LINKED_PAGE_BY_KIND.get(facts.notification.kind) is LinkedPage.LINKS
    return not leads_to_links or (
        facts.employee is not None and facts.notification.partner_id in facts.employee.employed_by
    )


def _stand_in_readers(facts: DeliveryFacts, at: datetime) -> list[Reader]:
    """Those who stand in for super admins; who does not manage users sees himself alone."""
    return [
        Reader(actor.user, facts.account, USERS_MANAGE in actor.rights_at(at))
        for actor in facts.members
        if can_stand_in(actor, facts.notification, at)
    ]


def can_stand_in(actor: Actor, notification: Notification, at: datetime) -> bool:
    """Whether a member can be told instead of a super admin.

    He is the account's own, free to come in, has an address, and is not whom the letter is about.
    """
    now = actor.member_at(at)
    if not now or not now.active or now.partner_id or now.user_id == notification.employee_id:
        return False
    return not actor.suspended_by_at(at) and _email_of(actor.user) is not None


def is_superseded(queued: QueuedNotification, link: Link | None) -> bool:
    """Whether the link has been sent again since: the later letter stands for this one (domain.md rule 7)."""
    carries_secret = queued.notification.kind is NotificationKind.LINK_TO_APPROVE
    return carries_secret and link is not None and any(each > queued.queued_at for each in link.resent_at)


class SendResult(StrEnum):
    """What the mail system made of a copy; it has no idempotency token, so a lost answer stays unclear."""

    SENT = "sent"
    REJECTED = "rejected"
    THROTTLED = "not_now"
    PAUSED = "paused"
    UNCLEAR = "unclear"


NOT_SENT: Final = frozenset({SendResult.REJECTED, SendResult.THROTTLED, SendResult.PAUSED})
"""The copy certainly went to nobody."""


def status_after(result: SendResult, attempts: int, at: datetime) -> tuple[DeliveryStatus, datetime]:
    """How a copy stands after this attempt, and when the next one may be.

    What certainly went to nobody is tried until it goes; what may have gone waits for its report first.
    """
    if result is SendResult.SENT:
        return DeliveryStatus.SENT, at
    if result is SendResult.REJECTED:
        return DeliveryStatus.FAILED, at
    if result is SendResult.UNCLEAR:
        return DeliveryStatus.SENDING, at + RESULT_TIMEOUT
    return DeliveryStatus.PENDING, at + min(MAX_RETRY_DELAY, FIRST_RETRY_DELAY * 2 ** min(attempts - 1, 10))


def status_without_secret(link: Link | None, at: datetime) -> DeliveryStatus:
    """What becomes of a copy that got no secret: its link has ended or was sent again, or its secrets are used up."""
    is_used_up = link is not None and link.state_at(at) is LinkState.OPEN and len(link.secrets) >= MAX_VALID_SECRETS
    return DeliveryStatus.FAILED if is_used_up else DeliveryStatus.CANCELLED


LINK_DELIVERY_STATUS: Final = {
    DeliveryStatus.SENT: LinkDeliveryStatus.SENT,
    DeliveryStatus.BOUNCED: LinkDeliveryStatus.BOUNCED,
    DeliveryStatus.COMPLAINED: LinkDeliveryStatus.COMPLAINED,
    DeliveryStatus.FAILED: LinkDeliveryStatus.FAILED,
    DeliveryStatus.CANCELLED: LinkDeliveryStatus.FAILED,
}
"""What a link shows of its letter once the copy stands so."""
