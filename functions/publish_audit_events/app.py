"""Stream of audit entries: append each entry to its account's hash chain and publish it as an event, in order.

A failed batch is delivered again as a whole, so every step can run twice.
"""

from typing import Any

from partner_access import event_bus, telemetry, worker
from partner_access.domain.audit.events import cloud_event_of
from partner_access.store.audit import audit_log, events, hash_chain
from partner_access.worker import Run


@worker.background("publish_audit_events")
def handler(event: dict[str, Any], _: Run) -> None:
    """Process a batch of the stream.

    An unreadable entry raises an error. Lambda then halves the batch until the entry is alone, and sets it aside.
    """
    entries = [audit_log.from_stream(record) for record in event["Records"]]
    positions = hash_chain.append(entries)
    telemetry.count("EntriesChained", len(entries))
    event_bus.publish(
        cloud_event_of(entry, account_id, positions[account_id, entry.audit_id], current)
        for (account_id, entry), current in zip(entries, events.current_records(entries), strict=True)
    )
