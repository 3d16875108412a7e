"""The body of a response, and the part of it that is stored for a replay."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from partner_access.idempotency import without_names


class ResponseBody(BaseModel):
    """The body of a response. It is stored with the idempotency key, without the fields in `never_stored`."""

    model_config = ConfigDict(frozen=True)

    status: ClassVar[int] = 200
    never_stored: ClassVar[frozenset[str]] = frozenset()

    def to_json(self) -> str:
        """Return the response as JSON. A field without a value is left out, and an empty list is a value."""
        return self.model_dump_json(exclude_none=True)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the response, by lower-case name."""
        return {}

    def to_stored_json(self) -> str:
        """Return the response as it is stored. A replay adds the names of users (idempotency.py)."""
        return without_names(self.model_dump_json(exclude_none=True, exclude=set(self.never_stored)))


ApiResponse = dict[str, Any]


def response(status: int, body: str, headers: Mapping[str, str]) -> ApiResponse:
    return {
        "statusCode": int(status),
        "headers": {"content-type": "application/json", "cache-control": "no-store", **headers},
        "body": "" if status == HTTPStatus.NO_CONTENT else body,
    }
