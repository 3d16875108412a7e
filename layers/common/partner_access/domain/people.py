"""Users, who is eligible among them, and what the person who acts may do in an account at this instant."""

from dataclasses import dataclass
from datetime import datetime

from partner_access.domain.accounts import Account, AccountStanding, Program
from partner_access.domain.decisions import Kept, Locale
from partner_access.domain.members import Member
from partner_access.domain.permissions import NOTHING, USERS_MANAGE, Rights, SetName
from partner_access.domain.refusals import (
    Forbidden,
    InvalidField,
    LastSuperAdmin,
    NoIndependentApprover,
    NotAnApprover,
    NotFound,
    OwnFirmMayNotApprove,
    Refused,
)


class User(Kept):
    """A person; `employed_by` are the partner accounts where he is an active member, `open_links` a mere count."""

    user_id: str
    name: str
    email: str | None = None
    locale: Locale | None = None
    active: bool = True
    employed_by: frozenset[str] = frozenset()
    open_links: int = 0

    @property
    def is_partner_staff(self) -> bool:
        return bool(self.employed_by)


def must_not_be_barred(user: User | None) -> None:
    """Whoever the vendor has deactivated does nothing here; somebody it has not told of yet has nothing to do."""
    if user and not user.active:
        raise Forbidden


def eligible(user: User | None, partner: Account | None) -> bool:
    """Whether this person can be a partner admin for this partner (domain.md §2)."""
    return (
        user is not None
        and partner is not None
        and partner.is_partner
        and partner.standing is AccountStanding.ACTIVE
        and user.active
        and user.email is not None
        and partner.program is Program.ACTIVE
        and partner.account_id in user.employed_by
        and user.email.rpartition("@")[2] in partner.domains
    )


def firm_of(user: User | None, named: str | None) -> str | None:
    """The partner on whose behalf a person is migrated or created: the one named, or his only one."""
    if named or not user or len(user.employed_by) != 1:
        return named
    return min(user.employed_by)


def firm_must_be_named() -> Refused:
    """What whoever acts for a person of several firms is told."""
    return InvalidField("/partner_id").saying("Name the partner in partner_id: this person works for several.")


def firm_is_unclear(user: User | None, named: str | None) -> bool:
    """Whether somebody of two firms must say first which one is meant (domain.md rule 14)."""
    return not named and user is not None and len(user.employed_by) > 1


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in one account: his user, his membership, and his firm if he is here on its behalf."""

    user: User | None = None
    member: Member | None = None
    firm: Account | None = None

    @property
    def relied_on(self) -> tuple[Kept, ...]:
        """All that his rights rest on."""
        return tuple(record for record in (self.user, self.member, self.firm) if record)

    def rights_at(self, at: datetime) -> Rights:
        """What he may do in the account now; nothing when he, or his firm for him, no longer stands."""
        if not self.user or not self.user.active or not self.member:
            return NOTHING
        if self.member.as_of(at).partner_id and not eligible(self.user, self.firm):
            return NOTHING
        return self.member.rights_at(at)

    def is_member_at(self, at: datetime) -> bool:
        return self.member is not None and self.member.as_of(at).active

    def must_be_member(self, at: datetime) -> None:
        """To others the account is as if unknown (domain.md rule 24)."""
        if not self.is_member_at(at):
            raise NotFound
        if not self.user or not self.user.active:
            raise Forbidden

    def must_be_staff(self, partner: Account | None, at: datetime) -> Account:
        """The partner; to anybody but its members it is as if unknown (domain.md rule 24)."""
        if not partner or not partner.is_partner:
            raise NotFound
        self.must_be_member(at)
        return partner

    def is_super_admin_at(self, at: datetime) -> bool:
        """Whether he is an active super admin: the kind that an account never runs out of."""
        return bool(self.rights_at(at).held) and self.member is not None and self.member.as_of(at).is_super_admin

    def is_colleague_of(self, person: User) -> bool:
        """Whether both work for the same partner."""
        return self.user is not None and bool(self.user.employed_by & person.employed_by)

    def is_approver_at(self, at: datetime) -> bool:
        """Whether he may answer for the account: nobody ever does who is here for a partner (domain.md §4)."""
        now = self.member and self.member.as_of(at)
        if not now or now.partner_id or now.permission_set == SetName.PARTNER_ADMIN:
            return False
        return USERS_MANAGE in self.rights_at(at)

    def must_be_approver(self, *, asked_by: str, super_admins: "tuple[Actor, ...]", at: datetime) -> None:
        """He answers for the account and does not work for the partner who asks (domain.md §4)."""
        self.must_be_member(at)
        if not self.is_approver_at(at):
            raise NotAnApprover
        if self.user and asked_by in self.user.employed_by:
            raise OwnFirmMayNotApprove if some_independent(super_admins, at) else NoIndependentApprover


def some_independent(super_admins: tuple[Actor, ...], at: datetime) -> bool:
    """Whether one of them is an active super admin who works for no partner."""
    return any(each.is_super_admin_at(at) and each.user and not each.user.is_partner_staff for each in super_admins)


def witness(others: tuple[Actor, ...], at: datetime, *, rather: User | None = None) -> Actor:
    """A super admin who stays when another goes: rather this one, then one of no partner (guarantees.md T3)."""
    staying = [other for other in others if other.is_super_admin_at(at)]
    if not staying:
        raise LastSuperAdmin
    return min(staying, key=lambda other: (other.user != rather, bool(other.user and other.user.is_partner_staff)))
