"""Migration: a super admin who works for a partner becomes partner admin, and the account keeps a super admin."""

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
from partner_access.domain.memberships.actors import Actor, some_independent, witness
from partner_access.domain.memberships.effective_rights import rights_in
from partner_access.domain.memberships.grants import Terms, grant, paid_seat_required
from partner_access.domain.memberships.members import Grant, GrantSource, Member, Seat, paid_seats
from partner_access.domain.notifications import Letter, LetterKind
from partner_access.domain.permissions.rights import SetName, in_clients, latest
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User, eligible, firm_must_be_named, tenure_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationFacts:
    """`others` are the super admins but for the one to be migrated; `partner` is his firm, unless it is unclear which."""

    account: Account | None
    actor: Actor
    target: Actor
    partner: Account | None
    others: tuple[Actor, ...]
    firm_is_unclear: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a migration changes: the permissions lost, the seat, and who is left to run the account."""

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
    preview: Preview


def migrate(facts: MigrationFacts, act: Act) -> SuperAdminMigrated:
    """Turn a super admin into a partner admin; one who stays is the witness that the floor holds (guarantees.md T3)."""
    account, partner, employee, before = _must_be_migratable(facts, act)
    stays = witness(facts.others, act.at, rather=facts.actor.user)
    account.must_have_a_seat()

    terms = Terms(source=GrantSource.MIGRATION, set_version=latest(SetName.PARTNER_ADMIN))
    given = grant(partner, terms, act)
    member = before.changed(
        permission_set=SetName.PARTNER_ADMIN,
        set_version=terms.set_version,
        added=(),
        removed=(),
        seat=Seat.PARTNER,
        paid_seats=paid_seats(before),
        granted_by=act.by,
        partner_id=partner.account_id,
        access_generation=tenure_of(employee, partner),
        previous=None,
        grant=given,
    )
    preview = _preview(facts, account, before, member, act)
    return SuperAdminMigrated(
        act=act,
        account=account,
        employee=employee,
        before=before,
        member=member,
        grant=given,
        preview=preview,
        audit=audit(
            "super_admin.migrated",
            act,
            account.account_id,
            partner.account_id,
            employee_id=before.user_id,
            grant_id=given.grant_id,
            seat={"before": before.seat, "after": Seat.PARTNER},
        ),
        letter=Letter(
            kind=LetterKind.SUPER_ADMIN_MIGRATED,
            employee_id=before.user_id,
            actor_id=act.by,
            partner_id=partner.account_id,
            account_id=account.account_id,
            set_version=member.set_version,
            paid_seat_required=preview.paid_seat_required,
        ),
        relies_on=(account, partner, *facts.actor.relied_on, *facts.target.relied_on, *stays.relied_on),
    )


def _must_be_migratable(facts: MigrationFacts, act: Act) -> tuple[Account, Account, User, Member]:
    """The account and the partner, the employee and his membership; refused in the order that contract.md gives."""
    account, partner, target = facts.account, facts.partner, facts.target
    if not account:
        raise NotFound
    facts.actor.must_be_member(act.at)
    if account.is_partner:
        raise NotAClientAccount("/account_id")
    himself = target.user is not None and target.user.user_id == act.by
    if not himself and not facts.actor.is_super_admin_at(act.at):
        raise Forbidden
    account.must_be_active()
    if not target.user or not target.member or not target.is_member_at(act.at):
        raise NotFound
    now = target.member_at(act.at)
    if not now or not now.is_super_admin:
        raise NotSuperAdmin
    if facts.firm_is_unclear:
        raise firm_must_be_named()
    if not partner or not eligible(target.user, partner):
        raise NotEligible
    return account, partner, target.user, target.member


def _preview(facts: MigrationFacts, account: Account, before: Member, after: Member, act: Act) -> Preview:
    return Preview(
        lost=in_clients(rights_in(before, {})).beyond(rights_in(after, {})),
        seat_before=before.seat,
        seat_after=Seat.PARTNER,
        remaining_super_admins=sum(other.is_super_admin_at(act.at) for other in facts.others),
        remaining_are_partner_employees=not some_independent(facts.others, act.at),
        paid_seat_required=paid_seat_required(account, after),
    )
