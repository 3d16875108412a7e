"""The table's stream as a test sees it: what was put into trails, in the order in which it was committed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from partner_access.store import dynamo
from partner_access.store.attribute_values import read_back
from tests.support.table import Item

ASKED, ANSWERED = (f"{moment}.dynamodb.TransactWriteItems" for moment in ("before-parameter-build", "after-call"))


@contextmanager
def of_trails() -> Iterator[list[Item]]:
    """The list grows by the entries of each transaction that came true."""
    brought: list[Item] = []
    asked: list[Mapping[str, Any]] = []

    def ask(params: Mapping[str, Any], **_: Any) -> None:
        asked[:] = params["TransactItems"]

    def hear(http_response: Any, **_: Any) -> None:
        puts = (read_back(line["Put"]["Item"]) for line in asked if "Put" in line)
        brought.extend(item for item in puts if http_response.status_code == 200 and item["pk"].startswith("AUDIT#"))

    events = dynamo.client().meta.events
    events.register(ASKED, ask)
    events.register(ANSWERED, hear)
    try:
        yield brought
    finally:
        events.unregister(ASKED, ask)
        events.unregister(ANSWERED, hear)
