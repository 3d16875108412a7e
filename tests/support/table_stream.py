"""Fake table stream: new audit entries in the order of their commits."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from partner_access.store import dynamo
from partner_access.store.attribute_values import from_attribute_values
from tests.support.table import Item

BEFORE_REQUEST, AFTER_RESPONSE = (
    f"{moment}.dynamodb.TransactWriteItems" for moment in ("before-parameter-build", "after-call")
)


@contextmanager
def new_audit_entries() -> Iterator[list[Item]]:
    """Yield a list that grows by the audit entries of each successful transaction."""
    entries: list[Item] = []
    transaction_items: list[Mapping[str, Any]] = []

    def remember_request(params: Mapping[str, Any], **_: Any) -> None:
        transaction_items[:] = params["TransactItems"]

    def collect_entries(http_response: Any, **_: Any) -> None:
        puts = (from_attribute_values(line["Put"]["Item"]) for line in transaction_items if "Put" in line)
        entries.extend(item for item in puts if http_response.status_code == 200 and item["pk"].startswith("AUDIT#"))

    events = dynamo.client().meta.events
    events.register(BEFORE_REQUEST, remember_request)
    events.register(AFTER_RESPONSE, collect_entries)
    try:
        yield entries
    finally:
        events.unregister(BEFORE_REQUEST, remember_request)
        events.unregister(AFTER_RESPONSE, collect_entries)
