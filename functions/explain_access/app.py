"""POST /access/v1/explanations: why somebody may do this here or may not, who could change it, and how."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import JsonValue

from partner_access import api, authzen
from partner_access.authzen import Entity, Evaluation
from partner_access.domain import explanations
from partner_access.domain.access import Rule
from partner_access.domain.accounts import AccountStanding, Kind, Pricing
from partner_access.domain.capacities import Capacity
from partner_access.domain.decisions import Act, Answer
from partner_access.domain.explanations import Explaining, Explanation
from partner_access.domain.members import Seat, Suspension
from partner_access.domain.remedies import ALONE, Call, Changer
from partner_access.policy import SUBJECT, pair_of
from partner_access.representations import Part
from partner_access.store import explanations as stored

app = authzen.App()


class SetNamed(Part):
    id: str
    version: int
    name: str | None


class Because(Part):
    """The facts that the rule looked at."""

    account_kind: Kind | None
    account_state: AccountStanding | None
    user_active: bool | None
    member_active: bool | None
    partner_id: str | None
    expires_at: datetime | None
    suspended_by: tuple[Suspension, ...] | None
    permission_set: SetNamed | None
    added: str | None
    removed: str | None
    restricted: bool | None
    scope: str | None
    needs_seat: Seat | None
    seat: Seat | None
    paid_seats: tuple[Seat, ...] | None
    pricing: Pricing | None


class SomebodyNamed(Part):
    user_id: str
    name: str | None


class ChangerShown(Part):
    """Super admins are named; a user manager, who is of no partner, and a partner's people need to hold all this."""

    role: Capacity
    people: tuple[SomebodyNamed, ...] | None
    required_permissions: tuple[str, ...] | None

    @classmethod
    def of(cls, changer: Changer, *, named: bool) -> Self:
        people = tuple(
            SomebodyNamed(user_id=each.user_id, name=(each.name or None) if named else None) for each in changer.people
        )
        return cls(role=changer.role, people=people or None, required_permissions=changer.required_permissions or None)


class CallShown(Part):
    """The request that would change it; what stands in braces is yours to fill in."""

    method: str
    path: str
    body: Mapping[str, JsonValue] | None
    if_match: str | None

    @classmethod
    def of(cls, call: Call) -> Self:
        tag = None if call.seen is None else f'"{call.seen}"'
        return cls(method=call.method, path=call.path, body=call.body, if_match=tag)


class Explained(Answer):
    """The decision, the rule that took it and the facts behind it; who could change it, by which request.

    With `then`, the request alone does not turn the decision: that rule would take it next.
    """

    decision: bool
    rule: Rule
    facts: Because
    changeable_by: tuple[ChangerShown, ...]
    advice: str
    request: CallShown | None
    next_rule: Rule | None
    as_of: datetime

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        remedy = explanation.remedy
        return cls(
            decision=explanation.verdict.permits,
            rule=explanation.verdict.rule,
            facts=Because.model_validate(asdict(explanation.facts)),
            changeable_by=tuple(ChangerShown.of(each, named=explanation.names_people) for each in remedy.by),
            advice=explanation.advice,
            request=CallShown.of(remedy.call) if remedy.call else None,
            next_rule=remedy.next_rule,
            as_of=explanation.at,
        )


@app.post(
    "/access/v1/explanations",
    api.Docs(
        "explain_access",
        tag=api.Tag.DECISIONS,
        summary="Explain an access decision.",
        description=(
            "You can get explanations about yourself, and about other users in accounts whose users you manage. "
            "Tokens with the decide scope can get any explanation. Nothing is changed."
        ),
    ),
    needs_key=False,
)
def explain_access(evaluation: Evaluation, act: Act) -> Explained:
    subject, resource, permission = evaluation.subject, evaluation.resource, evaluation.action.name
    decides = os.environ["DECIDE_SCOPE"] in act.scopes
    own = None if decides else pair_of(Entity(type=SUBJECT, id=act.by), resource)
    presence, asker = stored.presences(pair_of(subject, resource), own, act=act)
    asked = Explaining(presence, asker, subject.id if subject.type == SUBJECT else "", for_decisions=decides)
    asked.must_be_allowed(act)
    leads = asked.leads_to_people(permission)
    around = stored.surroundings(resource.id, presence) if leads else ALONE
    return Explained.of(explanations.explain(asked, permission, around, act))


handler = app
