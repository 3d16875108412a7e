"""Delivery feedback of SES from a topic: sent, bounced or complained. Each report counts once.

Only a permanent bounce means that the email came back. An out-of-office reply, for example, is a transient one.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from partner_access import telemetry, worker
from partner_access.domain.email_delivery import DeliveryStatus
from partner_access.store import outbox
from partner_access.worker import Run

STATUS_BY_EVENT_TYPE: Final = {
    "Send": DeliveryStatus.SENT,
    "Bounce": DeliveryStatus.BOUNCED,
    "Complaint": DeliveryStatus.COMPLAINED,
    "Reject": DeliveryStatus.FAILED,
    "Rendering Failure": DeliveryStatus.FAILED,
}
METRIC_BY_STATUS: Final = {
    DeliveryStatus.BOUNCED: "EmailBounced",
    DeliveryStatus.COMPLAINED: "EmailBounced",
    DeliveryStatus.FAILED: "EmailFailed",
}


class SesBounce(BaseModel):
    """Type of a bounce: Permanent, Transient or Undetermined. A full mailbox is not permanent."""

    bounceType: str  # noqa: N815  name given by SES


class SesMail(BaseModel):
    """The email that the report is about: the addresses that we sent it to, and our tags."""

    destination: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = {}


class SesEvent(BaseModel):
    """The parts of an SES event that are used here."""

    eventType: str  # noqa: N815  name given by SES
    mail: SesMail
    bounce: SesBounce | None = None

    @property
    def delivery_id(self) -> str | None:
        """The id of the delivery, from our tag."""
        return next(iter(self.mail.tags.get("delivery", ())), None)

    @property
    def is_permanent_bounce(self) -> bool:
        return self.bounce is not None and self.bounce.bounceType == "Permanent"

    @property
    def is_other_bounce(self) -> bool:
        """True if the recipient's server has only reported something, such as a full mailbox or an automatic reply."""
        return self.eventType == "Bounce" and not self.is_permanent_bounce

    @property
    def addresses_to_suppress(self) -> tuple[str, ...]:
        """The addresses to suppress after a permanent bounce or a complaint.

        They are those that we sent to, not those that an email was forwarded to.
        """
        return self.mail.destination if self.is_permanent_bounce or self.eventType == "Complaint" else ()


@worker.background("record_email_feedback")
def handler(event: dict[str, Any], _: Run) -> None:
    """Record the feedback. Reports of other kinds, or about unknown emails, change nothing."""
    for record in event["Records"]:
        _record(record["Sns"]["Message"])


def _record(message: str) -> None:
    report = _parse(message)
    status = STATUS_BY_EVENT_TYPE.get(report.eventType) if report else None
    delivery = outbox.delivery(report.delivery_id) if report and report.delivery_id else None
    if not report or not status or not delivery:
        telemetry.count("EmailFeedbackIgnored")
        return
    if report.is_other_bounce:
        telemetry.count("EmailTransientBounce")
        return
    if outbox.record_feedback(delivery, status, report.addresses_to_suppress) and status in METRIC_BY_STATUS:
        telemetry.count(METRIC_BY_STATUS[status])


def _parse(message: str) -> SesEvent | None:
    """Parse a report. Return None for other messages, such as the first one that SES sends to a new topic."""
    try:
        return SesEvent.model_validate_json(message)
    except ValidationError:
        return None
