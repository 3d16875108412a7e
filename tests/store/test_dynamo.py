"""The door to DynamoDB: values, reading together, writing together, and every fault on the way (guarantees.md §5, §7)."""

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

from partner_access.api.response_body import Answer
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    EmailInUse,
    IdempotencyKeyReused,
    NoSeatLeft,
    Overtaken,
    RightsChanged,
    TemporarilyUnavailable,
)
from partner_access.domain.notifications import CleanUp, Letter, LetterKind, Occasion
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User
from partner_access.idempotency import Replayed
from partner_access.store import attribute_values, dynamo, keys, retries
from partner_access.store.keys import Key
from tests.support import faults
from tests.support.builders import ACT_NAME, CLIENT, NOW, a_user, an_act, once, the_client
from tests.support.faults import Fault
from tests.support.races import before_commit
from tests.support.table import Table

THERE = Key("PLACE#1", "ITEM")
ELSEWHERE = Key("PLACE#2", "ITEM")
OPEN = "stored_state = :open"


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long every pause would have lasted."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


class Told(Answer):
    url: str = "secret"
    name: str = "kept"
    status = HTTPStatus.CREATED
    never_kept = frozenset({"url"})


def a_decision(act: Act | None = None, **changes: Any) -> Decision:
    by = act or an_act(once=once())
    return Decision(**{"act": by, "audit": audit("thing.done", by, CLIENT), **changes})


def commit(decision: Decision, *lines: dynamo.Line) -> None:
    dynamo.commit(decision, Told(), *lines)


def opened(key: Key = THERE, **how: Any) -> dynamo.Line:
    return dynamo.update(key, "ADD times :one", only_if=OPEN, open="open", one=1, **how)


# reading


def test_nothing_is_asked_where_nothing_is_wanted(table: Table) -> None:
    with faults.at(dynamo.client(), "") as requests:
        assert dynamo.read([]) == {}

    assert requests == []


@pytest.mark.parametrize(("wanted", "asked"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_up_to_a_hundred_items_are_one_request(table: Table, wanted: int, asked: int) -> None:
    every = [Key(f"PLACE#{number}", "ITEM") for number in range(wanted)]
    for key in every[::2]:
        table.put(key, {"number": 1})

    with faults.at(dynamo.client(), "BatchGetItem") as requests:
        found = dynamo.read([*every, *every])

    assert set(found) == set(every[::2])
    assert len(requests) == asked
    assert all(request["RequestItems"][table.name]["ConsistentRead"] for request in requests)


def unprocessed(how_many: int) -> Fault:
    """DynamoDB reads all but some of the items."""

    def fault(request: Any, _: faults.Send) -> Any:
        asked = faults.body(request)["RequestItems"]
        ((name, wanted),) = asked.items()
        left = wanted["Keys"][-how_many:]
        got = [{**key, "number": {"N": "1"}} for key in wanted["Keys"][:-how_many]]
        return faults.responds(
            200, {"Responses": {name: got}, "UnprocessedKeys": {name: {"Keys": left, "ConsistentRead": True}}}
        )

    return fault


def test_what_was_not_read_is_asked_for_again(table: Table, slept: list[float]) -> None:
    every = [Key(f"PLACE#{number}", "ITEM") for number in range(9)]
    for key in every:
        table.put(key, {"number": 1})

    with faults.at(dynamo.client(), "BatchGetItem", unprocessed(6), unprocessed(2)) as requests:
        found = dynamo.read(every)

    assert set(found) == set(every)
    assert [len(request["RequestItems"][table.name]["Keys"]) for request in requests] == [9, 6, 2]
    assert all(request["RequestItems"][table.name]["ConsistentRead"] for request in requests)
    assert len(slept) == 2


def test_where_nothing_was_read_yet_all_is_asked_for_again(table: Table, slept: list[float]) -> None:
    nothing = {"Responses": {}, "UnprocessedKeys": {table.name: {"Keys": [{"pk": {"S": "A"}, "sk": {"S": "B"}}]}}}
    table.put(Key("A", "B"), {"number": 1})

    with faults.at(dynamo.client(), "BatchGetItem", lambda *_: faults.responds(200, nothing)) as requests:
        found = dynamo.read([Key("A", "B")])

    assert (set(found), len(requests), len(slept)) == ({Key("A", "B")}, 2, 1)


def test_nobody_waits_for_ever_for_what_is_not_read(table: Table, slept: list[float]) -> None:
    with (
        faults.at(dynamo.client(), "BatchGetItem", then=unprocessed(1)) as requests,
        pytest.raises(TemporarilyUnavailable),
    ):
        dynamo.read([THERE])

    assert len(requests) == retries.ATTEMPTS
    assert len(slept) == retries.ATTEMPTS - 1


def test_all_that_are_there_come_by_the_names_that_they_are_wanted_by(table: Table) -> None:
    user, other = a_user(), a_user("user-other")
    table.keep(user, other)
    found = dynamo.read([keys.of(user), keys.of(other), THERE])

    assert found.all_as(User, {"a": keys.of(user), "b": keys.of(other), "c": THERE}) == {"a": user, "b": other}
    assert found.all_as(User, {}) == {}


def test_what_has_been_found_is_not_read_again(table: Table) -> None:
    user, other = a_user(), a_user("user-other")
    table.keep(user)
    found = dynamo.read([keys.of(user)])
    table.keep(user.changed(name="Later"), other)

    with faults.at(dynamo.client(), "BatchGetItem") as requests:
        found.and_read([keys.of(user), keys.of(other), THERE])
        found.and_read([keys.of(user), keys.of(other)])

    assert found.get_as(User, keys.of(user)) == user
    assert found.get_as(User, keys.of(other)) == other
    assert THERE not in found
    assert [len(request["RequestItems"][table.name]["Keys"]) for request in requests] == [2]


# as it all was at one instant


def test_a_snapshot_is_one_request_for_each_item_once(table: Table) -> None:
    user, account = a_user(), the_client()
    table.keep(user, account)

    with faults.at(dynamo.client(), "") as requests:
        found = dynamo.snapshot(iter([keys.of(user), keys.of(account), THERE, keys.of(user)]))

    (request,) = requests
    asked = [each["Get"] for each in request["TransactItems"]]
    assert [each["Key"]["pk"]["S"] for each in asked] == [keys.of(user).pk, keys.of(account).pk, THERE.pk]
    assert {each["TableName"] for each in asked} == {table.name}
    assert set(found) == {keys.of(user), keys.of(account)}
    assert found.get_as(User, keys.of(user)) == user
    assert found.get_as(Account, keys.of(account)) == account


def test_a_snapshot_is_what_reading_finds(table: Table) -> None:
    every = [Key(f"PLACE#{number}", "ITEM") for number in range(100)]
    for number, key in enumerate(every[::3]):
        table.put(key, {"number": number, "stored_state": "open", "secrets": {"a", "b"}})

    assert dynamo.snapshot(every) == dynamo.read(every)


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
@pytest.mark.parametrize("times", [1, 5])
def test_a_snapshot_waits_for_a_writer_who_is_at_its_items(
    table: Table, times: int, reason: str, slept: list[float]
) -> None:
    table.put(THERE, {"stored_state": "open"})

    with faults.at(dynamo.client(), "TransactGetItems", *[faults.cancels(reason, 1)] * times) as attempts:
        found = dynamo.snapshot([ELSEWHERE, THERE])

    assert found[THERE]["stored_state"] == "open"
    assert len(attempts) == times + 1
    assert len(slept) == times
    assert all(0 <= pause <= retries.BASE_DELAY * 2**nth for nth, pause in enumerate(slept))


def test_a_snapshot_that_somebody_is_always_in_the_way_of_is_given_up(table: Table, slept: list[float]) -> None:
    with (
        faults.at(dynamo.client(), "TransactGetItems", then=faults.CONFLICTS) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        dynamo.snapshot([THERE])

    assert len(attempts) == retries.ATTEMPTS
    assert len(slept) == retries.ATTEMPTS - 1


@pytest.mark.parametrize(("ends", "tried"), [(99.9, 0), (100.0, 1), (100.5, 2), (101.0, 2)])
def test_no_snapshot_is_tried_when_its_time_is_over(
    table: Table, monkeypatch: pytest.MonkeyPatch, ends: float, tried: int
) -> None:
    time = iter([100.0, 100.5, 101.5])
    monkeypatch.setattr("partner_access.store.dynamo.time.time", time.__next__)

    with (
        faults.at(dynamo.client(), "TransactGetItems", then=faults.CONFLICTS) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        dynamo.snapshot([THERE], ends=ends)

    assert len(attempts) == tried


@pytest.mark.parametrize("reason", ["ValidationError", "AccessDenied", "SomethingNew"])
def test_a_snapshot_that_was_refused_for_a_reason_of_ours_is_a_bug(table: Table, reason: str) -> None:
    fault = faults.cancels(reason, 1, at_0="TransactionConflict")

    with (
        faults.at(dynamo.client(), "TransactGetItems", fault) as attempts,
        pytest.raises(RuntimeError, match=reason),
    ):
        dynamo.snapshot([THERE, ELSEWHERE])

    assert len(attempts) == 1


# lists


@pytest.fixture
def listed(table: Table) -> Table:
    for number in range(5):
        at = NOW + timedelta(days=number)
        table.put(Key("LIST#1", f"ITEM#{number}"), {"number": number, "due_shard": "DUE#0", "due_at": at})
    table.put(Key("LIST#2", "ITEM#9"), {"number": 9})
    return table


@pytest.mark.parametrize(("newest_first", "order"), [(False, [0, 1, 2, 3, 4]), (True, [4, 3, 2, 1, 0])])
@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_a_list_comes_page_by_page_in_its_order(
    listed: Table, limit: int, *, newest_first: bool, order: list[int]
) -> None:
    assert [item["number"] for item in every_item(limit=limit, newest_first=newest_first)] == order


def every_item(**how: Any) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = dynamo.query("pk = :list", list="LIST#1", after=after, **how)
        assert len(page.items) <= how["limit"]
        yield from page.items
        after = page.after
        if not after:
            return


def test_a_list_is_read_as_it_is_now_but_for_an_index(listed: Table) -> None:
    with faults.at(dynamo.client(), "Query") as requests:
        dynamo.query("pk = :list", list="LIST#1")
        found = dynamo.query("due_shard = :shard AND due_at <= :now", index="due", shard="DUE#0", now=NOW)

    assert [request.get("ConsistentRead") for request in requests] == [True, None]
    assert [request.get("IndexName") for request in requests] == [None, "due"]
    assert [(item["pk"], item["sk"]) for item in found.items] == [("LIST#1", "ITEM#0")]
    assert "number" not in found.items[0]


# writing


def test_all_of_a_decision_comes_true_together(table: Table) -> None:
    decision = a_decision(letter=Letter(kind=LetterKind.MEMBER_CREATED, employee_id="somebody"))
    table.put(THERE, {"stored_state": "open"})

    commit(decision, opened())

    assert [item["pk"].partition("#")[0] for item in table.items()] == ["AUDIT", "IDEMPOTENCY", "OUTBOX", "PLACE"]
    (kept,) = table.under("IDEMPOTENCY#")
    assert (kept["response_status"], decompress(bytes(kept["response_body"]))) == (201, b'{"name":"kept"}')
    assert kept["ttl"] - int(NOW.timestamp()) == 25 * 3600
    (letter,) = table.under("OUTBOX#")
    assert (letter["outbox_id"], letter["queued_at"], letter["next_at"]) == (ACT_NAME, *[int(NOW.timestamp())] * 2)


def test_what_is_left_to_do_is_kept_with_the_act_that_made_it_so(table: Table) -> None:
    clean_up = CleanUp(partner_id="partner", user_id="somebody", reason=Occasion.OFFBOARDED)
    table.put(THERE, {"stored_state": "open"})

    commit(a_decision(clean_up=clean_up), opened())

    (left,) = table.under("RECONCILIATION#")
    assert left == {
        **keys.clean_up(ACT_NAME)._asdict(),
        "act_id": ACT_NAME,
        "actor_id": an_act().by,
        "queued_at": int(NOW.timestamp()),
        "reconciliation": attribute_values.plain(clean_up),
    }
    assert CleanUp.model_validate(left["reconciliation"]) == clean_up


def test_a_long_answer_is_kept_small_and_replayed_as_it_was(table: Table) -> None:
    answer = Told(name="long and the same " * 2_000)
    act = an_act(once=once())

    dynamo.keep(act, answer)

    (kept,) = table.under("IDEMPOTENCY#")
    assert len(bytes(kept["response_body"])) < 1_000
    with pytest.raises(Replayed) as replayed:
        dynamo.recall(act)
    assert (replayed.value.status, replayed.value.answer) == (answer.status, answer.to_keep())


@pytest.mark.parametrize("key", [keys.audit(CLIENT, f"aud_{ACT_NAME}"), keys.outbox(ACT_NAME), keys.clean_up(ACT_NAME)])
def test_nothing_that_goes_along_is_written_over_what_an_act_of_that_name_left(table: Table, key: Key) -> None:
    letter, clean_up = Letter(kind=LetterKind.MEMBER_CREATED), CleanUp(user_id="somebody", reason=Occasion.OFFBOARDED)
    table.put(key, {"number": 1})

    with pytest.raises(Overtaken):
        commit(a_decision(letter=letter, clean_up=clean_up))

    assert table.items() == [{**key._asdict(), "number": 1}]


def test_a_condition_that_fails_undoes_everything(table: Table) -> None:
    table.put(THERE, {"stored_state": "ended"})
    before = table.items()

    with pytest.raises(Overtaken) as overtaken:
        commit(a_decision(), opened(otherwise=NoSeatLeft))

    assert overtaken.value.refusal is NoSeatLeft
    assert table.items() == before


def test_the_first_line_that_fails_says_why(table: Table) -> None:
    lines = (
        opened(THERE, otherwise=NoSeatLeft),
        dynamo.check(ELSEWHERE, only_if=OPEN, open="open", otherwise=EmailInUse),
    )

    with pytest.raises(Overtaken) as overtaken:
        commit(a_decision(), *lines)

    assert overtaken.value.refusal is NoSeatLeft


def test_an_item_is_deleted_only_if_its_condition_holds(table: Table) -> None:
    table.put(THERE, {"stored_state": "open"})

    with pytest.raises(Overtaken):
        dynamo.transact([dynamo.delete(THERE, only_if="stored_state = :ended", ended="ended")])
    assert table.get(THERE)
    dynamo.transact([dynamo.delete(THERE, only_if=OPEN, open="open")])
    assert table.get(THERE) is None


def test_a_put_does_not_overwrite_unless_it_says_so(table: Table) -> None:
    dynamo.transact([dynamo.put(THERE, {"number": 1})])

    with pytest.raises(Overtaken):
        dynamo.transact([dynamo.put(THERE, {"number": 2})])
    dynamo.transact([dynamo.put(THERE, {"number": 3}, only_if=None)])

    assert dynamo.read([THERE])[THERE]["number"] == 3


@pytest.mark.parametrize("written", [True, False], ids=["and is written itself", "and is only relied on"])
def test_a_record_that_was_relied_on_must_be_as_it_was_seen(table: Table, *, written: bool) -> None:
    account = the_client()
    table.keep(account)
    decision = a_decision(relies_on=(account,))
    lines = (dynamo.update(keys.of(account), "ADD partner_seats_used :one", only_if=None, one=1),) if written else ()

    with before_commit(lambda: table.keep(account.changed(name="Another"))), pytest.raises(Overtaken) as overtaken:
        commit(decision, *lines)

    assert overtaken.value.refusal is RightsChanged
    assert [item["pk"] for item in table.items()] == [f"ACCOUNT#{CLIENT}"]
    table.keep(account)
    commit(decision, *lines)
    assert dynamo.read([keys.of(account)])[keys.of(account)]["partner_seats_used"] == int(written)


@pytest.mark.parametrize("moved_on", [True, False])
def test_a_line_with_a_refusal_of_its_own_says_it_unless_its_record_moved_on(table: Table, *, moved_on: bool) -> None:
    account = the_client(partner_seat_limit=0)
    table.keep(account.changed() if moved_on else account)
    line = dynamo.update(
        keys.of(account),
        "ADD partner_seats_used :one",
        only_if="partner_seats_used < seats",
        otherwise=NoSeatLeft,
        one=1,
    )

    with pytest.raises(Overtaken) as overtaken:
        commit(a_decision(relies_on=(account,)), line)

    assert overtaken.value.refusal is (RightsChanged if moved_on else NoSeatLeft)


# keys of callers


def test_the_same_key_and_request_is_answered_as_before(table: Table) -> None:
    table.put(THERE, {"stored_state": "open"})
    commit(a_decision(), opened())
    before = table.items()

    with pytest.raises(Replayed) as replayed:
        commit(a_decision(), opened())

    assert (replayed.value.status, replayed.value.answer) == (201, '{"name":"kept"}')
    assert table.items() == before


def test_the_same_key_with_another_request_is_refused(table: Table) -> None:
    commit(a_decision())

    with pytest.raises(IdempotencyKeyReused):
        commit(a_decision(an_act(once=once(fingerprint="something else"), name="1" * 32)))


def test_a_key_is_free_again_when_its_time_is_over(table: Table) -> None:
    commit(a_decision())
    day_later = NOW + dynamo.KEPT_FOR

    with pytest.raises(Replayed):
        commit(a_decision(an_act(once=once(), name="1" * 32, at=day_later - timedelta(seconds=1))))
    commit(a_decision(an_act(once=once(), name="1" * 32, at=day_later)))

    assert len(table.under("AUDIT#")) == 2


def test_the_key_decides_before_every_other_line(table: Table) -> None:
    table.put(THERE, {"stored_state": "open"})
    commit(a_decision(), opened())
    table.put(THERE, {"stored_state": "ended"})

    with pytest.raises(Replayed):
        commit(a_decision(), opened(otherwise=NoSeatLeft))


def test_a_key_is_recalled_as_long_as_it_is_kept(table: Table) -> None:
    dynamo.keep(an_act(once=once()), Told())

    for act, kind in (
        (an_act(once=once()), Replayed),
        (an_act(once=once(fingerprint="something else")), IdempotencyKeyReused),
    ):
        with pytest.raises(kind):
            dynamo.recall(act)
    dynamo.recall(an_act(once=once(), at=NOW + dynamo.KEPT_FOR))
    dynamo.recall(an_act(once=once("another key")))
    dynamo.recall(an_act())


def test_an_answer_is_kept_once_and_not_without_a_key(table: Table) -> None:
    dynamo.keep(an_act(), Told())
    assert table.items() == []

    dynamo.keep(an_act(once=once()), Told())
    with pytest.raises(Replayed):
        dynamo.keep(an_act(once=once()), Told())
    with pytest.raises(IdempotencyKeyReused):
        dynamo.keep(an_act(once=once(fingerprint="something else")), Told())


def test_an_answer_is_kept_instead_of_one_to_the_same_request_alone(table: Table) -> None:
    dynamo.keep(an_act(once=once()), Told())
    before = table.items()

    for other in (once(fingerprint="something else"), once("another key")):
        with pytest.raises(Overtaken):
            dynamo.keep_instead(an_act(once=other), Told(name="instead"))
    assert table.items() == before
    dynamo.keep_instead(an_act(once=once()), Told(name="instead"))

    with pytest.raises(Replayed) as replayed:
        dynamo.recall(an_act(once=once()))
    assert replayed.value.answer == '{"name":"instead"}'


def test_an_act_without_an_answer_keeps_no_key(table: Table) -> None:
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
def test_a_conflict_is_tried_again_after_a_pause_of_any_length_up_to_twice_the_last(
    table: Table, times: int, reason: str, slept: list[float]
) -> None:
    table.put(THERE, {"stored_state": "open"})
    plan = [faults.cancels(reason, 0)] * times

    with faults.at(dynamo.client(), "TransactWriteItems", *plan) as attempts:
        commit(a_decision(), opened())

    assert len(attempts) == times + 1
    assert len({attempt["ClientRequestToken"] for attempt in attempts}) == times + 1
    assert len(slept) == times
    assert all(0 <= pause <= retries.BASE_DELAY * 2**nth for nth, pause in enumerate(slept))
    assert len(table.under("AUDIT#")) == 1
    assert dynamo.read([THERE])[THERE]["times"] == 1


def test_pauses_differ_so_that_those_who_collided_do_not_collide_again(table: Table, slept: list[float]) -> None:
    for _ in range(3):
        with (
            faults.at(dynamo.client(), "TransactWriteItems", then=faults.CONFLICTS),
            pytest.raises(TemporarilyUnavailable),
        ):
            commit(a_decision())

    assert len(set(slept)) == len(slept) == 3 * (retries.ATTEMPTS - 1)


def test_a_conflict_that_does_not_end_is_given_up_without_effect(table: Table, slept: list[float]) -> None:
    table.put(THERE, {"stored_state": "open"})
    before = table.items()

    with (
        faults.at(dynamo.client(), "TransactWriteItems", then=faults.CONFLICTS) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        commit(a_decision(), opened())

    assert len(attempts) == retries.ATTEMPTS
    assert sum(slept) < 2
    assert table.items() == before


def test_nobody_tries_longer_than_there_is_time(
    table: Table, monkeypatch: pytest.MonkeyPatch, slept: list[float]
) -> None:
    time = iter([100.0, 100.5, 101.5])
    monkeypatch.setattr("partner_access.store.dynamo.time.time", time.__next__)

    with (
        faults.at(dynamo.client(), "TransactWriteItems", then=faults.CONFLICTS) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        commit(a_decision(an_act(ends=101.0)))

    assert len(attempts) == 2
    assert table.items() == []


@pytest.mark.parametrize("kept", [dynamo.keep, dynamo.keep_instead])
def test_no_answer_is_kept_for_whom_no_time_is_left(table: Table, kept: Callable[[Act, Answer], None]) -> None:
    dynamo.keep(an_act(once=once("before")), Told())
    before = table.items()

    with pytest.raises(TemporarilyUnavailable):
        kept(an_act(once=once("before"), ends=0.0), Told(name="later"))

    assert table.items() == before


@pytest.mark.parametrize("conflicting", [0, 1])
def test_a_condition_that_failed_beside_a_conflict_is_the_answer(table: Table, conflicting: int) -> None:
    """F9: a definite answer needs no second attempt, whichever came first."""
    others = {f"at_{conflicting}": "TransactionConflict"}
    fault = faults.cancels("ConditionalCheckFailed", 1 - conflicting, **others)
    act = an_act()
    lines = (opened(THERE, otherwise=NoSeatLeft),)

    with (
        faults.at(dynamo.client(), "TransactWriteItems", fault) as attempts,
        pytest.raises(Overtaken) as overtaken,
    ):
        commit(a_decision(act), *lines)

    assert len(attempts) == 1
    assert overtaken.value.refusal is (RightsChanged if conflicting else NoSeatLeft)


@pytest.mark.parametrize("reason", ["ItemCollectionSizeLimitExceeded", "ValidationError", "SomethingNew"])
def test_a_reason_that_is_nobodys_fault_but_ours_is_a_bug(table: Table, reason: str) -> None:
    fault = faults.cancels(reason, 1, at_0="TransactionConflict")

    with (
        faults.at(dynamo.client(), "TransactWriteItems", fault) as attempts,
        pytest.raises(RuntimeError, match=reason),
    ):
        commit(a_decision())

    assert len(attempts) == 1
    assert table.items() == []


# what the SDK does, and what is left of it

ONE_BUSY: dict[str, Fault] = {
    **{code: faults.says(code) for code in ("ThrottlingException", "ProvisionedThroughputExceededException")},
    **{code: faults.says(code) for code in ("RequestLimitExceeded", "TransactionInProgressException")},
    "InternalServerError": faults.says("InternalServerError", 500),
    "ServiceUnavailable": faults.says("ServiceUnavailable", 503),
    "502": lambda *_: faults.responds(502, {}),
    "no answer": faults.goes_unheard,
}


ASKED: dict[str, Callable[[], object]] = {
    "read": lambda: dynamo.read([THERE]),
    "list": lambda: dynamo.query("pk = :list", list="LIST#1"),
    "snapshot": lambda: dynamo.snapshot([THERE, ELSEWHERE]),
    "write": lambda: commit(a_decision()),
}


@pytest.mark.parametrize("fault", ONE_BUSY.values(), ids=ONE_BUSY)
def test_a_table_that_is_busy_once_is_asked_again_with_the_same_token(table: Table, fault: Fault) -> None:
    for ask in ASKED.values():
        with faults.at(dynamo.client(), "", fault) as attempts:
            ask()
        assert len(attempts) == 2
        assert attempts[0] == attempts[1]

    assert len(table.under("AUDIT#")) == 1


@pytest.mark.parametrize("fault", ONE_BUSY.values(), ids=ONE_BUSY)
def test_a_table_that_stays_busy_is_unavailable_and_nothing_is_changed(table: Table, fault: Fault) -> None:
    for ask in ASKED.values():
        with faults.at(dynamo.client(), "", then=fault) as attempts, pytest.raises(TemporarilyUnavailable):
            ask()
        assert len(attempts) == 3

    assert table.items() == []


def unreachable(*_: Any) -> Any:
    raise ConnectTimeoutError(endpoint_url="aws")


def test_a_table_that_cannot_be_reached_is_unavailable(table: Table) -> None:
    with faults.at(dynamo.client(), "", then=unreachable) as attempts, pytest.raises(TemporarilyUnavailable):
        dynamo.read([THERE])

    assert len(attempts) == 3


@pytest.mark.parametrize("ask", ["read", "list", "snapshot"])
@pytest.mark.parametrize("left", [0.0, 0.5, 0.9])
def test_what_was_cut_off_was_not_read(table: Table, ask: str, left: float) -> None:
    table.put(THERE, {"stored_state": "open"})

    with faults.at(dynamo.client(), "", faults.cuts_off(left)), pytest.raises(TemporarilyUnavailable):
        ASKED[ask]()


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize("left", [0.0, 0.5, 0.9])
def test_a_refusal_that_was_cut_off_is_nobodys_bug(table: Table, ask: str, left: float) -> None:
    fault = faults.breaks_off("TransactionCanceledException", left)

    with faults.at(dynamo.client(), "", then=fault), pytest.raises(TemporarilyUnavailable):
        ASKED[ask]()

    assert table.items() == []


def test_an_answer_that_was_lost_takes_effect_once(table: Table) -> None:
    """F5: where the token is not heeded, as here, the caller's key stands in for it."""
    table.put(THERE, {"stored_state": "open"})

    with (
        faults.at(dynamo.client(), "TransactWriteItems", faults.goes_unanswered) as attempts,
        pytest.raises(Replayed) as replayed,
    ):
        commit(a_decision(), opened())

    assert len({attempt["ClientRequestToken"] for attempt in attempts}) == 1
    assert replayed.value.status == 201
    assert dynamo.read([THERE])[THERE]["times"] == 1
    assert len(table.under("AUDIT#")) == 1


def test_an_effect_whose_answers_were_all_lost_is_recalled_by_its_key(table: Table) -> None:
    """F6: the caller comes back when everything in between is gone."""
    plan = [faults.goes_unanswered, faults.goes_unheard, faults.goes_unheard]
    with faults.at(dynamo.client(), "TransactWriteItems", *plan), pytest.raises(TemporarilyUnavailable):
        commit(a_decision())

    with pytest.raises(Replayed):
        dynamo.recall(an_act(once=once(), at=NOW + timedelta(minutes=11)))


@pytest.mark.parametrize(
    "code", ["IdempotentParameterMismatchException", "ValidationException", "AccessDeniedException", "SomethingNew"]
)
def test_what_is_wrong_with_the_request_is_a_bug_and_not_tried_again(table: Table, code: str) -> None:
    for ask in ASKED.values():
        with faults.at(dynamo.client(), "", then=faults.says(code)) as attempts, pytest.raises(ClientError, match=code):
            ask()
        assert len(attempts) == 1

    assert table.items() == []


def test_the_client_gives_up_long_before_the_api_does(table: Table) -> None:
    config: Any = dynamo.client.__wrapped__().meta.config

    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert config.user_agent.split()[0] == "partner-access"


def test_every_transaction_has_a_token(table: Table) -> None:
    with faults.at(dynamo.client(), "TransactWriteItems") as attempts:
        commit(a_decision())
        dynamo.transact([dynamo.put(THERE, {"number": Decimal(1)})])

    tokens = [attempt["ClientRequestToken"] for attempt in attempts]
    assert len(set(tokens)) == 2


# starting


@pytest.fixture
def at_aws(monkeypatch: pytest.MonkeyPatch, table: Table) -> list[str]:
    """What is signed, and what is asked."""
    heard: list[str] = []
    signed = RequestSigner.generate_presigned_url

    def signs(signer: RequestSigner, *args: Any, **how: Any) -> str:
        heard.append(f"signed {how['operation_name']}")
        return str(signed(signer, *args, **how))

    monkeypatch.setattr(RequestSigner, "generate_presigned_url", signs)
    monkeypatch.setattr(Endpoint, "make_request", lambda *_: heard.append("asked"))
    return heard


def test_a_function_that_starts_makes_its_client_and_signs_but_asks_nothing(
    monkeypatch: pytest.MonkeyPatch, at_aws: list[str]
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")

    started = runpy.run_path(dynamo.__file__)

    assert started["client"].cache_info().currsize == 1
    assert at_aws == ["signed TransactGetItems"]


def test_what_is_no_function_makes_no_client_before_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, at_aws: list[str]
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)

    started = runpy.run_path(dynamo.__file__)

    assert started["client"].cache_info().currsize == 0
    assert at_aws == []


@pytest.mark.usefixtures("table")
def test_aws_is_told_which_sdk_asks() -> None:
    told: list[str] = []

    def listens(request: Any, send: Any) -> Any:
        told.append(request.headers["User-Agent"].decode())
        return send()

    with faults.at(dynamo.client(), "", listens):
        dynamo.read([THERE])

    assert all(name.startswith(f"partner-access Boto3/{boto3.__version__} Botocore/") for name in told)
    assert told
