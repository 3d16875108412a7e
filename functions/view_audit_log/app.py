"""Read the audit log of an account, newest first, as JSON or CSV."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from io import StringIO
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, JsonValue, StringConstraints
from typing_extensions import override

from partner_access.api import cursors, negotiation, routing
from partner_access.api.request_fields import (
    Identifier,
    ListQuery,
    ListResponse,
    LocalDate,
    UserId,
)
from partner_access.api.responses import ResponsePart
from partner_access.csv_safety import BYTE_ORDER_MARK, escape_formula
from partner_access.domain.act import Act
from partner_access.domain.audit import audit_log
from partner_access.domain.audit.audit_log import AuditFilter
from partner_access.domain.records import AuditEntry
from partner_access.store.audit import audit_log as stored

app = routing.App()

RFC_3339: Final = r"\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(\.\d{1,9})?(z|[+-]\d\d:\d\d)"
FIRST_DAY: Final = audit_log.EPOCH.date()
LAST_DAY: Final = date(9998, 12, 31)
COLUMNS: Final = (
    "audit_id", "at", "event", "actor_id", "actor_name", "user_ids", "user_names", "accounts", "details",
)  # fmt: skip


def _rfc_3339(text: str) -> str:
    if not re.fullmatch(RFC_3339, text, re.ASCII | re.IGNORECASE):
        raise ValueError("not an RFC 3339 timestamp")
    return text


def _not_before_epoch(moment: datetime) -> datetime:
    if moment < audit_log.EPOCH:
        raise ValueError("earlier than any audit entry")
    return moment


def _countable(day: date) -> date:
    """Reject days before any entry, and days at the end of the calendar, from which 90 days cannot be counted."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError("not a day of the audit log")
    return day


Rfc3339Time = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_not_before_epoch)]
LoggedDay = Annotated[LocalDate, AfterValidator(_countable)]
EventName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,50}\.[a-z_]{1,50}$")]


class AuditQuery(ListQuery):
    """Filters of the audit log: by time, event, actor, user and client account.

    `from` and `to` are instants, of which `to` is exclusive, or dates, both inclusive, in the account's time zone.
    """

    start: Annotated[Rfc3339Time | LoggedDay | None, Field(alias="from")] = None
    end: Annotated[Rfc3339Time | LoggedDay | None, Field(alias="to")] = None
    event: EventName | None = None
    actor_id: UserId | None = None
    user_id: UserId | None = None
    account_id: Identifier | None = None

    @property
    @override
    def filters(self) -> Mapping[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude={"limit", "cursor"}, exclude_none=True)

    def with_cursor(self, cursor: str) -> str:
        """Return the URL of the next page, relative to this one."""
        return "?" + urlencode({**self.filters, "limit": self.limit, "cursor": cursor})


class AuditEntryRow(ResponsePart, title="AuditEntryRow"):
    """An audit entry. The vendor does not see its `details`."""

    audit_id: str
    at: datetime
    event: str
    actor_id: str
    accounts: tuple[str, ...]
    details: Mapping[str, JsonValue] | None


class AuditEntryList(ListResponse, title="AuditEntryList"):
    """One page of audit entries, newest first, with the names of the users and accounts in them.

    A page can have fewer items than its limit and yet not be last.
    """

    items: tuple[AuditEntryRow, ...]
    names: Mapping[str, str]


class AuditEntryCsv(AuditEntryList):
    """The same page as CSV for a spreadsheet, with the users that each entry is about.

    `next_page_url` is the relative URL of the next page.
    """

    next_page_url: str | None

    @override
    def to_json(self) -> str:
        """Return the page as CSV (RFC 4180), without cells that a spreadsheet would execute."""
        sheet = StringIO()
        sheet.write(BYTE_ORDER_MARK)
        csv.writer(sheet).writerows([COLUMNS, *self._rows()])
        return sheet.getvalue()

    def _rows(self) -> Iterator[list[str]]:
        for entry in self.items:
            values = entry.model_dump(mode="json")
            user_ids = sorted(audit_log.subjects_of(entry.details or {}))
            cells = {
                **values,
                "actor_name": self.names.get(entry.actor_id, ""),
                "user_ids": " ".join(user_ids),
                "user_names": ", ".join(self.names[each] for each in user_ids if each in self.names),
                "accounts": " ".join(entry.accounts),
                "details": "" if entry.details is None else json.dumps(entry.details, ensure_ascii=False),
            }
            yield [escape_formula(cells[column]) for column in COLUMNS]

    @property
    @override
    def headers(self) -> Mapping[str, str]:
        link = {"link": f'<{self.next_page_url}>; rel="next"'} if self.next_page_url else {}
        return {"content-type": "text/csv; charset=utf-8", **link}


@app.operation(
    routing.Docs(
        "view_audit_log",
        tag=routing.Tag.AUDIT_LOG,
        summary="Read the audit log of an account, newest first.",
        description=(
            "Members with `account.audit.view` read all entries, and in a partner account its client access managers "
            "do too. Its other members read the entries about themselves, and the vendor's back end reads all "
            "without details. A request covers at most 90 days, and the page is JSON or CSV, as `Accept` asks."
        ),
    ),
)
def view_audit_log(account_id: str, query: AuditQuery, media_type: negotiation.MediaType, act: Act) -> AuditEntryList:
    filters = AuditFilter(query.event, query.actor_id, query.user_id, query.account_id)
    reading = audit_log.read(stored.facts_for_reading(account_id, act.actor_id), filters, act)
    span = audit_log.span(query.start, query.end, act.at, reading.account.zone)
    listed = f"view_audit_log {account_id}"
    page = stored.page(account_id, span, after=cursors.position_after(query, listed, act), limit=query.size)
    shown = reading.visible_entries(page.entries, page.accounts)
    cursor = cursors.cursor(page.after, query, listed, act)
    entries = AuditEntryList(
        items=tuple(_row(entry, reading) for entry in shown),
        names=_names(shown, page),
        next_cursor=cursor,
    )
    if media_type is negotiation.MediaType.JSON:
        return entries
    return AuditEntryCsv(**dict(entries), next_page_url=query.with_cursor(cursor) if cursor else None)


def _row(entry: AuditEntry, reading: audit_log.AuditLogView) -> AuditEntryRow:
    details = None if reading.share is audit_log.ReadableShare.METADATA else entry.details
    return AuditEntryRow(**{**dict(entry), "details": details})


def _names(shown: tuple[AuditEntry, ...], page: stored.Page) -> Mapping[str, str]:
    """Return the names by id. An id that is both a user's and an account's gets no name."""
    user_ids = {user_id for entry in shown for user_id in (entry.actor_id, *audit_log.subjects_of(entry.details))}
    account_ids = {account_id for entry in shown for account_id in entry.accounts}
    user_names = {user_id: page.users[user_id].name for user_id in user_ids & page.users.keys()}
    account_names = {account_id: page.accounts[account_id].name for account_id in account_ids & page.accounts.keys()}
    names = user_names | account_names
    return {each: names[each] for each in sorted(user_names.keys() ^ account_names.keys()) if names[each]}


handler = app
