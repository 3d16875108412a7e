"""The body of a response, and the part of it that is stored for a replay."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class ResponseBody(BaseModel):
    """What the caller is told; kept beside his Idempotency-Key without the fields named `never_kept`."""

    model_config = ConfigDict(frozen=True)

    status: ClassVar[int] = 200
    never_stored: ClassVar[frozenset[str]] = frozenset()

    def to_json(self) -> str:
        """The answer as JSON; what has no value is left out."""
        return self.model_dump_json(exclude_none=True)

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes along with the answer, by lower-case name."""
        return {}

    def to_stored_json(self) -> str:
        """The answer as a replay will give it."""
        return self.model_dump_json(exclude_none=True, exclude=set(self.never_stored))


ApiResponse = dict[str, Any]


def response(status: int, body: str, headers: Mapping[str, str]) -> ApiResponse:
    return {
        "statusCode": int(status),
        "headers": {"content-type": "application/json", "cache-control": "no-store", **headers},
        "body": "" if status == HTTPStatus.NO_CONTENT else body,
    }
