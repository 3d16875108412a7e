"""Answers of an account to an access link: preview, approval and decline."""

from dataclasses import dataclass

from partner_access.domain.access_ends import expires_at
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    AccountMismatch,
    DomainError,
    LinkNotFound,
    NotAClientAccount,
    NotFound,
)
from partner_access.domain.links import links
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.grants import (
    GrantCandidate,
    GrantTerms,
    grant_partner_admin,
    paid_seat_required,
    reduced_access,
)
from partner_access.domain.memberships.members import Grant, GrantSource, Member, RequestedAccess
from partner_access.domain.notifications import NotificationKind
from partner_access.domain.permissions.rights import Overrides
from partner_access.domain.records import Decision, Record, audit
from partner_access.domain.time_zones import local_day
from partner_access.domain.users import User, must_not_be_deactivated


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFacts:
    """The facts for an account's answer to a link.

    `super_admins` are read only when the approver works for the requesting partner. `target` is the employee that the
    link names, with their membership in the account so far.
    """

    secret: LinkSecret
    link: links.Link | None
    account: Account | None
    approver: Actor
    partner: Account | None
    target: Actor
    reply: links.LinkReply | None = None
    super_admins: tuple[Actor, ...] = ()

    @property
    def subject(self) -> tuple[Record, ...]:
        """The partner and the employee of the link, as far as they exist."""
        return tuple(record for record in (self.partner, self.target.user) if record)

    @property
    def relied_on(self) -> tuple[Record, ...]:
        others = (self.account, self.partner, self.target.user, self.target.member)
        return (*self.approver.relied_on, *(record for record in others if record))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkApproved(Decision):
    secret: LinkSecret
    link: links.Link
    account: Account
    employee: User
    before: Member | None
    member: Member
    grant: Grant


def approve(facts: ReplyFacts, terms_offered: RequestedAccess, act: Act) -> LinkApproved:
    """Make the named employee a partner admin of this one account. They take one of its partner seats."""
    link, account = _require_open(facts, act)
    requested, today = link.requested_access, local_day(act.at, account.zone)
    granted_access = reduced_access(requested, terms_offered, today)
    is_shortened = granted_access.last_day(today) != requested.last_day(today)
    terms = GrantTerms(
        source=GrantSource.ACCESS_LINK,
        set_version=link.set_version,
        overrides=Overrides(removed=granted_access.removed),
        expires_at=expires_at(granted_access, act.at, account.zone),
        requested=requested,
        link_id=link.link_id,
    )
    candidate = GrantCandidate(employee=facts.target.user, partner=facts.partner, target=facts.target)
    employee, member, grant = grant_partner_admin(candidate, account, terms, act)
    return LinkApproved(
        act=act,
        secret=facts.secret,
        link=link,
        account=account,
        employee=employee,
        before=facts.target.member,
        member=member,
        grant=grant,
        audit=audit(
            "link.approved",
            act,
            account.account_id,
            link.partner_id,
            link_id=link.link_id,
            grant_id=grant.grant_id,
            employee_id=link.employee_id,
            requested=requested.model_dump(mode="json", exclude_none=True),
            given=granted_access.model_dump(mode="json", exclude_none=True),
        ),
        notification=links.notification_about(
            link, NotificationKind.ACCESS_GRANTED, act, account_id=account.account_id
        ).model_copy(
            update={
                "removed": member.removed,
                "requested_but_removed": tuple(name for name in member.removed if name not in link.removed),
                "requested_end": requested.end if is_shortened else None,
                "granted_end": granted_access.end if is_shortened else None,
                "expires_at": grant.expires_at,
                "paid_seat_required": paid_seat_required(account, member),
            }
        ),
        relies_on=facts.relied_on,
    )


def _require_open(facts: ReplyFacts, act: Act) -> tuple[links.Link, Account]:
    """Return the link and the account if the link can be answered.

    Errors come in this order: secret, state of the link, account, authority, earlier answer (http-api.md).
    """
    link, account = facts.link, facts.account
    if not link:
        raise LinkNotFound
    link.must_be_opened_by(facts.secret)
    link.must_be_open(act.at, links.current_access_generation(facts.target.user, facts.partner))
    if not account:
        raise NotFound
    facts.approver.must_be_member(act.at)
    if account.is_partner:
        raise NotAClientAccount("account_id")
    if link.account_id not in (None, account.account_id):
        raise AccountMismatch("account_id")
    facts.approver.must_be_approver(
        subject=facts.target.user,
        partner_id=link.partner_id,
        super_admins=facts.super_admins,
        at=act.at,
        link_created_at=link.created_at,
    )
    if facts.reply:
        raise links.ERROR_BY_STATE[facts.reply.state]
    return link, account


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDeclineDecision(Decision):
    secret: LinkSecret
    link: links.Link
    account: Account
    reply: links.LinkReply | None


def decline(facts: ReplyFacts, reason: str | None, act: Act) -> LinkDeclineDecision:
    """Decline the link for this account. Other accounts can still approve a link for several (domain.md rule 7)."""
    link, account = _require_open(facts, act)
    account.must_be_active()
    return LinkDeclineDecision(
        act=act,
        secret=facts.secret,
        link=link,
        account=account,
        reply=None if link.is_for_one_account else _reply(link, account, links.LinkState.DECLINED),
        audit=audit("link.declined", act, account.account_id, link.partner_id, link_id=link.link_id),
        notification=links.notification_about(
            link, NotificationKind.LINK_DECLINED, act, account_id=account.account_id, reason=reason
        ),
        relies_on=facts.approver.relied_on,
        narrows=True,
    )


def _reply(link: links.Link, account: Account, state: links.LinkState) -> links.LinkReply:
    return links.LinkReply(version=1, link_id=link.link_id, account_id=account.account_id, state=state)


def reply_of_approval(approved: LinkApproved) -> links.LinkReply | None:
    """Return the account's reply to a link for several accounts, or None for a link with a single approval."""
    return (
        None if approved.link.is_for_one_account else _reply(approved.link, approved.account, links.LinkState.APPROVED)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPreviewFacts:
    """The link, the user who opens it, and the facts for an answer by each of the user's accounts."""

    secret: LinkSecret
    link: links.Link | None
    partner: Account | None
    employee: User | None
    viewer: User | None
    replies: tuple[ReplyFacts, ...]


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """An account of the caller, and the code of the error that an approval would raise, or None."""

    account: Account
    error_code: str | None


@dataclass(frozen=True, slots=True)
class LinkPreview:
    """A link with the requesting partner and employee, and the caller's accounts to choose from."""

    link: links.Link
    partner: Account
    employee: User
    choices: tuple[AccountChoice, ...]


def preview(facts: LinkPreviewFacts, act: Act) -> LinkPreview:
    """Return the accounts for which the caller can approve now, by the same rules as an approval."""
    if not facts.link or not facts.partner or not facts.employee:
        raise LinkNotFound
    facts.link.must_be_opened_by(facts.secret)
    facts.link.must_be_open(act.at, links.current_access_generation(facts.employee, facts.partner))
    must_not_be_deactivated(facts.viewer)
    choices = tuple(
        AccountChoice(reply.account, _error_code_of(reply, act))
        for reply in facts.replies
        if reply.account and not reply.account.is_partner and reply.approver.is_member_at(act.at)
    )
    return LinkPreview(facts.link, facts.partner, facts.employee, choices)


def _error_code_of(facts: ReplyFacts, act: Act) -> str | None:
    try:
        approve(facts, RequestedAccess(), act)
    except DomainError as error:
        return error.code
    return None
