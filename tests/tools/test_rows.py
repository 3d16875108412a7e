"""Rows of import files: errors with their location, and the requests of valid rows."""

import json
from pathlib import Path

import pytest

from tools.operate.row_files import read_rows
from tools.operate.rows import ImportRow, ImportStep


def read_text(tmp_path: Path, text: str | bytes, name: str = "file") -> list[ImportRow]:
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_rows(file))


def errors_of(tmp_path: Path, text: str | bytes) -> list[str]:
    found = read_text(tmp_path, text)
    return [f"{row.location}: {fault.field}: {fault.reason}" for row in found for fault in row.errors]


@pytest.mark.parametrize(("line", "fault"), [
    ({"user_id": "u", "email": "x"}, "email: not an email address"),
    ({"user_id": "u", "active": "yes"}, "active: input should be a valid boolean"),
    ({"user_id": "u", "colour": "red"}, "colour: no such field"),
    ({"user_id": "no blanks"}, "user_id: is not an id"),
    ({"user_id": 7}, "user_id: is not an id"),
    ({"user_id": "schedule", "name": "Sam"}, "user_id: stands for a job of the service in the audit log"),
    ({"account_id": "a", "user_id": "schedule"}, "user_id: stands for a job of the service in the audit log"),
    ({"name": "Nobody"}, ": neither account_id nor user_id: a member has both, an account and a user one"),
    ({"account_id": "a", "kind": "shop"}, "kind: input should be 'client' or 'partner'"),
    ({"account_id": "a", "kind": "client", "domains": ["a.example"]}, "domains: not for a client"),
    ({"account_id": "a", "kind": "partner", "partner_seat_limit": 3}, "partner_seat_limit: not for a partner"),
    ({"account_id": "a", "kind": "partner", "domains": ["."]}, "domains.0: not an email address"),
    ({"account_id": "a", "user_id": "u", "permission_set": "partner_admin"},
     "permission_set: partner admins are added by a link, by migration or by creation"),
    ({"account_id": "a", "user_id": "u", "seat": "partner"},
     "seat: partner admins are added by a link, by migration or by creation"),
    ({"account_id": "a", "user_id": "u", "permission_set": "king"},
     "permission_set: is not one of marketing, reporting, sales, service, super_admin, view_only"),
])  # fmt: skip
def test_rows_with_invalid_line_reports_field_and_reason(tmp_path: Path, line: dict[str, object], fault: str) -> None:
    found = read_text(tmp_path, "\n" + json.dumps(line) + "\n", "rows.jsonl")

    assert [f"{each.field}: {each.reason}" for each in found[0].errors] == [fault]
    assert found[0].location == "rows.jsonl:2"
    assert json.loads(found[0].text) == line
    with pytest.raises(ValueError, match=r"rows\.jsonl:2"):
        _ = found[0].requests


@pytest.mark.parametrize("line", [
    {"user_id": "auth0|7", "email": "A@Example.com", "name": "Ada", "locale": None, "active": False},
    {"account_id": "a", "partner_seat_limit": None},
    {"account_id": "a", "domains": ["a.example"]},
    {"account_id": "a", "partner_seat_limit": 3},
    {"account_id": "a", "kind": "partner", "domains": ["a.example"], "program": "suspended"},
    {"account_id": "a", "kind": "client", "partner_seat_limit": 0, "pricing": "legacy"},
    {"account_id": "a", "user_id": "u", "permission_set": "super_admin", "seat": "core", "active": True},
    {"account_id": "a", "user_id": "u", "seat": "sales"},
])  # fmt: skip
def test_rows_with_valid_line_reports_no_error(tmp_path: Path, line: dict[str, object]) -> None:
    assert read_text(tmp_path, json.dumps(line))[0].errors == ()


@pytest.mark.parametrize(
    "line", ['{"user_id": "u"', '{"user_id": "u", "user_id": "v"}', '{"user_id": "\\ud800"}', "[]"]
)
def test_rows_with_unparsable_line_keeps_text(tmp_path: Path, line: str) -> None:
    _, found = read_text(tmp_path, '{"user_id": "first"}\n' + line)

    assert found.errors[0].reason.startswith("cannot be read")
    assert found.text == line


def test_rows_with_invalid_utf8_reports_only_that_row(tmp_path: Path) -> None:
    assert errors_of(tmp_path, b'{"user_id": "u"}\n{"user_id": "\xff"}')[0].startswith("file:2: : cannot be read")
    assert errors_of(tmp_path, b"user_id,name\nu,\xff\nv,Vera\n") == ["file:2: name: is not UTF-8"]


def test_rows_of_csv_converts_cells_by_column(tmp_path: Path) -> None:
    accounts = read_text(
        tmp_path,
        "\ufeffaccount_id,kind,name,partner_seat_limit,domains,locale\r\n"
        "a,client,Ada & Co, 3 ,,null\r\n"
        'b,partner,"B, Ltd",,b.example; c.example,\r\n'
        "c,,,null,null,ja\r\n",
    )
    users = read_text(tmp_path, "user_id,active\nu,TRUE\nv,false\n\nw,\n,\n")

    assert [row.errors for row in (*accounts, *users)] == [()] * 6
    assert [row.fields for row in accounts] == [
        {"account_id": "a", "kind": "client", "name": "Ada & Co", "partner_seat_limit": 3, "locale": None},
        {"account_id": "b", "kind": "partner", "name": "B, Ltd", "domains": ["b.example", "c.example"]},
        {"account_id": "c", "partner_seat_limit": None, "domains": [], "locale": "ja"},
    ]
    assert [row.fields.get("active") for row in users] == [True, False, None]


def test_rows_of_csv_reports_line_numbers(tmp_path: Path) -> None:
    found = errors_of(
        tmp_path,
        'account_id,user_id,seat\n\n,u,core\na,u\na,"u\nv",core\na,u,window\nb,"u" x,core\nb,u,sofa\n',
    )

    assert found == [
        "file:3: account_id: is missing",
        "file:4: : has 2 cells, but the header has 3",
        "file:5: user_id: is not an id",
        "file:7: seat: input should be 'core', 'sales', 'service', 'view_only' or 'partner'",
        "file:8: : ',' expected after '\"'",
        "file:9: seat: input should be 'core', 'sales', 'service', 'view_only' or 'partner'",
    ]


NO_ID = "no column account_id or user_id: members have both, accounts and users one."


@pytest.mark.parametrize(("header", "fault"), [
    ("name,kind", f": {NO_ID} The header was read in UTF-8 as 2 columns separated by commas: name, kind."),
    ("User_ID,Name", (f": {NO_ID} The header was read in UTF-8 as 2 columns separated by commas: User_ID, Name."
     " The names of columns are in lower case.")),
    ("user_id;name", (f": {NO_ID} The header was read in UTF-8 as 1 column separated by commas: user_id;name."
     " It seems to be separated by semicolons: save it with commas.")),
    ("user_id\tname", (f": {NO_ID} The header was read in UTF-8 as 1 column separated by commas: user_id\tname."
     " It seems to be separated by tabs: save it with commas.")),
    ("x" * 300, f": {NO_ID} The header was read in UTF-8 as 1 column separated by commas: {'x' * 200}…."),
    ("user_id,kind", "kind: a row of a user has no such column"),
    ("user_id,name,name", "name: is in the header twice"),
    ("account_id,user_id,email", "email: a row of a member has no such column"),
])  # fmt: skip
def test_rows_of_csv_with_invalid_header_stops(tmp_path: Path, header: str, fault: str) -> None:
    assert errors_of(tmp_path, f"{header}\nx,y,z\n")[0] == f"file:1: {fault}"
    assert len(read_text(tmp_path, f"{header}\nx,y,z\n")) == 1


@pytest.mark.parametrize("text", ["", "\n\n", "user_id,name\n", "\ufeff"])
def test_rows_of_file_without_rows_reports_it(tmp_path: Path, text: str) -> None:
    assert errors_of(tmp_path, text) == ["file: : has no rows"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", ["user_id,name\nu,Ada\n", '{"user_id": "u"}\n'])
def test_rows_of_file_in_other_unicode_encoding_reports_it(tmp_path: Path, encoding: str, text: str) -> None:
    assert errors_of(tmp_path, text.encode(encoding)) == ["file: : is in UTF-16: save it in UTF-8"]


@pytest.mark.parametrize(("text", "fault"), [
    (json.dumps({"user_id": "u", "name": "x" * 66_000}), "is longer than 64 KiB"),
    (json.dumps({"account_id": "a", "partner_seat_limit": 0}).replace("0", "9" * 5_000), "cannot be read"),
    ("account_id,partner_seat_limit\na," + "9" * 5_000, "input should be a valid integer"),
    ("account_id,name\na," + "x" * 140_000, "field larger than field limit"),
])  # fmt: skip
def test_rows_with_huge_value_reports_that_row(tmp_path: Path, text: str, fault: str) -> None:
    (error,) = errors_of(tmp_path, text)

    assert fault in error


@pytest.mark.parametrize(("line", "requests"), [
    ({"account_id": "a", "name": "A"}, [(ImportStep.ACCOUNTS, "/directory/accounts/a", {"name": "A"})]),
    ({"account_id": "a", "state": "active"}, [(ImportStep.ACCOUNTS, "/directory/accounts/a", {"state": "active"})]),
    ({"account_id": "a", "name": "A", "state": "closed"}, [
        (ImportStep.ACCOUNTS, "/directory/accounts/a", {"name": "A"}),
        (ImportStep.CLOSED_ACCOUNTS, "/directory/accounts/a", {"name": "A", "state": "closed"}),
    ]),
    ({"account_id": "a", "state": "closed"}, [(ImportStep.CLOSED_ACCOUNTS, "/directory/accounts/a", {"state": "closed"})]),
    ({"user_id": "auth0|7", "name": "U"}, [(ImportStep.USERS, "/directory/users/auth0%7C7", {"name": "U"})]),
    ({"account_id": "a", "user_id": "u", "permission_set": "super_admin"},
     [(ImportStep.SUPER_ADMINS, "/directory/accounts/a/members/u", {"permission_set": "super_admin"})]),
    ({"account_id": "a", "user_id": "u", "permission_set": "super_admin", "active": False},
     [(ImportStep.OTHER_MEMBERS, "/directory/accounts/a/members/u", {"permission_set": "super_admin", "active": False})]),
    ({"account_id": "a", "user_id": "u", "permission_set": "sales"},
     [(ImportStep.OTHER_MEMBERS, "/directory/accounts/a/members/u", {"permission_set": "sales"})]),
])  # fmt: skip
def test_row_requests_have_step_path_and_body(tmp_path: Path, line: dict[str, object], requests: list[object]) -> None:
    (row,) = read_text(tmp_path, json.dumps(line))

    assert [(each.step, each.path, json.loads(each.body)) for each in row.requests] == requests


def test_import_step_label_separates_words_by_spaces() -> None:
    assert ImportStep.SUPER_ADMINS.label == "super admins"
