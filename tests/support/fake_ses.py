"""SES as a test sees it: what it took, from whom it took nothing, and what it reports of it."""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse

from partner_access.emails import transport
from tests.support.faults import Fault, Send, instead, responds, works


@dataclass(frozen=True, slots=True)
class Mail:
    """What SES was given."""

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
        """The secret that the button leads to."""
        found = re.search(r"/approve#(pal_\S+)", self.text)
        assert found, self.text
        return found[1]


@dataclass(slots=True)
class Mailbox:
    """`sent` is what SES took and `tried` what it was asked; `plan` is what it makes of the next attempts."""

    sent: list[Mail] = field(default_factory=list)
    tried: list[Mail] = field(default_factory=list)
    plan: deque[Fault] = field(default_factory=deque)
    always: Fault = works

    @property
    def addresses(self) -> list[str]:
        return [each.address for each in self.sent]

    def answer(self, request: Any, _: Send) -> AWSResponse:
        asked = Mail(json.loads(request.body))
        self.tried.append(asked)
        fault = self.plan.popleft() if self.plan else self.always
        return fault(request, self._take(asked))

    def _take(self, asked: Mail) -> Send:
        def take() -> AWSResponse:
            self.sent.append(asked)
            return responds(200, {"MessageId": f"message-{len(self.sent)}"})

        return take


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """All mail ends here."""
    box = Mailbox()
    with instead(transport.client(), "SendEmail", box.answer):
        yield box


def report(kind: str, delivery: str | None, address: str = "someone@example.com", **more: Any) -> dict[str, Any]:
    """What SES publishes of a letter, as the topic hands it on."""
    tags = {"delivery": [delivery]} if delivery else {}
    return published(json.dumps({"eventType": kind, "mail": {"destination": [address], "tags": tags}, **more}))


def published(message: str) -> dict[str, Any]:
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]}


def bounced(copy: Mail, kind: str = "Permanent", *, seen_as: str | None = None) -> dict[str, Any]:
    """A bounce; the address that it names is where the mail ended, which need not be where it was sent."""
    recipients = [{"emailAddress": seen_as or copy.address}]
    return report("Bounce", copy.delivery, copy.address, bounce={"bounceType": kind, "bouncedRecipients": recipients})
