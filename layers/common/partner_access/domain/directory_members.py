"""Members in the vendor's directory: memberships as sent by the vendor's back end."""

from dataclasses import dataclass

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.directory import DirectoryFields, changed_fields, require_fields
from partner_access.domain.errors import (
    AlreadyPartnerAdmin,
    FormerPartnerMember,
    GrantSuspended,
    InvalidField,
    NotFound,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import EXPLICIT_SUSPENSIONS, Actor, witness
from partner_access.domain.memberships.members import Assignment, Member, Role, Seat, default_seat, new_member
from partner_access.domain.notifications import Reconciliation
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import SetName, latest_version
from partner_access.domain.records import Decision, Record, audit
from partner_access.domain.users import User, without_employment


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryMemberFacts:
    """The facts for a change to a membership. `others` are the account's super admins except this user."""

    account: Account | None
    target: Actor
    others: tuple[Actor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSaved(Decision):
    account: Account
    user: User
    before: Member | None
    member: Member

    @property
    def user_after(self) -> User | None:
        """The user with other employers after this decision, or None if their employers stay the same."""
        partner_id = self.account.account_id
        if not self.account.is_partner or self.member.active is (partner_id in self.user.employed_by):
            return None
        if not self.member.active:
            return without_employment(self.user, partner_id, self.act.at).next_version()
        return self.user.next_version(employed_by=self.user.employed_by | {partner_id})


def put_member(facts: DirectoryMemberFacts, fields: DirectoryFields, act: Act) -> MemberSaved | None:
    """Create or update a membership.

    A partner admin cannot be created here, only in the three ways of domain.md. A membership that was over is recreated
    from its set alone, and a former partner member does not return here (rule 33). An account keeps a super admin who
    can act.
    """
    account, user, before = facts.account, facts.target.user, facts.target.member
    if not account:
        raise NotFound("account_id")
    if not user:
        raise NotFound("user_id")
    now = facts.target.member_at(act.at)
    returns = now is not None and not now.active and fields.get("active") is True
    if not now or returns:
        require_fields(fields, "permission_set")
    _must_be_assignable(fields)
    changed = changed_fields(now, fields) if now else sorted(fields)
    if now and not changed:
        return None
    account.must_be_active()
    if now and now.grant:
        raise AlreadyPartnerAdmin
    if now and returns and now.partner_id:
        raise FormerPartnerMember

    changed_member = (
        _changed_member(now, fields) if now and not returns else _recreated_member(facts, account, user, fields, act)
    )
    member = _with_end(changed_member, now)
    if member.permission_set == SetName.PARTNER_ADMIN:
        raise InvalidField("permission_set")
    # Suspensions by the client or the partner survive a time in which the membership is inactive.
    suspended = facts.target.suspended_by_at(act.at) | (member.suspended_by & EXPLICIT_SUSPENSIONS)
    if member.is_super_admin and member.active and suspended:
        raise GrantSuspended("permission_set")
    witness_records = _witness_records(facts, user, now, member, act)
    return MemberSaved(
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
        reconciliation=_employment_reconciliation(account, user, before, member),
        relies_on=(account, user, *((before,) if before else ()), *witness_records),
    )


def _must_be_assignable(fields: DirectoryFields) -> None:
    """Raise for a set or a seat that the directory cannot assign."""
    requested_set = fields.get("permission_set")
    if requested_set is not None and requested_set not in catalogue.SETS:
        raise UnknownPermissionSet("permission_set")
    if requested_set == SetName.PARTNER_ADMIN:
        raise InvalidField("permission_set")
    if fields.get("seat") is Seat.PARTNER:
        raise InvalidField("seat")


def _recreated_member(
    facts: DirectoryMemberFacts, account: Account, user: User, fields: DirectoryFields, act: Act
) -> Member:
    """Return a new membership, or one that was over with nothing of what it held.

    Suspensions by the client and the partner stay: a return to the account never gives access.
    """
    set_name, before = str(fields["permission_set"]), facts.target.member_at(act.at)
    member = new_member(
        before,
        Assignment(permission_set=set_name, set_version=latest_version(set_name), seat=default_seat(set_name)),
        account_id=account.account_id,
        user_id=user.user_id,
        granted_by=act.actor_id,
        at=act.at,
        kept_out_by=facts.target.kept_out_by_at(act.at),
    )
    suspended_by = before.suspended_by & EXPLICIT_SUSPENSIONS if before else frozenset()
    return member.model_copy(update={"suspended_by": suspended_by, **fields})


def _with_end(member: Member, now: Member | None) -> Member:
    """Return the membership, ended by the vendor if the directory deactivates it (domain.md rule 42)."""
    is_ended_now = not member.active and (now is None or now.active)
    return member.model_copy(update={"ended_by": Role.VENDOR}) if is_ended_now else member


def _changed_member(now: Member, fields: DirectoryFields) -> Member:
    set_name = str(fields.get("permission_set", now.permission_set))
    with_seat = now.model_copy(update={"seat": now.seat or default_seat(set_name)})
    if set_name == now.permission_set:
        return with_seat.next_version(**fields)
    # An active super admin belongs to the client alone, so every trace of the partner is removed.
    is_super_admin = set_name == SetName.SUPER_ADMIN and fields.get("active", now.active)
    without_partner = {"partner_id": None, "access_generation": 0, "withheld": ()} if is_super_admin else {}
    # No set gives back what the client took from a partner member (rule 43).
    removed = () if is_super_admin else now.withheld
    return with_seat.next_version(
        set_version=latest_version(set_name), added=(), removed=removed, **without_partner, **fields
    )


def _employment_reconciliation(
    account: Account, user: User, before: Member | None, member: Member
) -> Reconciliation | None:
    """Return the reconciliation for an employee who joins a partner again or leaves it.

    Their access everywhere changes at once. Reconciliation records it afterwards.
    """
    if not account.is_partner or before is None or before.active == member.active:
        return None
    return Reconciliation(partner_id=account.account_id, user_id=user.user_id)


def _witness_records(
    facts: DirectoryMemberFacts, user: User, now: Member | None, member: Member, act: Act
) -> tuple[Record, ...]:
    """Return the records of a remaining super admin, if one is needed (consistency.md G3).

    One is needed when a super admin goes, or when the new super admin is a deactivated user.
    """
    was_one = now is not None and now.active and now.is_super_admin
    is_one = member.active and member.is_super_admin
    stops_being_one = was_one and not is_one
    starts_deactivated = is_one and not was_one and not user.active
    return witness(facts.others, act.at).relied_on if stops_being_one or starts_deactivated else ()
