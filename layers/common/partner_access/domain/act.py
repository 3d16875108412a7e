"""The act: who acts, when, and the id of this one request."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from math import inf
from typing import Final, Self

SCHEDULE: Final = "schedule"
"""The actor of what the expiry job does."""
RESERVED_SUBJECTS: Final = frozenset({SCHEDULE})
"""Actors that are no users. No user has one of these ids, or the audit log would show their name for the job."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The caller's idempotency key, bound to the caller and the route, and the digest of the request."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """The caller, the time and an id for one operation. It is the only source of identity, time and randomness.

    `random` is 43 characters of 256 random bits, for at most one secret. `deadline` is when retries stop, in epoch
    seconds.
    """

    actor_id: str
    at: datetime
    id: str
    for_vendor: bool = False
    scopes: frozenset[str] = frozenset()
    idempotency_key: IdempotencyKey | None = None
    random: str = field(default="", repr=False)
    deadline: float = inf

    def new_id(self, prefix: str) -> str:
        """Return an id for a record that this act creates, such as `lnk_0193…`. Ids of later acts sort after it."""
        return f"{prefix}_{self.id}"

    def for_item(self, item_id: str) -> Self:
        """Return the part of this act for one of many items, with its own id and idempotency key."""
        digest = sha256(item_id.encode()).hexdigest()
        idempotency_key = self.idempotency_key and IdempotencyKey(
            f"{digest}.{self.idempotency_key.key}", self.idempotency_key.fingerprint
        )
        return replace(self, id=self.id[:16] + digest[:16], idempotency_key=idempotency_key)

    def without_key(self) -> Self:
        """Return the act without its idempotency key. The outcome is not a success, so it is never replayed."""
        return replace(self, idempotency_key=None)
