"""Why somebody may do this here or may not: the rule that decided, the fact behind it, and what would change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from partner_access.domain.accounts import AccountKind, AccountState, Pricing
from partner_access.domain.act import Act
from partner_access.domain.authorization import remediation
from partner_access.domain.authorization.access import Presence, Rule, Verdict, judge
from partner_access.domain.authorization.remediation import NONE, Case, Remedy, Surroundings
from partner_access.domain.errors import Conflicting, Forbidden, NotFound
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, Seat, SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import USERS_MANAGE
from partner_access.domain.users import must_not_be_barred

TO_DO: Final[Mapping[Rule, str]] = {
    Rule.IN_SET: "The permission set holds it. To take it away, remove it from this person, or give him another set.",
    Rule.ADDED: "It was added for this person alone. To take it away, remove it from him.",
    Rule.UNKNOWN_PERMISSION: "There is no such permission, and nobody can give it. Compare the list of permissions.",
    Rule.NOT_A_MEMBER: "This person is not in the account, if there is one. Ask an admin of it to take him in.",
    Rule.ACCOUNT_CLOSED: "The account is closed, and nobody may do anything in it. Ask the vendor to open it again.",
    Rule.USER_DEACTIVATED: "The vendor has deactivated this person everywhere. Ask the vendor to let him in again.",
    Rule.GRANT_EXPIRED: "The grant had an end and is over. Ask an admin of the account for a new one, or by a new access link.",
    Rule.ACCESS_ENDED: "All that this person had for the partner has ended for good. "
    "Ask an admin of the account to take him in anew.",
    Rule.MEMBER_DEACTIVATED: "The membership has ended. Ask an admin of the account to take this person in again.",
    Rule.SUSPENDED: "The access is suspended for now. Ask each side that suspended it to lift its own reason.",
    Rule.PARTNER_ACCOUNTS_ONLY: "This exists in partner accounts alone, and nobody can give it here. "
    "Manage a firm's people in the firm's own account.",
    Rule.RESTRICTED: "Nobody who is here for a partner can ever hold this, by no door. "
    "Ask a super admin of the client to do it himself.",
    Rule.UNKNOWN_SET: "The permission set is not known here; a newer version of this service may have given it. "
    "Ask the vendor.",
    Rule.REMOVED: "It was taken from this person. Ask somebody who manages users, and holds it himself, to give it back.",
    Rule.NOT_IN_SET: "The permission set does not hold it. Ask somebody who manages users, and holds it himself, to add it.",
    Rule.SEAT_MISSING: "This paid feature needs a seat that opens it. Ask somebody who manages users and billing for one.",
}
_SET: Final = ("permission_set", "added", "removed")
MATTERS: Final[Mapping[Rule, tuple[str, ...]]] = {
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
"""The facts that a rule looks at."""
NOBODY_CAN: Final = "As things stand, nobody in this account can change it."


@dataclass(frozen=True, slots=True)
class Explaining:
    """Who is asked about, by whom, and both as they stand in the account."""

    presence: Presence
    asker: Presence
    user_id: str
    for_decisions: bool = False

    @property
    def knows_the_account(self) -> bool:
        """Whether the account is anything to the asker; to others it is as if unknown (domain.md rule 24)."""
        return self.for_decisions or self.is_colleague

    @property
    def is_colleague(self) -> bool:
        """Whether he is in the account himself, and may know who runs it."""
        actor = self.asker.actor
        return self.asker.account is not None and actor.user is not None and actor.is_member_at(self.asker.at)

    def must_be_allowed(self, act: Act) -> None:
        """Everybody is told of himself; of others, who manages users there, and who decides for the vendor."""
        if self.for_decisions:
            return
        must_not_be_barred(self.asker.actor.user)
        if self.user_id == act.by:
            return
        if not self.is_colleague:
            raise NotFound
        if not judge(self.asker, USERS_MANAGE).permits:
            raise Forbidden

    def verdict(self, permission: str) -> Verdict:
        """As an evaluation has it; but whoever is out of an account hears no news of it."""
        found = judge(self.presence, permission)
        if found.rule is Rule.ACCOUNT_CLOSED and not self.knows_the_account:
            return Verdict(Rule.NOT_A_MEMBER)
        return found

    def leads_to_people(self, permission: str) -> bool:
        """Whether those who could change it have to be looked up."""
        known = self.presence.account is not None and self.knows_the_account
        return known and remediation.needs_people(judge(self.presence, permission).rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNamed:
    """A permission set; an account's own has a name."""

    id: str
    version: int
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """The facts that the rule looked at; all others are None."""

    account_kind: AccountKind | None = None
    account_state: AccountState | None = None
    user_active: bool | None = None
    member_active: bool | None = None
    partner_id: str | None = None
    expires_at: datetime | None = None
    suspended_by: tuple[SuspensionReason, ...] | None = None
    permission_set: SetNamed | None = None
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
    """A decision with its reasons; `names_people` when the asker may know who runs the account."""

    verdict: Verdict
    facts: Because
    remedy: Remedy
    advice: str
    names_people: bool
    at: datetime


def explain(asked: Explaining, permission: str, around: Surroundings, act: Act) -> Explanation:
    """The same decision as an evaluation's, from the same facts, with all that goes along."""
    verdict, account = asked.verdict(permission), asked.presence.account
    remedy = NONE
    if account and asked.knows_the_account:
        remedy = remediation.remedy(Case(asked.presence, account, asked.user_id, permission, around, act))
    return Explanation(
        verdict=verdict,
        facts=_because(asked.presence, permission, verdict),
        remedy=remedy,
        advice=_to_do(verdict.rule, remedy),
        names_people=asked.is_colleague,
        at=asked.presence.at,
    )


def _to_do(rule: Rule, remedy: Remedy) -> str:
    if not remedy.refusal:
        return TO_DO[rule]
    return f"{NOBODY_CAN} {remedy.refusal.detail}" if isinstance(remedy.refusal, Conflicting) else NOBODY_CAN


def _because(presence: Presence, permission: str, verdict: Verdict) -> Because:
    facts = _facts(presence, permission, verdict)
    return Because(**{name: getattr(facts, name) for name in MATTERS[verdict.rule]})


def _facts(presence: Presence, permission: str, verdict: Verdict) -> Because:
    """All there is to know of somebody in an account."""
    account, actor, at = presence.account, presence.actor, presence.at
    kept, now = actor.member, actor.member_at(at)
    if not account or not kept or not now:
        return Because()
    needed = catalogue.PAID.get(permission)
    return Because(
        account_kind=account.kind,
        account_state=account.state,
        user_active=actor.user is not None and actor.user.active,
        member_active=now.active,
        partner_id=kept.partner_id,
        expires_at=kept.grant.expires_at if kept.grant else None,
        suspended_by=tuple(sorted(actor.suspended_by_at(at))),
        permission_set=_named(actor, now),
        added=next((name for name in now.added if name.partition(":")[0] == permission), None),
        removed=permission if permission in now.removed else None,
        restricted=permission in catalogue.RESTRICTED,
        scope=verdict.scope.name.lower() if verdict.scope and permission in catalogue.SCOPED else None,
        needs_seat=Seat(needed) if needed else None,
        seat=now.seat,
        paid_seats=now.paid_seats,
        pricing=account.pricing,
    )


def _named(actor: Actor, now: Member) -> SetNamed:
    """An account's own set as it is now, the vendor's in the version that he was given."""
    own = actor.sets.get(now.permission_set)
    if own:
        return SetNamed(id=own.set_id, version=own.version, name=own.name)
    return SetNamed(id=now.permission_set, version=now.set_version)
