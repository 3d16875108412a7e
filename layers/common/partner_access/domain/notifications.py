"""Notifications and reconciliations that a decision leads to, beside the records that it writes."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from partner_access.domain.access_ends import RequestedEnd


class Locale(StrEnum):
    """The language of emails."""

    EN = "en"
    JA = "ja"


StoredLocale = Annotated[Locale | str, Field(union_mode="left_to_right")]
"""A stored language, or the text of one that this deployment does not know. Another one is used instead."""


def known_locale(locale: Locale | str | None) -> Locale | None:
    """Return the language, or None for one that this deployment does not know."""
    return locale if isinstance(locale, Locale) else None


def first_known_locale(*locales: Locale | str | None) -> Locale:
    """Return the first language that this deployment knows, or else English."""
    return next((each for each in locales if isinstance(each, Locale)), Locale.EN)


class NotificationKind(StrEnum):
    """The kind of a notification. It is also the name of its template folder."""

    LINK_TO_APPROVE = "link_to_approve"
    ACCESS_GRANTED = "access_granted"
    LINK_DECLINED = "link_declined"
    LINK_EXPIRED = "link_expired"
    LINK_RENEWAL_REQUESTED = "link_renewal_requested"
    SUPER_ADMIN_MIGRATED = "super_admin_migrated"
    MEMBER_CREATED = "member_created"
    ACCESS_CHANGED = "access_changed"
    ACCESS_SUSPENDED = "access_suspended"
    ACCESS_RESUMED = "access_resumed"
    ACCESS_ENDED = "access_ended"
    ACCESS_ENDING = "access_ending"
    MEMBER_RETAINED = "member_retained"
    PROGRAM_STOPPED = "program_stopped"
    PROGRAM_RESUMED = "program_resumed"
    ACCOUNT_ORPHANED = "account_orphaned"


class Cause(StrEnum):
    """The side or reason behind a suspension, resumption or end of access, or what a former employee retains."""

    CLIENT = "client"
    PARTNER = "partner"
    PROGRAM = "program"
    EMPLOYEE = "employee"
    SELF = "self"
    VENDOR = "vendor"
    TIME = "time"
    TERMINATED = "terminated"
    RETAINED_MEMBER = "retained_member"
    RETAINED_SUPER_ADMIN = "retained_super_admin"


class Notification(BaseModel):
    """The content of a notification, by ids. The email sender finds the people, their names and languages.

    `granted_end` has a value only when less time was granted than requested. Without `requested_end` no end was
    requested. `gained` and `lost` are the permissions that an edit changed. `days_left` are the days until a grant
    ends. `former_set` is the permission set that the employee had before a grant that ended.
    """

    model_config = ConfigDict(frozen=True)

    kind: NotificationKind
    employee_id: str | None = None
    actor_id: str | None = None
    partner_id: str | None = None
    account_id: str | None = None
    link_id: str | None = None
    link_created_by: str | None = None
    permission_set: str = "partner_admin"
    set_version: int = 1
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    requested_but_removed: tuple[str, ...] = ()
    requested_end: RequestedEnd | None = None
    granted_end: RequestedEnd | None = None
    expires_at: datetime | None = None
    reason: str | None = None
    paid_seat_required: bool = False
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    days_left: int | None = None
    former_set: str | None = None
    cause: Cause | None = None


class ReconciliationReason(StrEnum):
    """The reason for a reconciliation. Each reconciliation follows up its own reason only."""

    ELIGIBILITY = "eligibility"
    OFFBOARDED = "offboarded"
    ERASED = "erased"
    PROGRAM_STOPPED = "program_stopped"
    PROGRAM_RESUMED = "program_resumed"
    PROGRAM_ENDED = "program_ended"


class Reconciliation(BaseModel):
    """The work that remains, account by account, after one write ended or stopped access everywhere.

    It concerns one employee of a partner, all employees of a partner, or one user for all their partners.
    """

    model_config = ConfigDict(frozen=True)

    partner_id: str | None = None
    user_id: str | None = None
    reason: ReconciliationReason = ReconciliationReason.ELIGIBILITY

    @property
    def ends_access(self) -> bool:
        """True if access has ended for good. Otherwise it is suspended or continues."""
        return self.reason in {
            ReconciliationReason.OFFBOARDED,
            ReconciliationReason.ERASED,
            ReconciliationReason.PROGRAM_ENDED,
        }

    @property
    def is_program_change(self) -> bool:
        return self.reason in {
            ReconciliationReason.PROGRAM_STOPPED,
            ReconciliationReason.PROGRAM_RESUMED,
            ReconciliationReason.PROGRAM_ENDED,
        }
