"""What the operator sees: codes and counts, of this invocation alone, and nobody's name."""

import json
from typing import Any

import pytest

from partner_access import telemetry
from partner_access.domain.errors import LinkExpired, LinkNotFound, Refused, TemporarilyUnavailable
from tests.support.background_functions import counts, logged

Capsys = pytest.CaptureFixture[str]
Caplog = pytest.LogCaptureFixture

pytestmark = pytest.mark.usefixtures("environment")


def said(capsys: Capsys) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(autouse=True)
def fresh(environment: None) -> None:
    telemetry._logger.cache_clear()
    telemetry._metrics.cache_clear()
    telemetry.begin("request-1", "POST /somewhere")


@pytest.mark.parametrize(
    ("refusal", "metric"),
    [(LinkNotFound(), "InvalidLinkSecret"), (TemporarilyUnavailable(), "ConflictExhausted"), (LinkExpired(), None)],
)
def test_a_refusal_is_told_by_its_code_and_some_are_counted(
    refusal: Refused, metric: str | None, capsys: Capsys, caplog: Caplog
) -> None:
    caplog.set_level("INFO")
    telemetry.refused(refusal)
    telemetry.flush()

    (line,) = logged(caplog)
    assert (line["level"], line["message"], line["code"]) == ("INFO", "domain_error", refusal.code)
    assert (line["request_id"], line["operation"], line["service"]) == (
        "request-1",
        "POST /somewhere",
        "partner-access",
    )
    assert refusal.detail not in str(line)
    assert counts(capsys.readouterr().out) == ({metric: 1} if metric else {})


def test_a_line_names_its_own_request_only(caplog: Caplog) -> None:
    caplog.set_level("INFO")
    telemetry.begin("request-2", "GET /elsewhere")
    telemetry.refused(LinkExpired())

    (line,) = logged(caplog)
    assert (line["request_id"], line["operation"]) == ("request-2", "GET /elsewhere")


def test_a_letter_that_cannot_be_read_is_an_error_and_counted(capsys: Capsys, caplog: Caplog) -> None:
    telemetry.unreadable("NOTIFICATION#1")
    telemetry.flush()

    (line,) = logged(caplog)
    assert (line["level"], line["message"], line["notification"]) == (
        "ERROR",
        "unreadable_notification",
        "NOTIFICATION#1",
    )
    assert counts(capsys.readouterr().out) == {"EmailUnreadable": 1}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("MessageRejected", "MessageRejected"),
        ("somebody@example.com", "unknown"),
        ("山田", "unknown"),
        ("Email address is not verified", "unknown"),
        ("", "unknown"),
    ],
)
def test_why_a_copy_was_not_sent_is_told_by_nothing_but_a_code(code: str, told: str, caplog: Caplog) -> None:
    telemetry.not_taken(code)

    (line,) = logged(caplog)
    assert (line["level"], line["message"], line["code"]) == ("WARNING", "email_not_sent", told)
    assert set(line) <= {"level", "location", "message", "timestamp", "service", "request_id", "operation", "code"}


def test_counts_add_up_and_are_written_once_by_service(capsys: Capsys) -> None:
    telemetry.count("EmailSent")
    telemetry.count("EmailSent", 2)
    telemetry.count("AccountOrphaned", 3)
    telemetry.flush()
    telemetry.flush()

    (line,) = said(capsys)
    assert counts(json.dumps(line)) == {"EmailSent": 3, "AccountOrphaned": 3}
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service"]]
    assert line["service"] == "partner-access"


def test_nothing_is_written_where_nothing_was_counted(capsys: Capsys) -> None:
    telemetry.flush()

    assert said(capsys) == []


def test_counts_of_one_invocation_are_not_those_of_the_next(capsys: Capsys) -> None:
    telemetry.count("EmailSent")
    telemetry.flush()
    telemetry.begin("request-2", "sweep")
    telemetry.count("EmailFailed")
    telemetry.flush()

    first, second = map(json.dumps, said(capsys))
    assert counts(first) == {"EmailSent": 1}
    assert counts(second) == {"EmailFailed": 1}
