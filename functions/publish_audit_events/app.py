"""The trail's stream: every entry gets its place in the chain of its account, and goes out as an event, in that order.

A batch comes again as a whole when it fails: whatever is done here may be done twice.
"""

from typing import Any

from partner_access import event_bus, telemetry
from partner_access.domain.audit.events import cloud_event_of
from partner_access.lambda_context import Context
from partner_access.store.audit import audit_log, events, hash_chain


def handler(event: dict[str, Any], context: Context) -> None:
    """What cannot be read is raised: the batch is halved until it stands alone, and then set aside."""
    telemetry.begin(context.aws_request_id, "publish_audit_events")
    try:
        entries = [audit_log.from_stream(record) for record in event["Records"]]
        positions = hash_chain.append(entries)
        telemetry.count("EntriesChained", len(entries))
        event_bus.publish(
            cloud_event_of(entry, account_id, positions[account_id, entry.audit_id], current)
            for (account_id, entry), current in zip(entries, events.current_records(entries), strict=True)
        )
    finally:
        telemetry.flush()
