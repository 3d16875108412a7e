"""A row of an import with its requests. Each row is validated with the API's own rules."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from functions.manage_directory.app import PutAccountRequest, PutMemberRequest, PutUserRequest
from partner_access import user_ids
from partner_access.api.request_fields import Identifier, PartialRequest, UserId
from partner_access.domain.accounts import AccountKind
from partner_access.domain.act import RESERVED_SUBJECTS
from partner_access.domain.directory import CLIENT_ONLY_FIELDS, PARTNER_ONLY_FIELDS
from partner_access.domain.memberships.members import Seat
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import SetName
from tools.api_client import Json


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
    """An error in a row. `field` is empty when the error concerns the whole row, `code` if it is not the directory's."""

    field: str
    reason: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row with its location, such as `members.csv:17`, and all its errors.

    `text` is the row as a JSON line. `normalized` is its content as the directory stores it, equal for rows that differ
    in the case of an address only.
    """

    location: str
    text: str
    kind: RecordType | None
    fields: Json
    normalized: str = ""
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
    of_user = quote(user_ids.to_path(ids[-1]), safe="@:")
    if kind is RecordType.USER:
        return f"/directory/users/{of_user}"
    of_account = f"/directory/accounts/{quote(ids[0], safe='@:')}"
    return of_account if kind is RecordType.ACCOUNT else f"{of_account}/members/{of_user}"


def kind_of(names: Mapping[str, object] | list[str]) -> RecordType | None:
    """Return the type of record that these field names identify.

    An account has one id, a user another, a member both.
    """
    found = [kind for kind, ids in IDS.items() if set(ids) == {"account_id", "user_id"} & set(names)]
    return found[0] if found else None


def row_text(fields: Json) -> str:
    """Return the fields as a line of JSON."""
    return encodable(json.dumps(fields, ensure_ascii=False))


def encodable(text: str) -> str:
    """Escape bytes that are not UTF-8, so that the row can be written to a file."""
    return text.encode(errors="backslashreplace").decode()


def validated_row(location: str, kind: RecordType | None, fields: Json) -> ImportRow:
    """Return the row with every error that the API would find without the content of the directory."""
    if not kind:
        why = "neither account_id nor user_id: a member has both, an account and a user one"
        return ImportRow(location, row_text(fields), None, fields, errors=(RowError("", why),))
    faults = [*_id_errors(kind, fields)]
    body = {name: value for name, value in fields.items() if name not in IDS[kind]}
    email, normalized = None, ""
    try:
        model = MODELS[kind].model_validate_json(json.dumps(body))
    except ValidationError as invalid:
        faults += [_row_error(error) for error in invalid.errors(include_url=False, include_input=False)]
    else:
        faults += _directory_errors(model)
        email = model.email if isinstance(model, PutUserRequest) and "email" in body else None
        normalized = json.dumps(model.model_dump(mode="json", exclude_unset=True), sort_keys=True)
    return ImportRow(location, row_text(fields), kind, fields, normalized, email, tuple(faults))


ID_TYPES: Final = {"account_id": TypeAdapter[str](Identifier), "user_id": TypeAdapter[str](UserId)}


def _id_errors(kind: RecordType, fields: Json) -> Iterator[RowError]:
    for name in IDS[kind]:
        try:
            ID_TYPES[name].validate_python(fields.get(name), strict=True)
        except ValidationError:
            yield RowError(name, "is missing" if name not in fields else "is not an id")
    if fields.get("user_id") in RESERVED_SUBJECTS:
        yield RowError("user_id", "stands for a job of the service in the audit log")


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
