"""What others are told of an audit entry: one CloudEvent for each account concerned, and in it what is kept now.

Accounts, members and users stand in it as they are kept, each with its version, and not as they count at some instant:
whoever keeps the highest version of each ends up with what the table has, however late or often events come.
"""

from datetime import datetime
from typing import Final, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from partner_access.domain.accounts import Account, AccountKind, AccountState, Program
from partner_access.domain.audit.audit_log import subjects_of
from partner_access.domain.memberships.members import Member, MemberState, Seat, SuspensionReason
from partner_access.domain.records import AuditEntry
from partner_access.domain.users import User

SOURCE: Final = "partner-access"
SCHEMA_VERSION: Final = 1
"""Of all that events hold; a new detail needs a new one."""
SEQUENCE_DIGITS: Final = 12
"""How long a sequence is, so that it sorts as text."""


class EventPart(BaseModel):
    """Something inside an event."""

    model_config = ConfigDict(frozen=True)


class AccountSnapshot(EventPart):
    account_id: str
    kind: AccountKind
    state: AccountState
    program: Program | None
    version: int

    @classmethod
    def of(cls, account: Account) -> Self:
        """Only partners have a program."""
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
    """`expires_at` is the exclusive end of his grant."""

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
        """As he is kept; what follows from his firm comes with its clean-up."""
        return cls(
            account_id=member.account_id,
            user_id=member.user_id,
            permission_set=member.permission_set,
            set_version=member.set_version,
            permissions=OverridesSnapshot(added=member.added, removed=member.removed),
            seat=member.seat,
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
    """What is kept of the account whose trail it is, and of the person whom the entry is about, there and as such."""

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
    """The entry, and what is kept now."""

    now: RecordSnapshots


class CloudEvent(BaseModel):
    """By the specification of CloudEvents 1.0, with its extension `sequence`: the entry's place in the account's chain."""

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
        """The event as JSON; what has no value is left out."""
        return self.model_dump_json(exclude_none=True)


def subject_id_of(entry: AuditEntry) -> str | None:
    """Whom an entry is about, if it is about anybody."""
    return min(subjects_of(entry), default=None)


def cloud_event_of(entry: AuditEntry, account_id: str, position: int, snapshots: RecordSnapshots) -> CloudEvent:
    """What is told of an entry for one of the accounts concerned."""
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
