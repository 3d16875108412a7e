"""Requests to the decision API as a policy enforcement point sends them, with any policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from functions.decide_access import app as decide_access
from functions.search_access import app as search_access
from partner_access.api.authzen import App, Policy
from tests.support.gateway import DECIDE, ApiResponse, Context, api_event

ENFORCER: Final = "policy-enforcement-point"
"""The caller."""
EVALUATION, EVALUATIONS = "evaluation", "evaluations"
SUBJECTS, RESOURCES, ACTIONS = "search/subject", "search/resource", "search/action"
ENDPOINTS: Final = (EVALUATION, EVALUATIONS, SUBJECTS, RESOURCES, ACTIONS)
SEARCHES: Final = (SUBJECTS, RESOURCES, ACTIONS)
MAX_PAGES: Final = 200
"""A number of pages that no search in a test exceeds."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DecisionApi:
    """The functions of the decision API with one policy."""

    decision_app: App
    search_app: App

    @classmethod
    def with_policy(cls, policy: Policy) -> Self:
        return cls(decide_access.decision_api(policy), search_access.search_api(policy))

    def request(
        self,
        endpoint: str,
        body: object,
        *,
        caller_id: str = ENFORCER,
        headers: Mapping[str, str | None] | None = None,
        context: Context | None = None,
        **more: Any,
    ) -> ApiResponse:
        """Send a body to one of the endpoints and return the response. Text is sent unchanged."""
        sent = {"idempotency-key": None, **(headers or {})}
        request_event = api_event(f"POST /access/v1/{endpoint}", caller_id, body, headers=sent, scope=DECIDE, **more)
        return self.send(request_event, context)

    def configuration(self, **how: Any) -> ApiResponse:
        """Return the response with the public configuration of the endpoints."""
        return self.send(api_event("GET /.well-known/authzen-configuration", None, **how))

    def send(self, api_event: Mapping[str, Any], context: Context | None = None) -> ApiResponse:
        app = self.search_app if api_event["routeKey"] in self.search_app.routes else self.decision_app
        lambda_response = app(api_event, context or Context())
        return ApiResponse(lambda_response["statusCode"], lambda_response["headers"], lambda_response["body"])

    def decide(self, body: Json) -> bool:
        """Return the decision of one evaluation."""
        answer = self.request(EVALUATION, body)
        assert answer.status == 200, answer
        decision: bool = answer.body["decision"]
        return decision

    def find_all(self, endpoint: str, body: Json, **page: Any) -> list[str]:
        """Return all results of a search over all pages of this size."""
        return [name for found in self.find_pages(endpoint, body, **page) for name in found]

    def find_pages(self, endpoint: str, body: Json, **page: Any) -> list[list[str]]:
        """Return the results of a search by page. Only the first request sets the page size."""
        result_pages: list[list[str]] = []
        while len(result_pages) < MAX_PAGES:
            answer = self.request(endpoint, {**body, "page": page})
            assert answer.status == 200, answer
            result_pages.append([each.get("id") or each["name"] for each in answer.body["results"]])
            assert answer.body["page"]["count"] == len(result_pages[-1])
            page = {"token": answer.body["page"]["next_token"]}
            if not page["token"]:
                return result_pages
        raise AssertionError(f"more than {MAX_PAGES} pages")


DEPLOYED: Final = DecisionApi(decide_access.handler, search_access.handler)
"""The deployed functions, with users, permissions and accounts."""


def subject(user_id: str, kind: str = "user", **properties: object) -> Json:
    return _entity(kind, user_id, properties)


def resource(resource_id: str, kind: str, **properties: object) -> Json:
    return _entity(kind, resource_id, properties)


def action(name: str, **properties: object) -> Json:
    return {"name": name, **({"properties": properties} if properties else {})}


def _entity(kind: str, name: str, properties: Json) -> Json:
    return {"type": kind, "id": name, **({"properties": properties} if properties else {})}
