"""The functions that nobody calls: the clock they see, their triggers, and what they count."""

import importlib
import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from typing_extensions import override

from partner_access import telemetry
from partner_access.store.attribute_values import written
from tests.support.gateway import Context
from tests.support.seeded_table import now

SEND_LETTERS = "functions.send_emails.app"
RECORD_DELIVERY = "functions.record_email_feedback.app"
EXPIRE_LINKS = "functions.expire_links.app"
CLEAN_UP = "functions.reconcile_access.app"
FOLLOW_TRAIL = "functions.publish_audit_events.app"
SEAL_TRAIL = "functions.sign_audit_log.app"


class Clock:
    """Time as the workers see it: it stands still until a test lets it pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
        self.time = now()
        clock = self

        class Stopped(datetime):
            @classmethod
            @override
            def now(cls, tz: tzinfo | None = None) -> "Stopped":
                return cls.fromtimestamp(clock.time.timestamp(), tz)

        for module in modules:
            monkeypatch.setattr(f"{module}.datetime", Stopped)

    def catches_up(self) -> None:
        """What doors did by their own clock is not in the future."""
        self.time = max(self.time, now())

    def passes(self, **time: float) -> None:
        self.time += timedelta(**time)


def run(module: str, event: dict[str, Any], context: Context | None = None) -> Any:
    return importlib.import_module(module).handler(event, context or Context())


def sweep(context: Context | None = None) -> None:
    """The mailer's minute has come."""
    assert run(SEND_LETTERS, {}, context) is None


def clean_up(context: Context | None = None) -> None:
    """The minute has come to tidy up behind what ended or stopped everywhere."""
    assert run(CLEAN_UP, {}, context) is None


def stream(items: Iterable[dict[str, Any]], context: Context | None = None) -> Any:
    """The table's stream brings these new items, each with its position as its number."""
    records = [
        {
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "Keys": {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}},
                "SequenceNumber": str(position),
            },
        }
        for position, item in enumerate(items, 1)
    ]
    return run(SEND_LETTERS, {"Records": records}, context)


def publish_audit_events(items: Iterable[dict[str, Any]], context: Context | None = None) -> None:
    """The table's stream brings these new entries of trails."""
    assert run(FOLLOW_TRAIL, new_entries(items), context) is None


def new_entries(items: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """As the stream tells of them."""
    records = [
        {
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": {"Keys": written({"pk": item["pk"], "sk": item["sk"]}), "NewImage": written(item)},
        }
        for item in items
    ]
    return {"Records": records}


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines of the log, as CloudWatch gets them."""
    formatter = telemetry._logger().registered_formatter
    return [json.loads(formatter.format(record)) for record in caplog.records]


def counts(written: str) -> Counter[str]:
    """What was counted, from the metrics among the lines that a function wrote."""
    found: Counter[str] = Counter()
    for line in written.splitlines():
        said = json.loads(line)
        for directive in said.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert directive["Namespace"] == "PartnerAccess"
            found.update({metric["Name"]: int(sum(said[metric["Name"]])) for metric in directive["Metrics"]})
    return found
