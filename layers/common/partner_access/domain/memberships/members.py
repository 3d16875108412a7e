"""Members: the memberships of users in accounts. A partner admin's membership contains a grant."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from partner_access.domain.access_ends import RequestedEnd, last_day_before
from partner_access.domain.permissions.rights import SetName
from partner_access.domain.records import Record


class Seat(StrEnum):
    """A seat of a member. The partner seat is free."""

    CORE = "core"
    SALES = "sales"
    SERVICE = "service"
    VIEW_ONLY = "view_only"
    PARTNER = "partner"


StoredSeat = Annotated[Seat | str, Field(union_mode="left_to_right")]
"""A stored seat, or the text of one that this deployment does not know. It opens nothing, and writes preserve it."""


def known_seat(seat: Seat | str | None) -> Seat | None:
    """Return the seat, or None for one that this deployment does not know."""
    return seat if isinstance(seat, Seat) else None


def known_seats(seats: Iterable[Seat | str]) -> tuple[Seat, ...]:
    """Return the seats without those that this deployment does not know."""
    return tuple(seat for seat in seats if isinstance(seat, Seat))


WARNING_DAYS: Final = (30, 7, 1)
"""The days before the end of a grant on which both sides are warned (domain.md rule 23)."""
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


class Role(StrEnum):
    """The caller's role on a membership. With several roles, the first one applies unless a rule says otherwise."""

    VENDOR = "vendor"
    SUPER_ADMIN = "super_admin"
    USER_MANAGER = "user_manager"
    COLLEAGUE = "colleague"
    PARTNER_MANAGER = "partner_manager"
    SELF = "self"

    @property
    def is_of_the_account(self) -> bool:
        return self in {Role.SUPER_ADMIN, Role.USER_MANAGER}


StoredEndedBy = Annotated[Role | str, Field(union_mode="left_to_right")]
"""A stored role, or the text of one that this deployment does not know. It counts as the client's."""
ENDED_FOR_PARTNER: Final = frozenset({Role.COLLEAGUE, Role.PARTNER_MANAGER, Role.SELF})
"""The roles that do not act for the client. The vendor does."""


class MemberState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"


class RequestedAccess(RequestedEnd, title="RequestedAccess"):
    """The access that a link or a creation requested. It is stored beside the access that was granted."""

    removed: tuple[str, ...] = ()

    @property
    def end(self) -> RequestedEnd:
        return RequestedEnd(access_days=self.access_days, access_ends_on=self.access_ends_on)


class Grant(BaseModel):
    """The record that makes a partner employee a partner admin of a client. `expires_at` is exclusive.

    `last_warning_days` are the days before the end for which the latest warning was sent or is no longer needed.
    `set_version` is the version of the partner admin set that waits for the holder while they have another set.
    `former_set` is the permission set that the holder had in the account until the grant. It gives no rights. When the
    grant ends, the notice names it, so that the client can give it again (domain.md rule 10).
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
    former_set: str | None = None

    def has_expired(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def with_end(self, expires_at: datetime | None, at: datetime) -> Self:
        """Return the grant with this end, or None for no end. The warnings start again."""
        return self.model_copy(update={"expires_at": expires_at, "last_warning_days": None}).with_warnings_sent(at)

    def last_day(self, zone: ZoneInfo) -> date | None:
        """Return the last local day of access, or None if the grant has no end."""
        return last_day_before(self.expires_at, zone) if self.expires_at else None

    def with_warnings_sent(self, at: datetime) -> Self:
        """Return the grant with all warnings that are due by now marked as sent."""
        passed = [days for days in WARNING_DAYS if self.expires_at and self.expires_at - timedelta(days=days) <= at]
        return self.model_copy(update={"last_warning_days": min(passed, default=self.last_warning_days)})

    def days_left(self, at: datetime) -> int | None:
        """Return the days from now until the end. A part of a day counts as a whole day."""
        return ceil((self.expires_at - at) / timedelta(days=1)) if self.expires_at else None

    @property
    def next_due_at(self) -> datetime | None:
        """The time at which the link-expiry job must act next: to warn both sides, or to end the grant."""
        if not self.expires_at:
            return None
        left = [days for days in WARNING_DAYS if self.last_warning_days is None or days < self.last_warning_days]
        return self.expires_at - timedelta(days=max(left, default=0))


class Assignment(BaseModel):
    """A set with its overrides and seats.

    `partner_id` is the partner on whose behalf the user is a member. `access_generation` is the user's access
    generation for that partner at the start. When it rises, the access ends for good.
    """

    model_config = ConfigDict(frozen=True)

    permission_set: str
    set_version: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    seat: StoredSeat | None = None
    paid_seats: tuple[StoredSeat, ...] = ()
    partner_id: str | None = None
    access_generation: int = 0

    @property
    def is_super_admin(self) -> bool:
        return self.permission_set == SetName.SUPER_ADMIN


class Member(Record, Assignment):
    """A user's membership in one account.

    The member has no rights while any reason suspends them. `changed_at` is the time of the last write. While the
    membership is over, `ended_by` is the role of the person who ended it, if a person did. `kept_out_by` are the
    partners whose managers suspended or ended the person's access here, until they or the client give it again.
    `withheld` are the permissions that the client took from a partner member. `removed` has them with every set, until
    the client gives them again (domain.md rule 43).
    """

    account_id: str
    user_id: str
    since: datetime
    granted_by: str | None = None
    active: bool = True
    grant: Grant | None = None
    suspended_by: frozenset[SuspensionReason] = frozenset()
    changed_at: datetime | None = None
    ended_by: StoredEndedBy | None = None
    kept_out_by: frozenset[str] = frozenset()
    withheld: tuple[str, ...] = ()

    @property
    def is_removed_by_client(self) -> bool:
        return not self.active and self.ended_by is not None and self.ended_by not in ENDED_FOR_PARTNER

    @property
    def assignment(self) -> Assignment:
        return Assignment.model_validate(self.model_dump(include=set(Assignment.model_fields)))

    @property
    def state(self) -> MemberState:
        """The state as stored, without suspensions that are computed from the user and the partner."""
        if not self.active:
            return MemberState.DEACTIVATED
        return MemberState.SUSPENDED if self.suspended_by else MemberState.ACTIVE

    def as_of(self, at: datetime) -> "Member":
        """Return the membership as it counts at an instant, even if the link-expiry job is late (consistency.md §3)."""
        return self.ended() if self.grant and self.grant.has_expired(at) else self

    def ended(self, by: Role | None = None) -> "Member":
        """Return the membership when it is over: deactivated, without its grant and its seat (domain.md rule 10).

        A suspension by the client itself stays, and one by the partner becomes an entry of `kept_out_by`. The end of a
        grant or a return to the account never gives access. A deactivated membership keeps its partner, because a
        partner member does not return as the client's own member.
        """
        is_by_manager = by is Role.PARTNER_MANAGER or SuspensionReason.PARTNER in self.suspended_by
        kept_out = {self.partner_id} if self.partner_id and is_by_manager else set()
        return self.model_copy(
            update={
                "active": False,
                "seat": None,
                "grant": None,
                "suspended_by": self.suspended_by & {SuspensionReason.CLIENT},
                "ended_by": by,
                "kept_out_by": self.kept_out_by | kept_out,
            }
        )


def new_member(
    before: Member | None,
    assignment: Assignment,
    *,
    account_id: str,
    user_id: str,
    granted_by: str,
    at: datetime,
    kept_out_by: frozenset[str],
) -> Member:
    """Return a new membership with this assignment.

    Of an earlier membership, it keeps only the time of its start and the partners that keep the person out (domain.md
    rules 33 and 42). The partner of the assignment is no longer one of them.
    """
    return Member(
        **dict(assignment),
        version=before.version + 1 if before else 1,
        account_id=account_id,
        user_id=user_id,
        since=before.since if before else at,
        granted_by=granted_by,
        kept_out_by=kept_out_by - {assignment.partner_id},
    )


def default_seat(permission_set: str) -> Seat:
    """Return the default base seat of a member."""
    return Seat.VIEW_ONLY if permission_set == SetName.VIEW_ONLY else Seat.CORE


def paid_seats_kept(member: Member) -> tuple[Seat | str, ...]:
    """Return the paid seats that a member keeps when their base seat becomes the partner seat (domain.md §3)."""
    base = (member.seat,) if member.seat and member.seat in PAID_SEATS else ()
    return tuple(sorted({*member.paid_seats, *base}))


def partner_seat_change(before: Member | None, after: Member) -> int:
    """Return the change in the number of used partner seats.

    An expired grant holds its seat until its end is recorded.
    """
    return (after.seat is Seat.PARTNER) - (before is not None and before.seat is Seat.PARTNER)
