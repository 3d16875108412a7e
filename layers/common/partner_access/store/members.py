"""The lines that a membership takes in a transaction: the member, the seat, the mirror, the list of super admins."""

from collections.abc import Iterator

from partner_access.domain.accounts import Account
from partner_access.domain.members import Member, seat_change
from partner_access.domain.people import User
from partner_access.domain.refusals import NoSeatLeft
from partner_access.store import dynamo, keys

SEAT_FREE = "attribute_not_exists(seats) OR seats_taken < seats"
SEAT_TAKEN = "seats_taken > :none"


def lines(account: Account, before: Member | None, after: Member) -> Iterator[dynamo.Line]:
    """Write a membership with all that goes along; what it was before is pinned by whoever relied on it."""
    yield from _seat_lines(account, seat_change(before, after))
    yield dynamo.put(keys.of(after), item(after), only_if=None if before else dynamo.ABSENT)
    if not before:
        mirror = keys.account_of(after.user_id, after.account_id)
        yield dynamo.put(mirror, {"account_id": after.account_id}, only_if=None)
    yield from _super_admin_lines(before, after)


def item(member: Member) -> dict[str, object]:
    """The member, with a place in the index of what is due while a grant of his has an end."""
    ends = member.grant.expires_at if member.grant else None
    if not ends:
        return dict(member)
    return {**dict(member), "due_shard": keys.due_shard(member.user_id), "due_at": ends}


def _seat_lines(account: Account, change: int) -> Iterator[dynamo.Line]:
    key = keys.of(account)
    if change > 0:
        yield dynamo.update(key, "ADD seats_taken :one", only_if=SEAT_FREE, otherwise=NoSeatLeft, one=1)
    if change < 0:
        yield dynamo.update(key, "ADD seats_taken :less", only_if=SEAT_TAKEN, less=-1, none=0)


def becomes_super_admin(before: Member | None, after: Member) -> bool:
    return _runs_the_account(after) and not _runs_the_account(before)


def _runs_the_account(member: Member | None) -> bool:
    return member is not None and member.active and member.is_super_admin


def new_version(user: User) -> dynamo.Line:
    """For a new super admin: who erases or deactivates him relies on the accounts where he is one."""
    return dynamo.update(keys.user(user.user_id), "SET version = :version", only_if=None, version=user.version + 1)


def _super_admin_lines(before: Member | None, after: Member) -> Iterator[dynamo.Line]:
    is_now = _runs_the_account(after)
    if _runs_the_account(before) != is_now:
        key = keys.super_admins(after.account_id)
        change = "ADD user_ids :one" if is_now else "DELETE user_ids :one"
        yield dynamo.update(key, change, only_if=None, one={after.user_id})
