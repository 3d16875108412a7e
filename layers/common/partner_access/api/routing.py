"""HTTP handling of all routes: parse events into requests and acts, and format results and errors as responses.

API Gateway does the routing. A function finds its operation by the `routeKey` of the event.
"""

import inspect
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, Self, TypeVar

import uuid_utils
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from partner_access import settings, telemetry, user_ids
from partner_access.api import callers, errors, json_body
from partner_access.api.negotiation import MediaType, preferred_media_type
from partner_access.api.problems import problem
from partner_access.api.request_fields import Query, Request, is_identifier
from partner_access.api.response_body import ApiResponse, ResponseBody, response
from partner_access.api.routes import ROUTES
from partner_access.api.secrets_in_urls import has_secret
from partner_access.domain.act import RESERVED_SUBJECTS, Act, IdempotencyKey
from partner_access.domain.errors import (
    DomainError,
    FieldError,
    Forbidden,
    InvalidField,
    InvalidQuery,
    MissingField,
    NotFound,
    StaleFacts,
)
from partner_access.idempotency import StoredResponseFound
from partner_access.lambda_context import Context, Event

ATTEMPTS: Final = 4
"""Maximum number of times that a decision on stale facts is made before the caller gets an error."""
NARROWING_ATTEMPTS: Final = 12
"""The same number for a decision that only takes access away (domain.md rule 46)."""
SPARE_SECONDS: Final = 7
"""Remaining time of an invocation, in seconds, below which no attempt is started.

It is the longest time that one attempt can take (consistency.md F28).
"""

ERROR_BY_PYDANTIC_TYPE: Final = {"extra_forbidden": errors.UnknownField, "missing": MissingField}
"""Error class by pydantic's error type. Email addresses have a class of their own, and all others are InvalidField."""

NO_SUCH_VERSION: Final = -1


class ExpectedVersion(int):
    """The expected version of a record, from If-Match. The record must still have it (domain.md rule 25)."""


OperationT = TypeVar("OperationT", bound=Callable[..., ResponseBody | None])


class Tag(StrEnum):
    """The group of an operation in openapi.json."""

    ACCESS_LINKS = "Access links"
    USERS = "Users"
    PERMISSION_SETS = "Permission sets"
    PARTNERS = "Partners"
    DIRECTORY = "Directory"
    DECISIONS = "Decisions"
    AUDIT_LOG = "Audit log"
    ACCOUNTS = "Accounts"


@dataclass(frozen=True, slots=True)
class Docs:
    """The documentation of an operation in openapi.json: the summary in one line, the description in some sentences."""

    operation_id: str
    tag: Tag
    summary: str
    description: str


@dataclass(frozen=True, slots=True)
class Route:
    """An operation with the arguments that it takes from the event, by the types in its signature."""

    operation: Callable[..., ResponseBody | None]
    arguments: Mapping[str, Any]
    needs_key: bool
    docs: Docs | None

    @classmethod
    def to(cls, operation: Callable[..., ResponseBody | None], *, needs_key: bool, docs: Docs | None) -> Self:
        """Build the route from the signature of the operation."""
        parameters = inspect.signature(operation).parameters
        return cls(operation, {name: each.annotation for name, each in parameters.items()}, needs_key, docs)

    def reject_unknown_query(self, event: Event) -> None:
        """Reject query parameters if the operation takes none (threat-model.md §2.1).

        An operation that takes the event itself checks them on its own.
        """
        parameters = event.get("queryStringParameters") or {}
        if parameters and not any(kind is Event or _is_a(Query, kind) for kind in self.arguments.values()):
            raise InvalidQuery(*parameters)

    def reject_unknown_body(self, event: Event) -> None:
        """Reject the fields of a body if the operation takes no body."""
        if any(kind is Event or _is_a(Request, kind) for kind in self.arguments.values()) or not json_body.raw(event):
            return
        fields = json_body.parsed(event)
        if fields:
            raise errors.UnknownField(*fields)


class App:
    """The operations of one function.

    Functions that write pass `replay_if_stored`, which replays the response stored for an idempotency key.
    """

    def __init__(self, replay_if_stored: Callable[[Act], None] | None = None) -> None:
        """Create an app without routes. Functions that only read need no `replay_if_stored`."""
        self.routes: dict[str, Route] = {}
        self._replay_if_stored = replay_if_stored

    def operation(self, docs: Docs, *, needs_key: bool = True) -> Callable[[OperationT], OperationT]:
        """Register an operation for its route in the template.

        A POST that writes requires an Idempotency-Key, and one that only reads passes `needs_key=False`.
        """
        route_key = ROUTES[docs.operation_id]
        return self.route(route_key, docs, needs_key=needs_key and route_key.startswith("POST "))

    def default(self, operation: OperationT) -> OperationT:
        """Register the operation for all requests that match no route."""
        return self.route("$default")(operation)

    def route(
        self, route_key: str, docs: Docs | None = None, *, needs_key: bool = False
    ) -> Callable[[OperationT], OperationT]:
        """Register an operation for a route key such as "POST /things"."""

        def register(operation: OperationT) -> OperationT:
            self.routes[route_key] = Route.to(operation, needs_key=needs_key, docs=docs)
            return operation

        return register

    def __call__(self, event: Event, context: Context) -> ApiResponse:
        """Handle a Lambda event. Every domain error becomes a problem response, and any other exception is a bug."""
        telemetry.begin(event["requestContext"]["requestId"], event["routeKey"])
        try:
            return self._run(self.routes[event["routeKey"]], event, context)
        except StoredResponseFound as replayed:
            return response(replayed.status, replayed.body, {"idempotent-replayed": "true"})
        except DomainError as error:
            return self.error_response(error, event)
        finally:
            telemetry.flush()

    def error_response(self, error: DomainError, event: Event) -> ApiResponse:
        """Log the code of the error, and return the error as a problem response (RFC 9457)."""
        telemetry.log_error(error)
        return problem(error, event)

    def _run(self, route: Route, event: Event, context: Context) -> ApiResponse:
        act = act_of(event, context, needs_key=route.needs_key)
        route.reject_unknown_query(event)
        route.reject_unknown_body(event)
        arguments = {name: _argument(name, kind, event, act) for name, kind in route.arguments.items()}
        try:
            result = retry_on_conflict(lambda: route.operation(**arguments))
        except DomainError:
            if self._replay_if_stored:
                self._replay_if_stored(act)
            raise
        if result is None:
            return response(HTTPStatus.NO_CONTENT, "", {})
        return response(result.status, result.to_json(), result.headers)


ResultT = TypeVar("ResultT")


def retry_on_conflict(decide: Callable[[], ResultT]) -> ResultT:
    """Make a decision, and make it again from fresh facts while concurrent changes make its facts stale.

    So the rules themselves raise the error, if there is one.
    """
    attempts = 1
    while True:
        try:
            return decide()
        except StaleFacts as stale:
            if attempts >= (NARROWING_ATTEMPTS if stale.narrows else ATTEMPTS):
                raise stale.error from stale
        attempts += 1


def _is_a(base: type[BaseModel], kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def _argument(name: str, kind: Any, event: Event, act: Act) -> Any:
    if kind is Act:
        return act
    if _is_a(Request, kind) and kind.is_optional and not json_body.raw(event):
        return kind()
    if _is_a(Request, kind):
        return validate(kind, json.dumps(json_body.parsed(event)))
    if _is_a(Query, kind):
        return _query(kind, event)
    if kind is Event:
        return event
    if kind is ExpectedVersion:
        return _expected_version(event)
    if kind is MediaType:
        return preferred_media_type(event["headers"].get("accept", ""))
    return _path_part(name, event["pathParameters"][name])


def _expected_version(event: Event) -> ExpectedVersion:
    """Return the version in If-Match. A tag that this API never returned becomes a version that no record has.

    A proxy that compresses responses makes their ETags weak, so weak ones are compared by value too.
    """
    header = event["headers"].get("if-match")
    if header is None:
        raise errors.PreconditionRequired
    tag = re.fullmatch(r'(?:W/)?"([!#-~]{0,100})"', header, re.ASCII)
    if not tag:
        raise errors.InvalidEtag
    return ExpectedVersion(int(tag[1]) if re.fullmatch(r"[1-9][0-9]{0,15}", tag[1], re.ASCII) else NO_SUCH_VERSION)


def _path_part(name: str, part: str) -> str:
    if name == "user_id":
        user_id = user_ids.from_path(part)
        if user_id is None:
            raise NotFound
        return user_id
    if not is_identifier(part):
        raise NotFound
    return part


BodyT = TypeVar("BodyT", bound=BaseModel)


def validate(kind: type[BodyT], text: str) -> BodyT:
    """Parse JSON into a model, or raise an error that lists the invalid fields."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as invalid:
        raise _validation_error(invalid.errors(include_url=False, include_input=False)) from invalid


def _validation_error(found: list[ErrorDetails]) -> DomainError:
    """Return one error for all faulty fields: their common error class, or InvalidField if they differ."""
    classes = [_error_class(each) for each in found]
    error = classes[0]() if len(set(classes)) == 1 else InvalidField()
    error.fields = tuple(
        FieldError(each["loc"], error_class.code) for error_class, each in zip(classes, found, strict=True)
    )
    return error


def _error_class(error: ErrorDetails) -> type[DomainError]:
    if error["type"] == "invalid_email":
        return errors.InvalidEmail
    return ERROR_BY_PYDANTIC_TYPE.get(error["type"], InvalidField)


def _query(kind: type[Query], event: Event) -> Query:
    """Parse the query string. API Gateway joins repeated parameters by commas, which no parameter accepts."""
    try:
        return kind.model_validate(event.get("queryStringParameters") or {})
    except ValidationError as invalid:
        raise InvalidQuery(*(str(each["loc"][0]) for each in invalid.errors())) from invalid


def act_of(event: Event, context: Context, *, needs_key: bool) -> Act:
    """Build the act: the caller from their token, the time from our clock, the key from the Idempotency-Key header."""
    if has_secret(event["rawPath"] + "?" + event.get("rawQueryString", "")):
        raise errors.SecretInUrl
    claims = callers.claims_of(event)
    scopes = callers.scopes_of(claims)
    actor_id = callers.actor_id_of(claims, scopes)
    if actor_id in RESERVED_SUBJECTS:
        raise Forbidden
    return Act(
        actor_id=actor_id,
        at=datetime.now(UTC).replace(microsecond=0),
        id=uuid_utils.uuid7().hex,
        for_vendor=settings.directory_scope() in scopes,
        scopes=scopes,
        idempotency_key=_idempotency_key(event, actor_id, needs_key=needs_key),
        random=secrets.token_urlsafe(32),
        deadline=time.time() + context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS,
    )


def _idempotency_key(event: Event, actor_id: str, *, needs_key: bool) -> IdempotencyKey | None:
    header = event["headers"].get("idempotency-key")
    if header is None:
        if needs_key:
            raise errors.IdempotencyKeyRequired
        return None
    key = re.fullmatch(r'"([ -!#-+\--~]{1,255})"|([!#-+\--~]{1,255})', header)
    if not key:
        raise errors.InvalidIdempotencyKey
    request = json.dumps([event["rawPath"], event.get("rawQueryString", ""), json_body.raw(event).hex()])
    return IdempotencyKey(
        key=f"{_digest(event['routeKey'] + ' ' + (key[1] or key[2]))}#{actor_id}",
        fingerprint=_digest(request),
    )


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
