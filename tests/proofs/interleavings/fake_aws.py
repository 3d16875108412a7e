"""The state of AWS as an immutable value, and its response to one call.

The table is moto's own. The other services are small, exact fakes.
"""

import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, Final
from zlib import decompress

from botocore.awsrequest import AWSResponse
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from partner_access.store.attribute_values import from_attribute_values
from tests.support import faults
from tests.support.table import Item, Table
from tools.invariants import violations

DYNAMODB: Final = "dynamodb"
SES: Final = "ses"
EVENTS: Final = "events"
KMS: Final = "kms"
S3: Final = "s3"
FIRST_ERROR_STATUS: Final = 400
NO_SUCH_KEY: Final = b"<Error><Code>NoSuchKey</Code></Error>"
PRECONDITION_FAILED: Final = b"<Error><Code>PreconditionFailed</Code></Error>"


@dataclass(frozen=True, slots=True)
class AwsCall:
    """One call of an operation: one attempt of the SDK, ready to be sent."""

    service: str
    target: str
    body: bytes
    send: Callable[[], AWSResponse] = field(repr=False, compare=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def writes(self) -> bool:
        return self.target.partition(" ")[0] in {"TransactWriteItems", "SendEmail", "PutEvents", "PUT"}


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of a call for the operation: a response, a timeout, or the end of the function."""

    status: int
    body: bytes = b""
    error: str = ""

    def to_response(self) -> AWSResponse:
        """Return the response in the form that the SDK expects."""
        headers = {"x-amzn-errortype": self.error} if self.error else {}
        response = faults.responds(self.status, {}, **headers)
        response.raw = faults._RawBody(self.body)
        return response


@dataclass(frozen=True, eq=False)
class AwsState:
    """The state of AWS at one instant. Equal states are the same object within one exploration."""

    table: Mapping[str, Mapping[str, Any]]
    emails: tuple[tuple[str, str], ...] = ()
    events: tuple[str, ...] = ()
    objects: Mapping[str, bytes] = field(default_factory=dict)
    tokens: frozenset[str] = frozenset()

    @cached_property
    def digest(self) -> bytes:
        """A digest of the state, equal for equal states."""
        items = sorted(_digest(item) for there in self.table.values() for item in there.values())
        rest = repr((self.emails, self.events, sorted(self.objects.items()), sorted(self.tokens)))
        return sha256(b"".join(items) + rest.encode()).digest()

    def digest_without(self, fields: frozenset[str]) -> bytes:
        """Return a digest of the state without tokens and without these fields of stored responses."""
        items = sorted(_digest_without(item, fields) for there in self.table.values() for item in there.values())
        rest = repr((self.emails, self.events, sorted(self.objects.items())))
        return sha256(b"".join(items) + rest.encode()).digest()

    @cached_property
    def items(self) -> list[Item]:
        """All items of the table."""
        return [_read(item) for there in self.table.values() for item in there.values()]

    @cached_property
    def violations(self) -> list[str]:
        """The violated invariants."""
        return violations(self.items)

    def item(self, key: tuple[str, str]) -> Item:
        """Return one item of the table, or an empty one."""
        return next((item for item in self.items if (item["pk"], item["sk"]) == key), {})


def _read(item: Any) -> Item:
    if "as_read" not in item.__dict__:
        item.as_read = from_attribute_values(item.to_json()["Attributes"])
    found: Item = item.as_read
    return found


def _digest(item: Any) -> bytes:
    if "digest" not in item.__dict__:
        item.digest = sha256(repr(_ordered(_read(item))).encode()).digest()
    found: bytes = item.digest
    return found


def _digest_without(item: Any, fields: frozenset[str]) -> bytes:
    read = _read(item)
    if not read["pk"].startswith("IDEMPOTENCY#") or "response_body" not in read:
        return _digest(item)
    if "digest_but_for" not in item.__dict__:
        text = decompress(bytes(read["response_body"])).decode()
        response = json.loads(text) if text else {}
        remaining = {name: value for name, value in response.items() if name not in fields}
        item.digest_but_for = sha256(repr(_ordered({**read, "response_body": remaining})).encode()).digest()
    found: bytes = item.digest_but_for
    return found


def _ordered(value: Any) -> Any:
    match value:
        case dict():
            return sorted((name, _ordered(each)) for name, each in value.items())
        case set():
            return sorted(map(repr, value))
        case list():
            return [_ordered(each) for each in value]
    return value


@dataclass(slots=True)
class FakeAws:
    """The fake of AWS: each call is a step from one state to the next."""

    table: Table
    states: dict[bytes, AwsState] = field(default_factory=dict)
    responses: dict[tuple[bytes, str, bytes], tuple[CallResult, AwsState]] = field(default_factory=dict)

    def now(self) -> AwsState:
        """Return the state with the current content of moto's table and nothing else."""
        return self.same(AwsState(self._table_content()))

    def same(self, state: AwsState) -> AwsState:
        return self.states.setdefault(state.digest, state)

    def forget(self) -> None:
        self.states.clear()
        self.responses.clear()

    def respond(self, state: AwsState, call: AwsCall) -> tuple[CallResult, AwsState]:
        """Return the response and the next state. The same call in the same state runs once."""
        key = (state.digest, call.target, call.body)
        if key not in self.responses:
            result, then = self._respond(state, call)
            self.responses[key] = result, then if then is state else self.same(then)
        return self.responses[key]

    def _respond(self, state: AwsState, call: AwsCall) -> tuple[CallResult, AwsState]:
        match call.service:
            case "dynamodb":
                return self._dynamodb(state, call)
            case "ses":
                request = call.json
                sent = request["EmailTags"][0]["Value"], request["Content"]["Simple"]["Body"]["Text"]["Data"]
                return _ok({"MessageId": "message"}), replace(state, emails=(*state.emails, sent))
            case "events":
                entries = tuple(json.dumps(each, sort_keys=True) for each in call.json["Entries"])
                taken = {"FailedEntryCount": 0, "Entries": [{"EventId": "event"}] * len(entries)}
                return _ok(taken), replace(state, events=(*state.events, *entries))
            case "kms":
                return _kms(call), state
        return _s3(state, call)

    def _dynamodb(self, state: AwsState, call: AwsCall) -> tuple[CallResult, AwsState]:
        if call.writes and call.json["ClientRequestToken"] in state.tokens:
            return _ok({}), state
        self.restore(state)
        response = call.send()
        result = CallResult(response.status_code, response.content, response.headers.get("x-amzn-errortype", ""))
        if call.writes and result.status < FIRST_ERROR_STATUS:
            return result, replace(state, table=self._table_content())
        return result, state

    def _moto_table(self) -> Any:
        return dynamodb_backends[DEFAULT_ACCOUNT_ID][self.table.client.meta.region_name].tables[self.table.name]

    def _table_content(self) -> Mapping[str, Mapping[str, Any]]:
        return {key: dict(items) for key, items in self._moto_table().items.items() if items}

    def restore(self, state: AwsState) -> None:
        """Set the content of moto's table. Its items are never changed in place (tests/support/fast_moto.py)."""
        self._moto_table().items = defaultdict(dict, {key: dict(items) for key, items in state.table.items()})


def _ok(body: Mapping[str, Any]) -> CallResult:
    return CallResult(200, json.dumps(body).encode())


def _kms(call: AwsCall) -> CallResult:
    """Respond as KMS does, as far as tree head signing needs it: sign, and verify its own signatures."""
    request = call.json
    signature = b64encode(sha256(f"{request['KeyId']} {request['Message']}".encode()).digest()).decode()
    if call.target == "Sign":
        return _ok({"KeyId": request["KeyId"], "Signature": signature})
    if request["Signature"] != signature:
        return CallResult(FIRST_ERROR_STATUS, b'{"__type": "KMSInvalidSignatureException"}')
    return _ok({"KeyId": request["KeyId"], "SignatureValid": True})


def _s3(state: AwsState, call: AwsCall) -> tuple[CallResult, AwsState]:
    """Respond as S3 does, as far as tree heads need it, including conditional writes."""
    verb, _, rest = call.target.partition(" ")
    name, _, condition = rest.partition(" ")
    if verb == "GET":
        return CallResult(200, state.objects[name]) if name in state.objects else CallResult(404, NO_SUCH_KEY), state
    if condition == "*" and name in state.objects:
        return CallResult(412, PRECONDITION_FAILED), state
    return CallResult(200), replace(state, objects={**state.objects, name: call.body})
