"""What is due, from the index that holds nothing else: links and grants whose time is over (performance.md)."""

from collections.abc import Iterator
from datetime import datetime

from partner_access.domain.accounts import Account
from partner_access.domain.grants import GrantExpired, Lapsed
from partner_access.domain.links import Link
from partner_access.domain.members import Member
from partner_access.store import dynamo, keys, members
from partner_access.store.keys import Key


def due(at: datetime) -> Iterator[Link | Lapsed]:
    """Each as it is now; what has gone since the index was written is passed by."""
    for number in range(keys.SHARDS):
        condition = "due_shard = :part AND due_at <= :now"
        for page in dynamo.pages(condition, index="due", part=keys.due_part(number), now=at):
            yield from _whole([Key(each["pk"], each["sk"]) for each in page.items])


def _whole(listed: list[Key]) -> Iterator[Link | Lapsed]:
    found = dynamo.read(listed)
    due_members = [Member.model_validate(found[key]) for key in listed if key in found and keys.is_member(key)]
    accounts = dynamo.read(keys.account(member.account_id) for member in due_members)
    for member in due_members:
        account = accounts.get_as(Account, keys.account(member.account_id))
        if account:
            yield Lapsed(member, account)
    yield from (Link.model_validate(found[key]) for key in listed if key in found and not keys.is_member(key))


def record(expired: GrantExpired) -> None:
    """The membership without its grant, unless something happened to it meanwhile."""
    dynamo.commit(expired, None, *members.lines(expired.account, expired.before, expired.member))
