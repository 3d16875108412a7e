"""Reading the audit log of an account: the visible entries, their time span, and the visible parts of an entry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, auto
from typing import Final
from zoneinfo import ZoneInfo

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import Forbidden, InvalidQuery, NotFound
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.permissions.rights import CLIENT_ACCESS_MANAGE
from partner_access.domain.records import AuditEntry
from partner_access.domain.time_zones import DAY, end_of, start_of

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest time for which entry ids contain their time."""
AUDIT_VIEW: Final = "account.audit.view"
MAX_SPAN: Final = timedelta(days=90)
READING_GRACE: Final = timedelta(days=1)
"""The extra length of a span without an end, so that the list can still be read to its end within a day."""
SUBJECT_DETAILS: Final = ("user_id", "employee_id")
"""The details that hold the user ids of an entry's subjects."""
ORPHANED_DETAIL: Final = "orphaned"
"""The detail that lists accounts which are unrelated to each other."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time span from `start`, inclusive, to `end`, exclusive. Without an end it includes everything since."""

    start: datetime
    end: datetime | None = None


def span(first: datetime | date | None, last: datetime | date | None, at: datetime, zone: ZoneInfo) -> Span:
    """Return the requested time span, or the last 90 days by default. Raise `InvalidQuery` for a longer one.

    A date is a whole local day of the account, and the last one is included. An instant as the end is exclusive.
    """
    end = _end_of(last, zone) if last else None
    if not first:
        return Span(max(EPOCH, _earliest_start(last or at, zone)), end)
    start = _start_of(first, zone)
    if last and (first > last if type(first) is type(last) else start > _end_of(last, zone)):
        raise InvalidQuery("from", "to").with_detail("Choose a `from` that is not later than `to`.")
    earliest_start = _earliest_start(last, zone) if last else _earliest_start(at, zone) - READING_GRACE
    if start < earliest_start:
        raise InvalidQuery("from", "to").with_detail("Choose a `from` and a `to` that are at most 90 days apart.")
    return Span(max(EPOCH, start), end)


def _start_of(moment: datetime | date, zone: ZoneInfo) -> datetime:
    return moment if isinstance(moment, datetime) else start_of(moment, zone)


def _end_of(moment: datetime | date, zone: ZoneInfo) -> datetime:
    return moment if isinstance(moment, datetime) else end_of(moment, zone)


def _earliest_start(last: datetime | date, zone: ZoneInfo) -> datetime:
    """Return the start of the longest span. Before a date, it is 90 whole local days long, whatever the clock does."""
    return last - MAX_SPAN if isinstance(last, datetime) else start_of(last - MAX_SPAN + DAY, zone)


def subjects_of(details: Mapping[str, object]) -> frozenset[str]:
    """Return the ids of the users that an entry with these details is about."""
    return frozenset(str(details[name]) for name in SUBJECT_DETAILS if name in details)


class ReadableShare(Enum):
    """The part of an audit log that a reader can see."""

    ALL = auto()
    OWN = auto()
    METADATA = auto()


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """A filter for entries. None matches everything."""

    event: str | None = None
    actor_id: str | None = None
    user_id: str | None = None
    account_id: str | None = None

    def matches(self, entry: AuditEntry) -> bool:
        """Return whether the filter matches an entry, as the reader sees it."""
        return (
            self.event in (None, entry.event)
            and self.actor_id in (None, entry.actor_id)
            and (self.user_id is None or self.user_id in subjects_of(entry.details))
            and (self.account_id is None or self.account_id in entry.accounts)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLogFacts:
    """The account of the audit log, and the reader."""

    account: Account | None
    reader: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLogView:
    """A filtered view of an account's audit log for one reader."""

    account: Account
    share: ReadableShare
    reader_id: str
    entry_filter: AuditFilter

    def visible_entries(self, entries: Iterable[AuditEntry], accounts: Mapping[str, Account]) -> tuple[AuditEntry, ...]:
        """Return the entries that the reader can see and that match. `accounts` are the known affected accounts."""
        visible = (self._as_visible(entry, accounts) for entry in entries)
        return tuple(entry for entry in visible if self._is_own(entry) and self.entry_filter.matches(entry))

    def _is_own(self, entry: AuditEntry) -> bool:
        return self.share is not ReadableShare.OWN or self.reader_id in {entry.actor_id, *subjects_of(entry.details)}

    def _as_visible(self, entry: AuditEntry, accounts: Mapping[str, Account]) -> AuditEntry:
        """Return the entry as the reader sees it (domain.md rule 24).

        The vendor sees no details. Other readers do not see unrelated accounts that share the entry.
        """
        if self.share is ReadableShare.METADATA:
            return entry.model_copy(update={"details": {}})
        visible_accounts = tuple(each for each in entry.accounts if self._is_visible(each, accounts))
        details = (
            {**entry.details, ORPHANED_DETAIL: list(visible_accounts)}
            if ORPHANED_DETAIL in entry.details
            else entry.details
        )
        return entry.model_copy(update={"accounts": visible_accounts, "details": details})

    def _is_visible(self, account_id: str, accounts: Mapping[str, Account]) -> bool:
        other = accounts.get(account_id)
        return account_id == self.account.account_id or (other is not None and other.kind is not self.account.kind)


def read(facts: AuditLogFacts, entry_filter: AuditFilter, act: Act) -> AuditLogView:
    """Return the caller's view of the audit log (domain.md §4)."""
    if not facts.account:
        raise NotFound
    share = ReadableShare.METADATA if act.for_vendor else _share_of(facts.reader, facts.account, act)
    if share is ReadableShare.METADATA and entry_filter.user_id:
        raise Forbidden().with_detail(
            "Leave out user_id. Only the account itself can see the user that an entry is about."
        )
    return AuditLogView(account=facts.account, share=share, reader_id=act.actor_id, entry_filter=entry_filter)


def _share_of(reader: Actor, account: Account, act: Act) -> ReadableShare:
    reader.must_be_member(act.at)
    rights = reader.rights_at(act.at)
    if AUDIT_VIEW in rights or (account.is_partner and CLIENT_ACCESS_MANAGE in rights):
        return ReadableShare.ALL
    if not account.is_partner or reader.suspended_by_at(act.at):
        raise Forbidden
    return ReadableShare.OWN
