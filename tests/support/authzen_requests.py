"""Asking the decision API as a policy enforcement point does, whatever policy answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from functions.decide_access import app as decide_access
from functions.search_access import app as search_access
from partner_access.api.authzen import App, Policy
from tests.support.gateway import DECIDE, Answer, Context, event

ENFORCER: Final = "policy-enforcement-point"
"""Who asks."""
EVALUATION, EVALUATIONS = "evaluation", "evaluations"
SUBJECTS, RESOURCES, ACTIONS = "search/subject", "search/resource", "search/action"
QUESTIONS: Final = (EVALUATION, EVALUATIONS, SUBJECTS, RESOURCES, ACTIONS)
SEARCHES: Final = (SUBJECTS, RESOURCES, ACTIONS)
ENDLESS: Final = 200
"""More pages than any search of a test has."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Door:
    """The functions that take questions, over one policy."""

    decisions: App
    searches: App

    @classmethod
    def of(cls, policy: Policy) -> Self:
        return cls(decide_access.decision_point(policy), search_access.search_point(policy))

    def ask(
        self,
        what: str,
        body: object,
        *,
        by: str = ENFORCER,
        headers: Mapping[str, str | None] | None = None,
        context: Context | None = None,
        **more: Any,
    ) -> Answer:
        """The answer to a body at one of the endpoints; text is sent as it stands."""
        sent = {"idempotency-key": None, **(headers or {})}
        made = event(f"POST /access/v1/{what}", by, body, headers=sent, scope=DECIDE, **more)
        return self.send(made, context)

    def configuration(self, **how: Any) -> Answer:
        """What is told of the endpoints to anybody."""
        return self.send(event("GET /.well-known/authzen-configuration", None, **how))

    def send(self, made: Mapping[str, Any], context: Context | None = None) -> Answer:
        app = self.searches if made["routeKey"] in self.searches.routes else self.decisions
        answer = app(made, context or Context())
        return Answer(answer["statusCode"], answer["headers"], answer["body"])

    def decides(self, body: Json) -> bool:
        """The bare decision."""
        answer = self.ask(EVALUATION, body)
        assert answer.status == 200, answer
        decision: bool = answer.body["decision"]
        return decision

    def finds(self, what: str, body: Json, **page: Any) -> list[str]:
        """All that a search finds, through all pages of this size."""
        return [name for found in self.pages(what, body, **page) for name in found]

    def pages(self, what: str, body: Json, **page: Any) -> list[list[str]]:
        """What each page of a search holds; only the first says how long they are."""
        found: list[list[str]] = []
        while len(found) < ENDLESS:
            answer = self.ask(what, {**body, "page": page})
            assert answer.status == 200, answer
            found.append([each.get("id") or each["name"] for each in answer.body["results"]])
            assert answer.body["page"]["count"] == len(found[-1])
            page = {"token": answer.body["page"]["next_token"]}
            if not page["token"]:
                return found
        raise AssertionError(f"more than {ENDLESS} pages")


SHIPPED: Final = Door(decide_access.handler, search_access.handler)
"""What is deployed: users, permissions and accounts."""


def subject(user_id: str, kind: str = "user", **properties: object) -> Json:
    return _entity(kind, user_id, properties)


def resource(resource_id: str, kind: str, **properties: object) -> Json:
    return _entity(kind, resource_id, properties)


def action(name: str, **properties: object) -> Json:
    return {"name": name, **({"properties": properties} if properties else {})}


def _entity(kind: str, name: str, properties: Json) -> Json:
    return {"type": kind, "id": name, **({"properties": properties} if properties else {})}
