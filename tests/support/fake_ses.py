"""Fake SES: the emails that it accepted, the attempts, and the feedback that it publishes."""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse

from partner_access.emails import transport
from tests.support.faults import Fault, Send, replace_calls, responds, succeeds


@dataclass(frozen=True, slots=True)
class SentEmail:
    """A request to SES to send an email."""

    request: Mapping[str, Any]

    @property
    def address(self) -> str:
        (address,) = self.request["Destination"]["ToAddresses"]
        return str(address)

    @property
    def delivery(self) -> str:
        (tag,) = self.request["EmailTags"]
        return str(tag["Value"])

    @property
    def subject(self) -> str:
        return str(self.request["Content"]["Simple"]["Subject"]["Data"])

    @property
    def text(self) -> str:
        return str(self.request["Content"]["Simple"]["Body"]["Text"]["Data"])

    @property
    def html(self) -> str:
        return str(self.request["Content"]["Simple"]["Body"]["Html"]["Data"])

    @property
    def secret(self) -> str:
        """The secret in the link of the email's button."""
        found = re.search(r"/approve#(pal_\S+)", self.text)
        assert found, self.text
        return found[1]


@dataclass(slots=True)
class FakeSes:
    """A fake SES.

    `sent` has the accepted emails and `attempts` all of them. `next_faults` are applied in order, and then
    `default_fault` to each attempt.
    """

    sent: list[SentEmail] = field(default_factory=list)
    attempts: list[SentEmail] = field(default_factory=list)
    next_faults: deque[Fault] = field(default_factory=deque)
    default_fault: Fault = succeeds

    @property
    def addresses(self) -> list[str]:
        return [each.address for each in self.sent]

    def respond(self, request: Any, _: Send) -> AWSResponse:
        email = SentEmail(json.loads(request.body))
        self.attempts.append(email)
        fault = self.next_faults.popleft() if self.next_faults else self.default_fault
        return fault(request, self._accept(email))

    def _accept(self, email: SentEmail) -> Send:
        def take() -> AWSResponse:
            self.sent.append(email)
            return responds(200, {"MessageId": f"message-{len(self.sent)}"})

        return take


@contextmanager
def fake_ses() -> Iterator[FakeSes]:
    """Replace SES with a fake in the block."""
    box = FakeSes()
    with replace_calls(transport.client(), "SendEmail", box.respond):
        yield box


def feedback(kind: str, delivery: str | None, address: str = "someone@example.com", **more: Any) -> dict[str, Any]:
    """Return SES feedback about an email as the SNS topic delivers it."""
    tags = {"delivery": [delivery]} if delivery else {}
    return sns_event(json.dumps({"eventType": kind, "mail": {"destination": [address], "tags": tags}, **more}))


def sns_event(message: str) -> dict[str, Any]:
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]}


def bounce_feedback(email: SentEmail, kind: str = "Permanent", *, bounced_address: str | None = None) -> dict[str, Any]:
    """Return a bounce report.

    The address in it is that of the final mailbox, which can differ from the address the email was sent to.
    """
    recipients = [{"emailAddress": bounced_address or email.address}]
    return feedback(
        "Bounce", email.delivery, email.address, bounce={"bounceType": kind, "bouncedRecipients": recipients}
    )
