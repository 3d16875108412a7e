"""What SES reports of a letter, by way of a topic: sent, bounced, complained; each report counts once."""

import json
from collections.abc import Mapping
from typing import Any, Final

from partner_access import telemetry
from partner_access.addresses import normalised
from partner_access.context import Context
from partner_access.domain.mailing import Standing
from partner_access.store import outbox

MEANING: Final = {
    "Send": Standing.SENT,
    "Bounce": Standing.BOUNCED,
    "Complaint": Standing.COMPLAINED,
    "Reject": Standing.FAILED,
    "Rendering Failure": Standing.FAILED,
}
COUNTED: Final = {
    Standing.BOUNCED: "LetterBounced",
    Standing.COMPLAINED: "LetterBounced",
    Standing.FAILED: "LetterFailed",
}


def handler(event: dict[str, Any], context: Context) -> None:
    """Reports of other kinds, or of letters that are not ours, change nothing."""
    telemetry.begin(context.aws_request_id, "record_delivery")
    try:
        for record in event["Records"]:
            _record(json.loads(record["Sns"]["Message"]))
    finally:
        telemetry.flush()


def _record(report: Mapping[str, Any]) -> None:
    standing = MEANING.get(report.get("eventType", ""))
    names = report.get("mail", {}).get("tags", {}).get("delivery", [])
    delivery = outbox.reported(names[0]) if standing and names else None
    if not standing or not delivery:
        telemetry.count("ReportIgnored")
        return
    if outbox.record_feedback(delivery, standing, _to_suppress(report)) and standing in COUNTED:
        telemetry.count(COUNTED[standing])


def _to_suppress(report: Mapping[str, Any]) -> tuple[str, ...]:
    """Whoever bounced for good, or complained, gets no more mail; a full mailbox is not for good."""
    bounced = report.get("bounce", {})
    gone = bounced.get("bouncedRecipients", []) if bounced.get("bounceType") == "Permanent" else []
    recipients = [*gone, *report.get("complaint", {}).get("complainedRecipients", [])]
    return tuple(sorted({normalised(each["emailAddress"]) for each in recipients}))
