"""Visibility of members: which members of an account a viewer can see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import Forbidden, NotFound
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.roles import MembershipFacts
from partner_access.domain.permissions.rights import CLIENT_ACCESS_MANAGE, USERS_MANAGE
from partner_access.domain.users import User, partner_is_ambiguous


@dataclass(frozen=True, slots=True)
class VisibleMember:
    """A member of an account, and the user who added them, if known."""

    actor: Actor
    added_by: User | None = None

    def names_at(self, at: datetime) -> Mapping[str, str | None]:
        """Return the display names for the ids. An erased user has no name."""
        partner, now = self.actor.partner_at(at), self.actor.member_at(at)
        custom = self.actor.sets.get(now.permission_set) if now else None
        return {
            "granted_by_name": (self.added_by.name or None) if self.added_by else None,
            "partner_name": partner.name if partner else None,
            "set_name": custom.name if custom else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibilityFacts:
    """The viewer, the member and their account.

    `viewer_at_partners` holds the viewer's membership in each partner account on whose behalf the member is or was in
    the account. `employer` is the only partner of a super admin.
    """

    account: Account | None
    viewer: Actor
    member: VisibleMember
    viewer_at_partners: Mapping[str, Actor] = field(default_factory=dict)
    employer: Account | None = None

    def membership_at(self, at: datetime) -> MembershipFacts:
        """Return the facts that a change of this member by the viewer would be decided on.

        They lack the other super admins of the account.
        """
        target = self.member.actor
        partner = target.partner_at(at)
        return MembershipFacts(
            account=self.account,
            actor=self.viewer,
            target=target,
            manager=self.viewer_at_partners.get(partner.account_id, NO_ACTOR) if partner else NO_ACTOR,
            partner=self.employer,
            partner_is_ambiguous=partner_is_ambiguous(target.user, None),
        )


def must_see_all(viewer: Actor, at: datetime) -> None:
    """Raise unless the viewer can see all members, because they manage users."""
    viewer.must_be_member(at)
    if USERS_MANAGE not in viewer.rights_at(at):
        raise Forbidden


def view_member(facts: VisibilityFacts, act: Act) -> VisibleMember:
    """Return one member if the viewer can see them.

    People who manage users can see everyone. The partner's client access managers can see its active members. Everyone
    can see themselves.
    """
    viewer, actor = facts.viewer, facts.member.actor
    manages = USERS_MANAGE in viewer.rights_at(act.at)
    if not manages and not _is_managed_by_partner(facts, act.at):
        viewer.must_be_member(act.at)
        if not actor.user or actor.user.user_id != act.actor_id:
            raise Forbidden
    if not actor.user or not actor.member:
        raise NotFound
    return facts.member


def _is_managed_by_partner(facts: VisibilityFacts, at: datetime) -> bool:
    actor = facts.member.actor
    partner = actor.partner_at(at)
    manager = facts.viewer_at_partners.get(partner.account_id) if partner and actor.is_member_at(at) else None
    return manager is not None and CLIENT_ACCESS_MANAGE in manager.rights_at(at)
