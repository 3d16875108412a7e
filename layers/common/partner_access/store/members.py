"""The lines that a membership takes in a transaction: the member, the seat, the mirror, the list of super admins."""

from collections.abc import Iterator

from partner_access.domain.accounts import Account
from partner_access.domain.members import Member, seat_change
from partner_access.domain.refusals import NoSeatLeft
from partner_access.store import dynamo, keys

SEAT_FREE = "attribute_not_exists(seats) OR seats_taken < seats"
SEAT_TAKEN = "seats_taken > :none"


def lines(account: Account, before: Member | None, after: Member) -> Iterator[dynamo.Line]:
    """Write a membership with all that goes along; what it was before is pinned by whoever relied on it."""
    yield from _seat_lines(account, seat_change(before, after))
    key = keys.member(after.account_id, after.user_id)
    yield dynamo.put(key, after, only_if=None if before else dynamo.ABSENT)
    if not before:
        mirror = keys.account_of(after.user_id, after.account_id)
        yield dynamo.put(mirror, {"account_id": after.account_id}, only_if=None)
    yield from _super_admin_lines(before, after)


def _seat_lines(account: Account, change: int) -> Iterator[dynamo.Line]:
    key = keys.account(account.account_id)
    if change > 0:
        yield dynamo.update(key, "ADD seats_taken :one", only_if=SEAT_FREE, otherwise=NoSeatLeft, one=1)
    if change < 0:
        yield dynamo.update(key, "ADD seats_taken :less", only_if=SEAT_TAKEN, less=-1, none=0)


def _super_admin_lines(before: Member | None, after: Member) -> Iterator[dynamo.Line]:
    was = before is not None and before.active and before.is_super_admin
    is_now = after.active and after.is_super_admin
    if was != is_now:
        key = keys.super_admins(after.account_id)
        change = "ADD user_ids :one" if is_now else "DELETE user_ids :one"
        yield dynamo.update(key, change, only_if=None, one={after.user_id})
