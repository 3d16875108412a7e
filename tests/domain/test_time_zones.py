"""Tests of local days: their ends around changes of the clock, and the source of the time zones."""

import subprocess
import sys
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from partner_access.domain.time_zones import (
    RESOLUTION,
    end_of,
    known_time_zone,
    local_day,
    start_of,
    time_zone_names,
)
from tests.support.builders import the_client

IN_2020 = datetime(2020, 1, 1, tzinfo=UTC)
HOURS = [
    ("UTC", "2026-10-25", 24),
    ("Europe/Berlin", "2026-10-24", 24),
    ("Europe/Berlin", "2026-10-25", 25),
    ("Europe/Berlin", "2027-03-28", 23),
    ("America/New_York", "2026-11-01", 25),
    ("America/New_York", "2027-03-14", 23),
    ("Asia/Tokyo", "2026-10-25", 24),
    ("Africa/Cairo", "2026-10-29", 25),
    ("Africa/Cairo", "2027-04-29", 24),
    ("Africa/Cairo", "2027-04-30", 23),
    ("Australia/Lord_Howe", "2027-04-04", 24.5),
    ("Australia/Lord_Howe", "2026-10-04", 23.5),
]
"""Local days and their lengths in hours. In Cairo, 30 April 2027 begins at 01:00, and 23:00 on 29 October comes twice."""

ENDS = [
    ("Europe/Berlin", "2027-04-10", "2027-04-10T22:00:00"),
    ("Europe/Berlin", "2026-12-10", "2026-12-10T23:00:00"),
    ("America/New_York", "2026-10-31", "2026-11-01T04:00:00"),
    ("America/New_York", "2026-11-01", "2026-11-02T05:00:00"),
    ("Asia/Tokyo", "2026-12-31", "2026-12-31T15:00:00"),
    ("Africa/Cairo", "2027-04-29", "2027-04-29T22:00:00"),
    ("Africa/Cairo", "2026-10-29", "2026-10-29T22:00:00"),
    ("Australia/Lord_Howe", "2027-04-04", "2027-04-04T13:30:00"),
    ("Pacific/Apia", "2011-12-29", "2011-12-30T10:00:00"),
    ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00"),
    ("America/St_Johns", "2010-11-06", "2010-11-07T03:30:00"),
    ("Atlantic/Azores", "2026-10-24", "2026-10-25T00:00:00"),
]
"""Local days and the UTC instants at which they end.

Apia had no 30 December 2011. In St. John's, the clock went from 00:01 on 7 November 2010 back to 23:01 on the day
before. In the Azores, 25 October 2026 has the hour after 00:00 twice.
"""


@pytest.mark.parametrize(("zone", "day", "hours"), HOURS)
def test_local_day_is_as_long_as_the_clock_makes_it(zone: str, day: str, hours: float) -> None:
    of_zone, of_day = ZoneInfo(zone), date.fromisoformat(day)

    assert end_of(of_day, of_zone) - start_of(of_day, of_zone) == timedelta(hours=hours)


@pytest.mark.parametrize(("zone", "day", "end"), ENDS)
def test_end_of_local_day_is_this_instant(zone: str, day: str, end: str) -> None:
    assert end_of(date.fromisoformat(day), ZoneInfo(zone)) == datetime.fromisoformat(end).replace(tzinfo=UTC)


@given(
    zone=some.sampled_from(sorted(zoneinfo.available_timezones())),
    at=some.integers(0, 20 * 365 * 24 * 60).map(lambda minutes: IN_2020 + timedelta(minutes=minutes)),
)
def test_end_of_local_day_is_after_its_last_instant(zone: str, at: datetime) -> None:
    """The last instant before the end is on the day, and the end is on the next one. So a date comes back as it was."""
    of_zone = ZoneInfo(zone)
    day = local_day(at, of_zone)
    end = end_of(day, of_zone)

    assert local_day(end - RESOLUTION, of_zone) == day < local_day(end, of_zone)
    assert start_of(day, of_zone) <= at < end
    assert start_of(day + timedelta(days=1), of_zone) == end


def test_time_zones_come_from_package_not_machine() -> None:
    code = """if True:
        import zoneinfo, sys
        from partner_access.domain.time_zones import known_time_zone
        known_time_zone("Europe/Berlin")
        print(zoneinfo.TZPATH, "tzdata" in sys.modules)
    """
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": "layers/common", "PYTHONTZPATH": "/usr/share/zoneinfo"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed == "() True\n"
    assert zoneinfo.TZPATH == ()


@pytest.mark.parametrize("name", ["Mars/Olympus_Mons", "europe/berlin", "../UTC", "", "Europe"])
def test_unknown_time_zone_counts_as_utc(name: str) -> None:
    # domain.md rule 34
    assert name not in time_zone_names()
    assert known_time_zone(name) == ZoneInfo("UTC")
    assert the_client(time_zone=name).zone.key == "UTC"
