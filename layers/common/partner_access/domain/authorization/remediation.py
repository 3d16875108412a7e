"""Remedies for an access decision: the requests that would turn it, and the roles that can make them.

Each option is tried without a write, by the rules of its operation.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from pydantic import JsonValue

from partner_access.domain.accounts import Account
from partner_access.domain.authorization.access import Rule, decide
from partner_access.domain.authorization.directory_remedies import vendor_remedy
from partner_access.domain.authorization.remedies import (
    NO_REMEDY,
    ChangeableBy,
    Operation,
    OperationCall,
    Remedy,
)
from partner_access.domain.authorization.remedy_cases import RemedyCase, TrialActor, trial_actor
from partner_access.domain.authorization.shown_advice import advice_of
from partner_access.domain.authorization.suggested_edits import narrowing_edits, smallest_set, widening_edits
from partner_access.domain.errors import DomainError
from partner_access.domain.memberships import creations, edits, suspensions
from partner_access.domain.memberships.actors import NO_ACTOR
from partner_access.domain.memberships.creations import MemberCreationFacts, NewMember
from partner_access.domain.memberships.effective_rights import effective_rights_of
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import PAID_SEATS, Member, Role, Seat, SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import (
    BILLING_MANAGE,
    CLIENT_ACCESS_MANAGE,
    NO_OVERRIDES,
    NO_RIGHTS,
    USERS_MANAGE,
    Overrides,
    SetName,
)
from partner_access.domain.users import User, access_generation_of

EMAIL_PLACEHOLDER: Final = "{email}"
"""A placeholder for the person's email address, which stays hidden."""
UNCHANGEABLE_RULES: Final = frozenset({Rule.UNKNOWN_PERMISSION, Rule.PARTNER_ACCOUNTS_ONLY, Rule.RESTRICTED})
"""The rules that no operation can change the outcome of."""


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
    by_vendor = vendor_remedy(case, rule)
    if by_vendor:
        return by_vendor
    return _first_possible(case, list(_options(case, rule)))


def needs_people(rule: Rule) -> bool:
    """Return whether the other people in the account matter to this rule."""
    return rule not in UNCHANGEABLE_RULES | {Rule.ACCOUNT_CLOSED, Rule.USER_DEACTIVATED, Rule.UNKNOWN_SET}


# Options of people, the most likely first


def _options(case: RemedyCase, rule: Rule) -> Iterator[RemedyOption]:
    actor, at = case.target, case.subject.at
    now = actor.member_at(at)
    if not now or not now.active:
        if now and SuspensionReason.CLIENT in now.suspended_by:
            yield _resume_option(case)
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
        body["overrides"] = _overrides_json(edit.overrides)
    if edit.paid_seats is not None:
        body["paid_seats"] = [seat.value for seat in edit.paid_seats]
    return RemedyOption(OperationCall(Operation.EDIT_USER, case.member_ids, body, expected_version), attempt)


def _overrides_json(overrides: Overrides) -> dict[str, JsonValue]:
    return {"add": list(overrides.added), "remove": list(overrides.removed)}


# Roles: super admins try the option one by one. A trial actor with the required permissions stands for other roles.


def _first_possible(case: RemedyCase, options: list[RemedyOption]) -> Remedy:
    """Return the first option that someone can use, or the reason why nobody can use one.

    A reason with advice that an admin can follow comes before one without.
    """
    remedies = [_remedy_of(case, option) for option in options]
    possible = (each for each in remedies if each.changeable_by)
    resolvable = (each for each in remedies if advice_of(each.error))
    return next(chain(possible, resolvable), remedies[0])


def _remedy_of(case: RemedyCase, option: RemedyOption) -> Remedy:
    """Return the remedy of one option, with all roles that can use it."""
    reached, error = _try_option(option, TrialActor(trial_actor(case, SetName.SUPER_ADMIN)))
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
    if (
        not reached
        or not reached.active
        or (reached.grant and not before)
        or (before and reached.assignment == before.assignment)
    ):
        return (USERS_MANAGE,)
    rights_before = effective_rights_of(before, case.target.sets) if before else NO_RIGHTS
    seats_before = {*before.paid_seats, before.seat} if before else set()
    billing = (BILLING_MANAGE,) if PAID_SEATS & {*reached.paid_seats, reached.seat} - seats_before else ()
    gained = effective_rights_of(reached, case.target.sets).written_wider_than(rights_before)
    return tuple(dict.fromkeys((USERS_MANAGE, *billing, *gained)))


def _trial_actors(case: RemedyCase, required: tuple[str, ...]) -> Iterator[tuple[Role, TrialActor, tuple[str, ...]]]:
    """Yield a trial actor for each role with exactly the required permissions, and those permissions."""
    yield Role.USER_MANAGER, TrialActor(trial_actor(case, SetName.VIEW_ONLY, added=required)), required
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
            trial_actor(case, SetName.VIEW_ONLY, **assignment), user=user, partners={partner.account_id: partner}
        )
        yield Role.COLLEAGUE, TrialActor(colleague), required
        manager = trial_actor(case, SetName.SUPER_ADMIN, account_id=partner.account_id)
        yield Role.PARTNER_MANAGER, TrialActor(NO_ACTOR, manager), (CLIENT_ACCESS_MANAGE,)
