"""Accounts of the vendor's product: clients with their partner seats, partners with their program and domains."""

from enum import StrEnum
from zoneinfo import ZoneInfo

from partner_access.domain.errors import AccountClosed, NoSeatLeft
from partner_access.domain.notifications import StoredLocale
from partner_access.domain.records import Record
from partner_access.domain.time_zones import DEFAULT_TIME_ZONE, known_time_zone


class AccountKind(StrEnum):
    """The kind of an account: a client of the vendor, or a partner."""

    CLIENT = "client"
    PARTNER = "partner"


class Pricing(StrEnum):
    """The pricing of a client account."""

    SEAT_BASED = "seat_based"
    LEGACY = "legacy"


class Program(StrEnum):
    """The state of a partner in the vendor's partner program."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


class AccountState(StrEnum):
    """The state of an account. Nobody has access to a closed one."""

    ACTIVE = "active"
    CLOSED = "closed"


class Account(Record):
    """A client or partner account.

    `partner_seat_limit` caps the partner seats of a client, and None means no cap. `terminations` counts how often a
    partner's program was terminated. `partner_seats_used` and `custom_set_count` change without a new version.
    """

    account_id: str
    kind: AccountKind
    name: str
    locale: StoredLocale | None = None
    time_zone: str = DEFAULT_TIME_ZONE
    pricing: Pricing = Pricing.SEAT_BASED
    partner_seat_limit: int | None = None
    partner_seats_used: int = 0
    domains: tuple[str, ...] = ()
    program: Program = Program.ACTIVE
    terminations: int = 0
    custom_set_count: int = 0
    state: AccountState = AccountState.ACTIVE

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which dates of this account are local days."""
        return known_time_zone(self.time_zone)

    @property
    def is_partner(self) -> bool:
        return self.kind is AccountKind.PARTNER

    @property
    def is_in_program(self) -> bool:
        """True while the partner's employees can be partner admins."""
        return self.program is Program.ACTIVE and self.state is AccountState.ACTIVE

    @property
    def accepts_partner_admins(self) -> bool:
        return not self.is_partner and self.state is AccountState.ACTIVE

    @property
    def has_no_free_seat(self) -> bool:
        return self.partner_seat_limit is not None and self.partner_seats_used >= self.partner_seat_limit

    @property
    def includes_paid_features(self) -> bool:
        """True if the free partner seat includes the paid sales and service features (domain.md §3)."""
        return self.pricing is Pricing.SEAT_BASED

    def must_be_active(self) -> None:
        if self.state is not AccountState.ACTIVE:
            raise AccountClosed

    def must_have_free_seat(self) -> None:
        if self.has_no_free_seat:
            raise NoSeatLeft(limit=self.partner_seat_limit, used=self.partner_seats_used)


def zone_of(account: Account | None) -> ZoneInfo:
    """Return the time zone of the account, or UTC if there is none."""
    return account.zone if account else known_time_zone(DEFAULT_TIME_ZONE)
