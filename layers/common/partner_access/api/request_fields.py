"""Building blocks of requests: strict bodies and queries, and the types of their text fields."""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from typing_extensions import override

from partner_access.api.response_body import ResponseBody
from partner_access.domain.access_ends import MAX_ACCESS_DAYS, RequestedEnd
from partner_access.domain.errors import InvalidField
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.permissions.rights import Overrides
from partner_access.domain.time_zones import time_zone_names
from partner_access.idempotency import without_names
from partner_access.plain_text import has_visible_character, is_invisible, with_full_stops
from partner_access.user_ids import USER_ID

MAX_COMBINING: Final = 8
LINE_BREAK: Final = "[\t\r\n\u2028\u2029]"
SPACES: Final = "[ \u3000\t\r\n\u2028\u2029]+"


def _plain_text(text: str) -> str:
    """Reject invisible characters and those that change the reading direction (threat-model.md §2.1).

    Also reject a text without any visible character.
    """
    combined = 0
    for character in text:
        category = unicodedata.category(character)
        combined = combined + 1 if category in {"Mn", "Me"} else 0
        if is_invisible(character) or category in {"Zl", "Zp"} or combined > MAX_COMBINING:
            raise PydanticCustomError("invalid_text", "not plain text")
    if not has_visible_character(text):
        raise PydanticCustomError("invalid_text", "not visible text")
    return text


def _on_one_line(text: str) -> str:
    """Return the text with one space for each line break or tab and the spaces around it (http-api.md)."""
    return re.sub(SPACES, lambda found: " " if re.search(LINE_BREAK, found[0]) else found[0], text)


def _prose(text: str) -> str:
    """Reject markup, placeholders and links in a text that goes into an email, also in full-width characters."""
    links = re.search(r"://|www\.|\w\.(?!jsx?[/:])[a-z]{2,}[/:]", with_full_stops(text), re.IGNORECASE)
    # An arrow or a heart is no markup. A tag has one of these right after its bracket.
    if links or re.search(r"<[A-Za-z/!?]|\{\{", text):
        raise PydanticCustomError("invalid_text", "not plain prose")
    return text


class _LinkSecretParser:
    """Parser of link secrets. It rejects malformed ones with 404, without a database read (threat-model.md §2.3)."""

    @staticmethod
    def __get_pydantic_core_schema__(_: object, __: object) -> CoreSchema:
        return core_schema.no_info_after_validator_function(LinkSecret.read, core_schema.str_schema(strict=True))


def _iso_date(text: object) -> date:
    """Parse a date of the form 2027-04-10, which is the only one of ISO 8601 that is accepted."""
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise PydanticCustomError("invalid_date", "not a date")
    return date.fromisoformat(text)


def _time_zone(name: str) -> str:
    if name not in time_zone_names():
        raise PydanticCustomError("unknown_time_zone", "not the name of a time zone")
    return name


def _text_up_to(longest: int) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest)


IDENTIFIER: Final = r"^[A-Za-z0-9][A-Za-z0-9_.:|@-]{0,127}$"
"""The form of ids of accounts, and of this service's own ids. Ids of users have a wider one (user_ids.py)."""


def is_identifier(text: str) -> bool:
    """Return whether the text has the form of an id. Any other text names no record (threat-model.md §2.1)."""
    return re.fullmatch(IDENTIFIER, text, re.ASCII) is not None


Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER)]
UserId = Annotated[str, StringConstraints(pattern=USER_ID)]
Name = Annotated[str, _text_up_to(200), AfterValidator(_plain_text)]
Prose = Annotated[
    str, _text_up_to(500), AfterValidator(_on_one_line), AfterValidator(_plain_text), AfterValidator(_prose)
]
PermissionName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
PermissionNames = Annotated[tuple[PermissionName, ...], Field(max_length=200)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""The IANA name of a time zone."""
LocalDate = Annotated[date, BeforeValidator(_iso_date)]
AccessDays = Annotated[int, Field(ge=1, le=MAX_ACCESS_DAYS)]
ParsedLinkSecret = Annotated[LinkSecret, _LinkSecretParser]


class Request(BaseModel):
    """A JSON body that accepts only its declared fields and exact types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    is_optional: ClassVar[bool] = False


class Absent(Enum):
    """The value of a field that a request does not name. JSON has no such value."""

    ABSENT = "absent"


def kept_if_absent() -> Any:
    """Return a field that keeps its value in the record if the request does not name it.

    It has no default, so that openapi.json promises none and a generated client sends none.
    """
    return Field(default_factory=lambda: Absent.ABSENT)


class PartialRequest(Request):
    """A change of a record. An absent field keeps its value, so every field is declared with `kept_if_absent()`."""

    @property
    def named_fields(self) -> dict[str, Any]:
        """The fields that the request names, by their names in the records."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def requested_end(access_days: int | None, access_ends_on: date | None) -> RequestedEnd:
    """Return the end of access that a request names. Raise `InvalidField` if it names days and a date."""
    if access_days and access_ends_on:
        raise InvalidField("access_ends_on").with_detail("Send `access_days` or `access_ends_on`, not both.")
    return RequestedEnd(access_days=access_days, access_ends_on=access_ends_on)


class Removals(Request, title="Removals"):
    """The permissions to remove from the partner admin set."""

    remove: PermissionNames = ()


class Adjustments(Removals, title="Adjustments"):
    """The permissions to add to a set and remove from it. To narrow one, remove it and add it with the lower scope."""

    add: PermissionNames = ()

    @property
    def overrides(self) -> Overrides:
        return Overrides(added=self.add, removed=self.remove)


class Query(BaseModel):
    """A query string that accepts each of its parameters once, and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ListQuery(Query):
    """Query parameters of every list."""

    limit: Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]?|100)$")] = "25"
    cursor: Annotated[str, StringConstraints(max_length=2048)] | None = None

    @property
    def size(self) -> int:
        return int(self.limit)

    @property
    def filters(self) -> Mapping[str, Any]:
        """The filters of the list. A cursor is valid only for the same filters."""
        return self.model_dump(exclude={"limit", "cursor"}, exclude_none=True)


class ListResponse(ResponseBody):
    """One page of a list. `next_cursor` is null on the last page."""

    next_cursor: str | None = None

    @override
    def to_json(self) -> str:
        body = self.model_dump(mode="json", exclude_none=True)
        return json.dumps({**body, "next_cursor": self.next_cursor}, ensure_ascii=False)

    @override
    def to_stored_json(self) -> str:
        return without_names(self.to_json())
