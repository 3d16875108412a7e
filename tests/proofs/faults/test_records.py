"""Arbitrary stream records (consistency.md F23, F24).

A malformed record blocks no other, and a repeated one changes nothing.
"""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from partner_access.store import keys
from tests.support import link_requests
from tests.support.background_functions import SEND_EMAILS, publish_audit_events, run_function, run_send_emails
from tests.support.builders import CLIENT
from tests.support.environment import RECIPIENT, Environment
from tests.support.seeded_table import COLLEAGUE
from tools.invariants import violations
from tools.proof.notes import Notes

TEXTS = some.text(max_size=12)
VALUES: some.SearchStrategy[Any] = some.recursive(
    some.one_of(TEXTS.map(lambda text: {"S": text}), some.booleans().map(lambda flag: {"BOOL": flag}), some.none()),
    lambda inside: some.one_of(
        some.lists(inside, max_size=2).map(lambda each: {"L": each}),
        some.dictionaries(TEXTS, inside, max_size=2).map(lambda each: {"M": each}),
    ),
    max_leaves=4,
)
KEYS = some.one_of(
    VALUES,
    some.fixed_dictionaries(
        {"pk": VALUES, "sk": some.one_of(VALUES, TEXTS.map(lambda text: {"S": f"NOTIFICATION#{text}"}))}
    ),
)
IMAGES = some.dictionaries(TEXTS, VALUES, max_size=3)
RECORDS = some.lists(some.fixed_dictionaries({}, optional={"Keys": KEYS, "NewImage": IMAGES}), min_size=1, max_size=4)
PLAIN: some.SearchStrategy[Any] = some.one_of(some.none(), some.integers(-9, 9), TEXTS, some.lists(TEXTS, max_size=2))
NOTIFICATIONS = some.dictionaries(
    some.sampled_from(["kind", "employee_id", "partner_id", "link_id", "account_id", "expires_at"]), PLAIN
)
short = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
long = settings(short, max_examples=60)


def a_pending_email(fault_environment: Environment) -> dict[str, Any]:
    fault_environment.reset()
    assert link_requests.create(employee_id=COLLEAGUE, recipient_email=RECIPIENT).status == 201
    fault_environment.clock.catch_up()
    (outbox_item,) = fault_environment.table.items_with_prefix("OUTBOX#")
    return outbox_item


def test_send_emails_with_malformed_stream_records_still_sends_email(
    fault_environment: Environment, notes: Notes, *, whole: bool
) -> None:
    tried: Counter[str] = Counter()

    @(long if whole else short)
    @given(RECORDS, some.integers(0, 4))
    def bring(poison: list[Any], position: int) -> None:
        outbox_item = a_pending_email(fault_environment)
        good = {"Keys": {name: {"S": outbox_item[name]} for name in ("pk", "sk")}}
        images = [*poison[:position], good, *poison[position:]]
        records = [
            {"eventName": "INSERT", "dynamodb": {**image, "SequenceNumber": str(number)}}
            for number, image in enumerate(images)
        ]
        failed = {
            each["itemIdentifier"] for each in run_function(SEND_EMAILS, {"Records": records})["batchItemFailures"]
        }

        assert str(images.index(good)) not in failed
        assert [copy.address for copy in fault_environment.mailbox.sent] == [RECIPIENT]
        assert violations(fault_environment.table.items()) == []
        tried["records"] += len(poison)

    bring()
    notes.passed("F23: unreadable records next to an email", records=tried["records"])


def test_send_emails_with_malformed_outbox_item_still_sends_other_email(
    fault_environment: Environment, notes: Notes, *, whole: bool
) -> None:
    tried: Counter[str] = Counter()

    @(long if whole else short)
    @given(NOTIFICATIONS, PLAIN)
    def send(notification: dict[str, Any], next_at: object) -> None:
        a_pending_email(fault_environment)
        name = "0" * 32
        fault_environment.table.put(
            keys.outbox(name), {"outbox_id": name, "next_at": next_at, "notification": notification}
        )
        for _ in range(2):
            run_send_emails()
            fault_environment.clock.advance(minutes=6)

        assert RECIPIENT in [copy.address for copy in fault_environment.mailbox.sent]
        assert not [each for each in fault_environment.table.items_with_prefix("OUTBOX#") if each["outbox_id"] != name]
        tried["emails"] += 1

    send()
    notes.passed("F23: unreadable emails next to a readable one", emails=tried["emails"])


def test_publish_audit_events_with_repeated_batches_builds_same_hash_chain(
    fault_environment: Environment, notes: Notes, *, whole: bool
) -> None:
    fault_environment.reset()
    assert link_requests.approve().status == 201
    for _ in range(3):
        assert link_requests.create(employee_id=COLLEAGUE).status == 201
    entries = sorted(fault_environment.audit_entries(), key=lambda item: item["sk"])
    tried: Counter[str] = Counter()

    @(long if whole else short)
    @given(some.lists(some.integers(1, 3), min_size=1, max_size=6), some.data())
    def publish(sizes: list[int], data: some.DataObject) -> None:
        for item in (
            *fault_environment.table.items_with_prefix("CHAIN#"),
            *fault_environment.table.items_with_prefix("CHAIN_HEAD#"),
        ):
            fault_environment.table.remove(keys.Key(item["pk"], item["sk"]))
        end = 0
        for size in [*sizes, len(entries)]:
            start = data.draw(some.integers(0, end), label="again from")
            end = max(end, min(len(entries), start + size))
            publish_audit_events(entries[start : start + size])
            tried["batches"] += 1
        entries_by_chain = Counter(item["pk"] for item in fault_environment.table.items_with_prefix("CHAIN#"))
        assert entries_by_chain == Counter(item["pk"].replace("AUDIT", "CHAIN") for item in entries)
        assert entries_by_chain[f"CHAIN#{CLIENT}"] == 1
        assert violations(fault_environment.table.items()) == []

    publish()
    notes.passed("F24: batches of the audit log delivered again from an earlier position", batches=tried["batches"])
