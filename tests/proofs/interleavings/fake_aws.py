"""What AWS holds, as a value, and what it answers to one call: the table is moto's own, the rest small and exact."""

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

from partner_access.store.attribute_values import read_back
from tests.support import faults
from tests.support.table import Item, Table
from tools.invariants import broken

DYNAMODB: Final = "dynamodb"
SES: Final = "ses"
EVENTS: Final = "events"
KMS: Final = "kms"
S3: Final = "s3"
REFUSED: Final = 400
NOT_THERE: Final = b"<Error><Code>NoSuchKey</Code></Error>"
THERE_ALREADY: Final = b"<Error><Code>PreconditionFailed</Code></Error>"


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of an operation: an attempt of the SDK, ready to be sent."""

    service: str
    target: str
    body: bytes
    send: Callable[[], AWSResponse] = field(repr=False, compare=False)

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    @property
    def writes(self) -> bool:
        return self.target.partition(" ")[0] in {"TransactWriteItems", "SendEmail", "PutEvents", "PUT"}


@dataclass(frozen=True, slots=True)
class Heard:
    """What an operation hears of a call: an answer, nothing in time, or never anything again."""

    status: int
    body: bytes = b""
    error: str = ""

    def told(self) -> AWSResponse:
        """The answer as the SDK gets it."""
        headers = {"x-amzn-errortype": self.error} if self.error else {}
        answer = faults.responds(self.status, {}, **headers)
        answer.raw = faults._Raw(self.body)
        return answer


@dataclass(frozen=True, eq=False)
class Held:
    """All of it at one instant; the same is the same object, within one exploration."""

    table: Mapping[str, Mapping[str, Any]]
    mails: tuple[tuple[str, str], ...] = ()
    events: tuple[str, ...] = ()
    objects: Mapping[str, bytes] = field(default_factory=dict)
    tokens: frozenset[str] = frozenset()

    @cached_property
    def name(self) -> bytes:
        """The same for all that hold the same."""
        items = sorted(_named(item) for there in self.table.values() for item in there.values())
        rest = repr((self.mails, self.events, sorted(self.objects.items()), sorted(self.tokens)))
        return sha256(b"".join(items) + rest.encode()).digest()

    def name_but_for(self, fields: frozenset[str]) -> bytes:
        """The same for all that hold the same, tokens and these fields of kept answers apart."""
        items = sorted(_named_but_for(item, fields) for there in self.table.values() for item in there.values())
        rest = repr((self.mails, self.events, sorted(self.objects.items())))
        return sha256(b"".join(items) + rest.encode()).digest()

    @cached_property
    def items(self) -> list[Item]:
        """All that is in the table."""
        return [_read(item) for there in self.table.values() for item in there.values()]

    @cached_property
    def broken(self) -> list[str]:
        """What of the guarantees does not hold."""
        return broken(self.items)

    def item(self, key: tuple[str, str]) -> Item:
        """One item of the table, or an empty one."""
        return next((item for item in self.items if (item["pk"], item["sk"]) == key), {})


def _read(item: Any) -> Item:
    if "as_read" not in item.__dict__:
        item.as_read = read_back(item.to_json()["Attributes"])
    found: Item = item.as_read
    return found


def _named(item: Any) -> bytes:
    if "digest" not in item.__dict__:
        item.digest = sha256(repr(_ordered(_read(item))).encode()).digest()
    found: bytes = item.digest
    return found


def _named_but_for(item: Any, fields: frozenset[str]) -> bytes:
    read = _read(item)
    if not read["pk"].startswith("IDEMPOTENCY#") or "answer" not in read:
        return _named(item)
    if "digest_but_for" not in item.__dict__:
        text = decompress(bytes(read["answer"])).decode()
        answer = json.loads(text) if text else {}
        told = {name: value for name, value in answer.items() if name not in fields}
        item.digest_but_for = sha256(repr(_ordered({**read, "answer": told})).encode()).digest()
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
class Aws:
    """Answers calls: each is one step, which takes what is held and gives what is held after it."""

    table: Table
    known: dict[bytes, Held] = field(default_factory=dict)
    answers: dict[tuple[bytes, str, bytes], tuple[Heard, Held]] = field(default_factory=dict)

    def now(self) -> Held:
        """What moto's table holds at this moment, and nothing else."""
        return self.same(Held(self._taken()))

    def same(self, held: Held) -> Held:
        return self.known.setdefault(held.name, held)

    def forget(self) -> None:
        self.known.clear()
        self.answers.clear()

    def answer(self, held: Held, asked: Asked) -> tuple[Heard, Held]:
        """What is heard, and what is held then; the same question to the same is asked once."""
        question = (held.name, asked.target, asked.body)
        if question not in self.answers:
            heard, then = self._answered(held, asked)
            self.answers[question] = heard, then if then is held else self.same(then)
        return self.answers[question]

    def _answered(self, held: Held, asked: Asked) -> tuple[Heard, Held]:
        match asked.service:
            case "dynamodb":
                return self._of_the_table(held, asked)
            case "ses":
                said = asked.said
                sent = said["EmailTags"][0]["Value"], said["Content"]["Simple"]["Body"]["Text"]["Data"]
                return _says({"MessageId": "message"}), replace(held, mails=(*held.mails, sent))
            case "events":
                told = tuple(json.dumps(each, sort_keys=True) for each in asked.said["Entries"])
                taken = {"FailedEntryCount": 0, "Entries": [{"EventId": "event"}] * len(told)}
                return _says(taken), replace(held, events=(*held.events, *told))
            case "kms":
                return _of_the_key(asked), held
        return _of_the_objects(held, asked)

    def _of_the_table(self, held: Held, asked: Asked) -> tuple[Heard, Held]:
        if asked.writes and asked.said["ClientRequestToken"] in held.tokens:
            return _says({}), held
        self.put_back(held)
        answer = asked.send()
        heard = Heard(answer.status_code, answer.content, answer.headers.get("x-amzn-errortype", ""))
        if asked.writes and heard.status < REFUSED:
            return heard, replace(held, table=self._taken())
        return heard, held

    def _inside(self) -> Any:
        return dynamodb_backends[DEFAULT_ACCOUNT_ID][self.table.client.meta.region_name].tables[self.table.name]

    def _taken(self) -> Mapping[str, Mapping[str, Any]]:
        return {key: dict(items) for key, items in self._inside().items.items() if items}

    def put_back(self, held: Held) -> None:
        """Let moto's table hold this; what is in it is never changed in place (tests/support/fast_moto.py)."""
        self._inside().items = defaultdict(dict, {key: dict(items) for key, items in held.table.items()})


def _says(body: Mapping[str, Any]) -> Heard:
    return Heard(200, json.dumps(body).encode())


def _of_the_key(asked: Asked) -> Heard:
    """KMS, as far as seals need it: it knows what it has signed."""
    said = asked.said
    signature = b64encode(sha256(f"{said['KeyId']} {said['Message']}".encode()).digest()).decode()
    if asked.target == "Sign":
        return _says({"KeyId": said["KeyId"], "Signature": signature})
    if said["Signature"] != signature:
        return Heard(REFUSED, b'{"__type": "KMSInvalidSignatureException"}')
    return _says({"KeyId": said["KeyId"], "SignatureValid": True})


def _of_the_objects(held: Held, asked: Asked) -> tuple[Heard, Held]:
    """S3, as far as seals need it: what is there may be kept from being written over."""
    verb, _, rest = asked.target.partition(" ")
    name, _, condition = rest.partition(" ")
    if verb == "GET":
        return Heard(200, held.objects[name]) if name in held.objects else Heard(404, NOT_THERE), held
    if condition == "*" and name in held.objects:
        return Heard(412, THERE_ALREADY), held
    return Heard(200), replace(held, objects={**held.objects, name: asked.body})
