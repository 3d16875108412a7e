"""Time zones of accounts and their local days. The data comes from the package `tzdata`, so all machines agree."""

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

DEFAULT_TIME_ZONE: Final = "UTC"
DAY: Final = timedelta(days=1)
RESOLUTION: Final = timedelta(seconds=1)
"""The unit of stored times. The last instant of a day is this much before its end."""

zoneinfo.reset_tzpath(to=())  # The time zones of the machine can be older, or missing.


@cache
def time_zone_names() -> frozenset[str]:
    """Return the IANA names of all time zones."""
    return frozenset(zoneinfo.available_timezones())


def known_time_zone(name: str) -> ZoneInfo:
    """Return the time zone, or UTC for a name that this deployment does not know (domain.md rule 34)."""
    return ZoneInfo(name if name in time_zone_names() else DEFAULT_TIME_ZONE)


def local_day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day."""
    return end_of(day - DAY, zone)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the exclusive end of a local day: the instant after its last one.

    Where the clock changes at midnight, the next day begins later than 00:00, or has 00:00 twice.
    """
    midnight = datetime.combine(day + DAY, time(), zone)
    instants = (midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return max(each for each in instants if local_day(each - RESOLUTION, zone) <= day)
