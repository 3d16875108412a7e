"""What to ask of a door so that a member may do one thing, or may not any more: the least that does it comes first."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.authorization.access import opens
from partner_access.domain.memberships.edits import Edit
from partner_access.domain.memberships.effective_rights import base_of, rights_in
from partner_access.domain.memberships.members import Member, Seat
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import Sets
from partner_access.domain.permissions.rights import NO_OVERRIDES, Overrides, SetName, given_today

ORDINARY: Final = tuple(
    sorted(set(SetName) - {SetName.SUPER_ADMIN, SetName.PARTNER_ADMIN}, key=lambda name: len(given_today(name).held))
)
"""The sets that are proposed, the smallest first: nobody is made super admin for want of one permission."""
STEPS: Final = ("view", "edit", "delete")


def more(account: Account, now: Member, sets: Sets, permission: str) -> Iterator[Edit]:
    """Given back, or added as narrowly as can be, or by another set; with the seat that opens it."""
    held, wanted = rights_in(now, sets), _with_what_it_takes(permission)
    seats = _with_its_seat(account, now, permission)
    if permission in held:
        yield Edit(paid_seats=seats)
        return
    if permission in base_of(now, sets):
        left = tuple(name for name in now.removed if name not in wanted)
        yield Edit(overrides=Overrides(now.added, left), paid_seats=seats)
    else:
        left = tuple(name for name in now.removed if name in catalogue.SCOPED or name != permission)
        added = tuple(_narrowly(name) for name in wanted if name not in held)
        yield Edit(overrides=Overrides((*now.added, *added), left), paid_seats=seats)
    name, overrides = least(permission)
    yield Edit(permission_set=name, overrides=overrides, paid_seats=seats)


def _with_its_seat(account: Account, now: Member, permission: str) -> tuple[Seat, ...] | None:
    """The paid seats he would have; None where those he has open it."""
    if opens(account, now, permission):
        return None
    return tuple(sorted({*now.paid_seats, Seat(catalogue.PAID[permission])}))


def less(now: Member, sets: Sets, permission: str) -> Iterator[Edit]:
    """Taken away, with what cannot go on without it; or by the smallest set, as from a super admin."""
    gone = _with_what_takes_it(permission)
    if not now.is_super_admin:
        base = base_of(now, sets)
        added = tuple(name for name in now.added if name.partition(":")[0] not in gone)
        removed = tuple(sorted({*now.removed, *(name for name in gone if name in base)}))
        yield Edit(overrides=Overrides(added, removed))
    smallest = ORDINARY[0].value
    taken = tuple(name for name in gone if name in given_today(smallest))
    yield Edit(permission_set=smallest, overrides=Overrides(removed=taken))


def least(permission: str) -> tuple[str, Overrides]:
    """The smallest of the vendor's sets that holds it, else the smallest of all with it added."""
    name = next((name.value for name in ORDINARY if permission in given_today(name)), None)
    return (name, NO_OVERRIDES) if name else (ORDINARY[0].value, Overrides(added=(_narrowly(permission),)))


def _narrowly(permission: str) -> str:
    return f"{permission}:owned" if permission in catalogue.SCOPED else permission


def _with_what_it_takes(permission: str) -> tuple[str, ...]:
    """Nobody edits what he does not view, or deletes what he does not edit."""
    return _along(permission, lambda step: STEPS[: step + 1])


def _with_what_takes_it(permission: str) -> tuple[str, ...]:
    return _along(permission, lambda step: STEPS[step:])


def _along(permission: str, steps: Callable[[int], Iterable[str]]) -> tuple[str, ...]:
    noun, _, action = permission.rpartition(".")
    if permission not in catalogue.SCOPED or action not in STEPS:
        return (permission,)
    return tuple(f"{noun}.{step}" for step in steps(STEPS.index(action)))
