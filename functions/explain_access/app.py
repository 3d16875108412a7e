"""The reason for an access decision, who could change it, and how."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Self
from urllib.parse import quote

from pydantic import JsonValue

from partner_access import settings, user_ids
from partner_access.api import authzen, routing
from partner_access.api.authzen import Entity, EvaluationRequest
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import ResponsePart
from partner_access.api.routes import ROUTES
from partner_access.authzen_policy import SUBJECT_TYPE, pair_of
from partner_access.domain.accounts import AccountKind, AccountState, Pricing
from partner_access.domain.act import Act
from partner_access.domain.authorization import explanations
from partner_access.domain.authorization.access import Rule
from partner_access.domain.authorization.explanations import Explanation, ExplanationFacts
from partner_access.domain.authorization.remedies import NO_RELATED_ACTORS, ChangeableBy, OperationCall
from partner_access.domain.memberships.members import Role, Seat, SuspensionReason
from partner_access.store.authorization import explanations as stored

app = authzen.App()


class PermissionSetRef(ResponsePart, title="PermissionSetRef"):
    """A permission set in one version. Only custom sets have a name."""

    id: str
    version: int
    name: str | None


class RuleFactsResponse(ResponsePart, title="RuleFactsResponse"):
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


class SuperAdminRef(ResponsePart, title="SuperAdminRef"):
    """A super admin of the account."""

    user_id: str
    name: str | None


class ChangeableByResponse(ResponsePart, title="ChangeableByResponse"):
    """A role that can change the decision.

    Super admins are listed in `people`. User managers and partner members need all of `required_permissions`.
    """

    role: Role
    people: tuple[SuperAdminRef, ...]
    required_permissions: tuple[str, ...]

    @classmethod
    def of(cls, changer: ChangeableBy, *, with_names: bool) -> Self:
        people = tuple(
            SuperAdminRef(user_id=each.user_id, name=(each.name or None) if with_names else None)
            for each in changer.users
        )
        return cls(role=changer.role, people=people, required_permissions=changer.required_permissions)


class OperationCallResponse(ResponsePart, title="OperationCallResponse"):
    """The request that would change the decision. Fill in the values in braces."""

    method: str
    path: str
    body: Mapping[str, JsonValue] | None
    if_match: str | None

    @classmethod
    def of(cls, call: OperationCall) -> Self:
        method, _, path = ROUTES[call.operation].partition(" ")
        tag = None if call.expected_version is None else f'"{call.expected_version}"'
        return cls(method=method, path=path.format(**_segments(call.ids)), body=call.body, if_match=tag)


def _segments(ids: Mapping[str, str]) -> Mapping[str, str]:
    """Return the ids as segments of a path. Placeholders in braces stay."""
    return {
        name: quote(user_ids.to_path(each) if name == "user_id" else each, safe="@:{}") for name, each in ids.items()
    }


class ExplanationResponse(ResponseBody, title="ExplanationResponse"):
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
            decision=explanation.decision.permits,
            rule=explanation.decision.rule,
            facts=RuleFactsResponse.model_validate(asdict(explanation.facts)),
            changeable_by=tuple(
                ChangeableByResponse.of(each, with_names=explanation.names_people) for each in remedy.changeable_by
            ),
            advice=explanation.advice,
            request=OperationCallResponse.of(remedy.call) if remedy.call else None,
            next_rule=remedy.next_rule,
            as_of=explanation.at,
        )


@app.operation(
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
    has_decide_scope = settings.decide_scope() in act.scopes
    caller_pair = None if has_decide_scope else pair_of(Entity(type=SUBJECT_TYPE, id=act.actor_id), resource)
    subject_facts, caller_facts = stored.access_facts(pair_of(subject, resource), caller_pair, act=act)
    explanation_facts = ExplanationFacts(
        subject_facts, caller_facts, subject.id if subject.type == SUBJECT_TYPE else "", for_decisions=has_decide_scope
    )
    explanation_facts.must_be_allowed(act)
    needs_actors = explanation_facts.needs_related_actors(permission)
    related_actors = stored.related_actors(resource.id, subject_facts) if needs_actors else NO_RELATED_ACTORS
    return ExplanationResponse.of(explanations.explain(explanation_facts, permission, related_actors, act))


handler = app
