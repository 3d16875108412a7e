"""The accounts of one user, from the mirror items stored next to the user's record."""

from dataclasses import dataclass
from datetime import datetime

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.users import User
from partner_access.store import dynamo, keys, queries
from partner_access.store.memberships import actors


@dataclass(frozen=True, slots=True)
class CallerAccount:
    """An account with the caller's actor in it. `member` is the membership in effect now."""

    account: Account
    actor: Actor
    member: Member


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the caller's accounts, sorted by id.

    `user` is None when the caller is unknown. `after` is the id after which the next page starts.
    """

    user: User | None
    items: list[CallerAccount]
    after: str | None


def ids_of(
    user_id: str, *, after: str | None = None, limit: int = dynamo.MAX_BATCH_ITEMS
) -> tuple[list[str], str | None]:
    """Return ids of accounts that the user is or was a member of, and the id after which the next page starts."""
    page = queries.query(
        "pk = :user AND begins_with(sk, :accounts)",
        limit=limit,
        after=keys.account_of(user_id, after)._asdict() if after else None,
        user=f"{keys.USER}{user_id}",
        accounts=keys.ACCOUNT,
    )
    return (
        [each["account_id"] for each in page.items],
        page.after["sk"].removeprefix(keys.ACCOUNT) if page.after else None,
    )


def all_ids_of(user_id: str) -> list[str]:
    """Return the ids of all accounts that the user is or was a member of."""
    found, after = ids_of(user_id)
    while after:
        more, after = ids_of(user_id, after=after)
        found += more
    return found


def page(user_id: str, *, at: datetime, after: str | None, limit: int) -> Page:
    """Return one page of the accounts in which the user is an active member at `at`.

    `limit` counts former memberships too, so a page can have fewer accounts and yet not be the last.
    """
    account_ids, next_after = ids_of(user_id, after=after, limit=limit)
    of_each = ((keys.account(each), keys.member(each, user_id)) for each in account_ids)
    found = dynamo.read([keys.user(user_id), *(key for both in of_each for key in both)])
    found |= dynamo.read(key for each in account_ids for key in actors.related_keys(found, each, user_id))
    caller_accounts = []
    for each in account_ids:
        account = found.get_as(Account, keys.account(each))
        actor = actors.actor(found, each, user_id)
        member = actor.member_at(at)
        if account and member and member.active:
            caller_accounts.append(CallerAccount(account, actor, member))
    return Page(found.get_as(User, keys.user(user_id)), caller_accounts, next_after)
