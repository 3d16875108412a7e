"""The act: who acts, when, and the id of this one request."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from math import inf
from typing import Self


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The caller's Idempotency-Key, bound to him and the route, and the digest of what he asked."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who acts, when, and the name of this one time: the only door for identity, time and chance.

    `chance` is 43 characters of 256 random bits, for one secret at most; `ends` is when to stop trying, in epoch seconds.
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
        """An id for what this act brings about, such as `lnk_0193…`; ids of later acts sort after it."""
        return f"{prefix}_{self.id}"

    def for_item(self, item_id: str) -> Self:
        """The share of this act that concerns one of many, with a name and a key of its own."""
        digest = sha256(item_id.encode()).hexdigest()
        idempotency_key = self.idempotency_key and IdempotencyKey(
            f"{self.idempotency_key.key}#{digest}", self.idempotency_key.fingerprint
        )
        return replace(self, id=self.id[:16] + digest[:16], idempotency_key=idempotency_key)

    def without_key(self) -> Self:
        """The same act when its outcome is no success, so that no key shall replay it."""
        return replace(self, idempotency_key=None)
