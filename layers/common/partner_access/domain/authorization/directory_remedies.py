"""Remedies by the vendor's directory: it reopens accounts, reactivates users and partners, and employs people."""

from dataclasses import replace
from typing import Any, Final

from pydantic import JsonValue

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.authorization.access import Rule
from partner_access.domain.authorization.remedies import (
    ChangeableBy,
    Operation,
    OperationCall,
    Remedy,
)
from partner_access.domain.authorization.remedy_cases import RemedyCase, trial_actor
from partner_access.domain.authorization.suggested_edits import smallest_set
from partner_access.domain.memberships.actors import EXPLICIT_SUSPENSIONS
from partner_access.domain.memberships.members import Role
from partner_access.domain.permissions.custom_sets import is_custom
from partner_access.domain.permissions.rights import SetName


def vendor_remedy(case: RemedyCase, rule: Rule) -> Remedy | None:
    """Return the remedy for a rule that only the vendor's directory can change, or None for other rules."""
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
        # The set in the partner account is unknown here, and a membership that was over comes back with a named set.
        call = OperationCall(Operation.PUT_MEMBER, ids, {"permission_set": SetName.VIEW_ONLY.value, "active": True})
        return _directory_remedy(case, call, actor=replace(actor, user=reemployed))
    return _VENDOR_ONLY


def _employment_remedy(case: RemedyCase) -> Remedy:
    """Return the remedy for a partner account. Only the vendor's directory decides on its employees.

    A former employee gets their former set again if it is a default one. The membership is recreated from its set alone (rule 33).
    """
    former = case.stored_member
    if not former:
        name, _ = smallest_set(case.permission)
        call = OperationCall(Operation.PUT_MEMBER, case.member_ids, {"permission_set": name})
        return _directory_remedy(case, call, actor=trial_actor(case, name))
    name = smallest_set(case.permission)[0] if is_custom(former.permission_set) else former.permission_set
    body: dict[str, JsonValue] = {"permission_set": name, "active": True}
    recreated = replace(case.subject.actor, member=trial_actor(case, name).member)
    return _directory_remedy(case, OperationCall(Operation.PUT_MEMBER, case.member_ids, body), actor=recreated)
