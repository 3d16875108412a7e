"""Read the operator's files (CSV or JSON lines) row by row. Each row is validated with the API's own rules."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Final, TextIO
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from functions.manage_directory.app import PutAccountRequest, PutMemberRequest, PutUserRequest
from partner_access.api import json_body
from partner_access.api.errors import MalformedBody
from partner_access.api.request_fields import Identifier, PartialRequest
from partner_access.domain.accounts import AccountKind
from partner_access.domain.directory import CLIENT_ONLY_FIELDS, PARTNER_ONLY_FIELDS
from partner_access.domain.memberships.members import Seat
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import SetName
from tools.api_client import Json

UNREADABLE: Final = "cannot be read: use one JSON object in UTF-8 per line, without duplicate names"
NULL: Final = "null"
"""The cell text that removes a value. An empty cell keeps the value."""
BOOLEANS: Final = {"true": True, "false": False}


class RecordType(StrEnum):
    """The type of record that a row describes."""

    ACCOUNT = "account"
    USER = "user"
    MEMBER = "member"


IDS: Final[Mapping[RecordType, tuple[str, ...]]] = {
    RecordType.ACCOUNT: ("account_id",),
    RecordType.USER: ("user_id",),
    RecordType.MEMBER: ("account_id", "user_id"),
}
MODELS: Final[Mapping[RecordType, type[PartialRequest]]] = {
    RecordType.ACCOUNT: PutAccountRequest,
    RecordType.USER: PutUserRequest,
    RecordType.MEMBER: PutMemberRequest,
}


class ImportStep(IntEnum):
    """The order in which requests are sent. The order within a step does not matter."""

    ACCOUNTS = 1
    USERS = 2
    SUPER_ADMINS = 3
    OTHER_MEMBERS = 4
    CLOSED_ACCOUNTS = 5

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class DirectoryRequest:
    """A PUT request with the body as it is sent."""

    step: ImportStep
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class RowError:
    """An error in a row. `field` is empty when the error concerns the whole row."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row with its location, such as `members.csv:17`, and all its errors. `text` is the row as a JSON line."""

    location: str
    text: str
    kind: RecordType | None
    fields: Json
    email: str | None = None
    errors: tuple[RowError, ...] = ()

    @property
    def requests(self) -> tuple[DirectoryRequest, ...]:
        """The requests for this row. An account is closed last, since a closed account cannot be changed."""
        body = {name: value for name, value in self.fields.items() if name not in IDS[self._kind]}
        match self._kind:
            case RecordType.USER:
                return (self._request(ImportStep.USERS, body),)
            case RecordType.MEMBER:
                leads = body.get("permission_set") == SetName.SUPER_ADMIN and body.get("active", True)
                return (self._request(ImportStep.SUPER_ADMINS if leads else ImportStep.OTHER_MEMBERS, body),)
        if body.get("state") != "closed":
            return (self._request(ImportStep.ACCOUNTS, body),)
        opened = {name: value for name, value in body.items() if name != "state"}
        first = (self._request(ImportStep.ACCOUNTS, opened),) if opened else ()
        return (*first, self._request(ImportStep.CLOSED_ACCOUNTS, body))

    @property
    def path(self) -> str:
        """The directory path that this row is sent to."""
        return record_path(*(str(self.fields[name]) for name in IDS[self._kind]), kind=self._kind)

    @property
    def _kind(self) -> RecordType:
        if self.kind is None or self.errors:
            raise ValueError(self.location)
        return self.kind

    def _request(self, step: ImportStep, body: Json) -> DirectoryRequest:
        return DirectoryRequest(step, self.path, json.dumps(body, ensure_ascii=False, sort_keys=True))


def record_path(*ids: str, kind: RecordType) -> str:
    """Return the directory path of the record with these ids."""
    first, *rest = (quote(each, safe="@:") for each in ids)
    if kind is RecordType.USER:
        return f"/directory/users/{first}"
    return "/".join((f"/directory/accounts/{first}", *(f"members/{each}" for each in rest)))


def read_rows(path: Path) -> Iterator[ImportRow]:
    """Yield the rows of a file, one at a time.

    A file that starts with a brace has JSON lines, and any other file is CSV.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        start = next((line for line in file if line.strip()), "")
        file.seek(0)
        yield from (_json_rows if start.lstrip().startswith("{") else _csv_rows)(path.name, file)


def _json_rows(name: str, file: TextIO) -> Iterator[ImportRow]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        location = f"{name}:{number}"
        try:
            fields = json_body.parsed({"headers": {"content-type": "application/json"}, "body": line})
        except MalformedBody:
            yield ImportRow(location, _encodable(line.strip()), None, {}, errors=(RowError("", UNREADABLE),))
        else:
            yield validated_row(location, _kind(fields), fields)


def _kind(names: Mapping[str, object] | list[str]) -> RecordType | None:
    """Return the type of record that these field names identify.

    An account has one id, a user another, a member both.
    """
    found = [kind for kind, ids in IDS.items() if set(ids) == {"account_id", "user_id"} & set(names)]
    return found[0] if found else None


def _csv_rows(name: str, file: TextIO) -> Iterator[ImportRow]:
    reader = csv.reader(file, strict=True)
    header: list[str] = []
    kind: RecordType | None = None
    while True:
        location = f"{name}:{reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as unreadable:
            yield ImportRow(
                location, json.dumps({"unreadable": location}), None, {}, errors=(RowError("", str(unreadable)),)
            )
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if header:
            yield _csv_row(location, kind, header, cells)
            continue
        header = [cell.strip() for cell in cells]
        kind = _kind(header)
        if errors := tuple(_column_errors(kind, header)):
            yield ImportRow(location, json.dumps({"header": header}), None, {}, errors=errors)
            return


def _column_errors(kind: RecordType | None, header: list[str]) -> Iterator[RowError]:
    if not kind:
        yield RowError("", "no column account_id or user_id: members have both, accounts and users one")
        return
    known = {*IDS[kind], *_columns(kind)}
    for column in header:
        if column not in known:
            yield RowError(column, f"a row of a {kind} has no such column")
        elif header.count(column) > 1:
            yield RowError(column, "is in the header twice")


def _columns(kind: RecordType) -> set[str]:
    return {field.alias or name for name, field in MODELS[kind].model_fields.items()}


def _csv_row(location: str, kind: RecordType | None, header: list[str], cells: list[str]) -> ImportRow:
    named = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
    if len(cells) != len(header):
        error = RowError("", f"has {len(cells)} cells, but the header has {len(header)}")
        return ImportRow(location, _text(named), None, {}, errors=(error,))
    if encoding_errors := tuple(
        RowError(name, "is not UTF-8") for name, cell in named.items() if _encodable(cell) != cell
    ):
        return ImportRow(location, _text(named), None, {}, errors=encoding_errors)
    return validated_row(
        location, kind, {name: CELL_CONVERTERS.get(name, _text_cell)(cell) for name, cell in named.items()}
    )


def _text_cell(cell: str) -> object:
    return cell


def _number(cell: str) -> object:
    return None if cell == NULL else int(cell) if cell.isascii() and cell.isdigit() else cell


CELL_CONVERTERS: Final[Mapping[str, Callable[[str], object]]] = {
    "active": lambda cell: BOOLEANS.get(cell.lower(), cell),
    "domains": lambda cell: [] if cell == NULL else cell.replace(";", " ").split(),
    "locale": lambda cell: None if cell == NULL else cell,
    "partner_seat_limit": _number,
}
"""Converters for cells that are not text. A value that cannot be converted stays as it is and fails validation."""


def _text(fields: Json) -> str:
    return _encodable(json.dumps(fields, ensure_ascii=False))


def _encodable(text: str) -> str:
    """Escape bytes that are not UTF-8, so that the row can be written to a file."""
    return text.encode(errors="backslashreplace").decode()


def validated_row(location: str, kind: RecordType | None, fields: Json) -> ImportRow:
    """Return the row with every error that the API would find without the content of the directory."""
    if not kind:
        why = "neither account_id nor user_id: a member has both, an account and a user one"
        return ImportRow(location, _text(fields), None, fields, errors=(RowError("", why),))
    faults = [*_id_errors(kind, fields)]
    body = {name: value for name, value in fields.items() if name not in IDS[kind]}
    email = None
    try:
        model = MODELS[kind].model_validate_json(json.dumps(body))
    except ValidationError as invalid:
        faults += [_row_error(error) for error in invalid.errors(include_url=False, include_input=False)]
    else:
        faults += _directory_errors(model)
        email = model.email if isinstance(model, PutUserRequest) and "email" in body else None
    return ImportRow(location, _text(fields), kind, fields, email, tuple(faults))


_identifier: Final = TypeAdapter[str](Identifier)


def _id_errors(kind: RecordType, fields: Json) -> Iterator[RowError]:
    for name in IDS[kind]:
        try:
            _identifier.validate_python(fields.get(name), strict=True)
        except ValidationError:
            yield RowError(name, "is missing" if name not in fields else "is not an id")


def _row_error(error: ErrorDetails) -> RowError:
    field = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return RowError(field, "no such field")
    return RowError(field, error["msg"][:1].lower() + error["msg"][1:])


def _directory_errors(model: PartialRequest) -> Iterator[RowError]:
    """Yield the errors that the directory reports whatever it contains already."""
    named_fields = model.named_fields
    if isinstance(model, PutAccountRequest) and "kind" in named_fields:
        forbidden = CLIENT_ONLY_FIELDS if model.kind is AccountKind.PARTNER else PARTNER_ONLY_FIELDS
        yield from (RowError(name, f"not for a {model.kind}") for name in forbidden if name in named_fields)
    if isinstance(model, PutMemberRequest):
        if model.permission_set == SetName.PARTNER_ADMIN or model.seat is Seat.PARTNER:
            field = "seat" if model.seat is Seat.PARTNER else "permission_set"
            yield RowError(field, "partner admins are added by a link, by migration or by creation")
        elif "permission_set" in named_fields and model.permission_set not in catalogue.SETS:
            yield RowError(
                "permission_set", f"is not one of {', '.join(sorted(set(catalogue.SETS) - {'partner_admin'}))}"
            )
