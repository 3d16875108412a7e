"""Remedies for an access decision: the requests that would turn it, and the roles that can make them.

Each option is tried without a write, by the rules of its operation.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import JsonValue

from partner_access.domain.accounts import Account, AccountState, Program
from partner_access.domain.act import Act
from partner_access.domain.authorization.access import AccessFacts, Rule, decide
from partner_access.domain.authorization.remedies import (
    NO_REMEDY,
    ChangeableBy,
    Operation,
    OperationCall,
    RelatedActors,
    Remedy,
)
from partner_access.domain.authorization.suggested_edits import narrowing_edits, smallest_set, widening_edits
from partner_access.domain.errors import DomainError
from partner_access.domain.memberships import creations, edits, suspensions
from partner_access.domain.memberships.actors import EXPLICIT_SUSPENSIONS, NO_ACTOR, Actor
from partner_access.domain.memberships.creations import MemberCreationFacts, NewMember
from partner_access.domain.memberships.edits import MemberEdit
from partner_access.domain.memberships.effective_rights import effective_rights_of
from partner_access.domain.memberships.members import PAID_SEATS, Member, Seat
from partner_access.domain.memberships.roles import MembershipFacts, Role
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import (
    BILLING_MANAGE,
    CLIENT_ACCESS_MANAGE,
    NO_OVERRIDES,
    NO_RIGHTS,
    USERS_MANAGE,
    Overrides,
    SetName,
    latest_version,
)
from partner_access.domain.users import User, access_generation_of

EMAIL_PLACEHOLDER: Final = "{email}"
"""A placeholder for the person's email address, which stays hidden."""
UNCHANGEABLE_RULES: Final = frozenset({Rule.UNKNOWN_PERMISSION, Rule.PARTNER_ACCOUNTS_ONLY, Rule.RESTRICTED})
"""The rules that no operation can change the outcome of."""


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


Attempt = Callable[[TrialActor], Member | None]
"""A function from an actor to the membership after their request. It raises the same errors as the operation."""


@dataclass(frozen=True, slots=True)
class RemedyOption:
    """A request that could change the decision, and a function that returns the membership after it."""

    call: OperationCall
    attempt: Attempt


def remedy(case: RemedyCase) -> Remedy:
    """Return a request that changes the fact behind the decision, if an operation can."""
    rule = decide(case.subject, case.permission).rule
    if rule in UNCHANGEABLE_RULES:
        return NO_REMEDY
    by_vendor = _vendor_remedy(case, rule)
    if by_vendor:
        return by_vendor
    return _first_possible(case, list(_options(case, rule)))


def needs_people(rule: Rule) -> bool:
    """Return whether the other people in the account matter to this rule."""
    return rule not in UNCHANGEABLE_RULES | {Rule.ACCOUNT_CLOSED, Rule.USER_DEACTIVATED, Rule.UNKNOWN_SET}


# Remedies by the vendor's directory


def _vendor_remedy(case: RemedyCase, rule: Rule) -> Remedy | None:
    actor, account = case.subject.actor, case.account
    match rule:
        case Rule.ACCOUNT_CLOSED:
            reopened = account.model_copy(update={"state": AccountState.ACTIVE})
            call = OperationCall(Operation.PUT_ACCOUNT, {"account_id": account.account_id}, {"state": "active"})
            return _directory_remedy(case, call, account=reopened)
        case Rule.USER_DEACTIVATED if actor.user and actor.user.email:
            reactivated = actor.user.model_copy(update={"active": True})
            call = OperationCall(Operation.PUT_USER, {"user_id": case.user_id}, {"active": True})
            return _directory_remedy(case, call, actor=replace(actor, user=reactivated))
        case Rule.USER_DEACTIVATED | Rule.UNKNOWN_SET:
            return _VENDOR_ONLY
        case Rule.SUSPENDED:
            return _partner_suspension_remedy(case)
        case Rule.NOT_A_MEMBER | Rule.MEMBER_DEACTIVATED if account.is_partner:
            return _employment_remedy(case)
    return None


_VENDOR_ONLY: Final = Remedy(changeable_by=(ChangeableBy(Role.VENDOR),))


def _directory_remedy(case: RemedyCase, call: OperationCall, **after: Any) -> Remedy:
    return replace(_VENDOR_ONLY, call=call, next_rule=case.next_rule(replace(case.subject, **after)))


def _partner_suspension_remedy(case: RemedyCase) -> Remedy | None:
    """Return the remedy for a suspension that follows from the user or the program.

    Return None while the client or the partner has a suspension of its own to lift first.
    """
    actor, at = case.subject.actor, case.subject.at
    partner, now, user = actor.partner_at(at), actor.member_at(at), actor.user
    if not partner or not now or not user or now.suspended_by & EXPLICIT_SUSPENSIONS:
        return None
    if not partner.is_in_program:
        body: dict[str, JsonValue] = {}
        if partner.program is not Program.ACTIVE:
            body["program"] = "active"
        if partner.state is not AccountState.ACTIVE:
            body["state"] = "active"
        reactivated = partner.model_copy(update={"program": Program.ACTIVE, "state": AccountState.ACTIVE})
        after = replace(actor, partners={**actor.partners, partner.account_id: reactivated})
        call = OperationCall(Operation.PUT_ACCOUNT, {"account_id": partner.account_id}, body)
        return _directory_remedy(case, call, actor=after)
    if partner.account_id not in user.employed_by:
        reemployed = user.model_copy(update={"employed_by": user.employed_by | {partner.account_id}})
        ids = {"account_id": partner.account_id, "user_id": case.user_id}
        call = OperationCall(Operation.PUT_MEMBER, ids, {"active": True})
        return _directory_remedy(case, call, actor=replace(actor, user=reemployed))
    return _VENDOR_ONLY


def _employment_remedy(case: RemedyCase) -> Remedy:
    """Return the remedy for a partner account. Only the vendor's directory decides on its employees."""
    if not case.stored_member:
        name, _ = smallest_set(case.permission)
        call = OperationCall(Operation.PUT_MEMBER, case.member_ids, {"permission_set": name})
        return _directory_remedy(case, call, actor=_trial_actor(case, name))
    reactivated = replace(case.subject.actor, member=case.stored_member.model_copy(update={"active": True}))
    return _directory_remedy(
        case, OperationCall(Operation.PUT_MEMBER, case.member_ids, {"active": True}), actor=reactivated
    )


# Options of people, the most likely first


def _options(case: RemedyCase, rule: Rule) -> Iterator[RemedyOption]:
    actor, at = case.target, case.subject.at
    now = actor.member_at(at)
    if not now or not now.active:
        yield from _creation_options(case)
    elif rule is Rule.SUSPENDED:
        yield _resume_option(case)
    elif rule in {Rule.IN_SET, Rule.ADDED}:
        yield from (_edit_option(case, edit) for edit in narrowing_edits(now, actor.sets, case.permission))
    else:
        yield from (_edit_option(case, edit) for edit in widening_edits(case.account, now, actor.sets, case.permission))


def _creation_options(case: RemedyCase) -> Iterator[RemedyOption]:
    """Yield the creations that add the person.

    A former partner admin becomes one again. Everyone else gets a set with the permission.
    """
    stored = case.stored_member
    if stored and (stored.grant or stored.permission_set == SetName.PARTNER_ADMIN):
        for partner in case.partners:
            yield _creation_option(case, NewMember(permission_set=SetName.PARTNER_ADMIN), partner)
        return
    name, overrides = smallest_set(case.permission)
    paid = catalogue.PAID_FEATURE_SEATS.get(case.permission)
    yield _creation_option(case, NewMember(permission_set=name, overrides=overrides, seat=Seat(paid) if paid else None))


def _creation_option(case: RemedyCase, new_member: NewMember, partner: Account | None = None) -> RemedyOption:
    def attempt(trial: TrialActor) -> Member:
        facts = MemberCreationFacts(
            account=case.account,
            creator=trial.actor,
            person=case.person,
            target=case.target,
            partner=partner,
        )
        return creations.create(facts, new_member, case.act_as(trial)).member

    body: dict[str, JsonValue] = {"email": EMAIL_PLACEHOLDER, "permission_set": str(new_member.permission_set)}
    if partner:
        body["partner_id"] = partner.account_id
    if new_member.overrides != NO_OVERRIDES:
        body["permissions"] = _overrides_json(new_member.overrides)
    if new_member.seat:
        body["seat"] = new_member.seat.value
    return RemedyOption(OperationCall(Operation.CREATE_USER, {"account_id": case.account.account_id}, body), attempt)


def _resume_option(case: RemedyCase) -> RemedyOption:
    def attempt(trial: TrialActor) -> Member | None:
        resumed = suspensions.resume(case.membership_facts(trial), case.act_as(trial))
        return resumed.member if resumed else None

    return RemedyOption(OperationCall(Operation.RESUME_USER, case.member_ids), attempt)


def _edit_option(case: RemedyCase, edit: MemberEdit) -> RemedyOption:
    expected_version = case.stored_member.version if case.stored_member else 0

    def attempt(trial: TrialActor) -> Member | None:
        edited = edits.edit(case.membership_facts(trial), edit, expected_version, case.act_as(trial))
        return edited.member if edited else None

    body: dict[str, JsonValue] = {}
    if edit.permission_set:
        body["permission_set"] = str(edit.permission_set)
    if edit.overrides is not None:
        body["permissions"] = _overrides_json(edit.overrides)
    if edit.paid_seats is not None:
        body["paid_seats"] = [seat.value for seat in edit.paid_seats]
    return RemedyOption(OperationCall(Operation.EDIT_USER, case.member_ids, body, expected_version), attempt)


def _overrides_json(overrides: Overrides) -> dict[str, JsonValue]:
    return {"add": list(overrides.added), "remove": list(overrides.removed)}


# Roles: super admins try the option one by one. A trial actor with the required permissions stands for other roles.


def _first_possible(case: RemedyCase, options: list[RemedyOption]) -> Remedy:
    """Return the first option that someone can use, or the reason why nobody can use the first one."""
    remedies = [_remedy_of(case, option) for option in options]
    return next((each for each in remedies if each.changeable_by), remedies[0])


def _remedy_of(case: RemedyCase, option: RemedyOption) -> Remedy:
    """Return the remedy of one option, with all roles that can use it."""
    reached, error = _try_option(option, TrialActor(_trial_actor(case, SetName.SUPER_ADMIN)))
    required = _required_permissions(case, reached)
    people = tuple(
        each.user for each in case.other_super_admins() if each.user and _try_option(option, TrialActor(each))[0]
    )
    changeable_by = [ChangeableBy(Role.SUPER_ADMIN, people)] if people else []
    for role, trial, needed in _trial_actors(case, required):
        member, _ = _try_option(option, trial)
        reached = reached or member
        changeable_by += [ChangeableBy(role, required_permissions=needed)] if member else []
    if not reached or not changeable_by:
        return Remedy(error=error)
    after = replace(case.subject, actor=replace(case.target, user=case.person, member=reached))
    return Remedy(changeable_by=tuple(changeable_by), call=option.call, next_rule=case.next_rule(after))


def _try_option(option: RemedyOption, trial: TrialActor) -> tuple[Member | None, DomainError | None]:
    try:
        return option.attempt(trial), None
    except DomainError as error:
        return None, error


def _required_permissions(case: RemedyCase, reached: Member | None) -> tuple[str, ...]:
    """Return the permissions that a person must hold for this change.

    They can only grant permissions that they hold. Paid seats also require the billing permission.
    """
    now = case.target.member_at(case.subject.at)
    before = now if now and now.active else None
    if not reached or (reached.grant and not before) or (before and reached.assignment == before.assignment):
        return (USERS_MANAGE,)
    rights_before = effective_rights_of(before, case.target.sets) if before else NO_RIGHTS
    seats_before = {*before.paid_seats, before.seat} if before else set()
    billing = (BILLING_MANAGE,) if PAID_SEATS & {*reached.paid_seats, reached.seat} - seats_before else ()
    gained = effective_rights_of(reached, case.target.sets).written_wider_than(rights_before)
    return tuple(dict.fromkeys((USERS_MANAGE, *billing, *gained)))


def _trial_actors(case: RemedyCase, required: tuple[str, ...]) -> Iterator[tuple[Role, TrialActor, tuple[str, ...]]]:
    """Yield a trial actor for each role with exactly the required permissions, and those permissions."""
    yield Role.USER_MANAGER, TrialActor(_trial_actor(case, SetName.VIEW_ONLY, added=required)), required
    partner = case.partner
    if partner:
        domain = next(iter(partner.domains), "")
        user = User(user_id="", name="", email=f"@{domain}", employed_by=frozenset({partner.account_id}))
        assignment = {
            "partner_id": partner.account_id,
            "access_generation": access_generation_of(user, partner),
            "added": required,
        }
        colleague = replace(
            _trial_actor(case, SetName.VIEW_ONLY, **assignment), user=user, partners={partner.account_id: partner}
        )
        yield Role.COLLEAGUE, TrialActor(colleague), required
        manager = _trial_actor(case, SetName.SUPER_ADMIN, account_id=partner.account_id)
        yield Role.PARTNER_MANAGER, TrialActor(NO_ACTOR, manager), (CLIENT_ACCESS_MANAGE,)


def _trial_actor(case: RemedyCase, name: str, **fields: Any) -> Actor:
    member = {"account_id": case.account.account_id, "user_id": "", "permission_set": name, **fields}
    version, since = latest_version(name), case.subject.at
    return Actor(User(user_id="", name=""), Member(set_version=version, since=since, **member))
