"""What SES reports of a letter, by way of a topic: sent, bounced, complained; each report counts once."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from partner_access import telemetry
from partner_access.domain.email_delivery import DeliveryStatus
from partner_access.lambda_context import Context
from partner_access.store import outbox

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
    """`Permanent`, `Transient` or `Undetermined`: a full mailbox is not for good."""

    bounceType: str  # noqa: N815  SES's name


class SesMail(BaseModel):
    """The mail reported of: to whom we sent it, and our tags on it."""

    destination: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = {}


class SesEvent(BaseModel):
    """As much as is used of what SES publishes."""

    eventType: str  # noqa: N815  SES's name
    mail: SesMail
    bounce: SesBounce | None = None

    @property
    def delivery_id(self) -> str | None:
        """The name of our copy."""
        return next(iter(self.mail.tags.get("delivery", ())), None)

    @property
    def addresses_to_suppress(self) -> tuple[str, ...]:
        """The address that we wrote to, not the one that it led on to, if nobody is there or wants our mail."""
        is_permanent = self.bounce is not None and self.bounce.bounceType == "Permanent"
        return self.mail.destination if is_permanent or self.eventType == "Complaint" else ()


def handler(event: dict[str, Any], context: Context) -> None:
    """Reports of other kinds, or of letters that are not ours, change nothing."""
    telemetry.begin(context.aws_request_id, "record_email_feedback")
    try:
        for record in event["Records"]:
            _record(record["Sns"]["Message"])
    finally:
        telemetry.flush()


def _record(message: str) -> None:
    report = _parse(message)
    status = STATUS_BY_EVENT_TYPE.get(report.eventType) if report else None
    delivery = outbox.delivery(report.delivery_id) if report and report.delivery_id else None
    if not report or not status or not delivery:
        telemetry.count("EmailFeedbackIgnored")
        return
    if outbox.record_feedback(delivery, status, report.addresses_to_suppress) and status in METRIC_BY_STATUS:
        telemetry.count(METRIC_BY_STATUS[status])


def _parse(message: str) -> SesEvent | None:
    """None for what is no report, such as the greeting that SES sends to a new topic."""
    try:
        return SesEvent.model_validate_json(message)
    except ValidationError:
        return None
