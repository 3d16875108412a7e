"""Reads of actors in two steps: first the records that the request names, then the records that those refer to."""

from collections.abc import Iterable

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.permissions.custom_sets import CustomSet, is_custom
from partner_access.domain.users import User
from partner_access.store import dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key


def first_keys(account_id: str, user_id: str) -> tuple[Key, Key]:
    """Return the keys that the first read needs for a user in an account."""
    return keys.user(user_id), keys.member(account_id, user_id)


def related_keys(found: Items, account_id: str, *user_ids: str) -> list[Key]:
    """Return the keys that the second read needs.

    They are the partners on whose behalf these users are members, and the account's custom sets that they have.
    """
    members = (found.get_as(Member, keys.member(account_id, user_id)) for user_id in user_ids)
    return [key for member in members for key in (*_partner_keys(member).values(), *_custom_set_keys(member).values())]


def _partner_keys(member: Member | None) -> dict[str, Key]:
    if not member or not member.active or not member.partner_id:
        return {}
    return {member.partner_id: keys.account(member.partner_id)}


def _custom_set_keys(member: Member | None) -> dict[str, Key]:
    return custom_set_keys(member.account_id, member.permission_set) if member else {}


def custom_set_keys(account_id: str, *names: str) -> dict[str, Key]:
    """Return the keys of the custom sets among these names, by set id."""
    return {name: keys.permission_set(account_id, name) for name in names if is_custom(name)}


def actor(found: Items, account_id: str, user_id: str) -> Actor:
    """Build the actor for a user in an account from the items read."""
    member = found.get_as(Member, keys.member(account_id, user_id))
    return Actor(
        user=found.get_as(User, keys.user(user_id)),
        member=member,
        partners=found.all_as(Account, _partner_keys(member)),
        sets=found.all_as(CustomSet, _custom_set_keys(member)),
    )


def in_account(account_id: str, user_id: str) -> tuple[Actor, Account | None]:
    """Read the actor for a user in an account, and the account."""
    found = dynamo.read([keys.account(account_id), *first_keys(account_id, user_id)])
    found.read_missing(related_keys(found, account_id, user_id))
    return actor(found, account_id, user_id), found.get_as(Account, keys.account(account_id))


def super_admin_ids(found: Items, account_id: str) -> list[str]:
    """Return the ids of the users listed as super admins, sorted.

    The list can be out of date. The domain rules and the conditions of a transaction check each super admin.
    """
    return sorted(found.get(keys.super_admins(account_id), {}).get("user_ids", ()))


def first_keys_of_all(account_id: str, user_ids: Iterable[str]) -> list[Key]:
    return [key for user_id in user_ids for key in first_keys(account_id, user_id)]


def super_admins(found: Items, account_id: str, *, but: str | None = None) -> tuple[Actor, ...]:
    """Build the actors of the account's listed super admins, except `but`, from the items read."""
    return tuple(actor(found, account_id, user_id) for user_id in super_admin_ids(found, account_id) if user_id != but)
