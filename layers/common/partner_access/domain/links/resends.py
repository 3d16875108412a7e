"""Access links that their partner sends again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from partner_access.domain.act import Act
from partner_access.domain.errors import (
    NotEligible,
    RateLimited,
    RecipientSuppressed,
)
from partner_access.domain.links.links import (
    Link,
    LinkDeliveryStatus,
    LinkFacts,
    current_access_generation,
    end_of_link,
    must_be_managed,
    notification_about,
)
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.notifications import NotificationKind
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User, is_eligible

MAX_RESENDS_PER_DAY: Final = 5


MIN_RESEND_INTERVAL: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkResent(Decision):
    """A resent link. Only `secret` opens it from now on."""

    before: Link
    link: Link
    employee: User
    secret: str


def resend(facts: LinkFacts, act: Act) -> LinkResent:
    """Replace all secrets of a link with a new one, and restart its days (domain.md rule 7)."""
    link, employee, partner = must_be_managed(facts, act), facts.employee, facts.partner
    link.must_be_open(act.at, current_access_generation(employee, partner))
    if not employee or not partner or not is_eligible(employee, partner):
        raise NotEligible
    if facts.recipient_is_suppressed:
        raise RecipientSuppressed
    today = tuple(each for each in link.resent_at if act.at - each < timedelta(days=1))
    if len(today) >= MAX_RESENDS_PER_DAY or any(act.at - each < MIN_RESEND_INTERVAL for each in today):
        raise RateLimited

    secret = LinkSecret.write(link.partner_id, link.link_id, act.random)
    renewed = link.next_version(
        secrets=frozenset({LinkSecret.read(secret).fingerprint}),
        expires_at=end_of_link(link.link_days, link.requested_access, act.at),
        delivery_status=LinkDeliveryStatus.QUEUED if link.recipient else LinkDeliveryStatus.NONE,
        resent_at=(*today, act.at),
    )
    return LinkResent(
        act=act,
        before=link,
        link=renewed,
        employee=employee,
        secret=secret,
        audit=audit("link.resent", act, link.partner_id, link_id=link.link_id),
        notification=notification_about(link, NotificationKind.LINK_TO_APPROVE, act) if link.recipient else None,
        relies_on=(*facts.actor.relied_on, employee, partner),
    )
