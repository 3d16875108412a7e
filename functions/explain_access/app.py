"""POST /access/v1/explanations: why somebody may do this here or may not, who could change it, and how."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import JsonValue

from partner_access.api import authzen, routing
from partner_access.api.authzen import Entity, EvaluationRequest
from partner_access.api.response_body import Answer
from partner_access.api.responses import Part
from partner_access.authzen_policy import SUBJECT, pair_of
from partner_access.domain.accounts import AccountKind, AccountState, Pricing
from partner_access.domain.act import Act
from partner_access.domain.authorization import explanations
from partner_access.domain.authorization.access import Rule
from partner_access.domain.authorization.explanations import Explaining, Explanation
from partner_access.domain.authorization.remediation import ALONE, Call, Changer
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.memberships.roles import Role
from partner_access.store.authorization import explanations as stored

app = authzen.App()


class PermissionSetRef(Part, title="PermissionSetRef"):
    """A permission set in one version. Only custom sets have a name."""

    id: str
    version: int
    name: str | None


class RuleFactsResponse(Part, title="RuleFactsResponse"):
    """The facts that the rule relied on."""

    account_kind: AccountKind | None
    account_state: AccountState | None
    user_active: bool | None
    member_active: bool | None
    partner_id: str | None
    expires_at: datetime | None
    suspended_by: tuple[SuspensionReason, ...] | None
    permission_set: PermissionSetRef | None
    added: str | None
    removed: str | None
    restricted: bool | None
    scope: str | None
    needs_seat: Seat | None
    seat: Seat | None
    paid_seats: tuple[Seat, ...] | None
    pricing: Pricing | None


class SuperAdminRef(Part, title="SuperAdminRef"):
    """A super admin of the account."""

    user_id: str
    name: str | None


class ChangeableByResponse(Part, title="ChangeableByResponse"):
    """A role that can change the decision.

    Super admins are listed in `people`. User managers and partner members need all of `required_permissions`.
    """

    role: Role
    people: tuple[SuperAdminRef, ...] | None
    required_permissions: tuple[str, ...] | None

    @classmethod
    def of(cls, changer: Changer, *, named: bool) -> Self:
        people = tuple(
            SuperAdminRef(user_id=each.user_id, name=(each.name or None) if named else None) for each in changer.people
        )
        return cls(role=changer.role, people=people or None, required_permissions=changer.required_permissions or None)


class OperationCallResponse(Part, title="OperationCallResponse"):
    """The request that would change the decision. Fill in the values in braces."""

    method: str
    path: str
    body: Mapping[str, JsonValue] | None
    if_match: str | None

    @classmethod
    def of(cls, call: Call) -> Self:
        tag = None if call.seen is None else f'"{call.seen}"'
        return cls(method=call.method, path=call.path, body=call.body, if_match=tag)


class ExplanationResponse(Answer, title="ExplanationResponse"):
    """The access decision, the rule and facts behind it, who could change it, and the request for that.

    If `next_rule` is present, the request alone does not change the decision, because that rule would decide next.
    """

    decision: bool
    rule: Rule
    facts: RuleFactsResponse
    changeable_by: tuple[ChangeableByResponse, ...]
    advice: str
    request: OperationCallResponse | None
    next_rule: Rule | None
    as_of: datetime

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        remedy = explanation.remedy
        return cls(
            decision=explanation.verdict.permits,
            rule=explanation.verdict.rule,
            facts=RuleFactsResponse.model_validate(asdict(explanation.facts)),
            changeable_by=tuple(ChangeableByResponse.of(each, named=explanation.names_people) for each in remedy.by),
            advice=explanation.advice,
            request=OperationCallResponse.of(remedy.call) if remedy.call else None,
            next_rule=remedy.next_rule,
            as_of=explanation.at,
        )


@app.post(
    "/access/v1/explanations",
    routing.Docs(
        "explain_access",
        tag=routing.Tag.DECISIONS,
        summary="Explain an access decision.",
        description=(
            "You can get explanations about yourself, and about other users in accounts whose users you manage. "
            "Tokens with the decide scope can get any explanation. Nothing is changed."
        ),
    ),
    needs_key=False,
)
def explain_access(evaluation: EvaluationRequest, act: Act) -> ExplanationResponse:
    subject, resource, permission = evaluation.subject, evaluation.resource, evaluation.action.name
    decides = os.environ["DECIDE_SCOPE"] in act.scopes
    own = None if decides else pair_of(Entity(type=SUBJECT, id=act.by), resource)
    presence, asker = stored.presences(pair_of(subject, resource), own, act=act)
    asked = Explaining(presence, asker, subject.id if subject.type == SUBJECT else "", for_decisions=decides)
    asked.must_be_allowed(act)
    leads = asked.leads_to_people(permission)
    around = stored.surroundings(resource.id, presence) if leads else ALONE
    return ExplanationResponse.of(explanations.explain(asked, permission, around, act))


handler = app
