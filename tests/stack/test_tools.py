"""Tests of the demo and its commands on the test stack."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tools import demo_file, directory_sample
from tools.demo import import_directory
from tools.emails import SentEmail, emails_table, sent_emails
from tools.inbox import email_page, list_page
from tools.local_stack import LocalStack, demo_of
from tools.operate.__main__ import app
from tools.story import run_story

pytestmark = pytest.mark.usefixtures("invariants_hold")

EMAILS_OPENED = 20
"""Number of emails that the inbox test opens. The inbox reads all emails of all tests for each page."""


def test_directory_sample_has_documented_size_and_variety() -> None:
    sample = directory_sample.sample_directory()
    clients = [account for account in sample.accounts.values() if account["kind"] == "client"]
    assert len(sample.accounts) - len(clients) >= 2
    assert len(clients) >= 40
    assert len(sample.users) >= 200
    assert len({person.email for employees in directory_sample.EMPLOYEES.values() for person, _ in employees}) >= 12
    assert {account["pricing"] for account in clients} == {"seat_based", "legacy"}
    assert {user.locale for user in sample.users.values()} == {"en", "ja"}
    assert any("partner_seat_limit" in account for account in clients)
    assert any(account.get("state") == "closed" for account in clients)
    assert sample == directory_sample.sample_directory()


def test_tell_story_runs_to_the_end(stack: LocalStack) -> None:
    written = io.StringIO()
    console = Console(file=written, width=120)
    people = import_directory(stack, directory_sample.sample_directory(), console)
    run_story(stack, people, console)
    console.print(emails_table(sent_emails(stack.pool, stack.aws.endpoint)))
    assert "Idempotent-Replayed: true" in written.getvalue()


def test_inbox_shows_emails_under_strict_content_security_policy(stack: LocalStack) -> None:
    address = f"{stack.origin}/inbox/"
    page = stack.pool.request("GET", address)
    assert page.status == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert stack.pool.request("GET", f"{address}emails/999999").status == 404
    for nth in range(min(EMAILS_OPENED, len(sent_emails(stack.pool, stack.aws.endpoint)))):
        assert stack.pool.request("GET", f"{address}emails/{nth}").status == 200
        email = stack.pool.request("GET", f"{address}emails/{nth}/html")
        assert "sandbox" in email.headers["content-security-policy"]


def test_inbox_page_escapes_content_of_email() -> None:
    email = SentEmail.from_message(
        {
            "MessageId": "1",
            "Timestamp": 0,
            "Source": "a@b.example",
            "To": ["<b>@c.example"],
            "Subject": "<script>",
            "BodyText": "<i>text</i>",
            "BodyHtml": None,
        }
    )
    for page in (list_page([email]), email_page(0, email)):
        assert "<script>" not in page
        assert "<b>" not in page
        assert "<i>" not in page


def test_operate_imports_reports_and_checks_the_stack(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo_file, "FILE", tmp_path / "demo.json")
    demo_file.write_demo(demo_of(stack, "", {}))
    rows = (
        {"account_id": "acct_imported", "kind": "client", "name": "Imported", "partner_seat_limit": 2},
        {"user_id": "usr_imported", "email": "user@imported.example", "name": "Imported"},
        {"account_id": "acct_imported", "user_id": "usr_imported", "permission_set": "super_admin"},
    )
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    operator = CliRunner()

    imported = operator.invoke(app, ["import", "--demo", "rows.jsonl", "--journal", "import.journal"])
    assert imported.exit_code == 0, imported.output
    again = operator.invoke(app, ["import", "--demo", "rows.jsonl", "--journal", "import.journal"])
    assert again.exit_code == 0, again.output

    access = operator.invoke(app, ["report", "access", "--demo", "--format", "json"])
    (row,) = (each for each in json.loads(access.output) if each["account_id"] == "acct_imported")
    assert (row["email"], row["permission_set"], row["state"]) == ("user@imported.example", "super_admin", "active")
    seats = operator.invoke(app, ["report", "seats", "--demo", "--format", "csv"])
    assert "acct_imported,Imported,2,0,2,active" in seats.output.splitlines()

    checked = operator.invoke(app, ["doctor", "--demo"])
    for check in ("functions", "stream", "event sources", "schedules", "sender", "invariants"):
        assert f"✓ {check}" in checked.output, checked.output
