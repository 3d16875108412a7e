"""Offboardings and program changes in the table: the one write, and the reconciliation of each affected account."""

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
from partner_access.domain.errors import StaleFacts, TemporarilyUnavailable
from partner_access.domain.links import links
from partner_access.domain.links.links import Link
from partner_access.domain.notifications import Reconciliation
from partner_access.domain.records import Decision, Record
from partner_access.domain.relationships import offboarding
from partner_access.domain.relationships.offboarding import AffectedMembership, EmployeeOffboarded, OffboardingFacts
from partner_access.domain.users import User
from partner_access.idempotency import StorableResponse
from partner_access.store import accounts, dynamo, keys, queries, writes
from partner_access.store.dynamo import Item, Items
from partner_access.store.keys import Key
from partner_access.store.links import links as stored_links
from partner_access.store.memberships import actors, members

LATE_AFTER: Final = timedelta(minutes=15)


def facts(partner_id: str, user_id: str, actor_id: str) -> OffboardingFacts:
    """Read the partner, its employee, and the caller who would end the employee's access."""
    found = dynamo.read([keys.account(partner_id), *actors.first_keys_of_all(partner_id, (actor_id, user_id))])
    found.read_missing(actors.related_keys(found, partner_id, actor_id))
    return OffboardingFacts(
        partner=found.get_as(Account, keys.account(partner_id)),
        actor=actors.actor(found, partner_id, actor_id),
        employee=actors.actor(found, partner_id, user_id),
    )


def record_offboarding(ended: EmployeeOffboarded, response: StorableResponse | None) -> None:
    """Commit the end of all access of an employee.

    It is one write for any number of clients. Raising the access generation invalidates all grants and open links of
    this user for the partner.
    """
    dynamo.commit(ended, response, members.employment_item(ended.user))


class QueuedReconciliation(Record):
    """A queued reconciliation."""

    act_id: str
    actor_id: str
    reconciliation: Reconciliation

    def act(self, at: datetime) -> Act:
        """Return the act that the reconciliation belongs to, at the current time."""
        return Act(actor_id=self.actor_id, at=at, id=self.act_id)


def queued() -> Iterator[Item]:
    """Yield all queued reconciliations, oldest first, since a later one can depend on an earlier one."""
    return merge(*map(_queued, range(keys.SHARDS)), key=itemgetter("sk"))


def _queued(shard: int) -> Iterator[Item]:
    for page in queries.pages("pk = :shard", shard=f"{keys.RECONCILIATION}{shard}"):
        yield from page.items


def is_due(item: Item, at: datetime) -> bool:
    """Return whether the reconciliation is due. One that could not be read is postponed for a while."""
    return _time(item, "next_at") <= at.timestamp()


def is_late(item: Item, at: datetime) -> bool:
    """Return whether the reconciliation has been queued for so long that it must be reported."""
    return _time(item, "queued_at") <= (at - LATE_AFTER).timestamp()


def _time(item: Item, name: str) -> float:
    """Return the time in epoch seconds, or 0 when it cannot be read."""
    value = item.get(name)
    return float(value) if isinstance(value, Decimal) else 0


def postpone(item: Item, until: datetime) -> None:
    """Postpone the reconciliation, unless another run has completed it in the meantime."""
    transaction_item = writes.update(_key(item), "SET next_at = :until", only_if=writes.EXISTS, until=until)
    with suppress(StaleFacts):
        dynamo.transact([transaction_item])


def complete(item: Item) -> None:
    """Delete the reconciliation, because all affected accounts have been notified."""
    dynamo.transact([writes.delete(_key(item))])


def _key(item: Item) -> Key:
    return Key(item["pk"], item["sk"])


def user_ids(reconciliation: Reconciliation) -> Iterator[str]:
    """Yield the ids of the users concerned: one user, or all present and former members of the partner."""
    if reconciliation.user_id:
        yield reconciliation.user_id
        return
    yield from members.all_ids(reconciliation.partner_id or "")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the accounts of a user, sorted by id, and the id after which the next page starts."""

    affected: list[AffectedMembership]
    after: str | None


def page(
    reconciliation: Reconciliation,
    user_id: str,
    act: Act,
    *,
    after: str | None = None,
    limit: int = dynamo.MAX_BATCH_ITEMS,
) -> Page:
    """Read the user's memberships in one page of their accounts, except partner accounts.

    The list comes from the base table, because an index can be out of date.
    """
    account_ids, next_after = accounts.ids_of(user_id, after=after, limit=limit)
    member_entry_keys = {each: keys.audit(each, member_part(act, each, user_id).new_id("aud")) for each in account_ids}
    program_entry_keys = {each: keys.audit(each, account_part(act, each).new_id("aud")) for each in account_ids}
    partner = [keys.account(reconciliation.partner_id)] if reconciliation.partner_id else []
    found = dynamo.read(
        [
            keys.user(user_id),
            *partner,
            *(key for each in account_ids for key in _account_keys(each, user_id)),
            *member_entry_keys.values(),
            *(program_entry_keys.values() if reconciliation.is_program_change else ()),
        ]
    )
    found.read_missing([key for each in account_ids for key in _related_keys(found, each, user_id)])
    affected = [
        AffectedMembership(
            reconciliation=reconciliation,
            account=account,
            subject=actors.actor(found, each, user_id),
            partner=found.get_as(Account, partner[0]) if partner else None,
            other_super_admins=actors.super_admins(found, each, but=user_id),
            recorded_event=found.get(member_entry_keys[each], {}).get("event"),
            is_program_recorded=program_entry_keys[each] in found,
        )
        for each in account_ids
        if (account := found.get_as(Account, keys.account(each))) and not account.is_partner
    ]
    return Page(affected, next_after)


def all_of(reconciliation: Reconciliation, user_id: str, act: Act) -> Iterator[AffectedMembership]:
    """Yield the user's memberships in all clients, read one page at a time, with what their reconciliation needs."""
    found = page(reconciliation, user_id, act)
    yield from found.affected
    while found.after:
        found = page(reconciliation, user_id, act, after=found.after)
        yield from found.affected


def member_part(act: Act, account_id: str, user_id: str) -> Act:
    """Return the part of an act that is about one user in one account. Its id is the same on each attempt."""
    return act.for_item(f"{account_id}#{user_id}")


def account_part(act: Act, account_id: str) -> Act:
    """Return the part of an act that is about all the partner's members in one account."""
    return act.for_item(account_id)


def _account_keys(account_id: str, user_id: str) -> tuple[Key, ...]:
    return keys.account(account_id), keys.member(account_id, user_id), keys.super_admins(account_id)


def _related_keys(found: Items, account_id: str, user_id: str) -> list[Key]:
    """Return the keys of the records behind the user, and of the other super admins if the user is one."""
    listed = actors.super_admin_ids(found, account_id)
    others = actors.first_keys_of_all(account_id, listed) if user_id in listed else []
    return [*actors.related_keys(found, account_id, user_id), *others]


def reconcile(affected: AffectedMembership, user_id: str, act: Act) -> bool:
    """Commit what the account still has to record and notify.

    Return False when a concurrent change came first, so that the account must be checked again.
    """
    reconciled = offboarding.reconcile(affected, member_part(act, affected.account.account_id, user_id))
    if not reconciled:
        return True
    items = (
        members.transaction_items(reconciled.account, reconciled.before, reconciled.member, reconciled.act.at)
        if reconciled.member
        else ()
    )
    return _try_commit(reconciled, *items)


def notify_of_program_change(affected: AffectedMembership, act: Act) -> bool:
    """Notify the client of the partner's program change, once for all of the partner's members.

    Return False in the same case as `reconcile`.
    """
    decision = offboarding.report_program_change(affected, account_part(act, affected.account.account_id))
    return decision is None or _try_commit(decision)


def _try_commit(decision: Decision, *items: writes.TransactionItem) -> bool:
    try:
        dynamo.commit(decision, None, *items)
    except (StaleFacts, TemporarilyUnavailable):
        return False
    return True


def void_links(reconciliation: Reconciliation, user_id: str, at: datetime) -> Iterator[Link]:
    """Yield links for the user that still look open although access has ended for good."""
    if not reconciliation.ends_access:
        return
    user = dynamo.read([keys.user(user_id)]).get_as(User, keys.user(user_id))
    offboarded_from = sorted(user.offboardings) if user else []
    for partner_id in [reconciliation.partner_id] if reconciliation.partner_id else offboarded_from:
        partner = dynamo.read([keys.account(partner_id)]).get_as(Account, keys.account(partner_id))
        access_generation = links.current_access_generation(user, partner)
        for found in stored_links.all_of(partner_id, user_id):
            yield from (link for link in found if link.is_void_at(at, access_generation))


def revoke(link: Link, act: Act) -> bool:
    """Record on the link that it is revoked. Return False in the same case as `reconcile`."""
    try:
        stored_links.record_end(links.revoke_ineligible(link, act.for_item(link.link_id)))
    except (StaleFacts, TemporarilyUnavailable):
        return False
    return True
