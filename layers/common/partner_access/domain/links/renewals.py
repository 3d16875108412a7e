"""Requests by the recipients of access links to renew ended ones."""

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
    """The link that a secret names, its partner and employee, and the user who requests the renewal."""

    link: Link | None
    partner: Account | None
    employee: User | None
    requester: User | None

    @property
    def access_generation(self) -> int:
        """The current access generation."""
        return current_access_generation(self.employee, self.partner)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRenewalRequested(Decision):
    """A requested renewal.

    `was_void` is true for a link that is stored as open, but is void because the employee's access was ended.
    """

    link: Link
    was_void: bool


def request_renewal(facts: RenewalFacts, secret: LinkSecret, act: Act) -> LinkRenewalRequested | None:
    """Notify the creator of an ended link that a user requests a new one.

    This happens once per link. Raise `LinkStillOpen` for an open link.
    """
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
