"""How people stand in accounts, each read as it was at one instant: what a decision rests on (guarantees.md §3)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from math import inf
from typing import Final, NamedTuple

from partner_access.domain.accounts import Account
from partner_access.domain.authorization.access import Presence
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.memberships.members import Member
from partner_access.store import dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.memberships import actors

BEHIND: Final = 2
"""How much of what stands behind a membership is read: with the rest, a decision takes five items at most."""
AT_ONCE: Final = 20
"""Of how many memberships one request reads everything."""
ATTEMPTS: Final = 4


class Pair(NamedTuple):
    """Somebody in an account."""

    account_id: str
    user_id: str


def presences(pairs: Iterable[Pair], at: datetime, *, ends: float = inf) -> Mapping[Pair, Presence]:
    """How each stands there now; those of one request are of one instant."""
    left = iter(dict.fromkeys(pairs))
    found: dict[Pair, Presence] = {}
    while some := list(islice(left, AT_ONCE)):
        found |= _of_one_instant(some, at, ends)
    return found


def _of_one_instant(pairs: list[Pair], at: datetime, ends: float) -> dict[Pair, Presence]:
    """The first read may find that more stands behind a membership; then all of it is read anew, together."""
    wanted: dict[Pair, tuple[Key, ...]] = dict.fromkeys(pairs, ())
    settled: dict[Pair, Presence] = {}
    for _ in range(ATTEMPTS):
        found = dynamo.snapshot((key for pair in wanted for key in (*_own(pair), *wanted[pair])), ends=ends)
        needed = {pair: _behind(found, pair, at) for pair in wanted}
        settled |= {
            pair: _presence(found, pair, behind, at)
            for pair, behind in wanted.items()
            if set(needed[pair]) <= set(behind)
        }
        wanted = {pair: behind for pair, behind in needed.items() if pair not in settled}
        if not wanted:
            return settled
    raise TemporarilyUnavailable


def _own(pair: Pair) -> tuple[Key, ...]:
    return keys.account(pair.account_id), *actors.keys_of(*pair)


def _behind(found: Items, pair: Pair, at: datetime) -> tuple[Key, ...]:
    """The firm and the set that count now, before those that would count without the grant."""
    member = found.get_as(Member, keys.member(*pair))
    needed = dict.fromkeys(_stood_on(pair.account_id, member.as_of(at))) if member else {}
    return tuple(needed)[:BEHIND]


def _stood_on(account_id: str, now: Member) -> Iterator[Key]:
    for place in actors.places(now):
        if place.partner_id:
            yield keys.account(place.partner_id)
        yield from actors.sets_named(account_id, place.permission_set).values()


def _presence(found: Items, pair: Pair, behind: tuple[Key, ...], at: datetime) -> Presence:
    """From what was read for this pair alone: who else was asked about changes no answer."""
    own = Items({key: found[key] for key in (*_own(pair), *behind) if key in found})
    return Presence(own.get_as(Account, keys.account(pair.account_id)), actors.actor(own, *pair), at)
