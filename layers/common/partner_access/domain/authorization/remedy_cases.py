"""The case that a remedy is looked for: the person, the permission, and the actors that are tried."""

from dataclasses import dataclass, replace
from typing import Any

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.authorization.access import AccessFacts, Rule, decide
from partner_access.domain.authorization.remedies import (
    RelatedActors,
)
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.roles import MembershipFacts
from partner_access.domain.permissions.rights import (
    latest_version,
)
from partner_access.domain.users import User


@dataclass(frozen=True, slots=True)
class TrialActor:
    """A trial actor: their membership in the account, and their membership in the partner account."""

    actor: Actor
    manager: Actor = NO_ACTOR


@dataclass(frozen=True, slots=True)
class RemedyCase:
    """The person in the account, the permission in question, and the related actors."""

    subject: AccessFacts
    account: Account
    user_id: str
    permission: str
    related: RelatedActors
    act: Act

    @property
    def stored_member(self) -> Member | None:
        return self.subject.actor.member

    @property
    def target(self) -> Actor:
        """The person as a member of the account. Without a membership, nothing is assumed about them."""
        actor = self.subject.actor
        return replace(actor, partners={**self.related.partners, **actor.partners}) if actor.member else NO_ACTOR

    @property
    def person(self) -> User:
        """The user, or a placeholder for an unknown one."""
        return self.target.user or User(user_id=self.user_id, name="")

    @property
    def partner(self) -> Account | None:
        """The partner on whose behalf the person is or was a member."""
        partner_id = (self.stored_member.grant or self.stored_member).partner_id if self.stored_member else None
        return self.target.partners.get(partner_id or "")

    @property
    def partners(self) -> list[Account | None]:
        """The partners for which the person could return.

        These are their employers, with the previous partner first. Without an employer, it is the previous partner
        alone.
        """
        employers = sorted(self.target.user.employed_by) if self.target.user else []
        employer_accounts = [self.related.partners.get(each) for each in employers]
        return sorted(employer_accounts, key=lambda each: each != self.partner) or [self.partner]

    @property
    def member_ids(self) -> dict[str, str]:
        return {"account_id": self.account.account_id, "user_id": self.user_id}

    def act_as(self, trial: TrialActor) -> Act:
        """Return the act as if this actor made it."""
        return replace(self.act, actor_id=trial.actor.user.user_id if trial.actor.user else "", for_vendor=False)

    def other_super_admins(self, *, except_user_id: str | None = None) -> tuple[Actor, ...]:
        """Return the account's super admins without one of them."""
        return tuple(each for each in self.related.super_admins if each.user and each.user.user_id != except_user_id)

    def membership_facts(self, trial: TrialActor) -> MembershipFacts:
        """Return the facts that an operation would read if this actor called it."""
        return MembershipFacts(
            account=self.account,
            actor=trial.actor,
            target=self.target,
            manager=trial.manager,
            others=self.other_super_admins(except_user_id=self.user_id),
        )

    def next_rule(self, after: AccessFacts) -> Rule | None:
        """Return the rule that would decide afterwards, or None if the decision would turn."""
        decision = decide(after, self.permission)
        return decision.rule if decision.permits is decide(self.subject, self.permission).permits else None


def trial_actor(case: RemedyCase, name: str, **fields: Any) -> Actor:
    """Return an actor who has this permission set in the account of the case, and no name."""
    member = {"account_id": case.account.account_id, "user_id": "", "permission_set": name, **fields}
    version, since = latest_version(name), case.subject.at
    return Actor(User(user_id="", name=""), Member(set_version=version, since=since, **member))
