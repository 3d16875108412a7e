"""The operator's import: order, repetition, interruption, and errors that can be corrected."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.tools.fake_directory import TOKEN, FakeDirectory, problem, running_directory
from tools import template
from tools.api_client import ApiClient, ApiResponse, connection_pool
from tools.operate import directory_client
from tools.operate.__main__ import app
from tools.operate.directory_client import AccessToken, DirectoryClient, ImportStopped, pause_after
from tools.operate.journal import Journal, NotAJournal
from tools.operate.plan import ImportPlan
from tools.operate.row_files import read_rows
from tools.operate.rows import DirectoryRequest, ImportStep
from tools.operate.sending import send_requests

ACCOUNTS = """account_id,kind,name,partner_seat_limit,domains,state
acct_a,client,A,3,,
acct_b,client,B,,,closed
partner,partner,Partner,,partner.example,
"""
USERS = """user_id,email,name
usr_1,one@a.example,One
usr_2,two@partner.example,Two
"""
MEMBERS = """account_id,user_id,permission_set
acct_a,usr_2,sales
acct_a,usr_1,super_admin
acct_b,usr_1,super_admin
partner,usr_2,super_admin
"""
JOURNAL = ("--journal", "state/import.journal")
MEMBER = "/directory/accounts/acct_a/members/usr_1"


@pytest.fixture
def directory() -> Iterator[FakeDirectory]:
    with running_directory() as directory:
        yield directory


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.setattr(directory_client, "FIRST_PAUSE", 0.001)
    monkeypatch.chdir(tmp_path)
    for name in ("STACK", "TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, text in (("members.csv", MEMBERS), ("accounts.csv", ACCOUNTS), ("users.csv", USERS)):
        (tmp_path / name).write_text(text)
    return ("members.csv", "accounts.csv", "users.csv")


def run_import(directory: FakeDirectory, *arguments: str, token: str = TOKEN) -> Result:
    wide = {"COLUMNS": "200", "TOKEN": token}
    return CliRunner().invoke(app, ["import", "--url", directory.base_url, *JOURNAL, *arguments], env=wide)


def test_import_sends_requests_in_order_and_deletes_journal(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    result = run_import(directory, *files, "--parallel", "1")

    assert (result.exit_code, "The directory has all 9 rows." in result.output) == (0, True)
    assert "earlier run" not in result.output
    assert directory.paths == [
        "/directory/accounts/acct_a",
        "/directory/accounts/acct_b",
        "/directory/accounts/partner",
        "/directory/users/usr_1",
        "/directory/users/usr_2",
        "/directory/accounts/acct_a/members/usr_1",
        "/directory/accounts/acct_b/members/usr_1",
        "/directory/accounts/partner/members/usr_2",
        "/directory/accounts/acct_a/members/usr_2",
        "/directory/accounts/acct_b",
    ]
    assert directory.stored["/directory/accounts/acct_b"] == {"kind": "client", "name": "B", "state": "closed"}
    assert not Path("state/import.journal").exists()


def test_import_repeated_changes_nothing(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    run_import(directory, *files)
    before = json.dumps(directory.stored, sort_keys=True)
    del directory.stored["/directory/accounts/acct_b"]["state"]

    assert run_import(directory, *files).exit_code == 0
    assert json.dumps(directory.stored, sort_keys=True) == before


def test_import_dry_run_prints_counts_and_sends_nothing(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    result = run_import(directory, *files, "--dry-run")

    assert result.exit_code == 0
    cells = [line.split("│")[1:4] for line in result.output.splitlines() if "│" in line]
    assert [[cell.strip() for cell in row] for row in cells] == [
        ["accounts", "3", "0"],
        ["users", "2", "0"],
        ["super admins", "3", "0"],
        ["other members", "1", "0"],
        ["closed accounts", "1", "0"],
    ]
    assert directory.paths == []
    assert "Not compared" not in result.output
    assert not Path("state/import.journal").exists()


@pytest.mark.parametrize(("users", "relies"), [
    (USERS, ""),
    ("user_id,email\nusr_1,one@a.example\nusr_2,two@a.example\n", "2 rows lack fields that a new record needs."),
])  # fmt: skip
def test_import_dry_run_without_api_says_what_is_not_checked(files: tuple[str, ...], users: str, relies: str) -> None:
    Path("users.csv").write_text(users)

    result = CliRunner().invoke(app, ["import", *files, *JOURNAL, "--dry-run"], env={"COLUMNS": "200"})

    assert result.exit_code == 0
    assert "Not compared with the directory: name the stack" in result.output
    assert result.output.rstrip().endswith(relies or "another user has.")


@pytest.mark.parametrize(("columns", "row", "missing"), [
    ("user_id,name", "usr_9,Nine", "email: is missing, and the directory has no such user yet"),
    ("user_id,email", "usr_9,nine@a.example", "name: is missing, and the directory has no such user yet"),
    ("account_id,name", "acct_9,Nine", "kind: is missing, and the directory has no such account yet"),
    ("account_id,kind", "acct_9,client", "name: is missing, and the directory has no such account yet"),
    ("account_id,user_id,seat", "acct_9,usr_9,core", "permission_set: is missing, and the directory has no such member yet"),
])  # fmt: skip
def test_import_dry_run_of_incomplete_new_record_fails(
    directory: FakeDirectory, files: tuple[str, ...], columns: str, row: str, missing: str
) -> None:
    Path("more.csv").write_text(f"{columns}\n{row}\n")

    failed = run_import(directory, "more.csv", "--partial", "--dry-run")

    assert (failed.exit_code, f"more.csv:2: {missing}" in failed.output) == (1, True)
    ids = dict(zip(columns.split(","), row.split(","), strict=True))
    kinds = [f"accounts/{ids['account_id']}"] if "account_id" in ids else []
    kinds += [f"{'members' if kinds else 'users'}/{ids['user_id']}"] if "user_id" in ids else []
    directory.stored[f"/directory/{'/'.join(kinds)}"] = {"email": "old@a.example"}
    assert run_import(directory, "more.csv", "--partial", "--dry-run").exit_code == 0
    assert directory.paths == []


def test_import_dry_run_of_erased_user_without_address_fails(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    directory.stored["/directory/users/usr_1"] = {"name": "", "email": None}
    Path("more.csv").write_text("user_id,active\nusr_1,true\n")

    failed = run_import(directory, "more.csv", "--dry-run")

    assert failed.exit_code == 1
    assert "more.csv:2: email: is missing, and the directory has no such user yet" in failed.output


def test_import_dry_run_of_unreadable_directory_stops(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    directory.stored["/directory/users/usr_1"] = {}
    directory.unreadable = True

    stopped = run_import(directory, "users.csv", "--dry-run")

    assert (stopped.exit_code, "The directory cannot be read: 500" in stopped.output) == (1, True)


def test_import_prints_no_control_characters_of_files(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    Path("more.csv").write_text("user_id,\x1b]0;owned\x07[red]:key:\nusr_1,x\n")

    failed = run_import(directory, "more.csv")

    assert "\x1b" not in failed.output
    assert "more.csv:1: \\x1b]0;owned\\x07[red]:key:: a row of a user has no such column" in failed.output


def test_import_of_rows_that_differ_in_case_of_address_sends_one(
    directory: FakeDirectory, files: tuple[str, ...]
) -> None:
    Path("more.csv").write_text("user_id,email,name\nusr_1,ONE@a.example, One\n")

    assert run_import(directory, "users.csv", "more.csv").exit_code == 0
    assert sorted(directory.paths) == ["/directory/users/usr_1", "/directory/users/usr_2"]


def test_import_of_conflicting_files_prints_errors(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    Path("more.jsonl").write_text(
        "\n".join(
            json.dumps(row)
            for row in (
                {"user_id": "usr_1", "email": "one@a.example", "name": "One"},
                {"user_id": "usr_1", "email": "other@a.example", "name": "One"},
                {"user_id": "usr_3", "email": "TWO@partner.example", "name": "Three"},
                {"user_id": "usr_4", "email": "nobody", "name": "Four"},
                {"account_id": "acct_a", "user_id": "usr_4", "permission_set": "sales"},
                {"account_id": "acct_z", "user_id": "usr_9", "permission_set": "sales"},
            )
        )
    )
    result = run_import(directory, *files, "more.jsonl", "--dry-run")

    assert result.exit_code == 1
    for sentence in (
        "more.jsonl:2: users.csv:2 has other values for the same user",
        "more.jsonl:3: email: is also the address of users.csv:3. An address belongs to one user, even to a deactivated",
        "more.jsonl:4: email: not an email address",
        "more.jsonl:6: account_id: is in none of these files",
        "more.jsonl:6: user_id: is in none of these files",
    ):
        assert sentence in result.output
    assert "4 of 15 rows cannot be sent." in result.output
    assert "more.jsonl:1:" not in result.output
    assert "more.jsonl:5:" not in result.output


# Addresses that pass from one user to another


def has_users(directory: FakeDirectory, **addresses: str) -> None:
    for user_id, email in addresses.items():
        path = f"/directory/users/{user_id}"
        directory.stored[path] = {"user_id": user_id, "email": email, "name": user_id}
        directory.owners[email] = path


@pytest.mark.parametrize(("rows", "addresses"), [
    ("usr_1,b@a.example\nusr_2,c@a.example\nusr_3,d@a.example\n", ["b", "c", "d"]),
    ("new,a@a.example,New\nusr_1,former@a.example,One\n", ["former", "b", "c"]),
], ids=["chain", "successor of a person whose address changes"])  # fmt: skip
def test_import_of_address_that_becomes_free_succeeds_in_any_order(
    directory: FakeDirectory, files: tuple[str, ...], rows: str, addresses: list[str]
) -> None:
    has_users(directory, usr_1="a@a.example", usr_2="b@a.example", usr_3="c@a.example")
    name = ",name" if "New" in rows else ""
    Path("users.csv").write_text(f"user_id,email{name}\n{rows}")

    assert run_import(directory, "users.csv", "--dry-run").exit_code == 0
    assert run_import(directory, "users.csv", "--parallel", "1").exit_code == 0
    assert [directory.stored[f"/directory/users/usr_{nth}"]["email"] for nth in (1, 2, 3)] == [
        f"{each}@a.example" for each in addresses
    ]


@pytest.mark.parametrize(("rows", "users"), [
    ("usr_1,b@a.example\nusr_2,A@a.example\n", "usr_1, usr_2"),
    ("usr_1,b@a.example\nusr_2,c@a.example\nusr_3,a@a.example\n", "usr_1, usr_2, usr_3"),
])  # fmt: skip
@pytest.mark.parametrize("options", [["--dry-run"], []])
def test_import_of_users_who_exchange_addresses_says_why_not(
    directory: FakeDirectory, files: tuple[str, ...], rows: str, users: str, options: list[str]
) -> None:
    has_users(directory, usr_1="a@a.example", usr_2="b@a.example", usr_3="c@a.example")
    Path("users.csv").write_text(f"user_id,email\n{rows}")

    failed = run_import(directory, "users.csv", *options)

    assert failed.exit_code == 1
    lines = [
        line for line in failed.output.splitlines() if f"{users} exchange addresses, and the directory gives" in line
    ]
    assert len(lines) == rows.count("\n")


@pytest.mark.parametrize("row", ["usr_1,false,", "usr_1,false,a@a.example", "usr_1,false,A@a.example"])
def test_import_dry_run_of_successor_of_deactivated_user_says_why_not(
    directory: FakeDirectory, files: tuple[str, ...], row: str
) -> None:
    has_users(directory, usr_1="a@a.example")
    Path("users.csv").write_text(f"user_id,active,email,name\n{row},One\nusr_2,,a@a.example,Two\n")

    failed = run_import(directory, "users.csv", "--dry-run")

    assert failed.exit_code == 1
    owner = "usr_1" if row.endswith(",") else "users.csv:2"
    assert (
        f"users.csv:3: email: is also the address of {owner}. An address belongs to one user, even to a deactivated"
        in failed.output
    )


def test_import_of_super_admin_who_needs_another_one_is_repeated(
    directory: FakeDirectory, files: tuple[str, ...]
) -> None:
    directory.failures = {MEMBER: [(409, "", problem("last_super_admin", "Name another one."))]}
    Path("members.csv").write_text(MEMBERS.replace("acct_a,usr_2,sales", "acct_a,usr_2,super_admin"))

    assert run_import(directory, *files).exit_code == 0
    assert directory.counts[MEMBER] == 2


def test_import_of_address_of_user_in_no_file_fails(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    has_users(directory, usr_9="one@a.example")

    failed = run_import(directory, "users.csv")

    assert failed.exit_code == 1
    assert "users.csv:2" in failed.output
    assert "email_in_use: Another user has this address." in failed.output


@pytest.mark.parametrize("options", [["--partial"], []])
def test_import_of_members_of_existing_accounts_succeeds(
    directory: FakeDirectory, files: tuple[str, ...], options: list[str]
) -> None:
    directory.stored = {"/directory/accounts/acct_a": {}}
    arguments = ["members.csv", "users.csv"] if not options else ["members.csv", "users.csv", "more.csv", *options]
    Path("more.csv").write_text("account_id,name\nacct_c,C\n")
    Path("members.csv").write_text("account_id,user_id,permission_set\nacct_a,usr_1,super_admin\n")

    assert run_import(directory, *arguments).exit_code == 0
    assert directory.stored[MEMBER] == {"permission_set": "super_admin"}


def test_import_with_failed_rows_writes_them_and_can_be_repeated(
    directory: FakeDirectory, files: tuple[str, ...]
) -> None:
    unfit = problem("unknown_permission_set", "Name a set.", "/permission_set")
    directory.failures = {MEMBER: [(422, "", unfit)], "/directory/users/usr_2": [(500, "", {"message": "Oh [no]"})]}

    failed = run_import(directory, *files, "--failed", "failed.jsonl")

    assert failed.exit_code == 1
    cells = [[cell.strip() for cell in line.split("│")[1:4]] for line in failed.output.splitlines() if "│" in line]
    assert cells == [
        ["members.csv:2", "", "not_found: There is nothing here."],
        ["members.csv:3", "permission_set", "unknown_permission_set: Name a set."],
        ["members.csv:5", "", "not_found: There is nothing here."],
        ["users.csv:3", "", '500 {"message": "Oh [no]"}'],
    ]
    assert "4 of 9 rows failed" in failed.output
    assert b"one@a.example" not in Path("state/import.journal").read_bytes()
    assert [json.loads(line) for line in Path("failed.jsonl").read_text().splitlines()] == [
        {"account_id": "acct_a", "user_id": "usr_2", "permission_set": "sales"},
        {"account_id": "acct_a", "user_id": "usr_1", "permission_set": "super_admin"},
        {"account_id": "partner", "user_id": "usr_2", "permission_set": "super_admin"},
        {"user_id": "usr_2", "email": "two@partner.example", "name": "Two"},
    ]

    before = len(directory.paths)
    assert run_import(directory, "failed.jsonl", "--failed", "failed.jsonl", "--dry-run").exit_code == 0
    assert run_import(directory, "failed.jsonl", "--failed", "failed.jsonl").exit_code == 0
    assert len(directory.paths) - before == 4
    assert Path("failed.jsonl").read_text() == ""
    assert not Path("state/import.journal").exists()


def test_import_with_invalid_row_sends_other_rows(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    Path("users.csv").write_text(USERS + "usr_3,nobody,Three\n")

    failed = run_import(directory, *files)

    assert failed.exit_code == 1
    assert "users.csv:4: email: not an email address" in failed.output
    assert "1 of 10 rows failed" in failed.output
    assert "/directory/users/usr_3" not in directory.stored
    assert MEMBER in directory.stored


def test_import_with_many_failed_rows_prints_first_50(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    Path("users.csv").write_text("user_id,email\n" + "".join(f"usr_{nth},nobody\n" for nth in range(60)))

    result = run_import(directory, "users.csv")

    assert "users.csv:61: email" in result.output
    assert "│ users.csv:51 " in result.output
    assert "│ users.csv:52 " not in result.output
    assert "--failed FILE writes all 60 of them" in result.output


@pytest.mark.parametrize("failure", [
    (429, "Retry-After: 0\r\n", {"message": "Too Many Requests"}),
    (503, "", problem("temporarily_unavailable", "Later.")),
    (502, "", {}),
    (504, "", {}),
    (409, "", problem("rights_changed", "Again.")),
    (0, "", {}),
])  # fmt: skip
def test_import_after_temporary_error_repeats_request(
    directory: FakeDirectory, files: tuple[str, ...], failure: tuple[int, str, object]
) -> None:
    directory.failures = {MEMBER: [failure, failure]}

    assert run_import(directory, *files).exit_code == 0
    assert directory.counts[MEMBER] == 3


def test_import_after_8_temporary_errors_fails(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    directory.failures = {MEMBER: [(503, "Retry-After: 0\r\n", {})] * 20}

    failed = run_import(directory, *files)

    assert failed.exit_code == 1
    assert "not accepted in 8 attempts: 503 {}" in failed.output
    assert directory.counts[MEMBER] == 8


@pytest.mark.parametrize(("header", "seconds"), [
    ("7", 7.0),
    ("100000", 60.0),
    (format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True), 0.0),
    (format_datetime(datetime(2999, 1, 1, tzinfo=UTC), usegmt=True), 60.0),
])  # fmt: skip
def test_pause_with_retry_after_header_follows_it(header: str, seconds: float) -> None:
    assert pause_after(ApiResponse("PUT", "/", 429, {"retry-after": header}, b""), 0) == seconds


def test_pause_with_retry_after_date_lasts_until_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 15 < pause_after(ApiResponse("PUT", "/", 429, {"retry-after": soon}, b""), 0) <= 20


@pytest.mark.parametrize("headers", [{}, {"retry-after": "soon"}, {"retry-after": "-1"}])
def test_pause_without_usable_retry_after_grows(headers: dict[str, str]) -> None:
    pauses = [pause_after(ApiResponse("PUT", "/", 503, headers, b""), nth) for nth in (0, 3, 30)]
    assert 0.1 < pauses[0] < 0.3
    assert 0.9 < pauses[1] < 2.1
    assert 29 < pauses[2] <= 60


def test_send_with_expired_token_requests_one_new_token(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    calls: list[str] = []

    def fetch() -> str:
        calls.append("again")
        return TOKEN

    with (
        Journal.in_memory("x") as journal,
        ImportPlan.load(read_rows(Path("users.csv")), journal, partial=True) as plan,
    ):
        caller = ApiClient(directory.base_url, connection_pool())
        send_requests(
            plan, journal, DirectoryClient(caller, AccessToken("old", fetch)), parallel=4, on_request=lambda: None
        )

    assert calls == ["again"]
    assert set(directory.stored) == {"/directory/users/usr_1", "/directory/users/usr_2"}


@pytest.mark.parametrize(("failures", "token", "why"), [
    ({}, "bad", "rejects the token. Run it again"),
    ({MEMBER: [(403, "", {"message": "Forbidden"})]}, TOKEN, "needs the directory scope: 403"),
    ({MEMBER: [(0, "", {})] * 20}, TOKEN, "cannot be reached. Run it again"),
])  # fmt: skip
def test_import_with_general_error_stops_and_continues_later(
    directory: FakeDirectory, files: tuple[str, ...], failures: dict[str, Any], token: str, why: str
) -> None:
    directory.failures = failures
    stopped = run_import(directory, *files, token=token)

    assert stopped.exit_code == 1
    assert why in stopped.output
    directory.failures = {}
    before = len(directory.paths)
    assert run_import(directory, *files).exit_code == 0
    assert len(directory.paths) - before <= (5 if failures else 10)


def test_back_end_with_rejected_new_token_raises_stopped(directory: FakeDirectory) -> None:
    back_end = DirectoryClient(ApiClient(directory.base_url, connection_pool()), AccessToken("old", lambda: "older"))
    with pytest.raises(ImportStopped, match="scope: 401"):
        back_end.submit(DirectoryRequest(ImportStep.USERS, "/directory/users/u", "{}"))


def test_back_end_when_stopped_ends_waiting(directory: FakeDirectory) -> None:
    directory.failures = {"/directory/users/u": [(503, "Retry-After: 60\r\n", {})]}
    back_end = DirectoryClient(ApiClient(directory.base_url, connection_pool()), AccessToken(TOKEN))
    back_end.stop.set()
    with pytest.raises(ImportStopped, match="Stopped"):
        back_end.submit(DirectoryRequest(ImportStep.USERS, "/directory/users/u", "{}"))


@pytest.mark.parametrize(("arguments", "why"), [
    (["--url", "http://api.example", "--token", "t"], "is not an https URL"),
    (["--url", "ftp://127.0.0.1", "--token", "t"], "is not an https URL"),
    (["--url", "https://api.example"], "Pass a token"),
    (["--token", "t"], "--url with a token"),
    ([], "--url with a token"),
])  # fmt: skip
def test_import_without_url_or_token_fails(files: tuple[str, ...], arguments: list[str], why: str) -> None:
    result = CliRunner().invoke(app, ["import", "users.csv", *JOURNAL, *arguments], env={"COLUMNS": "200"})
    assert (result.exit_code, why in result.output) == (1, True)


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_import_with_other_file_as_journal_fails(
    directory: FakeDirectory, files: tuple[str, ...], options: list[str]
) -> None:
    result = run_import(directory, *files, "--journal", "users.csv", *options)

    assert (result.exit_code, "is not an import journal" in result.output) == (1, True)
    assert Path("users.csv").read_text() == USERS


@pytest.mark.parametrize(("options", "why"), [
    (["--journal", "users.csv/journal"], "users.csv"),
    (["--failed", "none/failed.jsonl"], "none/failed.jsonl cannot be used: its folder does not exist."),
])  # fmt: skip
def test_import_with_unusable_output_file_fails_before_it_sends(
    directory: FakeDirectory, files: tuple[str, ...], options: list[str], why: str
) -> None:
    result = run_import(directory, *files, *options)

    assert (result.exit_code, why in result.output, directory.paths) == (1, True, [])


def test_import_with_journal_in_new_folders_succeeds(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    assert run_import(directory, *files, "--journal", "new/folder/journal").exit_code == 0


def test_journal_that_cannot_be_opened_raises_not_a_journal(tmp_path: Path) -> None:
    with pytest.raises(NotAJournal, match="cannot be an import journal"), Journal.open(tmp_path, ""):
        pass


def test_journal_contains_last_accepted_request_of_each_api(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    first, second = (DirectoryRequest(ImportStep.USERS, "/directory/users/u", body) for body in ("1", "2"))
    with Journal.open(file, "here") as here:
        here.record(first)
        assert (here.contains(first), here.contains(second), here.contains_path(first.path)) == (True, False, True)
        here.record(second)
        assert (here.contains(first), here.contains(second)) == (False, True)
        assert not here.contains(DirectoryRequest(ImportStep.ACCOUNTS, second.path, second.body))
    with Journal.open(file, "there") as there:
        assert (there.contains(second), there.contains_path(second.path)) == (False, False)
        there.clear()
    with Journal.in_memory("here", file) as copy:
        assert copy.contains(second)
        copy.clear()
    with Journal.open(file, "here") as here:
        assert here.contains(second)
        here.clear()
    assert not file.exists()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_import_interrupted_by_signal_continues_later(
    directory: FakeDirectory, files: tuple[str, ...], end: signal.Signals
) -> None:
    Path("users.csv").write_text(users_csv(400))
    with start_import(directory, "users.csv") as child:
        while len(directory.paths) < 50:
            time.sleep(0.005)
        child.send_signal(end)
        assert child.wait(20) == 1
        assert child.stderr
        assert b"Stopped. Run it again to continue." in child.stderr.read()
    stopped_at = len(directory.paths)
    assert stopped_at < 400
    assert "requests were sent by an earlier run" in run_import(directory, "users.csv").output
    assert len(directory.stored) == 400
    assert len(directory.paths) <= 400 + 16


# Killed and large imports


def users_csv(number: int) -> str:
    rows = (f"usr_{nth},person.{nth}@a.example,Person {nth}\n" for nth in range(number))
    return "user_id,email,name\n" + "".join(rows)


def write_files(accounts: int, users: int, members: int) -> list[str]:
    clients = (f"acct_{nth},client,Client {nth},{'closed' if nth % 5 == 4 else 'active'}\n" for nth in range(accounts))
    Path("accounts.csv").write_text("account_id,kind,name,state\n" + "".join(clients))
    Path("users.csv").write_text(users_csv(users))
    with Path("members.jsonl").open("w") as file:
        for nth in range(members):
            row = {
                "account_id": f"acct_{nth % accounts}",
                "user_id": f"usr_{nth % users}",
                "permission_set": "super_admin" if nth < accounts else "sales",
            }
            file.write(json.dumps(row) + "\n")
    return ["members.jsonl", "users.csv", "accounts.csv"]


def start_import(directory: FakeDirectory, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start the command in a process of its own."""
    here = str(template.ROOT)
    return subprocess.Popen(
        [sys.executable, "-m", "tools.operate", "import", "--url", directory.base_url, *JOURNAL, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": here, "TOKEN": TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish_import(directory: FakeDirectory, *arguments: str) -> tuple[int, int]:
    """Run the command. Return the exit code and the peak memory in KiB."""
    with start_import(directory, *arguments) as child:
        assert child.stderr
        drain = threading.Thread(target=child.stderr.read)
        drain.start()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        drain.join()
    return child.returncode, used.ru_maxrss


def test_import_after_kill_continues_with_same_result(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    arguments = write_files(accounts=20, users=150, members=300)
    with running_directory() as other:
        assert finish_import(other, *arguments, "--journal", "other.journal")[0] == 0
        expected = other.stored

    with start_import(directory, *arguments) as child:
        while len(directory.paths) < 250:
            assert child.poll() is None
            time.sleep(0.002)
        child.kill()
        assert child.wait() == -signal.SIGKILL
    killed_at = len(directory.paths)
    assert killed_at < 474
    assert Path("state/import.journal").exists()

    assert finish_import(directory, *arguments)[0] == 0
    assert directory.stored == expected
    assert len(directory.paths) <= 474 + 16
    assert max(count for path, count in directory.counts.items() if "members" in path) <= 2
    assert not Path("state/import.journal").exists()


def test_import_of_10000_rows_uses_no_more_memory(directory: FakeDirectory, files: tuple[str, ...]) -> None:
    code, few = finish_import(directory, *write_files(accounts=21, users=100, members=200))
    assert code == 0
    directory.stored.clear()

    code, many = finish_import(directory, *write_files(accounts=101, users=4_000, members=5_899), "--parallel", "4")
    assert code == 0
    assert len(directory.stored) == 10_000
    assert many - few < 20_000
