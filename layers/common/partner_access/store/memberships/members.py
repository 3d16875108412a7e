"""Lists of an account's members, and the transaction items that write a membership."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from partner_access.domain.accounts import Account
from partner_access.domain.errors import NoSeatLeft, UnknownPermissionSet
from partner_access.domain.memberships.effective_rights import custom_sets_of, custom_sets_of_partner_member
from partner_access.domain.memberships.members import Member, partner_seat_change
from partner_access.domain.users import User
from partner_access.store import dynamo, keys, queries, writes
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key

SEAT_FREE = "attribute_not_exists(partner_seat_limit) OR partner_seats_used < partner_seat_limit"
SEAT_TAKEN = "partner_seats_used > :none"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the present and former members of an account, sorted by id.

    `found` has their membership items. `after` is the id after which the next page starts.
    """

    user_ids: list[str]
    found: Items
    after: str | None


def page(account_id: str, *, after: str | None = None, limit: int = dynamo.MAX_BATCH_ITEMS) -> Page:
    """Return one page of the present and former members of an account."""
    members = keys.member(account_id, "")
    listed = queries.query(
        "pk = :account AND begins_with(sk, :members)",
        limit=limit,
        after=keys.member(account_id, after)._asdict() if after else None,
        account=members.pk,
        members=members.sk,
    )
    found = Items({Key(each["pk"], each["sk"]): each for each in listed.items})
    user_ids = [str(each["user_id"]) for each in listed.items]
    return Page(user_ids, found, user_ids[-1] if listed.after else None)


def all_ids(account_id: str) -> Iterator[str]:
    """Yield the user ids of all present and former members of an account."""
    for listed in _all_pages(account_id):
        yield from listed.user_ids


def all_records(account_id: str) -> Iterator[Member]:
    """Yield the records of all present and former members of an account."""
    for listed in _all_pages(account_id):
        yield from map(Member.model_validate, listed.found.values())


def _all_pages(account_id: str) -> Iterator[Page]:
    listed = page(account_id)
    yield listed
    while listed.after:
        listed = page(account_id, after=listed.after)
        yield listed


def transaction_items(
    account: Account, before: Member | None, after: Member, at: datetime
) -> Iterator[writes.TransactionItem]:
    """Yield the transaction items that write a membership and all that depends on it.

    The decision relies on the earlier membership, which pins its version.
    """
    yield from _seat_items(account, partner_seat_change(before, after))
    member_item = item(after.model_copy(update={"changed_at": at}))
    yield writes.put(keys.of(after), member_item, only_if=None if before else writes.NOT_EXISTS)
    if not before:
        mirror = keys.account_of(after.user_id, after.account_id)
        yield writes.put(mirror, {"account_id": after.account_id}, only_if=None)
    yield from _super_admin_items(before, after)
    yield from _set_items(after.account_id, before, after)


def item(member: Member) -> dict[str, object]:
    """Return the member as an item, with index keys.

    A member whose grant has an end is in the due index. A partner member is in the listing index.
    """
    due_at = member.grant.next_due_at if member.grant else None
    due = {"due_shard": keys.due_shard(member.user_id), "due_at": due_at} if due_at else {}
    return {**dict(member), **due, **_list_keys(member)}


def _list_keys(member: Member) -> dict[str, str]:
    if not member.active or not member.partner_id:
        return {}
    return {
        "list_key": keys.partner_members(member.partner_id),
        "list_sort_key": f"{member.account_id}#{member.user_id}",
    }


def _seat_items(account: Account, change: int) -> Iterator[writes.TransactionItem]:
    key = keys.of(account)
    if change > 0:
        yield writes.update(key, "ADD partner_seats_used :one", only_if=SEAT_FREE, error=NoSeatLeft, one=1)
    if change < 0:
        yield writes.update(key, "ADD partner_seats_used :less", only_if=SEAT_TAKEN, less=-1, none=0)


def becomes_super_admin(before: Member | None, after: Member) -> bool:
    return _is_active_super_admin(after) and not _is_active_super_admin(before)


def _is_active_super_admin(member: Member | None) -> bool:
    return member is not None and member.active and member.is_super_admin


def raise_version(user: User) -> writes.TransactionItem:
    """Raise the version of a user who becomes super admin.

    Erasing or deactivating a user relies on the list of accounts where they are super admin, so it must then fail.
    """
    return writes.update(keys.user(user.user_id), "SET version = :version", only_if=None, version=user.version + 1)


def _set_items(account_id: str, before: Member | None, after: Member) -> Iterator[writes.TransactionItem]:
    """Count the holders of each custom set that changes. A set that gains a holder must still exist."""
    was, now = custom_sets_of(before), custom_sets_of(after)
    was_for_partners, now_for_partners = custom_sets_of_partner_member(before), custom_sets_of_partner_member(after)
    for set_id in sorted(was | now):
        holders, partner_holders = now[set_id] - was[set_id], now_for_partners[set_id] - was_for_partners[set_id]
        if holders or partner_holders:
            yield writes.update(
                keys.permission_set(account_id, set_id),
                "ADD holders :holders, partner_holders :partner_holders",
                only_if=writes.EXISTS,
                error=UnknownPermissionSet,
                holders=holders,
                partner_holders=partner_holders,
            )


def employment_item(user: User) -> writes.TransactionItem:
    """Write the partners that a user works for or left, and how often all their access for each partner was ended."""
    fields = {
        "version": user.version,
        "employed_by": user.employed_by,
        "offboardings": user.offboardings,
        "manager_offboardings": user.manager_offboardings,
        "employments_ended": user.employments_ended,
    }
    non_empty: dict[str, Any] = {name: value for name, value in fields.items() if value}
    change = ", ".join(f"{name} = :{name}" for name in non_empty)
    # Only employers can become none. The others have entries for good.
    removal = "" if user.employed_by else " REMOVE employed_by"
    return writes.update(keys.user(user.user_id), f"SET {change}{removal}", only_if=None, **non_empty)


def _super_admin_items(before: Member | None, after: Member) -> Iterator[writes.TransactionItem]:
    is_now = _is_active_super_admin(after)
    if _is_active_super_admin(before) != is_now:
        key = keys.super_admins(after.account_id)
        change = "ADD user_ids :one" if is_now else "DELETE user_ids :one"
        yield writes.update(key, change, only_if=None, one={after.user_id})
