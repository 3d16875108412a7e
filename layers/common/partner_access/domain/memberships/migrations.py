"""Migration: a super admin who works for a partner becomes a partner admin. The account keeps another super admin."""

from dataclasses import dataclass

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    Forbidden,
    NotAClientAccount,
    NotEligible,
    NotFound,
    NotSuperAdmin,
)
from partner_access.domain.memberships.actors import Actor, has_independent_super_admin, witness
from partner_access.domain.memberships.effective_rights import effective_rights_of
from partner_access.domain.memberships.grants import GrantTerms, new_grant, paid_seat_required
from partner_access.domain.memberships.members import Grant, GrantSource, Member, Seat, known_seat, paid_seats_kept
from partner_access.domain.notifications import Notification, NotificationKind
from partner_access.domain.permissions.rights import SetName, client_rights, latest_version
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User, access_generation_of, is_eligible, partner_id_required


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationFacts:
    """The facts for a migration.

    `others` are the super admins except the target. `partner` is the target's partner. It is None when several are
    possible and none is named.
    """

    account: Account | None
    actor: Actor
    target: Actor
    partner: Account | None
    others: tuple[Actor, ...]
    partner_is_ambiguous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPreview:
    """The effects of a migration: lost permissions, the seat, and the super admins who remain."""

    lost: tuple[str, ...]
    seat_before: Seat | None
    seat_after: Seat
    remaining_super_admins: int
    remaining_are_partner_employees: bool
    paid_seat_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperAdminMigrated(Decision):
    account: Account
    employee: User
    before: Member
    member: Member
    grant: Grant
    preview: MigrationPreview


def migrate(facts: MigrationFacts, act: Act) -> SuperAdminMigrated:
    """Turn a super admin into a partner admin.

    Another super admin must remain. The decision relies on that one as its witness (consistency.md T3).
    """
    account, partner, employee, before = _must_be_migratable(facts, act)
    remaining = witness(facts.others, act.at, preferred=facts.actor.user)
    account.must_have_free_seat()

    terms = GrantTerms(source=GrantSource.MIGRATION, set_version=latest_version(SetName.PARTNER_ADMIN))
    new_partner_grant = new_grant(partner, terms, act)
    member = before.next_version(
        permission_set=SetName.PARTNER_ADMIN,
        set_version=terms.set_version,
        added=(),
        removed=(),
        withheld=(),
        seat=Seat.PARTNER,
        paid_seats=paid_seats_kept(before),
        granted_by=act.actor_id,
        partner_id=partner.account_id,
        access_generation=access_generation_of(employee, partner),
        grant=new_partner_grant,
    )
    preview = _preview(facts, account, before, member, act)
    return SuperAdminMigrated(
        act=act,
        account=account,
        employee=employee,
        before=before,
        member=member,
        grant=new_partner_grant,
        preview=preview,
        audit=audit(
            "super_admin.migrated",
            act,
            account.account_id,
            partner.account_id,
            employee_id=before.user_id,
            grant_id=new_partner_grant.grant_id,
            seat={"before": known_seat(before.seat), "after": Seat.PARTNER},
        ),
        notification=Notification(
            kind=NotificationKind.SUPER_ADMIN_MIGRATED,
            employee_id=before.user_id,
            actor_id=act.actor_id,
            partner_id=partner.account_id,
            account_id=account.account_id,
            set_version=member.set_version,
            paid_seat_required=preview.paid_seat_required,
        ),
        relies_on=(account, partner, *facts.actor.relied_on, *facts.target.relied_on, *remaining.relied_on),
    )


def _must_be_migratable(facts: MigrationFacts, act: Act) -> tuple[Account, Account, User, Member]:
    """Return the account, the partner, the employee and their membership. Raise errors in the order of http-api.md."""
    account, partner, target = facts.account, facts.partner, facts.target
    if not account:
        raise NotFound
    facts.actor.must_be_member(act.at)
    if account.is_partner:
        raise NotAClientAccount("account_id")
    is_self = target.user is not None and target.user.user_id == act.actor_id
    if not is_self and not facts.actor.is_super_admin_at(act.at):
        raise Forbidden
    account.must_be_active()
    if not target.user or not target.member or not target.is_member_at(act.at):
        raise NotFound
    now = target.member_at(act.at)
    if not now or not now.is_super_admin:
        raise NotSuperAdmin
    if facts.partner_is_ambiguous:
        raise partner_id_required()
    if not partner or not is_eligible(target.user, partner):
        raise NotEligible
    return account, partner, target.user, target.member


def _preview(facts: MigrationFacts, account: Account, before: Member, after: Member, act: Act) -> MigrationPreview:
    return MigrationPreview(
        lost=client_rights(effective_rights_of(before, {})).wider_than(effective_rights_of(after, {})),
        seat_before=known_seat(before.seat),
        seat_after=Seat.PARTNER,
        remaining_super_admins=sum(other.is_super_admin_at(act.at) for other in facts.others),
        remaining_are_partner_employees=not has_independent_super_admin(facts.others, act.at),
        paid_seat_required=paid_seat_required(account, after),
    )
