"""HTTP handling of the decision API, OpenID AuthZEN Authorization API 1.0, for any policy (integration/authzen.md).

It differs from the rest of the API: unknown fields are ignored, each invalid request is a 400, and an error body is a
sentence.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Final, Protocol, TypeVar

from pydantic import ConfigDict, Field, JsonValue, ValidationError
from typing_extensions import override

from partner_access import telemetry
from partner_access.api import cursors, problems, response_body, routing
from partner_access.api.errors import InvalidCursor
from partner_access.api.request_fields import Request
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import ResponsePart
from partner_access.domain.act import Act
from partner_access.domain.errors import DomainError
from partner_access.lambda_context import Context, Event

MAX_PAGE_SIZE: Final = 100
"""Maximum number of results on a page."""
REPORTED_AS_BAD_REQUEST: Final = frozenset({HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.UNSUPPORTED_MEDIA_TYPE})
"""Statuses of invalid requests in the rest of the API, which this API returns as 400."""

Json = Mapping[str, JsonValue]


class App(routing.App):
    """The operations of one function of the decision API. Responses repeat the X-Request-ID of the request."""

    @override
    def __call__(self, event: Event, context: Context) -> response_body.ApiResponse:
        response = super().__call__(event, context)
        request_id = event["headers"].get("x-request-id")
        return (
            response
            if request_id is None
            else {**response, "headers": {**response["headers"], "x-request-id": request_id}}
        )

    @override
    def error_response(self, error: DomainError, event: Event) -> response_body.ApiResponse:
        telemetry.log_error(error)
        usual_status = problems.status_of(error)
        status = HTTPStatus.BAD_REQUEST if usual_status in REPORTED_AS_BAD_REQUEST else usual_status
        pointers = ", ".join(each["pointer"] for each in problems.field_errors(error))
        sentence = f"{error.detail} ({pointers})" if pointers else error.detail
        return response_body.response(status, json.dumps(sentence, ensure_ascii=False), problems.retry_after(status))


class LenientRequest(Request):
    """A part of a request that ignores unknown fields."""

    model_config = ConfigDict(extra="ignore")


class Action(LenientRequest, title="Action"):
    """The permission to decide on, by name."""

    name: str
    properties: Json = Field(default_factory=dict)


class Entity(LenientRequest, title="Entity"):
    """A subject or a resource."""

    type: str
    id: str
    properties: Json = Field(default_factory=dict)


class EntityType(LenientRequest, title="EntityType"):
    """The type of the subjects or resources to search for. An id would be ignored."""

    type: str
    properties: Json = Field(default_factory=dict)


class EvaluationRequest(LenientRequest, title="EvaluationRequest"):
    """An access request: the subject, the action, and the resource to decide on."""

    subject: Entity
    action: Action
    resource: Entity
    context: Json = Field(default_factory=dict)


class EvaluationsSemantic(StrEnum):
    """The condition on which a batch stops. An error counts as a denial."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"

    def stops_after(self, *, permit: bool) -> bool:
        return self is (
            EvaluationsSemantic.PERMIT_ON_FIRST_PERMIT if permit else EvaluationsSemantic.DENY_ON_FIRST_DENY
        )


class EvaluationsOptions(LenientRequest, title="EvaluationsOptions"):
    """Options of a batch of access requests."""

    evaluations_semantic: EvaluationsSemantic = EvaluationsSemantic.EXECUTE_ALL


class EvaluationsRequest(LenientRequest, title="EvaluationsRequest"):
    """A batch of up to 50 access requests. Each takes missing entities from the top level, as a whole."""

    subject: Json = Field(default_factory=dict)
    action: Json = Field(default_factory=dict)
    resource: Json = Field(default_factory=dict)
    context: Json = Field(default_factory=dict)
    evaluations: Annotated[tuple[Json, ...], Field(max_length=50)] = ()
    options: EvaluationsOptions = EvaluationsOptions()

    @property
    def shared(self) -> dict[str, JsonValue]:
        """The top-level entities of the batch."""
        return self.model_dump(include=self.model_fields_set & EvaluationRequest.model_fields.keys())

    def each(self) -> list[EvaluationRequest | None]:
        """Return the access requests in order, with None for one that is incomplete."""
        return [_read({**self.shared, **each}) for each in self.evaluations]

    def single(self) -> EvaluationRequest:
        """Return the only access request of a request without a batch."""
        return routing.validate(EvaluationRequest, json.dumps(self.shared))


def _read(evaluation: Json) -> EvaluationRequest | None:
    try:
        return EvaluationRequest.model_validate(evaluation)
    except ValidationError:
        return None


class EvaluationResponse(ResponseBody, title="EvaluationResponse"):
    """The access decision. For a permit, the context names the records that it relies on."""

    decision: bool
    context: Json | None = None


INCOMPLETE: Final = EvaluationResponse(
    decision=False,
    context={"error": {"status": HTTPStatus.BAD_REQUEST, "message": "Send the complete subject, action and resource."}},
)


class EvaluationsResponse(ResponseBody, title="EvaluationsResponse"):
    """The access decisions in the order of the requests, up to the one that stopped the batch, or the only one."""

    evaluations: tuple[EvaluationResponse, ...] | None = None
    decision: bool | None = None
    context: Json | None = None


class SearchPageRequest(LenientRequest, title="SearchPageRequest"):
    """The page of results to return: its maximum size, and the token where it starts."""

    token: str | None = None
    limit: Annotated[int, Field(ge=0)] | None = None


class SearchRequest(LenientRequest):
    """Fields of every search."""

    context: Json = Field(default_factory=dict)
    page: SearchPageRequest | None = None

    @property
    def filters(self) -> dict[str, JsonValue]:
        """The search without its page. A token is valid for this search only."""
        return self.model_dump(exclude={"page"})


class SubjectSearchRequest(SearchRequest, title="SubjectSearchRequest"):
    """A search for the subjects that may perform an action on a resource."""

    subject: EntityType
    action: Action
    resource: Entity


class ResourceSearchRequest(SearchRequest, title="ResourceSearchRequest"):
    """A search for the resources on which a subject may perform an action."""

    subject: Entity
    action: Action
    resource: EntityType


class ActionSearchRequest(SearchRequest, title="ActionSearchRequest"):
    """A search for the actions that a subject may perform on a resource."""

    subject: Entity
    resource: Entity


class SearchPageResponse(ResponsePart, title="SearchPageResponse"):
    """The page of a search response. `next_token` is empty on the last page."""

    next_token: str
    count: int


class SearchResultRow(ResponsePart, title="SearchResultRow"):
    """One search result. An action has a name, and a subject or resource has a type and an id."""

    type: str | None = None
    id: str | None = None
    name: str | None = None


class SearchResponse(ResponseBody, title="SearchResponse"):
    """One page of search results, all of which an evaluation would permit.

    A page can have fewer results than its limit and yet not be last.
    """

    page: SearchPageResponse | None
    results: tuple[SearchResultRow, ...]


@dataclass(frozen=True, slots=True)
class FoundNames:
    """Names found by a search, and the name after which the next page starts, None on the last page."""

    names: Sequence[str] = ()
    after: str | None = None


class Policy(Protocol):
    """A policy decision point. A search returns at most `limit` names that sort after `after`."""

    def evaluate(self, evaluations: Sequence[EvaluationRequest], act: Act) -> Sequence[EvaluationResponse]: ...

    def subjects(self, search: SubjectSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames: ...

    def resources(self, search: ResourceSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames: ...

    def actions(self, search: ActionSearchRequest, act: Act, after: str | None, limit: int) -> FoundNames: ...


def evaluate_all(policy: Policy, batch: EvaluationsRequest, act: Act) -> EvaluationsResponse:
    """Evaluate each access request of a batch, or the top-level one if there is no batch."""
    if not batch.evaluations:
        (only,) = policy.evaluate([batch.single()], act)
        return EvaluationsResponse(decision=only.decision, context=only.context)
    evaluations = batch.each()
    decided = iter(policy.evaluate([evaluation for evaluation in evaluations if evaluation], act))
    responses: list[EvaluationResponse] = []
    for evaluation in evaluations:
        responses.append(next(decided) if evaluation else INCOMPLETE)
        if batch.options.evaluations_semantic.stops_after(permit=responses[-1].decision):
            break
    return EvaluationsResponse(evaluations=tuple(responses))


WRONG_PAGE: Final = "This page token isn't valid for you and this search. Start the search again without a token."

SearchT = TypeVar("SearchT", bound=SearchRequest)


def search_page(
    find: Callable[[SearchT, Act, str | None, int], FoundNames], search: SearchT, act: Act
) -> SearchResponse:
    """Return one page of search results, with a token for the next page (integration/authzen.md §3)."""
    limit, after = _position_of(search, act)
    size = MAX_PAGE_SIZE if limit is None else min(limit, MAX_PAGE_SIZE)
    found = find(search, act, after, max(size, 1))
    if size == 0 and found.names:
        # No result is asked for, and this is where the first one is.
        found, has_more, next_after = FoundNames(), True, after
    else:
        has_more, next_after = found.after is not None, found.after
    token = (
        cursors.encrypt(json.dumps([limit, next_after]), search.filters, type(search).__name__, act) if has_more else ""
    )
    page = SearchPageResponse(next_token=token, count=len(found.names)) if search.page or has_more else None
    return SearchResponse(page=page, results=tuple(_result(search, name) for name in found.names))


def _position_of(search: SearchRequest, act: Act) -> tuple[int | None, str | None]:
    """Return the limit of the first page, and the name after which this page starts.

    Only the request for the first page can set a limit.
    """
    window = search.page or SearchPageRequest()
    if not window.token:
        return window.limit, None
    try:
        limit, after = json.loads(cursors.decrypt(window.token, search.filters, type(search).__name__, act))
    except InvalidCursor as invalid:
        raise invalid.with_detail(WRONG_PAGE) from invalid
    if window.limit not in (None, limit):
        raise InvalidCursor().with_detail(WRONG_PAGE)
    return limit, after


def _result(search: SearchRequest, name: str) -> SearchResultRow:
    match search:
        case SubjectSearchRequest():
            return SearchResultRow(type=search.subject.type, id=name)
        case ResourceSearchRequest():
            return SearchResultRow(type=search.resource.type, id=name)
    return SearchResultRow(name=name)


class ConfigurationResponse(ResponseBody, title="ConfigurationResponse"):
    """The endpoints of the policy decision point, for discovery."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str
    search_resource_endpoint: str
    search_action_endpoint: str


def configuration(origin: str) -> ConfigurationResponse:
    """Return the endpoints under this origin, which comes from the configuration and never from a header."""
    at: dict[str, Any] = {
        "access_evaluation_endpoint": "evaluation",
        "access_evaluations_endpoint": "evaluations",
        "search_subject_endpoint": "search/subject",
        "search_resource_endpoint": "search/resource",
        "search_action_endpoint": "search/action",
    }
    return ConfigurationResponse(
        policy_decision_point=origin, **{name: f"{origin}/access/v1/{path}" for name, path in at.items()}
    )
