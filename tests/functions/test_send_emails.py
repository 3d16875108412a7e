"""The mailer under everything that can go wrong: each letter reaches everybody whom it is for, once (guarantees.md §4)."""

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
from partner_access.domain.links.links import Standing
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.notifications import Cause, Letter, LetterKind, Locale
from partner_access.domain.records import Kept
from partner_access.store import dynamo, keys, outbox, retries
from tests.support import faults, link_requests
from tests.support.background_functions import RECORD_DELIVERY, SEND_LETTERS, Clock, counts, logged, run, stream, sweep
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
from tests.support.fake_ses import Mail, Mailbox, bounced, mailbox, report
from tests.support.faults import Fault, Killed
from tests.support.gateway import Answer, Context, call
from tests.support.races import before_commit
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_world, an_open_link, staff
from tests.support.table import Item, Table
from tools.invariants import broken

RECIPIENT = "admin@client.example"
ADDRESS = {
    EMPLOYEE: f"{EMPLOYEE}@north.example",
    MANAGER: f"{MANAGER}@north.example",
    COLLEAGUE: f"{COLLEAGUE}@north.example",
    APPROVER: f"{APPROVER}@bakery.example",
    CLERK: f"{CLERK}@bakery.example",
}
MADE_UP = "no act asked for it"
"""What the invariants say of letters that a test made up."""


@dataclass(frozen=True, slots=True)
class Town:
    """A world with its table, its post and its clock."""

    table: Table
    post: Mailbox
    clock: Clock

    def queue(self, kind: LetterKind = LetterKind.LINK_TO_APPROVE, name: str = "", **changes: Any) -> Item:
        """A letter in the outbox, on the usual people and the usual link."""
        outbox_id = name or f"{len(self.waiting):032x}"
        about = {
            "kind": kind,
            "employee_id": EMPLOYEE,
            "actor_id": APPROVER,
            "partner_id": PARTNER,
            "link_id": LINK,
            "link_created_by": MANAGER,
        }
        letter = Letter(**{**about, **changes})
        at = self.clock.time
        item = {"outbox_id": outbox_id, "queued_at": at, "next_at": at, "notification": letter}
        self.table.put(keys.outbox(outbox_id), item)
        found = self.table.get(keys.outbox(outbox_id))
        assert found
        return found

    def becomes(self, *others: Kept) -> None:
        """The usual world from its beginning, with these in it; the link has a recipient."""
        for item in self.table.items():
            self.table.remove(keys.Key(item["pk"], item["sk"]))
        a_world(self.table, an_open_link(recipient=RECIPIENT, delivery_status="queued"), *others)

    @property
    def waiting(self) -> list[Item]:
        return self.table.under("OUTBOX#")

    @property
    def deliveries(self) -> list[Item]:
        return self.table.under("DELIVERY#")

    @property
    def link(self) -> Item:
        found = self.table.get(keys.link(PARTNER, LINK))
        assert found
        return found

    @property
    def digests(self) -> set[str]:
        """What opens the link besides the secret that its creator was told."""
        return set(self.link["secrets"]) - {SECRET.fingerprint}


@pytest.fixture
def post(table: Table) -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


@pytest.fixture
def town(table: Table, post: Mailbox, slept: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The usual world, whose link has a recipient; it is sound afterwards, and the mailer has told no trail anything."""
    here = Town(table, post, Clock(monkeypatch, SEND_LETTERS))
    here.becomes()
    yield here
    assert [sentence for sentence in broken(table.items()) if not sentence.endswith(MADE_UP)] == []
    assert not any("pal_" in str(item) for item in table.items())


def digest(copy: Mail) -> str:
    return Secret.read(copy.secret).fingerprint


# the way of a letter


@pytest.mark.parametrize("trigger", [stream, lambda _: sweep()], ids=["stream", "sweep"])
def test_the_stream_and_the_sweep_each_deliver_alone(town: Town, trigger: Callable[[Any], Any]) -> None:
    trigger([town.queue()])

    assert town.post.addresses == [RECIPIENT]
    assert town.waiting == []
    assert town.link["delivery_status"] == "sent"
    assert [each["delivery_status"] for each in town.deliveries] == ["sent"]
    assert len(town.table.under("AUDIT#")) == 0


def test_a_letter_is_sent_as_configured_and_names_its_copy(town: Town) -> None:
    sweep_of(town)

    (copy,) = town.post.sent
    (delivery,) = town.deliveries
    assert copy.request["FromEmailAddress"] == "access@vendor.example"
    assert copy.request["ConfigurationSetName"] == "emails"
    assert keys.delivery(copy.delivery).pk == delivery["pk"]


def sweep_of(town: Town, kind: LetterKind = LetterKind.LINK_TO_APPROVE, **changes: Any) -> Item:
    item = town.queue(kind, **changes)
    sweep()
    return item


def test_a_record_that_comes_again_is_not_sent_again(town: Town) -> None:
    item = town.queue()

    answers = [stream([item]), stream([item, item])]
    sweep()

    assert answers == [{"batchItemFailures": []}] * 2
    assert len(town.post.tried) == 1


def test_records_in_any_order_come_to_the_same(town: Town) -> None:
    items = [town.queue(LetterKind.LINK_DECLINED), town.queue(LetterKind.LINK_EXPIRED), town.queue()]

    stream(reversed(items))
    stream(items)

    assert sorted(town.post.addresses) == sorted([ADDRESS[EMPLOYEE], ADDRESS[MANAGER], ADDRESS[MANAGER], RECIPIENT])
    assert town.waiting == []


def fails_on(name: str) -> Fault:
    """Everything in the table works but transactions on this one item."""

    def fault(request: Any, send: faults.Send) -> Any:
        return faults.CONFLICTS(request, send) if name in str(request.body) else send()

    return fault


def test_a_batch_names_just_the_record_that_failed_and_the_others_are_sent_once(town: Town) -> None:
    items = [
        town.queue(kind) for kind in (LetterKind.LINK_EXPIRED, LetterKind.LINK_TO_APPROVE, LetterKind.LINK_DECLINED)
    ]
    stuck = outbox.delivery_id(items[1]["outbox_id"], RECIPIENT)

    with faults.at(dynamo.client(), "TransactWriteItems", then=fails_on(stuck)):
        answer = stream(items)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert sorted(town.post.addresses) == sorted([ADDRESS[MANAGER], ADDRESS[EMPLOYEE], ADDRESS[MANAGER]])
    assert stream(items) == {"batchItemFailures": []}
    assert town.post.addresses[3:] == [RECIPIENT]
    assert town.waiting == []


def test_a_batch_of_which_nothing_came_true_fails_as_a_whole_and_takes_effect_once_when_it_comes_again(
    town: Town,
) -> None:
    items = [town.queue(), town.queue(LetterKind.LINK_EXPIRED)]

    with (
        faults.at(dynamo.client(), "TransactWriteItems", then=faults.CONFLICTS) as attempts,
        pytest.raises(BatchProcessingError),
    ):
        stream(items)

    assert len(attempts) == 2 * retries.ATTEMPTS
    assert town.post.tried == []
    stream(items)
    assert len(town.post.sent) == 2


def test_a_record_that_cannot_be_read_fails_alone(town: Town) -> None:
    item = town.queue()
    event = {"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1"}}]}
    event["Records"] += [{**each} for each in records_of([item], first=2)]

    assert run(SEND_LETTERS, event) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert town.post.addresses == [RECIPIENT]


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


def test_a_crowded_letter_does_not_keep_the_others_of_a_sweep(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    stuck, other = town.queue(), town.queue(LetterKind.LINK_EXPIRED)
    name = outbox.delivery_id(stuck["outbox_id"], RECIPIENT)

    with faults.at(dynamo.client(), "TransactWriteItems", then=fails_on(name)):
        sweep()

    assert town.post.addresses == [ADDRESS[MANAGER]]
    assert [each["sk"] for each in town.waiting] == [stuck["sk"]]
    assert other["sk"] != stuck["sk"]
    assert counts(capsys.readouterr().out) == {"EmailSent": 1, "ConflictExhausted": 1}


# one copy, whoever looks at it


def test_a_sweep_beside_the_stream_leaves_a_claimed_copy_alone(town: Town) -> None:
    def beside(_: object, send: faults.Send) -> Any:
        sweep()
        return send()

    town.post.plan.append(beside)
    stream([town.queue()])

    assert len(town.post.tried) == 1
    assert town.waiting == []


def test_who_claims_second_sends_nothing(town: Town) -> None:
    """The other reads first and commits last: the condition on the claim keeps him out."""
    item = town.queue()

    with before_commit(lambda: stream([item])):
        sweep()

    assert len(town.post.tried) == 1
    assert town.waiting == []


def test_a_letter_that_is_done_with_meanwhile_does_not_come_back(town: Town) -> None:
    town.post.plan.append(faults.says("TooManyRequestsException", 429))
    item = town.queue()

    def somebody_is_done() -> None:
        town.table.remove(keys.Key(item["pk"], item["sk"]))

    with faults.at(dynamo.client(), "TransactWriteItems", *[faults.works] * 3, _after(somebody_is_done)) as attempts:
        sweep()

    assert len(attempts) == 4
    assert town.waiting == []


def _after(happens: Callable[[], None]) -> Fault:
    def fault(_: object, send: faults.Send) -> Any:
        happens()
        return send()

    return fault


def test_a_letter_is_not_looked_at_before_its_time(town: Town) -> None:
    item = town.queue()
    town.table.change(keys.outbox(item["outbox_id"]), next_at=town.clock.time + timedelta(seconds=1))

    sweep()
    stream([item])
    assert town.post.tried == []

    town.clock.passes(seconds=1)
    sweep()
    assert len(town.post.sent) == 1


def test_nothing_is_begun_that_could_not_be_ended(town: Town) -> None:
    town.queue(LetterKind.LINK_DECLINED)
    context = Context()

    def takes_long(_: object, send: faults.Send) -> Any:
        context.milliseconds = 19_999
        return send()

    town.post.plan.append(takes_long)
    sweep(context)
    assert len(town.post.tried) == 1

    sweep()
    assert sorted(town.post.addresses) == sorted([ADDRESS[EMPLOYEE], ADDRESS[MANAGER]])
    assert town.waiting == []


# answers of SES

LOST: dict[str, Fault] = {
    "no answer": faults.goes_unanswered,
    "500": lambda request, send: (send(), faults.says("InternalFailure", 500)(request, send))[1],
    "503": lambda request, send: (send(), faults.says("ServiceUnavailable", 503)(request, send))[1],
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_after_a_lost_answer_one_more_copy_goes_when_no_report_has_come(
    town: Town, lost: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    town.post.plan.append(lost)
    item = sweep_of(town)
    assert counts(capsys.readouterr().out) == {"EmailUnclear": 1}

    town.clock.passes(minutes=4, seconds=59)
    sweep()
    stream([item])
    assert len(town.post.sent) == 1

    town.clock.passes(seconds=1)
    sweep()
    town.clock.passes(days=1)
    sweep()
    assert town.post.addresses == [RECIPIENT] * 2
    assert counts(capsys.readouterr().out) == {"EmailSent": 1, "EmailPossibleDuplicate": 1}
    assert town.digests == set(map(digest, town.post.sent))
    assert town.link["delivery_status"] == "sent"
    assert town.waiting == []


@pytest.mark.parametrize("which", [0, 1], ids=["first", "second"])
def test_the_secret_of_either_copy_works_for_approval(town: Town, which: int) -> None:
    town.post.plan.append(faults.goes_unanswered)
    sweep_of(town)
    town.clock.passes(minutes=5)
    sweep()

    assert link_requests.approve(secret=town.post.sent[which].secret).status == 201
    assert len({SECRET_TEXT, *(copy.secret for copy in town.post.sent)}) == 3


def test_a_report_in_place_of_the_lost_answer_ends_the_matter(town: Town) -> None:
    town.post.plan.append(faults.goes_unanswered)
    sweep_of(town)
    (copy,) = town.post.sent

    run(RECORD_DELIVERY, report("Send", copy.delivery))
    town.clock.passes(minutes=5)
    sweep()

    assert len(town.post.tried) == 1
    assert town.link["delivery_status"] == "sent"
    assert town.waiting == []


def test_a_late_report_ends_the_matter_even_when_the_next_attempt_was_put_off(town: Town) -> None:
    town.post.plan.extend([faults.goes_unanswered, faults.says("TooManyRequestsException", 429)])
    sweep_of(town)
    town.clock.passes(minutes=5)
    sweep()
    (copy,) = town.post.sent

    run(RECORD_DELIVERY, report("Send", copy.delivery))
    town.clock.passes(minutes=10)
    sweep()

    assert len(town.post.tried) == 2
    assert town.digests == {digest(copy)}
    assert town.waiting == []


def test_a_report_that_comes_during_an_attempt_that_fails_leaves_no_secret_behind(town: Town) -> None:
    town.post.plan.append(faults.goes_unanswered)
    sweep_of(town)
    (copy,) = town.post.sent

    def reported_late(request: Any, send: faults.Send) -> Any:
        run(RECORD_DELIVERY, report("Send", copy.delivery))
        return faults.says("TooManyRequestsException", 429)(request, send)

    town.post.plan.append(reported_late)
    town.clock.passes(minutes=5)
    sweep()

    assert town.digests == {digest(copy)}
    assert [each["delivery_status"] for each in town.deliveries] == ["sent"]


def test_an_attempt_that_went_nowhere_after_a_lost_answer_is_no_possible_duplicate(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.post.plan.extend([faults.goes_unanswered, faults.says("TooManyRequestsException", 429)])
    sweep_of(town)
    town.clock.passes(minutes=5)
    sweep()
    assert counts(capsys.readouterr().out)["EmailPossibleDuplicate"] == 0

    town.clock.passes(minutes=1)
    sweep()
    assert counts(capsys.readouterr().out) == {"EmailSent": 1, "EmailPossibleDuplicate": 1}


def test_a_link_has_three_secrets_at_most_however_often_answers_are_lost(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.post.always = faults.goes_unanswered
    sweep_of(town)
    for _ in range(20):
        town.clock.passes(minutes=5)
        sweep()

    assert town.post.addresses == [RECIPIENT] * 2
    assert len(town.link["secrets"]) == 3
    assert town.link["delivery_status"] == "failed"
    assert town.waiting == []
    assert counts(capsys.readouterr().out)["EmailFailed"] == 1


def test_nobody_tries_for_ever_when_every_answer_and_every_report_is_lost(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.post.always = faults.says("InternalFailure", 500)
    sweep_of(town, LetterKind.LINK_EXPIRED)
    for _ in range(20):
        town.clock.passes(minutes=5)
        sweep()

    assert len(town.post.tried) == 8
    assert [each["delivery_status"] for each in town.deliveries] == ["failed"]
    assert town.waiting == []
    assert counts(capsys.readouterr().out)["EmailFailed"] == 1


PUT_OFF: dict[str, tuple[Fault, str]] = {
    **{
        code: (faults.says(code, status), "EmailPostponed")
        for code, status in (
            ("TooManyRequestsException", 429),
            ("LimitExceededException", 400),
            ("ThrottlingException", 400),
        )
    },
    **{
        code: (faults.says(code, status), "EmailPaused")
        for code, status in (
            ("AccountSuspendedException", 400),
            ("SendingPausedException", 400),
            ("AccessDeniedException", 403),
            ("NotFoundException", 404),
        )
    },
}


@pytest.mark.parametrize(("fault", "metric"), PUT_OFF.values(), ids=PUT_OFF)
def test_a_letter_that_ses_does_not_take_now_waits_and_leaves_no_secret_behind(
    town: Town, fault: Fault, metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    town.post.plan.append(fault)
    item = town.queue()

    assert stream([item]) == {"batchItemFailures": []}

    assert town.digests == set()
    assert town.link["delivery_status"] == "queued"
    assert [each["delivery_status"] for each in town.deliveries] == ["pending"]
    assert counts(capsys.readouterr().out) == {metric: 1}
    town.clock.passes(seconds=29)
    sweep()
    assert len(town.post.tried) == 1
    town.clock.passes(seconds=1)
    sweep()
    assert town.post.addresses == [RECIPIENT]
    assert town.digests == set(map(digest, town.post.sent))


def test_a_letter_waits_ten_minutes_at_most_and_for_as_long_as_it_takes(town: Town) -> None:
    town.post.always = faults.says("LimitExceededException")
    sweep_of(town, LetterKind.LINK_EXPIRED)
    pauses = []
    for _ in range(150):
        (letter,) = town.waiting
        pauses.append(letter["next_at"] - Decimal(int(town.clock.time.timestamp())))
        town.clock.passes(seconds=float(pauses[-1]))
        sweep()

    assert pauses[:6] == [30, 60, 120, 240, 480, 600]
    assert set(pauses[6:]) == {600}
    town.post.always = faults.works
    town.clock.passes(minutes=10)
    sweep()
    assert town.post.addresses == [ADDRESS[MANAGER]]
    assert town.waiting == []


def test_a_copy_that_waits_does_not_send_the_others_again(town: Town) -> None:
    town.post.plan.append(faults.says("TooManyRequestsException", 429))
    sweep_of(town, LetterKind.LINK_DECLINED)
    assert len(town.post.tried) == 2

    for _ in range(3):
        town.clock.passes(minutes=10)
        sweep()

    assert sorted(town.post.addresses) == sorted([ADDRESS[EMPLOYEE], ADDRESS[MANAGER]])


@pytest.mark.parametrize("code", ["BadRequestException", "MailFromDomainNotVerifiedException", "MessageRejected"])
def test_a_rejected_letter_fails_and_the_link_says_so(
    town: Town, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    town.post.plan.append(faults.says(code))
    sweep_of(town)
    town.clock.passes(days=1)
    sweep()

    assert len(town.post.tried) == 1
    assert link_requests.view().body["delivery_status"] == "failed"
    assert town.digests == set()
    assert town.waiting == []
    assert counts(capsys.readouterr().out) == {"EmailFailed": 1}


def test_a_failed_letter_leaves_the_link_open(town: Town) -> None:
    town.post.plan.append(faults.says("MessageRejected"))
    sweep_of(town)

    assert link_requests.approve().status == 201


# wherever Lambda ends the function


@pytest.mark.parametrize("kind", [LetterKind.LINK_TO_APPROVE, LetterKind.LINK_EXPIRED])
@pytest.mark.parametrize("kills", [faults.kills_before, faults.kills_after], ids=["before", "after"])
def test_a_function_that_ends_anywhere_tears_nothing_and_is_finished_later(
    town: Town, kills: Fault, kind: LetterKind
) -> None:
    for position in range(20):
        town.becomes()
        town.post.sent.clear()
        if not _killed_at(position, kills, town.queue(kind)):
            break
        assert len(town.post.sent) <= 1
        for _ in range(3):
            town.clock.passes(minutes=5)
            sweep()
        assert 1 <= len(town.post.sent) <= 2
        assert town.waiting == []
        assert [each["delivery_status"] for each in town.deliveries] == ["sent"]
        if kind is LetterKind.LINK_TO_APPROVE:
            assert set(map(digest, town.post.sent)) <= town.digests
            assert town.link["delivery_status"] == "sent"
    assert 6 <= position <= 12


def _killed_at(position: int, kills: Fault, item: Item) -> bool:
    """Whether so many calls to the table were made at all."""
    with faults.at(dynamo.client(), "", *[faults.works] * position, kills):
        try:
            stream([item])
        except Killed:
            return True
    return False


@pytest.mark.parametrize("fault", [faults.goes_unheard, faults.goes_unanswered], ids=["unheard", "unanswered"])
def test_a_call_to_the_table_that_got_no_answer_is_repeated_and_one_copy_goes(town: Town, fault: Fault) -> None:
    for position in range(10):
        town.becomes()
        town.post.sent.clear()
        with faults.at(dynamo.client(), "", *[faults.works] * position, fault) as attempts:
            stream([town.queue()])

        assert len(attempts) <= 14
        assert len(town.post.sent) == 1
        assert town.waiting == []
        assert town.link["delivery_status"] == "sent"


# the link's fate meanwhile


@pytest.mark.parametrize("standing", [Standing.REVOKED, Standing.DECLINED, Standing.EXPIRED])
def test_no_letter_goes_out_for_a_link_that_has_ended(
    town: Town, standing: Standing, capsys: pytest.CaptureFixture[str]
) -> None:
    town.table.change(keys.link(PARTNER, LINK), stored_state=standing, due_at=None, due_shard=None)
    town.table.change(keys.user(EMPLOYEE), open_links=0)
    sweep_of(town)

    _nothing_went_out(town, capsys)


def _nothing_went_out(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert town.post.tried == []
    assert [each["delivery_status"] for each in town.deliveries] == ["cancelled"]
    assert town.waiting == []
    assert town.digests == set()
    assert counts(capsys.readouterr().out) == {"EmailCanceled": 1}


def test_no_letter_goes_out_for_a_link_whose_time_is_over(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    town.table.change(keys.link(PARTNER, LINK), expires_at=town.clock.time)
    sweep_of(town)

    _nothing_went_out(town, capsys)


@pytest.mark.parametrize("moment", [0, 1], ids=["before the claim", "before the secret"])
def test_no_letter_goes_out_for_a_link_that_is_revoked_at_the_last_moment(
    town: Town, moment: int, capsys: pytest.CaptureFixture[str]
) -> None:
    item = town.queue()
    plan = [*[faults.works] * moment, _after(_revoke)]
    with faults.at(dynamo.client(), "TransactWriteItems", *plan):
        stream([item])

    capsys_read = capsys.readouterr().out
    assert town.post.tried == []
    assert town.waiting == []
    assert town.digests == set()
    assert counts(capsys_read)["EmailCanceled"] == 1


def _revoke() -> None:
    assert link_requests.revoke().status == 204


def test_a_letter_about_a_link_that_was_approved_meanwhile_is_cancelled(town: Town) -> None:
    item = town.queue()
    assert link_requests.approve().status == 201

    stream([item])

    assert town.post.tried == []
    assert town.digests == set()


def test_resending_takes_the_place_of_a_letter_that_has_not_gone_yet(town: Town) -> None:
    town.queue(name="a" * 32)
    town.clock.passes(seconds=-61)
    town.table.change(keys.outbox("a" * 32), queued_at=town.clock.time, next_at=town.clock.time)
    town.clock.passes(seconds=61)
    _resend(town)

    sweep()

    assert town.post.addresses == [RECIPIENT]
    assert town.waiting == []
    assert set(map(digest, town.post.sent)) <= set(town.link["secrets"])
    assert len(town.link["secrets"]) == 2
    assert town.link["delivery_status"] == "sent"
    assert link_requests.preview().status == 404
    assert link_requests.preview(secret=town.post.sent[0].secret).status == 200


def test_resending_at_the_last_moment_keeps_the_earlier_letter_back(town: Town) -> None:
    item = town.queue(name="a" * 32)
    with faults.at(dynamo.client(), "TransactWriteItems", faults.works, _after(lambda: _resend(town))):
        stream([item])

    assert town.post.tried == []
    assert town.link["delivery_status"] == "queued"
    assert len(town.link["secrets"]) == 1
    sweep()
    assert len(town.post.sent) == 1
    assert town.link["delivery_status"] == "sent"


def _resend(town: Town) -> None:
    assert link_requests.resend().status == 200
    town.clock.catches_up()


@pytest.mark.parametrize(
    ("fault", "kept"), [(faults.works, 1), (faults.says("MessageRejected"), 0), (faults.goes_unanswered, 1)]
)
def test_what_becomes_of_an_earlier_copy_is_not_said_of_the_link_that_was_sent_again(
    town: Town, fault: Fault, kept: int
) -> None:
    def resent_meanwhile(request: Any, send: faults.Send) -> Any:
        _resend(town)
        return fault(request, send)

    town.post.plan.append(resent_meanwhile)
    stream([town.queue(name="a" * 32)])

    assert town.link["delivery_status"] == "queued"
    assert len(town.link["secrets"]) == 1
    assert len(town.post.sent) == kept
    assert all(link_requests.preview(secret=copy.secret).status == 404 for copy in town.post.sent)


def test_a_letter_on_a_link_that_is_gone_goes_to_nobody(town: Town) -> None:
    sweep_of(town, link_id=f"lnk_{'9' * 32}")

    assert town.post.tried == []
    assert town.waiting == []


def test_it_is_kept_that_there_was_nobody_to_tell(town: Town) -> None:
    town.becomes(a_user(APPROVER, active=False), a_user(CLERK, active=False))
    queued = sweep_of(town, LetterKind.MEMBER_RETAINED, account_id=CLIENT)
    (kept,) = town.table.under("DELIVERY#")
    town.becomes()

    assert town.post.tried == []
    assert town.waiting == []
    assert (kept["outbox_id"], kept["delivery_status"]) == (queued["outbox_id"], "cancelled")
    assert kept["delivery_id"] == outbox.delivery_id(queued["outbox_id"], outbox.NOBODY)


# reports


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_a_bounce_that_overtakes_the_mailer_sticks(town: Town, kind: str) -> None:
    def overtaken(_: object, send: faults.Send) -> Any:
        answer = send()
        more = {"bounce": {"bounceType": "Permanent"}} if kind == "Bounce" else {}
        run(RECORD_DELIVERY, report(kind, town.post.sent[0].delivery, RECIPIENT, **more))
        return answer

    town.post.plan.append(overtaken)
    sweep_of(town)

    state = {"Bounce": "bounced", "Complaint": "complained"}[kind]
    assert [each["delivery_status"] for each in town.deliveries] == [state]
    assert town.link["delivery_status"] == state
    assert town.waiting == []


def test_no_more_mail_goes_to_a_suppressed_address_whatever_the_letter(town: Town) -> None:
    sweep_of(town, LetterKind.LINK_EXPIRED)
    run(RECORD_DELIVERY, bounced(town.post.sent[0]))
    town.post.sent.clear()

    for kind in (LetterKind.LINK_DECLINED, LetterKind.LINK_EXPIRED, LetterKind.LINK_RENEWAL_REQUESTED):
        sweep_of(town, kind)

    assert town.post.addresses == [ADDRESS[EMPLOYEE]]
    assert town.waiting == []


def test_a_link_whose_letter_may_go_nowhere_says_so(town: Town) -> None:
    town.table.put(keys.suppressed(RECIPIENT), {})
    sweep_of(town)

    assert town.post.tried == []
    assert link_requests.view().body["delivery_status"] == "failed"
    assert link_requests.approve().status == 201


def test_no_letter_brings_a_link_whose_employees_access_was_ended_meanwhile(town: Town) -> None:
    town.table.change(keys.user(EMPLOYEE), offboardings={PARTNER: 1})
    sweep_of(town)

    assert town.post.tried == []
    assert town.waiting == []
    assert link_requests.view().body["delivery_status"] == "failed"
    assert link_requests.approve().code == "link_revoked"


def test_a_letter_to_nobody_says_nothing_of_a_link_whose_letter_bounced(town: Town) -> None:
    town.table.change(keys.link(PARTNER, LINK), delivery_status="bounced")
    town.table.put(keys.suppressed(RECIPIENT), {})
    sweep_of(town)

    assert town.link["delivery_status"] == "bounced"


# to whom, and in which language

ADMIN = "user-admin"
TWO_ADMINS = (a_user(ADMIN), a_member(ADMIN))
TOLD = {
    LetterKind.LINK_TO_APPROVE: {RECIPIENT},
    LetterKind.ACCESS_GRANTED: {ADDRESS[EMPLOYEE], ADDRESS[MANAGER], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.LINK_DECLINED: {ADDRESS[EMPLOYEE], ADDRESS[MANAGER]},
    LetterKind.LINK_EXPIRED: {ADDRESS[MANAGER]},
    LetterKind.LINK_RENEWAL_REQUESTED: {ADDRESS[MANAGER]},
    LetterKind.SUPER_ADMIN_MIGRATED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.MEMBER_CREATED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.ACCESS_CHANGED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.ACCESS_SUSPENDED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.ACCESS_RESUMED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.ACCESS_ENDED: {ADDRESS[EMPLOYEE], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.ACCESS_ENDING: {ADDRESS[EMPLOYEE], ADDRESS[MANAGER], ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.MEMBER_RETAINED: {ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.PROGRAM_STOPPED: {ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.PROGRAM_RESUMED: {ADDRESS[APPROVER], f"{ADMIN}@bakery.example"},
    LetterKind.ACCOUNT_ORPHANED: {ADDRESS[APPROVER], ADDRESS[CLERK], f"{ADMIN}@bakery.example"},
}


@pytest.mark.parametrize("kind", LetterKind)
def test_each_letter_reaches_each_person_whom_it_concerns_once(town: Town, kind: LetterKind) -> None:
    town.becomes(*TWO_ADMINS)
    sweep_of(town, kind, account_id=CLIENT)

    assert len(town.post.sent) == len(TOLD[kind])
    assert set(town.post.addresses) == TOLD[kind]


@pytest.mark.parametrize("kind", [LetterKind.ACCESS_GRANTED, LetterKind.LINK_DECLINED])
def test_whoever_made_his_own_link_is_told_once(town: Town, kind: LetterKind) -> None:
    sweep_of(town, kind, account_id=CLIENT, created_by=EMPLOYEE)

    assert town.post.addresses.count(ADDRESS[EMPLOYEE]) == 1


@pytest.mark.parametrize("gone", [{"active": False}, {"active": False, "email": None, "name": ""}])
@pytest.mark.parametrize("who", [EMPLOYEE, MANAGER, ADMIN])
def test_nobody_is_told_who_has_left_or_was_erased(town: Town, who: str, gone: dict[str, Any]) -> None:
    person = a_user(who, **gone) if who == ADMIN else an_employee(who, **gone)
    town.becomes(*TWO_ADMINS, person, staff(COLLEAGUE, "super_admin"))
    sweep_of(town, LetterKind.ACCESS_GRANTED, account_id=CLIENT)

    assert len(town.post.sent) == 3
    assert not any(each.startswith(who) for each in town.post.addresses)


@pytest.mark.parametrize("changes", [{"permission_set": "sales"}, {"active": False}])
def test_only_those_are_told_as_super_admins_who_are_now(town: Town, changes: dict[str, Any]) -> None:
    town.becomes(a_user(ADMIN), a_member(ADMIN, **changes))
    town.table.put(keys.super_admins(CLIENT), {"user_ids": {APPROVER, ADMIN}})
    sweep_of(town, LetterKind.MEMBER_CREATED, account_id=CLIENT)
    town.table.put(keys.super_admins(CLIENT), {"user_ids": {APPROVER}})

    assert set(town.post.addresses) == {ADDRESS[EMPLOYEE], ADDRESS[APPROVER]}


def test_an_account_without_super_admins_is_told_of_it_in_its_language_but_for_who_is_missed(town: Town) -> None:
    town.becomes(the_client(locale=Locale.JA), a_user(APPROVER, active=False), a_partner_admin())
    sweep_of(town, LetterKind.ACCOUNT_ORPHANED, employee_id=APPROVER, partner_id=None, account_id=CLIENT)
    town.becomes()

    assert town.post.addresses == [ADDRESS[CLERK]]
    assert is_japanese(town.post.sent[0])


def is_japanese(copy: Mail) -> bool:
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
def test_each_reads_his_own_language_or_else_his_own_accounts(
    town: Town, own: Locale | None, partner: Locale | None, client: Locale | None, employees: Locale, admins: Locale
) -> None:
    town.becomes(an_employee(EMPLOYEE, locale=own), the_partner(locale=partner), the_client(locale=client))
    sweep_of(town, LetterKind.SUPER_ADMIN_MIGRATED, account_id=CLIENT)

    read = {copy.address: JA if is_japanese(copy) else EN for copy in town.post.sent}
    assert read == {ADDRESS[EMPLOYEE]: employees, ADDRESS[APPROVER]: admins}


@pytest.mark.parametrize(
    ("chosen", "own", "read"), [(None, None, EN), (JA, None, JA), (None, JA, JA), (EN, JA, EN), (JA, EN, JA)]
)
def test_the_letter_with_the_link_is_in_the_language_that_the_partner_chose_or_else_the_readers(
    town: Town, chosen: Locale | None, own: Locale | None, read: Locale
) -> None:
    town.becomes(
        a_user(CLERK, email=RECIPIENT, locale=own),
        an_open_link(recipient=RECIPIENT, locale=chosen, delivery_status="queued"),
    )
    sweep_of(town)

    (copy,) = town.post.sent
    assert is_japanese(copy) is (read is JA)


def test_a_user_whom_a_client_created_for_itself_reads_the_clients_language(town: Town) -> None:
    town.becomes(the_client(locale=JA))
    sweep_of(town, LetterKind.MEMBER_CREATED, employee_id=CLERK, partner_id=None, link_id=None, account_id=CLIENT)

    assert {copy.address: is_japanese(copy) for copy in town.post.sent} == {
        ADDRESS[CLERK]: True,
        ADDRESS[APPROVER]: True,
    }


# what they say


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (kind, kind not in {LetterKind.LINK_TO_APPROVE, LetterKind.LINK_EXPIRED, LetterKind.LINK_RENEWAL_REQUESTED})
        for kind in LetterKind
    ],
)
def test_an_account_is_named_only_where_it_acted_itself(town: Town, kind: LetterKind, named: bool) -> None:
    """Whoever binds a link to an account's id does not learn by mail whose it is (contract.md)."""
    sweep_of(town, kind, account_id=CLIENT)

    assert town.post.sent
    assert all(("The Bakery" in copy.text) is named for copy in town.post.sent)
    assert all(("The Bakery" in copy.html) is named for copy in town.post.sent)


PERSON, USERS = f"/accounts/{CLIENT}?user={EMPLOYEE}", f"/accounts/{CLIENT}"
LINKS = f"/partners/{PARTNER}?tab=links"
LEADS = {
    LetterKind.LINK_TO_APPROVE: "/approve#pal_",
    LetterKind.LINK_DECLINED: LINKS,
    LetterKind.LINK_EXPIRED: LINKS,
    LetterKind.LINK_RENEWAL_REQUESTED: LINKS,
    LetterKind.PROGRAM_STOPPED: USERS,
    LetterKind.PROGRAM_RESUMED: USERS,
    LetterKind.ACCOUNT_ORPHANED: USERS,
}
"""Where letters lead; those that are not here, to the person in the account."""
SEES_NOTHING_OF_IT = {(LetterKind.ACCESS_ENDED, ADDRESS[EMPLOYEE]), (LetterKind.ACCOUNT_ORPHANED, ADDRESS[CLERK])}
READERS = {**{address: user_id for user_id, address in ADDRESS.items()}, RECIPIENT: APPROVER}
BECAME = {
    LetterKind.ACCESS_SUSPENDED: a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),
    LetterKind.ACCESS_ENDED: a_partner_admin().ended(),
    LetterKind.MEMBER_RETAINED: a_partner_admin().ended(),
}
"""What the person is in the account when the letter arrives, if not a partner admin."""


def asked_by_the_page(address: str, by: str) -> Answer:
    """What the page at an address first asks of the API, in its reader's name."""
    page = urlsplit(address)
    assert any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), page.path) for path in serve_pages.PAGES)
    if page.path == "/approve":
        return link_requests.preview(by, secret=page.fragment)
    _, kind, opened = page.path.split("/")
    if kind == "partners":
        return link_requests.listed(by, partner_id=unquote(opened))
    users, shown = "GET /accounts/{account_id}/users", parse_qs(page.query).get("user")
    if shown:
        return call(f"{users}/{{user_id}}", by, account_id=unquote(opened), user_id=shown[0])
    return call(users, by, account_id=unquote(opened))


@pytest.mark.parametrize("kind", LetterKind)
def test_each_letter_leads_to_the_page_it_speaks_of_whoever_may_see_it(town: Town, kind: LetterKind) -> None:
    town.becomes(BECAME.get(kind, a_partner_admin()))
    sweep_of(town, kind, account_id=CLIENT)

    assert town.post.sent
    for copy in town.post.sent:
        found = set(re.findall(r"https?://[^\s\"<]+", copy.text + copy.html))
        if (kind, copy.address) in SEES_NOTHING_OF_IT:
            assert found == set()
            continue
        (address,) = found
        assert address.startswith(f"https://access.example.com{LEADS.get(kind, PERSON)}")
        answer = asked_by_the_page(address, READERS[copy.address])
        assert answer.status == 200, (copy.address, answer)


@pytest.mark.parametrize(("permission_set", "told"), [("sales", True), (CUSTOM_SET, False), (f"set_{'9' * 32}", False)])
def test_what_an_accounts_own_set_holds_is_not_told(town: Town, permission_set: str, told: bool) -> None:
    sweep_of(town, LetterKind.MEMBER_CREATED, account_id=CLIENT, permission_set=permission_set)

    assert len(town.post.sent) == 2
    for copy in town.post.sent:
        assert "Added by: Approver\n" in copy.text
        assert ("What Employee can do" in copy.text) is told
        assert ("What Employee cannot do" in copy.text) is told


def test_a_change_is_told_as_it_was_made(town: Town) -> None:
    sweep_of(
        town,
        LetterKind.ACCESS_CHANGED,
        account_id=CLIENT,
        permission_set=CUSTOM_SET,
        gained=("crm.tickets.edit:team",),
        lost=("crm.import",),
        expires_at=datetime(2027, 1, 2, 3, tzinfo=UTC),
    )

    assert len(town.post.sent) == 2
    for copy in town.post.sent:
        assert "in addition, or more widely than before:\n- Edit tickets (only those of the team)\n" in copy.text
        assert "no longer do, or less widely than before:\n- Import records\n" in copy.text
        assert "Access ends: 2 January 2027, 03:00 UTC\n" in copy.text


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        (LetterKind.ACCESS_ENDING, {"days_left": 1}, "has a fixed end, and that is in 1 day."),
        (LetterKind.ACCESS_ENDED, {"cause": Cause.TIME}, "ended by itself because it had reached its end date."),
        (LetterKind.ACCESS_SUSPENDED, {"reason": "An audit"}, "Reason given: “An audit”"),
    ],
)
def test_how_long_is_left_by_what_it_ended_and_why_is_told(
    town: Town, kind: LetterKind, changes: dict[str, Any], told: str
) -> None:
    sweep_of(town, kind, account_id=CLIENT, **changes)

    assert town.post.sent
    assert all(told in copy.text for copy in town.post.sent)


@pytest.mark.parametrize("kind", [LetterKind.PROGRAM_STOPPED, LetterKind.PROGRAM_RESUMED])
def test_a_letter_about_a_partner_needs_no_person(town: Town, kind: LetterKind) -> None:
    sweep_of(town, kind, account_id=CLIENT, employee_id=None, actor_id=None, created_by=None, link_id=None)

    assert town.post.addresses == [ADDRESS[APPROVER]]
    assert town.waiting == []


@pytest.mark.parametrize(
    ("days", "told"), [(3, "Access ends: 3 days after you approve\n"), (None, "Access ends: No fixed end date\n")]
)
def test_a_request_promises_no_date_that_an_approval_would_move(town: Town, days: int | None, told: str) -> None:
    town.becomes(an_open_link(recipient=RECIPIENT, delivery_status="queued", access_days=days))

    sweep_of(town)

    (copy,) = town.post.sent
    assert told in copy.text


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        ({"expires_at": datetime(2026, 1, 2, 3, tzinfo=UTC)}, True),
        ({"expires_at": datetime(2026, 1, 2, 3, tzinfo=UTC), "stored_state": Standing.EXPIRED}, True),
        ({"stored_state": Standing.DECLINED}, False),
        ({"stored_state": Standing.REVOKED}, False),
        ({"stored_state": Standing.REVOKED, "expires_at": datetime(2026, 1, 2, 3, tzinfo=UTC)}, False),
    ],
)
def test_a_link_asked_for_anew_ended_on_a_date_only_if_it_expired(
    town: Town, ended: dict[str, Any], told: bool
) -> None:
    town.becomes(an_open_link(recipient=RECIPIENT, delivery_status="queued", **ended))

    sweep_of(town, LetterKind.LINK_RENEWAL_REQUESTED)

    (copy,) = town.post.sent
    assert ("Ended on: 2 January 2026, 03:00 UTC\n" in copy.text) is told
    assert ("Ended on" in copy.text) is told


def test_an_approved_link_asked_for_anew_is_not_said_to_have_ended_on_a_date(town: Town) -> None:
    assert link_requests.approve().status == 201
    town.clock.catches_up()

    sweep_of(town, LetterKind.LINK_RENEWAL_REQUESTED)

    (copy,) = [each for each in town.post.sent if "asks you for a new" in each.subject]
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
def test_a_hostile_name_writes_nothing_but_text(town: Town, name: str) -> None:
    town.becomes(
        an_employee(EMPLOYEE, name=name),
        an_employee(MANAGER, name=name),
        a_user(APPROVER, name=name),
        the_partner(name=name),
        the_client(name=name),
        an_open_link(recipient=RECIPIENT, purpose=name, delivery_status="queued"),
    )
    for kind in LetterKind:
        town.queue(kind, account_id=CLIENT, reason=name, gained=(name,), lost=(name,))
    sweep()

    assert len(town.post.sent) == 28
    for copy in town.post.sent:
        assert not re.search(r"[\r\n]", copy.subject)
        assert len(copy.subject) <= 150
        assert '<a href="https://evil' not in copy.html
        assert "https://evil" not in copy.text + copy.html
        assert "\u202e" not in copy.subject + copy.text + copy.html
        assert "x" * 1000 not in copy.text
        assert "Bcc:" not in [line[:4] for line in copy.text.splitlines()]


# secrets


def test_a_secret_is_made_when_it_is_sent_and_only_its_digest_is_kept(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep_of(town)
    (copy,) = town.post.sent

    kept = str(town.table.items())
    assert copy.secret not in kept
    assert copy.secret.rpartition(".")[2][:43] not in kept
    assert town.link["secrets"] == {SECRET.fingerprint, digest(copy)}
    assert link_requests.approve(secret=copy.secret).status == 201
    written = capsys.readouterr()
    assert "pal_" not in written.out + written.err


def test_the_logs_name_nobody(town: Town, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    town.post.plan.extend([faults.goes_unanswered, faults.says("MessageRejected")])
    sweep_of(town)
    sweep_of(town, LetterKind.ACCESS_GRANTED, account_id=CLIENT)
    town.table.put(keys.outbox("f" * 32), {"next_at": 0, "notification": {"kind": "gossip", "about": RECIPIENT}})
    sweep()

    lines = [*logged(caplog), capsys.readouterr()]
    assert "unreadable" in str(lines)
    for told in ("@", "Bakery", "pal_", *map(digest, town.post.sent[:1])):
        assert told not in str(lines)


# what cannot be read

EXPIRED = {"kind": "link_expired", "employee_id": EMPLOYEE, "link_created_by": MANAGER, "partner_id": PARTNER}
UNREADABLE: dict[str, dict[str, Any]] = {
    "a kind of letter that nobody knows": {"notification": {**EXPIRED, "kind": "gossip"}},
    "a letter without an employee": {"notification": {**EXPIRED, "employee_id": None}},
    "no letter at all": {"notification": None},
    "a version to come": {"notification": {**EXPIRED, "set_version": 99}},
    "a time that is none": {"next_at": "soon"},
    "no time": {"next_at": None},
}


@pytest.mark.parametrize("changes", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("trigger", ["stream", "sweep"])
def test_a_letter_that_cannot_be_read_waits_and_stops_no_other(
    town: Town, changes: dict[str, Any], trigger: str, capsys: pytest.CaptureFixture[str]
) -> None:
    poison, others = town.queue(LetterKind.LINK_EXPIRED, "0" * 32), [town.queue(), town.queue(LetterKind.LINK_EXPIRED)]
    town.table.change(keys.outbox(poison["outbox_id"]), **changes)

    if trigger == "stream":
        assert stream([poison, *others]) == {"batchItemFailures": []}
    sweep()

    assert sorted(town.post.addresses) == sorted([RECIPIENT, ADDRESS[MANAGER]])
    assert [each["sk"] for each in town.waiting] == [poison["sk"]]
    assert town.waiting[0]["next_at"] == int((town.clock.time + timedelta(hours=1)).timestamp())
    assert counts(capsys.readouterr().out)["EmailUnreadable"] == 1
    town.clock.passes(minutes=59)
    sweep()
    assert counts(capsys.readouterr().out)["EmailUnreadable"] == 0


def test_a_letter_that_was_unreadable_goes_once_it_can_be_read(town: Town) -> None:
    item = town.queue(LetterKind.LINK_EXPIRED, set_version=99)
    sweep()
    letter = {**item["notification"], "set_version": 1}
    town.table.change(keys.outbox(item["outbox_id"]), notification=letter)
    town.clock.passes(hours=1)
    sweep()

    assert town.post.addresses == [ADDRESS[MANAGER]]
    assert town.waiting == []


def test_a_letter_that_nobody_can_write_is_claimed_by_nobody(town: Town) -> None:
    sweep_of(town, LetterKind.LINK_EXPIRED, set_version=99)

    assert town.deliveries == []


# from deed to letter


def test_an_approval_is_told_to_both_sides_once(table: Table, town: Town) -> None:
    assert link_requests.approve().status == 201
    town.clock.catches_up()

    stream(town.waiting)
    sweep()

    assert sorted(town.post.addresses) == sorted([ADDRESS[EMPLOYEE], ADDRESS[APPROVER]])
    assert len(town.table.under("AUDIT#")) == 2
    assert town.waiting == []


@pytest.mark.parametrize(
    ("asked", "given", "told"),
    [
        (5, {"access_days": 2}, "Asked for: 5 days; given: 2 days"),
        (None, {"access_days": 60}, "Asked for: no fixed end; given: 60 days"),
        (5, {}, None),
    ],
)
def test_an_approval_for_less_time_than_asked_says_so(
    town: Town, asked: int | None, given: dict[str, Any], told: str | None
) -> None:
    town.becomes(an_open_link(access_days=asked))
    assert link_requests.approve(**given).status == 201
    town.clock.catches_up()

    sweep()

    assert town.post.sent
    for copy in town.post.sent:
        assert re.findall(r"Asked for: .*", copy.text) == ([told] if told else [])


def test_more_letters_than_a_page_are_all_found(town: Town) -> None:
    for position in range(30):
        town.queue(LetterKind.LINK_EXPIRED, f"{position:032x}", employee_id=CLERK)
    before = dynamo.query

    def few(condition: str, **how: Any) -> dynamo.Page:
        return before(condition, limit=2, **how)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dynamo, "query", few)
        sweep()

    assert town.post.addresses == [ADDRESS[MANAGER]] * 30


def test_what_is_not_due_costs_nothing_to_pass_by(town: Town) -> None:
    later: datetime = town.clock.time + timedelta(hours=1)
    for position in range(20):
        town.table.change(keys.outbox(town.queue(name=f"{position:032x}")["outbox_id"]), next_at=later)

    with faults.at(dynamo.client(), "") as requests:
        sweep()

    assert len(requests) == keys.SHARDS
    assert town.post.tried == []
