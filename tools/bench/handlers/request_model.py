"""The pydantic model of a `create_link` request, shared by all handlers that use pydantic."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field, StringConstraints


def _plain_prose(text: str) -> str:
    if any(unicodedata.category(each)[0] == "C" for each in text):
        raise ValueError("not plain text")
    if re.search(r"[<>]|\{\{|://|www\.|\w\.[a-z]{2,}[/:]", text, re.IGNORECASE):
        raise ValueError("not plain prose")
    return text


UserId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:|@-]{0,127}$")]
Permission = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class StrictModel(BaseModel):
    """A strict model: no unknown fields, and no values of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Removals(StrictModel):
    """Permissions to remove from the set."""

    remove: Annotated[list[Permission], Field(max_length=200)] = []


class CreateLinkRequest(StrictModel):
    """The requested access, the employee, and the use of the link."""

    employee_id: UserId | None = None
    account_id: Identifier | None = None
    recipient_email: Annotated[EmailStr, AfterValidator(str.lower)] | None = None
    permissions: Removals = Removals()
    access_days: Annotated[int, Field(ge=1, le=730)] | None = None
    link_days: Annotated[int, Field(ge=1, le=30)] = 7
    max_approvals: Annotated[int, Field(ge=1, le=1000)] = 1
    purpose: (
        Annotated[
            str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_plain_prose)
        ]
        | None
    ) = None
    locale: Literal["en", "ja"] | None = None
