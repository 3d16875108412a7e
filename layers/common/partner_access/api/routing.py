"""The HTTP edge, in one place for every route: events become requests and acts, answers and refusals become responses.

API Gateway has routed already; a function finds its operation by the event's `routeKey`.
"""

import inspect
import json
import os
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

from partner_access import telemetry
from partner_access.api import json_body
from partner_access.api.negotiation import MediaType, accepted
from partner_access.api.problems import problem
from partner_access.api.request_fields import Query, Request, is_identifier
from partner_access.api.response_body import Answer, Response, response
from partner_access.domain import errors
from partner_access.domain.act import Act, Once
from partner_access.domain.errors import Overtaken, Refused
from partner_access.idempotency import Replayed
from partner_access.lambda_context import Context, Event

ATTEMPTS: Final = 4
"""How often a decision that was overtaken is taken anew before the caller is told."""
SPARE_SECONDS: Final = 7
"""What is left of a function's time when it begins no attempt any more: as much as one may take (guarantees.md F28)."""
HAS_SECRET: Final = re.compile(r"pal_[\w-]+(\.|%2E)[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
"""As much of a link's secret as no id could be mistaken for."""

FAULT: Final = {"extra_forbidden": errors.UnknownField, "missing": errors.MissingField}
"""What a fault of a field is called, by pydantic's name for it; an address has its own, all others are invalid."""

NEVER: Final = -1


class Seen(int):
    """The version of a record that the caller saw: what he edits must still be it (domain.md rule 25)."""


Operation = TypeVar("Operation", bound=Callable[..., Answer | None])


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
    """An operation, and what of the event it is given, by the types that its signature names."""

    operation: Callable[..., Answer | None]
    arguments: Mapping[str, Any]
    needs_key: bool
    docs: Docs | None

    @classmethod
    def to(cls, operation: Callable[..., Answer | None], *, needs_key: bool, docs: Docs | None) -> Self:
        """Read off the operation's signature what it needs."""
        parameters = inspect.signature(operation).parameters
        return cls(operation, {name: each.annotation for name, each in parameters.items()}, needs_key, docs)

    def must_understand_query(self, event: Event) -> None:
        """Where no parameter is known, each is unknown (hostile.md §2.1); whoever takes the event sees to it himself."""
        asked = event.get("queryStringParameters") or {}
        if asked and not any(kind is Event or _is_a(Query, kind) for kind in self.arguments.values()):
            raise errors.InvalidQuery(*map(_step, asked))

    def must_understand_body(self, event: Event) -> None:
        """Where no body is asked for, each of its fields is unknown."""
        if any(kind is Event or _is_a(Request, kind) for kind in self.arguments.values()) or not json_body.raw(event):
            return
        fields = json_body.parsed(event)
        if fields:
            raise errors.UnknownField(*map(_step, fields))


class App:
    """The operations of one function; those that change something pass `recall`, which replays a key's first answer."""

    def __init__(self, recall: Callable[[Act], None] | None = None) -> None:
        """Without `recall` nothing is ever replayed: right for functions that only read."""
        self.routes: dict[str, Route] = {}
        self._recall = recall

    def get(self, path: str, docs: Docs | None = None) -> Callable[[Operation], Operation]:
        return self._route(f"GET {path}", docs)

    def put(self, path: str, docs: Docs | None = None) -> Callable[[Operation], Operation]:
        return self._route(f"PUT {path}", docs)

    def patch(self, path: str, docs: Docs | None = None) -> Callable[[Operation], Operation]:
        return self._route(f"PATCH {path}", docs)

    def delete(self, path: str, docs: Docs | None = None) -> Callable[[Operation], Operation]:
        return self._route(f"DELETE {path}", docs)

    def post(self, path: str, docs: Docs | None = None, *, needs_key: bool = True) -> Callable[[Operation], Operation]:
        """What changes something needs an Idempotency-Key; a POST that only reads says that it does not."""
        return self._route(f"POST {path}", docs, needs_key=needs_key)

    def default(self, operation: Operation) -> Operation:
        """Whatever no route takes."""
        return self._route("$default")(operation)

    def _route(
        self, route_key: str, docs: Docs | None = None, *, needs_key: bool = False
    ) -> Callable[[Operation], Operation]:
        def register(operation: Operation) -> Operation:
            self.routes[route_key] = Route.to(operation, needs_key=needs_key, docs=docs)
            return operation

        return register

    def __call__(self, event: Event, context: Context) -> Response:
        """Lambda's handler: every refusal becomes a problem, everything else that is raised is a bug and goes out."""
        telemetry.begin(event["requestContext"]["requestId"], event["routeKey"])
        try:
            return self._answered(self.routes[event["routeKey"]], event, context)
        except Replayed as replayed:
            return response(replayed.status, replayed.answer, {"idempotent-replayed": "true"})
        except Refused as refusal:
            return self.refused(refusal, event)
        finally:
            telemetry.flush()

    def refused(self, refusal: Refused, event: Event) -> Response:
        """The refusal as RFC 9457 has it."""
        telemetry.refused(refusal)
        return problem(refusal, event)

    def _answered(self, route: Route, event: Event, context: Context) -> Response:
        act = act_of(event, context, needs_key=route.needs_key)
        route.must_understand_query(event)
        route.must_understand_body(event)
        arguments = {name: _argument(name, kind, event, act) for name, kind in route.arguments.items()}
        try:
            answer = settled(lambda: route.operation(**arguments))
        except Refused:
            if self._recall:
                self._recall(act)
            raise
        if answer is None:
            return response(HTTPStatus.NO_CONTENT, "", {})
        return response(answer.status, answer.told(), answer.headers)


Outcome = TypeVar("Outcome")


def settled(decide: Callable[[], Outcome]) -> Outcome:
    """A decision that was overtaken is taken anew from fresh facts, so that the rules name the refusal, if any."""
    for _ in range(ATTEMPTS - 1):
        try:
            return decide()
        except Overtaken:
            continue
    try:
        return decide()
    except Overtaken as overtaken:
        raise overtaken.refusal from overtaken


def _is_a(base: type[BaseModel], kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def _argument(name: str, kind: Any, event: Event, act: Act) -> Any:
    if kind is Act:
        return act
    if _is_a(Request, kind) and kind.may_be_missing and not json_body.raw(event):
        return kind()
    if _is_a(Request, kind):
        return valid(kind, json.dumps(json_body.parsed(event)))
    if _is_a(Query, kind):
        return _query(kind, event)
    if kind is Event:
        return event
    if kind is Seen:
        return _seen(event)
    if kind is MediaType:
        return accepted(event["headers"].get("accept", ""))
    return _path_part(event["pathParameters"][name])


def _seen(event: Event) -> Seen:
    """The version that If-Match names; a tag that we never gave is a version that nothing has."""
    header = event["headers"].get("if-match")
    if header is None:
        raise errors.PreconditionRequired
    tag = re.fullmatch(r'"([!#-~]{0,100})"', header, re.ASCII)
    if not tag:
        raise errors.InvalidEtag
    return Seen(int(tag[1]) if re.fullmatch(r"[1-9][0-9]{0,15}", tag[1], re.ASCII) else NEVER)


def _path_part(part: str) -> str:
    if not is_identifier(part):
        raise errors.NotFound
    return part


Body = TypeVar("Body", bound=BaseModel)


def valid(kind: type[Body], text: str) -> Body:
    """What the JSON says, refused with what is wrong with which field."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as invalid:
        raise _faults(invalid.errors(include_url=False, include_input=False)) from invalid


def _faults(found: list[ErrorDetails]) -> Refused:
    """One refusal for all faulty fields: named after their fault if it is the same, else they are invalid."""
    faults = [(_fault(each), "".join(map(_step, each["loc"]))) for each in found]
    kinds = {fault for fault, _ in faults}
    refusal = kinds.pop()() if len(kinds) == 1 else errors.InvalidField()
    refusal.errors = [{"pointer": pointer, "code": fault.code} for fault, pointer in faults]
    return refusal


def _step(part: str | int) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return "/" + str(part).replace("~", "~0").replace("/", "~1")


def _fault(error: ErrorDetails) -> type[Refused]:
    if error["type"] == "invalid_email":
        return errors.InvalidEmail
    return FAULT.get(error["type"], errors.InvalidField)


def _query(kind: type[Query], event: Event) -> Query:
    """API Gateway joins repeated parameters with a comma, which no parameter of ours may hold."""
    try:
        return kind.model_validate(event.get("queryStringParameters") or {})
    except ValidationError as invalid:
        raise errors.InvalidQuery(*(_step(each["loc"][0]) for each in invalid.errors())) from invalid


def act_of(event: Event, context: Context, *, needs_key: bool) -> Act:
    """Who acts, by his token; when, by our clock; once, by his Idempotency-Key."""
    if HAS_SECRET.search(event["rawPath"] + "?" + event.get("rawQueryString", "")):
        raise errors.SecretInUrl
    claims = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    by, scopes = claims.get("sub", ""), frozenset(claims.get("scope", "").split())
    return Act(
        by=by,
        at=datetime.now(UTC).replace(microsecond=0),
        name=uuid_utils.uuid7().hex,
        for_vendor=os.environ["DIRECTORY_SCOPE"] in scopes,
        scopes=scopes,
        once=_once(event, by, needs_key=needs_key),
        chance=secrets.token_urlsafe(32),
        ends=time.time() + context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS,
    )


def _once(event: Event, by: str, *, needs_key: bool) -> Once | None:
    header = event["headers"].get("idempotency-key")
    if header is None:
        if needs_key:
            raise errors.IdempotencyKeyRequired
        return None
    key = re.fullmatch(r'"([ -!#-+\--~]{1,255})"|([!#-+\--~]{1,255})', header)
    if not key:
        raise errors.InvalidIdempotencyKey
    asked = json.dumps([event["rawPath"], event.get("rawQueryString", ""), json_body.raw(event).hex()])
    return Once(
        key=f"{by}#{_digest(event['routeKey'] + ' ' + (key[1] or key[2]))}",
        fingerprint=_digest(asked),
    )


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
