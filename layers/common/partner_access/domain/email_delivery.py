"""Recipients and content limits of each kind of notification, and the delivery of one copy (consistency.md §4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from zoneinfo import ZoneInfo

from pydantic import model_validator

from partner_access.domain.accounts import Account, zone_of
from partner_access.domain.links.links import (
    MAX_VALID_SECRETS,
    Link,
    LinkDeliveryStatus,
    LinkState,
    current_access_generation,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import Locale, Notification, NotificationKind, first_known_locale
from partner_access.domain.permissions.rights import USERS_MANAGE
from partner_access.domain.records import Record
from partner_access.domain.users import User, works_for

RESULT_TIMEOUT: Final = timedelta(minutes=5)
"""The time in which a copy without a result may turn out to have been sent. It exceeds the email sender's run time."""
MAX_UNCLEAR_ATTEMPTS: Final = 8
"""The number of lost results after which no more attempts are made, because each of them may have sent a copy."""
FIRST_RETRY_DELAY: Final = timedelta(seconds=30)
MAX_RETRY_DELAY: Final = timedelta(minutes=10)


class DeliveryStatus(StrEnum):
    """The delivery status of one copy of a notification. All but the first two are final."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_STATUSES: Final = frozenset(DeliveryStatus) - {DeliveryStatus.PENDING, DeliveryStatus.SENDING}


class Delivery(Record):
    """One copy of a notification, or the fact that it had no recipients.

    `next_at` is the earliest time of the next attempt. `unclear_attempts` counts attempts with lost results.
    `resent_at` are the times at which the link was resent before this copy. A copy that is older than the link's newest
    secret no longer sets the delivery status of the link.
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
        """Return whether the copy can be claimed. It is not final, and no other sender works on it."""
        return self.delivery_status not in FINAL_STATUSES and self.next_at <= at

    @property
    def next_check_at(self) -> datetime | None:
        """The time of the next check of this copy, or None when its status is final."""
        return None if self.delivery_status in FINAL_STATUSES else self.next_at


class QueuedNotification(Record):
    """A notification in the outbox."""

    outbox_id: str
    queued_at: datetime
    next_at: datetime
    notification: Notification

    @model_validator(mode="after")
    def _must_name_subject(self) -> Self:
        if not self.notification.employee_id and self.notification.kind not in PARTNER_WIDE_KINDS:
            raise ValueError("the notification names no user")
        return self


PARTNER_WIDE_KINDS: Final = frozenset({NotificationKind.PROGRAM_STOPPED, NotificationKind.PROGRAM_RESUMED})
"""The kinds that concern all employees of a partner. The others concern one user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFacts:
    """The current records behind a notification. `members` are set only for an account without super admins."""

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
    former_set: str | None = None

    @property
    def access_generation(self) -> int:
        """The current access generation of the employee, which can void the link."""
        return current_access_generation(self.employee, self.partner)

    @property
    def carries_secret(self) -> bool:
        """True if each copy contains its own secret."""
        return self.notification.kind is NotificationKind.LINK_TO_APPROVE

    @property
    def named_account(self) -> Account | None:
        """The account, only in emails about the account's own acts.

        The creator of a link can bind it to any account id. They must not learn the name behind it.
        """
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
"""The kinds that other members of an account get if it has no super admin left."""


class LinkedPage(StrEnum):
    """The page behind the button of an email: a member, the users of an account, a partner's links, or one link."""

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
"""The pages of kinds that are not about one person's access in an account. All other kinds open the member's page."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """The recipient of a copy, with language, time zone and page. `page` is None when they cannot see the page."""

    address: str
    locale: Locale
    zone: ZoneInfo
    page: LinkedPage | None


@dataclass(frozen=True, slots=True)
class Reader:
    """A person to notify, and the account they read it for. Its time zone applies, and its language by default."""

    user: User | None
    account: Account | None
    can_see_page: bool = True


def recipients(facts: DeliveryFacts, at: datetime) -> tuple[Recipient, ...]:
    """Return the recipients, each address once. Leave out people who have left and suppressed addresses."""
    chosen = _link_recipients(facts, at) if facts.carries_secret else _notification_recipients(facts, at)
    return tuple(each for each in chosen if each.address not in facts.suppressed)


def _notification_recipients(facts: DeliveryFacts, at: datetime) -> tuple[Recipient, ...]:
    """Return the recipients of a notification. A person with two roles gets the copy of the later one."""
    page = LINKED_PAGE_BY_KIND.get(facts.notification.kind, LinkedPage.MEMBER)
    chosen = {
        address: Recipient(
            address,
            first_known_locale(reader.user.locale, getattr(reader.account, "locale", None)),
            zone_of(reader.account),
            page if reader.can_see_page else None,
        )
        for reader in _readers_by_kind(facts, at)
        if reader.user and (address := _email_of(reader.user))
    }
    return tuple(chosen.values())


def _email_of(user: User | None) -> str | None:
    """Return the user's email address, or None for a deactivated user."""
    return user.email if user and user.active else None


def _link_recipients(facts: DeliveryFacts, at: datetime) -> tuple[Recipient, ...]:
    """Return the recipient that the partner gave for the link, if it gave one and the link is not void.

    The language is the partner's choice, else that of the user with this address. The time zone is the partner's.
    """
    if not facts.link or not facts.link.recipient or facts.link.is_void_at(at, facts.access_generation):
        return ()
    locale = first_known_locale(facts.link.locale, getattr(facts.link_recipient, "locale", None))
    return (Recipient(facts.link.recipient, locale, zone_of(facts.partner), LinkedPage.REQUEST),)


def _readers_by_kind(facts: DeliveryFacts, at: datetime) -> list[Reader]:
    """Return the people to notify.

    The employee of the link stands in for a creator who has left the partner (domain.md rule 6).
    """
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
    """Return the creator of the link while they work for the partner. A former employee gets no news of its clients."""
    creator = facts.creator
    is_employed = works_for(creator, facts.notification.partner_id)
    return creator if creator and creator.active and is_employed else None


def _can_see_page(facts: DeliveryFacts) -> bool:
    """Return whether the employee can see the page that the email links to.

    They cannot see an account where their access has ended, or the links of a partner that they left.
    """
    if facts.notification.kind is NotificationKind.ACCESS_ENDED:
        return False
    leads_to_links = LINKED_PAGE_BY_KIND.get(facts.notification.kind) is LinkedPage.LINKS
    return not leads_to_links or works_for(facts.employee, facts.notification.partner_id)


def _stand_in_readers(facts: DeliveryFacts, at: datetime) -> list[Reader]:
    """Return the members who stand in for super admins. Only those who manage users can see other members."""
    return [
        Reader(actor.user, facts.account, USERS_MANAGE in actor.rights_at(at))
        for actor in facts.members
        if can_stand_in(actor, facts.notification, at)
    ]


def can_stand_in(actor: Actor, notification: Notification, at: datetime) -> bool:
    """Return whether a member can be notified instead of a super admin.

    They must be the client's own member, active and not suspended, with an address, and not the subject of the email.
    """
    now = actor.member_at(at)
    if not now or not now.active or now.partner_id or now.user_id == notification.employee_id:
        return False
    return not actor.suspended_by_at(at) and _email_of(actor.user) is not None


def is_superseded(queued: QueuedNotification, link: Link | None) -> bool:
    """Return whether the link has been resent since. The later email replaces this one (domain.md rule 7)."""
    carries_secret = queued.notification.kind is NotificationKind.LINK_TO_APPROVE
    return carries_secret and link is not None and any(each > queued.queued_at for each in link.resent_at)


class SendResult(StrEnum):
    """The result of sending one copy. SES has no idempotency token, so a lost result stays unclear."""

    SENT = "sent"
    REJECTED = "rejected"
    THROTTLED = "not_now"
    PAUSED = "paused"
    UNCLEAR = "unclear"


NOT_SENT: Final = frozenset({SendResult.REJECTED, SendResult.THROTTLED, SendResult.PAUSED})
"""The results that certainly sent nothing."""


def status_after(result: SendResult, attempts: int, at: datetime) -> tuple[DeliveryStatus, datetime]:
    """Return the delivery status of a copy after this attempt, and the time of the next attempt.

    A copy that certainly was not sent is tried again. A copy that may have been sent waits for its delivery report
    first.
    """
    if result is SendResult.SENT:
        return DeliveryStatus.SENT, at
    if result is SendResult.REJECTED:
        return DeliveryStatus.FAILED, at
    if result is SendResult.UNCLEAR:
        return DeliveryStatus.SENDING, at + RESULT_TIMEOUT
    return DeliveryStatus.PENDING, at + min(MAX_RETRY_DELAY, FIRST_RETRY_DELAY * 2 ** min(attempts - 1, 10))


def status_without_secret(link: Link | None, at: datetime) -> DeliveryStatus:
    """Return the delivery status of a copy that got no secret, because its link ended, was resent or has no free one."""
    is_used_up = link is not None and link.state_at(at) is LinkState.OPEN and len(link.secrets) >= MAX_VALID_SECRETS
    return DeliveryStatus.FAILED if is_used_up else DeliveryStatus.CANCELLED


LINK_DELIVERY_STATUS: Final = {
    DeliveryStatus.SENT: LinkDeliveryStatus.SENT,
    DeliveryStatus.BOUNCED: LinkDeliveryStatus.BOUNCED,
    DeliveryStatus.COMPLAINED: LinkDeliveryStatus.COMPLAINED,
    DeliveryStatus.FAILED: LinkDeliveryStatus.FAILED,
    DeliveryStatus.CANCELLED: LinkDeliveryStatus.FAILED,
}
"""The delivery status that a link shows for each status of its copy."""
