"""Sending of emails by SES. SES has no idempotency token, so each call is one attempt with an exact outcome."""

from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from botocore.exceptions import (
    ConnectionError as BrokenConnection,
)

from partner_access import settings, telemetry
from partner_access.domain.email_delivery import SendResult
from partner_access.emails.rendering import RenderedEmail

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

REJECTED: Final = frozenset({"BadRequestException", "MailFromDomainNotVerifiedException", "MessageRejected"})
"""Error codes that mean that the email itself is invalid, so that it can never be sent."""
RETRY_LATER: Final = frozenset({"LimitExceededException", "ThrottlingException", "TooManyRequestsException"})


@cache
def client() -> "SESV2Client":
    """Return the SES client of this process. It never retries a call by itself (consistency.md §4)."""
    return boto3.client("sesv2", config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}))


def send(address: str, email: RenderedEmail, delivery_id: str) -> SendResult:
    """Send one copy to one address. SES includes the delivery tag in all its reports on it."""
    try:
        client().send_email(
            FromEmailAddress=settings.email_from(),
            ConfigurationSetName=settings.email_configuration_set(),
            Destination={"ToAddresses": [address]},
            EmailTags=[{"Name": "delivery", "Value": delivery_id}],
            Content={
                "Simple": {
                    "Subject": {"Data": email.subject, "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": email.text, "Charset": "UTF-8"},
                        "Html": {"Data": email.html, "Charset": "UTF-8"},
                    },
                    # RFC 3834: asks out-of-office programs not to answer
                    "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
                }
            },
        )
    except ClientError as error:
        return _outcome_of(error)
    except (ConnectTimeoutError, EndpointConnectionError):
        return SendResult.THROTTLED
    except (BrokenConnection, HTTPClientError):
        return SendResult.UNCLEAR
    return SendResult.SENT


def _outcome_of(error: ClientError) -> SendResult:
    """Return the outcome that an SES error means.

    Any other error, such as a paused account or a missing right, is not caused by the email, so the email waits.
    """
    code = error.response["Error"]["Code"]
    telemetry.log_unsent_email(code)
    if code in REJECTED:
        return SendResult.REJECTED
    if code in RETRY_LATER:
        return SendResult.THROTTLED
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SendResult.UNCLEAR
    return SendResult.PAUSED
