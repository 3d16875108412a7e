"""Direct creation: an account takes a person in, as partner admin or with an ordinary set."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    AlreadyMember,
    Forbidden,
    GrantSuspended,
    InvalidField,
    NotAClientAccount,
    NotFound,
    OwnPartnerMayNotApprove,
    PermissionNotHeld,
    Refused,
)
from partner_access.domain.memberships.actors import NOBODY, Actor
from partner_access.domain.memberships.effective_rights import given_now
from partner_access.domain.memberships.grants import Candidate, Terms, admit, paid_seat_required
from partner_access.domain.memberships.members import PAID, GrantSource, Member, Seat, SuspensionReason, usual_seat
from partner_access.domain.notifications import Letter, LetterKind
from partner_access.domain.permissions.catalogue import RESTRICTED
from partner_access.domain.permissions.custom_sets import CustomSet, Sets
from partner_access.domain.permissions.rights import (
    BILLING_MANAGE,
    NO_OVERRIDES,
    USERS_MANAGE,
    Overrides,
    Rights,
    SetName,
    given_today,
    latest,
    must_be_givable,
    must_exist_in_clients,
    must_suit_partner_staff,
)
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User, eligible, firm_must_be_named, tenure_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationFacts:
    """`partner` is the firm on whose behalf the person would come, unless it is unclear which of his firms is meant.

    `target` is what he is in the account so far, `sets` are those of the account's own that are named.
    """

    account: Account | None
    creator: Actor
    person: User | None
    target: Actor
    partner: Account | None
    firm_is_unclear: bool = False
    super_admins: tuple[Actor, ...] = ()
    sets: Sets = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How the person shall come in."""

    permission_set: str
    overrides: Overrides = NO_OVERRIDES
    seat: Seat | None = None
    access_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCreated(Decision):
    account: Account
    person: User
    before: Member | None
    member: Member


def create(facts: CreationFacts, wish: Wish, act: Act) -> UserCreated:
    """Take a person into a client account (domain.md §1, way 3, and §4)."""
    if not facts.account:
        raise NotFound
    facts.creator.must_be_member(act.at)
    if facts.account.is_partner:
        raise NotAClientAccount("/account_id")
    if wish.permission_set == SetName.PARTNER_ADMIN:
        return _create_partner_admin(facts, facts.account, wish, act)
    return _create_ordinary(facts, facts.account, wish, act)


def _create_partner_admin(facts: CreationFacts, account: Account, wish: Wish, act: Act) -> UserCreated:
    asked_by = facts.partner.account_id if facts.partner else ""
    facts.creator.must_be_approver(asked_by=asked_by, super_admins=facts.super_admins, at=act.at)
    if facts.firm_is_unclear:
        raise firm_must_be_named()
    if wish.seat not in (None, Seat.PARTNER):
        raise InvalidField("/seat")
    terms = Terms(
        source=GrantSource.CLIENT_CREATION,
        set_version=latest(SetName.PARTNER_ADMIN),
        overrides=wish.overrides,
        access_days=wish.access_days,
    )
    candidate = Candidate(employee=facts.person, partner=facts.partner, target=facts.target)
    person, member, _ = admit(candidate, account, terms, act)
    return _created(facts, account, person, member, act)


def _create_ordinary(facts: CreationFacts, account: Account, wish: Wish, act: Act) -> UserCreated:
    creator, person = facts.creator, facts.person
    giver = creator.rights_at(act.at)
    if USERS_MANAGE not in giver:
        raise Forbidden
    base, version = given_now(wish.permission_set, facts.sets)
    firm = creator.firm_at(act.at)
    if firm and not (person and eligible(person, firm)):
        raise Forbidden
    if not person or not person.active:
        raise InvalidField("/email")
    if wish.access_days:
        raise InvalidField("/access_days")
    seat = _seat(wish, firm, giver)
    must_exist_in_clients(wish.overrides.added)
    overrides = wish.overrides.on(base)
    given = overrides.applied_to(base)
    must_be_givable(given, giver)
    if firm:
        must_suit_partner_staff(base)
    if raises_a_colleague(creator, person, given):
        raise OwnPartnerMayNotApprove
    account.must_be_active()
    before, now = facts.target.member, facts.target.member_at(act.at)
    if now and now.active:
        raise AlreadyMember
    if firm and now and SuspensionReason.CLIENT in now.suspended_by:
        raise GrantSuspended

    member = Member(
        version=before.version + 1 if before else 1,
        account_id=account.account_id,
        user_id=person.user_id,
        since=before.since if before else act.at,
        granted_by=act.by,
        partner_id=firm.account_id if firm else None,
        access_generation=tenure_of(person, firm) if firm else 0,
        permission_set=wish.permission_set,
        set_version=version,
        added=overrides.added,
        removed=overrides.removed,
        seat=seat,
    )
    return _created(facts, account, person, member, act)


def _seat(wish: Wish, firm: Account | None, giver: Rights) -> Seat:
    """The one that is named, or the usual one; a colleague whom a partner brings sits where nobody pays."""
    seat = wish.seat or (Seat.VIEW_ONLY if firm else usual_seat(wish.permission_set))
    if seat is Seat.PARTNER:
        raise InvalidField("/seat")
    if seat in PAID and BILLING_MANAGE not in giver:
        raise PermissionNotHeld("/seat")
    return seat


def _created(facts: CreationFacts, account: Account, person: User, member: Member, act: Act) -> UserCreated:
    others = (account, person, facts.target.member, facts.partner, *facts.sets.values())
    return UserCreated(
        act=act,
        account=account,
        person=person,
        before=facts.target.member,
        member=member,
        audit=audit(
            "member.created",
            act,
            account.account_id,
            member.partner_id,
            user_id=person.user_id,
            permission_set=member.permission_set,
            added=list(member.added),
            removed=list(member.removed),
            grant_id=member.grant.grant_id if member.grant else None,
        ),
        letter=Letter(
            kind=LetterKind.MEMBER_CREATED,
            employee_id=person.user_id,
            actor_id=act.by,
            partner_id=member.partner_id,
            account_id=account.account_id,
            permission_set=member.permission_set,
            set_version=member.set_version,
            added=member.added,
            removed=member.removed,
            expires_at=member.grant.expires_at if member.grant else None,
            paid_seat_required=member.grant is not None and paid_seat_required(account, member),
        ),
        relies_on=(*facts.creator.relied_on, *(record for record in others if record)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceFacts:
    """`firms` are the partner accounts that employ the person, `target` is what he is in the account so far."""

    account: Account | None
    chooser: Actor
    person: User | None
    firms: tuple[Account, ...]
    target: Actor = NOBODY


def assignable(facts: ChoiceFacts, act: Act) -> tuple[str, ...]:
    """The default sets that the caller may give to this person, partner admin only to an eligible employee."""
    if not facts.account:
        raise NotFound
    facts.chooser.must_be_member(act.at)
    giver = facts.chooser.rights_at(act.at)
    if USERS_MANAGE not in giver:
        raise Forbidden
    return tuple(
        name
        for name in SetName
        if (
            _may_be_partner_admin(facts, facts.account, act)
            if name is SetName.PARTNER_ADMIN
            else giver.cover(given_today(name))
            and not raises_a_colleague(facts.chooser, facts.person, given_today(name))
        )
    )


def own_assignable(facts: ChoiceFacts, own: Iterable[CustomSet], act: Act) -> tuple[CustomSet, ...]:
    """Of the account's own sets, those that the caller may give: what he holds, and to partner staff nothing restricted."""
    giver, for_partner = facts.chooser.rights_at(act.at), facts.target.firm_at(act.at)
    return tuple(each for each in own if giver.cover(each.rights) and not (for_partner and each.restricted))


def raises_a_colleague(giver: Actor, person: User | None, given: Rights) -> bool:
    """A firm's own people do not give each other what no partner admin holds, or partner admin would be the longer way."""
    return person is not None and giver.is_colleague_of(person) and any(name in RESTRICTED for name in given)


def _may_be_partner_admin(facts: ChoiceFacts, account: Account, act: Act) -> bool:
    return not account.is_partner and any(
        eligible(facts.person, firm) and _may_approve(facts.chooser, firm, act) for firm in facts.firms
    )


def _may_approve(chooser: Actor, firm: Account, act: Act) -> bool:
    try:
        chooser.must_be_approver(asked_by=firm.account_id, super_admins=(), at=act.at)
    except Refused:
        return False
    return True
