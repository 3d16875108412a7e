"""Ends of access: people choose a last day, and access ends with that local day of the client account."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from partner_access.domain.errors import InvalidField
from partner_access.domain.time_zones import RESOLUTION, end_of, local_day

MAX_ACCESS_DAYS: Final = 730


class RequestedEnd(BaseModel):
    """The last day of access that a request names, or the number of local days after today. Without both, no end."""

    model_config = ConfigDict(frozen=True)

    access_days: int | None = None
    access_ends_on: date | None = None

    @property
    def field(self) -> str:
        """The field of the request that names the end."""
        return "access_ends_on" if self.access_ends_on else "access_days"

    def last_day(self, today: date) -> date | None:
        """Return the last day of access, or None for no end. The days count from today (domain.md rule 39)."""
        if self.access_ends_on:
            return self.access_ends_on
        return today + timedelta(days=self.access_days) if self.access_days else None

    def must_be_within_limits(self, today: date) -> None:
        """Raise `InvalidField` for a last day that is over, or further away than the longest access."""
        last_day, latest_day = self.last_day(today), today + timedelta(days=MAX_ACCESS_DAYS)
        if last_day and not today <= last_day <= latest_day:
            raise InvalidField(self.field).with_detail(f"Choose a last day from {today} to {latest_day}.")


NO_END: Final = RequestedEnd()


def expires_at(requested: RequestedEnd, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the exclusive instant at which access ends that is requested at this time, or None for no end."""
    last_day = requested.last_day(local_day(at, zone))
    return end_of(last_day, zone) if last_day else None


def last_day_before(end: datetime, zone: ZoneInfo) -> date:
    """Return the local day of the last instant before an exclusive end."""
    return local_day(end - RESOLUTION, zone)
