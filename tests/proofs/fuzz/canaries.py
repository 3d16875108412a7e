"""Words that nobody else uses, told at every door, and every place where one of them turns up afterwards."""

import base64
import binascii
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum, auto
from itertools import count
from traceback import format_exception
from typing import Any, Final
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError
from typing_extensions import override

from partner_access.store import dynamo
from tests.support import gateway, link_requests
from tests.support.background_functions import RECORD_DELIVERY, SEAL_TRAIL, publish_audit_events, run, sweep
from tests.support.fake_event_bus import listener
from tests.support.fake_ses import Mail, Mailbox, bounced, mailbox
from tests.support.fake_tree_head_store import vault
from tests.support.faults import Killed, goes_unanswered, instead, kills_after, says
from tests.support.gateway import Answer, call
from tests.support.random_operations import CLIENTS, FIRMS, OWN, PEOPLE, STAFF, Acts

WRITES: Final = frozenset({"TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"})
SECRET: Final = re.compile(r"pal_[\w.-]+?_[0-9a-f]{8}", re.ASCII)
PACKED: Final = re.compile(r"[A-Za-z0-9+/=_-]{24,}")
BY_NUMBER: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
DEPTH: Final = 3
"""How many wrappings are taken off: base64 of compressed text is two."""


class Kind(StrEnum):
    """What a canary is."""

    SECRET = auto()
    ADDRESS = auto()
    NAME = auto()
    PURPOSE = auto()
    REASON = auto()


BELONGS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.SECRET: frozenset({"answer that made it", "letter"}),
    Kind.ADDRESS: frozenset({"answer", "letter", "USER", "EMAIL", "PARTNER", "IDEMPOTENCY"}),
    Kind.NAME: frozenset({"answer", "letter", "USER", "ACCOUNT", "IDEMPOTENCY"}),
    Kind.PURPOSE: frozenset({"answer", "letter", "PARTNER", "IDEMPOTENCY"}),
    Kind.REASON: frozenset({"letter", "OUTBOX"}),
}
"""Where each may be; a word in capitals is the kind of item of the table. Log, trail, chains, events, seals: none."""
SILENT: Final = frozenset({"log", "event", "seal", "exception", "AUDIT", "CHAIN"})
"""Where much is said, and no canary may be."""


@dataclass(slots=True)
class Canaries:
    """Each word with its kind, what was said in each place, and who was told each secret first."""

    words: dict[str, Kind] = field(default_factory=dict)
    said: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    told_to: dict[str, str] = field(default_factory=dict)

    def word(self, kind: Kind) -> str:
        """A new one, which could not be there by chance."""
        number = "".join(chr(ord("g") + int(digit)) for digit in f"{len(self.words):05d}")
        word = f"quetzal-{number}@canary.example" if kind is Kind.ADDRESS else f"Quetzal {number} {kind}"
        self.words[word] = kind
        return word

    def hear(self, place: str, text: str) -> None:
        """Something was said there."""
        self.said[place].add(text)

    def hear_answer(self, number: int, text: str) -> None:
        """The address of a link is told once, by the answer that made it."""
        told = json.loads(text or "{}")
        self._told("answer that made it", f"answer {number}", told.pop("url", ""))
        self.hear("answer", json.dumps(told))

    def hear_letter(self, mail: Mail) -> None:
        """A secret is minted for one copy of a letter."""
        self._told("letter", mail.delivery, f"{mail.address}\n{mail.subject}\n{mail.text}\n{mail.html}")

    def _told(self, place: str, whom: str, text: str) -> None:
        """What is behind the last point of a secret opens the link; told to another before, it is astray."""
        parts = {each.rpartition(".")[2].rpartition("_")[0] for each in SECRET.findall(text)}
        self.words.update(dict.fromkeys(parts, Kind.SECRET))
        is_theirs = all(self.told_to.setdefault(part, whom) == whom for part in parts)
        self.hear(place if is_theirs else f"{place}, of another", text)

    def places(self) -> dict[Kind, set[str]]:
        """For each kind, where one of it was found, however it was packed."""
        found: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        for place, texts in self.said.items():
            everything = "\n".join(each for text in texts for each in unpacked(text)).casefold()
            for word, kind in self.words.items():
                if word.casefold() in everything:
                    found[kind].add(place)
        return found

    def astray(self) -> set[tuple[Kind, str]]:
        """What was found where it does not belong."""
        return {(kind, place) for kind, places in self.places().items() for place in places - BELONGS[kind]}


def unpacked(text: str, depth: int = DEPTH) -> Iterator[str]:
    """The text, and what it holds escaped, in base64 or compressed."""
    yield text
    if "%" in text:
        yield unquote(text)
    if "\\u" in text:
        yield BY_NUMBER.sub(lambda found: chr(int(found[1], 16)), text)
    if depth:
        for packed in set(PACKED.findall(text)):
            for read in _read(packed):
                yield from unpacked(read, depth - 1)


def _read(packed: str) -> Iterator[str]:
    padded = packed.rstrip("=") + "=" * (-len(packed.rstrip("=")) % 4)
    try:
        octets = base64.b64decode(padded, altchars=b"-_" if {*"-_"} & {*packed} else None, validate=True)
    except binascii.Error:
        return
    yield octets.decode("utf-8", "replace")
    for window in (zlib.MAX_WBITS, zlib.MAX_WBITS | 16, -zlib.MAX_WBITS):
        try:
            yield zlib.decompress(octets, window).decode("utf-8", "replace")
        except zlib.error:
            continue


@dataclass(slots=True)
class Whispers(Acts):
    """Acts at random, in which every address, name, purpose and reason is a canary."""

    canaries: Canaries = field(default_factory=Canaries)
    post: Mailbox = field(default_factory=Mailbox)

    @override
    def begin(self) -> None:
        Acts.begin(self)
        for account in (*FIRMS, *CLIENTS):
            self._tell_account(account, name=self.canaries.word(Kind.NAME))
        for person in PEOPLE:
            self._tell_user(person, name="")
        # addresses of the world itself, too: each is somebody's
        self.canaries.words.update({f"{person}@": Kind.ADDRESS for person in PEOPLE})

    @override
    def _tell_user(self, user_id: str, **told: object) -> Answer:
        """Whoever has a name has one of his own."""
        new = {"name": self.canaries.word(Kind.NAME)} if "name" in told else {}
        return Acts._tell_user(self, user_id, **{**told, **new})

    @override
    def one(self) -> None:
        Acts.one(self)
        self.any(*WHISPERS)(self)
        if self.chance.random() < 0.2:
            self.follows()

    def asks(self) -> None:
        """A link with a purpose, by letter, to somebody whom nobody knows."""
        person = self.any(*STAFF)
        firm = STAFF[person]
        wish = {
            "employee_id": person,
            "recipient_email": self.canaries.word(Kind.ADDRESS),
            "purpose": self.canaries.word(Kind.PURPOSE),
            **self.perhaps(max_approvals=5, locale="ja"),
        }
        answer = link_requests.create(self.admin_of(firm), partner_id=firm, **wish)
        if answer.status == 201:
            self.links.append(link_requests.secret_of(answer))

    def declines(self) -> None:
        client = self.any(*CLIENTS)
        reason = self.canaries.word(Kind.REASON)
        link_requests.decline(self.admin_of(client), secret=self._secret(), account_id=client, reason=reason)

    def previews(self) -> None:
        link_requests.preview(self.any(*OWN, *STAFF), secret=self._secret())

    def suspends(self) -> None:
        client = self.any(*CLIENTS)
        where = {"account_id": client, "user_id": self.member_of(client)}
        route = "PUT /accounts/{account_id}/users/{user_id}/suspension"
        call(route, self.admin_of(client), {"reason": self.canaries.word(Kind.REASON)}, **where)

    def invites(self) -> None:
        """Somebody whom nobody knows is refused."""
        client = self.any(*CLIENTS)
        wish = {"email": self.canaries.word(Kind.ADDRESS), "permission_set": "partner_admin"}
        call("POST /accounts/{account_id}/users", self.admin_of(client), wish, account_id=client)

    def looks(self) -> None:
        client, firm = self.any(*CLIENTS), self.any(*FIRMS)
        at_client, at_firm = self.admin_of(client), self.admin_of(firm)
        call("GET /accounts/{account_id}/users", at_client, account_id=client)
        call("GET /accounts/{account_id}/audit", at_client, account_id=client)
        call("GET /partners/{partner_id}/access-links", at_firm, partner_id=firm)

    def posts(self) -> None:
        """The mailer's minute; now and then a letter comes back, and nobody knows of an answer."""
        if self.chance.random() < 0.3:
            self.post.plan.append(self.any(goes_unanswered, says("TooManyRequestsException", 429)))
        sweep()
        if self.post.sent and self.chance.random() < 0.3:
            run(RECORD_DELIVERY, bounced(self.post.sent[-1], self.any("Permanent", "Transient")))

    def breaks(self) -> None:
        """A door dies at its writing, or AWS refuses; what is raised is in the log of Lambda."""
        fault = self.any(kills_after, says("InternalServerError", 500), says("ValidationException"))
        with instead(dynamo.client(), "TransactWriteItems", fault):
            try:
                self.asks()
            except (Killed, ClientError) as raised:
                self.canaries.hear("exception", "".join(format_exception(raised)))

    def follows(self) -> None:
        """The stream brings what is new in the trails."""
        chained = {(item["pk"].replace("CHAIN#", "AUDIT#"), item["sk"]) for item in self.table.under("CHAIN#")}
        publish_audit_events(item for item in self.table.under("AUDIT#") if (item["pk"], item["sk"]) not in chained)


WHISPERS: Final[tuple[Callable[[Whispers], None], ...]] = (
    Whispers.asks, Whispers.asks, Whispers.breaks, Whispers.declines, Whispers.invites, Whispers.looks, Whispers.posts,
    Whispers.posts, Whispers.previews, Whispers.suspends,
)  # fmt: skip


@contextmanager
def listening(canaries: Canaries) -> Iterator[Mailbox]:
    """Hear every answer, letter, event and seal, and every write as the stream of the table would bring it."""
    numbers = count(1)
    send = gateway.send

    def answered(*asked: Any) -> Answer:
        answer = send(*asked)
        canaries.hear_answer(next(numbers), answer.text)
        return answer

    def written(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        if model.name in WRITES:
            for place, text in _lines(json.loads(params["body"])):
                canaries.hear(place, text)

    events = dynamo.client().meta.events
    with (
        pytest.MonkeyPatch.context() as patch,
        listener() as heard,
        vault() as kept,
        mailbox() as post,
    ):
        patch.setattr(gateway, "send", answered)
        events.register("before-call.dynamodb", written)
        try:
            yield post
            assert run(SEAL_TRAIL, {}) is None
        finally:
            events.unregister("before-call.dynamodb", written)
        for mail in post.tried:
            canaries.hear_letter(mail)
        for event in heard.tried:
            canaries.hear("event", json.dumps(event))
        for name in kept.names():
            canaries.hear("seal", kept.read(name).decode())


def _lines(asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a write puts where, as text."""
    for line in asked.get("TransactItems", [{"alone": asked}]):
        for does in line.values():
            key = (does.get("Key") or does.get("Item"))["pk"]["S"]
            yield key.partition("#")[0], json.dumps(does)
