"""Tests of recording email feedback from SES.

Each report counts once, in any order. Unrelated messages are ignored.
"""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.email_delivery import Delivery, DeliveryStatus
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.store import dynamo, keys, retries
from partner_access.store.keys import Key
from tests.support import faults, link_requests
from tests.support.background_functions import RECORD_EMAIL_FEEDBACK, metric_counts, run_function
from tests.support.builders import LINK, PARTNER
from tests.support.fake_ses import feedback, sns_event
from tests.support.races import before_commit
from tests.support.seeded_table import an_open_link, now, seed
from tests.support.table import Item, Table, differences
from tools.invariants import violations

Capsys = pytest.CaptureFixture[str]

NAME = "d" * 32
ADDRESS = "admin@client.example"
PERMANENT = {"bounce": {"bounceType": "Permanent"}}
SUPPRESSED = keys.suppressed(ADDRESS)


@pytest.fixture
def delivery(table: Table, monkeypatch: pytest.MonkeyPatch) -> Key:
    """Store a copy of the email with the default link, in state `sent`, and return its key."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    seed(table, an_open_link(recipient=ADDRESS, delivery_status="sent"))
    return store_delivery(table)


def store_delivery(table: Table, **changes: Any) -> Key:
    usual = {
        "delivery_id": NAME,
        "outbox_id": "email",
        "delivery_status": DeliveryStatus.SENT,
        "next_at": now(),
        "attempt": "a",
        "attempts": 1,
        "partner_id": PARTNER,
        "link_id": LINK,
    }
    table.put(keys.delivery(NAME), dict(Delivery(**{**usual, **changes})))
    return keys.delivery(NAME)


def delivery_status(table: Table, key: Key) -> str:
    item = table.get(key)
    assert item
    return str(item["delivery_status"])


def link_delivery_status(table: Table) -> str:
    link = table.get(keys.link(PARTNER, LINK))
    assert link
    return str(link["delivery_status"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedEffect:
    """The expected effect of a feedback report."""

    delivery_status: str
    link_status: str
    suppressed: bool = False
    metric: str | None = None


BOUNCED_EFFECT = ExpectedEffect(delivery_status="bounced", link_status="bounced", metric="EmailBounced")
FAILED_EFFECT = ExpectedEffect(delivery_status="failed", link_status="failed", metric="EmailFailed")
REPORTS: list[tuple[str, dict[str, Any], ExpectedEffect]] = [
    ("Send", {}, ExpectedEffect(delivery_status="sent", link_status="sent")),
    ("Bounce", PERMANENT, replace(BOUNCED_EFFECT, suppressed=True)),
    (
        "Complaint",
        {"complaint": {}},
        replace(BOUNCED_EFFECT, delivery_status="complained", link_status="complained", suppressed=True),
    ),
    ("Reject", {}, FAILED_EFFECT),
    ("Rendering Failure", {}, FAILED_EFFECT),
]


@pytest.mark.parametrize("before", ["pending", "sending", "sent"])
@pytest.mark.parametrize(("kind", "more", "noted"), REPORTS)
def test_record_feedback_in_any_delivery_state_updates_status_and_counts_once(
    table: Table, delivery: Key, kind: str, more: dict[str, Any], noted: ExpectedEffect, before: str, capsys: Capsys
) -> None:
    store_delivery(table, delivery_status=before)

    for _ in range(2):
        run_function(RECORD_EMAIL_FEEDBACK, feedback(kind, NAME, ADDRESS, **more))

    assert delivery_status(table, delivery) == noted.delivery_status
    assert link_delivery_status(table) == noted.link_status
    assert (table.get(SUPPRESSED) is not None) is noted.suppressed
    assert metric_counts(capsys.readouterr().out) == ({noted.metric: 1} if noted.metric else {})
    assert link_requests.approve().status == 201, "the copied link still works"
    assert violations(table.items()) == []


@pytest.mark.parametrize("before", ["pending", "sending", "sent"])
@pytest.mark.parametrize("bounce", [
    {"bounce": {"bounceType": "Transient", "bounceSubType": "General"}},
    {"bounce": {"bounceType": "Undetermined"}},
    {},
])  # fmt: skip
def test_record_bounce_that_is_not_permanent_is_only_counted(
    table: Table, delivery: Key, before: str, bounce: dict[str, Any], capsys: Capsys
) -> None:
    # domain.md rule 8: an out-of-office reply is a transient bounce
    store_delivery(table, delivery_status=before)
    items = table.items()

    run_function(RECORD_EMAIL_FEEDBACK, feedback("Bounce", NAME, ADDRESS, **bounce))

    assert table.items() == items
    assert metric_counts(capsys.readouterr().out) == {"EmailTransientBounce": 1}


@pytest.mark.parametrize("final", ["bounced", "complained", "failed", "cancelled"])
@pytest.mark.parametrize(("kind", "more"), [("Send", {}), ("Bounce", PERMANENT), ("Complaint", {}), ("Reject", {})])
def test_record_feedback_on_final_delivery_state_only_suppresses_address(
    table: Table, delivery: Key, final: str, kind: str, more: dict[str, Any], capsys: Capsys
) -> None:
    store_delivery(table, delivery_status=final)
    before = table.items()

    run_function(RECORD_EMAIL_FEEDBACK, feedback(kind, NAME, ADDRESS, **more))

    changed = {item["pk"] for item in differences(before, table.items())}
    assert changed == ({SUPPRESSED.pk} if kind in {"Bounce", "Complaint"} else set())
    assert metric_counts(capsys.readouterr().out) == {}


def test_record_send_after_bounce_keeps_bounced_status(table: Table, delivery: Key) -> None:
    run_function(RECORD_EMAIL_FEEDBACK, feedback("Bounce", NAME, ADDRESS, **PERMANENT))
    run_function(RECORD_EMAIL_FEEDBACK, feedback("Send", NAME, ADDRESS))

    assert delivery_status(table, delivery) == "bounced"
    assert link_delivery_status(table) == "bounced"


def test_record_bounce_with_concurrent_complaint_is_not_counted_again(
    table: Table, delivery: Key, capsys: Capsys
) -> None:
    with before_commit(lambda: table.change(delivery, delivery_status="complained")):
        run_function(RECORD_EMAIL_FEEDBACK, feedback("Bounce", NAME, ADDRESS, **PERMANENT))

    assert delivery_status(table, delivery) == "complained"
    assert table.get(SUPPRESSED)
    assert metric_counts(capsys.readouterr().out) == {}


def test_record_bounce_suppresses_the_address_sent_to_not_the_forwarded_one(table: Table, delivery: Key) -> None:
    bounce = {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "Another User <else@far.example>"}]}

    run_function(RECORD_EMAIL_FEEDBACK, feedback("Bounce", NAME, ADDRESS, bounce=bounce))

    assert [item["pk"] for item in table.items_with_prefix("SUPPRESSED#")] == [SUPPRESSED.pk]
    assert link_requests.create(recipient_email=ADDRESS).code == "recipient_suppressed"
    assert link_requests.create(recipient_email="else@far.example").status == 201


def test_record_bounce_stores_suppressed_address_only_as_hash(table: Table, delivery: Key) -> None:
    run_function(RECORD_EMAIL_FEEDBACK, feedback("Bounce", NAME, ADDRESS, **PERMANENT))

    assert ADDRESS not in str(table.items_with_prefix("SUPPRESSED#"))


def test_record_bounce_of_earlier_email_leaves_status_of_resent_link(table: Table, delivery: Key) -> None:
    seed(table, an_open_link(recipient=ADDRESS, delivery_status="queued", resent_at=(now() - timedelta(minutes=1),)))

    run_function(RECORD_EMAIL_FEEDBACK, feedback("Bounce", NAME, ADDRESS, **PERMANENT))

    assert delivery_status(table, delivery) == "bounced"
    assert link_delivery_status(table) == "queued"
    assert table.get(SUPPRESSED)


def test_record_bounce_of_email_without_link_updates_only_the_delivery(table: Table, delivery: Key) -> None:
    store_delivery(table, link_id=None)

    run_function(RECORD_EMAIL_FEEDBACK, feedback("Bounce", NAME, ADDRESS, **PERMANENT))

    assert delivery_status(table, delivery) == "bounced"
    assert link_delivery_status(table) == "sent"


IGNORED: dict[str, dict[str, Any]] = {
    "an unknown copy": feedback("Bounce", "e" * 32, ADDRESS, **PERMANENT),
    "a copy without a name": feedback("Bounce", None, ADDRESS, **PERMANENT),
    "another kind": feedback("Delivery", NAME, ADDRESS),
    "a click": feedback("Click", NAME, ADDRESS),
    "a kind in another case": feedback("bounce", NAME, ADDRESS, **PERMANENT),
    "the greeting to a new topic": sns_event("Successfully validated SNS topic for Amazon SES event publishing."),
    "nothing": sns_event(""),
    "null": sns_event("null"),
    "a list": sns_event("[]"),
    "no kind": sns_event(json.dumps({"mail": {"tags": {"delivery": [NAME]}}})),
    "no mail": sns_event(json.dumps({"eventType": "Bounce"})),
    "no tags": sns_event(json.dumps({"eventType": "Bounce", "mail": {}})),
    "tags that are none": sns_event(json.dumps({"eventType": "Bounce", "mail": {"tags": [NAME]}})),
    "a name that is none": sns_event(json.dumps({"eventType": "Bounce", "mail": {"tags": {"delivery": [{}]}}})),
    "an empty list of names": sns_event(json.dumps({"eventType": "Bounce", "mail": {"tags": {"delivery": []}}})),
    "a bounce that is none": feedback("Bounce", NAME, ADDRESS, bounce="Permanent"),
    "broken": sns_event('{"eventType": "Bounce", "mail": '),
}


@pytest.mark.parametrize("event", IGNORED.values(), ids=IGNORED)
def test_record_feedback_with_unrelated_or_malformed_message_changes_nothing(
    table: Table, delivery: Key, event: dict[str, Any], capsys: Capsys
) -> None:
    before: list[Item] = table.items()

    assert run_function(RECORD_EMAIL_FEEDBACK, event) is None

    assert table.items() == before
    written = capsys.readouterr()
    assert metric_counts(written.out) == {"EmailFeedbackIgnored": 1}
    assert ADDRESS not in written.out + written.err


def test_record_feedback_with_lasting_write_conflict_raises_and_succeeds_on_retry(table: Table, delivery: Key) -> None:
    before = table.items()
    said = feedback("Bounce", NAME, ADDRESS, **PERMANENT)

    with (
        faults.inject(dynamo.client(), "TransactWriteItems", last_fault=faults.WRITE_CONFLICT) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        run_function(RECORD_EMAIL_FEEDBACK, said)
    assert len(attempts) == retries.ATTEMPTS
    assert table.items() == before

    run_function(RECORD_EMAIL_FEEDBACK, said)
    assert delivery_status(table, delivery) == "bounced"


def test_record_feedback_after_lost_response_is_recorded_once(table: Table, delivery: Key) -> None:
    with faults.inject(dynamo.client(), "TransactWriteItems", faults.response_lost) as attempts:
        run_function(RECORD_EMAIL_FEEDBACK, feedback("Bounce", NAME, ADDRESS, **PERMANENT))

    assert len(attempts) <= 4
    assert len({each["ClientRequestToken"] for each in attempts[:2]}) == 1
    assert delivery_status(table, delivery) == "bounced"
    assert len(table.items_with_prefix("SUPPRESSED#")) == 1
