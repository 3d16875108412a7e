"""Users, who is eligible among them, and what the person who acts may do in an account at this instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.errors import (
    Forbidden,
    LastSuperAdmin,
    NoIndependentApprover,
    NotAnApprover,
    NotFound,
    OwnPartnerMayNotApprove,
)
from partner_access.domain.memberships.effective_rights import effective_rights_of
from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.permissions.custom_sets import CustomSets
from partner_access.domain.permissions.rights import NO_RIGHTS, USERS_MANAGE, Rights, SetName
from partner_access.domain.records import Record
from partner_access.domain.users import User, access_generation_of, is_eligible

EXPLICIT_SUSPENSIONS: Final = frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER})
"""Whose suspension is what the membership says; the other reasons follow from the person and his firm at every look."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in one account: his user, his membership, and what stands behind it.

    `firms` are the partners on whose behalf he is or was here, `sets` the account's own sets that he holds, by their ids.
    """

    user: User | None = None
    member: Member | None = None
    partners: Mapping[str, Account] = field(default_factory=dict)
    sets: CustomSets = field(default_factory=dict)

    @property
    def relied_on(self) -> tuple[Record, ...]:
        """All that his rights rest on."""
        own = (record for record in (self.user, self.member) if record)
        return (*own, *self.partners.values(), *self.sets.values())

    def member_at(self, at: datetime) -> Member | None:
        """His membership as it counts now: without a grant that is over, or ended with all that he had for his firm."""
        now = self.member.as_of(at) if self.member else None
        while now and now.active and now.partner_id and not self._is_current(now, now.partner_id):
            now = now.ended()
        return now

    def _is_current(self, now: Member, partner_id: str) -> bool:
        return (
            self.user is not None
            and partner_id in self.partners
            and now.access_generation >= access_generation_of(self.user, self.partners[partner_id])
        )

    def partner_at(self, at: datetime) -> Account | None:
        """The partner on whose behalf he is here now."""
        now = self.member_at(at)
        return self.partners.get(now.partner_id or "") if now else None

    def suspended_by_at(self, at: datetime) -> frozenset[SuspensionReason]:
        """Who keeps him from access now; of his firm and its program, whatever the membership says (domain.md rule 21)."""
        now = self.member_at(at)
        if not now or not now.active:
            return frozenset()
        explicit = now.suspended_by & EXPLICIT_SUSPENSIONS
        partner = self.partner_at(at)
        if not partner or is_eligible(self.user, partner):
            return explicit
        return explicit | {SuspensionReason.EMPLOYEE if partner.is_in_program else SuspensionReason.PROGRAM}

    def rights_at(self, at: datetime) -> Rights:
        """What he may do in the account now; nothing when he, or his firm for him, no longer stands."""
        now = self.member_at(at)
        if not self.user or not self.user.active or not now or not now.active:
            return NO_RIGHTS
        if now.suspended_by & EXPLICIT_SUSPENSIONS or (
            now.partner_id and not is_eligible(self.user, self.partner_at(at))
        ):
            return NO_RIGHTS
        if now.permission_set == SetName.PARTNER_ADMIN and not now.grant:
            return NO_RIGHTS
        return effective_rights_of(now, self.sets)

    def is_member_at(self, at: datetime) -> bool:
        now = self.member_at(at)
        return now is not None and now.active

    def must_be_member(self, at: datetime) -> None:
        """To others the account is as if unknown (domain.md rule 24)."""
        if not self.is_member_at(at):
            raise NotFound
        if not self.user or not self.user.active:
            raise Forbidden

    def must_be_employee(self, partner: Account | None, at: datetime) -> Account:
        """The partner; to anybody but its members it is as if unknown (domain.md rule 24)."""
        if not partner or not partner.is_partner:
            raise NotFound
        self.must_be_member(at)
        return partner

    def is_super_admin_at(self, at: datetime) -> bool:
        """Whether he is an active super admin: the kind that an account never runs out of."""
        now = self.member_at(at)
        return now is not None and now.is_super_admin and bool(self.rights_at(at).held)

    def shares_employer_with(self, person: User) -> bool:
        """Whether both work for the same partner."""
        return self.user is not None and bool(self.user.employed_by & person.employed_by)

    def is_approver_at(self, at: datetime) -> bool:
        """Whether he may answer for the account: nobody ever does who is here for a partner (domain.md §4)."""
        now = self.member_at(at)
        if not now or now.partner_id or now.permission_set == SetName.PARTNER_ADMIN:
            return False
        return USERS_MANAGE in self.rights_at(at)

    def must_be_approver(self, *, partner_id: str, super_admins: "tuple[Actor, ...]", at: datetime) -> None:
        """He answers for the account and does not work for the partner who asks (domain.md §4)."""
        self.must_be_member(at)
        if not self.is_approver_at(at):
            raise NotAnApprover
        if self.user and partner_id in self.user.employed_by:
            raise OwnPartnerMayNotApprove if has_independent_super_admin(super_admins, at) else NoIndependentApprover


NO_ACTOR: Final = Actor()


def has_independent_super_admin(super_admins: tuple[Actor, ...], at: datetime) -> bool:
    """Whether one of them is an active super admin who works for no partner."""
    return any(each.is_super_admin_at(at) and each.user and not each.user.is_partner_employee for each in super_admins)


def witness(others: tuple[Actor, ...], at: datetime, *, preferred: User | None = None) -> Actor:
    """A super admin who stays when another goes: rather this one, then one of no partner (guarantees.md T3)."""
    remaining = [other for other in others if other.is_super_admin_at(at)]
    if not remaining:
        raise LastSuperAdmin
    return min(
        remaining, key=lambda other: (other.user != preferred, bool(other.user and other.user.is_partner_employee))
    )
