"""An account's own permission sets: who makes, changes and drops them, and what they may hold (domain.md §3)."""

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
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.permissions.rights import (
    USERS_MANAGE,
    Rights,
    must_be_ordered,
    must_exist_in_clients,
    read_rights,
)
from partner_access.domain.records import Decision, audit

MOST_SETS: Final = 100
"""How many permission sets of its own an account may have."""
MAKES_SUPER_ADMINS: Final = "account.super_admins.manage"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFacts:
    """The account, whoever acts in it, and the set that he names."""

    account: Account | None
    actor: Actor
    own: CustomSet | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a set shall be called, and hold."""

    name: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCreated(Decision):
    account: Account
    own: CustomSet


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChanged(Decision):
    before: CustomSet
    own: CustomSet


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRemoved(Decision):
    account: Account
    own: CustomSet


def create(facts: SetFacts, wish: Content, act: Act) -> SetCreated:
    """Make a set of the account's own; only a super admin does, who holds whatever it could give."""
    account = _must_be_run(facts, act)
    rights = _must_stand(wish, account)
    if account.custom_set_count >= MOST_SETS:
        raise TooManySets
    own = CustomSet(
        version=1,
        account_id=account.account_id,
        set_id=act.named("set"),
        name=wish.name,
        permissions=rights.written(),
    )
    return SetCreated(
        act=act,
        account=account,
        own=own,
        audit=audit(
            "permission_set.created",
            act,
            account.account_id,
            permission_set=own.set_id,
            added=list(own.permissions),
        ),
        relies_on=(account, *facts.actor.relied_on),
    )


def change(facts: SetFacts, wish: Content, seen: int, act: Act) -> SetChanged | None:
    """Call it or fill it otherwise, for all who hold it from their next request on; None when nothing would differ."""
    account = _must_be_run(facts, act)
    before = _must_be_as_seen(facts.own, seen)
    rights = _must_stand(wish, account)
    own = before.changed(name=wish.name, permissions=rights.written())
    if own.restricted and before.partner_holders:
        raise RestrictedPermission("/permissions").saying(
            "Somebody who is here for a partner holds this set, and can never hold this permission. Leave it out."
        )
    was = before.rights.written()
    if (own.name, own.permissions) == (before.name, was):
        return None
    return SetChanged(
        act=act,
        before=before,
        own=own,
        audit=audit(
            "permission_set.updated",
            act,
            account.account_id,
            permission_set=own.set_id,
            added=[each for each in own.permissions if each not in was],
            removed=[each for each in was if each not in own.permissions],
            renamed=own.name != before.name or None,
        ),
        relies_on=(account, before, *facts.actor.relied_on),
    )


def remove(facts: SetFacts, seen: int, act: Act) -> SetRemoved:
    """Drop a set that nobody holds."""
    account = _must_be_run(facts, act)
    own = _must_be_as_seen(facts.own, seen)
    if own.holders:
        raise SetInUse(holders=own.holders)
    return SetRemoved(
        act=act,
        account=account,
        own=own,
        audit=audit(
            "permission_set.removed",
            act,
            account.account_id,
            permission_set=own.set_id,
            removed=list(own.rights.written()),
        ),
        relies_on=(account, own, *facts.actor.relied_on),
    )


def must_be_assignable(facts: SetFacts, act: Act) -> CustomSet:
    """A set, for whoever gives people their sets."""
    if not facts.account:
        raise NotFound
    facts.actor.must_be_member(act.at)
    if USERS_MANAGE not in facts.actor.rights_at(act.at):
        raise Forbidden
    if not facts.own:
        raise NotFound
    return facts.own


def _must_be_run(facts: SetFacts, act: Act) -> Account:
    """The account, when whoever acts is one of its super admins."""
    if not facts.account:
        raise NotFound
    facts.actor.must_be_member(act.at)
    if not facts.actor.is_super_admin_at(act.at):
        raise Forbidden
    facts.account.must_be_active()
    return facts.account


def _must_be_as_seen(own: CustomSet | None, seen: int) -> CustomSet:
    if not own:
        raise NotFound
    if own.version != seen:
        raise PreconditionFailed
    return own


def _must_stand(wish: Content, account: Account) -> Rights:
    """What the permissions come to: known, each named once, none further than what it takes."""
    rights = read_rights(wish.permissions)
    if len(rights.held) < len(wish.permissions):
        raise InvalidField("/permissions").saying("Name each permission once, in the widest scope it shall have.")
    if MAKES_SUPER_ADMINS in rights:
        raise InvalidField("/permissions").saying(
            f"Leave {MAKES_SUPER_ADMINS} out: only the set super_admin makes super admins."
        )
    if not account.is_partner:
        must_exist_in_clients(rights)
    must_be_ordered(rights)
    return rights
