"""The way out to SES: one attempt each, and an honest word on what came of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
    SSLError,
)
from botocore.stub import ANY, Stubber

from partner_access.domain.email_delivery import Outcome
from partner_access.emails import transport
from partner_access.emails.rendering import Composed
from tests.support import faults
from tests.support.background_functions import logged
from tests.support.fake_ses import Mailbox, mailbox
from tests.support.table import Table

LETTER = Composed(subject="Subject 件名", text="Text 本文", html="<p>Page 本文</p>")
ADDRESS = "somebody@example.com"
NAME = "d" * 32


@pytest.fixture
def post(table: Table) -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def send() -> Outcome:
    return transport.send(ADDRESS, LETTER, NAME)


def test_a_letter_goes_to_one_address_as_ses_wants_it(table: Table) -> None:
    """By the service's own model: the stub refuses what SES would."""
    expected = {
        "FromEmailAddress": "access@vendor.example",
        "ConfigurationSetName": "emails",
        "Destination": {"ToAddresses": [ADDRESS]},
        "EmailTags": [{"Name": "delivery", "Value": NAME}],
        "Content": {
            "Simple": {
                "Subject": {"Data": LETTER.subject, "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": LETTER.text, "Charset": "UTF-8"},
                    "Html": {"Data": LETTER.html, "Charset": "UTF-8"},
                },
            }
        },
    }
    with Stubber(transport.client()) as ses:
        ses.add_response("send_email", {"MessageId": "message-1"}, expected)
        assert send() is Outcome.SENT
        ses.assert_no_pending_responses()


REFUSALS = {
    "BadRequestException": (400, Outcome.REJECTED),
    "MailFromDomainNotVerifiedException": (400, Outcome.REJECTED),
    "MessageRejected": (400, Outcome.REJECTED),
    "LimitExceededException": (400, Outcome.NOT_NOW),
    "ThrottlingException": (400, Outcome.NOT_NOW),
    "TooManyRequestsException": (429, Outcome.NOT_NOW),
    "AccountSuspendedException": (400, Outcome.PAUSED),
    "SendingPausedException": (400, Outcome.PAUSED),
    "AccessDeniedException": (403, Outcome.PAUSED),
    "ExpiredTokenException": (403, Outcome.PAUSED),
    "NotFoundException": (404, Outcome.PAUSED),
    "InternalFailure": (500, Outcome.UNCLEAR),
    "InternalServiceErrorException": (500, Outcome.UNCLEAR),
    "ServiceUnavailable": (503, Outcome.UNCLEAR),
    "SomethingNew": (400, Outcome.PAUSED),
}


@pytest.mark.parametrize(("code", "status", "outcome"), [(code, *meant) for code, meant in REFUSALS.items()])
def test_what_ses_says_has_one_meaning_and_is_asked_once(
    table: Table, code: str, status: int, outcome: Outcome, slept: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    with Stubber(transport.client()) as ses:
        ses.add_client_error("send_email", code, http_status_code=status, expected_params=dict.fromkeys(SENT, ANY))
        assert send() is outcome
        ses.assert_no_pending_responses()

    assert slept == []
    assert [line["code"] for line in logged(caplog)] == [code]


SENT = ("FromEmailAddress", "ConfigurationSetName", "Destination", "EmailTags", "Content")


def raising(error: Exception) -> faults.Fault:
    def fault(*_: Any) -> Any:
        raise error

    return fault


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectTimeoutError(endpoint_url="ses"), Outcome.NOT_NOW),
        (EndpointConnectionError(endpoint_url="ses"), Outcome.NOT_NOW),
        (ReadTimeoutError(endpoint_url="ses"), Outcome.UNCLEAR),
        (ConnectionClosedError(endpoint_url="ses"), Outcome.UNCLEAR),
        (SSLError(endpoint_url="ses", error=OSError("cut off")), Outcome.UNCLEAR),
    ],
)
def test_a_letter_that_never_left_is_told_from_one_that_may_have(
    post: Mailbox, error: Exception, outcome: Outcome, slept: list[float]
) -> None:
    post.always = raising(error)

    assert send() is outcome

    assert len(post.tried) == 1
    assert slept == []


def test_the_sdk_itself_never_sends_twice(post: Mailbox, slept: list[float]) -> None:
    for fault in (faults.says("TooManyRequestsException", 429), faults.says("InternalFailure", 500)):
        post.tried.clear()
        post.always = fault
        send()
        assert len(post.tried) == 1
    assert slept == []
    assert transport.client() is transport.client()


def test_what_is_no_address_at_all_is_a_bug(post: Mailbox) -> None:
    with pytest.raises(ParamValidationError):
        transport.send(None, LETTER, NAME)  # type: ignore[arg-type]  # the bug

    assert post.tried == []
