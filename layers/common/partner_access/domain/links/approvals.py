"""How an account answers an access link: what it is shown, and its yes or no."""

from dataclasses import dataclass

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    AccountMismatch,
    LinkNotFound,
    NotAClientAccount,
    NotFound,
    Refused,
)
from partner_access.domain.links import links
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.grants import Candidate, Terms, admit, counter_offer, paid_seat_required
from partner_access.domain.memberships.members import Grant, GrantSource, Member, RequestedAccess
from partner_access.domain.notifications import LetterKind
from partner_access.domain.permissions.rights import Overrides
from partner_access.domain.records import Decision, Kept, audit
from partner_access.domain.users import User, must_not_be_barred


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFacts:
    """What an account's answer to a link rests on; `super_admins` are known when the approver is of the asking firm.

    `target` is the employee whom the link names, and what he is in the account so far.
    """

    secret: Secret
    link: links.Link | None
    account: Account | None
    approver: Actor
    partner: Account | None
    target: Actor
    reply: links.Reply | None = None
    super_admins: tuple[Actor, ...] = ()

    @property
    def subject(self) -> tuple[Kept, ...]:
        """Who would become partner admin, and for whom, as far as they are there."""
        return tuple(record for record in (self.partner, self.target.user) if record)

    @property
    def relied_on(self) -> tuple[Kept, ...]:
        others = (self.account, self.partner, self.target.user, self.target.member)
        return (*self.approver.relied_on, *(record for record in others if record))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkApproved(Decision):
    secret: Secret
    link: links.Link
    account: Account
    employee: User
    before: Member | None
    member: Member
    grant: Grant


def approve(facts: ReplyFacts, offer: RequestedAccess, act: Act) -> LinkApproved:
    """Make the named employee a partner admin of this one account, on one of its seats."""
    link, account = _must_be_answerable(facts, act)
    given = counter_offer(link.requested_access, offer.removed, offer.access_days)
    shortened_to = given.access_days if given.access_days != link.access_days else None
    terms = Terms(
        source=GrantSource.ACCESS_LINK,
        set_version=link.set_version,
        overrides=Overrides(removed=given.removed),
        access_days=given.access_days,
        requested=link.requested_access,
        link_id=link.link_id,
    )
    candidate = Candidate(employee=facts.target.user, partner=facts.partner, target=facts.target)
    employee, member, grant = admit(candidate, account, terms, act)
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
            requested=link.requested_access.model_dump(mode="json", exclude_none=True),
            given=given.model_dump(mode="json", exclude_none=True),
        ),
        letter=links.about(link, LetterKind.ACCESS_GRANTED, act, account_id=account.account_id).model_copy(
            update={
                "removed": member.removed,
                "requested_but_removed": tuple(name for name in member.removed if name not in link.removed),
                "requested_days": shortened_to and link.access_days,
                "granted_days": shortened_to,
                "expires_at": grant.expires_at,
                "paid_seat_required": paid_seat_required(account, member),
            }
        ),
        relies_on=facts.relied_on,
    )


def _must_be_answerable(facts: ReplyFacts, act: Act) -> tuple[links.Link, Account]:
    """The order of refusal: secret, the link's own state, account, authority, what it answered (contract.md)."""
    link, account = facts.link, facts.account
    if not link:
        raise LinkNotFound
    link.must_be_opened_by(facts.secret)
    link.must_be_open(act.at, links.tenure_now(facts.target.user, facts.partner))
    if not account:
        raise NotFound
    facts.approver.must_be_member(act.at)
    if account.is_partner:
        raise NotAClientAccount("/account_id")
    if link.account_id not in (None, account.account_id):
        raise AccountMismatch("/account_id")
    facts.approver.must_be_approver(asked_by=link.partner_id, super_admins=facts.super_admins, at=act.at)
    if facts.reply:
        raise links.ENDED[facts.reply.state]
    return link, account


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDeclined(Decision):
    secret: Secret
    link: links.Link
    account: Account
    reply: links.Reply | None


def decline(facts: ReplyFacts, reason: str | None, act: Act) -> LinkDeclined:
    """Say no for this account; a link that many may approve ends for this account alone (domain.md rule 7)."""
    link, account = _must_be_answerable(facts, act)
    account.must_be_active()
    return LinkDeclined(
        act=act,
        secret=facts.secret,
        link=link,
        account=account,
        reply=None if link.is_for_one else _reply(link, account, links.LinkState.DECLINED),
        audit=audit("link.declined", act, account.account_id, link.partner_id, link_id=link.link_id),
        letter=links.about(link, LetterKind.LINK_DECLINED, act, account_id=account.account_id, reason=reason),
        relies_on=(*facts.approver.relied_on, account),
    )


def _reply(link: links.Link, account: Account, state: links.LinkState) -> links.Reply:
    return links.Reply(version=1, link_id=link.link_id, account_id=account.account_id, state=state)


def approval_of_many(approved: LinkApproved) -> links.Reply | None:
    """The account's mark on a link that many may approve; one for a single approval counts for itself."""
    return None if approved.link.is_for_one else _reply(approved.link, approved.account, links.LinkState.APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewFacts:
    """The link, who looks at it, and for each of his accounts what its answer would rest on."""

    secret: Secret
    link: links.Link | None
    partner: Account | None
    employee: User | None
    reader: User | None
    replies: tuple[ReplyFacts, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """An account of the caller, and the code of the refusal that an approval would meet, None for none."""

    account: Account
    reason: str | None


@dataclass(frozen=True, slots=True)
class Previewed:
    """A link with who asks, and the accounts to choose from."""

    link: links.Link
    partner: Account
    employee: User
    choices: tuple[Choice, ...]


def preview(facts: PreviewFacts, act: Act) -> Previewed:
    """Where the caller may approve now, by the very rule that an approval is decided by."""
    if not facts.link or not facts.partner or not facts.employee:
        raise LinkNotFound
    facts.link.must_be_opened_by(facts.secret)
    facts.link.must_be_open(act.at, links.tenure_now(facts.employee, facts.partner))
    must_not_be_barred(facts.reader)
    choices = tuple(
        Choice(reply.account, _refusal_of(reply, act))
        for reply in facts.replies
        if reply.account and not reply.account.is_partner and reply.approver.is_member_at(act.at)
    )
    return Previewed(facts.link, facts.partner, facts.employee, choices)


def _refusal_of(facts: ReplyFacts, act: Act) -> str | None:
    try:
        approve(facts, RequestedAccess(), act)
    except Refused as refusal:
        return refusal.code
    return None
