"""Tests of ends of access: a date or a number of local days becomes an instant."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from partner_access.domain.access_ends import MAX_ACCESS_DAYS, NO_END, RequestedEnd, expires_at, last_day_before
from partner_access.domain.errors import InvalidField
from partner_access.domain.time_zones import local_day

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Africa/Cairo", "Australia/Lord_Howe", "UTC"]
CHANGES = [
    "2026-10-03T15:30", "2026-10-25T01:00", "2026-10-29T21:00", "2026-11-01T06:00", "2027-03-14T07:00",
    "2027-03-28T01:00", "2027-04-03T15:00", "2027-04-29T22:00",
]  # fmt: skip
"""The UTC instants at which these time zones change their clock."""


def on(day: str) -> RequestedEnd:
    return RequestedEnd(access_ends_on=date.fromisoformat(day))


def in_days(days: int) -> RequestedEnd:
    return RequestedEnd(access_days=days)


@pytest.mark.parametrize(
    ("zone", "now", "requested", "end"),
    [
        ("Europe/Berlin", "2026-11-30T23:30", in_days(150), "2027-04-30T00:00+02:00"),
        ("Europe/Berlin", "2026-11-30T23:30", on("2027-04-29"), "2027-04-30T00:00+02:00"),
        ("Europe/Berlin", "2026-11-30T00:30", on("2027-04-10"), "2027-04-11T00:00+02:00"),
        ("Europe/Berlin", "2026-07-15T00:20", on("2026-12-10"), "2026-12-11T00:00+01:00"),
        ("Europe/Berlin", "2026-07-15T00:20", in_days(148), "2026-12-11T00:00+01:00"),
        ("Europe/Berlin", "2026-07-15T23:59", in_days(148), "2026-12-11T00:00+01:00"),
        ("Europe/Berlin", "2026-10-24T12:00", in_days(1), "2026-10-26T00:00+01:00"),
        ("America/New_York", "2026-10-31T23:59", in_days(1), "2026-11-02T00:00-05:00"),
        ("America/New_York", "2027-03-13T00:00", in_days(1), "2027-03-15T00:00-04:00"),
        ("Asia/Tokyo", "2026-12-31T00:00", in_days(1), "2027-01-02T00:00+09:00"),
        ("Asia/Tokyo", "2026-12-31T00:00", on("2026-12-31"), "2027-01-01T00:00+09:00"),
        ("Africa/Cairo", "2027-04-28T12:00", in_days(1), "2027-04-30T01:00+03:00"),
        ("Africa/Cairo", "2026-10-28T12:00", in_days(1), "2026-10-30T00:00+02:00"),
        ("Australia/Lord_Howe", "2027-04-03T12:00", in_days(1), "2027-04-05T00:00+10:30"),
        ("UTC", "2026-11-22T09:00", in_days(730), "2028-11-22T00:00+00:00"),
        ("UTC", "2026-11-22T09:00", NO_END, None),
    ],
)
def test_access_ends_with_local_day(zone: str, now: str, requested: RequestedEnd, end: str | None) -> None:
    # domain.md rule 39
    at = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(zone))

    assert expires_at(requested, at, ZoneInfo(zone)) == (datetime.fromisoformat(end) if end else None)


@given(
    zone=some.sampled_from(ZONES),
    change=some.sampled_from(CHANGES),
    minutes=some.integers(-3 * 1440, 3 * 1440),
    days=some.integers(1, MAX_ACCESS_DAYS),
)
def test_last_day_comes_back_from_end(zone: str, change: str, minutes: int, days: int) -> None:
    """Days and the date that they mean give the same end, whose last instant is on that date."""
    at = datetime.fromisoformat(change).replace(tzinfo=UTC) + timedelta(minutes=minutes)
    of_zone = ZoneInfo(zone)
    last_day = local_day(at, of_zone) + timedelta(days=days)
    end = expires_at(in_days(days), at, of_zone)

    assert end
    assert end == expires_at(RequestedEnd(access_ends_on=last_day), at, of_zone)
    assert last_day_before(end, of_zone) == last_day
    assert at < end


@pytest.mark.parametrize(
    ("requested", "is_within"),
    [
        (NO_END, True),
        (in_days(1), True),
        (in_days(730), True),
        (on("2026-11-22"), True),
        (on("2028-11-21"), True),
        (on("2028-11-22"), False),
        (on("2026-11-21"), False),
        (on("9999-12-31"), False),
        (on("0001-01-01"), False),
    ],
)
def test_end_from_today_to_longest_access_is_within_limits(requested: RequestedEnd, is_within: bool) -> None:
    today = date(2026, 11, 22)
    if is_within:
        requested.must_be_within_limits(today)
        return
    with pytest.raises(InvalidField) as raised:
        requested.must_be_within_limits(today)
    assert raised.value.fields == ((("access_ends_on",), "invalid_field"),)
    assert raised.value.detail == "Choose a last day from 2026-11-22 to 2028-11-21."
