"""Export the records of the table in the form in which events contain them, to start a copy from."""

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from partner_access.domain.accounts import Account
from partner_access.domain.audit.events import RecordSnapshots
from partner_access.domain.memberships.members import Member
from partner_access.domain.users import User
from partner_access.store import keys
from partner_access.store.keys import Key
from tools.operate.reports import PARTITION_PREFIXES
from tools.operate.scan import Item
from tools.operate.stack import StackUnavailable


def snapshot_lines(items: Iterable[Item]) -> Iterator[str]:
    """Yield each account, user and member as a line of JSON, in the form of the records of an event.

    Each record has its version, so that it does not matter whether an event with the same record comes before or after.
    """
    for item in items:
        try:
            snapshots = _snapshots(Key(item["pk"], item["sk"]), item)
        except ValidationError as unreadable:
            raise StackUnavailable(f"The table has an item that this version cannot read: {unreadable}") from unreadable
        if snapshots:
            yield snapshots.model_dump_json(exclude_none=True)


def _snapshots(key: Key, item: Item) -> RecordSnapshots | None:
    accounts, users = PARTITION_PREFIXES
    if keys.is_member(key):
        return RecordSnapshots.of(None, Member.model_validate(item), None)
    if key == keys.account(key.pk.removeprefix(accounts)):
        return RecordSnapshots.of(Account.model_validate(item), None, None)
    if key == keys.user(key.pk.removeprefix(users)):
        return RecordSnapshots.of(None, None, User.model_validate(item))
    return None
