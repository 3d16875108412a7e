"""Background functions that no user calls: their clock, their triggers and their metrics."""

import importlib
import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from typing_extensions import override

from partner_access import telemetry
from partner_access.store.attribute_values import to_attribute_values
from tests.support.gateway import Context
from tests.support.seeded_table import now

SEND_EMAILS = "functions.send_emails.app"
RECORD_EMAIL_FEEDBACK = "functions.record_email_feedback.app"
EXPIRE_LINKS = "functions.expire_links.app"
RECONCILE_ACCESS = "functions.reconcile_access.app"
PUBLISH_AUDIT_EVENTS = "functions.publish_audit_events.app"
SIGN_AUDIT_LOG = "functions.sign_audit_log.app"

WORKER = "partner_access.worker"
"""The module that gives background functions their time."""


class Clock:
    """The time as the named modules see it. It stands still until a test moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
        self.time = now()
        clock = self

        class StoppedDatetime(datetime):
            @classmethod
            @override
            def now(cls, tz: tzinfo | None = None) -> "StoppedDatetime":
                return cls.fromtimestamp(clock.time.timestamp(), tz)

        for module in modules:
            monkeypatch.setattr(f"{module}.datetime", StoppedDatetime)

    def catch_up(self) -> None:
        """Move the clock to the real time if it is behind. The API functions use the real time."""
        self.time = max(self.time, now())

    def advance(self, **time: float) -> None:
        self.time += timedelta(**time)


def run_function(module: str, event: dict[str, Any], context: Context | None = None) -> Any:
    return importlib.import_module(module).handler(event, context or Context())


def run_send_emails(context: Context | None = None) -> None:
    """Run `send_emails` as its schedule does."""
    assert run_function(SEND_EMAILS, {}, context) is None


def run_reconcile_access(context: Context | None = None) -> None:
    """Run `reconcile_access` as its schedule does."""
    assert run_function(RECONCILE_ACCESS, {}, context) is None


def run_expire_links(context: Context | None = None) -> None:
    """Run `expire_links` as its schedule does."""
    assert run_function(EXPIRE_LINKS, {}, context) is None


def send_emails_from_stream(items: Iterable[dict[str, Any]], context: Context | None = None) -> Any:
    """Run `send_emails` with new items of the table's stream. Each item's position is its sequence number."""
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
    return run_function(SEND_EMAILS, {"Records": records}, context)


def publish_audit_events(items: Iterable[dict[str, Any]], context: Context | None = None) -> None:
    """Run `publish_audit_events` with new audit entries of the table's stream."""
    assert run_function(PUBLISH_AUDIT_EVENTS, stream_event_of(items), context) is None


def stream_event_of(items: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the stream event for new items."""
    records = [
        {
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "Keys": to_attribute_values({"pk": item["pk"], "sk": item["sk"]}),
                "NewImage": to_attribute_values(item),
            },
        }
        for item in items
    ]
    return {"Records": records}


def logged_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the log lines as CloudWatch gets them."""
    formatter = telemetry._logger().registered_formatter
    return [json.loads(formatter.format(record)) for record in caplog.records]


def metric_counts(written: str) -> Counter[str]:
    """Return the metric values in the output of a function."""
    found: Counter[str] = Counter()
    for line in written.splitlines():
        log_line = json.loads(line)
        for directive in log_line.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert directive["Namespace"] == "PartnerAccess"
            found.update({metric["Name"]: int(sum(log_line[metric["Name"]])) for metric in directive["Metrics"]})
    return found
