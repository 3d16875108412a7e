"""What SES reports of a letter, by way of a topic: sent, bounced, complained; each report counts once."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from partner_access import telemetry
from partner_access.domain.email_delivery import Standing
from partner_access.lambda_context import Context
from partner_access.store import outbox

MEANING: Final = {
    "Send": Standing.SENT,
    "Bounce": Standing.BOUNCED,
    "Complaint": Standing.COMPLAINED,
    "Reject": Standing.FAILED,
    "Rendering Failure": Standing.FAILED,
}
COUNTED: Final = {
    Standing.BOUNCED: "EmailBounced",
    Standing.COMPLAINED: "EmailBounced",
    Standing.FAILED: "EmailFailed",
}


class Bounce(BaseModel):
    """`Permanent`, `Transient` or `Undetermined`: a full mailbox is not for good."""

    bounceType: str  # noqa: N815  SES's name


class Mail(BaseModel):
    """The mail reported of: to whom we sent it, and our tags on it."""

    destination: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = {}


class Report(BaseModel):
    """As much as is used of what SES publishes."""

    eventType: str  # noqa: N815  SES's name
    mail: Mail
    bounce: Bounce | None = None

    @property
    def delivery(self) -> str | None:
        """The name of our copy."""
        return next(iter(self.mail.tags.get("delivery", ())), None)

    @property
    def to_suppress(self) -> tuple[str, ...]:
        """The address that we wrote to, not the one that it led on to, if nobody is there or wants our mail."""
        is_for_good = self.bounce is not None and self.bounce.bounceType == "Permanent"
        return self.mail.destination if is_for_good or self.eventType == "Complaint" else ()


def handler(event: dict[str, Any], context: Context) -> None:
    """Reports of other kinds, or of letters that are not ours, change nothing."""
    telemetry.begin(context.aws_request_id, "record_email_feedback")
    try:
        for record in event["Records"]:
            _record(record["Sns"]["Message"])
    finally:
        telemetry.flush()


def _record(message: str) -> None:
    report = _read(message)
    standing = MEANING.get(report.eventType) if report else None
    delivery = outbox.delivery(report.delivery) if report and report.delivery else None
    if not report or not standing or not delivery:
        telemetry.count("EmailFeedbackIgnored")
        return
    if outbox.record_feedback(delivery, standing, report.to_suppress) and standing in COUNTED:
        telemetry.count(COUNTED[standing])


def _read(message: str) -> Report | None:
    """None for what is no report, such as the greeting that SES sends to a new topic."""
    try:
        return Report.model_validate_json(message)
    except ValidationError:
        return None
