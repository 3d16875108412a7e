"""What is kept now of the accounts and people whom audit entries are about."""

from collections.abc import Iterable, Iterator

from partner_access.domain.accounts import Account
from partner_access.domain.audit.events import Now, person_of
from partner_access.domain.memberships.members import Member
from partner_access.domain.records import AuditEntry
from partner_access.domain.users import User
from partner_access.store import dynamo, keys
from partner_access.store.keys import Key


def now(entries: Iterable[tuple[str, AuditEntry]]) -> list[Now]:
    """What there is beside each entry in the trail of each account, in their order, all of it read at once."""
    about = [(account_id, person_of(entry)) for account_id, entry in entries]
    found = dynamo.read(key for account_id, user_id in about for key in _behind(account_id, user_id))
    return [
        Now.of(
            found.get_as(Account, keys.account(account_id)),
            found.get_as(Member, keys.member(account_id, user_id)) if user_id else None,
            found.get_as(User, keys.user(user_id)) if user_id else None,
        )
        for account_id, user_id in about
    ]


def _behind(account_id: str, user_id: str | None) -> Iterator[Key]:
    yield keys.account(account_id)
    if user_id:
        yield keys.member(account_id, user_id)
        yield keys.user(user_id)
