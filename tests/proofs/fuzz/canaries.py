"""Unique words that enter the product through every route, and a search for all places where they turn up."""

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
from tests.support.background_functions import (
    RECORD_EMAIL_FEEDBACK,
    SIGN_AUDIT_LOG,
    publish_audit_events,
    run_function,
    run_send_emails,
)
from tests.support.fake_event_bus import fake_event_bus
from tests.support.fake_ses import FakeSes, SentEmail, bounce_feedback, fake_ses
from tests.support.fake_tree_head_store import fake_tree_head_store
from tests.support.faults import Killed, aws_error, killed_after, replace_calls, response_lost
from tests.support.gateway import ApiResponse, call
from tests.support.random_accounts import (
    CLIENT_OF_USER,
    CLIENTS,
    DOMAIN_OF_PARTNER,
    PARTNER_OF_EMPLOYEE,
    USERS,
)
from tests.support.random_operations import RandomOperations

WRITES: Final = frozenset({"TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"})
SECRET: Final = re.compile(r"pal_[\w.-]+?_[0-9a-f]{8}", re.ASCII)
ENCODED: Final = re.compile(r"[A-Za-z0-9+/=_-]{24,}")
BY_NUMBER: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
DEPTH: Final = 3
"""Maximum number of encodings that are removed. Base64 of compressed text has two."""


class Kind(StrEnum):
    """The kinds of private data."""

    SECRET = auto()
    ADDRESS = auto()
    NAME = auto()
    PURPOSE = auto()
    REASON = auto()


PERMITTED_PLACES: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.SECRET: frozenset({"first response", "email"}),
    Kind.ADDRESS: frozenset({"response", "email", "USER", "EMAIL", "PARTNER", "IDEMPOTENCY"}),
    Kind.NAME: frozenset({"response", "email", "USER", "ACCOUNT", "IDEMPOTENCY"}),
    Kind.PURPOSE: frozenset({"response", "email", "PARTNER", "IDEMPOTENCY"}),
    Kind.REASON: frozenset({"email", "OUTBOX"}),
}
"""Permitted places of each kind. A word in capitals is a kind of item of the table.

Logs, audit log, hash chains, events and tree heads may have none.
"""
FORBIDDEN_PLACES: Final = frozenset({"log", "event", "tree head", "exception", "AUDIT", "CHAIN"})
"""Places with much text where no canary is permitted."""


@dataclass(slots=True)
class Canaries:
    """The canary words with their kinds, the texts of each place, and the first recipient of each secret."""

    words: dict[str, Kind] = field(default_factory=dict)
    texts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    first_recipient: dict[str, str] = field(default_factory=dict)

    def new_word(self, kind: Kind) -> str:
        """Return a new word that cannot occur by chance."""
        number = "".join(chr(ord("g") + int(digit)) for digit in f"{len(self.words):05d}")
        word = f"quetzal-{number}@canary.example" if kind is Kind.ADDRESS else f"Quetzal {number} {kind}"
        self.words[word] = kind
        return word

    def record(self, place: str, text: str) -> None:
        """Record a text of this place."""
        self.texts[place].add(text)

    def record_response(self, number: int, text: str) -> None:
        """Record a response. Only the response that created a link may contain its URL."""
        body = json.loads(text or "{}")
        self._record_secrets("first response", f"response {number}", body.pop("url", ""))
        self.record("response", json.dumps(body))

    def record_email(self, email: SentEmail) -> None:
        """Record an email. Each copy has a secret of its own."""
        self._record_secrets("email", email.delivery, f"{email.address}\n{email.subject}\n{email.text}\n{email.html}")

    def _record_secrets(self, place: str, recipient: str, text: str) -> None:
        """Record a text with secrets. A secret that another recipient already has is astray.

        The part after the last period of a secret opens the link.
        """
        parts = {each.rpartition(".")[2].rpartition("_")[0] for each in SECRET.findall(text)}
        self.words.update(dict.fromkeys(parts, Kind.SECRET))
        is_theirs = all(self.first_recipient.setdefault(part, recipient) == recipient for part in parts)
        self.record(place if is_theirs else f"{place}, of another", text)

    def places_by_kind(self) -> dict[Kind, set[str]]:
        """Return the places where words of each kind occur, in any encoding."""
        found: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        for place, texts in self.texts.items():
            everything = "\n".join(each for text in texts for each in decoded(text)).casefold()
            for word, kind in self.words.items():
                if word.casefold() in everything:
                    found[kind].add(place)
        return found

    def misplaced(self) -> set[tuple[Kind, str]]:
        """Return the occurrences at places where they are not permitted."""
        return {
            (kind, place) for kind, places in self.places_by_kind().items() for place in places - PERMITTED_PLACES[kind]
        }


def decoded(text: str, depth: int = DEPTH) -> Iterator[str]:
    """Yield the text and everything that it contains in escaped, Base64 or compressed form."""
    yield text
    if "%" in text:
        yield unquote(text)
    if "\\u" in text:
        yield BY_NUMBER.sub(lambda found: chr(int(found[1], 16)), text)
    if depth:
        for packed in set(ENCODED.findall(text)):
            for read in _decode(packed):
                yield from decoded(read, depth - 1)


def _decode(packed: str) -> Iterator[str]:
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
class CanaryOperations(RandomOperations):
    """Random operations in which every address, name, purpose and reason is a canary."""

    canaries: Canaries = field(default_factory=Canaries)
    mailbox: FakeSes = field(default_factory=FakeSes)

    @override
    def create_accounts(self) -> None:
        RandomOperations.create_accounts(self)
        for account in (*DOMAIN_OF_PARTNER, *CLIENTS):
            self.put_account(account, name=self.canaries.new_word(Kind.NAME))
        for person in USERS:
            self.put_user(person, name="")
        # the addresses of the initial users are canaries, too
        self.canaries.words.update({f"{person}@": Kind.ADDRESS for person in USERS})

    @override
    def put_user(self, user_id: str, **fields: object) -> ApiResponse:
        """Replace a given name with a canary."""
        new = {"name": self.canaries.new_word(Kind.NAME)} if "name" in fields else {}
        return RandomOperations.put_user(self, user_id, **{**fields, **new})

    @override
    def run_one(self) -> None:
        RandomOperations.run_one(self)
        self.choose(*CANARY_OPERATIONS)(self)
        if self.random.random() < 0.2:
            self.publish_audit_events()

    def create_link_for_unknown(self) -> None:
        """Create a link with a purpose and send it to an unknown address."""
        person = self.choose(*PARTNER_OF_EMPLOYEE)
        partner_id = PARTNER_OF_EMPLOYEE[person]
        fields = {
            "employee_id": person,
            "recipient_email": self.canaries.new_word(Kind.ADDRESS),
            "purpose": self.canaries.new_word(Kind.PURPOSE),
            **self.some_of(max_approvals=5, locale="ja"),
        }
        response = link_requests.create(self.admin_of(partner_id), partner_id=partner_id, **fields)
        if response.status == 201:
            self.links.append(link_requests.secret_of(response))

    def decline_link(self) -> None:
        client = self.choose(*CLIENTS)
        reason = self.canaries.new_word(Kind.REASON)
        link_requests.decline(self.admin_of(client), secret=self.recent_secret(), account_id=client, reason=reason)

    def preview_link(self) -> None:
        link_requests.preview(self.choose(*CLIENT_OF_USER, *PARTNER_OF_EMPLOYEE), secret=self.recent_secret())

    def suspend_member(self) -> None:
        client = self.choose(*CLIENTS)
        path = {"account_id": client, "user_id": self.member_of(client)}
        route = "PUT /accounts/{account_id}/users/{user_id}/suspension"
        call(route, self.admin_of(client), {"reason": self.canaries.new_word(Kind.REASON)}, **path)

    def create_unknown_user(self) -> None:
        """Create a user with an unknown address, which is an error."""
        client = self.choose(*CLIENTS)
        body = {"email": self.canaries.new_word(Kind.ADDRESS), "permission_set": "partner_admin"}
        call("POST /accounts/{account_id}/users", self.admin_of(client), body, account_id=client)

    def read_lists(self) -> None:
        client, partner_id = self.choose(*CLIENTS), self.choose(*DOMAIN_OF_PARTNER)
        client_admin, partner_manager = self.admin_of(client), self.admin_of(partner_id)
        call("GET /accounts/{account_id}/users", client_admin, account_id=client)
        call("GET /accounts/{account_id}/audit", client_admin, account_id=client)
        call("GET /partners/{partner_id}/access-links", partner_manager, partner_id=partner_id)

    def send_emails(self) -> None:
        """Send the queued emails once. At times a response of SES is lost or an email bounces."""
        if self.random.random() < 0.3:
            self.mailbox.next_faults.append(self.choose(response_lost, aws_error("TooManyRequestsException", 429)))
        run_send_emails()
        if self.mailbox.sent and self.random.random() < 0.3:
            run_function(
                RECORD_EMAIL_FEEDBACK, bounce_feedback(self.mailbox.sent[-1], self.choose("Permanent", "Transient"))
            )

    def create_link_under_fault(self) -> None:
        """Create a link while its write fails. The exception appears in the log of Lambda."""
        fault = self.choose(killed_after, aws_error("InternalServerError", 500), aws_error("ValidationException"))
        with replace_calls(dynamo.client(), "TransactWriteItems", fault):
            try:
                self.create_link_for_unknown()
            except (Killed, ClientError) as raised:
                self.canaries.record("exception", "".join(format_exception(raised)))

    def publish_audit_events(self) -> None:
        """Deliver the new audit entries of the stream."""
        chained = {
            (item["pk"].replace("CHAIN#", "AUDIT#"), item["sk"]) for item in self.table.items_with_prefix("CHAIN#")
        }
        publish_audit_events(
            item for item in self.table.items_with_prefix("AUDIT#") if (item["pk"], item["sk"]) not in chained
        )


CANARY_OPERATIONS: Final[tuple[Callable[[CanaryOperations], None], ...]] = (
    CanaryOperations.create_link_for_unknown, CanaryOperations.create_link_for_unknown, CanaryOperations.create_link_under_fault, CanaryOperations.decline_link, CanaryOperations.create_unknown_user, CanaryOperations.read_lists, CanaryOperations.send_emails,
    CanaryOperations.send_emails, CanaryOperations.preview_link, CanaryOperations.suspend_member,
)  # fmt: skip


@contextmanager
def recording(canaries: Canaries) -> Iterator[FakeSes]:
    """Record every response, email, event and tree head, and every write as the table's stream would deliver it."""
    numbers = count(1)
    send = gateway.send_event

    def recorded(*request: Any) -> ApiResponse:
        response = send(*request)
        canaries.record_response(next(numbers), response.text)
        return response

    def written(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        if model.name in WRITES:
            for place, text in _texts_of_write(json.loads(params["body"])):
                canaries.record(place, text)

    events = dynamo.client().meta.events
    with (
        pytest.MonkeyPatch.context() as patch,
        fake_event_bus() as event_bus,
        fake_tree_head_store() as tree_heads,
        fake_ses() as ses,
    ):
        patch.setattr(gateway, "send_event", recorded)
        events.register("before-call.dynamodb", written)
        try:
            yield ses
            assert run_function(SIGN_AUDIT_LOG, {}) is None
        finally:
            events.unregister("before-call.dynamodb", written)
        for email in ses.attempts:
            canaries.record_email(email)
        for event in event_bus.attempts:
            canaries.record("event", json.dumps(event))
        for name in tree_heads.names():
            canaries.record("tree head", tree_heads.read(name).decode())


def _texts_of_write(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the place and the text of each item that a write changes."""
    for item in request.get("TransactItems", [{"alone": request}]):
        for action in item.values():
            key = (action.get("Key") or action.get("Item"))["pk"]["S"]
            yield key.partition("#")[0], json.dumps(action)
