"""The vendor's directory: accounts and users as sent by the vendor's back end, the product's real input."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from partner_access.domain.accounts import Account, AccountKind, Program
from partner_access.domain.act import RESERVED_SUBJECTS, Act
from partner_access.domain.errors import (
    EmailInUse,
    InvalidField,
    IsSuperAdmin,
    KindIsFixed,
    LimitBelowUse,
    MissingField,
    ReservedSubject,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import Reconciliation, ReconciliationReason
from partner_access.domain.records import DIRECTORY_LOG_ID, Decision, audit
from partner_access.domain.users import User

DirectoryFields = Mapping[str, object]
"""The fields that a request names, by their attribute names. An absent field keeps its value."""

CLIENT_ONLY_FIELDS: Final = ("pricing", "partner_seat_limit")
PARTNER_ONLY_FIELDS: Final = ("domains", "program")
MAX_ORPHANED_IN_ENTRY: Final = 30
MAX_RELIED_ON: Final = 60
MAX_ORPHANED_IN_REPORT: Final = 90
"""These limits keep a deactivation that affects many accounts within one transaction of 100 items."""
ELIGIBILITY_FIELDS: Final = frozenset({"active", "domains", "email", "program", "state"})
"""The fields that change the access of a partner's employees in all clients at once."""


def require_fields(fields: DirectoryFields, *names: str) -> None:
    missing = [name for name in names if fields.get(name) is None]
    if missing:
        raise MissingField(*missing)


def changed_fields(record: object, fields: DirectoryFields) -> list[str]:
    return sorted(name for name, value in fields.items() if getattr(record, name) != value)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSaved(Decision):
    before: Account | None
    account: Account


def put_account(account_id: str, before: Account | None, fields: DirectoryFields, act: Act) -> AccountSaved | None:
    """Create or update an account. Return None when nothing differs."""
    if not before:
        require_fields(fields, "kind", "name")
    elif fields.get("kind", before.kind) is not before.kind:
        raise KindIsFixed("kind")
    base = before or Account.model_validate({"account_id": account_id, **fields})
    disallowed = CLIENT_ONLY_FIELDS if base.kind is AccountKind.PARTNER else PARTNER_ONLY_FIELDS
    disallowed_names = [name for name in disallowed if name in fields]
    if disallowed_names:
        raise InvalidField(*disallowed_names)
    changed = changed_fields(before, fields) if before else sorted(fields)
    if before and not changed:
        return None
    is_terminated_now = fields.get("program") is Program.TERMINATED and base.program is not Program.TERMINATED
    account = base.next_version(**fields, terminations=base.terminations + is_terminated_now)
    if account.partner_seat_limit is not None and account.partner_seats_used > account.partner_seat_limit:
        raise LimitBelowUse("partner_seat_limit")
    return AccountSaved(
        act=act,
        before=before,
        account=account,
        audit=audit("account.updated" if before else "account.created", act, account_id, fields=list(changed)),
        reconciliation=_partner_reconciliation(before, account, changed) if before else None,
        relies_on=(before,) if before else (),
    )


def _partner_reconciliation(before: Account, account: Account, changed: list[str]) -> Reconciliation | None:
    """Return the reconciliation if a partner's program, state or domains changed.

    Such a change affects all of the partner's employees, in all clients at once.
    """
    if not account.is_partner or not ELIGIBILITY_FIELDS & set(changed):
        return None
    return Reconciliation(partner_id=account.account_id, reason=_reconciliation_reason(before, account))


def _reconciliation_reason(before: Account, account: Account) -> ReconciliationReason:
    if account.terminations > before.terminations:
        return ReconciliationReason.PROGRAM_ENDED
    if account.is_in_program == before.is_in_program:
        return ReconciliationReason.ELIGIBILITY
    return ReconciliationReason.PROGRAM_RESUMED if account.is_in_program else ReconciliationReason.PROGRAM_STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFacts:
    """The facts for a change to a user.

    `email_owner_id` is the id of the user who has the requested email address. `super_admin_of` maps the user's
    accounts to the other super admins there. `member_for` are the partners on whose behalf the user is a member
    somewhere, whether or not they still work for them.
    """

    user: User | None
    email_owner_id: str | None
    super_admin_of: Mapping[str, tuple[Actor, ...]] = field(default_factory=dict)
    member_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSaved(Decision):
    before: User | None
    user: User
    orphaned: tuple[str, ...] = ()

    @property
    def orphan_reports(self) -> Iterator[Decision]:
        """The decisions that report orphaned accounts beyond the limit of the main transaction to their audit logs."""
        for start in range(MAX_ORPHANED_IN_ENTRY, len(self.orphaned), MAX_ORPHANED_IN_REPORT):
            some = self.orphaned[start : start + MAX_ORPHANED_IN_REPORT]
            act = self.act.for_item(some[0]).without_key()
            yield Decision(act=act, audit=audit("account.orphaned", act, *some, user_id=self.user.user_id))

    @property
    def email_changed(self) -> bool:
        return self.before is None or self.before.email != self.user.email


def put_user(user_id: str, facts: UserFacts, fields: DirectoryFields, act: Act) -> UserSaved | None:
    """Create or update a user. Return None when nothing differs.

    An account that would lose its last super admin does not prevent a deactivation.
    """
    before = facts.user
    if user_id in RESERVED_SUBJECTS:
        raise ReservedSubject
    if not before or before.email is None:
        require_fields(fields, "email", "name")
    if facts.email_owner_id not in (None, user_id):
        raise EmailInUse("email")
    changed = changed_fields(before, fields) if before else sorted(fields)
    if before and not changed:
        return None
    user = (before or User.model_validate({"user_id": user_id, **fields})).next_version(**fields)
    is_deactivated_now = not user.active and (before is None or before.active)
    remaining = (
        {each: _remaining_super_admin(others, act) for each, others in facts.super_admin_of.items()}
        if is_deactivated_now
        else {}
    )
    orphaned = tuple(each for each, other in remaining.items() if not other)
    relied_on = dict.fromkeys(record for other in remaining.values() if other for record in other.relied_on)
    return UserSaved(
        act=act,
        before=before,
        user=user,
        orphaned=orphaned,
        audit=audit(
            "user.updated" if before else "user.created",
            act,
            DIRECTORY_LOG_ID,
            *orphaned[:MAX_ORPHANED_IN_ENTRY],
            user_id=user_id,
            fields=list(changed),
            orphaned=list(orphaned) if is_deactivated_now else None,
        ),
        reconciliation=Reconciliation(user_id=user_id) if ELIGIBILITY_FIELDS & set(changed) and before else None,
        relies_on=(*((before,) if before else ()), *tuple(relied_on)[:MAX_RELIED_ON]),
    )


def _remaining_super_admin(others: tuple[Actor, ...], act: Act) -> Actor | None:
    return next((other for other in others if other.is_super_admin_at(act.at)), None)


def erase(user_id: str, facts: UserFacts, act: Act) -> UserSaved | None:
    """Erase the personal data of a user. Their id stays in the audit log.

    Raise `IsSuperAdmin` until every account where they are super admin has replaced or migrated them.
    """
    before = facts.user
    if facts.super_admin_of:
        raise IsSuperAdmin().with_detail(
            "First end this user's super admin role in every account. Name another super admin where needed."
        )
    if not before or before.email is None:
        return None
    partner_ids = before.employed_by | facts.member_for
    return UserSaved(
        act=act,
        before=before,
        user=before.next_version(
            email=None,
            name="",
            locale=None,
            active=False,
            offboardings={
                **before.offboardings,
                **{partner_id: before.offboardings.get(partner_id, 0) + 1 for partner_id in partner_ids},
            },
        ),
        audit=audit("user.erased", act, DIRECTORY_LOG_ID, user_id=user_id),
        reconciliation=Reconciliation(user_id=user_id, reason=ReconciliationReason.ERASED),
        relies_on=(before,),
    )
