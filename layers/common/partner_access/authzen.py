"""The edge of the decision API, OpenID AuthZEN Authorization API 1.0, over whatever policy decides (authzen.md).

Apart from the rest of the API: unknown fields are ignored, every fault of a request is a 400, an error is a sentence.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Final, Protocol, TypeVar

from pydantic import ConfigDict, Field, JsonValue, ValidationError
from typing_extensions import override

from partner_access import api, cursors, telemetry
from partner_access.bodies import Event
from partner_access.context import Context
from partner_access.domain.decisions import Act, Answer
from partner_access.domain.refusals import InvalidCursor, Refused
from partner_access.fields import Request
from partner_access.representations import Part

AT_MOST: Final = 100
"""How many results a page has, whoever asks for more."""
OF_THE_REQUEST: Final = frozenset({HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.UNSUPPORTED_MEDIA_TYPE})
"""Other APIs tell these faults apart; this one says 400."""

Json = Mapping[str, JsonValue]


class App(api.App):
    """The operations of one function of the decision API; who asks finds his X-Request-ID in the answer."""

    @override
    def __call__(self, event: Event, context: Context) -> api.Response:
        response = super().__call__(event, context)
        named = event["headers"].get("x-request-id")
        return response if named is None else {**response, "headers": {**response["headers"], "x-request-id": named}}

    @override
    def refused(self, refusal: Refused, event: Event) -> api.Response:
        telemetry.refused(refusal)
        told = api.status_of(refusal)
        status = HTTPStatus.BAD_REQUEST if told in OF_THE_REQUEST else told
        at_fault = ", ".join(each["pointer"] for each in refusal.errors)
        sentence = f"{refusal.detail} ({at_fault})" if at_fault else refusal.detail
        return api.response(status, json.dumps(sentence, ensure_ascii=False), api.retry_after(status))


class Asked(Request):
    """Part of a question; what is not known of it is passed over."""

    model_config = ConfigDict(extra="ignore")


class Action(Asked):
    name: str
    properties: Json = Field(default_factory=dict)


class Entity(Asked):
    """A subject or a resource."""

    type: str
    id: str
    properties: Json = Field(default_factory=dict)


class Sought(Asked):
    """Subjects or resources that are searched for: an id would be passed over."""

    type: str
    properties: Json = Field(default_factory=dict)


class Evaluation(Asked):
    """Whether this subject may do this to this resource."""

    subject: Entity
    action: Action
    resource: Entity
    context: Json = Field(default_factory=dict)


class Semantic(StrEnum):
    """When a batch stops; an error counts as a denial."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"

    def stops_after(self, *, permit: bool) -> bool:
        return self is (Semantic.PERMIT_ON_FIRST_PERMIT if permit else Semantic.DENY_ON_FIRST_DENY)


class Options(Asked):
    evaluations_semantic: Semantic = Semantic.EXECUTE_ALL


class Evaluations(Asked):
    """Up to 50 questions; each takes from the top what it does not say itself, as a whole."""

    subject: Json = Field(default_factory=dict)
    action: Json = Field(default_factory=dict)
    resource: Json = Field(default_factory=dict)
    context: Json = Field(default_factory=dict)
    evaluations: Annotated[tuple[Json, ...], Field(max_length=50)] = ()
    options: Options = Options()

    @property
    def shared(self) -> dict[str, JsonValue]:
        """What stands at the top."""
        return self.model_dump(include=self.model_fields_set & Evaluation.model_fields.keys())

    def each(self) -> list[Evaluation | None]:
        """The questions in order; None for one that lacks something."""
        return [_read({**self.shared, **each}) for each in self.evaluations]

    def alone(self) -> Evaluation:
        """The one question of a request without a batch."""
        return api.valid(Evaluation, json.dumps(self.shared))


def _read(evaluation: Json) -> Evaluation | None:
    try:
        return Evaluation.model_validate(evaluation)
    except ValidationError:
        return None


class Evaluated(Answer):
    """The decision; with a permit, what it rests on."""

    decision: bool
    context: Json | None = None


UNREADABLE: Final = Evaluated(
    decision=False,
    context={"error": {"status": HTTPStatus.BAD_REQUEST, "message": "Name subject, action and resource in full."}},
)


class EvaluatedAll(Answer):
    """The decisions in the order of their questions, up to the one that settled it; or the only one."""

    evaluations: tuple[Evaluated, ...] | None = None
    decision: bool | None = None
    context: Json | None = None


class Window(Asked):
    """Which part of the results: at most so many, from where a token says."""

    token: str | None = None
    limit: Annotated[int, Field(ge=0)] | None = None


class Search(Asked):
    """What every search has."""

    context: Json = Field(default_factory=dict)
    page: Window | None = None

    @property
    def of(self) -> dict[str, JsonValue]:
        """What is searched for: a token holds for nothing else."""
        return self.model_dump(exclude={"page"})


class SubjectSearch(Search):
    """Who may do this to this resource."""

    subject: Sought
    action: Action
    resource: Entity


class ResourceSearch(Search):
    """The resources to which this subject may do this."""

    subject: Entity
    action: Action
    resource: Sought


class ActionSearch(Search):
    """What this subject may do to this resource."""

    subject: Entity
    resource: Entity


class PageShown(Part):
    """`next_token` is empty at the end."""

    next_token: str
    count: int


class Result(Part):
    """An action has a name, anything else a type and an id."""

    type: str | None = None
    id: str | None = None
    name: str | None = None


class Results(Answer):
    """Only what an evaluation would permit; a page may hold fewer than asked, and go on."""

    page: PageShown | None
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Some names that were searched for, and the one to go on after, None at the end."""

    names: Sequence[str] = ()
    after: str | None = None


class Policy(Protocol):
    """What decides; of a search it is asked for at most so many, after the one that is named."""

    def evaluate(self, evaluations: Sequence[Evaluation], act: Act) -> Sequence[Evaluated]: ...

    def subjects(self, search: SubjectSearch, act: Act, after: str | None, limit: int) -> Found: ...

    def resources(self, search: ResourceSearch, act: Act, after: str | None, limit: int) -> Found: ...

    def actions(self, search: ActionSearch, act: Act, after: str | None, limit: int) -> Found: ...


def evaluate_all(policy: Policy, asked: Evaluations, act: Act) -> EvaluatedAll:
    """Each question of a batch by its own; without a batch, the one that stands at the top."""
    if not asked.evaluations:
        (only,) = policy.evaluate([asked.alone()], act)
        return EvaluatedAll(decision=only.decision, context=only.context)
    each = asked.each()
    decided = iter(policy.evaluate([one for one in each if one], act))
    told: list[Evaluated] = []
    for one in each:
        told.append(next(decided) if one else UNREADABLE)
        if asked.options.evaluations_semantic.stops_after(permit=told[-1].decision):
            break
    return EvaluatedAll(evaluations=tuple(told))


SearchKind = TypeVar("SearchKind", bound=Search)


def searched(find: Callable[[SearchKind, Act, str | None, int], Found], search: SearchKind, act: Act) -> Results:
    """One page of what is found; where it goes on, a token says (authzen.md §3)."""
    limit, after = _place_of(search, act)
    size = AT_MOST if limit is None else min(limit, AT_MOST)
    found = find(search, act, after, size)
    goes_on = found.after is not None and size > 0
    token = cursors.sealed(json.dumps([limit, found.after]), search.of, type(search).__name__, act) if goes_on else ""
    page = PageShown(next_token=token, count=len(found.names)) if search.page or goes_on else None
    return Results(page=page, results=tuple(_result(search, name) for name in found.names))


def _place_of(search: Search, act: Act) -> tuple[int | None, str | None]:
    """How many results the first page asked for, and after which name this one begins; only the first may say how many."""
    window = search.page or Window()
    if not window.token:
        return window.limit, None
    limit, after = json.loads(cursors.opened(window.token, search.of, type(search).__name__, act))
    if window.limit not in (None, limit):
        raise InvalidCursor
    return limit, after


def _result(search: Search, name: str) -> Result:
    match search:
        case SubjectSearch():
            return Result(type=search.subject.type, id=name)
        case ResourceSearch():
            return Result(type=search.resource.type, id=name)
    return Result(name=name)


class Configuration(Answer):
    """Where the decision point answers, for whoever has to find out (discovery)."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str
    search_resource_endpoint: str
    search_action_endpoint: str


def configuration(origin: str) -> Configuration:
    """The endpoints under this origin, which is configuration and never a header."""
    at: dict[str, Any] = {
        "access_evaluation_endpoint": "evaluation",
        "access_evaluations_endpoint": "evaluations",
        "search_subject_endpoint": "search/subject",
        "search_resource_endpoint": "search/resource",
        "search_action_endpoint": "search/action",
    }
    return Configuration(
        policy_decision_point=origin, **{name: f"{origin}/access/v1/{path}" for name, path in at.items()}
    )
