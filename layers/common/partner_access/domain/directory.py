"""What the vendor's back end tells of accounts, users and members: the product's real input."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from partner_access.domain.accounts import Account, AccountKind, Program
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    AlreadyPartnerAdmin,
    EmailInUse,
    GrantSuspended,
    InvalidField,
    IsSuperAdmin,
    KindIsFixed,
    LimitBelowUse,
    MissingField,
    NotFound,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import OF_THE_TWO_SIDES, Actor, witness
from partner_access.domain.memberships.members import Member, Seat, usual_seat
from partner_access.domain.notifications import CleanUp, Occasion
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import SetName, latest
from partner_access.domain.records import DIRECTORY, Decision, Kept, audit
from partner_access.domain.users import User

Told = Mapping[str, object]
"""The fields that were told, by their attribute names here; what is absent keeps its value."""

ONLY_CLIENTS: Final = ("pricing", "partner_seat_limit")
ONLY_PARTNERS: Final = ("domains", "program")
TOLD_AT_ONCE: Final = 30
PINNED_AT_ONCE: Final = 60
REPORTED_AT_ONCE: Final = 90
"""How much of a deactivation that concerns very many accounts fits into one transaction of 100 items."""
WHO_IS_ELIGIBLE: Final = frozenset({"active", "domains", "email", "program", "state"})
"""What changes the access of a partner's people in all clients at once."""


def _must_have(told: Told, *names: str) -> None:
    missing = [f"/{name}" for name in names if told.get(name) is None]
    if missing:
        raise MissingField(*missing)


def _differing(record: object, told: Told) -> list[str]:
    return sorted(name for name, value in told.items() if getattr(record, name) != value)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKept(Decision):
    before: Account | None
    account: Account


def keep_account(account_id: str, before: Account | None, told: Told, act: Act) -> AccountKept | None:
    """Make or change an account; None when nothing differs."""
    if not before:
        _must_have(told, "kind", "name")
    elif told.get("kind", before.kind) is not before.kind:
        raise KindIsFixed("/kind")
    base = before or Account.model_validate({"account_id": account_id, **told})
    foreign = ONLY_CLIENTS if base.kind is AccountKind.PARTNER else ONLY_PARTNERS
    wrong = [f"/{name}" for name in foreign if name in told]
    if wrong:
        raise InvalidField(*wrong)
    changed = _differing(before, told) if before else sorted(told)
    if before and not changed:
        return None
    ends = told.get("program") is Program.TERMINATED and base.program is not Program.TERMINATED
    account = base.changed(**told, terminations=base.terminations + ends)
    if account.partner_seat_limit is not None and account.partner_seats_used > account.partner_seat_limit:
        raise LimitBelowUse("/partner_seat_limit")
    return AccountKept(
        act=act,
        before=before,
        account=account,
        audit=audit("account.updated" if before else "account.created", act, account_id, fields=list(changed)),
        clean_up=_of_the_partner(before, account, changed) if before else None,
        relies_on=(before,) if before else (),
    )


def _of_the_partner(before: Account, account: Account, changed: list[str]) -> CleanUp | None:
    """A partner's program, state or domains change what all its people may do, in all clients at once."""
    if not account.is_partner or not WHO_IS_ELIGIBLE & set(changed):
        return None
    return CleanUp(partner_id=account.account_id, reason=_occasion(before, account))


def _occasion(before: Account, account: Account) -> Occasion:
    if account.terminations > before.terminations:
        return Occasion.PROGRAM_ENDED
    if account.is_in_program == before.is_in_program:
        return Occasion.ELIGIBILITY
    return Occasion.PROGRAM_RESUMED if account.is_in_program else Occasion.PROGRAM_STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFacts:
    """`owner` has the e-mail address that is told; `super_admin_of` maps his accounts to their other super admins.

    `here_for` are the partners on whose behalf he is somewhere, whether or not he works for them now.
    """

    user: User | None
    owner: str | None
    super_admin_of: Mapping[str, tuple[Actor, ...]] = field(default_factory=dict)
    here_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserKept(Decision):
    before: User | None
    user: User
    orphaned: tuple[str, ...] = ()

    @property
    def reports(self) -> Iterator[Decision]:
        """What tells the trails of orphaned accounts, as far as they do not fit into the transaction itself."""
        for start in range(TOLD_AT_ONCE, len(self.orphaned), REPORTED_AT_ONCE):
            some = self.orphaned[start : start + REPORTED_AT_ONCE]
            act = self.act.part(some[0]).unkept()
            yield Decision(act=act, audit=audit("account.orphaned", act, *some, user_id=self.user.user_id))

    @property
    def email_changed(self) -> bool:
        return self.before is None or self.before.email != self.user.email


def keep_user(user_id: str, facts: UserFacts, told: Told, act: Act) -> UserKept | None:
    """Make or change a user; None when nothing differs. A person is never kept active for an account's sake."""
    before = facts.user
    if not before or before.email is None:
        _must_have(told, "email", "name")
    if facts.owner not in (None, user_id):
        raise EmailInUse("/email")
    changed = _differing(before, told) if before else sorted(told)
    if before and not changed:
        return None
    user = (before or User.model_validate({"user_id": user_id, **told})).changed(**told)
    leaves = not user.active and (before is None or before.active)
    staying = {each: _staying(others, act) for each, others in facts.super_admin_of.items()} if leaves else {}
    orphaned = tuple(each for each, other in staying.items() if not other)
    relied_on = dict.fromkeys(record for other in staying.values() if other for record in other.relied_on)
    return UserKept(
        act=act,
        before=before,
        user=user,
        orphaned=orphaned,
        audit=audit(
            "user.updated" if before else "user.created",
            act,
            DIRECTORY,
            *orphaned[:TOLD_AT_ONCE],
            user_id=user_id,
            fields=list(changed),
            orphaned=list(orphaned),
        ),
        clean_up=CleanUp(user_id=user_id) if WHO_IS_ELIGIBLE & set(changed) and before else None,
        relies_on=(*((before,) if before else ()), *tuple(relied_on)[:PINNED_AT_ONCE]),
    )


def _staying(others: tuple[Actor, ...], act: Act) -> Actor | None:
    return next((other for other in others if other.is_super_admin_at(act.at)), None)


def erase(user_id: str, facts: UserFacts, act: Act) -> UserKept | None:
    """Forget who a person was; his id stays in the trail. A super admin is replaced or migrated first."""
    before = facts.user
    if facts.super_admin_of:
        raise IsSuperAdmin().saying(
            "Take the super admin's role from this person first, everywhere; name another where needed."
        )
    if not before or before.email is None:
        return None
    firms = before.employed_by | facts.here_for
    return UserKept(
        act=act,
        before=before,
        user=before.changed(
            email=None,
            name="",
            locale=None,
            active=False,
            offboardings={**before.offboardings, **{firm: before.offboardings.get(firm, 0) + 1 for firm in firms}},
        ),
        audit=audit("user.erased", act, DIRECTORY, user_id=user_id),
        clean_up=CleanUp(user_id=user_id, reason=Occasion.ERASED),
        relies_on=(before,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFacts:
    """`others` are the account's super admins but for this user."""

    account: Account | None
    target: Actor
    others: tuple[Actor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberKept(Decision):
    account: Account
    user: User
    before: Member | None
    member: Member

    @property
    def employed_by(self) -> frozenset[str]:
        """The partners that employ the user from now on."""
        if not self.account.is_partner:
            return self.user.employed_by
        own = {self.account.account_id}
        return self.user.employed_by | own if self.member.active else self.user.employed_by - own


def keep_member(facts: MemberFacts, told: Told, act: Act) -> MemberKept | None:
    """Make or change a membership; partner admins come only by the three ways, and a super admin who can act stays."""
    account, user, before = facts.account, facts.target.user, facts.target.member
    if not account or not user:
        raise NotFound
    if not before:
        _must_have(told, "permission_set")
    named = told.get("permission_set")
    if named is not None and named not in catalogue.SETS:
        raise UnknownPermissionSet("/permission_set")
    if named == SetName.PARTNER_ADMIN:
        raise InvalidField("/permission_set")
    if told.get("seat") is Seat.PARTNER:
        raise InvalidField("/seat")
    now = facts.target.member_at(act.at)
    changed = _differing(now, told) if now else sorted(told)
    if now and not changed:
        return None
    account.must_be_active()
    if now and now.grant:
        raise AlreadyPartnerAdmin

    member = _member(account, user, now, told, act)
    if member.permission_set == SetName.PARTNER_ADMIN:
        raise InvalidField("/permission_set")
    # what the two sides decided outlives a membership that was not active meanwhile
    suspended = facts.target.suspended_by_at(act.at) | (member.suspended_by & OF_THE_TWO_SIDES)
    if member.is_super_admin and member.active and suspended:
        raise GrantSuspended("/permission_set")
    stays = _stays(facts, user, now, member, act)
    return MemberKept(
        act=act,
        account=account,
        user=user,
        before=before,
        member=member,
        audit=audit(
            "member.updated" if before else "member.created",
            act,
            account.account_id,
            user_id=user.user_id,
            fields=list(changed),
            permission_set=member.permission_set,
            active=member.active,
        ),
        clean_up=_clean_up(account, user, before, member),
        relies_on=(account, user, *((before,) if before else ()), *stays),
    )


def _member(account: Account, user: User, now: Member | None, told: Told, act: Act) -> Member:
    if not now:
        named = str(told["permission_set"])
        return Member.model_validate(
            {
                "version": 1,
                "account_id": account.account_id,
                "user_id": user.user_id,
                "since": act.at,
                "granted_by": act.by,
                "set_version": latest(named),
                "seat": usual_seat(named),
                **told,
            }
        )
    named = str(told.get("permission_set", now.permission_set))
    seated = now.model_copy(update={"seat": now.seat or usual_seat(named)})
    if named == now.permission_set:
        return seated.changed(**told)
    # a super admin is one for the client alone: nothing of what brought him in is left
    own = {"partner_id": None, "access_generation": 0} if named == SetName.SUPER_ADMIN else {}
    return seated.changed(set_version=latest(named), added=(), removed=(), **own, **told)


def _clean_up(account: Account, user: User, before: Member | None, member: Member) -> CleanUp | None:
    """A partner's employee comes back or stops: his access everywhere follows at once, and is tidied up after."""
    if not account.is_partner or before is None or before.active == member.active:
        return None
    return CleanUp(partner_id=account.account_id, user_id=user.user_id)


def _stays(facts: MemberFacts, user: User, now: Member | None, member: Member, act: Act) -> tuple[Kept, ...]:
    """Whom the account has when a super admin goes, or comes who cannot act (guarantees.md G3); else nobody is needed."""
    was_one = now is not None and now.active and now.is_super_admin
    is_one = member.active and member.is_super_admin
    goes = was_one and not is_one
    comes_in_vain = is_one and not was_one and not user.active
    return witness(facts.others, act.at).relied_on if goes or comes_in_vain else ()
