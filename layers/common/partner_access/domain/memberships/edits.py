"""Editing a membership: its set, what is added to it or taken from it, its seats, and how long a grant lasts."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    Forbidden,
    GrantSuspended,
    InvalidField,
    OwnPartnerMayNotApprove,
    PermissionNotHeld,
)
from partner_access.domain.memberships import creations, migrations
from partner_access.domain.memberships.actors import witness
from partner_access.domain.memberships.creations import CreationFacts, UserCreated, Wish
from partner_access.domain.memberships.effective_rights import base_of, given_now, rights_in
from partner_access.domain.memberships.members import PAID, Grant, Member, Seat, usual_seat
from partner_access.domain.memberships.migrations import MigrationFacts, SuperAdminMigrated
from partner_access.domain.memberships.roles import Hold, MembershipChanged, MembershipFacts, Role, hold
from partner_access.domain.notifications import Letter, LetterKind
from partner_access.domain.permissions.custom_sets import Sets
from partner_access.domain.permissions.rights import (
    BILLING_MANAGE,
    NO_OVERRIDES,
    Overrides,
    Rights,
    SetName,
    in_clients,
    latest,
    must_exist_in_clients,
    must_suit_a_partner_admin,
    must_suit_partner_staff,
    rights_of,
)
from partner_access.domain.records import AuditEntry, audit


@dataclass(frozen=True, slots=True)
class Days:
    """From now on: so many days, or None for no end."""

    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What shall be different; what is None stays as it is."""

    permission_set: str | None = None
    overrides: Overrides | None = None
    seat: Seat | None = None
    paid_seats: tuple[Seat, ...] | None = None
    access: Days | None = None
    partner_id: str | None = None

    @property
    def is_of_the_set_alone(self) -> bool:
        return (self.overrides, self.seat, self.paid_seats, self.access) == (None, None, None, None)

    @property
    def makes_super_admin(self) -> bool:
        return self.permission_set == SetName.SUPER_ADMIN


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEdited(MembershipChanged): ...


Edited = UserEdited | UserCreated | SuperAdminMigrated

EDITORS: Final = frozenset(Role) - {Role.VENDOR, Role.SELF}
ONLY_THE_CLIENT_LENGTHENS: Final = "Only an admin of the client can give more time. Ask one."
A_SUPER_ADMIN_HOLDS_ALL: Final = "A super admin holds everything, without an end: name the set alone, or give another."


def edit(facts: MembershipFacts, wish: Edit, seen: int, act: Act) -> Edited | None:
    """Change a membership; None when nothing would differ.

    To make a super admin a partner admin is a migration, to make somebody else one a direct creation: with their rules.
    """
    held = hold(facts, act)
    becomes_partner_admin = wish.permission_set == SetName.PARTNER_ADMIN and not held.now.grant
    if held.capacity not in EDITORS or (becomes_partner_admin and not held.capacity.is_of_the_account):
        raise Forbidden
    if held.capacity is not Role.SUPER_ADMIN and (held.now.is_super_admin or wish.makes_super_admin):
        raise Forbidden
    held.account.must_be_active()
    held.must_be_as_seen(seen)
    if becomes_partner_admin:
        return _become_partner_admin(facts, held, wish, act)
    if wish.partner_id:
        raise InvalidField("/partner_id")
    return _edit(facts, held, wish, act)


def _become_partner_admin(facts: MembershipFacts, held: Hold, wish: Edit, act: Act) -> Edited:
    if wish.paid_seats is not None:
        raise InvalidField("/paid_seats")
    if not held.now.is_super_admin:
        created = creations.create(
            CreationFacts(
                account=facts.account,
                creator=facts.actor,
                person=facts.target.user,
                target=facts.target,
                partner=facts.partner,
                firm_is_unclear=facts.firm_is_unclear,
                super_admins=facts.others,
            ),
            Wish(
                permission_set=SetName.PARTNER_ADMIN,
                overrides=wish.overrides or NO_OVERRIDES,
                seat=wish.seat,
                access_days=wish.access.count if wish.access else None,
            ),
            act,
        )
        return replace(created, relies_on=(*created.relies_on, *held.relied_on))
    if not wish.is_of_the_set_alone:
        raise InvalidField("/permission_set").saying("Migrate the super admin first, then edit what he is left with.")
    return migrations.migrate(
        MigrationFacts(
            account=facts.account,
            actor=facts.actor,
            target=facts.target,
            partner=facts.partner,
            others=facts.others,
            firm_is_unclear=facts.firm_is_unclear,
        ),
        act,
    )


def _edit(facts: MembershipFacts, held: Hold, wish: Edit, act: Act) -> UserEdited | None:
    now = held.now
    if wish.makes_super_admin and not now.is_super_admin:
        after = _promoted(facts, held, wish, act)
    else:
        after = _lasting(held, wish, _seated(facts, held, wish, _reset(facts, held, wish), act), act)
    was = _rights(held.account, now, facts.target.sets)
    will = _rights(held.account, after, {**facts.target.sets, **facts.sets})
    _must_be_givable(facts, held, will, will.beyond(was), act)
    if after == now:
        return None
    stays = witness(facts.others, act.at).relied_on if now.is_super_admin and not after.is_super_admin else ()
    return UserEdited(
        act=act,
        account=held.account,
        user=held.user,
        before=held.before,
        member=after.changed(),
        audit=_entry(held, after, was, will, act),
        letter=_letter(held, after, was, will, act),
        relies_on=(*held.relied_on, *facts.sets.values(), *stays),
    )


def _rights(account: Account, member: Member, sets: Sets) -> Rights:
    rights = rights_in(member, sets)
    return rights if account.is_partner else in_clients(rights)


def _entry(held: Hold, after: Member, was: Rights, will: Rights, act: Act) -> AuditEntry:
    return audit(
        "member.updated",
        act,
        held.account.account_id,
        held.now.partner_id,
        user_id=held.user.user_id,
        capacity=held.capacity,
        permission_set=after.permission_set,
        set_version=after.set_version,
        gained=list(will.news_to(was)),
        lost=list(was.news_to(will)),
        seat=after.seat,
        paid_seats=list(after.paid_seats),
        expires_at=_written_end(after),
        grant_ended=bool(held.now.grant and not after.grant) or None,
    )


def _written_end(member: Member) -> str | None:
    return member.grant.expires_at.isoformat() if member.grant and member.grant.expires_at else None


def _letter(held: Hold, after: Member, was: Rights, will: Rights, act: Act) -> Letter:
    return Letter(
        kind=LetterKind.ACCESS_CHANGED,
        employee_id=held.user.user_id,
        actor_id=act.by,
        partner_id=held.now.partner_id,
        account_id=held.account.account_id,
        permission_set=after.permission_set,
        set_version=after.set_version,
        added=after.added,
        removed=after.removed,
        gained=will.news_to(was),
        lost=was.news_to(will),
        expires_at=after.grant.expires_at if after.grant else None,
    )


def _promoted(facts: MembershipFacts, held: Hold, wish: Edit, act: Act) -> Member:
    """A super admin is one by no grant: promotion ends it (domain.md rule 20)."""
    if not wish.is_of_the_set_alone:
        raise InvalidField("/permission_set").saying(A_SUPER_ADMIN_HOLDS_ALL)
    if facts.target.suspended_by_at(act.at):
        raise GrantSuspended
    if facts.actor.is_colleague_of(held.user) and not held.account.is_partner:
        raise OwnPartnerMayNotApprove
    now, before = held.now, held.now.previous
    seat = now.seat if now.seat is not Seat.PARTNER else before.seat if before else None
    return now.model_copy(
        update={
            "permission_set": SetName.SUPER_ADMIN.value,
            "set_version": latest(SetName.SUPER_ADMIN),
            "added": (),
            "removed": (),
            "seat": seat or usual_seat(SetName.SUPER_ADMIN),
            "granted_by": act.by,
            "partner_id": None,
            "access_generation": 0,
            "grant": None,
            "previous": None,
        }
    )


def _reset(facts: MembershipFacts, held: Hold, wish: Edit) -> Member:
    """The set and its overrides: another set comes without the overrides of the one before (domain.md §3)."""
    now, name = held.now, wish.permission_set or held.now.permission_set
    if wish.permission_set is None and wish.overrides is None:
        return now
    base, version = base_of(now, facts.target.sets), now.set_version
    if name != now.permission_set:
        base, version = _another(name, now, facts)
    wanted = wish.overrides or NO_OVERRIDES
    if name == SetName.SUPER_ADMIN and wanted != NO_OVERRIDES:
        raise InvalidField("/permissions").saying(A_SUPER_ADMIN_HOLDS_ALL)
    if not held.account.is_partner:
        must_exist_in_clients(wanted.added)
    if now.partner_id:
        must_suit_a_partner_admin(wanted.added)
        must_suit_partner_staff(base)
    overrides = wanted.on(base)
    return now.model_copy(
        update={
            "permission_set": name,
            "set_version": version,
            "added": overrides.added,
            "removed": overrides.removed,
            "grant": _pinned(now, name),
        }
    )


def _another(name: str, now: Member, facts: MembershipFacts) -> tuple[Rights, int]:
    """A set as it is given today; but who comes back to being partner admin finds the version that his grant pins."""
    pinned = now.grant.set_version if now.grant and name == SetName.PARTNER_ADMIN else None
    return (rights_of(name, pinned), pinned) if pinned else given_now(name, facts.sets)


def _pinned(now: Member, name: str) -> Grant | None:
    """The grant, which remembers the version of the partner admin set while its holder has another one."""
    if not now.grant or now.permission_set != SetName.PARTNER_ADMIN or name == SetName.PARTNER_ADMIN:
        return now.grant
    return now.grant.model_copy(update={"set_version": now.set_version})


def _must_be_givable(facts: MembershipFacts, held: Hold, will: Rights, gained: tuple[str, ...], act: Act) -> None:
    """Nobody gives what he does not hold; a partner only takes away, and no firm widens what the client gave it."""
    if not gained:
        return
    if held.capacity is Role.PARTNER_MANAGER:
        raise Forbidden("/permissions").saying("From the partner's side permissions can only be taken away.")
    if held.now.grant and held.capacity.is_of_the_account and held.by_own_firm:
        raise OwnPartnerMayNotApprove
    news = Rights({name: will.held[name] for name in gained})
    if not held.account.is_partner and creations.raises_a_colleague(facts.actor, held.user, news):
        raise OwnPartnerMayNotApprove
    giver = facts.actor.rights_at(act.at)
    if any(will.held[name] > giver.held.get(name, 0) for name in gained):
        raise PermissionNotHeld("/permissions")


def _seated(facts: MembershipFacts, held: Hold, wish: Edit, after: Member, act: Act) -> Member:
    """The base seat and the paid ones; who sits on the partner seat keeps it and is given paid ones beside it."""
    if wish.seat is None and wish.paid_seats is None:
        return after
    seat, paid = _wanted_seats(after, wish)
    if (seat, paid) == (after.seat, set(after.paid_seats)):
        return after
    if not held.capacity.is_of_the_account:
        raise Forbidden("/seat").saying("Seats are the client's to assign.")
    if seat is not after.seat and Seat.PARTNER in (seat, after.seat):
        raise InvalidField("/seat")
    if not paid <= PAID:
        raise InvalidField("/paid_seats")
    costs = PAID & ({*paid, seat} ^ {*after.paid_seats, after.seat})
    if costs and BILLING_MANAGE not in facts.actor.rights_at(act.at):
        raise PermissionNotHeld("/seat")
    return after.model_copy(update={"seat": seat, "paid_seats": tuple(sorted(paid))})


def _wanted_seats(after: Member, wish: Edit) -> tuple[Seat | None, set[Seat]]:
    named = after.paid_seats if wish.paid_seats is None else wish.paid_seats
    if len(set(named)) < len(named):
        raise InvalidField("/paid_seats")
    if wish.seat in PAID and after.seat is Seat.PARTNER:
        return after.seat, {*named, wish.seat}
    seat = wish.seat or after.seat
    return seat, {*named} - {seat}


def _lasting(held: Hold, wish: Edit, after: Member, act: Act) -> Member:
    """Until when a grant lasts: either side shortens, only the client lengthens (domain.md rule 23)."""
    if wish.access is None:
        return after
    if not after.grant:
        raise InvalidField("/access_days").saying("Only a partner admin's access has an end.")
    grant = after.grant.ending(wish.access.count, act.at)
    if grant.expires_at == after.grant.expires_at:
        return after
    if _lasts_longer(grant.expires_at, after.grant.expires_at):
        if not held.capacity.is_of_the_account:
            raise Forbidden("/access_days").saying(ONLY_THE_CLIENT_LENGTHENS)
        if held.by_own_firm:
            raise OwnPartnerMayNotApprove("/access_days")
    return after.model_copy(update={"grant": grant})


def _lasts_longer(end: datetime | None, before: datetime | None) -> bool:
    return before is not None and (end is None or end > before)
