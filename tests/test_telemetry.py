"""Tests of logs and metrics: codes and counts of one invocation, without personal data."""

import json
from typing import Any

import pytest

from partner_access import telemetry
from partner_access.domain.errors import DomainError, LinkExpired, LinkNotFound, TemporarilyUnavailable
from tests.support.background_functions import logged_lines, metric_counts

Capsys = pytest.CaptureFixture[str]
Caplog = pytest.LogCaptureFixture

pytestmark = pytest.mark.usefixtures("environment")


def metric_lines(capsys: Capsys) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(autouse=True)
def reset_telemetry(environment: None) -> None:
    telemetry._logger.cache_clear()
    telemetry._metrics.cache_clear()
    telemetry.begin("request-1", "POST /somewhere")


@pytest.mark.parametrize(
    ("error", "metric"),
    [(LinkNotFound(), "InvalidLinkSecret"), (TemporarilyUnavailable(), "ConflictExhausted"), (LinkExpired(), None)],
)
def test_log_of_error_has_its_code_and_some_errors_are_counted(
    error: DomainError, metric: str | None, capsys: Capsys, caplog: Caplog
) -> None:
    caplog.set_level("INFO")
    telemetry.log_error(error)
    telemetry.flush()

    (line,) = logged_lines(caplog)
    assert (line["level"], line["message"], line["code"]) == ("INFO", "domain_error", error.code)
    assert (line["request_id"], line["operation"], line["service"]) == (
        "request-1",
        "POST /somewhere",
        "partner-access",
    )
    assert error.detail not in str(line)
    assert metric_counts(capsys.readouterr().out) == ({metric: 1} if metric else {})


def test_log_line_has_its_own_request_id(caplog: Caplog) -> None:
    caplog.set_level("INFO")
    telemetry.begin("request-2", "GET /elsewhere")
    telemetry.log_error(LinkExpired())

    (line,) = logged_lines(caplog)
    assert (line["request_id"], line["operation"]) == ("request-2", "GET /elsewhere")


def test_log_of_unreadable_notification_is_an_error_and_counted(capsys: Capsys, caplog: Caplog) -> None:
    telemetry.report_unreadable_notification("NOTIFICATION#1")
    telemetry.flush()

    (line,) = logged_lines(caplog)
    assert (line["level"], line["message"], line["notification"]) == (
        "ERROR",
        "unreadable_notification",
        "NOTIFICATION#1",
    )
    assert metric_counts(capsys.readouterr().out) == {"EmailUnreadable": 1}


@pytest.mark.parametrize(
    ("code", "logged_code"),
    [
        ("MessageRejected", "MessageRejected"),
        ("user@example.com", "unknown"),
        ("山田", "unknown"),
        ("Email address is not verified", "unknown"),
        ("", "unknown"),
    ],
)
def test_log_of_ses_error_contains_only_a_known_code(code: str, logged_code: str, caplog: Caplog) -> None:
    telemetry.log_unsent_email(code)

    (line,) = logged_lines(caplog)
    assert (line["level"], line["message"], line["code"]) == ("WARNING", "email_not_sent", logged_code)
    assert set(line) <= {"level", "location", "message", "timestamp", "service", "request_id", "operation", "code"}


def test_metrics_are_summed_and_written_once(capsys: Capsys) -> None:
    telemetry.count("EmailSent")
    telemetry.count("EmailSent", 2)
    telemetry.count("AccountOrphaned", 3)
    telemetry.flush()
    telemetry.flush()

    (line,) = metric_lines(capsys)
    assert metric_counts(json.dumps(line)) == {"EmailSent": 3, "AccountOrphaned": 3}
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service"]]
    assert line["service"] == "partner-access"


def test_metrics_without_counts_write_nothing(capsys: Capsys) -> None:
    telemetry.flush()

    assert metric_lines(capsys) == []


def test_metrics_are_reset_for_the_next_invocation(capsys: Capsys) -> None:
    telemetry.count("EmailSent")
    telemetry.flush()
    telemetry.begin("request-2", "sweep")
    telemetry.count("EmailFailed")
    telemetry.flush()

    first, second = map(json.dumps, metric_lines(capsys))
    assert metric_counts(first) == {"EmailSent": 1}
    assert metric_counts(second) == {"EmailFailed": 1}
