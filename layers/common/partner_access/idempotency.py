"""Stored responses: what the table keeps beside an idempotency key, and how a caller gets it again."""

from typing import Protocol


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
