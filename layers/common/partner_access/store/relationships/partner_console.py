"""The partner's console in the table: its people by client or by employee, at a cost in proportion to the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.relationships.partner_console import Presence, presence
from partner_access.domain.users import User
from partner_access.store import accounts, dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.memberships import actors, members

EMPLOYEES_AT_ONCE: Final = 25
"""How many employees' accounts are looked through for one page."""
FIRST: Final = 25
"""How many clients an employee is listed with; all of his are in the list of clients."""
LOOKED_AT: Final = FIRST + 2
"""How many accounts of each listed employee are read: his firm, those to list, and one that says that there are more."""
BY_CLIENT: Final = "client"
BY_EMPLOYEE: Final = "employee"

Place = tuple[str, str]
"""An account and a user in it."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a firm's people in clients, and where to go on."""

    items: list[Presence]
    after: str | None


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody of the partner, in which clients he is, by id, and whether there may be more of them."""

    user: User
    is_active: bool
    presences: tuple[Presence, ...]
    may_have_more: bool


@dataclass(frozen=True, slots=True)
class Employees:
    """Some of a partner's members, by id, and the one to go on after."""

    items: list[Employee]
    after: str | None


def everybodys(partner_id: str, *, at: datetime, after: str | None, limit: int) -> Page:
    """Client by client those who are there on the firm's behalf, then those whom clients made, employee by employee.

    A client's people stay together, if need be on a page that is a hundred longer.
    """
    part, first, second = (after or f"{BY_CLIENT}##").split("#")
    if part == BY_EMPLOYEE:
        return _made_by_clients(partner_id, first, second, at=at, limit=limit)
    places, goes_on = _on_behalf(partner_id, f"{first}#{second}" if after else None, limit)
    shown = [each for each in _presences(partner_id, places, at) if not each.made_by_client]
    if goes_on:
        client, user_id = places[-1]
        return Page(shown, f"{BY_CLIENT}#{client}#{user_id}")
    if len(shown) >= limit:
        return Page(shown, _by_employee(""))
    more = _made_by_clients(partner_id, "", "", at=at, limit=limit - len(shown))
    return Page([*shown, *more.items], more.after)


def _on_behalf(partner_id: str, after: str | None, limit: int) -> tuple[list[Place], bool]:
    """Who may be where on the firm's behalf, as the index tells, and whether there are more."""
    people = keys.people(partner_id)
    start = _listed(partner_id, after) if after else None
    page = dynamo.query("list_key = :people", index="listing", limit=limit, after=start, people=people)
    found = [each["list_sort_key"] for each in page.items]
    if page.after:
        rest = dynamo.query(
            "list_key = :people AND begins_with(list_sort_key, :client)",
            index="listing",
            after=page.after,
            people=people,
            client=found[-1].partition("#")[0] + "#",
        )
        found += [each["list_sort_key"] for each in rest.items]
    return [_place(each) for each in found], page.after is not None


def _place(listed_as: str) -> Place:
    account_id, _, user_id = listed_as.partition("#")
    return account_id, user_id


def _listed(partner_id: str, listed_as: str) -> dict[str, str]:
    return {
        **keys.member(*_place(listed_as))._asdict(),
        "list_key": keys.people(partner_id),
        "list_sort_key": listed_as,
    }


def _made_by_clients(partner_id: str, employee_id: str, account_id: str, *, at: datetime, limit: int) -> Page:
    """On after one account of one employee, or after him; looking stops after 25 employees or a hundred accounts."""
    listed = members.page(partner_id, after=employee_id, limit=EMPLOYEES_AT_ONCE)
    onward = _by_employee(listed.after) if listed.after else None
    there = [each for each in listed.user_ids if listed.found[keys.member(partner_id, each)]["active"]]
    waiting = [*([(employee_id, account_id)] if account_id else ()), *((each, None) for each in there)]
    places: list[Place] = []
    for each, seen in waiting:
        found, reached = accounts.ids_of(each, after=seen)
        places += [(account, each) for account in found]
        if len(places) >= dynamo.AT_ONCE:
            onward = _by_employee(each, reached or "")
            break
    shown = [each for each in _presences(partner_id, places, at) if each.made_by_client]
    if len(shown) > limit:
        return Page(shown[:limit], _by_employee(shown[limit - 1].user_id, shown[limit - 1].client.account_id))
    return Page(shown, onward)


def _by_employee(employee_id: str, account_id: str = "") -> str:
    """Where to go on: after this account of his, or after all of his."""
    return f"{BY_EMPLOYEE}#{employee_id}#{account_id}"


def ones(partner_id: str, user_id: str, *, at: datetime, after: str | None, limit: int) -> Page:
    """One employee's clients by id, on the firm's behalf or made by the client; none of whoever never was in the firm.

    A page that is not full is filled from the next hundred of his accounts, lest it tell how many are another firm's.
    """
    if keys.member(partner_id, user_id) not in dynamo.read([keys.member(partner_id, user_id)]):
        return Page([], None)
    shown, onward = _some_of_ones(partner_id, user_id, at=at, after=after, limit=limit)
    if onward and len(shown) < limit:
        more, onward = _some_of_ones(partner_id, user_id, at=at, after=onward, limit=dynamo.AT_ONCE)
        shown += more
    return Page(shown[:limit], shown[limit - 1].client.account_id if len(shown) > limit else onward)


def _some_of_ones(
    partner_id: str, user_id: str, *, at: datetime, after: str | None, limit: int
) -> tuple[list[Presence], str | None]:
    account_ids, onward = accounts.ids_of(user_id, after=after, limit=limit)
    return _presences(partner_id, [(each, user_id) for each in account_ids], at), onward


def employees(partner_id: str, *, at: datetime, after: str | None, limit: int) -> Employees:
    """One page of those who are or were members of the partner account."""
    listed = members.page(partner_id, after=after, limit=limit)
    return Employees(_employees(partner_id, listed.user_ids, at), listed.after)


def employee(partner_id: str, user_id: str, *, at: datetime) -> Employees:
    """One of them alone."""
    return Employees(_employees(partner_id, [user_id], at), None)


def _employees(partner_id: str, ids: list[str], at: datetime) -> list[Employee]:
    accounts_of = {each: accounts.ids_of(each, limit=LOOKED_AT) for each in ids}
    places = {each: [(account_id, each) for account_id in found] for each, (found, _) in accounts_of.items()}
    found = _read([*((partner_id, each) for each in ids), *(place for each in ids for place in places[each])])
    listed = []
    for each in ids:
        staff = actors.actor(found, partner_id, each)
        if staff.user:
            is_active = staff.user.active and staff.is_member_at(at)
            presences = tuple(_seen(found, partner_id, places[each], at))
            listed.append(Employee(staff.user, is_active, presences, accounts_of[each][1] is not None))
    return listed


def _presences(partner_id: str, places: list[Place], at: datetime) -> list[Presence]:
    return _seen(_read(places), partner_id, places, at)


def _read(places: list[Place]) -> Items:
    """These members with all that says what they count for now, and their accounts."""
    found = dynamo.read(key for account_id, user_id in places for key in actors.keys_of(account_id, user_id))
    found.and_read(key for each in places for key in (keys.account(each[0]), *actors.behind(found, *each)))
    return found


def _seen(found: Items, partner_id: str, places: Iterable[Place], at: datetime) -> list[Presence]:
    each_of = (
        presence(
            partner_id, found.get_as(Account, keys.account(account_id)), actors.actor(found, account_id, user_id), at
        )
        for account_id, user_id in places
    )
    return [each for each in each_of if each]
