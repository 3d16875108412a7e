"""Ended and stopped access in the table: the one write, and the accounts that it concerns, one after the other."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import merge
from operator import itemgetter
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import Overtaken, TemporarilyUnavailable
from partner_access.domain.links import links
from partner_access.domain.links.links import Link
from partner_access.domain.notifications import CleanUp
from partner_access.domain.records import Decision, Kept
from partner_access.domain.relationships import offboarding
from partner_access.domain.relationships.offboarding import AccessEnded, Aftermath, DepartureFacts
from partner_access.domain.users import User
from partner_access.idempotency import Storable
from partner_access.store import accounts, dynamo, keys
from partner_access.store.dynamo import Item, Items
from partner_access.store.keys import Key
from partner_access.store.links import links as stored_links
from partner_access.store.memberships import actors, members

LATE: Final = timedelta(minutes=15)


def facts(partner_id: str, user_id: str, by: str) -> DepartureFacts:
    """The partner, its employee, and whoever of it would end what he may do."""
    found = dynamo.read([keys.account(partner_id), *actors.keys_of_all(partner_id, (by, user_id))])
    found.and_read(actors.behind(found, partner_id, by))
    return DepartureFacts(
        partner=found.get_as(Account, keys.account(partner_id)),
        actor=actors.actor(found, partner_id, by),
        employee=actors.actor(found, partner_id, user_id),
    )


def record_end(ended: AccessEnded, answer: Storable | None) -> None:
    """One write, however many clients: whatever he has for the partner, and whatever asks for it, is of an older tenure."""
    dynamo.commit(ended, answer, members.employment(ended.user))


class Queued(Kept):
    """A clean-up that is waiting."""

    act_id: str
    actor_id: str
    reconciliation: CleanUp

    def act(self, at: datetime) -> Act:
        """The act that it belongs to, as its clean-up goes on now."""
        return Act(by=self.actor_id, at=at, name=self.act_id)


def queued() -> Iterator[Item]:
    """All that is to be cleaned up, oldest first: what came later may lean on what came before."""
    return merge(*map(_queued, range(keys.SHARDS)), key=itemgetter("sk"))


def _queued(shard: int) -> Iterator[Item]:
    for page in dynamo.pages("pk = :shard", shard=f"{keys.RECONCILIATION}{shard}"):
        yield from page.items


def is_due(item: Item, at: datetime) -> bool:
    """Whether to look at it now: one that could not be read rests for a while."""
    return _time(item, "next_at") <= at.timestamp()


def is_late(item: Item, at: datetime) -> bool:
    """Whether somebody should know that it is still waiting."""
    return _time(item, "queued_at") <= (at - LATE).timestamp()


def _time(item: Item, name: str) -> float:
    """Long ago where it cannot be told."""
    told = item.get(name)
    return float(told) if isinstance(told, Decimal) else 0


def postpone(item: Item, until: datetime) -> None:
    """Let it rest, unless somebody has done with it meanwhile."""
    line = dynamo.update(_key(item), "SET next_at = :until", only_if=dynamo.IS_THERE, until=until)
    with suppress(Overtaken):
        dynamo.transact([line])


def done(item: Item) -> None:
    """Everybody concerned has heard: the clean-up is over."""
    dynamo.transact([dynamo.delete(_key(item))])


def _key(item: Item) -> Key:
    return Key(item["pk"], item["sk"])


def people(clean_up: CleanUp) -> Iterator[str]:
    """Whom it is about: one person, or all who work or worked for the partner."""
    if clean_up.user_id:
        yield clean_up.user_id
        return
    yield from members.all_ids(clean_up.partner_id or "")


@dataclass(frozen=True, slots=True)
class Page:
    """Some accounts of one person, by id, and the one to go on after."""

    aftermaths: list[Aftermath]
    after: str | None


def page(clean_up: CleanUp, user_id: str, act: Act, *, after: str | None = None, limit: int = dynamo.AT_ONCE) -> Page:
    """What the person is in some of his accounts, partner accounts apart: the base table says, not an index."""
    account_ids, onward = accounts.ids_of(user_id, after=after, limit=limit)
    told = {each: keys.audit(each, share(act, each, user_id).named("aud")) for each in account_ids}
    known = {each: keys.audit(each, of_all(act, each).named("aud")) for each in account_ids}
    partner = [keys.account(clean_up.partner_id)] if clean_up.partner_id else []
    found = dynamo.read(
        [
            keys.user(user_id),
            *partner,
            *(key for each in account_ids for key in _of_account(each, user_id)),
            *told.values(),
            *(known.values() if clean_up.is_of_the_program else ()),
        ]
    )
    found.and_read([key for each in account_ids for key in _behind(found, each, user_id)])
    aftermaths = [
        Aftermath(
            clean_up=clean_up,
            account=account,
            person=actors.actor(found, each, user_id),
            partner=found.get_as(Account, partner[0]) if partner else None,
            others=actors.super_admins(found, each, but=user_id),
            told=found.get(told[each], {}).get("event"),
            knows=known[each] in found,
        )
        for each in account_ids
        if (account := found.get_as(Account, keys.account(each))) and not account.is_partner
    ]
    return Page(aftermaths, onward)


def all_of(clean_up: CleanUp, user_id: str, act: Act) -> Iterator[Aftermath]:
    """All the person's accounts, a page at a time."""
    found = page(clean_up, user_id, act)
    yield from found.aftermaths
    while found.after:
        found = page(clean_up, user_id, act, after=found.after)
        yield from found.aftermaths


def share(act: Act, account_id: str, user_id: str) -> Act:
    """The part of an act that is about one person in one account: it has the same name whenever it is tried."""
    return act.part(f"{account_id}#{user_id}")


def of_all(act: Act, account_id: str) -> Act:
    """The part of an act that is about all the partner's people in one account."""
    return act.part(account_id)


def _of_account(account_id: str, user_id: str) -> tuple[Key, ...]:
    return keys.account(account_id), keys.member(account_id, user_id), keys.super_admins(account_id)


def _behind(found: Items, account_id: str, user_id: str) -> list[Key]:
    """What stands behind the person, and who else runs the account if he does."""
    listed = actors.super_admin_ids(found, account_id)
    others = actors.keys_of_all(account_id, listed) if user_id in listed else []
    return [*actors.behind(found, account_id, user_id), *others]


def follow(aftermath: Aftermath, user_id: str, act: Act) -> bool:
    """Write down and tell what is left to; False when something came between, and it must be looked at once more."""
    followed = offboarding.follow_up(aftermath, share(act, aftermath.account.account_id, user_id))
    if not followed:
        return True
    lines = (
        members.lines(followed.account, followed.before, followed.member, followed.act.at) if followed.member else ()
    )
    return _committed(followed, *lines)


def tell_of_program(aftermath: Aftermath, act: Act) -> bool:
    """The client hears of the partner's program, once for all of the partner's people; False as in `follow`."""
    telling = offboarding.tell_of_program(aftermath, of_all(act, aftermath.account.account_id))
    return telling is None or _committed(telling)


def _committed(decision: Decision, *lines: dynamo.Line) -> bool:
    try:
        dynamo.commit(decision, None, *lines)
    except (Overtaken, TemporarilyUnavailable):
        return False
    return True


def void_links(clean_up: CleanUp, user_id: str, at: datetime) -> Iterator[Link]:
    """Links that name the person, look open and ask for nothing any more, after an end for good."""
    if not clean_up.ends:
        return
    user = dynamo.read([keys.user(user_id)]).get_as(User, keys.user(user_id))
    left = sorted(user.offboardings) if user else []
    for partner_id in [clean_up.partner_id] if clean_up.partner_id else left:
        partner = dynamo.read([keys.account(partner_id)]).get_as(Account, keys.account(partner_id))
        tenure = links.tenure_now(user, partner)
        for found in stored_links.all_of(partner_id, user_id):
            yield from (link for link in found if link.is_void_at(at, tenure))


def withdraw(link: Link, act: Act) -> bool:
    """The link shows to everybody that it is over; False as in `follow`."""
    try:
        stored_links.record_end(links.withdraw(link, act.part(link.link_id)))
    except (Overtaken, TemporarilyUnavailable):
        return False
    return True
