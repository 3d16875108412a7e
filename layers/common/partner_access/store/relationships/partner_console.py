"""Reads for the partner console: memberships by client or by employee, at a cost proportional to the page size."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.relationships.partner_console import ClientMembership, client_membership
from partner_access.domain.users import User
from partner_access.store import accounts, dynamo, keys, queries
from partner_access.store.dynamo import Items
from partner_access.store.memberships import actors, members

MAX_EMPLOYEES_PER_PAGE: Final = 25
"""Maximum number of employees whose accounts are searched for one page."""
MAX_CLIENTS_PER_EMPLOYEE: Final = 25
"""Maximum number of clients listed with an employee. The list of clients has all of them."""
MAX_ACCOUNTS_READ: Final = MAX_CLIENTS_PER_EMPLOYEE + 2
"""Number of accounts read per listed employee: the partner, the clients to list, and one to detect that more exist."""
BY_CLIENT: Final = "client"
BY_EMPLOYEE: Final = "employee"

MemberPair = tuple[str, str]
"""An account id and the id of a user in it."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the client memberships of a partner's users, and the position after which the next page starts."""

    items: list[ClientMembership]
    after: str | None


@dataclass(frozen=True, slots=True)
class EmployeeWithClients:
    """A partner employee with their client memberships, sorted by client id.

    `actor` is the employee in the partner account. `may_have_more` is true when the employee may have more memberships than those listed.
    """

    actor: Actor
    user: User
    is_active: bool
    memberships: tuple[ClientMembership, ...]
    may_have_more: bool


@dataclass(frozen=True, slots=True)
class EmployeePage:
    """One page of a partner's members, sorted by id, and the id after which the next page starts."""

    items: list[EmployeeWithClients]
    after: str | None


def all_memberships(partner_id: str, *, at: datetime, after: str | None, limit: int) -> Page:
    """Return one page of the client memberships of all the partner's users.

    Members on behalf of the partner come first, client by client. Memberships that clients created themselves follow,
    employee by employee. The members of one client stay on one page, which can exceed `limit` by up to 100.
    """
    part, _, position = (after or BY_CLIENT).partition("#")
    if part == BY_EMPLOYEE:
        account_id, _, employee_id = position.partition("#")
        return _created_by_clients(partner_id, employee_id, account_id, at=at, limit=limit)
    pairs, has_more = _on_behalf_of_partner(partner_id, position or None, limit)
    memberships = [each for each in _read_memberships(partner_id, pairs, at) if not each.created_by_client]
    if has_more:
        client, user_id = pairs[-1]
        return Page(memberships, f"{BY_CLIENT}#{client}#{user_id}")
    if len(memberships) >= limit:
        return Page(memberships, _employee_position(""))
    more = _created_by_clients(partner_id, "", "", at=at, limit=limit - len(memberships))
    return Page([*memberships, *more.items], more.after)


def _on_behalf_of_partner(partner_id: str, after: str | None, limit: int) -> tuple[list[MemberPair], bool]:
    """Return the pairs that the index lists for the partner, and whether there are more.

    The index can be out of date, so the caller reads the members themselves.
    """
    list_key = keys.partner_members(partner_id)
    start = _index_key(partner_id, after) if after else None
    page = queries.query("list_key = :people", index="listing", limit=limit, after=start, people=list_key)
    found = [each["list_sort_key"] for each in page.items]
    if page.after:
        rest = queries.query(
            "list_key = :people AND begins_with(list_sort_key, :client)",
            index="listing",
            after=page.after,
            people=list_key,
            client=found[-1].partition("#")[0] + "#",
        )
        found += [each["list_sort_key"] for each in rest.items]
    return [_pair(each) for each in found], page.after is not None


def _pair(sort_key: str) -> MemberPair:
    account_id, _, user_id = sort_key.partition("#")
    return account_id, user_id


def _index_key(partner_id: str, sort_key: str) -> dict[str, str]:
    return {
        **keys.member(*_pair(sort_key))._asdict(),
        "list_key": keys.partner_members(partner_id),
        "list_sort_key": sort_key,
    }


def _created_by_clients(partner_id: str, employee_id: str, account_id: str, *, at: datetime, limit: int) -> Page:
    """Return memberships that clients created, after the given account of the given employee.

    Without an account, the search starts after the employee. It stops after 25 employees or 100 accounts.
    """
    listed = members.page(partner_id, after=employee_id, limit=MAX_EMPLOYEES_PER_PAGE)
    next_position = _employee_position(listed.after) if listed.after else None
    active_ids = [each for each in listed.user_ids if listed.found[keys.member(partner_id, each)]["active"]]
    waiting = [*([(employee_id, account_id)] if account_id else ()), *((each, None) for each in active_ids)]
    pairs: list[MemberPair] = []
    for each, after_account_id in waiting:
        found, last_account_id = accounts.ids_of(each, after=after_account_id)
        pairs += [(account, each) for account in found]
        if len(pairs) >= dynamo.MAX_BATCH_ITEMS:
            next_position = _employee_position(each, last_account_id or "")
            break
    memberships = [each for each in _read_memberships(partner_id, pairs, at) if each.created_by_client]
    if len(memberships) > limit:
        return Page(
            memberships[:limit],
            _employee_position(memberships[limit - 1].user_id, memberships[limit - 1].client.account_id),
        )
    return Page(memberships, next_position)


def _employee_position(employee_id: str, account_id: str = "") -> str:
    """Return the position after this account of the employee, or after all of the employee's accounts."""
    return f"{BY_EMPLOYEE}#{account_id}#{employee_id}"


def memberships_of(partner_id: str, user_id: str, *, at: datetime, after: str | None, limit: int) -> Page:
    """Return one page of one employee's client memberships, sorted by client id.

    The page has members on behalf of the partner and memberships that clients created. It is empty for a user who
    never was a member of the partner. A page that is not full is filled from the user's next 100 accounts.
    Otherwise its length would reveal how many of the user's accounts belong to another partner.
    """
    if keys.member(partner_id, user_id) not in dynamo.read([keys.member(partner_id, user_id)]):
        return Page([], None)
    memberships, next_after = _some_memberships_of(partner_id, user_id, at=at, after=after, limit=limit)
    if next_after and len(memberships) < limit:
        more, next_after = _some_memberships_of(
            partner_id, user_id, at=at, after=next_after, limit=dynamo.MAX_BATCH_ITEMS
        )
        memberships += more
    return Page(
        memberships[:limit], memberships[limit - 1].client.account_id if len(memberships) > limit else next_after
    )


def _some_memberships_of(
    partner_id: str, user_id: str, *, at: datetime, after: str | None, limit: int
) -> tuple[list[ClientMembership], str | None]:
    account_ids, next_after = accounts.ids_of(user_id, after=after, limit=limit)
    return _read_memberships(partner_id, [(each, user_id) for each in account_ids], at), next_after


def employees(partner_id: str, *, at: datetime, after: str | None, limit: int) -> EmployeePage:
    """Return one page of the users who are or were members of the partner account."""
    listed = members.page(partner_id, after=after, limit=limit)
    return EmployeePage(_employees(partner_id, listed.user_ids, at), listed.after)


def employee(partner_id: str, user_id: str, *, at: datetime) -> EmployeePage:
    """Return a page with this one employee."""
    return EmployeePage(_employees(partner_id, [user_id], at), None)


def _employees(partner_id: str, ids: list[str], at: datetime) -> list[EmployeeWithClients]:
    accounts_of = {each: accounts.ids_of(each, limit=MAX_ACCOUNTS_READ) for each in ids}
    pairs = {each: [(account_id, each) for account_id in found] for each, (found, _) in accounts_of.items()}
    found = _read_members([*((partner_id, each) for each in ids), *(pair for each in ids for pair in pairs[each])])
    listed = []
    for each in ids:
        actor = actors.actor(found, partner_id, each)
        if actor.user:
            is_active = actor.user.active and actor.is_member_at(at)
            memberships = tuple(_memberships(found, partner_id, pairs[each], at))
            listed.append(
                EmployeeWithClients(actor, actor.user, is_active, memberships, accounts_of[each][1] is not None)
            )
    return listed


def _read_memberships(partner_id: str, pairs: list[MemberPair], at: datetime) -> list[ClientMembership]:
    return _memberships(_read_members(pairs), partner_id, pairs, at)


def _read_members(pairs: list[MemberPair]) -> Items:
    """Read these members with their accounts and all records that their current rights depend on."""
    found = dynamo.read(key for account_id, user_id in pairs for key in actors.first_keys(account_id, user_id))
    found.read_missing(key for each in pairs for key in (keys.account(each[0]), *actors.related_keys(found, *each)))
    return found


def _memberships(found: Items, partner_id: str, pairs: Iterable[MemberPair], at: datetime) -> list[ClientMembership]:
    each_of = (
        client_membership(
            partner_id, found.get_as(Account, keys.account(account_id)), actors.actor(found, account_id, user_id), at
        )
        for account_id, user_id in pairs
    )
    return [each for each in each_of if each]
