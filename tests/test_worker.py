"""Tests of the decorator of background functions: telemetry, clock, remaining time and errors."""

from typing import Any

import pytest

from partner_access import telemetry, worker
from partner_access.domain.errors import LinkExpired, TemporarilyUnavailable
from partner_access.worker import Run
from tests.support.background_functions import WORKER, Clock, logged_lines, metric_counts
from tests.support.gateway import Context

pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture(autouse=True)
def reset_telemetry(environment: None) -> None:
    telemetry._logger.cache_clear()
    telemetry._metrics.cache_clear()


def test_background_function_returns_result_and_writes_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    @worker.background("send_emails")
    def handler(event: dict[str, Any], _: Run) -> str:
        telemetry.count("EmailSent")
        return f"{event['said']} sent"

    assert handler({"said": "one"}, Context()) == "one sent"
    assert handler.__name__ == "handler"
    assert metric_counts(capsys.readouterr().out) == {"EmailSent": 1}


def test_background_function_with_error_raises_it_and_writes_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    @worker.background("send_emails")
    def handler(_: dict[str, Any], run: Run) -> None:
        telemetry.count("EmailSent")
        raise LookupError

    with pytest.raises(LookupError):
        handler({}, Context())
    assert metric_counts(capsys.readouterr().out) == {"EmailSent": 1}


@pytest.mark.parametrize(("milliseconds", "steps"), [(4_999, 0), (5_000, 1), (5_001, 1)])
def test_background_function_starts_step_only_with_time_for_it(milliseconds: int, steps: int) -> None:
    done: list[bool] = []

    @worker.background("expire_links", spare_milliseconds=5_000)
    def handler(_: dict[str, Any], run: Run) -> str:
        done.extend([run.has_time] if run.has_time else [])
        run.require_time()
        return "complete"

    assert handler({}, Context(milliseconds)) == ("complete" if steps else None)
    assert done == [True] * steps


def test_run_without_spare_time_always_has_time() -> None:
    @worker.background("publish_audit_events")
    def handler(_: dict[str, Any], run: Run) -> bool:
        return run.has_time

    assert handler({}, Context(0)) is True


def test_run_reads_clock_in_whole_seconds_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, run = Clock(monkeypatch, WORKER), Run(Context(), 0)
    first = run.now()
    clock.advance(seconds=1.5)

    assert (run.now() - first).total_seconds() == 1
    assert first.utcoffset() is not None


def test_skip_if_unavailable_logs_code_with_operation(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    @worker.background("reconcile_access")
    def handler(_: dict[str, Any], run: Run) -> None:
        with worker.skip_if_unavailable():
            raise TemporarilyUnavailable

    handler({}, Context())

    (line,) = logged_lines(caplog)
    assert (line["operation"], line["request_id"]) == ("reconcile_access", Context.aws_request_id)
    assert (line["level"], line["code"]) == ("INFO", TemporarilyUnavailable.code)


def test_skip_if_unavailable_passes_other_errors_on() -> None:
    with pytest.raises(LinkExpired), worker.skip_if_unavailable():
        raise LinkExpired
