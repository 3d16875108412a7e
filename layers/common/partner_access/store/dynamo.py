"""The only door to DynamoDB: read together, commit together; each line of a transaction names its refusal."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zlib import compress, decompress

import boto3
from botocore.config import Config
from pydantic import BaseModel

from partner_access.domain.act import Act
from partner_access.domain.errors import (
    IdempotencyKeyReused,
    Overtaken,
    Refused,
    RightsChanged,
    TemporarilyUnavailable,
)
from partner_access.domain.records import Decision, Kept
from partner_access.idempotency import Replayed, Storable
from partner_access.store import keys
from partner_access.store.attribute_values import read_back, written
from partner_access.store.keys import Key
from partner_access.store.retries import CROWDED, Patience, pauses

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ABSENT: Final = "attribute_not_exists(pk)"
IS_THERE: Final = "attribute_exists(pk)"
UNCHANGED: Final = "version = :seen_version"
TTL: Final = "#ttl"  # DynamoDB reserves the name of the attribute
NOT_DONE_YET: Final = f"attribute_not_exists(pk) OR {TTL} <= :now"
KEPT_FOR: Final = timedelta(hours=25)

AT_ONCE: Final = 100
"""How many items DynamoDB reads or writes in one request."""

Item = Mapping[str, Any]
Record = TypeVar("Record", bound=BaseModel)


@cache
def client() -> "DynamoDBClient":
    """One per process; it gives up long before the API does (guarantees.md §5)."""
    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=1,
            read_timeout=2,
            retries={"mode": "standard", "total_max_attempts": 3},
            # DynamoDB looks at all of it once more; the tests look at every request that they make (tests/conftest.py)
            parameter_validation=False,
            # the SDK would work its name out twice for each request
            user_agent=f"partner-access Boto3/{boto3.__version__}",
        ),
    )


def _table() -> str:
    return os.environ["TABLE_NAME"]


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    # a function that starts makes its client, and loads what the first request would wait for: an address is signed like one
    client().generate_presigned_url("transact_get_items", {"TransactItems": []})


# reading


class Items(dict[Key, Item]):
    """What was found, by key."""

    def get_as(self, record: type[Record], key: Key) -> Record | None:
        """The item as a record, None when there is none."""
        item = self.get(key)
        return None if item is None else record.model_validate(item)

    def all_as(self, record: type[Record], wanted: Mapping[str, Key]) -> dict[str, Record]:
        """Those that are there, by the names that they are wanted by."""
        found = ((name, self.get_as(record, key)) for name, key in wanted.items())
        return {name: each for name, each in found if each}

    def and_read(self, wanted: Iterable[Key]) -> None:
        """Read what of this has not been found yet."""
        self.update(read(key for key in wanted if key not in self))


def read(wanted: Iterable[Key]) -> Items:
    """These items, each as it is now; one request for up to 100."""
    left = list(dict.fromkeys(wanted))
    found = Items()
    for start in range(0, len(left), AT_ONCE):
        found |= _read_some(left[start : start + AT_ONCE])
    return found


def _read_some(wanted: list[Key]) -> Items:
    table, found = _table(), Items()
    asked: Any = {table: {"Keys": [written(key._asdict()) for key in wanted], "ConsistentRead": True}}
    for pause in pauses():
        with Patience():
            answer = client().batch_get_item(RequestItems=asked)
        for item in map(read_back, _heard(answer, "Responses").get(table, [])):
            found[Key(item["pk"], item["sk"])] = item
        asked = answer.get("UnprocessedKeys")
        if not asked:
            return found
        pause()
    raise TemporarilyUnavailable


def _heard(answer: Mapping[str, Any], part: str) -> Any:
    """What was read; boto3 takes an answer that was cut off for one that has nothing in it."""
    if part not in answer:
        raise TemporarilyUnavailable
    return answer[part]


def snapshot(wanted: Iterable[Key], *, ends: float = inf) -> Items:
    """These items, 100 at most, as they all were at one instant; a writer who is at them is waited for (guarantees.md §3)."""
    asked = list(dict.fromkeys(wanted))
    gets: Any = [{"Get": {"TableName": _table(), "Key": written(key._asdict())}} for key in asked]
    for pause in pauses():
        if time.time() > ends:
            raise TemporarilyUnavailable
        try:
            with Patience():
                answer = client().transact_get_items(TransactItems=gets)
        except client().exceptions.TransactionCanceledException as cancelled:
            _must_be_crowded(cancelled.response["CancellationReasons"])
        else:
            got = zip(asked, _heard(answer, "Responses"), strict=True)
            return Items({key: read_back(each["Item"]) for key, each in got if each.get("Item")})
        pause()
    raise TemporarilyUnavailable


def _must_be_crowded(reasons: Any) -> None:
    """Only what says nothing about the items may be tried again; the rest is a bug."""
    unknown = {reason["Code"] for reason in reasons} - CROWDED - {"None"}
    if unknown:
        raise RuntimeError(f"transaction cancelled: {sorted(unknown)}")


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list, and the key after which it goes on, None at its end."""

    items: list[dict[str, Any]]
    after: Mapping[str, Any] | None


def query(
    condition: str,
    *,
    index: str | None = None,
    limit: int = AT_ONCE,
    after: Mapping[str, Any] | None = None,
    newest_first: bool = False,
    **values: object,
) -> Page:
    """One page of a list, consistent unless it comes from an index."""
    request: dict[str, Any] = {
        "TableName": _table(),
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": written({f":{name}": value for name, value in values.items()}),
        "Limit": limit,
        "ScanIndexForward": not newest_first,
    }
    if index:
        request["IndexName"] = index
    else:
        request["ConsistentRead"] = True
    if after:
        request["ExclusiveStartKey"] = written(after)
    with Patience():
        answer = client().query(**request)
    items, last = _heard(answer, "Items"), answer.get("LastEvaluatedKey")
    return Page([read_back(item) for item in items], read_back(last) if last else None)


def pages(condition: str, *, index: str | None = None, **values: Any) -> Iterator[Page]:
    """The whole of a list, a page at a time."""
    page = query(condition, index=index, **values)
    yield page
    while page.after:
        page = query(condition, index=index, after=page.after, **values)
        yield page


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a transaction: what is done to it, only if what holds, and what it means when that does not."""

    action: str
    key: Key
    condition: str | None
    values: Mapping[str, object]
    otherwise: type[Refused]
    expressions: Mapping[str, Any] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """The line as DynamoDB takes it."""
        asked: dict[str, Any] = {"TableName": _table(), **self.expressions}
        if self.action != "Put":
            asked["Key"] = written(self.key._asdict())
        if self.condition:
            asked["ConditionExpression"] = self.condition
            asked["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            if TTL in self.condition:
                asked["ExpressionAttributeNames"] = {TTL: TTL.removeprefix("#")}
        if self.values:
            asked["ExpressionAttributeValues"] = written(self.values)
        return {self.action: asked}

    def pinned(self, record: Kept) -> "Line":
        """The same line, which also needs the record to be as it was seen."""
        return replace(
            self,
            condition=f"({self.condition}) AND {UNCHANGED}" if self.condition else UNCHANGED,
            values={**self.values, ":seen_version": record.version},
        )


def _named(values: Mapping[str, object]) -> dict[str, object]:
    return {f":{name}": value for name, value in values.items()}


def put(
    key: Key,
    record: BaseModel | Mapping[str, object],
    *,
    only_if: str | None = ABSENT,
    otherwise: type[Refused] = RightsChanged,
    **values: object,
) -> Line:
    """The whole item."""
    item = written({**dict(record), **key._asdict()})
    return Line("Put", key, only_if, _named(values), otherwise, {"Item": item})


def update(
    key: Key,
    change: str,
    *,
    only_if: str | None,
    otherwise: type[Refused] = RightsChanged,
    **values: object,
) -> Line:
    """Part of an item that is there."""
    return Line("Update", key, only_if, _named(values), otherwise, {"UpdateExpression": change})


def delete(key: Key, *, only_if: str | None = None, otherwise: type[Refused] = RightsChanged, **values: object) -> Line:
    """The whole item, away."""
    return Line("Delete", key, only_if, _named(values), otherwise)


def check(key: Key, *, only_if: str, otherwise: type[Refused] = RightsChanged, **values: object) -> Line:
    """Nothing is written; it only must hold."""
    return Line("ConditionCheck", key, only_if, _named(values), otherwise)


def commit(decision: Decision, answer: Storable | None, *lines: Line) -> None:
    """All of it or nothing: the caller's key, the audit entries, the letter, the lines, and all that was relied on."""
    once = _once(decision.act, answer)
    transact(
        (*once, *_trail(decision), *_with_pins(decision.relies_on, lines)),
        once_first=bool(once),
        ends=decision.act.ends,
    )


def _once(act: Act, answer: Storable | None) -> tuple[Line, ...]:
    if not act.once or not answer:
        return ()
    item = {
        "fingerprint": act.once.fingerprint,
        "response_status": answer.status,
        "response_body": compress(answer.to_keep().encode()),
        "ttl": act.at + KEPT_FOR,
    }
    return (put(keys.once(act.once.key), item, only_if=NOT_DONE_YET, otherwise=IdempotencyKeyReused, now=act.at),)


def _trail(decision: Decision) -> Iterator[Line]:
    for account_id in decision.audit.accounts:
        yield put(keys.audit(account_id, decision.audit.audit_id), decision.audit)
    if decision.letter:
        yield put(keys.outbox(decision.act.name), _outbox_item(decision))
    if decision.clean_up:
        yield put(keys.clean_up(decision.act.name), _clean_up_item(decision))


def _clean_up_item(decision: Decision) -> dict[str, object]:
    return {
        "act_id": decision.act.name,
        "actor_id": decision.act.by,
        "queued_at": decision.act.at,
        "reconciliation": decision.clean_up,
    }


def _outbox_item(decision: Decision) -> dict[str, object]:
    return {
        "outbox_id": decision.act.name,
        "queued_at": decision.act.at,
        "next_at": decision.act.at,
        "notification": decision.letter,
    }


def _with_pins(relied_on: Iterable[Kept], lines: tuple[Line, ...]) -> Iterator[Line]:
    """A record that is also written is pinned by its own line: DynamoDB takes each item once."""
    pins = {keys.of(record): record for record in relied_on}
    for line in lines:
        record = pins.pop(line.key, None)
        yield line.pinned(record) if record else line
    for key, record in pins.items():
        yield check(key, only_if=UNCHANGED, seen_version=record.version)


def transact(lines: Iterable[Line], *, once_first: bool = False, ends: float = inf) -> None:
    """Write all lines or none; conflicts are tried again, a condition that fails means that the facts moved on."""
    asked: Any = tuple(lines)
    requests = [line.request() for line in asked]
    for pause in pauses():
        if time.time() > ends:
            raise TemporarilyUnavailable
        try:
            with Patience():
                client().transact_write_items(TransactItems=requests)
        except client().exceptions.TransactionCanceledException as cancelled:
            _settle(asked, cancelled.response["CancellationReasons"], once_first=once_first)
        else:
            return
        pause()
    raise TemporarilyUnavailable


def _settle(lines: tuple[Line, ...], reasons: Any, *, once_first: bool) -> None:
    """The first condition that failed decides; with none, only conflicts may be tried again."""
    for position, (line, reason) in enumerate(zip(lines, reasons, strict=True)):
        if reason["Code"] == "ConditionalCheckFailed":
            if once_first and position == 0:
                raise _replay(read_back(reason["Item"]), str(line.expressions["Item"]["fingerprint"]["S"]))
            raise Overtaken(_meaning(line, reason))
    _must_be_crowded(reasons)


def _meaning(line: Line, reason: Any) -> type[Refused]:
    """What it means that a line failed: its own refusal, or no more than that its record moved on since it was read."""
    seen, now = line.values.get(":seen_version"), read_back(reason.get("Item", {})).get("version")
    return RightsChanged if seen is not None and seen != now else line.otherwise


def _replay(kept: Item, fingerprint: str) -> Exception:
    if kept["fingerprint"] != fingerprint:
        return IdempotencyKeyReused()
    return Replayed(int(kept["response_status"]), decompress(bytes(kept["response_body"])).decode())


def recall(act: Act) -> None:
    """Replay what the caller's key was answered, if it was: a refusal may be the effect of his own first attempt."""
    if not act.once:
        return
    kept = read([keys.once(act.once.key)]).get(keys.once(act.once.key))
    if kept and kept["ttl"] > act.at.timestamp():
        raise _replay(kept, act.once.fingerprint)


def keep_instead(act: Act, answer: Storable) -> None:
    """Replay this rather than what was kept when the act came true: what followed from it is in it."""
    if not act.once:
        return
    line = update(
        keys.once(act.once.key),
        "SET response_body = :response_body",
        only_if="fingerprint = :fingerprint",
        fingerprint=act.once.fingerprint,
        response_body=compress(answer.to_keep().encode()),
    )
    transact([line], ends=act.ends)


def keep(act: Act, answer: Storable) -> None:
    """Keep the answer of an act that had nothing to write, or whose parts came true one by one."""
    once = _once(act, answer)
    if once:
        transact(once, once_first=True, ends=act.ends)
