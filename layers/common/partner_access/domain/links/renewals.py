"""Access links sent again by their partner, or asked for anew by whoever holds an ended one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.errors import (
    Forbidden,
    LinkNotFound,
    LinkStillOpen,
    NotEligible,
    RateLimited,
    RecipientSuppressed,
)
from partner_access.domain.links.links import (
    Link,
    LinkDeliveryStatus,
    LinkFacts,
    LinkState,
    about,
    must_be_managed,
    tenure_now,
)
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.actors import User, eligible
from partner_access.domain.records import Act, Decision, LetterKind, audit

RESENDS_A_DAY: Final = 5
BETWEEN_RESENDS: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkResent(Decision):
    """`secret` opens the link from now on, no earlier one does."""

    before: Link
    link: Link
    employee: User
    secret: str


def resend(facts: LinkFacts, act: Act) -> LinkResent:
    """A new secret in place of all earlier ones, the link's days counted anew (domain.md rule 7)."""
    link, employee, partner = must_be_managed(facts, act), facts.employee, facts.partner
    link.must_be_open(act.at, tenure_now(employee, partner))
    if not employee or not partner or not eligible(employee, partner):
        raise NotEligible
    if facts.recipient_is_suppressed:
        raise RecipientSuppressed
    today = tuple(each for each in link.resent_at if act.at - each < timedelta(days=1))
    if len(today) >= RESENDS_A_DAY or any(act.at - each < BETWEEN_RESENDS for each in today):
        raise RateLimited

    secret = Secret.write(link.partner_id, link.link_id, act.chance)
    renewed = link.changed(
        secrets=frozenset({Secret.read(secret).fingerprint}),
        expires_at=act.at + timedelta(days=link.link_days),
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
        letter=about(link, LetterKind.LINK_TO_APPROVE, act) if link.recipient else None,
        relies_on=(*facts.actor.relied_on, employee, partner),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalFacts:
    """What a secret names: its link, for whom that is; and who asks."""

    link: Link | None
    partner: Account | None
    employee: User | None
    asker: User | None

    @property
    def tenure(self) -> int:
        """Today's."""
        return tenure_now(self.employee, self.partner)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAskedAnew(Decision):
    """`was_void` tells of a link that looks open and never will be again, for its employee's access was ended."""

    link: Link
    was_void: bool


def ask_anew(facts: RenewalFacts, secret: Secret, act: Act) -> LinkAskedAnew | None:
    """Tell the creator of an ended link that somebody would like a new one: once per link, never of an open one."""
    link, asker = facts.link, facts.asker
    if not link:
        raise LinkNotFound
    link.must_be_opened_by(secret)
    if link.state_at(act.at, facts.tenure) is LinkState.OPEN:
        raise LinkStillOpen
    if not asker or not asker.active:
        raise Forbidden
    if link.renewal_requested:
        return None
    return LinkAskedAnew(
        act=act,
        link=link,
        was_void=link.is_void_at(act.at, facts.tenure),
        audit=audit("link.renewal_requested", act, link.partner_id, link_id=link.link_id),
        letter=about(link, LetterKind.LINK_RENEWAL_REQUESTED, act),
        relies_on=(asker,),
    )
