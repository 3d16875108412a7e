"""What the mail system reports: each report counts once, whenever it comes, and whoever it may be from."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.email_delivery import Delivery
from partner_access.domain.email_delivery import Standing as CopyStanding
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.store import dynamo, keys, retries
from partner_access.store.keys import Key
from tests.support import faults, link_requests
from tests.support.background_functions import RECORD_DELIVERY, counts, run
from tests.support.builders import LINK, PARTNER
from tests.support.fake_ses import published, report
from tests.support.races import before_commit
from tests.support.seeded_table import a_world, an_open_link, now
from tests.support.table import Item, Table, differences
from tools.invariants import broken

Capsys = pytest.CaptureFixture[str]

NAME = "d" * 32
ADDRESS = "admin@client.example"
PERMANENT = {"bounce": {"bounceType": "Permanent"}}
SUPPRESSED = keys.suppressed(ADDRESS)


@pytest.fixture
def copy(table: Table, monkeypatch: pytest.MonkeyPatch) -> Key:
    """A copy of the letter with the world's link, just sent."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    a_world(table, an_open_link(recipient=ADDRESS, delivery_status="sent"))
    return keep_copy(table)


def keep_copy(table: Table, **changes: Any) -> Key:
    usual = {
        "delivery_id": NAME,
        "outbox_id": "letter",
        "delivery_status": CopyStanding.SENT,
        "next_at": now(),
        "attempt": "a",
        "attempts": 1,
        "partner_id": PARTNER,
        "link_id": LINK,
    }
    table.put(keys.delivery(NAME), dict(Delivery(**{**usual, **changes})))
    return keys.delivery(NAME)


def stands(table: Table, key: Key) -> str:
    item = table.get(key)
    assert item
    return str(item["delivery_status"])


def letter(table: Table) -> str:
    link = table.get(keys.link(PARTNER, LINK))
    assert link
    return str(link["delivery_status"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What a report leaves."""

    standing: str
    shown: str
    suppressed: bool = False
    counted: str | None = None


BACK = Noted(standing="bounced", shown="bounced", counted="EmailBounced")
FAILED = Noted(standing="failed", shown="failed", counted="EmailFailed")
REPORTS: list[tuple[str, dict[str, Any], Noted]] = [
    ("Send", {}, Noted(standing="sent", shown="sent")),
    ("Bounce", PERMANENT, replace(BACK, suppressed=True)),
    ("Bounce", {"bounce": {"bounceType": "Transient"}}, BACK),
    ("Bounce", {"bounce": {"bounceType": "Undetermined"}}, BACK),
    ("Complaint", {"complaint": {}}, replace(BACK, standing="complained", shown="complained", suppressed=True)),
    ("Reject", {}, FAILED),
    ("Rendering Failure", {}, FAILED),
]


@pytest.mark.parametrize("before", ["pending", "sending", "sent"])
@pytest.mark.parametrize(("kind", "more", "noted"), REPORTS)
def test_a_report_is_noted_and_shown_whenever_it_comes_and_counts_once(
    table: Table, copy: Key, kind: str, more: dict[str, Any], noted: Noted, before: str, capsys: Capsys
) -> None:
    keep_copy(table, delivery_status=before)

    for _ in range(2):
        run(RECORD_DELIVERY, report(kind, NAME, ADDRESS, **more))

    assert stands(table, copy) == noted.standing
    assert letter(table) == noted.shown
    assert (table.get(SUPPRESSED) is not None) is noted.suppressed
    assert counts(capsys.readouterr().out) == ({noted.counted: 1} if noted.counted else {})
    assert link_requests.approve().status == 201, "the copied link still works"
    assert broken(table.items()) == []


@pytest.mark.parametrize("final", ["bounced", "complained", "failed", "cancelled"])
@pytest.mark.parametrize(("kind", "more"), [("Send", {}), ("Bounce", PERMANENT), ("Complaint", {}), ("Reject", {})])
def test_what_is_settled_stays_but_an_address_that_takes_no_mail_is_noted(
    table: Table, copy: Key, final: str, kind: str, more: dict[str, Any], capsys: Capsys
) -> None:
    keep_copy(table, delivery_status=final)
    before = table.items()

    run(RECORD_DELIVERY, report(kind, NAME, ADDRESS, **more))

    changed = {item["pk"] for item in differences(before, table.items())}
    assert changed == ({SUPPRESSED.pk} if kind in {"Bounce", "Complaint"} else set())
    assert counts(capsys.readouterr().out) == {}


def test_the_report_that_a_letter_was_sent_does_not_undo_a_bounce(table: Table, copy: Key) -> None:
    run(RECORD_DELIVERY, report("Bounce", NAME, ADDRESS, **PERMANENT))
    run(RECORD_DELIVERY, report("Send", NAME, ADDRESS))

    assert stands(table, copy) == "bounced"
    assert letter(table) == "bounced"


def test_a_bounce_that_is_noted_meanwhile_is_not_counted_again(table: Table, copy: Key, capsys: Capsys) -> None:
    with before_commit(lambda: table.change(copy, delivery_status="complained")):
        run(RECORD_DELIVERY, report("Bounce", NAME, ADDRESS, **PERMANENT))

    assert stands(table, copy) == "complained"
    assert table.get(SUPPRESSED)
    assert counts(capsys.readouterr().out) == {}


def test_the_address_that_was_written_to_is_suppressed_and_not_the_one_it_led_on_to(table: Table, copy: Key) -> None:
    bounce = {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "Somebody Else <else@far.example>"}]}

    run(RECORD_DELIVERY, report("Bounce", NAME, ADDRESS, bounce=bounce))

    assert [item["pk"] for item in table.under("SUPPRESSED#")] == [SUPPRESSED.pk]
    assert link_requests.create(recipient_email=ADDRESS).code == "recipient_suppressed"
    assert link_requests.create(recipient_email="else@far.example").status == 201


def test_a_suppressed_address_stands_nowhere_in_clear(table: Table, copy: Key) -> None:
    run(RECORD_DELIVERY, report("Bounce", NAME, ADDRESS, **PERMANENT))

    assert ADDRESS not in str(table.under("SUPPRESSED#"))


def test_a_bounce_of_an_earlier_letter_is_not_said_of_a_link_that_was_sent_again(table: Table, copy: Key) -> None:
    a_world(table, an_open_link(recipient=ADDRESS, delivery_status="queued", resent_at=(now() - timedelta(minutes=1),)))

    run(RECORD_DELIVERY, report("Bounce", NAME, ADDRESS, **PERMANENT))

    assert stands(table, copy) == "bounced"
    assert letter(table) == "queued"
    assert table.get(SUPPRESSED)


def test_a_report_of_a_letter_about_no_link_is_noted(table: Table, copy: Key) -> None:
    keep_copy(table, link_id=None)

    run(RECORD_DELIVERY, report("Bounce", NAME, ADDRESS, **PERMANENT))

    assert stands(table, copy) == "bounced"
    assert letter(table) == "sent"


IGNORED: dict[str, dict[str, Any]] = {
    "an unknown copy": report("Bounce", "e" * 32, ADDRESS, **PERMANENT),
    "a copy without a name": report("Bounce", None, ADDRESS, **PERMANENT),
    "another kind": report("Delivery", NAME, ADDRESS),
    "a click": report("Click", NAME, ADDRESS),
    "a kind in other letters": report("bounce", NAME, ADDRESS, **PERMANENT),
    "the greeting to a new topic": published("Successfully validated SNS topic for Amazon SES event publishing."),
    "nothing": published(""),
    "null": published("null"),
    "a list": published("[]"),
    "no kind": published(json.dumps({"mail": {"tags": {"delivery": [NAME]}}})),
    "no mail": published(json.dumps({"eventType": "Bounce"})),
    "no tags": published(json.dumps({"eventType": "Bounce", "mail": {}})),
    "tags that are none": published(json.dumps({"eventType": "Bounce", "mail": {"tags": [NAME]}})),
    "a name that is none": published(json.dumps({"eventType": "Bounce", "mail": {"tags": {"delivery": [{}]}}})),
    "an empty list of names": published(json.dumps({"eventType": "Bounce", "mail": {"tags": {"delivery": []}}})),
    "a bounce that is none": report("Bounce", NAME, ADDRESS, bounce="Permanent"),
    "broken": published('{"eventType": "Bounce", "mail": '),
}


@pytest.mark.parametrize("event", IGNORED.values(), ids=IGNORED)
def test_what_is_no_report_of_ours_changes_nothing(
    table: Table, copy: Key, event: dict[str, Any], capsys: Capsys
) -> None:
    before: list[Item] = table.items()

    assert run(RECORD_DELIVERY, event) is None

    assert table.items() == before
    written = capsys.readouterr()
    assert counts(written.out) == {"EmailFeedbackIgnored": 1}
    assert ADDRESS not in written.out + written.err


def test_a_report_that_cannot_be_noted_now_comes_again(table: Table, copy: Key) -> None:
    before = table.items()
    said = report("Bounce", NAME, ADDRESS, **PERMANENT)

    with (
        faults.at(dynamo.client(), "TransactWriteItems", then=faults.CONFLICTS) as attempts,
        pytest.raises(TemporarilyUnavailable),
    ):
        run(RECORD_DELIVERY, said)
    assert len(attempts) == retries.ATTEMPTS
    assert table.items() == before

    run(RECORD_DELIVERY, said)
    assert stands(table, copy) == "bounced"


def test_an_answer_that_was_lost_notes_the_report_once(table: Table, copy: Key) -> None:
    with faults.at(dynamo.client(), "TransactWriteItems", faults.goes_unanswered) as attempts:
        run(RECORD_DELIVERY, report("Bounce", NAME, ADDRESS, **PERMANENT))

    assert len(attempts) <= 4
    assert len({each["ClientRequestToken"] for each in attempts[:2]}) == 1
    assert stands(table, copy) == "bounced"
    assert len(table.under("SUPPRESSED#")) == 1
