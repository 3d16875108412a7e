"""Access links, which ask a client account to make one named partner employee a partner admin."""

import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from partner_access.domain.access_ends import RequestedEnd
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    Forbidden,
    LinkAlreadyUsed,
    LinkDeclined,
    LinkExpired,
    LinkNotFound,
    LinkRevoked,
    NotEligible,
    NotFound,
)
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import RequestedAccess
from partner_access.domain.notifications import Notification, NotificationKind, StoredLocale
from partner_access.domain.permissions.rights import (
    CLIENT_ACCESS_MANAGE,
)
from partner_access.domain.records import Decision, Record, audit
from partner_access.domain.time_zones import end_of
from partner_access.domain.users import User, access_generation_of

MAX_VALID_SECRETS: Final = 3
ANYWHERE_ON_EARTH: Final = "Etc/GMT+12"
"""The time zone in which each day ends last."""


def end_of_link(link_days: int, requested: RequestedEnd, at: datetime) -> datetime:
    """Return the exclusive end of a link whose days start now.

    A link that requests access until a date ends when that date is over everywhere on Earth.
    """
    end, last_day = at + timedelta(days=link_days), requested.access_ends_on
    return min(end, end_of(last_day, ZoneInfo(ANYWHERE_ON_EARTH))) if last_day else end


class StoredLinkState(StrEnum):
    """The stored part of a link's state. Expiry and use are computed (`LinkState`)."""

    OPEN = "open"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class LinkState(StrEnum):
    """The state of an access link. Every state but `open` is final."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class LinkDeliveryStatus(StrEnum):
    """The delivery status of the email with the link."""

    NONE = "none"
    QUEUED = "queued"
    SENT = "sent"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"


class Link(Record):
    """A request to a client account to make one partner employee a partner admin.

    `expires_at` is exclusive. `secrets` are SHA-256 digests. `set_version` is the version of the partner admin set at
    creation.

    `access_generation` is the access generation of the employee for the partner at creation. When it rises, the link is
    void.
    """

    link_id: str
    partner_id: str
    employee_id: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    link_days: int
    stored_state: StoredLinkState = StoredLinkState.OPEN
    secrets: frozenset[str] = frozenset()
    max_approvals: int = 1
    approvals: int = 0
    account_id: str | None = None
    recipient: str | None = None
    removed: tuple[str, ...] = ()
    set_version: int = 1
    access_days: int | None = None
    access_ends_on: date | None = None
    purpose: str | None = None
    locale: StoredLocale | None = None
    delivery_status: LinkDeliveryStatus = LinkDeliveryStatus.NONE
    resent_at: tuple[datetime, ...] = ()
    renewal_requested: bool = False
    access_generation: int = 0

    @property
    def is_for_one_account(self) -> bool:
        return self.max_approvals == 1

    @property
    def requested_access(self) -> RequestedAccess:
        return RequestedAccess(removed=self.removed, access_days=self.access_days, access_ends_on=self.access_ends_on)

    def state_at(self, at: datetime, access_generation: int = 0) -> LinkState:
        """Return the state at this instant.

        Pass the current access generation where the employee and the partner are known.
        """
        if self.approvals >= self.max_approvals:
            return LinkState.APPROVED
        if self.stored_state is StoredLinkState.OPEN and self.expires_at <= at:
            return LinkState.EXPIRED
        if self.stored_state is StoredLinkState.OPEN and self.access_generation < access_generation:
            return LinkState.REVOKED
        return LinkState(self.stored_state)

    def is_void_at(self, at: datetime, access_generation: int) -> bool:
        """Return whether the link is stored as open, but all access of the employee was ended after its creation."""
        return self.state_at(at) is LinkState.OPEN and self.state_at(at, access_generation) is not LinkState.OPEN

    def must_be_open(self, at: datetime, access_generation: int) -> None:
        error = ERROR_BY_STATE.get(self.state_at(at, access_generation))
        if error:
            raise error

    def is_opened_by(self, secret: LinkSecret) -> bool:
        """Return whether the secret opens the link. Compare all digests, each in constant time."""
        return bool(sum(hmac.compare_digest(stored_digest, secret.fingerprint) for stored_digest in self.secrets))

    def must_be_opened_by(self, secret: LinkSecret) -> None:
        """Raise `LinkNotFound` for a wrong secret, as for a link that does not exist (domain.md rule 3)."""
        if not self.is_opened_by(secret):
            raise LinkNotFound


def current_access_generation(employee: User | None, partner: Account | None) -> int:
    """Return the current access generation of the employee for the partner, or 0 when one of them is unknown."""
    return access_generation_of(employee, partner) if employee and partner else 0


ERROR_BY_STATE: Final = {
    LinkState.APPROVED: LinkAlreadyUsed,
    LinkState.DECLINED: LinkDeclined,
    LinkState.REVOKED: LinkRevoked,
    LinkState.EXPIRED: LinkExpired,
}


class LinkReply(Record):
    """The answer of one account to a link that several accounts can approve. Each account answers at most once."""

    link_id: str
    account_id: str
    state: LinkState


# Authority and notifications


def must_manage_client_access(actor: Actor, act: Act) -> None:
    """Raise unless the actor is a super admin or client access manager of the partner (domain.md §4)."""
    if CLIENT_ACCESS_MANAGE not in actor.rights_at(act.at):
        raise Forbidden


def notification_about(
    link: Link, kind: NotificationKind, act: Act, *, account_id: str | None = None, reason: str | None = None
) -> Notification:
    """Return a notification about this link. The email sender finds the recipients by `kind`."""
    return Notification(
        kind=kind,
        employee_id=link.employee_id,
        actor_id=act.actor_id,
        partner_id=link.partner_id,
        account_id=account_id or link.account_id,
        link_id=link.link_id,
        link_created_by=link.created_by,
        set_version=link.set_version,
        removed=link.removed,
        reason=reason,
    )


# Changes by the partner, by expiry, and by loss of eligibility


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """A link, if it exists, and the actor who wants to change it.

    The employee's access generation can void the link. To resend the link, the employee and the recipient matter too.
    """

    partner: Account | None
    actor: Actor
    link: Link | None = None
    employee: User | None = None
    recipient_is_suppressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEnded(Decision):
    link: Link
    stored_state: StoredLinkState


def revoke(facts: LinkFacts, act: Act) -> LinkEnded | None:
    """Revoke an open link. Return None when it has ended already, and raise `LinkAlreadyUsed` when it is used up."""
    link = facts.link if act.for_vendor and facts.link else must_be_managed(facts, act)
    state = link.state_at(act.at)
    if state is LinkState.APPROVED:
        raise LinkAlreadyUsed
    if state is not LinkState.OPEN:
        return None
    return LinkEnded(
        act=act,
        link=link,
        stored_state=StoredLinkState.REVOKED,
        audit=audit("link.revoked", act, link.partner_id, link_id=link.link_id, employee_id=link.employee_id),
        relies_on=facts.actor.relied_on,
        narrows=True,
    )


def must_be_own_or_managed(facts: LinkFacts, act: Act) -> Link:
    """Return the link for client access managers, its creator and its employee. Raise `NotFound` for all others."""
    facts.actor.must_be_employee(facts.partner, act.at)
    link = facts.link
    if not link:
        raise NotFound
    if act.actor_id not in (link.employee_id, link.created_by) and CLIENT_ACCESS_MANAGE not in facts.actor.rights_at(
        act.at
    ):
        raise NotFound
    return link


def must_be_managed(facts: LinkFacts, act: Act) -> Link:
    """Return the link for a client access manager. The creator and the employee can see the link, but not change it."""
    link = must_be_own_or_managed(facts, act)
    must_manage_client_access(facts.actor, act)
    return link


def revoke_ineligible(link: Link | None, act: Act, *relied_on: Record) -> LinkEnded:
    """Revoke the link of an employee who is no longer eligible (domain.md rule 6).

    The caller's request fails, so the act has no idempotency key and no replay.
    """
    if not link:
        raise LinkNotFound
    return LinkEnded(
        act=act.without_key(),
        link=link,
        stored_state=StoredLinkState.REVOKED,
        audit=audit("link.revoked", act, link.partner_id, link_id=link.link_id, reason=NotEligible.code),
        relies_on=relied_on,
    )


def expire(link: Link, act: Act) -> LinkEnded | None:
    """Expire a due link in the link-expiry job. Return None when the link is not due or has ended otherwise."""
    if link.state_at(act.at) is not LinkState.EXPIRED or link.stored_state is not StoredLinkState.OPEN:
        return None
    return LinkEnded(
        act=act,
        link=link,
        stored_state=StoredLinkState.EXPIRED,
        audit=audit("link.expired", act, link.partner_id, link_id=link.link_id, employee_id=link.employee_id),
        notification=notification_about(link, NotificationKind.LINK_EXPIRED, act),
    )
