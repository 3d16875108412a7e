"""Access links: asking a client account to make one named partner employee a partner admin."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.decisions import Act, Decision, Kept, Letter, LetterKind, Locale, audit
from partner_access.domain.link_secrets import Secret
from partner_access.domain.members import Asked
from partner_access.domain.people import Actor, User, eligible
from partner_access.domain.permissions import CLIENT_ACCESS_MANAGE, Overrides, SetName, latest
from partner_access.domain.refusals import (
    Forbidden,
    LinkAlreadyUsed,
    LinkDeclined,
    LinkExpired,
    LinkNotFound,
    LinkRevoked,
    LinkStillOpen,
    NotEligible,
    NotFound,
    RateLimited,
    RecipientSuppressed,
    SelfApproval,
    TooManyLinks,
)

OPEN_LINKS: Final = 50
SECRETS_AT_ONCE: Final = 3
RESENDS_A_DAY: Final = 5
BETWEEN_RESENDS: Final = timedelta(seconds=60)


class Standing(StrEnum):
    """What is kept of a link's state; expiry and use are computed (`State`)."""

    OPEN = "open"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class State(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class LetterState(StrEnum):
    """What became of the letter with the link."""

    NONE = "none"
    QUEUED = "queued"
    SENT = "sent"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"


class Link(Kept):
    """`expires_at` is exclusive; `secrets` are SHA-256 digests; `set_version` is the partner admin set's when asked."""

    link_id: str
    partner_id: str
    employee_id: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    link_days: int
    standing: Standing = Standing.OPEN
    secrets: frozenset[str] = frozenset()
    max_approvals: int = 1
    approvals: int = 0
    account_id: str | None = None
    recipient: str | None = None
    removed: tuple[str, ...] = ()
    set_version: int = 1
    access_days: int | None = None
    purpose: str | None = None
    locale: Locale | None = None
    letter: LetterState = LetterState.NONE
    resent: tuple[datetime, ...] = ()
    asked_anew: bool = False

    @property
    def is_for_one(self) -> bool:
        return self.max_approvals == 1

    @property
    def asked(self) -> Asked:
        return Asked(removed=self.removed, access_days=self.access_days)

    def state_at(self, at: datetime) -> State:
        if self.approvals >= self.max_approvals:
            return State.APPROVED
        if self.standing is Standing.OPEN and self.expires_at <= at:
            return State.EXPIRED
        return State(self.standing)

    def must_be_open(self, at: datetime) -> None:
        ended = ENDED.get(self.state_at(at))
        if ended:
            raise ended

    def is_opened_by(self, secret: Secret) -> bool:
        """Every digest is compared, in constant time each."""
        return bool(sum(hmac.compare_digest(kept, secret.fingerprint) for kept in self.secrets))

    def must_be_opened_by(self, secret: Secret) -> None:
        """A wrong secret is as good as no link (domain.md rule 3)."""
        if not self.is_opened_by(secret):
            raise LinkNotFound


ENDED: Final = {
    State.APPROVED: LinkAlreadyUsed,
    State.DECLINED: LinkDeclined,
    State.REVOKED: LinkRevoked,
    State.EXPIRED: LinkExpired,
}


class Reply(Kept):
    """How one account answered a link that many may approve: at most one reply each."""

    link_id: str
    account_id: str
    state: State


# creation


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the partner asks for."""

    employee_id: str
    account_id: str | None = None
    recipient: str | None = None
    removed: tuple[str, ...] = ()
    access_days: int | None = None
    link_days: int = 7
    max_approvals: int = 1
    purpose: str | None = None
    locale: Locale | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationFacts:
    partner: Account | None
    creator: Actor
    employee: User | None
    recipient_is_suppressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCreated(Decision):
    """`secret` is told to the caller, once; the link keeps its digest."""

    link: Link
    employee: User
    secret: str


def create(facts: CreationFacts, wish: Wish, act: Act) -> LinkCreated:
    """Ask for access in the name of one employee (domain.md §1, way 1)."""
    creator, employee = facts.creator, facts.employee
    partner = creator.must_be_staff(facts.partner, act.at)
    must_hold_client_access(creator, act)
    if not employee or not eligible(employee, partner):
        raise NotEligible
    overrides = Overrides(removed=wish.removed).on(SetName.PARTNER_ADMIN, latest(SetName.PARTNER_ADMIN))
    if wish.recipient and wish.recipient == employee.email:
        raise SelfApproval
    if facts.recipient_is_suppressed:
        raise RecipientSuppressed
    if employee.open_links >= OPEN_LINKS:
        raise TooManyLinks

    secret = Secret.write(partner.account_id, act.named("lnk"), act.chance)
    link = Link(
        version=1,
        link_id=act.named("lnk"),
        partner_id=partner.account_id,
        employee_id=employee.user_id,
        created_by=act.by,
        created_at=act.at,
        expires_at=act.at + timedelta(days=wish.link_days),
        link_days=wish.link_days,
        secrets=frozenset({Secret.read(secret).fingerprint}),
        max_approvals=wish.max_approvals,
        account_id=wish.account_id,
        recipient=wish.recipient,
        removed=overrides.removed,
        set_version=latest(SetName.PARTNER_ADMIN),
        access_days=wish.access_days,
        purpose=wish.purpose,
        locale=wish.locale,
        letter=LetterState.QUEUED if wish.recipient else LetterState.NONE,
    )
    return LinkCreated(
        act=act,
        link=link,
        employee=employee,
        secret=secret,
        audit=audit("link.created", act, link.partner_id, link_id=link.link_id, employee_id=employee.user_id),
        letter=about(link, LetterKind.LINK_TO_APPROVE, act) if wish.recipient else None,
        relies_on=(partner, employee, *creator.relied_on),
    )


def must_hold_client_access(actor: Actor, act: Act) -> None:
    """Making and ending links is for super admins and client access managers of the partner (domain.md §4)."""
    if CLIENT_ACCESS_MANAGE not in actor.rights_at(act.at):
        raise Forbidden


def about(
    link: Link, kind: LetterKind, act: Act, *, account_id: str | None = None, reason: str | None = None
) -> Letter:
    """A letter on this link; the mailer knows whom each kind goes to."""
    return Letter(
        kind=kind,
        employee_id=link.employee_id,
        actor_id=act.by,
        partner_id=link.partner_id,
        account_id=account_id or link.account_id,
        link_id=link.link_id,
        created_by=link.created_by,
        set_version=link.set_version,
        removed=link.removed,
        reason=reason,
    )


# what the partner, time, or the loss of eligibility does to a link


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """A link, if there is one, and who would do something about it; the last two matter for sending it again."""

    partner: Account | None
    actor: Actor
    link: Link | None = None
    employee: User | None = None
    recipient_is_suppressed: bool = False


def listed_for(facts: LinkFacts, employee_id: str | None, act: Act) -> str | None:
    """Whose links the caller is shown when he asks for this employee's, or everybody's; None for everybody's."""
    facts.actor.must_be_staff(facts.partner, act.at)
    if CLIENT_ACCESS_MANAGE in facts.actor.rights_at(act.at):
        return employee_id
    if employee_id not in (None, act.by):
        raise Forbidden
    return act.by


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEnded(Decision):
    link: Link
    standing: Standing


def revoke(facts: LinkFacts, act: Act) -> LinkEnded | None:
    """Withdraw an open link; an ended one stays as it is, and one used up is no longer the partner's to end."""
    link = facts.link if act.for_vendor and facts.link else must_be_managed(facts, act)
    state = link.state_at(act.at)
    if state is State.APPROVED:
        raise LinkAlreadyUsed
    if state is not State.OPEN:
        return None
    return LinkEnded(
        act=act,
        link=link,
        standing=Standing.REVOKED,
        audit=audit("link.revoked", act, link.partner_id, link_id=link.link_id, employee_id=link.employee_id),
        relies_on=facts.actor.relied_on,
    )


def must_be_own_or_managed(facts: LinkFacts, act: Act) -> Link:
    """A client access manager sees it, and whom it was made by or for; to others of the firm it is not there."""
    facts.actor.must_be_staff(facts.partner, act.at)
    link = facts.link
    if not link:
        raise NotFound
    if act.by not in (link.employee_id, link.created_by) and CLIENT_ACCESS_MANAGE not in facts.actor.rights_at(act.at):
        raise NotFound
    return link


def must_be_managed(facts: LinkFacts, act: Act) -> Link:
    """Client access managers do something about a link; whoever merely sees his own does not."""
    link = must_be_own_or_managed(facts, act)
    must_hold_client_access(facts.actor, act)
    return link


def withdraw(link: Link | None, act: Act, *relied_on: Kept) -> LinkEnded:
    """End the link of an employee who lost eligibility since (domain.md rule 6); no key shall replay that."""
    if not link:
        raise LinkNotFound
    return LinkEnded(
        act=act.unkept(),
        link=link,
        standing=Standing.REVOKED,
        audit=audit("link.revoked", act, link.partner_id, link_id=link.link_id, reason=NotEligible.code),
        relies_on=relied_on,
    )


def expire(link: Link, act: Act) -> LinkEnded | None:
    """What the sweep makes of a link that is due: expired, or nothing if it ended otherwise."""
    if link.state_at(act.at) is not State.EXPIRED or link.standing is not Standing.OPEN:
        return None
    return LinkEnded(
        act=act,
        link=link,
        standing=Standing.EXPIRED,
        audit=audit("link.expired", act, link.partner_id, link_id=link.link_id, employee_id=link.employee_id),
        letter=about(link, LetterKind.LINK_EXPIRED, act),
    )


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
    link.must_be_open(act.at)
    if not employee or not partner or not eligible(employee, partner):
        raise NotEligible
    if facts.recipient_is_suppressed:
        raise RecipientSuppressed
    today = tuple(each for each in link.resent if act.at - each < timedelta(days=1))
    if len(today) >= RESENDS_A_DAY or any(act.at - each < BETWEEN_RESENDS for each in today):
        raise RateLimited

    secret = Secret.write(link.partner_id, link.link_id, act.chance)
    renewed = link.changed(
        secrets=frozenset({Secret.read(secret).fingerprint}),
        expires_at=act.at + timedelta(days=link.link_days),
        letter=LetterState.QUEUED if link.recipient else LetterState.NONE,
        resent=(*today, act.at),
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
class LinkAskedAnew(Decision):
    link: Link


def ask_anew(link: Link | None, secret: Secret, asker: User | None, act: Act) -> LinkAskedAnew | None:
    """Tell the creator of an ended link that somebody would like a new one: once per link, never of an open one."""
    if not link:
        raise LinkNotFound
    link.must_be_opened_by(secret)
    if link.state_at(act.at) is State.OPEN:
        raise LinkStillOpen
    if not asker or not asker.active:
        raise Forbidden
    if link.asked_anew:
        return None
    return LinkAskedAnew(
        act=act,
        link=link,
        audit=audit("link.asked_anew", act, link.partner_id, link_id=link.link_id),
        letter=about(link, LetterKind.LINK_ASKED_ANEW, act),
        relies_on=(asker,),
    )
