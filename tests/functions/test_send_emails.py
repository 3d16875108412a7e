"""Tests of sending emails under faults: each notification reaches each of its recipients once (consistency.md §4)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from functions.serve_pages import app as serve_pages
from partner_access.domain.links.links import StoredLinkState
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.notifications import Cause, Locale, Notification, NotificationKind
from partner_access.domain.records import Record
from partner_access.store import dynamo, keys, outbox, queries, retries
from tests.support import faults, link_requests
from tests.support.background_functions import (
    RECORD_EMAIL_FEEDBACK,
    SEND_EMAILS,
    WORKER,
    Clock,
    logged_lines,
    metric_counts,
    run_function,
    run_send_emails,
    send_emails_from_stream,
)
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    LINK,
    PARTNER,
    SECRET,
    SECRET_TEXT,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.fake_ses import FakeSes, SentEmail, bounce_feedback, fake_ses, feedback
from tests.support.faults import Fault, Killed
from tests.support.gateway import ApiResponse, Context, call
from tests.support.races import before_commit
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, an_open_link, seed
from tests.support.table import Item, Table
from tools.invariants import violations

RECIPIENT = "admin@client.example"
ADDRESS = {
    EMPLOYEE: f"{EMPLOYEE}@north.example",
    MANAGER: f"{MANAGER}@north.example",
    COLLEAGUE: f"{COLLEAGUE}@north.example",
    APPROVER: f"{APPROVER}@bakery.example",
    CLERK: f"{CLERK}@bakery.example",
}
NO_ACT_VIOLATION = "no act requested it"
"""The invariant violation of notifications that a test made up. Each sentence about one ends with it."""


@dataclass(frozen=True, slots=True)
class EmailScenario:
    """The table, the emails and the clock of a test."""

    table: Table
    ses: FakeSes
    clock: Clock

    def queue(self, kind: NotificationKind = NotificationKind.LINK_TO_APPROVE, name: str = "", **changes: Any) -> Item:
        """Store a notification in the outbox about the default users and the default link, and return its item."""
        outbox_id = name or f"{len(self.outbox_items):032x}"
        usual_fields = {
            "kind": kind,
            "employee_id": EMPLOYEE,
            "actor_id": APPROVER,
            "partner_id": PARTNER,
            "link_id": LINK,
            "link_created_by": MANAGER,
        }
        notification = Notification(**{**usual_fields, **changes})
        at = self.clock.time
        item = {"outbox_id": outbox_id, "queued_at": at, "next_at": at, "notification": notification}
        self.table.put(keys.outbox(outbox_id), item)
        found = self.table.get(keys.outbox(outbox_id))
        assert found
        return found

    def reseed(self, *others: Record) -> None:
        """Replace the table's content with the default records and these ones. The link has a recipient."""
        for item in self.table.items():
            self.table.remove(keys.Key(item["pk"], item["sk"]))
        seed(self.table, an_open_link(recipient=RECIPIENT, delivery_status="queued"), *others)

    @property
    def outbox_items(self) -> list[Item]:
        return self.table.items_with_prefix("OUTBOX#")

    @property
    def deliveries(self) -> list[Item]:
        return self.table.items_with_prefix("DELIVERY#")

    @property
    def link(self) -> Item:
        found = self.table.get(keys.link(PARTNER, LINK))
        assert found
        return found

    @property
    def email_secret_fingerprints(self) -> set[str]:
        """Return the fingerprints of the link's secrets, except the one that its creator received."""
        return set(self.link["secrets"]) - {SECRET.fingerprint}


@pytest.fixture
def ses(table: Table) -> Iterator[FakeSes]:
    with fake_ses() as box:
        yield box


@pytest.fixture
def recorded_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


@pytest.fixture
def scenario(
    table: Table, ses: FakeSes, recorded_pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmailScenario]:
    """Yield the default records, in which the link has a recipient.

    Afterwards, assert that the invariants hold and that no secret was stored.
    """
    here = EmailScenario(table, ses, Clock(monkeypatch, WORKER))
    here.reseed()
    yield here
    assert [sentence for sentence in violations(table.items()) if not sentence.endswith(NO_ACT_VIOLATION)] == []
    assert not any("pal_" in str(item) for item in table.items())


def digest(copy: SentEmail) -> str:
    return LinkSecret.read(copy.secret).fingerprint


# delivery


@pytest.mark.parametrize("trigger", [send_emails_from_stream, lambda _: run_send_emails()], ids=["stream", "sweep"])
def test_send_emails_by_stream_or_by_schedule_alone_delivers(
    scenario: EmailScenario, trigger: Callable[[Any], Any]
) -> None:
    trigger([scenario.queue()])

    assert scenario.ses.addresses == [RECIPIENT]
    assert scenario.outbox_items == []
    assert scenario.link["delivery_status"] == "sent"
    assert [each["delivery_status"] for each in scenario.deliveries] == ["sent"]
    assert len(scenario.table.items_with_prefix("AUDIT#")) == 0


def test_send_email_uses_configured_sender_and_names_its_delivery(scenario: EmailScenario) -> None:
    queue_and_send(scenario)

    (copy,) = scenario.ses.sent
    (delivery,) = scenario.deliveries
    assert copy.request["FromEmailAddress"] == "access@vendor.example"
    assert copy.request["ConfigurationSetName"] == "emails"
    assert keys.delivery(copy.delivery).pk == delivery["pk"]


def queue_and_send(
    scenario: EmailScenario, kind: NotificationKind = NotificationKind.LINK_TO_APPROVE, **changes: Any
) -> Item:
    item = scenario.queue(kind, **changes)
    run_send_emails()
    return item


def test_send_email_with_repeated_record_sends_once(scenario: EmailScenario) -> None:
    item = scenario.queue()

    answers = [send_emails_from_stream([item]), send_emails_from_stream([item, item])]
    run_send_emails()

    assert answers == [{"batchItemFailures": []}] * 2
    assert len(scenario.ses.attempts) == 1


def test_send_emails_in_any_order_sends_each_once(scenario: EmailScenario) -> None:
    items = [
        scenario.queue(NotificationKind.LINK_DECLINED),
        scenario.queue(NotificationKind.LINK_EXPIRED),
        scenario.queue(),
    ]

    send_emails_from_stream(reversed(items))
    send_emails_from_stream(items)

    assert sorted(scenario.ses.addresses) == sorted([ADDRESS[EMPLOYEE], ADDRESS[MANAGER], ADDRESS[MANAGER], RECIPIENT])
    assert scenario.outbox_items == []


def fails_on(name: str) -> Fault:
    """Return a fault that fails only transactions on this item, with write conflicts."""

    def fault(request_body: Any, send: faults.Send) -> Any:
        return faults.WRITE_CONFLICT(request_body, send) if name in str(request_body.body) else send()

    return fault


def test_send_emails_with_one_failing_record_reports_only_that_record(scenario: EmailScenario) -> None:
    items = [
        scenario.queue(kind)
        for kind in (NotificationKind.LINK_EXPIRED, NotificationKind.LINK_TO_APPROVE, NotificationKind.LINK_DECLINED)
    ]
    stuck = outbox.delivery_id(items[1]["outbox_id"], RECIPIENT)

    with faults.inject(dynamo.client(), "TransactWriteItems", last_fault=fails_on(stuck)):
        answer = send_emails_from_stream(items)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert sorted(scenario.ses.addresses) == sorted([ADDRESS[MANAGER], ADDRESS[EMPLOYEE], ADDRESS[MANAGER]])
    assert send_emails_from_stream(items) == {"batchItemFailures": []}
    assert scenario.ses.addresses[3:] == [RECIPIENT]
    assert scenario.outbox_items == []


def test_send_emails_with_all_records_failing_raises_and_succeeds_on_retry(
    scenario: EmailScenario,
) -> None:
    items = [scenario.queue(), scenario.queue(NotificationKind.LINK_EXPIRED)]

    with (
        faults.inject(dynamo.client(), "TransactWriteItems", last_fault=faults.WRITE_CONFLICT) as attempts,
        pytest.raises(BatchProcessingError),
    ):
        send_emails_from_stream(items)

    assert len(attempts) == 2 * retries.ATTEMPTS
    assert scenario.ses.attempts == []
    send_emails_from_stream(items)
    assert len(scenario.ses.sent) == 2


def test_send_emails_with_malformed_stream_record_reports_only_that_record(scenario: EmailScenario) -> None:
    item = scenario.queue()
    event = {"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1"}}]}
    event["Records"] += [{**each} for each in records_of([item], first=2)]

    assert run_function(SEND_EMAILS, event) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert scenario.ses.addresses == [RECIPIENT]


def records_of(items: list[Item], first: int) -> list[dict[str, Any]]:
    return [
        {
            "eventName": "INSERT",
            "dynamodb": {
                "Keys": {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}},
                "SequenceNumber": str(position),
            },
        }
        for position, item in enumerate(items, first)
    ]


def test_send_emails_by_schedule_with_one_conflicting_email_sends_the_others(
    scenario: EmailScenario, capsys: pytest.CaptureFixture[str]
) -> None:
    stuck, other = scenario.queue(), scenario.queue(NotificationKind.LINK_EXPIRED)
    name = outbox.delivery_id(stuck["outbox_id"], RECIPIENT)

    with faults.inject(dynamo.client(), "TransactWriteItems", last_fault=fails_on(name)):
        run_send_emails()

    assert scenario.ses.addresses == [ADDRESS[MANAGER]]
    assert [each["sk"] for each in scenario.outbox_items] == [stuck["sk"]]
    assert other["sk"] != stuck["sk"]
    assert metric_counts(capsys.readouterr().out) == {"EmailSent": 1, "ConflictExhausted": 1}


# concurrent runs


def test_send_emails_by_schedule_during_stream_skips_claimed_delivery(scenario: EmailScenario) -> None:
    def beside(_: object, send: faults.Send) -> Any:
        run_send_emails()
        return send()

    scenario.ses.next_faults.append(beside)
    send_emails_from_stream([scenario.queue()])

    assert len(scenario.ses.attempts) == 1
    assert scenario.outbox_items == []


def test_send_emails_with_delivery_claimed_concurrently_sends_once(scenario: EmailScenario) -> None:
    """Let one run read first and commit last, so that the condition on the claim rejects it."""
    item = scenario.queue()

    with before_commit(lambda: send_emails_from_stream([item])):
        run_send_emails()

    assert len(scenario.ses.attempts) == 1
    assert scenario.outbox_items == []


def test_postpone_email_completed_concurrently_does_not_restore_it(scenario: EmailScenario) -> None:
    scenario.ses.next_faults.append(faults.aws_error("TooManyRequestsException", 429))
    item = scenario.queue()

    def complete_concurrently() -> None:
        scenario.table.remove(keys.Key(item["pk"], item["sk"]))

    with faults.inject(
        dynamo.client(), "TransactWriteItems", *[faults.succeeds] * 3, _after(complete_concurrently)
    ) as attempts:
        run_send_emails()

    assert len(attempts) == 4
    assert scenario.outbox_items == []


def _after(change: Callable[[], None]) -> Fault:
    def fault(_: object, send: faults.Send) -> Any:
        change()
        return send()

    return fault


def test_send_emails_before_next_attempt_time_sends_nothing(scenario: EmailScenario) -> None:
    item = scenario.queue()
    scenario.table.change(keys.outbox(item["outbox_id"]), next_at=scenario.clock.time + timedelta(seconds=1))

    run_send_emails()
    send_emails_from_stream([item])
    assert scenario.ses.attempts == []

    scenario.clock.advance(seconds=1)
    run_send_emails()
    assert len(scenario.ses.sent) == 1


def test_send_emails_near_timeout_starts_no_further_delivery(scenario: EmailScenario) -> None:
    scenario.queue(NotificationKind.LINK_DECLINED)
    context = Context()

    def takes_long(_: object, send: faults.Send) -> Any:
        context.milliseconds = 19_999
        return send()

    scenario.ses.next_faults.append(takes_long)
    run_send_emails(context)
    assert len(scenario.ses.attempts) == 1

    run_send_emails()
    assert sorted(scenario.ses.addresses) == sorted([ADDRESS[EMPLOYEE], ADDRESS[MANAGER]])
    assert scenario.outbox_items == []


# responses of SES

LOST_RESPONSES: dict[str, Fault] = {
    "no answer": faults.response_lost,
    "500": lambda request_body, send: (send(), faults.aws_error("InternalFailure", 500)(request_body, send))[1],
    "503": lambda request_body, send: (send(), faults.aws_error("ServiceUnavailable", 503)(request_body, send))[1],
}


@pytest.mark.parametrize("lost", LOST_RESPONSES.values(), ids=LOST_RESPONSES)
def test_send_email_after_lost_response_and_no_feedback_sends_one_more(
    scenario: EmailScenario, lost: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.ses.next_faults.append(lost)
    item = queue_and_send(scenario)
    assert metric_counts(capsys.readouterr().out) == {"EmailUnclear": 1}

    scenario.clock.advance(minutes=4, seconds=59)
    run_send_emails()
    send_emails_from_stream([item])
    assert len(scenario.ses.sent) == 1

    scenario.clock.advance(seconds=1)
    run_send_emails()
    scenario.clock.advance(days=1)
    run_send_emails()
    assert scenario.ses.addresses == [RECIPIENT] * 2
    assert metric_counts(capsys.readouterr().out) == {"EmailSent": 1, "EmailPossibleDuplicate": 1}
    assert scenario.email_secret_fingerprints == set(map(digest, scenario.ses.sent))
    assert scenario.link["delivery_status"] == "sent"
    assert scenario.outbox_items == []


@pytest.mark.parametrize("which", [0, 1], ids=["first", "second"])
def test_approve_link_with_secret_of_first_or_second_email_succeeds(scenario: EmailScenario, which: int) -> None:
    scenario.ses.next_faults.append(faults.response_lost)
    queue_and_send(scenario)
    scenario.clock.advance(minutes=5)
    run_send_emails()

    assert link_requests.approve(secret=scenario.ses.sent[which].secret).status == 201
    assert len({SECRET_TEXT, *(copy.secret for copy in scenario.ses.sent)}) == 3


def test_send_email_after_lost_response_with_send_feedback_sends_no_more(scenario: EmailScenario) -> None:
    scenario.ses.next_faults.append(faults.response_lost)
    queue_and_send(scenario)
    (copy,) = scenario.ses.sent

    run_function(RECORD_EMAIL_FEEDBACK, feedback("Send", copy.delivery))
    scenario.clock.advance(minutes=5)
    run_send_emails()

    assert len(scenario.ses.attempts) == 1
    assert scenario.link["delivery_status"] == "sent"
    assert scenario.outbox_items == []


def test_send_email_with_late_feedback_after_postponed_retry_sends_no_more(scenario: EmailScenario) -> None:
    scenario.ses.next_faults.extend([faults.response_lost, faults.aws_error("TooManyRequestsException", 429)])
    queue_and_send(scenario)
    scenario.clock.advance(minutes=5)
    run_send_emails()
    (copy,) = scenario.ses.sent

    run_function(RECORD_EMAIL_FEEDBACK, feedback("Send", copy.delivery))
    scenario.clock.advance(minutes=10)
    run_send_emails()

    assert len(scenario.ses.attempts) == 2
    assert scenario.email_secret_fingerprints == {digest(copy)}
    assert scenario.outbox_items == []


def test_send_email_with_feedback_during_failing_retry_keeps_one_secret(scenario: EmailScenario) -> None:
    scenario.ses.next_faults.append(faults.response_lost)
    queue_and_send(scenario)
    (copy,) = scenario.ses.sent

    def reported_late(request_body: Any, send: faults.Send) -> Any:
        run_function(RECORD_EMAIL_FEEDBACK, feedback("Send", copy.delivery))
        return faults.aws_error("TooManyRequestsException", 429)(request_body, send)

    scenario.ses.next_faults.append(reported_late)
    scenario.clock.advance(minutes=5)
    run_send_emails()

    assert scenario.email_secret_fingerprints == {digest(copy)}
    assert [each["delivery_status"] for each in scenario.deliveries] == ["sent"]


def test_send_email_with_failed_retry_counts_no_possible_duplicate(
    scenario: EmailScenario, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.ses.next_faults.extend([faults.response_lost, faults.aws_error("TooManyRequestsException", 429)])
    queue_and_send(scenario)
    scenario.clock.advance(minutes=5)
    run_send_emails()
    assert metric_counts(capsys.readouterr().out)["EmailPossibleDuplicate"] == 0

    scenario.clock.advance(minutes=1)
    run_send_emails()
    assert metric_counts(capsys.readouterr().out) == {"EmailSent": 1, "EmailPossibleDuplicate": 1}


def test_send_email_with_every_response_lost_creates_at_most_three_secrets(
    scenario: EmailScenario, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.ses.default_fault = faults.response_lost
    queue_and_send(scenario)
    for _ in range(20):
        scenario.clock.advance(minutes=5)
        run_send_emails()

    assert scenario.ses.addresses == [RECIPIENT] * 2
    assert len(scenario.link["secrets"]) == 3
    assert scenario.link["delivery_status"] == "failed"
    assert scenario.outbox_items == []
    assert metric_counts(capsys.readouterr().out)["EmailFailed"] == 1


def test_send_email_without_any_response_or_feedback_gives_up_after_eight_attempts(
    scenario: EmailScenario, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.ses.default_fault = faults.aws_error("InternalFailure", 500)
    queue_and_send(scenario, NotificationKind.LINK_EXPIRED)
    for _ in range(20):
        scenario.clock.advance(minutes=5)
        run_send_emails()

    assert len(scenario.ses.attempts) == 8
    assert [each["delivery_status"] for each in scenario.deliveries] == ["failed"]
    assert scenario.outbox_items == []
    assert metric_counts(capsys.readouterr().out)["EmailFailed"] == 1


TEMPORARY_ERRORS: dict[str, tuple[Fault, str]] = {
    **{
        code: (faults.aws_error(code, status), "EmailPostponed")
        for code, status in (
            ("TooManyRequestsException", 429),
            ("LimitExceededException", 400),
            ("ThrottlingException", 400),
        )
    },
    **{
        code: (faults.aws_error(code, status), "EmailPaused")
        for code, status in (
            ("AccountSuspendedException", 400),
            ("SendingPausedException", 400),
            ("AccessDeniedException", 403),
            ("NotFoundException", 404),
        )
    },
}


@pytest.mark.parametrize(("fault", "metric"), TEMPORARY_ERRORS.values(), ids=TEMPORARY_ERRORS)
def test_send_email_with_temporary_ses_error_is_postponed_and_keeps_no_secret(
    scenario: EmailScenario, fault: Fault, metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.ses.next_faults.append(fault)
    item = scenario.queue()

    assert send_emails_from_stream([item]) == {"batchItemFailures": []}

    assert scenario.email_secret_fingerprints == set()
    assert scenario.link["delivery_status"] == "queued"
    assert [each["delivery_status"] for each in scenario.deliveries] == ["pending"]
    assert metric_counts(capsys.readouterr().out) == {metric: 1}
    scenario.clock.advance(seconds=29)
    run_send_emails()
    assert len(scenario.ses.attempts) == 1
    scenario.clock.advance(seconds=1)
    run_send_emails()
    assert scenario.ses.addresses == [RECIPIENT]
    assert scenario.email_secret_fingerprints == set(map(digest, scenario.ses.sent))


def test_send_email_with_lasting_throttling_retries_every_ten_minutes(scenario: EmailScenario) -> None:
    scenario.ses.default_fault = faults.aws_error("LimitExceededException")
    queue_and_send(scenario, NotificationKind.LINK_EXPIRED)
    pauses = []
    for _ in range(150):
        (item,) = scenario.outbox_items
        pauses.append(item["next_at"] - Decimal(int(scenario.clock.time.timestamp())))
        scenario.clock.advance(seconds=float(pauses[-1]))
        run_send_emails()

    assert pauses[:6] == [30, 60, 120, 240, 480, 600]
    assert set(pauses[6:]) == {600}
    scenario.ses.default_fault = faults.succeeds
    scenario.clock.advance(minutes=10)
    run_send_emails()
    assert scenario.ses.addresses == [ADDRESS[MANAGER]]
    assert scenario.outbox_items == []


def test_send_email_with_one_recipient_postponed_sends_others_only_once(scenario: EmailScenario) -> None:
    scenario.ses.next_faults.append(faults.aws_error("TooManyRequestsException", 429))
    queue_and_send(scenario, NotificationKind.LINK_DECLINED)
    assert len(scenario.ses.attempts) == 2

    for _ in range(3):
        scenario.clock.advance(minutes=10)
        run_send_emails()

    assert sorted(scenario.ses.addresses) == sorted([ADDRESS[EMPLOYEE], ADDRESS[MANAGER]])


@pytest.mark.parametrize("code", ["BadRequestException", "MailFromDomainNotVerifiedException", "MessageRejected"])
def test_send_email_rejected_by_ses_sets_delivery_status_failed(
    scenario: EmailScenario, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.ses.next_faults.append(faults.aws_error(code))
    queue_and_send(scenario)
    scenario.clock.advance(days=1)
    run_send_emails()

    assert len(scenario.ses.attempts) == 1
    assert link_requests.view().body["delivery_status"] == "failed"
    assert scenario.email_secret_fingerprints == set()
    assert scenario.outbox_items == []
    assert metric_counts(capsys.readouterr().out) == {"EmailFailed": 1}


def test_send_email_rejected_by_ses_leaves_link_open(scenario: EmailScenario) -> None:
    scenario.ses.next_faults.append(faults.aws_error("MessageRejected"))
    queue_and_send(scenario)

    assert link_requests.approve().status == 201


# interruption by Lambda


@pytest.mark.parametrize("kind", [NotificationKind.LINK_TO_APPROVE, NotificationKind.LINK_EXPIRED])
@pytest.mark.parametrize("kills", [faults.killed_before, faults.killed_after], ids=["before", "after"])
def test_send_email_interrupted_at_any_call_is_completed_later(
    scenario: EmailScenario, kills: Fault, kind: NotificationKind
) -> None:
    for position in range(20):
        scenario.reseed()
        scenario.ses.sent.clear()
        if not _was_killed_at(position, kills, scenario.queue(kind)):
            break
        assert len(scenario.ses.sent) <= 1
        for _ in range(3):
            scenario.clock.advance(minutes=5)
            run_send_emails()
        assert 1 <= len(scenario.ses.sent) <= 2
        assert scenario.outbox_items == []
        assert [each["delivery_status"] for each in scenario.deliveries] == ["sent"]
        if kind is NotificationKind.LINK_TO_APPROVE:
            assert set(map(digest, scenario.ses.sent)) <= scenario.email_secret_fingerprints
            assert scenario.link["delivery_status"] == "sent"
    assert 6 <= position <= 12


def _was_killed_at(position: int, kills: Fault, item: Item) -> bool:
    """Return whether the run made so many calls to the table that this one interrupted it."""
    with faults.inject(dynamo.client(), "", *[faults.succeeds] * position, kills):
        try:
            send_emails_from_stream([item])
        except Killed:
            return True
    return False


@pytest.mark.parametrize("fault", [faults.request_lost, faults.response_lost], ids=["request lost", "response lost"])
def test_send_email_with_lost_table_response_retries_and_sends_once(scenario: EmailScenario, fault: Fault) -> None:
    for position in range(10):
        scenario.reseed()
        scenario.ses.sent.clear()
        with faults.inject(dynamo.client(), "", *[faults.succeeds] * position, fault) as attempts:
            send_emails_from_stream([scenario.queue()])

        assert len(attempts) <= 14
        assert len(scenario.ses.sent) == 1
        assert scenario.outbox_items == []
        assert scenario.link["delivery_status"] == "sent"


# changes of the link in the meantime


@pytest.mark.parametrize("state", [StoredLinkState.REVOKED, StoredLinkState.DECLINED, StoredLinkState.EXPIRED])
def test_send_email_of_ended_link_is_cancelled(
    scenario: EmailScenario, state: StoredLinkState, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.table.change(keys.link(PARTNER, LINK), stored_state=state, due_at=None, due_shard=None)
    scenario.table.change(keys.user(EMPLOYEE), open_links=0)
    queue_and_send(scenario)

    _assert_cancelled(scenario, capsys)


def _assert_cancelled(scenario: EmailScenario, capsys: pytest.CaptureFixture[str]) -> None:
    assert scenario.ses.attempts == []
    assert [each["delivery_status"] for each in scenario.deliveries] == ["cancelled"]
    assert scenario.outbox_items == []
    assert scenario.email_secret_fingerprints == set()
    assert metric_counts(capsys.readouterr().out) == {"EmailCanceled": 1}


def test_send_email_of_link_past_expiry_is_cancelled(
    scenario: EmailScenario, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.table.change(keys.link(PARTNER, LINK), expires_at=scenario.clock.time)
    queue_and_send(scenario)

    _assert_cancelled(scenario, capsys)


@pytest.mark.parametrize("moment", [0, 1], ids=["before the claim", "before the secret"])
def test_send_email_of_link_revoked_just_before_sending_is_cancelled(
    scenario: EmailScenario, moment: int, capsys: pytest.CaptureFixture[str]
) -> None:
    item = scenario.queue()
    plan = [*[faults.succeeds] * moment, _after(_revoke)]
    with faults.inject(dynamo.client(), "TransactWriteItems", *plan):
        send_emails_from_stream([item])

    capsys_read = capsys.readouterr().out
    assert scenario.ses.attempts == []
    assert scenario.outbox_items == []
    assert scenario.email_secret_fingerprints == set()
    assert metric_counts(capsys_read)["EmailCanceled"] == 1


def _revoke() -> None:
    assert link_requests.revoke().status == 204


def test_send_email_of_link_approved_in_the_meantime_is_cancelled(scenario: EmailScenario) -> None:
    item = scenario.queue()
    assert link_requests.approve().status == 201

    send_emails_from_stream([item])

    assert scenario.ses.attempts == []
    assert scenario.email_secret_fingerprints == set()


def test_send_email_after_resend_replaces_the_unsent_email(scenario: EmailScenario) -> None:
    scenario.queue(name="a" * 32)
    scenario.clock.advance(seconds=-61)
    scenario.table.change(keys.outbox("a" * 32), queued_at=scenario.clock.time, next_at=scenario.clock.time)
    scenario.clock.advance(seconds=61)
    _resend(scenario)

    run_send_emails()

    assert scenario.ses.addresses == [RECIPIENT]
    assert scenario.outbox_items == []
    assert set(map(digest, scenario.ses.sent)) <= set(scenario.link["secrets"])
    assert len(scenario.link["secrets"]) == 2
    assert scenario.link["delivery_status"] == "sent"
    assert link_requests.preview().status == 404
    assert link_requests.preview(secret=scenario.ses.sent[0].secret).status == 200


def test_send_email_with_concurrent_resend_cancels_the_earlier_email(scenario: EmailScenario) -> None:
    item = scenario.queue(name="a" * 32)
    with faults.inject(dynamo.client(), "TransactWriteItems", faults.succeeds, _after(lambda: _resend(scenario))):
        send_emails_from_stream([item])

    assert scenario.ses.attempts == []
    assert scenario.link["delivery_status"] == "queued"
    assert len(scenario.link["secrets"]) == 1
    run_send_emails()
    assert len(scenario.ses.sent) == 1
    assert scenario.link["delivery_status"] == "sent"


def _resend(scenario: EmailScenario) -> None:
    assert link_requests.resend().status == 200
    scenario.clock.catch_up()


@pytest.mark.parametrize(
    ("fault", "sent"), [(faults.succeeds, 1), (faults.aws_error("MessageRejected"), 0), (faults.response_lost, 1)]
)
def test_send_email_with_concurrent_resend_does_not_update_delivery_status(
    scenario: EmailScenario, fault: Fault, sent: int
) -> None:
    def resent_meanwhile(request_body: Any, send: faults.Send) -> Any:
        _resend(scenario)
        return fault(request_body, send)

    scenario.ses.next_faults.append(resent_meanwhile)
    send_emails_from_stream([scenario.queue(name="a" * 32)])

    assert scenario.link["delivery_status"] == "queued"
    assert len(scenario.link["secrets"]) == 1
    assert len(scenario.ses.sent) == sent
    assert all(link_requests.preview(secret=copy.secret).status == 404 for copy in scenario.ses.sent)


def test_send_email_of_unknown_link_is_dropped(scenario: EmailScenario) -> None:
    queue_and_send(scenario, link_id=f"lnk_{'9' * 32}")

    assert scenario.ses.attempts == []
    assert scenario.outbox_items == []


def test_send_email_without_recipients_stores_cancelled_delivery(scenario: EmailScenario) -> None:
    scenario.reseed(a_user(APPROVER, active=False), a_user(CLERK, active=False))
    queued = queue_and_send(scenario, NotificationKind.MEMBER_RETAINED, account_id=CLIENT)
    (delivery,) = scenario.table.items_with_prefix("DELIVERY#")
    scenario.reseed()

    assert scenario.ses.attempts == []
    assert scenario.outbox_items == []
    assert (delivery["outbox_id"], delivery["delivery_status"]) == (queued["outbox_id"], "cancelled")
    assert delivery["delivery_id"] == outbox.delivery_id(queued["outbox_id"], outbox.NO_ADDRESS)


# feedback


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_send_email_with_bounce_before_response_keeps_bounced_status(scenario: EmailScenario, kind: str) -> None:
    def overtaken(_: object, send: faults.Send) -> Any:
        answer = send()
        more = {"bounce": {"bounceType": "Permanent"}} if kind == "Bounce" else {}
        run_function(RECORD_EMAIL_FEEDBACK, feedback(kind, scenario.ses.sent[0].delivery, RECIPIENT, **more))
        return answer

    scenario.ses.next_faults.append(overtaken)
    queue_and_send(scenario)

    state = {"Bounce": "bounced", "Complaint": "complained"}[kind]
    assert [each["delivery_status"] for each in scenario.deliveries] == [state]
    assert scenario.link["delivery_status"] == state
    assert scenario.outbox_items == []


def test_send_email_of_any_kind_to_suppressed_address_is_skipped(scenario: EmailScenario) -> None:
    # domain.md rule 8
    queue_and_send(scenario, NotificationKind.LINK_EXPIRED)
    run_function(RECORD_EMAIL_FEEDBACK, bounce_feedback(scenario.ses.sent[0]))
    scenario.ses.sent.clear()

    for kind in (
        NotificationKind.LINK_DECLINED,
        NotificationKind.LINK_EXPIRED,
        NotificationKind.LINK_RENEWAL_REQUESTED,
    ):
        queue_and_send(scenario, kind)

    assert scenario.ses.addresses == [ADDRESS[EMPLOYEE]]
    assert scenario.outbox_items == []


def test_send_email_of_link_to_suppressed_address_sets_delivery_status_failed(scenario: EmailScenario) -> None:
    scenario.table.put(keys.suppressed(RECIPIENT), {})
    queue_and_send(scenario)

    assert scenario.ses.attempts == []
    assert link_requests.view().body["delivery_status"] == "failed"
    assert link_requests.approve().status == 201


def test_send_email_of_link_after_offboarding_of_employee_is_cancelled(scenario: EmailScenario) -> None:
    scenario.table.change(keys.user(EMPLOYEE), offboardings={PARTNER: 1})
    queue_and_send(scenario)

    assert scenario.ses.attempts == []
    assert scenario.outbox_items == []
    assert link_requests.view().body["delivery_status"] == "failed"
    assert link_requests.approve().code == "link_revoked"


def test_send_email_to_suppressed_address_keeps_bounced_status(scenario: EmailScenario) -> None:
    scenario.table.change(keys.link(PARTNER, LINK), delivery_status="bounced")
    scenario.table.put(keys.suppressed(RECIPIENT), {})
    queue_and_send(scenario)

    assert scenario.link["delivery_status"] == "bounced"


# recipients and languages

ADMIN = "user-admin"
TWO_ADMINS = (a_user(ADMIN), a_member(ADMIN))
RECIPIENTS_OF = {
    NotificationKind.LINK_TO_APPROVE: {RECIPIENT},
    NotificationKind.ACCESS_GRANTED: {
        ADDRESS[EMPLOYEE],
        ADDRESS[MANAGER],
        ADDRESS[APPROVER],
        f"{ADMIN}@bakery.example",
    },
    NotificationKind.LINK_DECLINED: {ADDRESS[EMPLOYEE], ADDRESS[MANAGER]},
    NotificationKind.LINK_EXPIRED: {ADDRESS[MANAGER]},
    NotificationKind.LINK_RENEWAL_REQUESTED: {ADDRESS[MANAGER]},
    NotificationKind.SUPER_ADMIN_MIGRATED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    NotificationKind.MEMBER_CREATED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    NotificationKind.ACCESS_CHANGED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    NotificationKind.ACCESS_SUSPENDED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    NotificationKind.ACCESS_RESUMED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    NotificationKind.ACCESS_ENDED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    NotificationKind.ACCESS_ENDING: {ADDRESS[EMPLOYEE], ADDRESS[MANAGER], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    NotificationKind.MEMBER_RETAINED: {ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    NotificationKind.PROGRAM_STOPPED: {ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    NotificationKind.PROGRAM_RESUMED: {ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    NotificationKind.ACCOUNT_ORPHANED: {ADDRESS[APPROVER], ADDRESS[CLERK], f"{ADMIN}@bakery.example"},
}


@pytest.mark.parametrize("kind", NotificationKind)
def test_send_email_of_each_kind_reaches_its_recipients_once(scenario: EmailScenario, kind: NotificationKind) -> None:
    scenario.reseed(*TWO_ADMINS)
    queue_and_send(scenario, kind, account_id=CLIENT)

    assert len(scenario.ses.sent) == len(RECIPIENTS_OF[kind])
    assert set(scenario.ses.addresses) == RECIPIENTS_OF[kind]


@pytest.mark.parametrize("kind", [NotificationKind.ACCESS_GRANTED, NotificationKind.LINK_DECLINED])
def test_send_email_to_creator_who_is_the_employee_sends_one(scenario: EmailScenario, kind: NotificationKind) -> None:
    queue_and_send(scenario, kind, account_id=CLIENT, created_by=EMPLOYEE)

    assert scenario.ses.addresses.count(ADDRESS[EMPLOYEE]) == 1


@pytest.mark.parametrize("gone", [{"active": False}, {"active": False, "email": None, "name": ""}])
@pytest.mark.parametrize("who", [EMPLOYEE, MANAGER, ADMIN])
def test_send_email_skips_deactivated_and_erased_users(scenario: EmailScenario, who: str, gone: dict[str, Any]) -> None:
    person = a_user(who, **gone) if who == ADMIN else an_employee(who, **gone)
    scenario.reseed(*TWO_ADMINS, person, a_partner_account_member(COLLEAGUE, "super_admin"))
    queue_and_send(scenario, NotificationKind.ACCESS_GRANTED, account_id=CLIENT)

    assert len(scenario.ses.sent) == 3
    assert not any(each.startswith(who) for each in scenario.ses.addresses)


@pytest.mark.parametrize("changes", [{"permission_set": "sales"}, {"active": False}])
def test_send_email_reaches_only_current_super_admins(scenario: EmailScenario, changes: dict[str, Any]) -> None:
    scenario.reseed(a_user(ADMIN), a_member(ADMIN, **changes))
    scenario.table.put(keys.super_admins(CLIENT), {"user_ids": {APPROVER, ADMIN}})
    queue_and_send(scenario, NotificationKind.MEMBER_CREATED, account_id=CLIENT)
    scenario.table.put(keys.super_admins(CLIENT), {"user_ids": {APPROVER}})

    assert set(scenario.ses.addresses) == {ADDRESS[EMPLOYEE], ADDRESS[APPROVER]}


def test_send_account_orphaned_email_reaches_other_members_in_account_language(
    scenario: EmailScenario,
) -> None:
    scenario.reseed(the_client(locale=Locale.JA), a_user(APPROVER, active=False), a_partner_admin())
    queue_and_send(
        scenario, NotificationKind.ACCOUNT_ORPHANED, employee_id=APPROVER, partner_id=None, account_id=CLIENT
    )
    scenario.reseed()

    assert scenario.ses.addresses == [ADDRESS[CLERK]]
    assert is_japanese(scenario.ses.sent[0])


def is_japanese(copy: SentEmail) -> bool:
    return 'lang="ja"' in copy.html


JA, EN = Locale.JA, Locale.EN


@pytest.mark.parametrize(
    ("own", "partner", "client", "employees", "admins"),
    [
        (None, None, None, EN, EN),
        (None, JA, None, JA, EN),
        (None, None, JA, EN, JA),
        (None, EN, JA, EN, JA),
        (JA, EN, EN, JA, EN),
        (EN, JA, JA, EN, JA),
    ],
)
def test_send_email_uses_locale_of_user_or_else_of_their_account(
    scenario: EmailScenario,
    own: Locale | None,
    partner: Locale | None,
    client: Locale | None,
    employees: Locale,
    admins: Locale,
) -> None:
    scenario.reseed(an_employee(EMPLOYEE, locale=own), the_partner(locale=partner), the_client(locale=client))
    queue_and_send(scenario, NotificationKind.SUPER_ADMIN_MIGRATED, account_id=CLIENT)

    read = {copy.address: JA if is_japanese(copy) else EN for copy in scenario.ses.sent}
    assert read == {ADDRESS[EMPLOYEE]: employees, ADDRESS[APPROVER]: admins}


@pytest.mark.parametrize(
    ("chosen", "own", "read"), [(None, None, EN), (JA, None, JA), (None, JA, JA), (EN, JA, EN), (JA, EN, JA)]
)
def test_send_link_email_uses_locale_chosen_by_partner_or_else_of_recipient(
    scenario: EmailScenario, chosen: Locale | None, own: Locale | None, read: Locale
) -> None:
    scenario.reseed(
        a_user(CLERK, email=RECIPIENT, locale=own),
        an_open_link(recipient=RECIPIENT, locale=chosen, delivery_status="queued"),
    )
    queue_and_send(scenario)

    (copy,) = scenario.ses.sent
    assert is_japanese(copy) is (read is JA)


def test_send_member_created_email_without_partner_uses_locale_of_client(scenario: EmailScenario) -> None:
    scenario.reseed(the_client(locale=JA))
    queue_and_send(
        scenario, NotificationKind.MEMBER_CREATED, employee_id=CLERK, partner_id=None, link_id=None, account_id=CLIENT
    )

    assert {copy.address: is_japanese(copy) for copy in scenario.ses.sent} == {
        ADDRESS[CLERK]: True,
        ADDRESS[APPROVER]: True,
    }


# content


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (
            kind,
            kind
            not in {
                NotificationKind.LINK_TO_APPROVE,
                NotificationKind.LINK_EXPIRED,
                NotificationKind.LINK_RENEWAL_REQUESTED,
            },
        )
        for kind in NotificationKind
    ],
)
def test_send_email_names_account_only_after_an_act_of_the_account(
    scenario: EmailScenario, kind: NotificationKind, named: bool
) -> None:
    """Assert that the account's name stays hidden from a partner that binds a link to its id (http-api.md)."""
    queue_and_send(scenario, kind, account_id=CLIENT)

    assert scenario.ses.sent
    assert all(("The Bakery" in copy.text) is named for copy in scenario.ses.sent)
    assert all(("The Bakery" in copy.html) is named for copy in scenario.ses.sent)


PERSON, USERS = f"/accounts/{CLIENT}?user={EMPLOYEE}", f"/accounts/{CLIENT}"
LINKS = f"/partners/{PARTNER}?tab=links"
LINK_PATHS = {
    NotificationKind.LINK_TO_APPROVE: "/approve#pal_",
    NotificationKind.LINK_DECLINED: LINKS,
    NotificationKind.LINK_EXPIRED: LINKS,
    NotificationKind.LINK_RENEWAL_REQUESTED: LINKS,
    NotificationKind.PROGRAM_STOPPED: USERS,
    NotificationKind.PROGRAM_RESUMED: USERS,
    NotificationKind.ACCOUNT_ORPHANED: USERS,
}
"""The path that emails of a kind link to. The kinds that are missing link to the user in the account."""
WITHOUT_LINK = {(NotificationKind.ACCESS_ENDED, ADDRESS[EMPLOYEE]), (NotificationKind.ACCOUNT_ORPHANED, ADDRESS[CLERK])}
READERS = {**{address: user_id for user_id, address in ADDRESS.items()}, RECIPIENT: APPROVER}
MEMBERSHIP_AFTER = {
    NotificationKind.ACCESS_SUSPENDED: a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),
    NotificationKind.ACCESS_ENDED: a_partner_admin().ended(),
    NotificationKind.MEMBER_RETAINED: a_partner_admin().ended(),
}
"""The user's membership when the email arrives, if they are not a partner admin."""


def request_page_data(address: str, by: str) -> ApiResponse:
    """Send the first API request of the page at an address as the email's recipient, and return the response."""
    page = urlsplit(address)
    assert any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), page.path) for path in serve_pages.PAGES)
    if page.path == "/approve":
        return link_requests.preview(by, secret=page.fragment)
    _, kind, opened = page.path.split("/")
    if kind == "partners":
        return link_requests.list_links(by, partner_id=unquote(opened))
    users, shown = "GET /accounts/{account_id}/users", parse_qs(page.query).get("user")
    if shown:
        return call(f"{users}/{{user_id}}", by, account_id=unquote(opened), user_id=shown[0])
    return call(users, by, account_id=unquote(opened))


@pytest.mark.parametrize("kind", NotificationKind)
def test_send_email_links_to_page_that_its_recipient_can_open(scenario: EmailScenario, kind: NotificationKind) -> None:
    scenario.reseed(MEMBERSHIP_AFTER.get(kind, a_partner_admin()))
    queue_and_send(scenario, kind, account_id=CLIENT)

    assert scenario.ses.sent
    for copy in scenario.ses.sent:
        found = set(re.findall(r"https?://[^\s\"<]+", copy.text + copy.html))
        if (kind, copy.address) in WITHOUT_LINK:
            assert found == set()
            continue
        (address,) = found
        assert address.startswith(f"https://access.example.com{LINK_PATHS.get(kind, PERSON)}")
        answer = request_page_data(address, READERS[copy.address])
        assert answer.status == 200, (copy.address, answer)


@pytest.mark.parametrize(
    ("permission_set", "is_listed"), [("sales", True), (CUSTOM_SET, False), (f"set_{'9' * 32}", False)]
)
def test_send_member_created_email_hides_permissions_of_custom_sets(
    scenario: EmailScenario, permission_set: str, is_listed: bool
) -> None:
    queue_and_send(scenario, NotificationKind.MEMBER_CREATED, account_id=CLIENT, permission_set=permission_set)

    assert len(scenario.ses.sent) == 2
    for copy in scenario.ses.sent:
        assert "Added by: Approver\n" in copy.text
        assert ("What Employee can do" in copy.text) is is_listed
        assert ("What Employee cannot do" in copy.text) is is_listed


def test_send_access_changed_email_lists_the_changes(scenario: EmailScenario) -> None:
    queue_and_send(
        scenario,
        NotificationKind.ACCESS_CHANGED,
        account_id=CLIENT,
        permission_set=CUSTOM_SET,
        gained=("crm.tickets.edit:team",),
        lost=("crm.import",),
        expires_at=datetime(2027, 1, 3, tzinfo=UTC),
    )

    assert len(scenario.ses.sent) == 2
    for copy in scenario.ses.sent:
        assert "in addition, or more widely than before:\n- Edit tickets (only those of the team)\n" in copy.text
        assert "no longer do, or less widely than before:\n- Import records\n" in copy.text
        assert "Access ends: 2 January 2027, 23:59 UTC\n" in copy.text


def test_send_email_states_end_in_zone_of_account_of_each_reader(scenario: EmailScenario) -> None:
    # domain.md rule 40
    scenario.reseed(the_client(time_zone="Asia/Tokyo"), the_partner(time_zone="Europe/Berlin"))

    end = datetime(2027, 4, 10, 22, tzinfo=UTC)
    queue_and_send(scenario, NotificationKind.ACCESS_CHANGED, account_id=CLIENT, expires_at=end)

    found = {copy.address: re.findall(r"Access ends: (.*)", copy.text) for copy in scenario.ses.sent}
    assert found == {
        ADDRESS[EMPLOYEE]: ["10 April 2027, 23:59 (Europe/Berlin, UTC+2)"],
        ADDRESS[APPROVER]: ["11 April 2027, 06:59 (Asia/Tokyo, UTC+9)"],
    }


@pytest.mark.parametrize(
    ("kind", "changes", "sentence"),
    [
        (NotificationKind.ACCESS_ENDING, {"days_left": 1}, "has a fixed end, and that is in 1 day."),
        (NotificationKind.ACCESS_ENDED, {"cause": Cause.TIME}, "ended by itself because it had reached its end date."),
        (NotificationKind.ACCESS_SUSPENDED, {"reason": "An audit"}, "Reason given: “An audit”"),
    ],
)
def test_send_email_states_days_left_cause_or_reason(
    scenario: EmailScenario, kind: NotificationKind, changes: dict[str, Any], sentence: str
) -> None:
    queue_and_send(scenario, kind, account_id=CLIENT, **changes)

    assert scenario.ses.sent
    assert all(sentence in copy.text for copy in scenario.ses.sent)


@pytest.mark.parametrize("kind", [NotificationKind.PROGRAM_STOPPED, NotificationKind.PROGRAM_RESUMED])
def test_send_program_email_without_employee_or_actor_succeeds(scenario: EmailScenario, kind: NotificationKind) -> None:
    queue_and_send(scenario, kind, account_id=CLIENT, employee_id=None, actor_id=None, created_by=None, link_id=None)

    assert scenario.ses.addresses == [ADDRESS[APPROVER]]
    assert scenario.outbox_items == []


@pytest.mark.parametrize(
    ("days", "sentence"), [(3, "Access ends: 3 days after you approve\n"), (None, "Access ends: No fixed end date\n")]
)
def test_send_link_email_states_access_days_instead_of_a_date(
    scenario: EmailScenario, days: int | None, sentence: str
) -> None:
    scenario.reseed(an_open_link(recipient=RECIPIENT, delivery_status="queued", access_days=days))

    queue_and_send(scenario)

    (copy,) = scenario.ses.sent
    assert sentence in copy.text


@pytest.mark.parametrize(
    ("ended", "has_end_date"),
    [
        ({"expires_at": datetime(2026, 1, 2, 3, tzinfo=UTC)}, True),
        ({"expires_at": datetime(2026, 1, 2, 3, tzinfo=UTC), "stored_state": StoredLinkState.EXPIRED}, True),
        ({"stored_state": StoredLinkState.DECLINED}, False),
        ({"stored_state": StoredLinkState.REVOKED}, False),
        ({"stored_state": StoredLinkState.REVOKED, "expires_at": datetime(2026, 1, 2, 3, tzinfo=UTC)}, False),
    ],
)
def test_send_renewal_request_email_states_end_date_only_if_link_expired(
    scenario: EmailScenario, ended: dict[str, Any], has_end_date: bool
) -> None:
    scenario.reseed(an_open_link(recipient=RECIPIENT, delivery_status="queued", **ended))

    queue_and_send(scenario, NotificationKind.LINK_RENEWAL_REQUESTED)

    (copy,) = scenario.ses.sent
    assert ("Ended on: 2 January 2026, 03:00 UTC\n" in copy.text) is has_end_date
    assert ("Ended on" in copy.text) is has_end_date


def test_send_renewal_request_email_of_approved_link_states_no_end_date(scenario: EmailScenario) -> None:
    assert link_requests.approve().status == 201
    scenario.clock.catch_up()

    queue_and_send(scenario, NotificationKind.LINK_RENEWAL_REQUESTED)

    (copy,) = [each for each in scenario.ses.sent if "asks you for a new" in each.subject]
    assert "Ended on" not in copy.text


HOSTILE = (
    "Eve\r\nBcc: victim@example.com",
    '<a href="https://evil.example">click</a>',
    "https://evil.example/approve",
    "\u202egnp.exe",
    "x" * 5000,
    "$address ${secret} {0}",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_send_email_with_hostile_name_escapes_it(scenario: EmailScenario, name: str) -> None:
    scenario.reseed(
        an_employee(EMPLOYEE, name=name),
        an_employee(MANAGER, name=name),
        a_user(APPROVER, name=name),
        the_partner(name=name),
        the_client(name=name),
        an_open_link(recipient=RECIPIENT, purpose=name, delivery_status="queued"),
    )
    for kind in NotificationKind:
        scenario.queue(kind, account_id=CLIENT, reason=name, gained=(name,), lost=(name,))
    run_send_emails()

    assert len(scenario.ses.sent) == 28
    for copy in scenario.ses.sent:
        assert not re.search(r"[\r\n]", copy.subject)
        assert len(copy.subject) <= 150
        assert '<a href="https://evil' not in copy.html
        assert "https://evil" not in copy.text + copy.html
        assert "\u202e" not in copy.subject + copy.text + copy.html
        assert "x" * 1000 not in copy.text
        assert "Bcc:" not in [line[:4] for line in copy.text.splitlines()]


# secrets


def test_send_link_email_stores_and_logs_only_digest_of_its_secret(
    scenario: EmailScenario, capsys: pytest.CaptureFixture[str]
) -> None:
    queue_and_send(scenario)
    (copy,) = scenario.ses.sent

    stored = str(scenario.table.items())
    assert copy.secret not in stored
    assert copy.secret.rpartition(".")[2][:43] not in stored
    assert scenario.link["secrets"] == {SECRET.fingerprint, digest(copy)}
    assert link_requests.approve(secret=copy.secret).status == 201
    written = capsys.readouterr()
    assert "pal_" not in written.out + written.err


def test_send_emails_logs_no_personal_data_or_secrets(
    scenario: EmailScenario, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    scenario.ses.next_faults.extend([faults.response_lost, faults.aws_error("MessageRejected")])
    queue_and_send(scenario)
    queue_and_send(scenario, NotificationKind.ACCESS_GRANTED, account_id=CLIENT)
    scenario.table.put(keys.outbox("f" * 32), {"next_at": 0, "notification": {"kind": "gossip", "about": RECIPIENT}})
    run_send_emails()

    lines = [*logged_lines(caplog), capsys.readouterr()]
    assert "unreadable" in str(lines)
    for private in ("@", "Bakery", "pal_", *map(digest, scenario.ses.sent[:1])):
        assert private not in str(lines)


# unreadable items

EXPIRED = {"kind": "link_expired", "employee_id": EMPLOYEE, "link_created_by": MANAGER, "partner_id": PARTNER}
UNREADABLE: dict[str, dict[str, Any]] = {
    "an unknown kind of email": {"notification": {**EXPIRED, "kind": "gossip"}},
    "an email without an employee": {"notification": {**EXPIRED, "employee_id": None}},
    "no email at all": {"notification": None},
    "a version to come": {"notification": {**EXPIRED, "set_version": 99}},
    "a time that is none": {"next_at": "soon"},
    "no time": {"next_at": None},
}


@pytest.mark.parametrize("changes", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("trigger", ["stream", "sweep"])
def test_send_emails_with_unreadable_notification_postpones_it_and_sends_others(
    scenario: EmailScenario, changes: dict[str, Any], trigger: str, capsys: pytest.CaptureFixture[str]
) -> None:
    poison, others = (
        scenario.queue(NotificationKind.LINK_EXPIRED, "0" * 32),
        [scenario.queue(), scenario.queue(NotificationKind.LINK_EXPIRED)],
    )
    scenario.table.change(keys.outbox(poison["outbox_id"]), **changes)

    if trigger == "stream":
        assert send_emails_from_stream([poison, *others]) == {"batchItemFailures": []}
    run_send_emails()

    assert sorted(scenario.ses.addresses) == sorted([RECIPIENT, ADDRESS[MANAGER]])
    assert [each["sk"] for each in scenario.outbox_items] == [poison["sk"]]
    assert scenario.outbox_items[0]["next_at"] == int((scenario.clock.time + timedelta(hours=1)).timestamp())
    assert metric_counts(capsys.readouterr().out)["EmailUnreadable"] == 1
    scenario.clock.advance(minutes=59)
    run_send_emails()
    assert metric_counts(capsys.readouterr().out)["EmailUnreadable"] == 0


def test_send_emails_with_notification_readable_again_sends_it(scenario: EmailScenario) -> None:
    item = scenario.queue(NotificationKind.LINK_EXPIRED, set_version=99)
    run_send_emails()
    notification = {**item["notification"], "set_version": 1}
    scenario.table.change(keys.outbox(item["outbox_id"]), notification=notification)
    scenario.clock.advance(hours=1)
    run_send_emails()

    assert scenario.ses.addresses == [ADDRESS[MANAGER]]
    assert scenario.outbox_items == []


def test_send_emails_with_unreadable_notification_stores_no_delivery(scenario: EmailScenario) -> None:
    queue_and_send(scenario, NotificationKind.LINK_EXPIRED, set_version=99)

    assert scenario.deliveries == []


# from operation to email


def test_send_emails_after_approval_notifies_both_sides_once(table: Table, scenario: EmailScenario) -> None:
    assert link_requests.approve().status == 201
    scenario.clock.catch_up()

    send_emails_from_stream(scenario.outbox_items)
    run_send_emails()

    assert sorted(scenario.ses.addresses) == sorted([ADDRESS[EMPLOYEE], ADDRESS[APPROVER]])
    assert len(scenario.table.items_with_prefix("AUDIT#")) == 2
    assert scenario.outbox_items == []


@pytest.mark.parametrize(
    ("requested_days", "given", "sentence"),
    [
        (5, {"access_days": 2}, "Requested: 5 days; granted: 2 days"),
        (None, {"access_days": 60}, "Requested: no fixed end; granted: 60 days"),
        (5, {}, None),
    ],
)
def test_send_access_granted_email_states_shortened_access_days(
    scenario: EmailScenario, requested_days: int | None, given: dict[str, Any], sentence: str | None
) -> None:
    scenario.reseed(an_open_link(access_days=requested_days))
    assert link_requests.approve(**given).status == 201
    scenario.clock.catch_up()

    run_send_emails()

    assert scenario.ses.sent
    for copy in scenario.ses.sent:
        assert re.findall(r"Requested: .*", copy.text) == ([sentence] if sentence else [])


def test_send_emails_by_schedule_with_several_pages_sends_all(scenario: EmailScenario) -> None:
    for position in range(30):
        scenario.queue(NotificationKind.LINK_EXPIRED, f"{position:032x}", employee_id=CLERK)
    before = queries.query

    def few(condition: str, **how: Any) -> queries.QueryPage:
        return before(condition, limit=2, **how)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(queries, "query", few)
        run_send_emails()

    assert scenario.ses.addresses == [ADDRESS[MANAGER]] * 30


def test_send_emails_by_schedule_with_nothing_due_reads_no_items(scenario: EmailScenario) -> None:
    later: datetime = scenario.clock.time + timedelta(hours=1)
    for position in range(20):
        scenario.table.change(keys.outbox(scenario.queue(name=f"{position:032x}")["outbox_id"]), next_at=later)

    with faults.inject(dynamo.client(), "") as requests:
        run_send_emails()

    assert len(requests) == keys.SHARDS
    assert scenario.ses.attempts == []
