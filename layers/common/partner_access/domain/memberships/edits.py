"""Edits of a membership: its set, its overrides, its seats, and the end of its grant."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from partner_access.domain.access_ends import NO_END, expires_at
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    Forbidden,
    GrantSuspended,
    InvalidField,
    PermissionNotHeld,
    UnknownPermissionSet,
)
from partner_access.domain.memberships import creations, migrations, own_partner
from partner_access.domain.memberships.actors import witness
from partner_access.domain.memberships.creations import MemberCreated, MemberCreationFacts, NewMember
from partner_access.domain.memberships.effective_rights import (
    base_rights_of,
    effective_rights_of,
    has_known_set,
    partner_admin_set,
    rights_and_version_now,
)
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Grant, Member, Role, Seat, default_seat, known_seat, known_seats
from partner_access.domain.memberships.migrations import MigrationFacts, SuperAdminMigrated
from partner_access.domain.memberships.roles import (
    ManagedMembership,
    MembershipChanged,
    MembershipFacts,
    authorize,
)
from partner_access.domain.memberships.seats import with_seats
from partner_access.domain.memberships.withheld import withheld_after, without_withheld
from partner_access.domain.notifications import Notification, NotificationKind
from partner_access.domain.permissions.custom_sets import CustomSets
from partner_access.domain.permissions.rights import (
    NO_OVERRIDES,
    Overrides,
    Rights,
    SetName,
    client_rights,
    latest_version,
    must_exist_in_clients,
    must_suit_partner_admin,
    must_suit_partner_member,
    unknown_names,
)
from partner_access.domain.records import AuditEntry, audit
from partner_access.domain.time_zones import local_day


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberUpdated(MembershipChanged): ...


Edited = MemberUpdated | MemberCreated | SuperAdminMigrated

EDITOR_ROLES: Final = frozenset(Role) - {Role.VENDOR, Role.SELF}
ONLY_CLIENT_EXTENDS: Final = "Only an admin of the client can extend access. Ask one of them."
SUPER_ADMIN_HOLDS_ALL: Final = "A super admin has everything, without an end. Send the set alone, or another set."


def edit(facts: MembershipFacts, changes: MemberEdit, expected_version: int, act: Act) -> Edited | None:
    """Edit a membership. Return None when nothing would differ.

    To make a super admin a partner admin is a migration. To make another member a partner admin is a direct creation.
    Both follow their own rules.
    """
    managed = authorize(facts, act)
    becomes_partner_admin = changes.permission_set == SetName.PARTNER_ADMIN and not managed.now.grant
    if managed.role not in EDITOR_ROLES or (becomes_partner_admin and not managed.role.is_of_the_account):
        raise Forbidden
    if managed.role is not Role.SUPER_ADMIN and (managed.now.is_super_admin or changes.makes_super_admin):
        raise Forbidden
    managed.account.must_be_active()
    managed.must_match_version(expected_version)
    if becomes_partner_admin:
        return _make_partner_admin(facts, managed, changes, act)
    if changes.partner_id:
        raise InvalidField("partner_id")
    return _edit(facts, managed, changes, act)


def _make_partner_admin(facts: MembershipFacts, managed: ManagedMembership, changes: MemberEdit, act: Act) -> Edited:
    if changes.paid_seats is not None:
        raise InvalidField("paid_seats")
    if not managed.now.is_super_admin:
        created = creations.create(
            MemberCreationFacts(
                account=facts.account,
                creator=facts.actor,
                person=facts.target.user,
                target=facts.target,
                partner=facts.partner,
                partner_is_ambiguous=facts.partner_is_ambiguous,
                super_admins=facts.others,
            ),
            NewMember(
                permission_set=SetName.PARTNER_ADMIN,
                overrides=changes.overrides_from(NO_OVERRIDES),
                seat=changes.seat,
                end=changes.end or NO_END,
            ),
            act,
        )
        return replace(created, relies_on=(*created.relies_on, *managed.relied_on))
    if not changes.changes_only_set:
        raise InvalidField("permission_set").with_detail(
            "Migrate the super admin first, then edit the remaining access."
        )
    return migrations.migrate(
        MigrationFacts(
            account=facts.account,
            actor=facts.actor,
            target=facts.target,
            partner=facts.partner,
            others=facts.others,
            partner_is_ambiguous=facts.partner_is_ambiguous,
        ),
        act,
    )


def _edit(facts: MembershipFacts, managed: ManagedMembership, changes: MemberEdit, act: Act) -> MemberUpdated | None:
    now = managed.now
    if changes.makes_super_admin and not now.is_super_admin:
        after = _promoted(facts, managed, changes, act)
    else:
        seated = with_seats(
            _with_set(facts, managed, changes),
            changes.seat,
            changes.paid_seats,
            role=managed.role,
            rights=facts.actor.rights_at(act.at),
        )
        after = _with_end(facts, managed, changes, seated, act)
    rights_before = _rights(managed.account, now, facts.target.sets)
    rights_after = _rights(managed.account, after, {**facts.target.sets, **facts.sets})
    _must_be_grantable(facts, managed, rights_after, rights_after.wider_than(rights_before), act)
    if after == now:
        return None
    witness_records = witness(facts.others, act.at).relied_on if now.is_super_admin and not after.is_super_admin else ()
    narrows = _narrows(now, after, rights_before, rights_after)
    relied_on = (*managed.relied_on_to_narrow, *facts.target.sets.values()) if narrows else managed.relied_on
    return MemberUpdated(
        act=act,
        account=managed.account,
        user=managed.user,
        before=managed.before,
        member=after.next_version(),
        audit=_entry(managed, after, rights_before, rights_after, act),
        notification=_notification(managed, after, rights_before, rights_after, act),
        relies_on=(*relied_on, *facts.sets.values(), *witness_records),
        narrows=narrows,
    )


def _narrows(now: Member, after: Member, rights_before: Rights, rights_after: Rights) -> bool:
    """Return whether the edit only takes rights or time away, and gives no seat."""
    is_longer = now.grant is not None and (
        after.grant is None or _lasts_longer(after.grant.expires_at, now.grant.expires_at)
    )
    gives_seat = after.seat != now.seat or not set(after.paid_seats) <= set(now.paid_seats)
    return not (rights_after.wider_than(rights_before) or is_longer or gives_seat)


def _rights(account: Account, member: Member, sets: CustomSets) -> Rights:
    rights = effective_rights_of(member, sets)
    return rights if account.is_partner else client_rights(rights)


def _entry(
    managed: ManagedMembership, after: Member, rights_before: Rights, rights_after: Rights, act: Act
) -> AuditEntry:
    return audit(
        "member.updated",
        act,
        managed.account.account_id,
        managed.now.partner_id,
        user_id=managed.user.user_id,
        role=managed.role,
        permission_set=after.permission_set,
        set_version=after.set_version,
        gained=list(rights_after.written_wider_than(rights_before)),
        lost=list(rights_before.written_wider_than(rights_after)),
        seat=known_seat(after.seat),
        paid_seats=list(known_seats(after.paid_seats)),
        expires_at=after.grant.expires_at.isoformat() if after.grant and after.grant.expires_at else None,
        grant_ended=bool(managed.now.grant and not after.grant) or None,
    )


def _notification(
    managed: ManagedMembership, after: Member, rights_before: Rights, rights_after: Rights, act: Act
) -> Notification:
    return Notification(
        kind=NotificationKind.ACCESS_CHANGED,
        employee_id=managed.user.user_id,
        actor_id=act.actor_id,
        partner_id=managed.now.partner_id,
        account_id=managed.account.account_id,
        permission_set=after.permission_set,
        set_version=after.set_version,
        added=after.added,
        removed=after.removed,
        gained=rights_after.written_wider_than(rights_before),
        lost=rights_before.written_wider_than(rights_after),
        expires_at=after.grant.expires_at if after.grant else None,
    )


def _promoted(facts: MembershipFacts, managed: ManagedMembership, changes: MemberEdit, act: Act) -> Member:
    """Return the membership of a new super admin. Super admins have no grant, so it ends (domain.md rule 20)."""
    if not changes.changes_only_set:
        raise InvalidField("permission_set").with_detail(SUPER_ADMIN_HOLDS_ALL)
    if facts.target.suspended_by_at(act.at):
        raise GrantSuspended
    if not managed.account.is_partner:
        own_partner.must_not_promote(facts.actor.user, managed.user)
    now = managed.now
    seat = now.seat if now.seat is not Seat.PARTNER else None
    return now.model_copy(
        update={
            "permission_set": SetName.SUPER_ADMIN.value,
            "set_version": latest_version(SetName.SUPER_ADMIN),
            "added": (),
            "removed": (),
            "seat": seat or default_seat(SetName.SUPER_ADMIN),
            "granted_by": act.actor_id,
            "partner_id": None,
            "access_generation": 0,
            "withheld": (),
            "grant": None,
        }
    )


def _with_set(facts: MembershipFacts, managed: ManagedMembership, changes: MemberEdit) -> Member:
    """Return the membership with the requested set and overrides.

    A different set starts without the overrides of the previous one (domain.md §3).
    """
    now, name = managed.now, changes.permission_set or managed.now.permission_set
    if changes.keeps_set_and_overrides:
        return now
    base, version = base_rights_of(now, facts.target.sets), now.set_version
    held = Overrides(now.added, now.removed)
    if name != now.permission_set:
        base, version = _different_set(name, now, facts)
        held = NO_OVERRIDES
    elif not has_known_set(now, facts.target.sets):
        raise UnknownPermissionSet("permission_set")
    requested = changes.overrides_from(held.known)
    requested.must_be_consistent()
    if name == SetName.SUPER_ADMIN and requested != NO_OVERRIDES:
        raise InvalidField("permissions").with_detail(SUPER_ADMIN_HOLDS_ALL)
    if not managed.account.is_partner:
        must_exist_in_clients(requested.added)
    if now.partner_id:
        must_suit_partner_admin(requested.added)
        must_suit_partner_member(base)
    withheld = withheld_after(now, changes, requested, base, managed.role)
    still_withheld = tuple(each for each in now.withheld if each in withheld)
    overrides = without_withheld(without_withheld(requested, still_withheld).effective_on(base), withheld)
    return now.model_copy(
        update={
            "permission_set": name,
            "set_version": version,
            "added": (*overrides.added, *unknown_names(held.added)),
            "removed": (*overrides.removed, *unknown_names(held.removed)),
            "withheld": withheld,
            "grant": _grant_with_pinned_version(now, name),
        }
    )


def _different_set(name: str, now: Member, facts: MembershipFacts) -> tuple[Rights, int]:
    """Return the rights and version of a different set, as it is given now.

    A member who returns to the partner admin set gets the version that their grant pins.
    """
    pinned = now.grant.set_version if now.grant and name == SetName.PARTNER_ADMIN else None
    return (partner_admin_set(pinned), pinned) if pinned else rights_and_version_now(name, facts.sets)


def _grant_with_pinned_version(now: Member, name: str) -> Grant | None:
    """Return the grant. It pins the version of the partner admin set while its holder has another set."""
    if not now.grant or now.permission_set != SetName.PARTNER_ADMIN or name == SetName.PARTNER_ADMIN:
        return now.grant
    return now.grant.model_copy(update={"set_version": now.set_version})


def _must_be_grantable(
    facts: MembershipFacts, managed: ManagedMembership, rights_after: Rights, gained: tuple[str, ...], act: Act
) -> None:
    """Raise unless the caller can give these rights.

    Callers can give only permissions that they hold. A partner can only take permissions away. A partner's own
    employees cannot widen what the client gave to the partner.
    """
    if not gained:
        return
    if managed.role is Role.PARTNER_MANAGER:
        raise Forbidden("permissions").with_detail("On the partner's side, you can only remove permissions.")
    if managed.now.grant and managed.role.is_of_the_account:
        own_partner.must_not_widen(facts.actor.user, managed.user, managed.now.partner_id)
    if not managed.account.is_partner:
        gained_rights = Rights({name: rights_after.held[name] for name in gained})
        own_partner.must_not_give_restricted(facts.actor.user, managed.user, gained_rights)
    actor_rights = facts.actor.rights_at(act.at)
    if any(rights_after.held[name] > actor_rights.held.get(name, 0) for name in gained):
        raise PermissionNotHeld("permissions")


def _with_end(
    facts: MembershipFacts, managed: ManagedMembership, changes: MemberEdit, after: Member, act: Act
) -> Member:
    """Return the membership with the requested end of its grant.

    Both sides can shorten a grant. Only the client can lengthen it (domain.md rule 23). The last day that stands
    changes nothing, also after a change of the account's time zone (rule 40).
    """
    if changes.end is None:
        return after
    if not after.grant:
        raise InvalidField(changes.end.field).with_detail("Only a partner admin's access can have an end date.")
    zone = managed.account.zone
    today = local_day(act.at, zone)
    changes.end.must_be_within_limits(today)
    if changes.end.last_day(today) == after.grant.last_day(zone):
        return after
    grant = after.grant.with_end(expires_at(changes.end, act.at, zone), act.at)
    if _lasts_longer(grant.expires_at, after.grant.expires_at):
        if not managed.role.is_of_the_account:
            raise Forbidden(changes.end.field).with_detail(ONLY_CLIENT_EXTENDS)
        own_partner.must_not_widen(facts.actor.user, managed.user, managed.now.partner_id, changes.end.field)
    return after.model_copy(update={"grant": grant})


def _lasts_longer(end: datetime | None, before: datetime | None) -> bool:
    return before is not None and (end is None or end > before)
