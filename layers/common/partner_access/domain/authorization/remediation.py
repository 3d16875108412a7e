"""What would change a decision, and who could do it: each way is tried in thought, by the very rules of its door."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import JsonValue

from partner_access.domain.accounts import Account, AccountState, Program
from partner_access.domain.act import Act
from partner_access.domain.authorization.access import Presence, Rule, judge
from partner_access.domain.authorization.suggested_edits import least, less, more
from partner_access.domain.errors import Refused
from partner_access.domain.memberships import creations, edits, suspensions
from partner_access.domain.memberships.actors import NOBODY, OF_THE_TWO_SIDES, Actor
from partner_access.domain.memberships.creations import CreationFacts, Wish
from partner_access.domain.memberships.edits import Edit
from partner_access.domain.memberships.effective_rights import rights_in
from partner_access.domain.memberships.members import PAID, Member, Seat
from partner_access.domain.memberships.roles import MembershipFacts, Role
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import (
    BILLING_MANAGE,
    CLIENT_ACCESS_MANAGE,
    NO_OVERRIDES,
    NOTHING,
    USERS_MANAGE,
    Overrides,
    SetName,
    latest,
)
from partner_access.domain.users import User, tenure_of

ADDRESS: Final = "{email}"
"""Stands for the person's e-mail address, which is not told."""
NEVER: Final = frozenset({Rule.UNKNOWN_PERMISSION, Rule.PARTNER_ACCOUNTS_ONLY, Rule.RESTRICTED})
"""What no door changes."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Who else matters: super admins of the account, and the firms that the person works for."""

    super_admins: tuple[Actor, ...] = ()
    firms: Mapping[str, Account] = field(default_factory=dict)


ALONE: Final = Surroundings()


@dataclass(frozen=True, slots=True)
class Changer:
    """In which capacity somebody can do it; super admins by name, others if they hold all this."""

    role: Role
    people: tuple[User, ...] = ()
    required_permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A request to this API; `seen` is the version that it names in If-Match."""

    method: str
    path: str
    body: Mapping[str, JsonValue] | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """One request that changes what the rule rests on, and who can make it.

    `then` is the rule that would decide after it, should it not turn the decision; `refusal` why nobody can.
    """

    by: tuple[Changer, ...] = ()
    call: Call | None = None
    next_rule: Rule | None = None
    refusal: Refused | None = None


NONE: Final = Remedy()


@dataclass(frozen=True, slots=True)
class Giver:
    """Somebody in the account, and what he is at the partner."""

    here: Actor
    there: Actor = NOBODY


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody in an account, what he wants to do or is not to do there, and who is around."""

    presence: Presence
    account: Account
    user_id: str
    permission: str
    around: Surroundings
    act: Act

    @property
    def kept(self) -> Member | None:
        return self.presence.actor.member

    @property
    def target(self) -> Actor:
        """Him in the account; whoever never was in it is a stranger, whatever else is known of him."""
        actor = self.presence.actor
        return replace(actor, firms={**self.around.firms, **actor.firms}) if actor.member else NOBODY

    @property
    def person(self) -> User:
        """Him, or one of whom nothing is known."""
        return self.target.user or User(user_id=self.user_id, name="")

    @property
    def firm(self) -> Account | None:
        """The partner on whose behalf he is here, or was."""
        named = (self.kept.grant or self.kept).partner_id if self.kept else None
        return self.target.firms.get(named or "")

    @property
    def firms(self) -> list[Account | None]:
        """The partners for which he could come back: those he works for, the same one first."""
        employers = sorted(self.target.user.employed_by) if self.target.user else []
        theirs = [self.around.firms.get(each) for each in employers]
        return sorted(theirs, key=lambda each: each != self.firm) or [self.firm]

    @property
    def users(self) -> str:
        return f"/accounts/{self.account.account_id}/users"

    def by(self, giver: Giver) -> Act:
        """The act if it were his."""
        return replace(self.act, by=giver.here.user.user_id if giver.here.user else "", for_vendor=False)

    def others(self, *, but: str | None = None) -> tuple[Actor, ...]:
        """The super admins, one of them left out."""
        return tuple(each for each in self.around.super_admins if each.user and each.user.user_id != but)

    def facts(self, giver: Giver) -> MembershipFacts:
        """What the doors would find if he came."""
        return MembershipFacts(
            account=self.account,
            actor=giver.here,
            target=self.target,
            manager=giver.there,
            others=self.others(but=self.user_id),
        )

    def then(self, after: Presence) -> Rule | None:
        """What would decide; None where the decision would be another."""
        verdict = judge(after, self.permission)
        return verdict.rule if verdict.permits is judge(self.presence, self.permission).permits else None


Attempt = Callable[[Giver], Member | None]
"""What would become of the membership if he did it; refused as at the door."""


@dataclass(frozen=True, slots=True)
class Way:
    """A request, and what it does to a membership."""

    call: Call
    attempt: Attempt


def remedy(case: Case) -> Remedy:
    """What changes the fact behind the decision, as far as any door does."""
    rule = judge(case.presence, case.permission).rule
    if rule in NEVER:
        return NONE
    by_vendor = _by_vendor(case, rule)
    if by_vendor:
        return by_vendor
    return _tried(case, list(_ways(case, rule)))


def needs_people(rule: Rule) -> bool:
    """Whether it has to be known who else is there."""
    return rule not in NEVER | {Rule.ACCOUNT_CLOSED, Rule.USER_DEACTIVATED, Rule.UNKNOWN_SET}


# what the vendor's directory says


def _by_vendor(case: Case, rule: Rule) -> Remedy | None:
    actor, account = case.presence.actor, case.account
    match rule:
        case Rule.ACCOUNT_CLOSED:
            opened = account.model_copy(update={"state": AccountState.ACTIVE})
            return _told(case, f"accounts/{account.account_id}", {"state": "active"}, account=opened)
        case Rule.USER_DEACTIVATED if actor.user and actor.user.email:
            back = actor.user.model_copy(update={"active": True})
            return _told(case, f"users/{case.user_id}", {"active": True}, actor=replace(actor, user=back))
        case Rule.USER_DEACTIVATED | Rule.UNKNOWN_SET:
            return _ONLY_THE_VENDOR
        case Rule.SUSPENDED:
            return _program_or_employment(case)
        case Rule.NOT_A_MEMBER | Rule.MEMBER_DEACTIVATED if account.is_partner:
            return _employed(case, account)
    return None


_ONLY_THE_VENDOR: Final = Remedy(by=(Changer(Role.VENDOR),))


def _told(case: Case, path: str, body: Mapping[str, JsonValue], **after: Any) -> Remedy:
    then = case.then(replace(case.presence, **after))
    return replace(_ONLY_THE_VENDOR, call=Call("PUT", f"/directory/{path}", body), next_rule=then)


def _program_or_employment(case: Case) -> Remedy | None:
    """The suspension of a person or program, unless one of the two sides has something to lift first."""
    actor, at = case.presence.actor, case.presence.at
    firm, now, user = actor.firm_at(at), actor.member_at(at), actor.user
    if not firm or not now or not user or now.suspended_by & OF_THE_TWO_SIDES:
        return None
    if not firm.is_in_program:
        body: dict[str, JsonValue] = {}
        if firm.program is not Program.ACTIVE:
            body["program"] = "active"
        if firm.state is not AccountState.ACTIVE:
            body["state"] = "active"
        open_again = firm.model_copy(update={"program": Program.ACTIVE, "state": AccountState.ACTIVE})
        after = replace(actor, firms={**actor.firms, firm.account_id: open_again})
        return _told(case, f"accounts/{firm.account_id}", body, actor=after)
    if firm.account_id not in user.employed_by:
        back = user.model_copy(update={"employed_by": user.employed_by | {firm.account_id}})
        path = f"accounts/{firm.account_id}/members/{case.user_id}"
        return _told(case, path, {"active": True}, actor=replace(actor, user=back))
    return _ONLY_THE_VENDOR


def _employed(case: Case, account: Account) -> Remedy:
    """Who is a partner's employee is for the directory to say."""
    path = f"accounts/{account.account_id}/members/{case.user_id}"
    if not case.kept:
        name, _ = least(case.permission)
        return _told(case, path, {"permission_set": name}, actor=_somebody(case, name))
    back = replace(case.presence.actor, member=case.kept.model_copy(update={"active": True}))
    return _told(case, path, {"active": True}, actor=back)


# what people can do: the ways, the likeliest first


def _ways(case: Case, rule: Rule) -> Iterator[Way]:
    actor, at = case.target, case.presence.at
    now = actor.member_at(at)
    if not now or not now.active:
        yield from _taking_in(case)
    elif rule is Rule.SUSPENDED:
        yield _resuming(case)
    elif rule in {Rule.IN_SET, Rule.ADDED}:
        yield from (_editing(case, wish) for wish in less(now, actor.sets, case.permission))
    else:
        yield from (_editing(case, wish) for wish in more(case.account, now, actor.sets, case.permission))


def _taking_in(case: Case) -> Iterator[Way]:
    """As partner admin who was one, else with a set that holds what he wants."""
    kept = case.kept
    if kept and (kept.grant or kept.permission_set == SetName.PARTNER_ADMIN):
        for firm in case.firms:
            yield _creating(case, Wish(permission_set=SetName.PARTNER_ADMIN), firm)
        return
    name, overrides = least(case.permission)
    paid = catalogue.PAID.get(case.permission)
    yield _creating(case, Wish(permission_set=name, overrides=overrides, seat=Seat(paid) if paid else None))


def _creating(case: Case, wish: Wish, firm: Account | None = None) -> Way:
    def attempt(giver: Giver) -> Member:
        facts = CreationFacts(
            account=case.account,
            creator=giver.here,
            person=case.person,
            target=case.target,
            partner=firm,
        )
        return creations.create(facts, wish, case.by(giver)).member

    body: dict[str, JsonValue] = {"email": ADDRESS, "permission_set": str(wish.permission_set)}
    if firm:
        body["partner_id"] = firm.account_id
    if wish.overrides != NO_OVERRIDES:
        body["permissions"] = _written(wish.overrides)
    if wish.seat:
        body["seat"] = wish.seat.value
    return Way(Call("POST", case.users, body), attempt)


def _resuming(case: Case) -> Way:
    def attempt(giver: Giver) -> Member | None:
        resumed = suspensions.resume(case.facts(giver), case.by(giver))
        return resumed.member if resumed else None

    return Way(Call("DELETE", f"{case.users}/{case.user_id}/suspension"), attempt)


def _editing(case: Case, wish: Edit) -> Way:
    seen = case.kept.version if case.kept else 0

    def attempt(giver: Giver) -> Member | None:
        edited = edits.edit(case.facts(giver), wish, seen, case.by(giver))
        return edited.member if edited else None

    body: dict[str, JsonValue] = {}
    if wish.permission_set:
        body["permission_set"] = str(wish.permission_set)
    if wish.overrides is not None:
        body["permissions"] = _written(wish.overrides)
    if wish.paid_seats is not None:
        body["paid_seats"] = [seat.value for seat in wish.paid_seats]
    return Way(Call("PATCH", f"{case.users}/{case.user_id}", body, seen), attempt)


def _written(overrides: Overrides) -> dict[str, JsonValue]:
    return {"add": list(overrides.added), "remove": list(overrides.removed)}


# who can: people of the account by trying, others by somebody made up who has just what it takes


def _tried(case: Case, ways: list[Way]) -> Remedy:
    """The first way that anybody can go, else why nobody can go the first."""
    found = [_gone(case, way) for way in ways]
    return next((each for each in found if each.by), found[0])


def _gone(case: Case, way: Way) -> Remedy:
    """A way, with all who can go it."""
    reached, refusal = _outcome(way, Giver(_somebody(case, SetName.SUPER_ADMIN)))
    holding = _holding(case, reached)
    people = tuple(each.user for each in case.others() if each.user and _outcome(way, Giver(each))[0])
    by = [Changer(Role.SUPER_ADMIN, people)] if people else []
    for who, standing, needed in _made_up(case, holding):
        member, _ = _outcome(way, standing)
        reached = reached or member
        by += [Changer(who, required_permissions=needed)] if member else []
    if not reached or not by:
        return Remedy(refusal=refusal)
    after = replace(case.presence, actor=replace(case.target, user=case.person, member=reached))
    return Remedy(by=tuple(by), call=way.call, next_rule=case.then(after))


def _outcome(way: Way, giver: Giver) -> tuple[Member | None, Refused | None]:
    try:
        return way.attempt(giver), None
    except Refused as refusal:
        return None, refusal


def _holding(case: Case, reached: Member | None) -> tuple[str, ...]:
    """What somebody has to hold for this: nobody gives what he does not hold, and paid seats are billed."""
    now = case.target.member_at(case.presence.at)
    before = now if now and now.active else None
    if not reached or (reached.grant and not before) or (before and reached.place == before.place):
        return (USERS_MANAGE,)
    was = rights_in(before, case.target.sets) if before else NOTHING
    had = {*before.paid_seats, before.seat} if before else set()
    billing = (BILLING_MANAGE,) if PAID & {*reached.paid_seats, reached.seat} - had else ()
    return tuple(dict.fromkeys((USERS_MANAGE, *billing, *rights_in(reached, case.target.sets).news_to(was))))


def _made_up(case: Case, holding: tuple[str, ...]) -> Iterator[tuple[Role, Giver, tuple[str, ...]]]:
    """Somebody for each capacity who has just what it takes, and what that is."""
    yield Role.USER_MANAGER, Giver(_somebody(case, SetName.VIEW_ONLY, added=holding)), holding
    firm = case.firm
    if firm:
        domain = next(iter(firm.domains), "")
        user = User(user_id="", name="", email=f"@{domain}", employed_by=frozenset({firm.account_id}))
        here = {"partner_id": firm.account_id, "access_generation": tenure_of(user, firm), "added": holding}
        colleague = replace(_somebody(case, SetName.VIEW_ONLY, **here), user=user, firms={firm.account_id: firm})
        yield Role.COLLEAGUE, Giver(colleague), holding
        there = _somebody(case, SetName.SUPER_ADMIN, account_id=firm.account_id)
        yield Role.PARTNER_MANAGER, Giver(NOBODY, there), (CLIENT_ACCESS_MANAGE,)


def _somebody(case: Case, name: str, **more: Any) -> Actor:
    member = {"account_id": case.account.account_id, "user_id": "", "permission_set": name, **more}
    version, since = latest(name), case.presence.at
    return Actor(User(user_id="", name=""), Member(set_version=version, since=since, **member))
