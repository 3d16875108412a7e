"""Current records of the accounts and users that audit entries are about."""

from collections.abc import Iterable, Iterator

from partner_access.domain.accounts import Account
from partner_access.domain.audit.events import RecordSnapshots, subject_id_of
from partner_access.domain.memberships.members import Member
from partner_access.domain.records import AuditEntry
from partner_access.domain.users import User
from partner_access.store import dynamo, keys
from partner_access.store.keys import Key


def current_records(entries: Iterable[tuple[str, AuditEntry]]) -> list[RecordSnapshots]:
    """Return the current records for each pair of account and audit entry, in their order, from one read."""
    about = [(account_id, subject_id_of(entry)) for account_id, entry in entries]
    found = dynamo.read(key for account_id, user_id in about for key in _related_keys(account_id, user_id))
    return [
        RecordSnapshots.of(
            found.get_as(Account, keys.account(account_id)),
            found.get_as(Member, keys.member(account_id, user_id)) if user_id else None,
            found.get_as(User, keys.user(user_id)) if user_id else None,
        )
        for account_id, user_id in about
    ]


def _related_keys(account_id: str, user_id: str | None) -> Iterator[Key]:
    yield keys.account(account_id)
    if user_id:
        yield keys.member(account_id, user_id)
        yield keys.user(user_id)
