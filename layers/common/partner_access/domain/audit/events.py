"""The events of the audit log: one CloudEvent per affected account, with the current records.

The event contains accounts, members and users as stored, each with its version. It does not contain their computed
state at some instant. A receiver that keeps the highest version of each record ends up with the content of the table,
even if events come late or repeatedly.
"""

from datetime import datetime
from typing import Final, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from partner_access.domain.accounts import Account, AccountKind, AccountState, Program
from partner_access.domain.audit.audit_log import subjects_of
from partner_access.domain.memberships.members import Member, MemberState, Seat, SuspensionReason, known_seat
from partner_access.domain.records import AuditEntry
from partner_access.domain.users import User

SOURCE: Final = "partner-access"
SCHEMA_VERSION: Final = 1
"""The version of all event schemas. A new detail requires a new version."""
SEQUENCE_DIGITS: Final = 12
"""The number of digits of a sequence, so that sequences sort as text."""


class EventPart(BaseModel):
    """Base class of the objects inside an event."""

    model_config = ConfigDict(frozen=True)


class AccountSnapshot(EventPart):
    account_id: str
    kind: AccountKind
    state: AccountState
    program: Program | None
    version: int

    @classmethod
    def of(cls, account: Account) -> Self:
        """Return the snapshot of an account. Only partners have a program."""
        return cls(
            account_id=account.account_id,
            kind=account.kind,
            state=account.state,
            program=account.program if account.is_partner else None,
            version=account.version,
        )


class OverridesSnapshot(EventPart):
    added: tuple[str, ...]
    removed: tuple[str, ...]


class MemberSnapshot(EventPart):
    """A membership as stored. `expires_at` is the exclusive end of its grant."""

    account_id: str
    user_id: str
    permission_set: str
    set_version: int
    permissions: OverridesSnapshot
    seat: Seat | None
    state: MemberState
    suspended_by: tuple[SuspensionReason, ...]
    partner_id: str | None
    grant_id: str | None
    expires_at: datetime | None
    version: int

    @classmethod
    def of(cls, member: Member) -> Self:
        """Return the stored membership. Suspensions by the partner's state appear after their reconciliation."""
        return cls(
            account_id=member.account_id,
            user_id=member.user_id,
            permission_set=member.permission_set,
            set_version=member.set_version,
            permissions=OverridesSnapshot(added=member.added, removed=member.removed),
            seat=known_seat(member.seat),
            state=member.state,
            suspended_by=tuple(sorted(member.suspended_by)),
            partner_id=member.partner_id,
            grant_id=member.grant.grant_id if member.grant else None,
            expires_at=member.grant.expires_at if member.grant else None,
            version=member.version,
        )


class UserSnapshot(EventPart):
    user_id: str
    active: bool
    version: int

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(user_id=user.user_id, active=user.active, version=user.version)


class RecordSnapshots(EventPart):
    """The current records: the account of the audit log, the subject's membership there, and the subject as a user."""

    account: AccountSnapshot | None = None
    member: MemberSnapshot | None = None
    user: UserSnapshot | None = None

    @classmethod
    def of(cls, account: Account | None, member: Member | None, user: User | None) -> Self:
        return cls(
            account=AccountSnapshot.of(account) if account else None,
            member=MemberSnapshot.of(member) if member else None,
            user=UserSnapshot.of(user) if user else None,
        )


class EventData(AuditEntry):
    """The audit entry with the current records."""

    now: RecordSnapshots


class CloudEvent(BaseModel):
    """A CloudEvent 1.0 with the extension `sequence`, which is the entry's position in the account's chain."""

    model_config = ConfigDict(frozen=True)

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str | None
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    sequence: str
    data: EventData

    def to_json(self) -> str:
        """Return the event as JSON, without empty fields."""
        return self.model_dump_json(exclude_none=True)


def subject_id_of(entry: AuditEntry) -> str | None:
    """Return the id of the user that the entry is about, if there is one."""
    return min(subjects_of(entry.details), default=None)


def cloud_event_of(entry: AuditEntry, account_id: str, position: int, snapshots: RecordSnapshots) -> CloudEvent:
    """Return the event of an audit entry for one of the affected accounts."""
    return CloudEvent(
        id=entry.audit_id,
        source=f"/accounts/{quote(account_id, safe='@:')}",
        type=f"{SOURCE}.{entry.event}",
        subject=subject_id_of(entry),
        time=entry.at,
        dataschema=f"urn:{SOURCE}:{entry.event}:{SCHEMA_VERSION}",
        sequence=f"{position:0{SEQUENCE_DIGITS}}",
        data=EventData(**dict(entry), now=snapshots),
    )
