"""Reading the people who act: first what the request names, then what that leads to."""

from collections.abc import Iterable

from partner_access.domain.accounts import Account
from partner_access.domain.members import Member
from partner_access.domain.people import Actor, User
from partner_access.store import keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key


def keys_of(account_id: str, user_id: str) -> tuple[Key, Key]:
    """What the first read takes for somebody in an account."""
    return keys.user(user_id), keys.member(account_id, user_id)


def firms_of(found: Items, account_id: str, *user_ids: str) -> list[Key]:
    """What the second read takes: the firms on whose behalf these people are in the account."""
    members = (found.get_as(Member, keys.member(account_id, user_id)) for user_id in user_ids)
    return [keys.account(member.partner_id) for member in members if member and member.partner_id]


def actor(found: Items, account_id: str, user_id: str) -> Actor:
    """Somebody in an account, from all that was read."""
    member = found.get_as(Member, keys.member(account_id, user_id))
    firm = keys.account(member.partner_id) if member and member.partner_id else None
    return Actor(
        user=found.get_as(User, keys.user(user_id)),
        member=member,
        firm=found.get_as(Account, firm) if firm else None,
    )


def super_admin_ids(found: Items, account_id: str) -> list[str]:
    """Who is listed as super admin; whether each still is one is for the rules, and their conditions, to say."""
    return sorted(found.get(keys.super_admins(account_id), {}).get("user_ids", ()))


def keys_of_all(account_id: str, user_ids: Iterable[str]) -> list[Key]:
    return [key for user_id in user_ids for key in keys_of(account_id, user_id)]


def super_admins(found: Items, account_id: str, *, but: str | None = None) -> tuple[Actor, ...]:
    """The account's super admins, from all that was read."""
    return tuple(actor(found, account_id, user_id) for user_id in super_admin_ids(found, account_id) if user_id != but)
