"""Custom permission sets of an account: creation, updates, removal, and their allowed content (domain.md §3)."""

from dataclasses import dataclass
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import (
    Forbidden,
    InvalidField,
    NotFound,
    PreconditionFailed,
    RestrictedPermission,
    SetInUse,
    TooManySets,
)
from partner_access.domain.memberships import own_partner
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.permissions.custom_sets import SET_ID_PREFIX, CustomSet
from partner_access.domain.permissions.rights import (
    USERS_MANAGE,
    Rights,
    must_exist_in_clients,
    must_have_prerequisites,
    read_rights,
    unknown_names,
)
from partner_access.domain.records import Decision, Record, audit

MAX_CUSTOM_SETS: Final = 100
"""The maximum number of custom permission sets in one account."""
SUPER_ADMINS_MANAGE: Final = "account.super_admins.manage"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSetFacts:
    """The account, the actor in it, and the custom set that the request names.

    `holders` are the members of a client who hold the set. They matter to an update by a partner's employee.
    """

    account: Account | None
    actor: Actor
    custom_set: CustomSet | None = None
    holders: tuple[Actor, ...] = ()
    knows_all_holders: bool = True


@dataclass(frozen=True, slots=True)
class SetContent:
    """The requested name and permissions of a set."""

    name: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSetCreated(Decision):
    account: Account
    custom_set: CustomSet


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSetUpdated(Decision):
    before: CustomSet
    custom_set: CustomSet


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSetRemoved(Decision):
    account: Account
    custom_set: CustomSet


def create(facts: CustomSetFacts, content: SetContent, act: Act) -> CustomSetCreated:
    """Create a custom set. Only a super admin can, because they hold every permission that a set could give."""
    account = _must_be_super_admin(facts, act)
    rights = _valid_rights(content, account)
    if account.custom_set_count >= MAX_CUSTOM_SETS:
        raise TooManySets
    custom_set = CustomSet(
        version=1,
        account_id=account.account_id,
        set_id=act.new_id(SET_ID_PREFIX),
        name=content.name,
        permissions=rights.to_names(),
    )
    return CustomSetCreated(
        act=act,
        account=account,
        custom_set=custom_set,
        audit=audit(
            "permission_set.created",
            act,
            account.account_id,
            permission_set=custom_set.set_id,
            added=list(custom_set.permissions),
        ),
        relies_on=(account, *facts.actor.relied_on),
    )


def update(facts: CustomSetFacts, content: SetContent, expected_version: int, act: Act) -> CustomSetUpdated | None:
    """Update the name and permissions of a custom set. Return None when nothing would differ.

    The change applies to all holders from their next request on.
    """
    account = _must_be_super_admin(facts, act)
    before = _must_match_version(facts.custom_set, expected_version)
    rights = _valid_rights(content, account)
    custom_set = before.next_version(
        name=content.name, permissions=(*rights.to_names(), *unknown_names(before.permissions))
    )
    if custom_set.restricted and before.partner_holders:
        raise RestrictedPermission("permissions").with_detail(
            "A partner member holds this set and can never hold this permission. Leave it out."
        )
    holder_records = _checked_holders(facts, rights, before.rights)
    permissions_before = (*before.rights.to_names(), *unknown_names(before.permissions))
    if (custom_set.name, custom_set.permissions) == (before.name, permissions_before):
        return None
    return CustomSetUpdated(
        act=act,
        before=before,
        custom_set=custom_set,
        audit=audit(
            "permission_set.updated",
            act,
            account.account_id,
            permission_set=custom_set.set_id,
            added=[each for each in custom_set.permissions if each not in permissions_before],
            removed=[each for each in permissions_before if each not in custom_set.permissions],
            renamed=custom_set.name != before.name or None,
        ),
        relies_on=(account, before, *facts.actor.relied_on, *holder_records),
    )


def _checked_holders(facts: CustomSetFacts, rights: Rights, rights_before: Rights) -> tuple[Record, ...]:
    """Return the records of the holders that the own-partner rule compared, if the set gets a restricted permission."""
    gained = Rights({name: rights.held[name] for name in rights.wider_than(rights_before)})
    own_partner.must_not_widen_set(
        facts.actor.user,
        (holder.user for holder in facts.holders),
        gained,
        knows_all_holders=facts.knows_all_holders,
    )
    if not own_partner.has_restricted(gained):
        return ()
    return tuple(record for holder in facts.holders for record in (holder.user, holder.member) if record)


def remove(facts: CustomSetFacts, expected_version: int, act: Act) -> CustomSetRemoved:
    """Remove a custom set. Raise `SetInUse` while a member holds it."""
    account = _must_be_super_admin(facts, act)
    custom_set = _must_match_version(facts.custom_set, expected_version)
    if custom_set.holders:
        raise SetInUse(holders=custom_set.holders)
    return CustomSetRemoved(
        act=act,
        account=account,
        custom_set=custom_set,
        audit=audit(
            "permission_set.removed",
            act,
            account.account_id,
            permission_set=custom_set.set_id,
            removed=list(custom_set.rights.to_names()),
        ),
        relies_on=(account, custom_set, *facts.actor.relied_on),
    )


def must_be_assignable(facts: CustomSetFacts, act: Act) -> CustomSet:
    """Return the custom set for a caller who manages users."""
    if not facts.account:
        raise NotFound
    facts.actor.must_be_member(act.at)
    if USERS_MANAGE not in facts.actor.rights_at(act.at):
        raise Forbidden
    if not facts.custom_set:
        raise NotFound
    return facts.custom_set


def _must_be_super_admin(facts: CustomSetFacts, act: Act) -> Account:
    """Return the account if the actor is one of its super admins."""
    if not facts.account:
        raise NotFound
    facts.actor.must_be_member(act.at)
    if not facts.actor.is_super_admin_at(act.at):
        raise Forbidden
    facts.account.must_be_active()
    return facts.account


def _must_match_version(custom_set: CustomSet | None, expected_version: int) -> CustomSet:
    if not custom_set:
        raise NotFound
    if custom_set.version != expected_version:
        raise PreconditionFailed
    return custom_set


def _valid_rights(content: SetContent, account: Account) -> Rights:
    """Return the rights of the set. Raise an error for permissions that it cannot have.

    Each must exist and be named once. None has a wider scope than its prerequisite.
    """
    rights = read_rights(content.permissions)
    if len(rights.held) < len(content.permissions):
        raise InvalidField("permissions").with_detail("List each permission once, in the widest scope you want.")
    if SUPER_ADMINS_MANAGE in rights:
        raise InvalidField("permissions").with_detail(
            f"Leave out {SUPER_ADMINS_MANAGE}. Only the set super_admin makes super admins."
        )
    if not account.is_partner:
        must_exist_in_clients(rights)
    must_have_prerequisites(rights)
    return rights
