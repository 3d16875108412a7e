"""Access links sent again by their partner, or asked for anew by whoever holds an ended one."""

from dataclasses import dataclass

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    Forbidden,
    LinkNotFound,
    LinkStillOpen,
)
from partner_access.domain.links.links import (
    Link,
    LinkState,
    current_access_generation,
    notification_about,
)
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.notifications import NotificationKind
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalFacts:
    """What a secret names: its link, for whom that is; and who asks."""

    link: Link | None
    partner: Account | None
    employee: User | None
    requester: User | None

    @property
    def access_generation(self) -> int:
        """Today's."""
        return current_access_generation(self.employee, self.partner)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRenewalRequested(Decision):
    """`was_void` tells of a link that looks open and never will be again, for its employee's access was ended."""

    link: Link
    was_void: bool


def request_renewal(facts: RenewalFacts, secret: LinkSecret, act: Act) -> LinkRenewalRequested | None:
    """Tell the creator of an ended link that somebody would like a new one: once per link, never of an open one."""
    link, requester = facts.link, facts.requester
    if not link:
        raise LinkNotFound
    link.must_be_opened_by(secret)
    if link.state_at(act.at, facts.access_generation) is LinkState.OPEN:
        raise LinkStillOpen
    if not requester or not requester.active:
        raise Forbidden
    if link.renewal_requested:
        return None
    return LinkRenewalRequested(
        act=act,
        link=link,
        was_void=link.is_void_at(act.at, facts.access_generation),
        audit=audit("link.renewal_requested", act, link.partner_id, link_id=link.link_id),
        notification=notification_about(link, NotificationKind.LINK_RENEWAL_REQUESTED, act),
        relies_on=(requester,),
    )
