"""Grants of partner admin access: the rules that are common to all three ways."""

from dataclasses import dataclass
from datetime import date, datetime

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    AlreadyPartnerAdmin,
    GrantSuspended,
    InvalidField,
    IsSuperAdmin,
    LinkExpired,
    NotEligible,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.effective_rights import effective_rights_of, partner_admin_set
from partner_access.domain.memberships.members import (
    Assignment,
    Grant,
    GrantSource,
    Member,
    RequestedAccess,
    Seat,
    SuspensionReason,
    new_member,
    paid_seats_kept,
)
from partner_access.domain.memberships.returns import must_not_be_suspended_by_client
from partner_access.domain.notifications import Cause, Notification, NotificationKind
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import is_custom
from partner_access.domain.permissions.rights import (
    NO_OVERRIDES,
    Overrides,
    SetName,
    must_exist_in_clients,
    must_suit_partner_admin,
    with_dependents,
)
from partner_access.domain.records import Decision, audit
from partner_access.domain.users import User, access_generation_of, is_eligible


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerms:
    """The terms of a grant. `expires_at` is exclusive, and None means no end."""

    source: GrantSource
    set_version: int
    overrides: Overrides = NO_OVERRIDES
    expires_at: datetime | None = None
    requested: RequestedAccess | None = None
    link_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantCandidate:
    """The employee who would become partner admin, their partner, and their membership in the account so far."""

    employee: User | None
    partner: Account | None
    target: Actor


def grant_partner_admin(
    candidate: GrantCandidate, account: Account, terms: GrantTerms, act: Act
) -> tuple[User, Member, Grant]:
    """Make an eligible employee partner admin of a client, by a link or a creation (domain.md rules 10-12)."""
    employee, partner, before = candidate.employee, candidate.partner, candidate.target.member
    account.must_be_active()
    if not employee or not partner or not is_eligible(employee, partner):
        raise NotEligible
    now = candidate.target.member_at(act.at)
    if now:
        _must_be_upgradable(now, candidate.target.suspended_by_at(act.at))
    must_exist_in_clients(terms.overrides.added)
    must_suit_partner_admin(terms.overrides.added)
    overrides = terms.overrides.effective_on(partner_admin_set(terms.set_version))
    if before is None or before.seat is not Seat.PARTNER:
        account.must_have_free_seat()

    active_member = now if now and now.active else None
    new_grant_record = new_grant(
        partner, terms, act, former_set=active_member.permission_set if active_member else None
    )
    assignment = Assignment(
        partner_id=partner.account_id,
        access_generation=access_generation_of(employee, partner),
        permission_set=SetName.PARTNER_ADMIN,
        set_version=terms.set_version,
        added=overrides.added,
        removed=overrides.removed,
        seat=Seat.PARTNER,
        paid_seats=paid_seats_kept(active_member) if active_member else (),
    )
    member = new_member(
        before,
        assignment,
        account_id=account.account_id,
        user_id=employee.user_id,
        granted_by=act.actor_id,
        at=act.at,
        kept_out_by=candidate.target.kept_out_by_at(act.at),
    )
    given = {"grant": new_grant_record, "withheld": tuple(sorted(with_dependents(overrides.removed)))}
    return employee, member.model_copy(update=given), new_grant_record


def new_grant(partner: Account, terms: GrantTerms, act: Act, *, former_set: str | None = None) -> Grant:
    """Return a new grant. An ended grant never revives (domain.md §5)."""
    return Grant(
        grant_id=act.new_id("grt"),
        partner_id=partner.account_id,
        source=terms.source,
        granted_by=act.actor_id,
        created_at=act.at,
        requested=terms.requested,
        link_id=terms.link_id,
        former_set=former_set,
    ).with_end(terms.expires_at, act.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueGrant:
    """A grant that the link-expiry job checks: its account, its holder there, and the creator of the link behind it."""

    account: Account
    target: Actor
    link_created_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantExpired(Decision):
    account: Account
    before: Member
    member: Member


def expire(due: DueGrant, act: Act) -> GrantExpired | None:
    """End a membership's expired grant in the link-expiry job.

    The membership is over, and the partner seat is free again (domain.md rule 10).
    """
    before = due.target.member
    if not before or not before.grant or not before.grant.has_expired(act.at):
        return None
    return GrantExpired(
        act=act,
        account=due.account,
        before=before,
        member=before.ended().next_version(),
        audit=audit(
            "grant.expired",
            act,
            before.account_id,
            before.grant.partner_id,
            grant_id=before.grant.grant_id,
            employee_id=before.user_id,
        ),
        notification=Notification(
            kind=NotificationKind.ACCESS_ENDED,
            employee_id=before.user_id,
            partner_id=before.grant.partner_id,
            account_id=before.account_id,
            former_set=before.grant.former_set,
            cause=Cause.TIME,
        ),
        relies_on=(before,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantEndWarned(Decision):
    account: Account
    before: Member
    member: Member


def warn_of_end(due: DueGrant, act: Act) -> GrantEndWarned | None:
    """Warn both sides that a grant is about to end, once for each warning that is due (domain.md rule 23).

    A suspended grant ends too, so it is included. Offboarded members are skipped, because reconciliation ends their
    grants.
    """
    before = due.target.member_at(act.at)
    if not before or not before.grant or not before.grant.next_due_at or before.grant.next_due_at > act.at:
        return None
    warned = before.grant.with_warnings_sent(act.at)
    days_left = warned.days_left(act.at)
    return GrantEndWarned(
        act=act,
        account=due.account,
        before=before,
        member=before.next_version(grant=warned),
        audit=audit(
            "grant.ending",
            act,
            before.account_id,
            warned.partner_id,
            employee_id=before.user_id,
            days_left=days_left,
        ),
        notification=Notification(
            kind=NotificationKind.ACCESS_ENDING,
            employee_id=before.user_id,
            partner_id=warned.partner_id,
            account_id=before.account_id,
            link_created_by=due.link_created_by,
            expires_at=warned.expires_at,
            days_left=days_left,
        ),
        relies_on=due.target.relied_on,
    )


def _must_be_upgradable(member: Member, suspended_by: frozenset[SuspensionReason]) -> None:
    """Raise for a member who cannot become partner admin. A membership that is over can wait for the client's resume."""
    if not member.active:
        must_not_be_suspended_by_client(member)
        return
    if member.is_super_admin:
        raise IsSuperAdmin
    if suspended_by:
        raise GrantSuspended
    if member.grant:
        raise AlreadyPartnerAdmin


def paid_seat_required(account: Account, member: Assignment) -> bool:
    """Return whether paid features of the set stay off until the client assigns a paid seat (domain.md §3)."""
    if account.includes_paid_features or member.paid_seats:
        return False
    return is_custom(member.permission_set) or any(
        name in catalogue.PAID_FEATURE_SEATS for name in effective_rights_of(member, {})
    )


def reduced_access(requested: RequestedAccess, offered: RequestedAccess, today: date) -> RequestedAccess:
    """Return the requested access with the approver's reductions. An approver never adds access (domain.md rule 15).

    Raise `LinkExpired` if the requested last day is over.
    """
    latest_day, last_day = requested.last_day(today), offered.last_day(today)
    if latest_day and latest_day < today:
        raise LinkExpired
    offered.must_be_within_limits(today)
    if latest_day and last_day and last_day > latest_day:
        raise InvalidField(offered.field).with_detail(f"Choose a last day up to {latest_day}, as requested.")
    end = offered if last_day else requested
    return end.model_copy(update={"removed": tuple(sorted({*requested.removed, *offered.removed}))})
