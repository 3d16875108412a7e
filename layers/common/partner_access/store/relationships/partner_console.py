"""The partner's console in the table: its people by client or by employee, at a cost in proportion to the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.relationships.partner_console import ClientMembership, client_membership
from partner_access.domain.users import User
from partner_access.store import accounts, dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.memberships import actors, members

MAX_EMPLOYEES_PER_PAGE: Final = 25
"""How many employees' accounts are looked through for one page."""
MAX_CLIENTS_PER_EMPLOYEE: Final = 25
"""How many clients an employee is listed with; all of his are in the list of clients."""
MAX_ACCOUNTS_READ: Final = MAX_CLIENTS_PER_EMPLOYEE + 2
"""How many accounts of each listed employee are read: his firm, those to list, and one that says that there are more."""
BY_CLIENT: Final = "client"
BY_EMPLOYEE: Final = "employee"

MemberPair = tuple[str, str]
"""An account and a user in it."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a firm's people in clients, and where to go on."""

    items: list[ClientMembership]
    after: str | None


@dataclass(frozen=True, slots=True)
class EmployeeWithClients:
    """Somebody of the partner, in which clients he is, by id, and whether there may be more of them."""

    user: User
    is_active: bool
    memberships: tuple[ClientMembership, ...]
    may_have_more: bool


@dataclass(frozen=True, slots=True)
class EmployeePage:
    """Some of a partner's members, by id, and the one to go on after."""

    items: list[EmployeeWithClients]
    after: str | None


def all_memberships(partner_id: str, *, at: datetime, after: str | None, limit: int) -> Page:
    """Client by client those who are there on the firm's behalf, then those whom clients made, employee by employee.

    A client's people stay together, if need be on a page that is a hundred longer.
    """
    part, first, second = (after or f"{BY_CLIENT}##").split("#")
    if part == BY_EMPLOYEE:
        return _created_by_clients(partner_id, first, second, at=at, limit=limit)
    pairs, has_more = _on_behalf_of_partner(partner_id, f"{first}#{second}" if after else None, limit)
    memberships = [each for each in _read_memberships(partner_id, pairs, at) if not each.created_by_client]
    if has_more:
        client, user_id = pairs[-1]
        return Page(memberships, f"{BY_CLIENT}#{client}#{user_id}")
    if len(memberships) >= limit:
        return Page(memberships, _employee_position(""))
    more = _created_by_clients(partner_id, "", "", at=at, limit=limit - len(memberships))
    return Page([*memberships, *more.items], more.after)


def _on_behalf_of_partner(partner_id: str, after: str | None, limit: int) -> tuple[list[MemberPair], bool]:
    """Who may be where on the firm's behalf, as the index tells, and whether there are more."""
    list_key = keys.partner_members(partner_id)
    start = _index_key(partner_id, after) if after else None
    page = dynamo.query("list_key = :people", index="listing", limit=limit, after=start, people=list_key)
    found = [each["list_sort_key"] for each in page.items]
    if page.after:
        rest = dynamo.query(
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
    """On after one account of one employee, or after him; looking stops after 25 employees or a hundred accounts."""
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
    """Where to go on: after this account of his, or after all of his."""
    return f"{BY_EMPLOYEE}#{employee_id}#{account_id}"


def memberships_of(partner_id: str, user_id: str, *, at: datetime, after: str | None, limit: int) -> Page:
    """One employee's clients by id, on the firm's behalf or made by the client; none of whoever never was in the firm.

    A page that is not full is filled from the next hundred of his accounts, lest it tell how many are another firm's.
    """
    if keys.member(partner_id, user_id) not in dynamo.read([keys.member(partner_id, user_id)]):
        return Page([], None)
    memberships, onward = _some_memberships_of(partner_id, user_id, at=at, after=after, limit=limit)
    if onward and len(memberships) < limit:
        more, onward = _some_memberships_of(partner_id, user_id, at=at, after=onward, limit=dynamo.MAX_BATCH_ITEMS)
        memberships += more
    return Page(memberships[:limit], memberships[limit - 1].client.account_id if len(memberships) > limit else onward)


def _some_memberships_of(
    partner_id: str, user_id: str, *, at: datetime, after: str | None, limit: int
) -> tuple[list[ClientMembership], str | None]:
    account_ids, onward = accounts.ids_of(user_id, after=after, limit=limit)
    return _read_memberships(partner_id, [(each, user_id) for each in account_ids], at), onward


def employees(partner_id: str, *, at: datetime, after: str | None, limit: int) -> EmployeePage:
    """One page of those who are or were members of the partner account."""
    listed = members.page(partner_id, after=after, limit=limit)
    return EmployeePage(_employees(partner_id, listed.user_ids, at), listed.after)


def employee(partner_id: str, user_id: str, *, at: datetime) -> EmployeePage:
    """One of them alone."""
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
            listed.append(EmployeeWithClients(actor.user, is_active, memberships, accounts_of[each][1] is not None))
    return listed


def _read_memberships(partner_id: str, pairs: list[MemberPair], at: datetime) -> list[ClientMembership]:
    return _memberships(_read_members(pairs), partner_id, pairs, at)


def _read_members(pairs: list[MemberPair]) -> Items:
    """These members with all that says what they count for now, and their accounts."""
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
