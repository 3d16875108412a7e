"""The demo and its commands, on the stack of these tests: what people are shown is what the product does."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tools import demo_file, directory_sample
from tools.demo import import_directory
from tools.emails import Letter, sent_letters, table_of
from tools.inbox import letter_page, list_page
from tools.local_stack import Stack, demo_of
from tools.operate.__main__ import app
from tools.story import tell_story

pytestmark = pytest.mark.usefixtures("sound")

LOOKED_AT = 20
"""Of the letters of all tests: the inbox reads every one of them for each page."""


def test_the_sample_is_as_large_and_as_mixed_as_promised() -> None:
    world = directory_sample.world()
    clients = [account for account in world.accounts.values() if account["kind"] == "client"]
    assert len(world.accounts) - len(clients) >= 2
    assert len(clients) >= 40
    assert len(world.residents) >= 200
    assert len({person.email for staff in directory_sample.STAFF.values() for person, _ in staff}) >= 12
    assert {account["pricing"] for account in clients} == {"seat_based", "legacy"}
    assert {resident.locale for resident in world.residents.values()} == {"en", "ja"}
    assert any("partner_seat_limit" in account for account in clients)
    assert any(account.get("state") == "closed" for account in clients)
    assert world == directory_sample.world()


def test_the_demo_tells_its_whole_story(stack: Stack) -> None:
    written = io.StringIO()
    console = Console(file=written, width=120)
    people = import_directory(stack, directory_sample.world(), console)
    tell_story(stack, people, console)
    console.print(table_of(sent_letters(stack.pool, stack.aws.endpoint)))
    assert "Idempotent-Replayed: true" in written.getvalue()


def test_the_inbox_shows_letters_and_runs_nothing_of_theirs(stack: Stack) -> None:
    address = f"{stack.front_url}/inbox/"
    page = stack.pool.request("GET", address)
    assert page.status == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert stack.pool.request("GET", f"{address}letters/999999").status == 404
    for nth in range(min(LOOKED_AT, len(sent_letters(stack.pool, stack.aws.endpoint)))):
        assert stack.pool.request("GET", f"{address}letters/{nth}").status == 200
        letter = stack.pool.request("GET", f"{address}letters/{nth}/html")
        assert "sandbox" in letter.headers["content-security-policy"]


def test_the_inbox_escapes_what_letters_say() -> None:
    letter = Letter.of(
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
    for page in (list_page([letter]), letter_page(0, letter)):
        assert "<script>" not in page
        assert "<b>" not in page
        assert "<i>" not in page


def test_the_operator_fills_the_directory_reports_from_the_table_and_asks_the_doctor(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo_file, "FILE", tmp_path / "demo.json")
    demo_file.write_demo(demo_of(stack, "", {}))
    rows = (
        {"account_id": "acct_told", "kind": "client", "name": "Told", "partner_seat_limit": 2},
        {"user_id": "usr_told", "email": "told@told.example", "name": "Told"},
        {"account_id": "acct_told", "user_id": "usr_told", "permission_set": "super_admin"},
    )
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    operator = CliRunner()

    told = operator.invoke(app, ["import", "--demo", "rows.jsonl", "--journal", "import.journal"])
    assert told.exit_code == 0, told.output
    again = operator.invoke(app, ["import", "--demo", "rows.jsonl", "--journal", "import.journal"])
    assert again.exit_code == 0, again.output

    access = operator.invoke(app, ["report", "access", "--demo", "--format", "json"])
    (row,) = (each for each in json.loads(access.output) if each["account_id"] == "acct_told")
    assert (row["email"], row["permission_set"], row["state"]) == ("told@told.example", "super_admin", "active")
    seats = operator.invoke(app, ["report", "seats", "--demo", "--format", "csv"])
    assert "acct_told,Told,2,0,2,active" in seats.output.splitlines()

    seen = operator.invoke(app, ["doctor", "--demo"])
    for check in ("functions", "stream", "event sources", "schedules", "sender", "invariants"):
        assert f"✓ {check}" in seen.output, seen.output
