"""Audit log of an account, in pages, newest first. The id of an entry begins with its creation time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from partner_access.domain.accounts import Account
from partner_access.domain.audit.audit_log import EPOCH, AuditLogFacts, Span, subjects_of
from partner_access.domain.records import AuditEntry
from partner_access.domain.users import User
from partner_access.store import dynamo, keys, queries
from partner_access.store.attribute_values import from_attribute_values
from partner_access.store.memberships import actors

MILLISECOND: Final = timedelta(milliseconds=1)
AFTER_ALL_IDS: Final = "aud_g"
"""Sorts after every audit id, because the ids consist of hexadecimal digits."""


def facts_for_reading(account_id: str, actor_id: str) -> AuditLogFacts:
    """Read the account, and the caller who would read its audit log."""
    found = dynamo.read([keys.account(account_id), *actors.first_keys(account_id, actor_id)])
    found.read_missing(actors.related_keys(found, account_id, actor_id))
    return AuditLogFacts(
        account=found.get_as(Account, keys.account(account_id)),
        reader=actors.actor(found, account_id, actor_id),
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of audit entries, newest first, with the users and accounts they mention, as far as they are known.

    `after` is the audit id after which the next page starts.
    """

    entries: list[AuditEntry] = field(default_factory=list)
    after: str | None = None
    users: Mapping[str, User] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)


def page(account_id: str, span: Span, *, after: str | None, limit: int) -> Page:
    """Return one page of the entries in the time span, at a cost proportional to the page size."""
    start, end = _first_id(span.start), _first_id(span.end) if span.end else AFTER_ALL_IDS
    if after and after < start:
        # A moving span such as "the last 90 days" has moved past the position of the list.
        return Page()
    listed = queries.query(
        "pk = :audit_log AND sk BETWEEN :start AND :end",
        limit=limit,
        after=keys.audit(account_id, after)._asdict() if after else None,
        newest_first=True,
        audit_log=f"{keys.AUDIT}{account_id}",
        start=start,
        end=end,
    )
    entries = [entry_of(each) for each in listed.items]
    users, accounts = _users_of(entries), _accounts_of(entries)
    found = dynamo.read([*users.values(), *accounts.values()])
    return Page(
        entries,
        listed.after["sk"] if listed.after else None,
        found.all_as(User, users),
        found.all_as(Account, accounts),
    )


def from_stream(record: Mapping[str, Any]) -> tuple[str, AuditEntry]:
    """Return the account id and the audit entry of a record of the table's stream."""
    item = from_attribute_values(record["dynamodb"]["NewImage"])
    return item["pk"].removeprefix(keys.AUDIT), entry_of(item)


def _first_id(instant: datetime) -> str:
    """Return a string that sorts before every audit id of that millisecond and after all earlier ids."""
    return f"aud_{(instant - EPOCH) // MILLISECOND:012x}"


def _users_of(entries: Iterable[AuditEntry]) -> dict[str, keys.Key]:
    return {
        user_id: keys.user(user_id) for entry in entries for user_id in (entry.actor_id, *subjects_of(entry.details))
    }


def _accounts_of(entries: Iterable[AuditEntry]) -> dict[str, keys.Key]:
    return {account_id: keys.account(account_id) for entry in entries for account_id in entry.accounts}


def entry_of(item: dynamo.Item) -> AuditEntry:
    """Convert an item to an audit entry. The table does not store empty details."""
    return AuditEntry.model_validate({"details": {}, **_as_numbers(item)})


def _as_numbers(value: Any) -> Any:
    """Convert the decimals of the table back to integers. All numbers are whole."""
    match value:
        case Decimal():
            return int(value)
        case Mapping():
            return {name: _as_numbers(each) for name, each in value.items()}
        case list():
            return [_as_numbers(each) for each in value]
    return value
