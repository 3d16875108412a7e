"""The values that travel between the floors: acts, decisions with their audit entries and letters, answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from math import inf
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from partner_access.domain.errors import Refused

DIRECTORY = "@directory"
"""Whose trail tells of the vendor's changes to users, who belong to no one account."""


class Kept(BaseModel):
    """A record of the table; whoever relies on it names the `version` he saw. 0 is not kept yet."""

    # an item that cannot be read is told of without what is in it
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    version: int = 0

    def changed(self, **values: object) -> Self:
        """The next version of this record."""
        return self.model_copy(update={**values, "version": self.version + 1})


class Locale(StrEnum):
    """The language of emails."""

    EN = "en"
    JA = "ja"


@dataclass(frozen=True, slots=True)
class Once:
    """The caller's Idempotency-Key, bound to him and the route, and the digest of what he asked."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who acts, when, and the name of this one time: the only door for identity, time and chance.

    `chance` is 43 characters of 256 random bits, for one secret at most; `ends` is when to stop trying, in epoch seconds.
    """

    by: str
    at: datetime
    name: str
    for_vendor: bool = False
    scopes: frozenset[str] = frozenset()
    once: Once | None = None
    chance: str = field(default="", repr=False)
    ends: float = inf

    def named(self, prefix: str) -> str:
        """An id for what this act brings about, such as `lnk_0193…`; ids of later acts sort after it."""
        return f"{prefix}_{self.name}"

    def part(self, name: str) -> Self:
        """The share of this act that concerns one of many, with a name and a key of its own."""
        digest = sha256(name.encode()).hexdigest()
        once = self.once and Once(f"{self.once.key}#{digest}", self.once.fingerprint)
        return replace(self, name=self.name[:16] + digest[:16], once=once)

    def unkept(self) -> Self:
        """The same act when its outcome is no success, so that no key shall replay it."""
        return replace(self, once=None)


class AuditEntry(BaseModel):
    """The immutable record of one act, kept once for each account concerned; ids only, never names."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    audit_id: str
    at: datetime
    event: str
    actor_id: str
    accounts: tuple[str, ...]
    details: Mapping[str, JsonValue]


def audit(event: str, act: Act, *accounts: str | None, **details: JsonValue) -> AuditEntry:
    """The entry that tells each of these accounts of the act; details without a value are left out."""
    return AuditEntry(
        audit_id=act.named("aud"),
        at=act.at,
        event=event,
        actor_id=act.by,
        accounts=tuple(dict.fromkeys(account for account in accounts if account)),
        details={name: value for name, value in details.items() if value not in (None, [], {})},
    )


class LetterKind(StrEnum):
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


class Letter(BaseModel):
    """What people are to be told of one act, by ids; the mailer finds the people, their names and language.

    `given_days` is there when less time was given than asked; without `asked_days` no end was asked for. `gained` and
    `lost` are how an edit changed what he can do, `days_left` what is left of a grant that will end.
    """

    model_config = ConfigDict(frozen=True)

    kind: LetterKind
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


class Occasion(StrEnum):
    """What one write did to access everywhere: a clean-up tidies up after its own, and leaves the others to theirs."""

    ELIGIBILITY = "eligibility"
    OFFBOARDED = "offboarded"
    ERASED = "erased"
    PROGRAM_STOPPED = "program_stopped"
    PROGRAM_RESUMED = "program_resumed"
    PROGRAM_ENDED = "program_ended"


class CleanUp(BaseModel):
    """What is left to do, account by account, after one write ended or stopped access everywhere.

    Of one person of a partner, of all its people, or of a person for all his firms.
    """

    model_config = ConfigDict(frozen=True)

    partner_id: str | None = None
    user_id: str | None = None
    reason: Occasion = Occasion.ELIGIBILITY

    @property
    def ends(self) -> bool:
        """Whether access is over for good, rather than stopped or going on."""
        return self.reason in {Occasion.OFFBOARDED, Occasion.ERASED, Occasion.PROGRAM_ENDED}

    @property
    def is_of_the_program(self) -> bool:
        return self.reason in {Occasion.PROGRAM_STOPPED, Occasion.PROGRAM_RESUMED, Occasion.PROGRAM_ENDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What shall be, as far as every operation has it: each adds the records it writes."""

    act: Act
    audit: AuditEntry
    letter: Letter | None = None
    clean_up: CleanUp | None = None
    relies_on: tuple[Kept, ...] = field(default=())


class Answer(BaseModel):
    """What the caller is told; kept beside his Idempotency-Key without the fields named `never_kept`."""

    model_config = ConfigDict(frozen=True)

    status: ClassVar[int] = 200
    never_kept: ClassVar[frozenset[str]] = frozenset()

    def told(self) -> str:
        """The answer as JSON; what has no value is left out."""
        return self.model_dump_json(exclude_none=True)

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes along with the answer, by lower-case name."""
        return {}

    def to_keep(self) -> str:
        """The answer as a replay will give it."""
        return self.model_dump_json(exclude_none=True, exclude=set(self.never_kept))


class Overtaken(Exception):
    """A condition no longer held when the decision was to come true: it is decided again from fresh facts."""

    def __init__(self, refusal: type[Refused]) -> None:
        """What the condition that failed means, should deciding again not settle it."""
        super().__init__(refusal.code)
        self.refusal = refusal


class Replayed(Exception):
    """The caller's key has been used for this very request: here is what it was answered."""

    def __init__(self, status: int, answer: str) -> None:
        """The status and body as they were kept."""
        super().__init__(status)
        self.status = status
        self.answer = answer
