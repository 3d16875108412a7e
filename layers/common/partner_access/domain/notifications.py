"""What a decision leads to outside its records: notifications, and reconciliations of the accounts concerned."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Locale(StrEnum):
    """The language of emails."""

    EN = "en"
    JA = "ja"


class NotificationKind(StrEnum):
    """Which letter, by the name of its folder."""

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
    """By whom or by what access was suspended, resumed or ended, or what a person who left keeps."""

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
    """What people are to be told of one act, by ids; the mailer finds the people, their names and language.

    `given_days` is there when less time was given than asked; without `asked_days` no end was asked for. `gained` and
    `lost` are how an edit changed what he can do, `days_left` what is left of a grant that will end.
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
    requested_days: int | None = None
    granted_days: int | None = None
    expires_at: datetime | None = None
    reason: str | None = None
    paid_seat_required: bool = False
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    days_left: int | None = None
    cause: Cause | None = None


class ReconciliationReason(StrEnum):
    """What one write did to access everywhere: a clean-up tidies up after its own, and leaves the others to theirs."""

    ELIGIBILITY = "eligibility"
    OFFBOARDED = "offboarded"
    ERASED = "erased"
    PROGRAM_STOPPED = "program_stopped"
    PROGRAM_RESUMED = "program_resumed"
    PROGRAM_ENDED = "program_ended"


class Reconciliation(BaseModel):
    """What is left to do, account by account, after one write ended or stopped access everywhere.

    Of one person of a partner, of all its people, or of a person for all his firms.
    """

    model_config = ConfigDict(frozen=True)

    partner_id: str | None = None
    user_id: str | None = None
    reason: ReconciliationReason = ReconciliationReason.ELIGIBILITY

    @property
    def ends_access(self) -> bool:
        """Whether access is over for good, rather than stopped or going on."""
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
