"""Roles on a membership: who can manage which membership, and in which role (domain.md §4)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import Forbidden, NotFound, PreconditionFailed
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.members import Member, Role
from partner_access.domain.permissions.custom_sets import CustomSets
from partner_access.domain.permissions.rights import CLIENT_ACCESS_MANAGE, USERS_MANAGE
from partner_access.domain.records import Decision, Record
from partner_access.domain.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipFacts:
    """A membership and the actor who wants to change it.

    `manager` is the caller in the partner account on whose behalf the member is in the account. `others` are the
    account's super admins except the member. `partner` is the partner that the request names, or the member's only one.
    `sets` are the custom sets that the request names.
    """

    account: Account | None
    actor: Actor
    target: Actor
    manager: Actor = NO_ACTOR
    others: tuple[Actor, ...] = ()
    partner: Account | None = None
    partner_is_ambiguous: bool = False
    sets: CustomSets = field(default_factory=dict)

    @property
    def managed_partner_id(self) -> str | None:
        """The id of the partner account in which the caller's rights as a manager are known."""
        return self.manager.member.account_id if self.manager.member else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedMembership:
    """A membership that the caller can manage: as stored, as it counts now, and the caller's roles on it."""

    account: Account
    user: User
    before: Member
    now: Member
    roles: tuple[Role, ...]
    relied_on: tuple[Record, ...]
    relied_on_to_narrow: tuple[Record, ...]
    """The same without the records that the member could keep busy and that taking access away does not need."""

    @property
    def role(self) -> Role:
        return self.roles[0]

    def must_match_version(self, expected_version: int) -> None:
        """Raise unless the stored version is the expected version of the request (domain.md rule 25)."""
        if self.before.version != expected_version:
            raise PreconditionFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipChanged(Decision):
    """A decision that changes a membership."""

    account: Account
    user: User
    before: Member
    member: Member


def authorize(facts: MembershipFacts, act: Act) -> ManagedMembership:
    """Return the membership with the caller's roles on it.

    Raise `Forbidden` for a member of the account without a role, before the target is looked up. Raise `NotFound` for a
    caller who is not a member, and for a membership that is over.
    """
    managed = authorize_for_past_too(facts, act)
    if not managed.now.active:
        raise NotFound
    return managed


def authorize_for_past_too(facts: MembershipFacts, act: Act) -> ManagedMembership:
    """Return the membership as above, also one that is over."""
    if not facts.account:
        raise NotFound
    user, before, now = facts.target.user, facts.target.member, facts.target.member_at(act.at)
    roles = tuple(_roles(facts, now, act))
    if not roles:
        facts.actor.must_be_member(act.at)
        raise Forbidden
    if not user or not before or not now:
        raise NotFound
    # The partner's people do not pin the account: by acts without end, they would keep it from freeing their seats.
    account_records = () if roles[0] in {Role.COLLEAGUE, Role.PARTNER_MANAGER} else (facts.account,)
    actor_records = () if Role.VENDOR in roles else facts.actor.relied_on
    manager_records = facts.manager.relied_on if Role.PARTNER_MANAGER in roles else ()
    return ManagedMembership(
        account=facts.account,
        user=user,
        before=before,
        now=now,
        roles=roles,
        relied_on=tuple(dict.fromkeys((*account_records, *actor_records, *manager_records, *facts.target.relied_on))),
        relied_on_to_narrow=tuple(dict.fromkeys((*actor_records, *manager_records, before))),
    )


def _roles(facts: MembershipFacts, now: Member | None, act: Act) -> Iterator[Role]:
    if act.for_vendor:
        yield Role.VENDOR
        return
    manages_users = USERS_MANAGE in facts.actor.rights_at(act.at)
    active_member = now if now and now.active else None
    partner = facts.actor.partner_at(act.at)
    if manages_users and not partner:
        yield Role.SUPER_ADMIN if facts.actor.is_super_admin_at(act.at) else Role.USER_MANAGER
    if manages_users and partner and active_member and partner.account_id == active_member.partner_id:
        yield Role.COLLEAGUE
    if (
        active_member
        and facts.managed_partner_id == active_member.partner_id
        and CLIENT_ACCESS_MANAGE in facts.manager.rights_at(act.at)
    ):
        yield Role.PARTNER_MANAGER
    if active_member and active_member.user_id == act.actor_id and facts.actor.user and facts.actor.user.active:
        yield Role.SELF
