"""Reports on the table's current state by the product's own rules, in each format."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, now, seed
from tests.support.table import Table
from tests.tools.fake_aws import AwsError, Params, fake_clients
from tools.operate import __main__ as operate
from tools.operate import scan as scanning
from tools.operate.__main__ import ReportName, app
from tools.operate.formats import Format, safe_cell, write
from tools.operate.reports import COLUMNS, report
from tools.operate.scan import scan
from tools.operate.stack import DemoStack, StackUnavailable

SECOND = timedelta(seconds=1)
AN_ADMIN = a_partner_admin(grant=a_grant(expires_at=NOW + timedelta(days=10)))


def report_rows(table: Table, name: str, *others: Record, days: int = 30) -> list[dict[str, Any]]:
    seed(table, *others)
    return [dict(row) for row in report(name, table.items(), NOW, days)]


def by_user(rows: Sequence[dict[str, Any]], account: str = CLIENT) -> dict[str, dict[str, Any]]:
    return {row["user_id"]: row for row in rows if row["account_id"] == account}


def test_access_report_lists_members_with_start_grantor_and_end(table: Table) -> None:
    rows = report_rows(table, "access", AN_ADMIN)

    assert by_user(rows)[EMPLOYEE] == {
        "account_id": CLIENT,
        "account": "The Bakery",
        "user_id": EMPLOYEE,
        "email": "user-employee@north.example",
        "name": "Employee",
        "permission_set": "partner_admin",
        "seat": "partner",
        "partner_id": PARTNER,
        "since": "2026-11-12T09:00:00+00:00",
        "by": APPROVER,
        "expires_at": "2026-12-02T09:00:00+00:00",
        "state": "active",
    }
    clerk = by_user(rows)[CLERK]
    assert (clerk["permission_set"], clerk["since"], clerk["expires_at"]) == (
        "view_only",
        "2026-08-14T09:00:00+00:00",
        None,
    )
    assert set(by_user(rows)) == {APPROVER, CLERK, EMPLOYEE}
    assert set(by_user(rows, PARTNER)) == {MANAGER, EMPLOYEE, COLLEAGUE}


@pytest.mark.parametrize(("others", "state"), [
    ([AN_ADMIN], "active"),
    ([AN_ADMIN, an_employee(active=False)], "deactivated"),
    ([AN_ADMIN, the_partner(program=Program.SUSPENDED)], "suspended by program"),
    ([AN_ADMIN, an_employee(email="employee@else.example")], "suspended by employee"),
    ([AN_ADMIN.model_copy(update={"suspended_by": frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER})})],
     "suspended by client, partner"),
    ([a_member(EMPLOYEE, "set_gone")], "without permissions"),
])  # fmt: skip
def test_access_report_states_activity_or_reason(table: Table, others: list[Record], state: str) -> None:
    assert by_user(report_rows(table, "access", *others))[EMPLOYEE]["state"] == state


@pytest.mark.parametrize("ended", [
    a_partner_admin(grant=a_grant(expires_at=NOW)),
    a_member(EMPLOYEE, "sales", active=False),
])  # fmt: skip
def test_access_report_omits_ended_access(table: Table, ended: Record) -> None:
    assert EMPLOYEE not in by_user(report_rows(table, "access", ended))


def test_access_report_of_unknown_user_shows_id_only(table: Table) -> None:
    rows = report_rows(table, "access", a_member("user-stranger", "sales"), a_member("user-x", account_id="acct-gone"))

    stranger = by_user(rows)["user-stranger"]
    assert (stranger["email"], stranger["name"], stranger["state"]) == (None, None, "deactivated")
    assert by_user(rows, "acct-gone")["user-x"]["account"] is None


@pytest.mark.parametrize(("until", "days", "left"), [
    (NOW + SECOND, 0, None),
    (NOW + SECOND, 1, 0),
    (NOW + timedelta(days=30), 30, 30),
    (NOW + timedelta(days=30, seconds=1), 30, None),
    (NOW, 30, None),
    (None, 730, None),
])  # fmt: skip
def test_ending_report_lists_grants_that_end_within_days(table: Table, until: Any, days: int, left: int | None) -> None:
    rows = report_rows(table, "ending", a_partner_admin(grant=a_grant(expires_at=until)), days=days)

    assert [(row["user_id"], row["days_left"]) for row in rows] == ([] if left is None else [(EMPLOYEE, left)])


def test_ending_report_is_sorted_by_end(table: Table) -> None:
    later = a_partner_admin(grant=a_grant(expires_at=NOW + timedelta(days=9)))
    sooner = a_partner_admin(COLLEAGUE, grant=a_grant(grant_id="grt_9", expires_at=NOW + timedelta(days=3)))

    rows = report_rows(table, "ending", later, sooner)

    assert [row["user_id"] for row in rows] == [COLLEAGUE, EMPLOYEE]
    assert (rows[0]["partner_id"], rows[0]["state"]) == (PARTNER, "active")


EMPLOYEE_AS_SUPER_ADMIN = a_member(EMPLOYEE)


@pytest.mark.parametrize(("others", "obstacle"), [
    ([], None),
    ([a_member(APPROVER, "sales")], "last_super_admin"),
    ([the_client(partner_seat_limit=0)], "no_seat_left"),
    ([an_employee(email="employee@else.example")], "not_eligible"),
    ([the_partner(program=Program.SUSPENDED)], "not_eligible"),
    ([the_client(state=AccountState.CLOSED)], "account_closed"),
])  # fmt: skip
def test_migrate_report_lists_partner_employees_with_obstacle(
    table: Table, others: list[Record], obstacle: str | None
) -> None:
    rows = report_rows(table, "migrate", EMPLOYEE_AS_SUPER_ADMIN, *others)

    assert [(row["user_id"], row["partner_id"], row["obstacle"]) for row in rows] == [(EMPLOYEE, PARTNER, obstacle)]


def test_migrate_report_for_two_partners_uses_eligible_one(table: Table) -> None:
    other = the_partner(account_id="partner-a-other", domains=("other.example",))
    works_there, works_here = a_member(EMPLOYEE, "sales", account_id="partner-a-other"), a_member(EMPLOYEE)

    (row,) = report_rows(table, "migrate", other, works_there, works_here)

    assert (row["partner_id"], row["obstacle"]) == ("partner-a-other partner-north", None)


@pytest.mark.parametrize("others", [
    [],
    [a_member(EMPLOYEE, "sales")],
    [EMPLOYEE_AS_SUPER_ADMIN, an_employee(active=False)],
    [a_member(EMPLOYEE, active=False)],
])  # fmt: skip
def test_migrate_report_omits_other_members(table: Table, others: list[Record]) -> None:
    assert report_rows(table, "migrate", *others) == []


@pytest.mark.parametrize(("others", "is_listed"), [
    ([EMPLOYEE_AS_SUPER_ADMIN, a_member(APPROVER, "sales")], True),
    ([EMPLOYEE_AS_SUPER_ADMIN, a_user(APPROVER, active=False)], True),
    ([EMPLOYEE_AS_SUPER_ADMIN], False),
    ([], False),
    ([EMPLOYEE_AS_SUPER_ADMIN, a_member(APPROVER, "sales"), a_member(COLLEAGUE)], False),
    ([a_member(APPROVER, "sales")], False),
])  # fmt: skip
def test_sole_report_lists_accounts_with_only_partner_employee(
    table: Table, others: list[Record], is_listed: bool
) -> None:
    rows = report_rows(table, "sole", *others)

    assert [(row["account_id"], row["user_id"]) for row in rows] == ([(CLIENT, EMPLOYEE)] if is_listed else [])


@pytest.mark.parametrize(("limit", "free"), [(3, 2), (1, 0), (None, None)])
def test_seats_report_shows_limit_and_used_seats(table: Table, limit: int | None, free: int | None) -> None:
    assert report_rows(table, "seats", the_client(partner_seat_limit=limit), AN_ADMIN) == [
        {"account_id": CLIENT, "account": "The Bakery", "limit": limit, "taken": 1, "free": free, "state": "active"}
    ]


def test_report_of_unreadable_table_raises_stack_unavailable(table: Table) -> None:
    seed(table)
    table.change(keys.account(CLIENT), kind="shop")

    with pytest.raises(StackUnavailable, match="cannot read"):
        report("seats", table.items(), NOW, 0)


ROWS: list[dict[str, str | int | None]] = [
    {"name": "=1+1", "seat": None, "taken": -2},
    {"name": "Ada [b], あおぞら", "seat": "core", "taken": 1},
]


def test_write_in_each_format_contains_same_rows() -> None:
    tables, sheets, documents = io.StringIO(), io.StringIO(), io.StringIO()
    for how, file in ((Format.TABLE, tables), (Format.CSV, sheets), (Format.JSON, documents)):
        write(ROWS, ("name", "seat", "taken"), how, file)

    assert sheets.getvalue().startswith("\ufeffname,")
    assert list(csv.reader(io.StringIO(sheets.getvalue().removeprefix("\ufeff")))) == [
        ["name", "seat", "taken"],
        ["'=1+1", "", "-2"],
        ["Ada [b], あおぞら", "core", "1"],
    ]
    assert json.loads(documents.getvalue()) == ROWS
    assert "あおぞら" in documents.getvalue()
    assert "2 found" in tables.getvalue()
    assert "│ Ada [b], あおぞら │ core │ 1     │" in tables.getvalue()


@pytest.mark.parametrize(
    "cell", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＋1", "－1", "＠a", "﹦1"]
)
def test_harmless_with_formula_cell_adds_apostrophe(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["a=1", "1", "", None, 7, "'=1"])
def test_harmless_with_other_cell_returns_it_unchanged(cell: str | int | None) -> None:
    assert safe_cell(cell) == cell


def run_report(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *arguments], env={"STACK": "", "COLUMNS": "200"})


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scan with one segment, since moto does not support parallel ones."""
    monkeypatch.setattr(scanning, "SEGMENTS", 1)


@pytest.mark.parametrize("name", list(ReportName))
def test_report_command_reads_table(table: Table, one_at_a_time: None, tmp_path: Path, name: ReportName) -> None:
    seed(table, EMPLOYEE_AS_SUPER_ADMIN)
    file = tmp_path / "report.json"

    result = run_report(name, "--table", table.name, "--format", "json", "--output", str(file))

    assert (result.exit_code, result.output) == (0, "")
    assert all(tuple(row) == COLUMNS[name] for row in json.loads(file.read_text()))
    assert run_report(name, "--table", table.name, "--format", "csv").output.splitlines()[0] == "\ufeff" + ",".join(
        COLUMNS[name]
    )
    assert "found" in run_report(name, "--table", table.name).output


def test_snapshot_command_writes_records_in_form_of_events(
    table: Table, one_at_a_time: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(table, AN_ADMIN)
    session: Any = boto3.Session()
    client = partial(session.client)
    monkeypatch.setattr(operate, "stack_on_aws", lambda *_: DemoStack("here", client, table=table.name))
    file = tmp_path / "snapshot.jsonl"

    written = CliRunner().invoke(app, ["snapshot", "--stack", "here", "--output", str(file)])

    assert (written.exit_code, written.output) == (0, "")
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert {"user_id": EMPLOYEE, "active": True, "version": 1} in [each.get("user") for each in records]
    assert {tuple(each) for each in records} == {("account",), ("user",), ("member",)}
    table.change(keys.user(EMPLOYEE), active="perhaps")
    failed = CliRunner().invoke(app, ["snapshot", "--stack", "here", "--output", str(file)])
    assert (failed.exit_code, "this version cannot read" in failed.output) == (1, True)


def test_ending_report_command_with_days_looks_further_ahead(table: Table, one_at_a_time: None) -> None:
    seed(table, a_partner_admin(grant=a_grant(expires_at=now() + timedelta(days=40))))

    assert run_report("ending", "--table", table.name, "--format", "json").output == "[]\n"
    assert len(json.loads(run_report("ending", "--table", table.name, "--format", "json", "--days", "50").output)) == 1


@pytest.mark.parametrize(("name", "printed"), [
    ("acct:key:42 [bold]", "acct:key:42 [bold]"),
    ("\x1b[31m\u202e", "\\x1b[31m\\u202e"),
])  # fmt: skip
def test_write_table_shows_text_as_it_is(name: str, printed: str) -> None:
    file = io.StringIO()

    write([{"name": name}], ("name",), Format.TABLE, file)

    assert f"│ {printed} │" in file.getvalue()


def test_report_command_into_missing_folder_fails_before_it_reads(table: Table, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "report.csv"

    result = run_report("seats", "--table", "nowhere", "--output", str(file))

    assert (result.exit_code, result.output) == (1, f"{file} cannot be used: its folder does not exist.\n")


@pytest.mark.parametrize(("name", "output_format", "code"), [
    ("あおぞら", "table", 0), ("あおぞら", "csv", 0), ("Zoë 𠮷", "csv", 1), ("Zoë", "table", 1), ("Zoë", "json", 1),
])  # fmt: skip
def test_report_command_in_other_encoding_prints_it_or_says_why_not(
    table: Table, one_at_a_time: None, name: str, output_format: str, code: int
) -> None:
    seed(table, the_client(name=name))
    arguments = ["report", "seats", "--table", table.name, "--format", output_format]

    result = CliRunner(charset="cp932").invoke(app, arguments, env={"STACK": "", "COLUMNS": "200"})

    assert result.exit_code == code
    assert name in result.output or "The text cannot be written in cp932. Use --output FILE" in result.output


@pytest.mark.parametrize(("options", "message"), [
    ([], "Your AWS settings name no region. Pass the stack's with --region."),
    (["--region", "no where"], "There is no client of dynamodb: "),
])  # fmt: skip
@pytest.mark.parametrize("command", [["report", "seats"], ["doctor"], ["audit-log", "key"]])
def test_command_without_usable_region_fails(
    monkeypatch: pytest.MonkeyPatch, command: list[str], options: list[str], message: str
) -> None:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    result = CliRunner().invoke(app, [*command, "--stack", "here", *options], env={"COLUMNS": "200"})

    assert result.exit_code == 1
    assert message.replace("dynamodb", "") in result.output.replace("dynamodb", "").replace("cloudformation", "")


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "Pass either --stack NAME or --demo."),
    (["--table", "elsewhere"], "The table elsewhere cannot be read"),
    (["--table", "elsewhere", "--profile", "nobody"], "There are no AWS credentials"),
])  # fmt: skip
def test_report_command_without_table_fails(
    table: Table, one_at_a_time: None, arguments: list[str], message: str
) -> None:
    result = run_report("seats", *arguments)
    assert (result.exit_code, message in result.output) == (1, True)


def test_scan_merges_segments_and_pages_without_duplicates() -> None:
    def page(params: Params) -> Any:
        assert params["FilterExpression"] == "begins_with(pk, :p0) OR begins_with(pk, :p1)"
        assert params["ExpressionAttributeValues"] == {":p0": {"S": "A#"}, ":p1": {"S": "B#"}}
        nth = int(params.get("ExclusiveStartKey", {"pk": {"S": "0"}})["pk"]["S"])
        item = {"pk": {"S": f"A#{params['Segment']}"}, "sk": {"S": str(nth)}, "at": {"N": "7"}}
        shared = {"pk": {"S": "B#"}, "sk": {"S": "B"}}
        return {"Items": [item, shared], **({} if nth else {"LastEvaluatedKey": {"pk": {"S": "1"}}})}

    found = scan(fake_clients({"dynamodb.Scan": page})("dynamodb"), "table", "A#", "B#")

    assert sorted((item["pk"], item["sk"]) for item in found) == sorted(
        [*((f"A#{segment}", str(nth)) for segment in range(4) for nth in (0, 1)), ("B#", "B")]
    )


def test_scan_denied_by_aws_raises_stack_unavailable() -> None:
    def deny(_: Params) -> Any:
        raise AwsError("AccessDeniedException")

    with pytest.raises(StackUnavailable, match=r"The table t cannot be read: .*AccessDenied"):
        scan(fake_clients({"dynamodb.Scan": deny})("dynamodb"), "t")
