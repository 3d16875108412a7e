"""Reads of the facts that an access decision relies on, each consistent at one instant (consistency.md §3)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from math import inf
from typing import Final, NamedTuple

from partner_access.domain.accounts import Account
from partner_access.domain.authorization.access import AccessFacts
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.memberships.members import Member
from partner_access.store import dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.memberships import actors

MAX_RELATED_ITEMS: Final = 2
"""Maximum number of related items (partners, custom sets) read per membership. A decision reads at most five items."""
PAIRS_PER_SNAPSHOT: Final = 20
"""Number of memberships that one request reads with all their related items."""
ATTEMPTS: Final = 4


class MemberId(NamedTuple):
    """A user in an account."""

    account_id: str
    user_id: str


def access_facts(pairs: Iterable[MemberId], at: datetime, *, deadline: float = inf) -> Mapping[MemberId, AccessFacts]:
    """Return the access facts of each pair.

    The facts read by one request are all of the same instant.
    """
    remaining = iter(dict.fromkeys(pairs))
    found: dict[MemberId, AccessFacts] = {}
    while batch := list(islice(remaining, PAIRS_PER_SNAPSHOT)):
        found |= _read_at_one_instant(batch, at, deadline)
    return found


def _read_at_one_instant(pairs: list[MemberId], at: datetime, deadline: float) -> dict[MemberId, AccessFacts]:
    """Read the facts of these pairs at one instant.

    A read may show that a membership depends on more items. Then the pair is read again together with them.
    """
    wanted: dict[MemberId, tuple[Key, ...]] = dict.fromkeys(pairs, ())
    complete: dict[MemberId, AccessFacts] = {}
    for _ in range(ATTEMPTS):
        found = dynamo.snapshot((key for pair in wanted for key in (*_own(pair), *wanted[pair])), deadline=deadline)
        needed = {pair: _related_keys(found, pair, at) for pair in wanted}
        complete |= {
            pair: _facts_of(found, pair, behind, at)
            for pair, behind in wanted.items()
            if set(needed[pair]) <= set(behind)
        }
        wanted = {pair: behind for pair, behind in needed.items() if pair not in complete}
        if not wanted:
            return complete
    raise TemporarilyUnavailable


def _own(pair: MemberId) -> tuple[Key, ...]:
    return keys.account(pair.account_id), *actors.first_keys(*pair)


def _related_keys(found: Items, pair: MemberId, at: datetime) -> tuple[Key, ...]:
    """Return the keys of the partner and of the custom set that apply now."""
    member = found.get_as(Member, keys.member(*pair))
    now = member.as_of(at) if member else None
    needed = actors.related_keys(found, *pair) if now and now.active else ()
    return tuple(needed)


def _facts_of(found: Items, pair: MemberId, related: tuple[Key, ...], at: datetime) -> AccessFacts:
    """Build the access facts from the items of this pair only, so that other pairs cannot change the decision."""
    own = Items({key: found[key] for key in (*_own(pair), *related) if key in found})
    return AccessFacts(own.get_as(Account, keys.account(pair.account_id)), actors.actor(own, *pair), at)
