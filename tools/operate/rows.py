"""The rows of the operator's files, CSV or JSON lines: each is checked by itself, as the API will check it."""

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

from functions.manage_directory.app import PutAccountRequest, PutMemberRequest, PutUserRequest, Telling
from partner_access.api import json_body
from partner_access.api.request_fields import Identifier
from partner_access.domain.accounts import AccountKind
from partner_access.domain.directory import ONLY_CLIENTS, ONLY_PARTNERS
from partner_access.domain.errors import MalformedBody
from partner_access.domain.memberships.members import Seat
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import SetName
from tools.api_client import Json

NOT_READABLE: Final = "cannot be read: one JSON object in UTF-8 on each line, no name in it twice"
NULL: Final = "null"
"""What a cell says to take a value away; an empty one keeps it."""
TRUTHS: Final = {"true": True, "false": False}


class Kind(StrEnum):
    """What a row is about."""

    ACCOUNT = "account"
    USER = "user"
    MEMBER = "member"


IDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.ACCOUNT: ("account_id",),
    Kind.USER: ("user_id",),
    Kind.MEMBER: ("account_id", "user_id"),
}
TOLD: Final[Mapping[Kind, type[Telling]]] = {
    Kind.ACCOUNT: PutAccountRequest,
    Kind.USER: PutUserRequest,
    Kind.MEMBER: PutMemberRequest,
}


class Step(IntEnum):
    """What is told one after the other; within a step the order does not matter."""

    ACCOUNTS = 1
    USERS = 2
    SUPER_ADMINS = 3
    OTHER_MEMBERS = 4
    CLOSED_ACCOUNTS = 5

    @property
    def words(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Request:
    """One PUT, with its body as it is sent."""

    step: Step
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row, and at which of its fields, if at one."""

    field: str
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its place such as `members.csv:17`, and all that is wrong with it; `text` is it as a JSON line."""

    place: str
    text: str
    kind: Kind | None
    fields: Json
    email: str | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def requests(self) -> tuple[Request, ...]:
        """What tells it: an account is closed last, since nothing can be changed in a closed one."""
        body = {name: value for name, value in self.fields.items() if name not in IDS[self._kind]}
        match self._kind:
            case Kind.USER:
                return (self._request(Step.USERS, body),)
            case Kind.MEMBER:
                leads = body.get("permission_set") == SetName.SUPER_ADMIN and body.get("active", True)
                return (self._request(Step.SUPER_ADMINS if leads else Step.OTHER_MEMBERS, body),)
        if body.get("state") != "closed":
            return (self._request(Step.ACCOUNTS, body),)
        opened = {name: value for name, value in body.items() if name != "state"}
        first = (self._request(Step.ACCOUNTS, opened),) if opened else ()
        return (*first, self._request(Step.CLOSED_ACCOUNTS, body))

    @property
    def path(self) -> str:
        """Where in the directory it is told."""
        return path_of(*(str(self.fields[name]) for name in IDS[self._kind]), kind=self._kind)

    @property
    def _kind(self) -> Kind:
        if self.kind is None or self.faults:
            raise ValueError(self.place)
        return self.kind

    def _request(self, step: Step, body: Json) -> Request:
        return Request(step, self.path, json.dumps(body, ensure_ascii=False, sort_keys=True))


def path_of(*ids: str, kind: Kind) -> str:
    """Where the directory keeps what has these ids."""
    first, *rest = (quote(each, safe="@:") for each in ids)
    if kind is Kind.USER:
        return f"/directory/users/{first}"
    return "/".join((f"/directory/accounts/{first}", *(f"members/{each}" for each in rest)))


def rows(path: Path) -> Iterator[Row]:
    """Each row of a file, one at a time; a file whose first sign is a brace has JSON lines, any other is CSV."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        start = next((line for line in file if line.strip()), "")
        file.seek(0)
        yield from (_json_rows if start.lstrip().startswith("{") else _csv_rows)(path.name, file)


def _json_rows(name: str, file: TextIO) -> Iterator[Row]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        try:
            fields = json_body.parsed({"headers": {"content-type": "application/json"}, "body": line})
        except MalformedBody:
            yield Row(place, _encodable(line.strip()), None, {}, faults=(Fault("", NOT_READABLE),))
        else:
            yield checked(place, _kind(fields), fields)


def _kind(names: Mapping[str, object] | list[str]) -> Kind | None:
    """By its ids: an account has one, a user another, a member both."""
    found = [kind for kind, ids in IDS.items() if set(ids) == {"account_id", "user_id"} & set(names)]
    return found[0] if found else None


def _csv_rows(name: str, file: TextIO) -> Iterator[Row]:
    reader = csv.reader(file, strict=True)
    header: list[str] = []
    kind: Kind | None = None
    while True:
        place = f"{name}:{reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as unreadable:
            yield Row(place, json.dumps({"unreadable": place}), None, {}, faults=(Fault("", str(unreadable)),))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if header:
            yield _csv_row(place, kind, header, cells)
            continue
        header = [cell.strip() for cell in cells]
        kind = _kind(header)
        if wrong := tuple(_wrong_columns(kind, header)):
            yield Row(place, json.dumps({"header": header}), None, {}, faults=wrong)
            return


def _wrong_columns(kind: Kind | None, header: list[str]) -> Iterator[Fault]:
    if not kind:
        yield Fault("", "no column account_id or user_id: members have both, accounts and users one")
        return
    known = {*IDS[kind], *_columns(kind)}
    for column in header:
        if column not in known:
            yield Fault(column, f"a row of a {kind} has no such column")
        elif header.count(column) > 1:
            yield Fault(column, "stands twice in the header")


def _columns(kind: Kind) -> set[str]:
    return {field.alias or name for name, field in TOLD[kind].model_fields.items()}


def _csv_row(place: str, kind: Kind | None, header: list[str], cells: list[str]) -> Row:
    named = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
    if len(cells) != len(header):
        wrong = Fault("", f"has {len(cells)} cells, and the header {len(header)}")
        return Row(place, _text(named), None, {}, faults=(wrong,))
    if broken := tuple(Fault(name, "is no UTF-8") for name, cell in named.items() if _encodable(cell) != cell):
        return Row(place, _text(named), None, {}, faults=broken)
    return checked(place, kind, {name: CELLS.get(name, _as_it_is)(cell) for name, cell in named.items()})


def _as_it_is(cell: str) -> object:
    return cell


def _number(cell: str) -> object:
    return None if cell == NULL else int(cell) if cell.isascii() and cell.isdigit() else cell


CELLS: Final[Mapping[str, Callable[[str], object]]] = {
    "active": lambda cell: TRUTHS.get(cell.lower(), cell),
    "domains": lambda cell: [] if cell == NULL else cell.replace(";", " ").split(),
    "locale": lambda cell: None if cell == NULL else cell,
    "partner_seat_limit": _number,
}
"""How cells that are no text are read; what makes no sense stays as it is, and is refused like all else."""


def _text(fields: Json) -> str:
    return _encodable(json.dumps(fields, ensure_ascii=False))


def _encodable(text: str) -> str:
    """Bytes that were no UTF-8 as escapes, so that the rest of the row can be written down."""
    return text.encode(errors="backslashreplace").decode()


def checked(place: str, kind: Kind | None, fields: Json) -> Row:
    """The row, with all that the API would find wrong with it whatever is in the directory."""
    if not kind:
        why = "neither account_id nor user_id: a member has both, an account and a user one"
        return Row(place, _text(fields), None, fields, faults=(Fault("", why),))
    faults = [*_wrong_ids(kind, fields)]
    body = {name: value for name, value in fields.items() if name not in IDS[kind]}
    email = None
    try:
        telling = TOLD[kind].model_validate_json(json.dumps(body))
    except ValidationError as invalid:
        faults += [_fault(error) for error in invalid.errors(include_url=False, include_input=False)]
    else:
        faults += _unsuitable(telling)
        email = telling.email if isinstance(telling, PutUserRequest) and "email" in body else None
    return Row(place, _text(fields), kind, fields, email, tuple(faults))


_identifier: Final = TypeAdapter[str](Identifier)


def _wrong_ids(kind: Kind, fields: Json) -> Iterator[Fault]:
    for name in IDS[kind]:
        try:
            _identifier.validate_python(fields.get(name), strict=True)
        except ValidationError:
            yield Fault(name, "is missing" if name not in fields else "is no id")


def _fault(error: ErrorDetails) -> Fault:
    field = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return Fault(field, "no such field")
    return Fault(field, error["msg"][:1].lower() + error["msg"][1:])


def _unsuitable(telling: Telling) -> Iterator[Fault]:
    """What the directory refuses whatever it knows already."""
    told = telling.told
    if isinstance(telling, PutAccountRequest) and "kind" in told:
        foreign = ONLY_CLIENTS if telling.kind is AccountKind.PARTNER else ONLY_PARTNERS
        yield from (Fault(name, f"a {telling.kind} has none") for name in foreign if name in told)
    if isinstance(telling, PutMemberRequest):
        if telling.permission_set == SetName.PARTNER_ADMIN or telling.seat is Seat.PARTNER:
            field = "seat" if telling.seat is Seat.PARTNER else "permission_set"
            yield Fault(field, "partner admins come by a link, by migration or by creation")
        elif "permission_set" in told and telling.permission_set not in catalogue.SETS:
            yield Fault("permission_set", f"is none of {', '.join(sorted(set(catalogue.SETS) - {'partner_admin'}))}")
