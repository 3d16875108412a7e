"""Direct creation: an account adds a person as a member, as partner admin or with another set."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from partner_access.domain.access_ends import NO_END, RequestedEnd, expires_at
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    AlreadyMember,
    DomainError,
    Forbidden,
    InvalidField,
    NotAClientAccount,
    NotFound,
    PermissionNotHeld,
)
from partner_access.domain.memberships import own_partner
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.effective_rights import rights_and_version_now
from partner_access.domain.memberships.grants import GrantCandidate, GrantTerms, grant_partner_admin, paid_seat_required
from partner_access.domain.memberships.members import (
    PAID_SEATS,
    Assignment,
    GrantSource,
    Member,
    Seat,
    default_seat,
    new_member,
)
from partner_access.domain.memberships.returns import must_be_returnable_by_partner, must_not_be_suspended_by_client
from partner_access.domain.memberships.withheld import must_not_give_withheld, without_withheld
from partner_access.domain.notifications import Notification, NotificationKind
from partner_access.domain.permissions.custom_sets import CustomSet, CustomSets
from partner_access.domain.permissions.rights import (
    BILLING_MANAGE,
    NO_OVERRIDES,
    USERS_MANAGE,
    Overrides,
    Rights,
    SetName,
    latest_set_rights,
    latest_version,
    must_be_grantable,
    must_exist_in_clients,
    must_suit_partner_member,
)
from partner_access.domain.records import Decision, audit
from partner_access.domain.time_zones import local_day
from partner_access.domain.users import User, access_generation_of, is_eligible, partner_id_required


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCreationFacts:
    """The facts for adding a member.

    `partner` is the partner for which the person would join. It is None when several are possible and none is named.
    `target` is the person's membership so far. `manager` is the creator in the partner account on whose behalf they are
    in the account. `sets` are the custom sets that the request names.
    """

    account: Account | None
    creator: Actor
    person: User | None
    target: Actor
    partner: Account | None
    partner_is_ambiguous: bool = False
    super_admins: tuple[Actor, ...] = ()
    manager: Actor = NO_ACTOR
    sets: CustomSets = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """The content of a request to add a member."""

    permission_set: str
    overrides: Overrides = NO_OVERRIDES
    seat: Seat | None = None
    end: RequestedEnd = NO_END


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCreated(Decision):
    account: Account
    person: User
    before: Member | None
    member: Member


def create(facts: MemberCreationFacts, requested: NewMember, act: Act) -> MemberCreated:
    """Add a person to a client account (domain.md §1, way 3, and §4)."""
    if not facts.account:
        raise NotFound
    facts.creator.must_be_member(act.at)
    if facts.account.is_partner:
        raise NotAClientAccount("account_id")
    if requested.permission_set == SetName.PARTNER_ADMIN:
        return _create_partner_admin(facts, facts.account, requested, act)
    return _create_ordinary(facts, facts.account, requested, act)


def _create_partner_admin(
    facts: MemberCreationFacts, account: Account, requested: NewMember, act: Act
) -> MemberCreated:
    partner_id = facts.partner.account_id if facts.partner else None
    facts.creator.must_be_approver(
        subject=facts.person, partner_id=partner_id, super_admins=facts.super_admins, at=act.at
    )
    if facts.partner_is_ambiguous:
        raise partner_id_required()
    if requested.seat not in (None, Seat.PARTNER):
        raise InvalidField("seat")
    requested.end.must_be_within_limits(local_day(act.at, account.zone))
    terms = GrantTerms(
        source=GrantSource.CLIENT_CREATION,
        set_version=latest_version(SetName.PARTNER_ADMIN),
        overrides=requested.overrides,
        expires_at=expires_at(requested.end, act.at, account.zone),
    )
    candidate = GrantCandidate(employee=facts.person, partner=facts.partner, target=facts.target)
    person, member, _ = grant_partner_admin(candidate, account, terms, act)
    return _created(facts, account, person, member, act)


def _create_ordinary(facts: MemberCreationFacts, account: Account, requested: NewMember, act: Act) -> MemberCreated:
    creator, person = facts.creator, facts.person
    creator_rights = creator.rights_at(act.at)
    if USERS_MANAGE not in creator_rights:
        raise Forbidden
    base, version = rights_and_version_now(requested.permission_set, facts.sets)
    for_partner = creator.partner_at(act.at)
    if for_partner and not (person and is_eligible(person, for_partner)):
        raise Forbidden
    if not person or not person.active:
        raise InvalidField("email")
    if requested.end != NO_END:
        raise InvalidField(requested.end.field)
    seat = _seat(requested, for_partner, creator_rights)
    must_exist_in_clients(requested.overrides.added)
    overrides = requested.overrides.effective_on(base)
    new_rights = overrides.applied_to(base)
    must_be_grantable(new_rights, creator_rights)
    if for_partner:
        must_suit_partner_member(base)
    own_partner.must_not_give_restricted(creator.user, person, new_rights)
    account.must_be_active()
    before, now = facts.target.member, facts.target.member_at(act.at)
    if now and now.active:
        raise AlreadyMember
    if now:
        must_not_be_suspended_by_client(now)
    withheld: tuple[str, ...] = ()
    if for_partner and now:
        must_not_give_withheld(now, overrides.added)
        withheld = now.withheld
    if for_partner:
        must_be_returnable_by_partner(facts.target, for_partner.account_id, facts.manager, act.at)

    assignment = Assignment(
        partner_id=for_partner.account_id if for_partner else None,
        access_generation=access_generation_of(person, for_partner) if for_partner else 0,
        permission_set=requested.permission_set,
        set_version=version,
        added=overrides.added,
        removed=without_withheld(overrides, withheld).removed,
        seat=seat,
    )
    member = new_member(
        before,
        assignment,
        account_id=account.account_id,
        user_id=person.user_id,
        granted_by=act.actor_id,
        at=act.at,
        kept_out_by=facts.target.kept_out_by_at(act.at),
    )
    return _created(facts, account, person, member.model_copy(update={"withheld": withheld}), act)


def _seat(requested: NewMember, for_partner: Account | None, creator_rights: Rights) -> Seat:
    """Return the requested seat or the default one. The default for a colleague added by a partner is a free one."""
    seat = requested.seat or (Seat.VIEW_ONLY if for_partner else default_seat(requested.permission_set))
    if seat is Seat.PARTNER:
        raise InvalidField("seat")
    if seat in PAID_SEATS and BILLING_MANAGE not in creator_rights:
        raise PermissionNotHeld("seat")
    return seat


def _created(facts: MemberCreationFacts, account: Account, person: User, member: Member, act: Act) -> MemberCreated:
    # A colleague who adds colleagues in a loop would otherwise keep the account busy (domain.md rule 46).
    is_colleague = member.partner_id is not None and member.grant is None
    others = (None if is_colleague else account, person, facts.target.member, facts.partner, *facts.sets.values())
    # The creator's own user record is pinned already, and their rights as a manager count only for such a person.
    is_kept_out = is_colleague and member.partner_id in facts.target.kept_out_by_at(act.at)
    manager_records = tuple(
        record for record in facts.manager.relied_on if is_kept_out and record != facts.creator.user
    )
    return MemberCreated(
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
        notification=Notification(
            kind=NotificationKind.MEMBER_CREATED,
            employee_id=person.user_id,
            actor_id=act.actor_id,
            partner_id=member.partner_id,
            account_id=account.account_id,
            permission_set=member.permission_set,
            set_version=member.set_version,
            added=member.added,
            removed=member.removed,
            expires_at=member.grant.expires_at if member.grant else None,
            paid_seat_required=member.grant is not None and paid_seat_required(account, member),
        ),
        relies_on=(*facts.creator.relied_on, *manager_records, *(record for record in others if record)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignableSetsFacts:
    """The facts for the sets that the caller can give to a person.

    `partners` are the partner accounts that employ the person. `target` is their membership in the account so far.
    """

    account: Account | None
    chooser: Actor
    person: User | None
    partners: tuple[Account, ...]
    target: Actor = NO_ACTOR


def assignable(facts: AssignableSetsFacts, act: Act) -> tuple[str, ...]:
    """Return the default sets that the caller can give to this person. Partner admin needs an eligible employee."""
    if not facts.account:
        raise NotFound
    facts.chooser.must_be_member(act.at)
    own_rights = facts.chooser.rights_at(act.at)
    if USERS_MANAGE not in own_rights:
        raise Forbidden
    return tuple(
        name
        for name in SetName
        if (
            _can_be_partner_admin(facts, facts.account, act)
            if name is SetName.PARTNER_ADMIN
            else own_rights.covers(latest_set_rights(name))
            and not own_partner.gives_restricted(facts.chooser.user, facts.person, latest_set_rights(name))
        )
    )


def assignable_custom_sets(
    facts: AssignableSetsFacts, custom_sets: Iterable[CustomSet], act: Act
) -> tuple[CustomSet, ...]:
    """Return the custom sets that the caller can give.

    They must hold all rights of the set. A partner member gets no set with a restricted permission.
    """
    own_rights, for_partner = facts.chooser.rights_at(act.at), facts.target.partner_at(act.at)
    return tuple(
        each for each in custom_sets if own_rights.covers(each.rights) and not (for_partner and each.restricted)
    )


def _can_be_partner_admin(facts: AssignableSetsFacts, account: Account, act: Act) -> bool:
    return not account.is_partner and any(
        is_eligible(facts.person, partner) and _can_approve(facts, partner, act) for partner in facts.partners
    )


def _can_approve(facts: AssignableSetsFacts, partner: Account, act: Act) -> bool:
    try:
        facts.chooser.must_be_approver(subject=facts.person, partner_id=partner.account_id, super_admins=(), at=act.at)
    except DomainError:
        return False
    return True
