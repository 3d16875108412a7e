"""Access decisions: whether a person can do something in an account at an instant, and by which rule.

integration/authzen.md describes the API of these decisions.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from partner_access.domain.accounts import Account, AccountState
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.effective_rights import base_rights_of, has_known_set
from partner_access.domain.memberships.members import Assignment, Member, Seat
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import Rights, Scope
from partner_access.domain.records import Record


class Rule(StrEnum):
    """The rule that decided: the reason why access is permitted or denied."""

    IN_SET = "in_set"
    ADDED = "added"
    UNKNOWN_PERMISSION = "unknown_permission"
    NOT_A_MEMBER = "not_a_member"
    ACCOUNT_CLOSED = "account_closed"
    USER_DEACTIVATED = "user_deactivated"
    GRANT_EXPIRED = "grant_expired"
    ACCESS_ENDED = "access_ended"
    MEMBER_DEACTIVATED = "member_deactivated"
    SUSPENDED = "suspended"
    PARTNER_ACCOUNTS_ONLY = "partner_accounts_only"
    RESTRICTED = "restricted"
    UNKNOWN_SET = "unknown_set"
    REMOVED = "removed"
    NOT_IN_SET = "not_in_set"
    SEAT_MISSING = "seat_missing"


@dataclass(frozen=True, slots=True)
class ActiveMembership:
    """A membership that nothing blocks as a whole, with the rights that it gives."""

    account: Account
    member: Member
    base: Rights
    rights: Rights


@dataclass(frozen=True)
class AccessFacts:
    """The facts about a person in an account, all read at one instant."""

    account: Account | None
    actor: Actor
    at: datetime

    @property
    def relied_on(self) -> tuple[Record, ...]:
        """The records that the facts come from."""
        return (*((self.account,) if self.account else ()), *self.actor.relied_on)

    @cached_property
    def active_membership(self) -> ActiveMembership | Rule:
        """The active membership, or the rule that denies everything in this account."""
        stored, now = self.actor.member, self.actor.member_at(self.at)
        if not self.account or not stored or not now:
            return Rule.NOT_A_MEMBER
        if self.account.state is not AccountState.ACTIVE:
            return Rule.ACCOUNT_CLOSED
        if not self.actor.user or not self.actor.user.active:
            return Rule.USER_DEACTIVATED
        if not now.active:
            return _ended_rule(stored, self.at)
        if self.actor.suspended_by_at(self.at):
            return Rule.SUSPENDED
        if not has_known_set(now, self.actor.sets):
            return Rule.UNKNOWN_SET
        return ActiveMembership(self.account, now, base_rights_of(now, self.actor.sets), self.actor.rights_at(self.at))


def _ended_rule(stored: Member, at: datetime) -> Rule:
    if stored.grant and stored.grant.has_expired(at):
        return Rule.GRANT_EXPIRED
    return Rule.ACCESS_ENDED if stored.active else Rule.MEMBER_DEACTIVATED


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """A decision and the rule behind it. `scope` is the reach of the permission, or None when it is denied."""

    rule: Rule
    scope: Scope | None = None

    @property
    def permits(self) -> bool:
        return self.scope is not None


def decide(facts: AccessFacts, permission: str) -> AccessDecision:
    """Decide whether the person can use the permission now.

    They must hold it, it must exist in this kind of account, and their seat must include it.
    """
    if permission not in catalogue.CATALOGUE:
        return AccessDecision(Rule.UNKNOWN_PERMISSION)
    if isinstance(facts.active_membership, Rule):
        return AccessDecision(facts.active_membership)
    denied_by = _denying_rule(facts.active_membership, permission)
    if denied_by:
        return AccessDecision(denied_by)
    rule = Rule.IN_SET if permission in facts.active_membership.base else Rule.ADDED
    return AccessDecision(rule, facts.active_membership.rights.held[permission])


def _denying_rule(membership: ActiveMembership, permission: str) -> Rule | None:
    if permission in catalogue.PARTNER_ONLY and not membership.account.is_partner:
        return Rule.PARTNER_ACCOUNTS_ONLY
    if permission in catalogue.RESTRICTED and membership.member.partner_id:
        return Rule.RESTRICTED
    if permission not in membership.rights:
        return Rule.REMOVED if permission in membership.base else Rule.NOT_IN_SET
    if not seats_include(membership.account, membership.member, permission):
        return Rule.SEAT_MISSING
    return None


def seats_include(account: Account, assignment: Assignment, permission: str) -> bool:
    """Return whether the member's seats include this permission.

    A paid feature needs a seat of its own kind. With seat-based pricing, the free partner seat includes all paid
    features.
    """
    seat = catalogue.PAID_FEATURE_SEATS.get(permission)
    if not seat or (assignment.seat is Seat.PARTNER and account.includes_paid_features):
        return True
    return seat in {assignment.seat, *assignment.paid_seats}
