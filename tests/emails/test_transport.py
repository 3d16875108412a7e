"""Tests of sending to SES: one attempt for each email, and an outcome that tells whether it may have been sent."""

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

from partner_access.domain.email_delivery import SendResult
from partner_access.emails import transport
from partner_access.emails.rendering import RenderedEmail
from tests.support import faults
from tests.support.background_functions import logged_lines
from tests.support.fake_ses import FakeSes, fake_ses
from tests.support.table import Table

EMAIL = RenderedEmail(subject="Subject 件名", text="Text 本文", html="<p>Page 本文</p>")
ADDRESS = "user@example.com"
DELIVERY_ID = "d" * 32


@pytest.fixture
def ses(table: Table) -> Iterator[FakeSes]:
    with fake_ses() as box:
        yield box


@pytest.fixture(autouse=True)
def recorded_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def send() -> SendResult:
    return transport.send(ADDRESS, EMAIL, DELIVERY_ID)


def test_send_email_makes_valid_request_to_ses(table: Table) -> None:
    """Validate with botocore's service model: the stub rejects requests that SES would reject."""
    expected = {
        "FromEmailAddress": "access@vendor.example",
        "ConfigurationSetName": "emails",
        "Destination": {"ToAddresses": [ADDRESS]},
        "EmailTags": [{"Name": "delivery", "Value": DELIVERY_ID}],
        "Content": {
            "Simple": {
                "Subject": {"Data": EMAIL.subject, "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": EMAIL.text, "Charset": "UTF-8"},
                    "Html": {"Data": EMAIL.html, "Charset": "UTF-8"},
                },
                "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
            }
        },
    }
    with Stubber(transport.client()) as ses:
        ses.add_response("send_email", {"MessageId": "message-1"}, expected)
        assert send() is SendResult.SENT
        ses.assert_no_pending_responses()


SES_ERRORS = {
    "BadRequestException": (400, SendResult.REJECTED),
    "MailFromDomainNotVerifiedException": (400, SendResult.REJECTED),
    "MessageRejected": (400, SendResult.REJECTED),
    "LimitExceededException": (400, SendResult.THROTTLED),
    "ThrottlingException": (400, SendResult.THROTTLED),
    "TooManyRequestsException": (429, SendResult.THROTTLED),
    "AccountSuspendedException": (400, SendResult.PAUSED),
    "SendingPausedException": (400, SendResult.PAUSED),
    "AccessDeniedException": (403, SendResult.PAUSED),
    "ExpiredTokenException": (403, SendResult.PAUSED),
    "NotFoundException": (404, SendResult.PAUSED),
    "InternalFailure": (500, SendResult.UNCLEAR),
    "InternalServiceErrorException": (500, SendResult.UNCLEAR),
    "ServiceUnavailable": (503, SendResult.UNCLEAR),
    "SomethingNew": (400, SendResult.PAUSED),
}


@pytest.mark.parametrize(("code", "status", "outcome"), [(code, *meant) for code, meant in SES_ERRORS.items()])
def test_send_email_maps_ses_error_to_outcome_without_retry(
    table: Table,
    code: str,
    status: int,
    outcome: SendResult,
    recorded_pauses: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Stubber(transport.client()) as ses:
        ses.add_client_error(
            "send_email", code, http_status_code=status, expected_params=dict.fromkeys(REQUEST_FIELDS, ANY)
        )
        assert send() is outcome
        ses.assert_no_pending_responses()

    assert recorded_pauses == []
    assert [line["code"] for line in logged_lines(caplog)] == [code]


REQUEST_FIELDS = ("FromEmailAddress", "ConfigurationSetName", "Destination", "EmailTags", "Content")


def raising_fault(error: Exception) -> faults.Fault:
    def fault(*_: Any) -> Any:
        raise error

    return fault


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectTimeoutError(endpoint_url="ses"), SendResult.THROTTLED),
        (EndpointConnectionError(endpoint_url="ses"), SendResult.THROTTLED),
        (ReadTimeoutError(endpoint_url="ses"), SendResult.UNCLEAR),
        (ConnectionClosedError(endpoint_url="ses"), SendResult.UNCLEAR),
        (SSLError(endpoint_url="ses", error=OSError("cut off")), SendResult.UNCLEAR),
    ],
)
def test_send_email_maps_connection_error_to_not_sent_or_unclear(
    ses: FakeSes, error: Exception, outcome: SendResult, recorded_pauses: list[float]
) -> None:
    ses.default_fault = raising_fault(error)

    assert send() is outcome

    assert len(ses.attempts) == 1
    assert recorded_pauses == []


def test_send_email_is_never_retried_by_the_sdk(ses: FakeSes, recorded_pauses: list[float]) -> None:
    for fault in (faults.aws_error("TooManyRequestsException", 429), faults.aws_error("InternalFailure", 500)):
        ses.attempts.clear()
        ses.default_fault = fault
        send()
        assert len(ses.attempts) == 1
    assert recorded_pauses == []
    assert transport.client() is transport.client()


def test_send_email_without_address_raises(ses: FakeSes) -> None:
    with pytest.raises(ParamValidationError):
        transport.send(None, EMAIL, DELIVERY_ID)  # type: ignore[arg-type]  # the wrong type is what is tested

    assert ses.attempts == []
