"""Explanations of access decisions: the rule that decided, the facts behind it, and the changes that would turn it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from partner_access.domain.accounts import AccountKind, AccountState, Pricing
from partner_access.domain.act import Act
from partner_access.domain.authorization import remediation
from partner_access.domain.authorization.access import AccessDecision, AccessFacts, Rule, decide
from partner_access.domain.authorization.remedies import NO_REMEDY, RelatedActors, Remedy
from partner_access.domain.authorization.remedy_cases import RemedyCase
from partner_access.domain.authorization.shown_advice import advice_of
from partner_access.domain.errors import Forbidden, NotFound
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, Seat, SuspensionReason, known_seat, known_seats
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import USERS_MANAGE
from partner_access.domain.users import must_not_be_deactivated

ADVICE: Final[Mapping[Rule, str]] = {
    Rule.IN_SET: "The permission set includes it. To take it away, remove it from this user or assign another set.",
    Rule.ADDED: "It was added for this user only. To take it away, remove it from this user.",
    Rule.UNKNOWN_PERMISSION: "There is no such permission, so nobody can grant it. Check the list of permissions.",
    Rule.NOT_A_MEMBER: "This user is not in the account, or it does not exist. Ask one of its admins to add them.",
    Rule.ACCOUNT_CLOSED: "The account is closed, so nobody can do anything in it. Ask the vendor to reopen it.",
    Rule.USER_DEACTIVATED: "The vendor has deactivated this user everywhere. Ask the vendor to reactivate them.",
    Rule.GRANT_EXPIRED: "The grant has expired. Ask an admin of the account for a new one, directly or with an access link.",
    Rule.ACCESS_ENDED: "All access of this user for the partner has ended permanently. "
    "Ask an admin of the account to add them again.",
    Rule.MEMBER_DEACTIVATED: "The membership has ended. Ask an admin of the account to add this user again.",
    Rule.SUSPENDED: "Access is suspended. Ask each side that suspended it to resume it.",
    Rule.PARTNER_ACCOUNTS_ONLY: "This permission exists only in partner accounts, so nobody can grant it here. "
    "Manage a partner's users in the partner's own account.",
    Rule.RESTRICTED: "Partner members can never hold this permission. Ask a super admin of the client to do it.",
    Rule.UNKNOWN_SET: "The permission set is unknown here. A newer version of this service may have assigned it. "
    "Ask the vendor.",
    Rule.REMOVED: "It was removed from this user. Ask someone who manages users and holds it to give it back.",
    Rule.NOT_IN_SET: "The permission set does not include it. Ask someone who manages users and holds it to add it.",
    Rule.SEAT_MISSING: "This paid feature needs a seat. Ask someone who manages users and billing for one.",
}
_SET: Final = ("permission_set", "added", "removed")
RELEVANT_FACTS: Final[Mapping[Rule, tuple[str, ...]]] = {
    Rule.IN_SET: (*_SET, "scope"),
    Rule.ADDED: (*_SET, "scope"),
    Rule.UNKNOWN_PERMISSION: (),
    Rule.NOT_A_MEMBER: (),
    Rule.ACCOUNT_CLOSED: ("account_state",),
    Rule.USER_DEACTIVATED: ("user_active",),
    Rule.GRANT_EXPIRED: ("partner_id", "expires_at"),
    Rule.ACCESS_ENDED: ("partner_id",),
    Rule.MEMBER_DEACTIVATED: ("member_active",),
    Rule.SUSPENDED: ("partner_id", "suspended_by"),
    Rule.PARTNER_ACCOUNTS_ONLY: ("account_kind",),
    Rule.RESTRICTED: ("partner_id", "restricted"),
    Rule.UNKNOWN_SET: ("permission_set",),
    Rule.REMOVED: _SET,
    Rule.NOT_IN_SET: _SET,
    Rule.SEAT_MISSING: ("needs_seat", "seat", "paid_seats", "pricing"),
}
"""The facts that each rule depends on."""
NOBODY_CAN_CHANGE_IT: Final = "Currently, nobody in this account can change it."
SOMETHING_COMES_FIRST: Final = "Something else has to change first."


@dataclass(frozen=True, slots=True)
class ExplanationFacts:
    """The person in question and the person who asks, each with the facts about them in the account."""

    subject: AccessFacts
    asker: AccessFacts
    user_id: str
    for_decisions: bool = False

    @property
    def can_see_account(self) -> bool:
        """True if the asker can see the account. It stays hidden from all others (domain.md rule 24)."""
        return self.for_decisions or self.is_member

    @property
    def is_member(self) -> bool:
        """True if the asker is a member of the account and can therefore see who manages it."""
        actor = self.asker.actor
        return self.asker.account is not None and actor.user is not None and actor.is_member_at(self.asker.at)

    def must_be_allowed(self, act: Act) -> None:
        """Raise unless the asker can see this explanation.

        Everyone can ask about themselves. Managers of users, and services that decide for the vendor, can ask about
        others.
        """
        if self.for_decisions:
            return
        must_not_be_deactivated(self.asker.actor.user)
        if self.user_id == act.actor_id:
            return
        if not self.is_member:
            raise NotFound
        if not decide(self.asker, USERS_MANAGE).permits:
            raise Forbidden

    def decision(self, permission: str) -> AccessDecision:
        """Return the decision of an evaluation. An asker outside the account does not learn that it is closed."""
        decision = decide(self.subject, permission)
        if decision.rule is Rule.ACCOUNT_CLOSED and not self.can_see_account:
            return AccessDecision(Rule.NOT_A_MEMBER)
        return decision

    def needs_related_actors(self, permission: str) -> bool:
        """Return whether the people who could change the decision must be read."""
        is_visible = self.subject.account is not None and self.can_see_account
        return is_visible and remediation.needs_people(decide(self.subject, permission).rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionSetRef:
    """A reference to a permission set. Only custom sets have a name."""

    id: str
    version: int
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """The facts that the rule depended on. All others are None."""

    account_kind: AccountKind | None = None
    account_state: AccountState | None = None
    user_active: bool | None = None
    member_active: bool | None = None
    partner_id: str | None = None
    expires_at: datetime | None = None
    suspended_by: tuple[SuspensionReason, ...] | None = None
    permission_set: PermissionSetRef | None = None
    added: str | None = None
    removed: str | None = None
    restricted: bool | None = None
    scope: str | None = None
    needs_seat: Seat | None = None
    seat: Seat | None = None
    paid_seats: tuple[Seat, ...] | None = None
    pricing: Pricing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision with its reasons. `names_people` is true when the asker can see who manages the account."""

    decision: AccessDecision
    facts: RuleFacts
    remedy: Remedy
    advice: str
    names_people: bool
    at: datetime


def explain(facts: ExplanationFacts, permission: str, related: RelatedActors, act: Act) -> Explanation:
    """Return the decision of an evaluation, from the same facts, with its reasons and remedy."""
    decision, account = facts.decision(permission), facts.subject.account
    remedy = NO_REMEDY
    if account and facts.can_see_account:
        remedy = remediation.remedy(RemedyCase(facts.subject, account, facts.user_id, permission, related, act))
    return Explanation(
        decision=decision,
        facts=_relevant_facts(facts.subject, permission, decision),
        remedy=remedy,
        advice=advice_for(decision.rule, remedy),
        names_people=facts.is_member,
        at=facts.subject.at,
    )


def advice_for(rule: Rule, remedy: Remedy) -> str:
    """Return the advice of the rule, or what keeps everyone from changing the decision (domain.md rule 44)."""
    if not remedy.error:
        return ADVICE[rule]
    advice = advice_of(remedy.error)
    return f"{SOMETHING_COMES_FIRST} {advice}" if advice else NOBODY_CAN_CHANGE_IT


def _relevant_facts(subject: AccessFacts, permission: str, decision: AccessDecision) -> RuleFacts:
    facts = _all_facts(subject, permission, decision)
    return RuleFacts(**{name: getattr(facts, name) for name in RELEVANT_FACTS[decision.rule]})


def _all_facts(subject: AccessFacts, permission: str, decision: AccessDecision) -> RuleFacts:
    """Return all facts about a person in an account."""
    account, actor, at = subject.account, subject.actor, subject.at
    stored, now = actor.member, actor.member_at(at)
    if not account or not stored or not now:
        return RuleFacts()
    required_seat = catalogue.PAID_FEATURE_SEATS.get(permission)
    return RuleFacts(
        account_kind=account.kind,
        account_state=account.state,
        user_active=actor.user is not None and actor.user.active,
        member_active=now.active,
        partner_id=stored.partner_id,
        expires_at=stored.grant.expires_at if stored.grant else None,
        suspended_by=tuple(sorted(actor.suspended_by_at(at))),
        permission_set=_set_ref(actor, now),
        added=next((name for name in now.added if name.partition(":")[0] == permission), None),
        removed=permission if permission in now.removed else None,
        restricted=permission in catalogue.RESTRICTED,
        scope=decision.scope.name.lower() if decision.scope and permission in catalogue.SCOPED else None,
        needs_seat=Seat(required_seat) if required_seat else None,
        seat=known_seat(now.seat),
        paid_seats=known_seats(now.paid_seats),
        pricing=account.pricing,
    )


def _set_ref(actor: Actor, now: Member) -> PermissionSetRef:
    """Return a custom set as it is now, or a default set in the version that was given."""
    custom_set = actor.sets.get(now.permission_set)
    if custom_set:
        return PermissionSetRef(id=custom_set.set_id, version=custom_set.version, name=custom_set.name)
    return PermissionSetRef(id=now.permission_set, version=now.set_version)
