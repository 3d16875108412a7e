"""The trail's stream: every entry gets its place in the chain of its account, in the order of the stream.

A batch comes again as a whole when it fails: whatever is done here may be done twice.
"""

from typing import Any

from partner_access import telemetry
from partner_access.context import Context
from partner_access.store import chain, trail


def handler(event: dict[str, Any], context: Context) -> None:
    """What cannot be read is raised: the batch is halved until it stands alone, and then set aside."""
    telemetry.begin(context.aws_request_id, "follow_trail")
    try:
        entries = [trail.from_stream(record) for record in event["Records"]]
        chain.append(entries)
        telemetry.count("EntriesChained", len(entries))
    finally:
        telemetry.flush()
