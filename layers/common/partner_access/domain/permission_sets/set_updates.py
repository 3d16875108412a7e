"""Set updates: new versions of default sets, the rights that they would add, and their acceptance (domain.md §3)."""

from dataclasses import dataclass
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    Forbidden,
    NotFound,
    NothingToAccept,
    PermissionNotHeld,
    RightsChanged,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.effective_rights import effective_rights_of
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.roles import MembershipChanged
from partner_access.domain.notifications import Notification, NotificationKind
from partner_access.domain.permissions.custom_sets import is_custom
from partner_access.domain.permissions.rights import (
    Overrides,
    default_set_rights,
    exceeding_prerequisite,
    latest_version,
    read_rights,
)
from partner_access.domain.records import audit
from partner_access.domain.users import User

PREREQUISITE_STEPS: Final = 2
"""The number of steps in the order of prerequisites: from deleting to editing, and from editing to viewing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpdateFacts:
    """The account, the actor who accepts, and a member. `super_admins` matter if the actor works for a partner."""

    account: Account | None
    actor: Actor
    target: Actor
    super_admins: tuple[Actor, ...] = ()


@dataclass(frozen=True, slots=True)
class SetUpdateGain:
    """A membership as it counts now and under the latest version of its set, with the permissions gained."""

    user: User
    now: Member
    after: Member
    gained: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AcceptedVersion:
    """The version of a set that the caller accepts."""

    permission_set: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpdateAccepted(MembershipChanged): ...


def has_outdated_set(member: Member) -> bool:
    """Return whether the member has a default set in an older version."""
    return not is_custom(member.permission_set) and member.set_version < latest_version(member.permission_set)


def gain_from_update(person: Actor, act: Act) -> SetUpdateGain | None:
    """Return the effect of the latest version for a member. Return None when there is no gain or no active member."""
    now = person.member_at(act.at)
    if not person.user or not person.user.active or not now or not now.active or not has_outdated_set(now):
        return None
    after = _with_latest_set(now)
    gained = effective_rights_of(after, person.sets).written_wider_than(effective_rights_of(now, person.sets))
    return SetUpdateGain(person.user, now, after, gained) if gained else None


def _with_latest_set(now: Member) -> Member:
    """Return the membership under the latest version of its set.

    Removed permissions stay removed. So do permissions that would then have a wider scope than their prerequisite.
    """
    version, removed = latest_version(now.permission_set), set(now.removed)
    base = default_set_rights(now.permission_set, version)
    for _ in range(PREREQUISITE_STEPS):
        removed |= exceeding_prerequisite(Overrides(now.added, tuple(removed)).applied_to(base))
    return now.model_copy(update={"set_version": version, "removed": tuple(sorted(removed))})


def must_be_set_approver(account: Account | None, actor: Actor, act: Act) -> Account:
    """Return the account for a caller who manages its users and is not a partner member."""
    if not account:
        raise NotFound
    actor.must_be_member(act.at)
    if not actor.is_approver_at(act.at):
        raise Forbidden
    return account


def must_be_latest(accepted: AcceptedVersion) -> None:
    """Raise unless the accepted version is the latest, so that nobody accepts an update that they have not seen."""
    if is_custom(accepted.permission_set):
        raise UnknownPermissionSet("permission_set")
    if accepted.version != latest_version(accepted.permission_set):
        raise RightsChanged


def accept(facts: SetUpdateFacts, accepted: AcceptedVersion, act: Act) -> SetUpdateAccepted:
    """Give a member the latest version of their set. Employees of the member's own partner cannot accept it."""
    account = must_be_set_approver(facts.account, facts.actor, act)
    account.must_be_active()
    must_be_latest(accepted)
    before, now = facts.target.member, facts.target.member_at(act.at)
    if not before or not now or not now.active or not facts.target.user or not facts.target.user.active:
        raise NotFound
    if now.permission_set != accepted.permission_set:
        raise RightsChanged
    # Employees of one partner can be the client's own members, and then only the rights that they hold count.
    subject = facts.target.user if now.partner_id else None
    facts.actor.must_be_approver(subject=subject, partner_id=now.partner_id, super_admins=facts.super_admins, at=act.at)
    found = gain_from_update(facts.target, act)
    if not found:
        raise NothingToAccept
    if not now.grant and not facts.actor.rights_at(act.at).covers(read_rights(found.gained)):
        raise PermissionNotHeld
    return SetUpdateAccepted(
        act=act,
        account=account,
        user=found.user,
        before=before,
        member=found.after.next_version(),
        audit=audit(
            "permission_set.update_accepted",
            act,
            account.account_id,
            now.partner_id,
            user_id=found.user.user_id,
            permission_set=now.permission_set,
            set_version={"before": now.set_version, "after": found.after.set_version},
            gained=list(found.gained),
        ),
        notification=Notification(
            kind=NotificationKind.ACCESS_CHANGED,
            employee_id=found.user.user_id,
            actor_id=act.actor_id,
            partner_id=now.partner_id,
            account_id=account.account_id,
            permission_set=now.permission_set,
            set_version=found.after.set_version,
            added=found.after.added,
            removed=found.after.removed,
            gained=found.gained,
            expires_at=now.grant.expires_at if now.grant else None,
        ),
        relies_on=(account, *facts.actor.relied_on, *facts.target.relied_on),
    )
