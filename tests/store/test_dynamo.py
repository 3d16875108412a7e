"""DynamoDB access: batch reads, snapshots, transactions, stored responses and faults (consistency.md §5, §7)."""

import runpy
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from zlib import decompress

import boto3
import pytest
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.signers import RequestSigner

from partner_access.api.response_body import ResponseBody
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    EmailInUse,
    IdempotencyKeyReused,
    NoSeatLeft,
    RightsChanged,
    StaleFacts,
    TemporarilyUnavailable,
)
from partner_access.domain.notifications import Notification, NotificationKind, Reconciliation, ReconciliationReason
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User
from partner_access.idempotency import StoredResponseFound
from partner_access.store import attribute_values, dynamo, keys, queries, retries, writes
from partner_access.store.keys import Key
from tests.support import faults
from tests.support.builders import ACT_ID, CLIENT, NOW, a_user, an_act, an_idempotency_key, the_client
from tests.support.faults import Fault
from tests.support.races import before_commit
from tests.support.table import Table

KEY = Key("PLACE#1", "ITEM")
OTHER_KEY = Key("PLACE#2", "ITEM")
OPEN = "stored_state = :open"


@pytest.fixture(autouse=True)
def recorded_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace `time.sleep`. Return the list of the pauses in seconds."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


class BodyWithSecret(ResponseBody):
    url: str = "secret"
    name: str = "stored"
    status = HTTPStatus.CREATED
    never_stored = frozenset({"url"})


def a_decision(act: Act | None = None, **changes: Any) -> Decision:
    decision_act = act or an_act(idempotency_key=an_idempotency_key())
    return Decision(**{"act": decision_act, "audit": audit("thing.done", decision_act, CLIENT), **changes})


def commit(decision: Decision, *lines: writes.TransactionItem) -> None:
    dynamo.commit(decision, BodyWithSecret(), *lines)


def increment_if_open(key: Key = KEY, **options: Any) -> writes.TransactionItem:
    return writes.update(key, "ADD times :one", only_if=OPEN, open="open", one=1, **options)


# reads


def test_read_without_keys_sends_no_request(table: Table) -> None:
    with faults.inject(dynamo.client(), "") as requests:
        assert dynamo.read([]) == {}

    assert requests == []


@pytest.mark.parametrize(("wanted", "expected"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_read_sends_one_request_per_100_keys(table: Table, wanted: int, expected: int) -> None:
    all_keys = [Key(f"PLACE#{number}", "ITEM") for number in range(wanted)]
    for key in all_keys[::2]:
        table.put(key, {"number": 1})

    with faults.inject(dynamo.client(), "BatchGetItem") as requests:
        found = dynamo.read([*all_keys, *all_keys])

    assert set(found) == set(all_keys[::2])
    assert len(requests) == expected
    assert all(operation["RequestItems"][table.name]["ConsistentRead"] for operation in requests)


def unprocessed(count: int) -> Fault:
    """Simulate DynamoDB leaving this many keys unprocessed."""

    def fault(operation: Any, _: faults.Send) -> Any:
        requested = faults.body(operation)["RequestItems"]
        ((name, wanted),) = requested.items()
        left = wanted["Keys"][-count:]
        got = [{**key, "number": {"N": "1"}} for key in wanted["Keys"][:-count]]
        return faults.responds(
            200, {"Responses": {name: got}, "UnprocessedKeys": {name: {"Keys": left, "ConsistentRead": True}}}
        )

    return fault


def test_read_requests_unprocessed_keys_again(table: Table, recorded_pauses: list[float]) -> None:
    all_keys = [Key(f"PLACE#{number}", "ITEM") for number in range(9)]
    for key in all_keys:
        table.put(key, {"number": 1})

    with faults.inject(dynamo.client(), "BatchGetItem", unprocessed(6), unprocessed(2)) as requests:
        found = dynamo.read(all_keys)

    assert set(found) == set(all_keys)
    assert [len(operation["RequestItems"][table.name]["Keys"]) for operation in requests] == [9, 6, 2]
    assert all(operation["RequestItems"][table.name]["ConsistentRead"] for operation in requests)
    assert len(recorded_pauses) == 2


def test_read_with_all_keys_unprocessed_requests_all_again(table: Table, recorded_pauses: list[float]) -> None:
    nothing = {"Responses": {}, "UnprocessedKeys": {table.name: {"Keys": [{"pk": {"S": "A"}, "sk": {"S": "B"}}]}}}
    table.put(Key("A", "B"), {"number": 1})

    with faults.inject(dynamo.client(), "BatchGetItem", lambda *_: faults.responds(200, nothing)) as requests:
        found = dynamo.read([Key("A", "B")])

    assert (set(found), len(requests), len(recorded_pauses)) == ({Key("A", "B")}, 2, 1)


def test_read_with_keys_always_unprocessed_raises_unavailable(table: Table, recorded_pauses: list[float]) -> None:
    with (
        faults.inject(dynamo.client(), "BatchGetItem", last_fault=unprocessed(1)) as requests,
        pytest.raises(TemporarilyUnavailable),
    ):
        dynamo.read([KEY])

    assert len(requests) == retries.ATTEMPTS
    assert len(recorded_pauses) == retries.ATTEMPTS - 1


def test_all_as_returns_existing_records_by_name(table: Table) -> None:
    user, other = a_user(), a_user("user-other")
    table.put_records(user, other)
    found = dynamo.read([keys.of(user), keys.of(other), KEY])

    assert found.all_as(User, {"a": keys.of(user), "b": keys.of(other), "c": KEY}) == {"a": user, "b": other}
    assert found.all_as(User, {}) == {}


def test_and_read_requests_only_unread_keys(table: Table) -> None:
    user, other = a_user(), a_user("user-other")
    table.put_records(user)
    found = dynamo.read([keys.of(user)])
    table.put_records(user.next_version(name="Later"), other)

    with faults.inject(dynamo.client(), "BatchGetItem") as requests:
        found.read_missing([keys.of(user), keys.of(other), KEY])
        found.read_missing([keys.of(user), keys.of(other)])

    assert found.get_as(User, keys.of(user)) == user
    assert found.get_as(User, keys.of(other)) == other
    assert KEY not in found
    assert [len(operation["RequestItems"][table.name]["Keys"]) for operation in requests] == [2]


# snapshots


def test_snapshot_is_one_request_with_distinct_keys(table: Table) -> None:
    user, account = a_user(), the_client()
    table.put_records(user, account)

    with faults.inject(dynamo.client(), "") as requests:
        found = dynamo.snapshot(iter([keys.of(user), keys.of(account), KEY, keys.of(user)]))

    (operation,) = requests
    reads = [each["Get"] for each in operation["TransactItems"]]
    assert [each["Key"]["pk"]["S"] for each in reads] == [keys.of(user).pk, keys.of(account).pk, KEY.pk]
    assert {each["TableName"] for each in reads} == {table.name}
    assert set(found) == {keys.of(user), keys.of(account)}
    assert found.get_as(User, keys.of(user)) == user
    assert found.get_as(Account, keys.of(account)) == account


def test_snapshot_returns_same_items_as_read(table: Table) -> None:
    all_keys = [Key(f"PLACE#{number}", "ITEM") for number in range(100)]
    for number, key in enumerate(all_keys[::3]):
        table.put(key, {"number": number, "stored_state": "open", "secrets": {"a", "b"}})

    assert dynamo.snapshot(all_keys) == dynamo.read(all_keys)


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
@pytest.mark.parametrize("times", [1, 5])
def test_snapshot_after_transaction_conflict_is_retried(
    table: Table, times: int, reason: str, recorded_pauses: list[float]
) -> None:
    table.put(KEY, {"stored_state": "open"})

    with faults.inject(
        dynamo.client(), "TransactGetItems", *[faults.transaction_canceled(reason, 1)] * times
    ) as attempts:
        found = dynamo.snapshot([OTHER_KEY, KEY])

    assert found[KEY]["stored_state"] == "open"
    assert len(attempts) == times + 1
    assert len(recorded_pauses) == times
    assert all(0 <= pause <= retries.BASE_DELAY * 2**nth for nth, pause in enumerate(recorded_pauses))


def test_snapshot_with_persistent_conflict_raises_unavailable(table: Table, recorded_pauses: list[float]) -> None:
    with (
        faults.inject(dynamo.client(), "TransactGetItems", last_fault=faults.WRITE_CONFLICT) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        dynamo.snapshot([KEY])

    assert len(attempts) == retries.ATTEMPTS
    assert len(recorded_pauses) == retries.ATTEMPTS - 1


@pytest.mark.parametrize(("ends", "tried"), [(99.9, 0), (100.0, 1), (100.5, 2), (101.0, 2)])
def test_snapshot_after_deadline_raises_unavailable(
    table: Table, monkeypatch: pytest.MonkeyPatch, ends: float, tried: int
) -> None:
    time = iter([100.0, 100.5, 101.5])
    monkeypatch.setattr("partner_access.store.dynamo.time.time", time.__next__)

    with (
        faults.inject(dynamo.client(), "TransactGetItems", last_fault=faults.WRITE_CONFLICT) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        dynamo.snapshot([KEY], deadline=ends)

    assert len(attempts) == tried


@pytest.mark.parametrize("reason", ["ValidationError", "AccessDenied", "SomethingNew"])
def test_snapshot_with_unexpected_cancellation_raises_runtime_error(table: Table, reason: str) -> None:
    fault = faults.transaction_canceled(reason, 1, at_0="TransactionConflict")

    with (
        faults.inject(dynamo.client(), "TransactGetItems", fault) as attempts,
        pytest.raises(RuntimeError, match=reason),
    ):
        dynamo.snapshot([KEY, OTHER_KEY])

    assert len(attempts) == 1


# lists


def every_item(**options: Any) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = queries.query("pk = :list", list="LIST#1", after=after, **options)
        assert len(page.items) <= options["limit"]
        yield from page.items
        after = page.after
        if not after:
            return


# writes


def test_commit_writes_all_items_of_decision(table: Table) -> None:
    decision = a_decision(notification=Notification(kind=NotificationKind.MEMBER_CREATED, employee_id="user-other"))
    table.put(KEY, {"stored_state": "open"})

    commit(decision, increment_if_open())

    assert [item["pk"].partition("#")[0] for item in table.items()] == ["AUDIT", "IDEMPOTENCY", "OUTBOX", "PLACE"]
    (stored,) = table.items_with_prefix("IDEMPOTENCY#")
    assert (stored["response_status"], decompress(bytes(stored["response_body"]))) == (201, b'{"name":"stored"}')
    assert stored["ttl"] - int(NOW.timestamp()) == 25 * 3600
    (notification,) = table.items_with_prefix("OUTBOX#")
    assert (notification["outbox_id"], notification["queued_at"], notification["next_at"]) == (
        ACT_ID,
        *[int(NOW.timestamp())] * 2,
    )


def test_commit_queues_reconciliation_with_its_act(table: Table) -> None:
    reconciliation = Reconciliation(partner_id="partner", user_id="user-other", reason=ReconciliationReason.OFFBOARDED)
    table.put(KEY, {"stored_state": "open"})

    commit(a_decision(reconciliation=reconciliation), increment_if_open())

    (queued,) = table.items_with_prefix("RECONCILIATION#")
    assert queued == {
        **keys.reconciliation(ACT_ID)._asdict(),
        "act_id": ACT_ID,
        "actor_id": an_act().actor_id,
        "queued_at": int(NOW.timestamp()),
        "reconciliation": attribute_values.to_plain(reconciliation),
    }
    assert Reconciliation.model_validate(queued["reconciliation"]) == reconciliation


def test_stored_response_is_compressed_and_replayed_unchanged(table: Table) -> None:
    answer = BodyWithSecret(name="long and the same " * 2_000)
    act = an_act(idempotency_key=an_idempotency_key())

    dynamo.store_response(act, answer)

    (stored,) = table.items_with_prefix("IDEMPOTENCY#")
    assert len(bytes(stored["response_body"])) < 1_000
    with pytest.raises(StoredResponseFound) as replayed:
        dynamo.replay_if_stored(act)
    assert (replayed.value.status, replayed.value.body) == (answer.status, answer.to_stored_json())


@pytest.mark.parametrize("key", [keys.audit(CLIENT, f"aud_{ACT_ID}"), keys.outbox(ACT_ID), keys.reconciliation(ACT_ID)])
def test_commit_with_existing_item_of_same_act_raises_stale_facts(table: Table, key: Key) -> None:
    notification, reconciliation = (
        Notification(kind=NotificationKind.MEMBER_CREATED),
        Reconciliation(user_id="user-other", reason=ReconciliationReason.OFFBOARDED),
    )
    table.put(key, {"number": 1})

    with pytest.raises(StaleFacts):
        commit(a_decision(notification=notification, reconciliation=reconciliation))

    assert table.items() == [{**key._asdict(), "number": 1}]


def test_commit_with_failed_condition_writes_nothing(table: Table) -> None:
    table.put(KEY, {"stored_state": "ended"})
    before = table.items()

    with pytest.raises(StaleFacts) as overtaken:
        commit(a_decision(), increment_if_open(error=NoSeatLeft))

    assert overtaken.value.error is NoSeatLeft
    assert table.items() == before


def test_commit_with_several_failed_conditions_reports_first(table: Table) -> None:
    lines = (
        increment_if_open(KEY, error=NoSeatLeft),
        writes.check(OTHER_KEY, only_if=OPEN, open="open", error=EmailInUse),
    )

    with pytest.raises(StaleFacts) as overtaken:
        commit(a_decision(), *lines)

    assert overtaken.value.error is NoSeatLeft


@pytest.mark.parametrize("is_written", [True, False], ids=["and is written itself", "and is only relied on"])
def test_commit_with_changed_relied_on_record_raises_stale_facts(table: Table, *, is_written: bool) -> None:
    account = the_client()
    table.put_records(account)
    decision = a_decision(relies_on=(account,))
    lines = (writes.update(keys.of(account), "ADD partner_seats_used :one", only_if=None, one=1),) if is_written else ()

    with (
        before_commit(lambda: table.put_records(account.next_version(name="Another"))),
        pytest.raises(StaleFacts) as overtaken,
    ):
        commit(decision, *lines)

    assert overtaken.value.error is RightsChanged
    assert [item["pk"] for item in table.items()] == [f"ACCOUNT#{CLIENT}"]
    table.put_records(account)
    commit(decision, *lines)
    assert dynamo.read([keys.of(account)])[keys.of(account)]["partner_seats_used"] == int(is_written)


@pytest.mark.parametrize("moved_on", [True, False])
def test_commit_failed_condition_with_changed_record_is_rights_changed(table: Table, *, moved_on: bool) -> None:
    account = the_client(partner_seat_limit=0)
    table.put_records(account.next_version() if moved_on else account)
    line = writes.update(
        keys.of(account),
        "ADD partner_seats_used :one",
        only_if="partner_seats_used < seats",
        error=NoSeatLeft,
        one=1,
    )

    with pytest.raises(StaleFacts) as overtaken:
        commit(a_decision(relies_on=(account,)), line)

    assert overtaken.value.error is (RightsChanged if moved_on else NoSeatLeft)


# idempotency keys


def test_commit_with_same_key_and_request_replays_response(table: Table) -> None:
    table.put(KEY, {"stored_state": "open"})
    commit(a_decision(), increment_if_open())
    before = table.items()

    with pytest.raises(StoredResponseFound) as replayed:
        commit(a_decision(), increment_if_open())

    assert (replayed.value.status, replayed.value.body) == (201, '{"name":"stored"}')
    assert table.items() == before


def test_commit_with_same_key_and_other_request_raises_error(table: Table) -> None:
    commit(a_decision())

    with pytest.raises(IdempotencyKeyReused):
        commit(a_decision(an_act(idempotency_key=an_idempotency_key(fingerprint="something else"), id="1" * 32)))


def test_commit_with_expired_idempotency_key_succeeds(table: Table) -> None:
    commit(a_decision())
    day_later = NOW + dynamo.STORED_RESPONSE_TTL

    with pytest.raises(StoredResponseFound):
        commit(
            a_decision(an_act(idempotency_key=an_idempotency_key(), id="1" * 32, at=day_later - timedelta(seconds=1)))
        )
    commit(a_decision(an_act(idempotency_key=an_idempotency_key(), id="1" * 32, at=day_later)))

    assert len(table.items_with_prefix("AUDIT#")) == 2


def test_commit_replay_precedes_other_failed_conditions(table: Table) -> None:
    table.put(KEY, {"stored_state": "open"})
    commit(a_decision(), increment_if_open())
    table.put(KEY, {"stored_state": "ended"})

    with pytest.raises(StoredResponseFound):
        commit(a_decision(), increment_if_open(error=NoSeatLeft))


def test_replay_if_stored_raises_until_key_expires(table: Table) -> None:
    dynamo.store_response(an_act(idempotency_key=an_idempotency_key()), BodyWithSecret())

    for act, kind in (
        (an_act(idempotency_key=an_idempotency_key()), StoredResponseFound),
        (an_act(idempotency_key=an_idempotency_key(fingerprint="something else")), IdempotencyKeyReused),
    ):
        with pytest.raises(kind):
            dynamo.replay_if_stored(act)
    dynamo.replay_if_stored(an_act(idempotency_key=an_idempotency_key(), at=NOW + dynamo.STORED_RESPONSE_TTL))
    dynamo.replay_if_stored(an_act(idempotency_key=an_idempotency_key("another key")))
    dynamo.replay_if_stored(an_act())


def test_store_response_requires_key_and_stores_once(table: Table) -> None:
    dynamo.store_response(an_act(), BodyWithSecret())
    assert table.items() == []

    dynamo.store_response(an_act(idempotency_key=an_idempotency_key()), BodyWithSecret())
    with pytest.raises(StoredResponseFound):
        dynamo.store_response(an_act(idempotency_key=an_idempotency_key()), BodyWithSecret())
    with pytest.raises(IdempotencyKeyReused):
        dynamo.store_response(
            an_act(idempotency_key=an_idempotency_key(fingerprint="something else")), BodyWithSecret()
        )


def test_replace_response_requires_same_request(table: Table) -> None:
    dynamo.store_response(an_act(idempotency_key=an_idempotency_key()), BodyWithSecret())
    before = table.items()

    for other in (an_idempotency_key(fingerprint="something else"), an_idempotency_key("another key")):
        with pytest.raises(StaleFacts):
            dynamo.replace_response(an_act(idempotency_key=other), BodyWithSecret(name="instead"))
    assert table.items() == before
    dynamo.replace_response(an_act(idempotency_key=an_idempotency_key()), BodyWithSecret(name="instead"))

    with pytest.raises(StoredResponseFound) as replayed:
        dynamo.replay_if_stored(an_act(idempotency_key=an_idempotency_key()))
    assert replayed.value.body == '{"name":"instead"}'


def test_commit_without_response_stores_no_key(table: Table) -> None:
    dynamo.commit(a_decision(), None)

    assert [item["pk"] for item in table.items()] == [f"AUDIT#{CLIENT}"]


# conflicts


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        *((times, "TransactionConflict") for times in range(1, 6)),
        (1, "ThrottlingError"),
        (2, "ProvisionedThroughputExceeded"),
    ],
)
def test_commit_after_conflict_retries_with_growing_random_pause(
    table: Table, times: int, reason: str, recorded_pauses: list[float]
) -> None:
    table.put(KEY, {"stored_state": "open"})
    plan = [faults.transaction_canceled(reason, 0)] * times

    with faults.inject(dynamo.client(), "TransactWriteItems", *plan) as attempts:
        commit(a_decision(), increment_if_open())

    assert len(attempts) == times + 1
    assert len({attempt["ClientRequestToken"] for attempt in attempts}) == times + 1
    assert len(recorded_pauses) == times
    assert all(0 <= pause <= retries.BASE_DELAY * 2**nth for nth, pause in enumerate(recorded_pauses))
    assert len(table.items_with_prefix("AUDIT#")) == 1
    assert dynamo.read([KEY])[KEY]["times"] == 1


def test_commit_retry_pauses_are_all_different(table: Table, recorded_pauses: list[float]) -> None:
    for _ in range(3):
        with (
            faults.inject(dynamo.client(), "TransactWriteItems", last_fault=faults.WRITE_CONFLICT),
            pytest.raises(TemporarilyUnavailable),
        ):
            commit(a_decision())

    assert len(set(recorded_pauses)) == len(recorded_pauses) == 3 * (retries.ATTEMPTS - 1)


def test_commit_with_persistent_conflict_raises_unavailable(table: Table, recorded_pauses: list[float]) -> None:
    table.put(KEY, {"stored_state": "open"})
    before = table.items()

    with (
        faults.inject(dynamo.client(), "TransactWriteItems", last_fault=faults.WRITE_CONFLICT) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        commit(a_decision(), increment_if_open())

    assert len(attempts) == retries.ATTEMPTS
    assert sum(recorded_pauses) < 2
    assert table.items() == before


def test_commit_after_deadline_raises_unavailable(
    table: Table, monkeypatch: pytest.MonkeyPatch, recorded_pauses: list[float]
) -> None:
    time = iter([100.0, 100.5, 101.5])
    monkeypatch.setattr("partner_access.store.dynamo.time.time", time.__next__)

    with (
        faults.inject(dynamo.client(), "TransactWriteItems", last_fault=faults.WRITE_CONFLICT) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        commit(a_decision(an_act(deadline=101.0)))

    assert len(attempts) == 2
    assert table.items() == []


@pytest.mark.parametrize("store", [dynamo.store_response, dynamo.replace_response])
def test_store_response_after_deadline_raises_unavailable(
    table: Table, store: Callable[[Act, ResponseBody], None]
) -> None:
    dynamo.store_response(an_act(idempotency_key=an_idempotency_key("before")), BodyWithSecret())
    before = table.items()

    with pytest.raises(TemporarilyUnavailable):
        store(an_act(idempotency_key=an_idempotency_key("before"), deadline=0.0), BodyWithSecret(name="later"))

    assert table.items() == before


@pytest.mark.parametrize("conflicting", [0, 1])
def test_commit_with_failed_condition_and_conflict_is_not_retried(table: Table, conflicting: int) -> None:
    """Check that a failed condition is final, whichever reason comes first (consistency.md F9)."""
    others = {f"at_{conflicting}": "TransactionConflict"}
    fault = faults.transaction_canceled("ConditionalCheckFailed", 1 - conflicting, **others)
    act = an_act()
    lines = (increment_if_open(KEY, error=NoSeatLeft),)

    with (
        faults.inject(dynamo.client(), "TransactWriteItems", fault) as attempts,
        pytest.raises(StaleFacts) as overtaken,
    ):
        commit(a_decision(act), *lines)

    assert len(attempts) == 1
    assert overtaken.value.error is (RightsChanged if conflicting else NoSeatLeft)


@pytest.mark.parametrize("reason", ["ItemCollectionSizeLimitExceeded", "ValidationError", "SomethingNew"])
def test_commit_with_unexpected_cancellation_raises_runtime_error(table: Table, reason: str) -> None:
    fault = faults.transaction_canceled(reason, 1, at_0="TransactionConflict")

    with (
        faults.inject(dynamo.client(), "TransactWriteItems", fault) as attempts,
        pytest.raises(RuntimeError, match=reason),
    ):
        commit(a_decision())

    assert len(attempts) == 1
    assert table.items() == []


# retries by the SDK

TEMPORARY_FAULTS: dict[str, Fault] = {
    **{code: faults.aws_error(code) for code in ("ThrottlingException", "ProvisionedThroughputExceededException")},
    **{code: faults.aws_error(code) for code in ("RequestLimitExceeded", "TransactionInProgressException")},
    "InternalServerError": faults.aws_error("InternalServerError", 500),
    "ServiceUnavailable": faults.aws_error("ServiceUnavailable", 503),
    "502": lambda *_: faults.responds(502, {}),
    "no answer": faults.request_lost,
}


REQUESTS: dict[str, Callable[[], object]] = {
    "read": lambda: dynamo.read([KEY]),
    "list": lambda: queries.query("pk = :list", list="LIST#1"),
    "snapshot": lambda: dynamo.snapshot([KEY, OTHER_KEY]),
    "write": lambda: commit(a_decision()),
}


@pytest.mark.parametrize("fault", TEMPORARY_FAULTS.values(), ids=TEMPORARY_FAULTS)
def test_requests_after_one_fault_are_retried_with_same_token(table: Table, fault: Fault) -> None:
    for ask in REQUESTS.values():
        with faults.inject(dynamo.client(), "", fault) as attempts:
            ask()
        assert len(attempts) == 2
        assert attempts[0] == attempts[1]

    assert len(table.items_with_prefix("AUDIT#")) == 1


@pytest.mark.parametrize("fault", TEMPORARY_FAULTS.values(), ids=TEMPORARY_FAULTS)
def test_requests_with_persistent_fault_raise_unavailable(table: Table, fault: Fault) -> None:
    for ask in REQUESTS.values():
        with faults.inject(dynamo.client(), "", last_fault=fault) as attempts, pytest.raises(TemporarilyUnavailable):
            ask()
        assert len(attempts) == 3

    assert table.items() == []


def unreachable(*_: Any) -> Any:
    raise ConnectTimeoutError(endpoint_url="aws")


def test_read_with_unreachable_table_raises_unavailable(table: Table) -> None:
    with faults.inject(dynamo.client(), "", last_fault=unreachable) as attempts, pytest.raises(TemporarilyUnavailable):
        dynamo.read([KEY])

    assert len(attempts) == 3


@pytest.mark.parametrize("ask", ["read", "list", "snapshot"])
@pytest.mark.parametrize("left", [0.0, 0.5, 0.9])
def test_reads_with_truncated_response_raise_unavailable(table: Table, ask: str, left: float) -> None:
    table.put(KEY, {"stored_state": "open"})

    with faults.inject(dynamo.client(), "", faults.response_cut_off(left)), pytest.raises(TemporarilyUnavailable):
        REQUESTS[ask]()


@pytest.mark.parametrize("ask", REQUESTS)
@pytest.mark.parametrize("left", [0.0, 0.5, 0.9])
def test_requests_with_truncated_error_raise_unavailable(table: Table, ask: str, left: float) -> None:
    fault = faults.error_cut_off("TransactionCanceledException", left)

    with faults.inject(dynamo.client(), "", last_fault=fault), pytest.raises(TemporarilyUnavailable):
        REQUESTS[ask]()

    assert table.items() == []


def test_commit_with_lost_response_takes_effect_once(table: Table) -> None:
    """Check that the idempotency key prevents a second effect, since moto ignores the token (consistency.md F5)."""
    table.put(KEY, {"stored_state": "open"})

    with (
        faults.inject(dynamo.client(), "TransactWriteItems", faults.response_lost) as attempts,
        pytest.raises(StoredResponseFound) as replayed,
    ):
        commit(a_decision(), increment_if_open())

    assert len({attempt["ClientRequestToken"] for attempt in attempts}) == 1
    assert replayed.value.status == 201
    assert dynamo.read([KEY])[KEY]["times"] == 1
    assert len(table.items_with_prefix("AUDIT#")) == 1


def test_commit_with_all_responses_lost_is_replayed_by_key(table: Table) -> None:
    """Check that the caller gets the stored response with a later request (consistency.md F6)."""
    plan = [faults.response_lost, faults.request_lost, faults.request_lost]
    with faults.inject(dynamo.client(), "TransactWriteItems", *plan), pytest.raises(TemporarilyUnavailable):
        commit(a_decision())

    with pytest.raises(StoredResponseFound):
        dynamo.replay_if_stored(an_act(idempotency_key=an_idempotency_key(), at=NOW + timedelta(minutes=11)))


@pytest.mark.parametrize(
    "code", ["IdempotentParameterMismatchException", "ValidationException", "AccessDeniedException", "SomethingNew"]
)
def test_requests_with_client_error_are_not_retried(table: Table, code: str) -> None:
    for ask in REQUESTS.values():
        with (
            faults.inject(dynamo.client(), "", last_fault=faults.aws_error(code)) as attempts,
            pytest.raises(ClientError, match=code),
        ):
            ask()
        assert len(attempts) == 1

    assert table.items() == []


def test_client_timeouts_are_shorter_than_api_timeout(table: Table) -> None:
    config: Any = dynamo.client.__wrapped__().meta.config

    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert config.user_agent.split()[0] == "partner-access"


def test_transactions_have_distinct_request_tokens(table: Table) -> None:
    with faults.inject(dynamo.client(), "TransactWriteItems") as attempts:
        commit(a_decision())
        dynamo.transact([writes.put(KEY, {"number": Decimal(1)})])

    tokens = [attempt["ClientRequestToken"] for attempt in attempts]
    assert len(set(tokens)) == 2


# start of a function


@pytest.fixture
def aws_calls(monkeypatch: pytest.MonkeyPatch, table: Table) -> list[str]:
    """Record the requests that are signed and the requests that are sent."""
    calls: list[str] = []
    signed = RequestSigner.generate_presigned_url

    def signs(signer: RequestSigner, *args: Any, **how: Any) -> str:
        calls.append(f"signed {how['operation_name']}")
        return str(signed(signer, *args, **how))

    monkeypatch.setattr(RequestSigner, "generate_presigned_url", signs)
    monkeypatch.setattr(Endpoint, "make_request", lambda *_: calls.append("requested"))
    return calls


def test_import_in_lambda_creates_client_without_sending_requests(
    monkeypatch: pytest.MonkeyPatch, aws_calls: list[str]
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")

    started = runpy.run_path(dynamo.__file__)

    assert started["client"].cache_info().currsize == 1
    assert aws_calls == ["signed TransactGetItems"]


def test_import_outside_lambda_creates_no_client(monkeypatch: pytest.MonkeyPatch, aws_calls: list[str]) -> None:
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)

    started = runpy.run_path(dynamo.__file__)

    assert started["client"].cache_info().currsize == 0
    assert aws_calls == []


@pytest.mark.usefixtures("table")
def test_requests_have_user_agent_with_sdk_version() -> None:
    user_agents: list[str] = []

    def record_user_agent(operation: Any, send: Any) -> Any:
        user_agents.append(operation.headers["User-Agent"].decode())
        return send()

    with faults.inject(dynamo.client(), "", record_user_agent):
        dynamo.read([KEY])

    assert all(name.startswith(f"partner-access Boto3/{boto3.__version__} Botocore/") for name in user_agents)
    assert user_agents
