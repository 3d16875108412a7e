"""The act: who acts, when, and the id of this one request."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from math import inf
from typing import Self


@dataclass(frozen=True, slots=True)
class Once:
    """The caller's Idempotency-Key, bound to him and the route, and the digest of what he asked."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who acts, when, and the name of this one time: the only door for identity, time and chance.

    `chance` is 43 characters of 256 random bits, for one secret at most; `ends` is when to stop trying, in epoch seconds.
    """

    by: str
    at: datetime
    name: str
    for_vendor: bool = False
    scopes: frozenset[str] = frozenset()
    once: Once | None = None
    chance: str = field(default="", repr=False)
    ends: float = inf

    def named(self, prefix: str) -> str:
        """An id for what this act brings about, such as `lnk_0193…`; ids of later acts sort after it."""
        return f"{prefix}_{self.name}"

    def part(self, name: str) -> Self:
        """The share of this act that concerns one of many, with a name and a key of its own."""
        digest = sha256(name.encode()).hexdigest()
        once = self.once and Once(f"{self.once.key}#{digest}", self.once.fingerprint)
        return replace(self, name=self.name[:16] + digest[:16], once=once)

    def unkept(self) -> Self:
        """The same act when its outcome is no success, so that no key shall replay it."""
        return replace(self, once=None)
