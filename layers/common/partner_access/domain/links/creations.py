"""Creation of access links. Only client access managers of the partner can create one."""

from dataclasses import dataclass
from typing import Final

from partner_access.domain.access_ends import NO_END, RequestedEnd
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import NotEligible, RecipientSuppressed, SelfApproval, TooManyLinks
from partner_access.domain.links.links import (
    Link,
    LinkDeliveryStatus,
    end_of_link,
    must_manage_client_access,
    notification_about,
)
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import Locale, NotificationKind
from partner_access.domain.permissions.rights import Overrides, SetName, latest_set_rights, latest_version
from partner_access.domain.records import Decision, audit
from partner_access.domain.time_zones import local_day
from partner_access.domain.users import User, access_generation_of, is_eligible

MAX_OPEN_LINKS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """The content of a request for a new link."""

    employee_id: str
    account_id: str | None = None
    recipient: str | None = None
    removed: tuple[str, ...] = ()
    end: RequestedEnd = NO_END
    link_days: int = 7
    max_approvals: int = 1
    purpose: str | None = None
    locale: Locale | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCreationFacts:
    partner: Account | None
    creator: Actor
    employee: User | None
    recipient_is_suppressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCreated(Decision):
    """A new link.

    The response returns `secret` once. The link stores only its digest.
    """

    link: Link
    employee: User
    secret: str


def create(facts: LinkCreationFacts, new_link: NewLink, act: Act) -> LinkCreated:
    """Create a link that asks for access for one employee (domain.md §1, way 1)."""
    partner, employee = must_be_requestable(facts, act)
    new_link.end.must_be_within_limits(local_day(act.at, partner.zone))
    overrides = Overrides(removed=new_link.removed).effective_on(latest_set_rights(SetName.PARTNER_ADMIN))
    if new_link.recipient and new_link.recipient == employee.email:
        raise SelfApproval
    if facts.recipient_is_suppressed:
        raise RecipientSuppressed
    if employee.open_links >= MAX_OPEN_LINKS:
        raise TooManyLinks

    secret = LinkSecret.write(partner.account_id, act.new_id("lnk"), act.random)
    link = Link(
        version=1,
        link_id=act.new_id("lnk"),
        partner_id=partner.account_id,
        employee_id=employee.user_id,
        created_by=act.actor_id,
        created_at=act.at,
        expires_at=end_of_link(new_link.link_days, new_link.end, act.at),
        link_days=new_link.link_days,
        secrets=frozenset({LinkSecret.read(secret).fingerprint}),
        max_approvals=new_link.max_approvals,
        account_id=new_link.account_id,
        recipient=new_link.recipient,
        removed=overrides.removed,
        set_version=latest_version(SetName.PARTNER_ADMIN),
        access_days=new_link.end.access_days,
        access_ends_on=new_link.end.access_ends_on,
        purpose=new_link.purpose,
        locale=new_link.locale,
        delivery_status=LinkDeliveryStatus.QUEUED if new_link.recipient else LinkDeliveryStatus.NONE,
        access_generation=access_generation_of(employee, partner),
    )
    return LinkCreated(
        act=act,
        link=link,
        employee=employee,
        secret=secret,
        audit=audit("link.created", act, link.partner_id, link_id=link.link_id, employee_id=employee.user_id),
        notification=notification_about(link, NotificationKind.LINK_TO_APPROVE, act) if new_link.recipient else None,
        relies_on=(partner, employee, *facts.creator.relied_on),
    )


def must_be_requestable(facts: LinkCreationFacts, act: Act) -> tuple[Account, User]:
    """Return the partner and the employee. Raise unless the caller can ask for access for this employee."""
    partner, employee = facts.creator.must_be_employee(facts.partner, act.at), facts.employee
    must_manage_client_access(facts.creator, act)
    if not employee or not is_eligible(employee, partner):
        raise NotEligible
    return partner, employee
