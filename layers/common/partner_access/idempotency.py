"""Stored responses: what the table keeps beside an idempotency key, and how a caller gets it again."""

from typing import Protocol


class StorableResponse(Protocol):
    """A response that can be stored beside an idempotency key: its status, and its body as JSON."""

    @property
    def status(self) -> int: ...

    def to_stored_json(self) -> str: ...


class StoredResponseFound(Exception):
    """The caller's key has been used for this very request: here is what it was answered."""

    def __init__(self, status: int, body: str) -> None:
        """The status and body as they were kept."""
        super().__init__(status)
        self.status = status
        self.body = body
