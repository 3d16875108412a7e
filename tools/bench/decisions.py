"""Measure the cost of an access decision: times on this machine, and counts of requests and read units."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from math import ceil
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tools import template
from tools.bench.figures import Figure

sys.path.insert(0, str(template.ROOT / "layers/common"))

from partner_access.domain.accounts import Account, AccountKind
from partner_access.domain.memberships.members import Grant, GrantSource, Member, Seat
from partner_access.domain.records import Record
from partner_access.domain.users import User
from partner_access.store import dynamo, keys
from partner_access.store.attribute_values import to_attribute_values

CALLS: Final = 1500
WARM_UP: Final = 100
UNIT: Final = 4096
"""The bytes of an item per read unit. A transactional read costs two units for each of them."""
ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "BASE_URL": "https://access.example.com",
    "DECIDE_SCOPE": "partner-access/decide",
    "DIRECTORY_SCOPE": "partner-access/directory",
    "USER_ID_CLAIM": "sub",
    "POWERTOOLS_METRICS_NAMESPACE": "PartnerAccess",
    "POWERTOOLS_SERVICE_NAME": "partner-access",
    "TABLE_NAME": "partner-access",
}
SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)
PARTNER, CLIENT = "partner-north", "client-bakery"

Json = Mapping[str, Any]


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Context:
    """Lambda's context with enough remaining time."""

    aws_request_id = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


def _records() -> tuple[Record, ...]:
    grant = Grant(
        grant_id="grt_1",
        partner_id=PARTNER,
        source=GrantSource.ACCESS_LINK,
        granted_by="user-owner",
        created_at=SINCE,
        expires_at=datetime.now(UTC) + timedelta(days=90),
    )
    return (
        Account(version=1, account_id=CLIENT, kind=AccountKind.CLIENT, name="The Bakery"),
        Account(version=1, account_id=PARTNER, kind=AccountKind.PARTNER, name="North", domains=("north.example",)),
        User(version=1, user_id="user-owner", name="Owner", email="owner@bakery.example"),
        User(
            version=1,
            user_id="user-employee",
            name="Employee",
            email="employee@north.example",
            employed_by=frozenset({PARTNER}),
        ),
        _member("user-owner", "super_admin", seat=Seat.CORE),
        _member("user-employee", "partner_admin", seat=Seat.PARTNER, partner_id=PARTNER, grant=grant),
    )


def _member(user_id: str, permission_set: str, **more: Any) -> Member:
    return Member.model_validate(
        {
            "version": 1,
            "account_id": CLIENT,
            "user_id": user_id,
            "permission_set": permission_set,
            "set_version": 1,
            "since": SINCE,
            **more,
        }
    )


@dataclass(slots=True)
class FakeDynamoDB:
    """A fake DynamoDB with items, which counts requests and read units."""

    items: Mapping[tuple[str, str], Json]
    requests: int = 0
    units: int = 0

    def respond(self, request: Any, **_: Any) -> Any:
        self.requests += 1
        found = [self._item(get["Get"]["Key"]) for get in json.loads(request.body)["TransactItems"]]
        body = json.dumps({"Responses": found}).encode()
        return AWSResponse("", 200, HTTPHeaders.from_dict({}), _Raw(body))

    def _item(self, key: Json) -> Json:
        item = self.items.get((key["pk"]["S"], key["sk"]["S"]))
        self.units += 2 * max(1, ceil(len(json.dumps(item or {})) / UNIT))
        return {"Item": item} if item else {}


@contextmanager
def fake_dynamodb() -> Iterator[FakeDynamoDB]:
    """Replace DynamoDB by a fake inside this context."""
    os.environ |= ENVIRONMENT
    items = {
        keys.of(record): to_attribute_values({**dict(record), **keys.of(record)._asdict()}) for record in _records()
    }
    fake = FakeDynamoDB({(key.pk, key.sk): item for key, item in items.items()})
    events = dynamo.client().meta.events
    events.register("before-send.dynamodb.TransactGetItems", fake.respond)
    try:
        yield fake
    finally:
        events.unregister("before-send.dynamodb.TransactGetItems", fake.respond)


def _event(route: str, body: Json) -> Json:
    return {
        "routeKey": f"POST {route}",
        "rawPath": route,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "requestId": "bench",
            "authorizer": {"jwt": {"claims": {"sub": "back-end", "scope": "partner-access/decide"}}},
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def _evaluation_request(user_id: str, permission: str) -> Json:
    return {
        "subject": {"type": "user", "id": user_id},
        "action": {"name": permission},
        "resource": {"type": "account", "id": CLIENT},
    }


def cases() -> Mapping[str, tuple[Json, int]]:
    """Return the events to measure, each with its number of decisions."""
    permissions = [f"crm.{kind}.{action}" for kind in ("contacts", "deals", "tickets", "tasks", "calls") for action in
                   ("view", "edit", "delete")] + ["crm.import", "crm.export", "reports.view", "account.website", "nothing"]  # fmt: skip
    batch = {
        **_evaluation_request("user-employee", "crm.export"),
        "evaluations": [{"action": {"name": one}} for one in permissions],
    }
    return {
        "a client's super admin": (_event("/access/v1/evaluation", _evaluation_request("user-owner", "crm.export")), 1),
        "a partner admin": (_event("/access/v1/evaluation", _evaluation_request("user-employee", "crm.export")), 1),
        "an unknown user": (_event("/access/v1/evaluation", _evaluation_request("user-nobody", "crm.export")), 1),
        f"a batch of {len(permissions)} on one partner admin": (
            _event("/access/v1/evaluations", batch),
            len(permissions),
        ),
    }


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of a case: milliseconds of each request, processor seconds of all, and reads for one."""

    milliseconds: list[float]
    processor: float
    requests: float
    units: float

    def quantile(self, percent: int) -> float:
        return statistics.quantiles(self.milliseconds, n=100)[percent - 1]


def measure(handler: Callable[[Any, Any], Any], event: Json, fake: FakeDynamoDB) -> CaseResult:
    for _ in range(WARM_UP):
        handler(event, Context())
    fake.requests = fake.units = 0
    durations, began = [], time.process_time()
    for _ in range(CALLS):
        start = time.perf_counter()
        response = handler(event, Context())
        durations.append((time.perf_counter() - start) * 1000)
        if response["statusCode"] != 200:  # noqa: PLR2004  only success is measured
            raise RuntimeError(response["body"])
    return CaseResult(durations, time.process_time() - began, fake.requests / CALLS, fake.units / CALLS)


def figures() -> Iterator[Figure]:
    """Yield the speed and the reads of each case."""
    with fake_dynamodb() as fake:
        from functions.decide_access.app import handler  # noqa: PLC0415  it reads the environment when it is imported

        for name, (event, decisions) in cases().items():
            one = measure(handler, event, fake)
            yield Figure(
                name=f"{name}: a second, per core", measured=CALLS * decisions / one.processor, unit="decisions"
            )
            yield Figure(name=f"{name}: p50", measured=one.quantile(50), unit="ms")
            yield Figure(name=f"{name}: p99", measured=one.quantile(99), unit="ms")
            yield Figure(name=f"{name}: reads", measured=one.requests, unit="requests")
            yield Figure(name=f"{name}: read units for a decision", measured=one.units / decisions, unit="units")
