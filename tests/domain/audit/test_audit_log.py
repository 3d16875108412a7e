"""Audit log: time ranges, readers, their share of the entries, and filters."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from partner_access.domain.accounts import Account, AccountKind, Program
from partner_access.domain.audit import audit_log
from partner_access.domain.audit.audit_log import EPOCH, AuditFilter, AuditLogFacts, AuditLogView, ReadableShare, Span
from partner_access.domain.errors import DomainError, Forbidden, InvalidQuery, NotFound
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import DIRECTORY_LOG_ID, AuditEntry
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    a_temporary_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)

CLERK, FLORIST = "user-clerk", "client-florist"
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
NINETY_DAYS_AGO = NOW - 90 * DAY
NO_FILTER = AuditFilter()
UTC_ZONE = ZoneInfo("UTC")
ACCOUNTS = {each.account_id: each for each in (the_client(), the_partner(), the_client(account_id=FLORIST))}


def an_entry(**changes: Any) -> AuditEntry:
    return AuditEntry(
        **{
            "audit_id": "aud_1",
            "at": NOW,
            "event": "link.approved",
            "actor_id": APPROVER,
            "accounts": (CLIENT, PARTNER),
            "details": {"employee_id": EMPLOYEE, "link_id": "lnk_1"},
            **changes,
        }
    )


# time ranges


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (None, None, Span(NINETY_DAYS_AGO)),
        (None, NOW - DAY, Span(NINETY_DAYS_AGO - DAY, NOW - DAY)),
        (NOW - DAY, None, Span(NOW - DAY)),
        (NOW - DAY, NOW, Span(NOW - DAY, NOW)),
        (NOW, NOW, Span(NOW, NOW)),
        (NINETY_DAYS_AGO, NOW, Span(NINETY_DAYS_AGO, NOW)),
        (NINETY_DAYS_AGO - 900 * DAY, NOW - 900 * DAY, Span(NINETY_DAYS_AGO - 900 * DAY, NOW - 900 * DAY)),
        (None, EPOCH + DAY, Span(EPOCH, EPOCH + DAY)),
        (NINETY_DAYS_AGO - DAY, None, Span(NINETY_DAYS_AGO - DAY)),
        (NOW + DAY, None, Span(NOW + DAY)),
    ],
)
def test_span_defaults_to_last_90_days(start: datetime | None, end: datetime | None, found: Span) -> None:
    assert audit_log.span(start, end, NOW, UTC_ZONE) == found


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOW, NOW - SECOND),
        (NINETY_DAYS_AGO - SECOND, NOW),
        (NINETY_DAYS_AGO - DAY - SECOND, None),
    ],
)
def test_span_reversed_or_over_90_days_raises_invalid_query(start: datetime, end: datetime | None) -> None:
    with pytest.raises(InvalidQuery) as raised:
        audit_log.span(start, end, NOW, UTC_ZONE)

    assert [each.path for each in raised.value.fields] == [("from",), ("to",)]


BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (date(2026, 10, 25), date(2026, 10, 25), ("2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00")),
        (date(2026, 3, 29), date(2026, 3, 29), ("2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00")),
        (date(2026, 8, 1), date(2026, 10, 29), ("2026-08-01T00:00+02:00", "2026-10-30T00:00+01:00")),
        (None, date(2026, 10, 29), ("2026-08-01T00:00+02:00", "2026-10-30T00:00+01:00")),
        (date(2026, 8, 24), None, ("2026-08-24T00:00+02:00", None)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 1, tzinfo=UTC), ("2026-10-25T00:00+02:00", "2026-10-25T01:00Z")),
        (datetime(2026, 10, 25, 1, tzinfo=UTC), date(2026, 10, 25), ("2026-10-25T01:00Z", "2026-10-26T00:00+01:00")),
        (date(1970, 1, 1), date(1970, 1, 1), ("1970-01-01T00:00Z", "1970-01-02T00:00+01:00")),
    ],
)
def test_span_of_dates_contains_whole_local_days(
    first: date | None, last: date | None, found: tuple[str, str | None]
) -> None:
    # domain.md rule 41
    start, end = (datetime.fromisoformat(each) if each else None for each in found)
    assert audit_log.span(first, last, NOON, BERLIN) == Span(start or NOON, end)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 10, 26), date(2026, 10, 25)),
        (date(2026, 7, 31), date(2026, 10, 29)),
        (date(2026, 8, 23), None),
        (datetime(2026, 10, 26, tzinfo=UTC), date(2026, 10, 25)),
    ],
)
def test_span_of_dates_reversed_or_over_90_days_raises_invalid_query(first: date, last: date | None) -> None:
    with pytest.raises(InvalidQuery):
        audit_log.span(first, last, NOON, BERLIN)


# readers


def client_reader(*added: str, **changes: Any) -> Actor:
    return an_actor(a_user(CLERK), a_member(CLERK, "view_only", added=added, **changes))


def partner_reader(*added: str, **changes: Any) -> Actor:
    return an_actor(an_employee(), a_member(EMPLOYEE, "view_only", account_id=PARTNER, added=added, **changes))


VIEW, CLIENT_ACCESS = "account.audit.view", "partner.client_access.manage"
CLIENT_ACCOUNT, PARTNER_ACCOUNT = the_client(), the_partner()


@pytest.mark.parametrize(
    ("account", "reader", "share"),
    [
        (CLIENT_ACCOUNT, an_actor(), ReadableShare.ALL),
        (CLIENT_ACCOUNT, client_reader(VIEW), ReadableShare.ALL),
        (CLIENT_ACCOUNT, a_partner_admin_actor(), ReadableShare.ALL),
        (CLIENT_ACCOUNT, a_temporary_partner_admin_actor(), ReadableShare.ALL),
        (PARTNER_ACCOUNT, partner_reader(VIEW), ReadableShare.ALL),
        (PARTNER_ACCOUNT, partner_reader(CLIENT_ACCESS), ReadableShare.ALL),
        (PARTNER_ACCOUNT, partner_reader(), ReadableShare.OWN),
    ],
)
def test_read_audit_log_share_depends_on_rights(account: Account, reader: Actor, share: ReadableShare) -> None:
    assert audit_log.read(AuditLogFacts(account=account, reader=reader), NO_FILTER, an_act()).share is share


@pytest.mark.parametrize(
    ("account", "reader", "error"),
    [
        (CLIENT_ACCOUNT, client_reader(), Forbidden),
        (CLIENT_ACCOUNT, client_reader("account.users.manage", CLIENT_ACCESS), Forbidden),
        (CLIENT_ACCOUNT, a_partner_admin_actor(member=a_partner_admin(removed=(VIEW,))), Forbidden),
        (CLIENT_ACCOUNT, a_partner_admin_actor(program=Program.SUSPENDED), Forbidden),
        (CLIENT_ACCOUNT, an_actor(a_user(active=False)), Forbidden),
        (CLIENT_ACCOUNT, client_reader(VIEW, active=False), NotFound),
        (CLIENT_ACCOUNT, Actor(), NotFound),
        (PARTNER_ACCOUNT, partner_reader(suspended_by=frozenset({SuspensionReason.CLIENT})), Forbidden),
        (PARTNER_ACCOUNT, partner_reader(active=False), NotFound),
        (PARTNER_ACCOUNT, Actor(), NotFound),
        (None, an_actor(), NotFound),
    ],
)
def test_read_audit_log_without_rights_is_refused(
    account: Account | None, reader: Actor, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        audit_log.read(AuditLogFacts(account=account, reader=reader), NO_FILTER, an_act())


def test_read_audit_log_by_vendor_returns_metadata() -> None:
    act = an_act("vendor", for_vendor=True)

    assert (
        audit_log.read(AuditLogFacts(account=CLIENT_ACCOUNT, reader=Actor()), NO_FILTER, act).share
        is ReadableShare.METADATA
    )
    assert (
        audit_log.read(AuditLogFacts(account=PARTNER_ACCOUNT, reader=an_actor()), NO_FILTER, act).share
        is ReadableShare.METADATA
    )
    with pytest.raises(NotFound):
        audit_log.read(AuditLogFacts(account=None, reader=Actor()), NO_FILTER, act)


def test_read_audit_log_by_vendor_with_user_filter_raises_forbidden() -> None:
    wanted = AuditFilter(user_id=EMPLOYEE)

    with pytest.raises(Forbidden):
        audit_log.read(AuditLogFacts(account=CLIENT_ACCOUNT, reader=Actor()), wanted, an_act("vendor", for_vendor=True))
    assert (
        audit_log.read(AuditLogFacts(account=CLIENT_ACCOUNT, reader=an_actor()), wanted, an_act()).entry_filter
        == wanted
    )


# entries and filters


def reading(
    share: ReadableShare = ReadableShare.ALL,
    *,
    account: Account = CLIENT_ACCOUNT,
    reader: str = APPROVER,
    **wanted: Any,
) -> AuditLogView:
    return AuditLogView(account=account, share=share, reader_id=reader, entry_filter=AuditFilter(**wanted))


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ({}, True),
        ({"event": "link.approved"}, True),
        ({"event": "link.declined"}, False),
        ({"actor_id": APPROVER}, True),
        ({"actor_id": EMPLOYEE}, False),
        ({"user_id": EMPLOYEE}, True),
        ({"user_id": APPROVER}, False),
        ({"account_id": PARTNER}, True),
        ({"account_id": CLIENT}, True),
        ({"account_id": "partner-south"}, False),
        ({"event": "link.approved", "actor_id": APPROVER, "user_id": EMPLOYEE, "account_id": PARTNER}, True),
        ({"event": "link.approved", "actor_id": APPROVER, "user_id": CLERK, "account_id": PARTNER}, False),
    ],
)
def test_reading_filters_entries(wanted: dict[str, Any], matches: bool) -> None:
    assert reading(**wanted).visible_entries([an_entry()], ACCOUNTS) == ((an_entry(),) if matches else ())


@pytest.mark.parametrize(
    ("details", "subjects"),
    [
        ({}, set()),
        ({"user_id": CLERK}, {CLERK}),
        ({"employee_id": EMPLOYEE}, {EMPLOYEE}),
        ({"user_id": CLERK, "employee_id": EMPLOYEE, "link_id": "lnk_1"}, {CLERK, EMPLOYEE}),
    ],
)
def test_subjects_of_entry_are_users_in_details(details: dict[str, Any], subjects: set[str]) -> None:
    assert audit_log.subjects_of(details) == subjects


def test_reading_own_share_returns_own_acts_and_entries_about_self() -> None:
    by_employee, about_employee = an_entry(actor_id=EMPLOYEE, details={}), an_entry()
    others = an_entry(details={"employee_id": CLERK})

    own = reading(ReadableShare.OWN, account=PARTNER_ACCOUNT, reader=EMPLOYEE)

    assert own.visible_entries([by_employee, about_employee, others], ACCOUNTS) == (by_employee, about_employee)


def test_reading_all_share_returns_acts_of_others() -> None:
    entry, reader = an_entry(), "user-other"

    assert reading(reader=reader).visible_entries([entry], ACCOUNTS) == (entry,)
    assert reading(ReadableShare.OWN, reader=reader).visible_entries([entry], ACCOUNTS) == ()


def test_reading_metadata_share_omits_details() -> None:
    entry = an_entry(accounts=(DIRECTORY_LOG_ID, CLIENT, FLORIST))

    assert reading(ReadableShare.METADATA).visible_entries([entry], ACCOUNTS) == (
        entry.model_copy(update={"details": {}}),
    )


SHARED = an_entry(
    event="user.updated",
    accounts=(DIRECTORY_LOG_ID, CLIENT, FLORIST, "client-unknown"),
    details={"user_id": CLERK, "orphaned": [CLIENT, FLORIST, "client-unknown"]},
)


def test_reading_shared_entry_hides_other_accounts() -> None:
    (entry,) = reading().visible_entries([SHARED], ACCOUNTS)

    assert entry.accounts == (CLIENT,)
    assert entry.details == {"user_id": CLERK, "orphaned": [CLIENT]}


def test_reading_with_filter_on_hidden_account_returns_nothing() -> None:
    assert reading(account_id=FLORIST).visible_entries([SHARED], ACCOUNTS) == ()
    assert len(reading(account_id=CLIENT).visible_entries([SHARED], ACCOUNTS)) == 1


def test_reading_by_client_and_partner_returns_shared_entry() -> None:
    entry = an_entry(accounts=(CLIENT, PARTNER))

    assert reading().visible_entries([entry], ACCOUNTS) == (entry,)
    assert reading(account=PARTNER_ACCOUNT).visible_entries([entry], ACCOUNTS) == (entry,)
    assert {each.kind for each in ACCOUNTS.values()} == set(AccountKind)
