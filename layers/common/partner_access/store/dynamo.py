"""The only module that calls DynamoDB: batch reads, snapshots, queries and transactions.

Each item of a transaction names the error that its failed condition means.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zlib import compress, decompress

import boto3
from botocore.config import Config
from pydantic import BaseModel

from partner_access import settings
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    DomainError,
    IdempotencyKeyReused,
    RightsChanged,
    StaleFacts,
    TemporarilyUnavailable,
)
from partner_access.domain.records import Decision, Record
from partner_access.domain.users import User
from partner_access.idempotency import StorableResponse, StoredResponseFound, user_ids_in, with_names
from partner_access.store import keys, writes
from partner_access.store.attribute_values import from_attribute_values, to_attribute_values
from partner_access.store.keys import Key
from partner_access.store.retries import (
    ATTEMPTS,
    CONTENTION_CODES,
    NARROWING_ATTEMPTS,
    TransientErrorsAsUnavailable,
    pauses,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

STORED_RESPONSE_TTL: Final = timedelta(hours=25)

MAX_BATCH_ITEMS: Final = 100  # DynamoDB reads or writes no more items in one request

Item = Mapping[str, Any]
RecordT = TypeVar("RecordT", bound=BaseModel)


@cache
def client() -> "DynamoDBClient":
    """Return the one client of this process. Its timeouts are far below the API's (consistency.md §5)."""
    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=1,
            read_timeout=2,
            retries={"mode": "standard", "total_max_attempts": 3},
            # DynamoDB validates each request itself. The tests validate every request they make (tests/conftest.py).
            parameter_validation=False,
            # Otherwise the SDK builds its user agent twice for each request.
            user_agent=f"partner-access Boto3/{boto3.__version__}",
        ),
    )


if settings.is_starting_in_lambda():
    # During init, create the client and load what the first request would wait for. Signing a URL loads the same code.
    client().generate_presigned_url("transact_get_items", {"TransactItems": []})


class Items(dict[Key, Item]):
    """Items that were found, by key."""

    def get_as(self, record: type[RecordT], key: Key) -> RecordT | None:
        """Return the item as a record, or None when it does not exist."""
        item = self.get(key)
        return None if item is None else record.model_validate(item)

    def all_as(self, record: type[RecordT], wanted: Mapping[str, Key]) -> dict[str, RecordT]:
        """Return the records that exist, by the same names as in `wanted`."""
        found = ((name, self.get_as(record, key)) for name, key in wanted.items())
        return {name: each for name, each in found if each}

    def read_missing(self, wanted: Iterable[Key]) -> None:
        """Read those of the wanted items that have not been found yet."""
        self.update(read(key for key in wanted if key not in self))


def read(wanted: Iterable[Key]) -> Items:
    """Read these items with strong consistency, in requests of up to 100 items. They can be of different instants."""
    left = list(dict.fromkeys(wanted))
    found = Items()
    for start in range(0, len(left), MAX_BATCH_ITEMS):
        found |= _read_batch(left[start : start + MAX_BATCH_ITEMS])
    return found


def _read_batch(wanted: list[Key]) -> Items:
    table, found = settings.table_name(), Items()
    request_items: Any = {
        table: {"Keys": [to_attribute_values(key._asdict()) for key in wanted], "ConsistentRead": True}
    }
    for pause in pauses():
        with TransientErrorsAsUnavailable():
            response = client().batch_get_item(RequestItems=request_items)
        for item in map(from_attribute_values, response_part(response, "Responses").get(table, [])):
            found[Key(item["pk"], item["sk"])] = item
        request_items = response.get("UnprocessedKeys")
        if not request_items:
            return found
        pause()
    raise TemporarilyUnavailable


def response_part(response: Mapping[str, Any], part: str) -> Any:
    """Return this part of a response. A missing part is an error, since boto3 parses a truncated response as empty."""
    if part not in response:
        raise TemporarilyUnavailable
    return response[part]


def snapshot(wanted: Iterable[Key], *, deadline: float = inf) -> Items:
    """Read up to 100 items as they all were at one instant.

    Try again while a concurrent write to them is in progress (consistency.md §3).
    """
    item_keys = list(dict.fromkeys(wanted))
    gets: Any = [
        {"Get": {"TableName": settings.table_name(), "Key": to_attribute_values(key._asdict())}} for key in item_keys
    ]
    for pause in pauses():
        if time.time() > deadline:
            raise TemporarilyUnavailable
        try:
            with TransientErrorsAsUnavailable():
                response = client().transact_get_items(TransactItems=gets)
        except client().exceptions.TransactionCanceledException as cancelled:
            _require_transient(cancelled.response["CancellationReasons"])
        else:
            pairs = zip(item_keys, response_part(response, "Responses"), strict=True)
            return Items({key: from_attribute_values(each["Item"]) for key, each in pairs if each.get("Item")})
        pause()
    raise TemporarilyUnavailable


def _require_transient(reasons: Any) -> None:
    """Raise RuntimeError unless all reasons are contention or throttling. Other reasons are a bug."""
    unknown = {reason["Code"] for reason in reasons} - CONTENTION_CODES - {"None"}
    if unknown:
        raise RuntimeError(f"transaction cancelled: {sorted(unknown)}")


def commit(decision: Decision, response: StorableResponse | None, *items: writes.TransactionItem) -> None:
    """Write the decision in one transaction.

    It has the idempotency key with the stored response, the audit entries, and the queued notification and
    reconciliation. It also has the given items, and a version check of each record that the decision relies on.
    """
    stored_response = _stored_response_items(decision.act, response)
    transact(
        (*stored_response, *_audit_items(decision), *_with_version_checks(decision.relies_on, items)),
        key_first=bool(stored_response),
        deadline=decision.act.deadline,
        narrows=decision.narrows,
    )


def _stored_response_items(act: Act, response: StorableResponse | None) -> tuple[writes.TransactionItem, ...]:
    key = act.idempotency_key
    if not key or not response:
        return ()
    item = {
        "fingerprint": key.fingerprint,
        "response_status": response.status,
        "response_body": compress(response.to_stored_json().encode()),
        "ttl": act.at + STORED_RESPONSE_TTL,
    }
    return (
        writes.put(keys.idempotency(key.key), item, only_if=writes.KEY_UNUSED, error=IdempotencyKeyReused, now=act.at),
    )


def _audit_items(decision: Decision) -> Iterator[writes.TransactionItem]:
    for account_id in decision.audit.accounts:
        yield writes.put(keys.audit(account_id, decision.audit.audit_id), decision.audit)
    if decision.notification:
        yield writes.put(keys.outbox(decision.act.id), _outbox_item(decision))
    if decision.reconciliation:
        yield writes.put(keys.reconciliation(decision.act.id), _reconciliation_item(decision))


def _reconciliation_item(decision: Decision) -> dict[str, object]:
    return {
        "act_id": decision.act.id,
        "actor_id": decision.act.actor_id,
        "queued_at": decision.act.at,
        "reconciliation": decision.reconciliation,
    }


def _outbox_item(decision: Decision) -> dict[str, object]:
    return {
        "outbox_id": decision.act.id,
        "queued_at": decision.act.at,
        "next_at": decision.act.at,
        "notification": decision.notification,
    }


def _with_version_checks(
    relied_on: Iterable[Record], items: tuple[writes.TransactionItem, ...]
) -> Iterator[writes.TransactionItem]:
    """Yield the items with a version check of each record relied on.

    A record that is also written gets the check in its own item, because DynamoDB accepts each item only once.
    """
    records = {keys.of(record): record for record in relied_on}
    for item in items:
        record = records.pop(item.key, None)
        yield item.with_version_check(record) if record else item
    for key, record in records.items():
        yield writes.check(key, only_if=writes.UNCHANGED, seen_version=record.version)


def transact(
    items: Iterable[writes.TransactionItem], *, key_first: bool = False, deadline: float = inf, narrows: bool = False
) -> None:
    """Write all items or none.

    Transaction conflicts are retried, and longer if the items only take access away. A failed condition raises
    StaleFacts, because the facts have changed.
    """
    transaction_items: Any = tuple(items)
    requests = [item.request() for item in transaction_items]
    for pause in pauses(NARROWING_ATTEMPTS if narrows else ATTEMPTS):
        if time.time() > deadline:
            raise TemporarilyUnavailable
        try:
            with TransientErrorsAsUnavailable():
                client().transact_write_items(TransactItems=requests)
        except client().exceptions.TransactionCanceledException as cancelled:
            reasons = cancelled.response["CancellationReasons"]
            _raise_failed_condition(transaction_items, reasons, key_first=key_first, narrows=narrows)
        else:
            return
        pause()
    raise TemporarilyUnavailable


def _raise_failed_condition(
    items: tuple[writes.TransactionItem, ...], reasons: Any, *, key_first: bool, narrows: bool
) -> None:
    """Raise the error of the first failed condition. Return when only conflicts occurred, which may be retried."""
    for position, (item, reason) in enumerate(zip(items, reasons, strict=True)):
        if reason["Code"] == "ConditionalCheckFailed":
            if key_first and position == 0:
                fingerprint = str(item.expressions["Item"]["fingerprint"]["S"])
                raise _stored_response_found(from_attribute_values(reason["Item"]), fingerprint)
            raise StaleFacts(_error_of(item, reason), narrows=narrows)
    _require_transient(reasons)


def _error_of(item: writes.TransactionItem, reason: Any) -> type[DomainError]:
    """Return the error that a failed item means: RightsChanged when the version has changed, else the item's own."""
    expected, current = item.values.get(":seen_version"), from_attribute_values(reason.get("Item", {})).get("version")
    return RightsChanged if expected is not None and expected != current else item.error


def _stored_response_found(stored: Item, fingerprint: str) -> Exception:
    if stored["fingerprint"] != fingerprint:
        return IdempotencyKeyReused()
    body = decompress(bytes(stored["response_body"])).decode()
    return StoredResponseFound(int(stored["response_status"]), _with_current_names(body))


def _with_current_names(body: str) -> str:
    """Return the stored response with the names and addresses that its users have now."""
    user_ids = user_ids_in(body)
    if not user_ids:
        return body
    found = read(map(keys.user, user_ids))

    def personal_data_of(user_id: str) -> Mapping[str, str | None]:
        user = found.get_as(User, keys.user(user_id))
        return {"name": user.name if user else "", "email": user.email if user else None}

    return with_names(body, personal_data_of)


def replay_if_stored(act: Act) -> None:
    """Replay the response stored for the caller's idempotency key, if there is one.

    An error can be the effect of the caller's own first attempt, so the stored response takes precedence.
    """
    if not act.idempotency_key:
        return
    stored = read([keys.idempotency(act.idempotency_key.key)]).get(keys.idempotency(act.idempotency_key.key))
    if stored and stored["ttl"] > act.at.timestamp():
        raise _stored_response_found(stored, act.idempotency_key.fingerprint)


def replace_response(act: Act, response: StorableResponse) -> None:
    """Replace the response stored at commit by this one, which also reports what followed from the act."""
    if not act.idempotency_key:
        return
    item = writes.update(
        keys.idempotency(act.idempotency_key.key),
        "SET response_body = :response_body",
        only_if="fingerprint = :fingerprint",
        fingerprint=act.idempotency_key.fingerprint,
        response_body=compress(response.to_stored_json().encode()),
    )
    transact([item], deadline=act.deadline)


def store_response(act: Act, response: StorableResponse) -> None:
    """Store the response of an act that had nothing to write, or whose parts were committed one by one."""
    stored_response = _stored_response_items(act, response)
    if stored_response:
        transact(stored_response, key_first=True, deadline=act.deadline)
