"""Removal of a member: ends their membership, with their grant. In a partner account it ends their employment."""

from dataclasses import dataclass
from typing import Final

from partner_access.domain.act import Act
from partner_access.domain.errors import Forbidden
from partner_access.domain.memberships.actors import witness
from partner_access.domain.memberships.members import Role
from partner_access.domain.memberships.roles import (
    ManagedMembership,
    MembershipChanged,
    MembershipFacts,
    authorize,
)
from partner_access.domain.notifications import (
    Cause,
    Notification,
    NotificationKind,
    Reconciliation,
    ReconciliationReason,
)
from partner_access.domain.records import audit
from partner_access.domain.users import User, with_access_ended, with_access_ended_by_manager, without_employment

CAUSE_BY_ROLE: Final = {
    Role.VENDOR: Cause.VENDOR,
    Role.SUPER_ADMIN: Cause.CLIENT,
    Role.USER_MANAGER: Cause.CLIENT,
    Role.COLLEAGUE: Cause.PARTNER,
    Role.PARTNER_MANAGER: Cause.PARTNER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemoved(MembershipChanged):
    """A removed member. `former_employee` is the user after they left their partner, or None for all other members."""

    former_employee: User | None = None

    @property
    def former_set(self) -> str | None:
        """The permission set that the member had before the grant that ended."""
        return self.before.grant.former_set if self.before.grant else None


def remove(facts: MembershipFacts, expected_version: int, act: Act) -> MemberRemoved:
    """End a membership, and with it the member's grant. Nothing of before the grant returns (domain.md rule 10)."""
    managed = authorize(facts, act)
    now = managed.now
    if now.is_super_admin and managed.role is Role.USER_MANAGER:
        raise Forbidden
    managed.must_match_version(expected_version)
    witness_records = witness(facts.others, act.at).relied_on if now.is_super_admin else ()
    cause = Cause.SELF if act.actor_id == managed.user.user_id else CAUSE_BY_ROLE[managed.role]
    former_employee = _former_employee(managed, act) if managed.account.is_partner else None
    return MemberRemoved(
        act=act,
        account=managed.account,
        user=managed.user,
        before=managed.before,
        member=now.ended(_ended_by(managed, act)).next_version(),
        former_employee=former_employee,
        audit=audit(
            "grant.revoked" if now.grant else "member.removed",
            act,
            managed.account.account_id,
            now.partner_id,
            user_id=managed.user.user_id,
            role=managed.role,
            grant_id=now.grant.grant_id if now.grant else None,
        ),
        notification=_notification(managed, cause, act),
        reconciliation=_reconciliation(managed) if former_employee else None,
        relies_on=(
            *managed.relied_on_to_narrow,
            *([managed.user] if former_employee else ()),
            *witness_records,
        ),
        narrows=True,
    )


def _ended_by(managed: ManagedMembership, act: Act) -> Role:
    """Return the role in which the caller ends the membership.

    A partner admin who is a client access manager too ends it as such.
    """
    if act.actor_id == managed.user.user_id:
        return Role.SELF
    is_manager = managed.role is Role.COLLEAGUE and Role.PARTNER_MANAGER in managed.roles
    return Role.PARTNER_MANAGER if is_manager else managed.role


def _former_employee(managed: ManagedMembership, act: Act) -> User:
    """Return the user without employment by, and without access for, this partner."""
    partner, user = managed.account, managed.user
    is_self = act.actor_id == user.user_id
    ended = with_access_ended(user, partner.account_id) if is_self else with_access_ended_by_manager(user, partner)
    return without_employment(ended, partner.account_id, act.at)


def _notification(managed: ManagedMembership, cause: Cause, act: Act) -> Notification:
    return Notification(
        kind=NotificationKind.ACCESS_ENDED,
        employee_id=managed.user.user_id,
        actor_id=act.actor_id,
        partner_id=managed.now.partner_id,
        account_id=managed.account.account_id,
        former_set=managed.now.grant.former_set if managed.now.grant else None,
        cause=cause,
    )


def _reconciliation(managed: ManagedMembership) -> Reconciliation:
    return Reconciliation(
        partner_id=managed.account.account_id, user_id=managed.user.user_id, reason=ReconciliationReason.OFFBOARDED
    )
