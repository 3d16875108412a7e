"""Members: users in one account, with the grant inside the membership that it makes a partner admin's."""

from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from partner_access.domain.permissions.rights import SetName
from partner_access.domain.records import Record


class Seat(StrEnum):
    """A seat of a member. The partner seat is free."""

    CORE = "core"
    SALES = "sales"
    SERVICE = "service"
    VIEW_ONLY = "view_only"
    PARTNER = "partner"


WARNING_DAYS: Final = (30, 7, 1)
"""How many days before the end of a grant both sides are told of it (domain.md rule 23)."""
PAID_SEATS: Final = frozenset({Seat.SALES, Seat.SERVICE})


class GrantSource(StrEnum):
    """The way in which a partner admin was created."""

    ACCESS_LINK = "access_link"
    MIGRATION = "migration"
    CLIENT_CREATION = "client_creation"


class SuspensionReason(StrEnum):
    """A reason that suspends access. Access resumes when none is left."""

    CLIENT = "client"
    PARTNER = "partner"
    PROGRAM = "program"
    EMPLOYEE = "employee"


class MemberState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"


class RequestedAccess(BaseModel, title="RequestedAccess"):
    """The access that a link or a creation requested. It is stored beside the access that was granted."""

    model_config = ConfigDict(frozen=True)

    removed: tuple[str, ...] = ()
    access_days: int | None = None


class Grant(BaseModel):
    """The record that a partner employee is partner admin of a client account; `expires_at` is exclusive.

    `warned` is how many days before the end both sides were last told of it, or need not be any more; `set_version`
    the version of the partner admin set that waits for him while he has another set.
    """

    model_config = ConfigDict(frozen=True)

    grant_id: str
    partner_id: str
    source: GrantSource
    granted_by: str
    created_at: datetime
    expires_at: datetime | None = None
    requested: RequestedAccess | None = None
    link_id: str | None = None
    last_warning_days: int | None = None
    set_version: int | None = None

    def has_expired(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def with_end_in(self, days: int | None, at: datetime) -> Self:
        """The same grant with its end so many days from now, None for no end; both sides are warned of it anew."""
        end = at + timedelta(days=days) if days else None
        return self.model_copy(update={"expires_at": end, "last_warning_days": None}).with_warnings_sent(at)

    def with_warnings_sent(self, at: datetime) -> Self:
        """The same grant when both sides know what there is to know of its end by now."""
        passed = [days for days in WARNING_DAYS if self.expires_at and self.expires_at - timedelta(days=days) <= at]
        return self.model_copy(update={"last_warning_days": min(passed, default=self.last_warning_days)})

    def days_left(self, at: datetime) -> int | None:
        """How many days it lasts from now, one that has begun counted whole."""
        return ceil((self.expires_at - at) / timedelta(days=1)) if self.expires_at else None

    @property
    def next_due_at(self) -> datetime | None:
        """When the sweep has something to do about it: to warn both sides, or to write it off."""
        if not self.expires_at:
            return None
        left = [days for days in WARNING_DAYS if self.last_warning_days is None or days < self.last_warning_days]
        return self.expires_at - timedelta(days=max(left, default=0))


class Assignment(BaseModel):
    """A set with its overrides and seats: what a member has, and what he falls back to when a grant ends.

    `partner_id` is the firm on whose behalf he is here, `tenure` how often his access for it had been ended as a whole
    when he came: an ended one never revives.
    """

    model_config = ConfigDict(frozen=True)

    permission_set: str
    set_version: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    seat: Seat | None = None
    paid_seats: tuple[Seat, ...] = ()
    partner_id: str | None = None
    access_generation: int = 0

    @property
    def is_super_admin(self) -> bool:
        return self.permission_set == SetName.SUPER_ADMIN


class Member(Record, Assignment):
    """`previous` is what he was before the grant; he may do nothing while somebody suspends him.

    `changed_at` is when the membership was last written.
    """

    account_id: str
    user_id: str
    since: datetime
    granted_by: str | None = None
    active: bool = True
    grant: Grant | None = None
    previous: Assignment | None = None
    suspended_by: frozenset[SuspensionReason] = frozenset()
    changed_at: datetime | None = None

    @property
    def assignment(self) -> Assignment:
        return Assignment.model_validate(self.model_dump(include=set(Assignment.model_fields)))

    @property
    def state(self) -> MemberState:
        """As it is kept, whatever follows from the person and his firm."""
        if not self.active:
            return MemberState.DEACTIVATED
        return MemberState.SUSPENDED if self.suspended_by else MemberState.ACTIVE

    def as_of(self, at: datetime) -> "Member":
        """The membership as it counts at this instant, whether or not the sweep has come by (guarantees.md §3)."""
        return self.ended() if self.grant and self.grant.has_expired(at) else self

    def ended(self) -> "Member":
        """The membership without its grant: what it was before, or deactivated if it existed only through it.

        What the client itself has suspended stays so: neither the end of a grant nor a return gives anybody access.
        """
        cleared = {"seat": None, "partner_id": None, "access_generation": 0}
        fallback = self.previous or self.assignment.model_copy(update=cleared)
        return self.model_copy(
            update={
                **dict(fallback),
                "active": self.active and self.previous is not None,
                "grant": None,
                "previous": None,
                "suspended_by": self.suspended_by & {SuspensionReason.CLIENT},
            }
        )


def default_seat(permission_set: str) -> Seat:
    """The base seat of a member when nobody names one."""
    return Seat.VIEW_ONLY if permission_set == SetName.VIEW_ONLY else Seat.CORE


def paid_seats_kept(member: Member) -> tuple[Seat, ...]:
    """The paid seats that a member keeps when his base seat becomes the partner seat (domain.md §3)."""
    base = (member.seat,) if member.seat in PAID_SEATS else ()
    return tuple(sorted({*member.paid_seats, *base}))


def partner_seat_change(before: Member | None, after: Member) -> int:
    """By how many the account's taken partner seats change: a lapsed grant holds its seat until it is written off."""
    return (after.seat is Seat.PARTNER) - (before is not None and before.seat is Seat.PARTNER)
