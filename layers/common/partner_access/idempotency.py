"""Stored responses: what the table keeps beside an idempotency key, and how a caller gets it again.

A stored response holds ids of users, and neither their names nor their addresses. A replay fills these in from the
records of the users, so that the erasure of a user reaches every stored response (docs/decisions/0051).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

USER_ID: Final = "user_id"
PERSONAL_FIELDS: Final = ("name", "email")
"""The fields of an object with a user id that say who the user is. A stored response has null in their place."""


class StorableResponse(Protocol):
    """A response that can be stored beside an idempotency key: its status, and its body as JSON."""

    @property
    def status(self) -> int: ...

    def to_stored_json(self) -> str: ...


class StoredResponseFound(Exception):
    """The idempotency key was used for this same request. The stored response is sent again."""

    def __init__(self, status: int, body: str) -> None:
        """Set the status and body of the stored response."""
        super().__init__(status)
        self.status = status
        self.body = body


def without_names(text: str) -> str:
    """Return the response without names and addresses of users. It is the same text if it has none."""
    body = json.loads(text)
    users = list(_users(body))
    for user in users:
        user.update({name: None for name in PERSONAL_FIELDS if name in user})
    return _to_text(body) if users else text


def user_ids_in(text: str) -> list[str]:
    """Return the ids of the users whose names the stored response lacks."""
    return sorted({user[USER_ID] for user in _users(json.loads(text))})


def with_names(text: str, personal_data_of: Callable[[str], Mapping[str, str | None]]) -> str:
    """Return the stored response with the names and addresses that users have now. A missing one is left out."""
    body = json.loads(text)
    for user in _users(body):
        current = personal_data_of(user[USER_ID])
        for name in [each for each in PERSONAL_FIELDS if each in user]:
            user[name] = current[name]
            if current[name] is None:
                del user[name]
    return _to_text(body)


def _users(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each object in the response that says who a user is."""
    if isinstance(value, list):
        for each in value:
            yield from _users(each)
    if isinstance(value, dict):
        if USER_ID in value and any(name in value for name in PERSONAL_FIELDS):
            yield value
        for each in value.values():
            yield from _users(each)


def _to_text(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
