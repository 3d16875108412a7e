"""The rights of an actor in an account at a given instant, and who among the actors approves or remains super admin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.errors import (
    Forbidden,
    LastSuperAdmin,
    NotAnApprover,
    NotFound,
)
from partner_access.domain.memberships import own_partner
from partner_access.domain.memberships.effective_rights import effective_rights_of
from partner_access.domain.memberships.members import Member, Role, SuspensionReason
from partner_access.domain.permissions.custom_sets import CustomSets
from partner_access.domain.permissions.rights import NO_RIGHTS, USERS_MANAGE, Rights, SetName
from partner_access.domain.records import Record
from partner_access.domain.users import User, access_generation_of, is_eligible

EXPLICIT_SUSPENSIONS: Final = frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER})
"""The suspension reasons that the client and the partner set.

The membership decides on these two. The other reasons are computed from the user and the partner on every read.
"""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person in one account: the user, their membership, and the records that their rights depend on.

    `partners` are the partners on whose behalf the person is or was a member, by id. `sets` are the custom sets of the
    account that the person holds, by id.
    """

    user: User | None = None
    member: Member | None = None
    partners: Mapping[str, Account] = field(default_factory=dict)
    sets: CustomSets = field(default_factory=dict)

    @property
    def relied_on(self) -> tuple[Record, ...]:
        """All records that the actor's rights depend on."""
        own = (record for record in (self.user, self.member) if record)
        return (*own, *self.partners.values(), *self.sets.values())

    def member_at(self, at: datetime) -> Member | None:
        """Return the membership as it counts at this instant.

        A grant that has expired does not count. A membership for a partner ends when its access generation is outdated.
        """
        now = self.member.as_of(at) if self.member else None
        if now and now.active and now.partner_id and not self._is_current(now, now.partner_id):
            return now.ended(Role.PARTNER_MANAGER if self._is_offboarded_by_manager(now) else None)
        return now

    def _is_offboarded_by_manager(self, now: Member) -> bool:
        """Return whether a manager ended all access for the partner after this membership began."""
        generations = self.user.manager_offboardings if self.user else {}
        return now.partner_id is not None and generations.get(now.partner_id, 0) > now.access_generation

    def kept_out_by_at(self, at: datetime) -> frozenset[str]:
        """Return the partners for which only their managers or the client can bring the person back."""
        now = self.member_at(at)
        if not now:
            return frozenset()
        is_offboarded = now.partner_id and self._is_offboarded_by_manager(now)
        return now.kept_out_by | ({now.partner_id} if now.partner_id and is_offboarded else set())

    def _is_current(self, now: Member, partner_id: str) -> bool:
        return (
            self.user is not None
            and partner_id in self.partners
            and now.access_generation >= access_generation_of(self.user, self.partners[partner_id])
        )

    def partner_at(self, at: datetime) -> Account | None:
        """Return the partner on whose behalf the person is a member at this instant."""
        now = self.member_at(at)
        return self.partners.get(now.partner_id or "") if now and now.active else None

    def suspended_by_at(self, at: datetime) -> frozenset[SuspensionReason]:
        """Return the reasons that suspend access at this instant.

        The reasons "employee" and "program" are computed from the user and the partner. The membership does not store
        them (domain.md rule 21).
        """
        now = self.member_at(at)
        if not now or not now.active:
            return frozenset()
        explicit = now.suspended_by & EXPLICIT_SUSPENSIONS
        partner = self.partner_at(at)
        if not partner or is_eligible(self.user, partner):
            return explicit
        return explicit | {SuspensionReason.EMPLOYEE if partner.is_in_program else SuspensionReason.PROGRAM}

    def rights_at(self, at: datetime) -> Rights:
        """Return the rights in the account at this instant.

        They are empty while the user or the membership is inactive or suspended, or the user is not eligible for the
        partner.
        """
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
        """Raise `NotFound` for a non-member, so that the account's existence stays hidden (domain.md rule 24)."""
        if not self.is_member_at(at):
            raise NotFound
        if not self.user or not self.user.active:
            raise Forbidden

    def must_be_employee(self, partner: Account | None, at: datetime) -> Account:
        """Return the partner. Raise `NotFound` for non-members, so that it stays hidden (domain.md rule 24)."""
        if not partner or not partner.is_partner:
            raise NotFound
        self.must_be_member(at)
        return partner

    def is_super_admin_at(self, at: datetime) -> bool:
        """Return whether the actor is an active super admin. Every account keeps at least one."""
        now = self.member_at(at)
        return now is not None and now.is_super_admin and bool(self.rights_at(at).held)

    def is_approver_at(self, at: datetime) -> bool:
        """Return whether the actor can answer links for the account. A partner member never can (domain.md §4)."""
        now = self.member_at(at)
        if not now or now.partner_id or now.permission_set == SetName.PARTNER_ADMIN:
            return False
        return USERS_MANAGE in self.rights_at(at)

    def must_be_approver(
        self,
        *,
        subject: User | None,
        partner_id: str | None,
        super_admins: "tuple[Actor, ...]",
        at: datetime,
        link_created_at: datetime | None = None,
    ) -> None:
        """Raise unless the actor is an approver who works for no partner of the subject (domain.md §4)."""
        self.must_be_member(at)
        if not self.is_approver_at(at):
            raise NotAnApprover
        others = tuple(each for each in super_admins if each.user != self.user)
        own_partner.must_not_approve(
            self.user,
            subject,
            partner_id,
            link_created_at=link_created_at,
            others_can_approve=has_independent_super_admin(others, at),
        )


NO_ACTOR: Final = Actor()


def has_independent_super_admin(super_admins: tuple[Actor, ...], at: datetime) -> bool:
    """Return whether at least one of them is an active super admin who works for no partner."""
    return any(each.is_super_admin_at(at) and each.user and not each.user.is_partner_employee for each in super_admins)


def witness(others: tuple[Actor, ...], at: datetime, *, preferred: User | None = None) -> Actor:
    """Return a super admin who remains when another one goes, or raise `LastSuperAdmin` (consistency.md T3).

    The user given as `preferred` comes first, then super admins who work for no partner.
    """
    remaining = [other for other in others if other.is_super_admin_at(at)]
    if not remaining:
        raise LastSuperAdmin
    return min(
        remaining, key=lambda other: (other.user != preferred, bool(other.user and other.user.is_partner_employee))
    )
