"""Suggested edits that give a member one permission or take it away. The smallest edit comes first."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.authorization.access import seats_include
from partner_access.domain.memberships.effective_rights import base_rights_of, effective_rights_of
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Member, Seat, known_seats
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import CustomSets
from partner_access.domain.permissions.rights import NO_OVERRIDES, Overrides, SetName, latest_set_rights

SUGGESTED_SETS: Final = tuple(
    sorted(
        set(SetName) - {SetName.SUPER_ADMIN, SetName.PARTNER_ADMIN}, key=lambda name: len(latest_set_rights(name).held)
    )
)
"""The suggested sets, smallest first. They leave out super admin, which is too much for one missing permission."""
ACTIONS: Final = ("view", "edit", "delete")


def widening_edits(account: Account, now: Member, sets: CustomSets, permission: str) -> Iterator[MemberEdit]:
    """Yield edits that give the permission, with the seat that it needs.

    The edits undo a removal, or add the permission in the narrowest scope, or change to another set.
    """
    held_rights, required = effective_rights_of(now, sets), _with_prerequisites(permission)
    seats = _required_paid_seats(account, now, permission)
    if permission in held_rights:
        yield MemberEdit(paid_seats=seats)
        return
    if permission in base_rights_of(now, sets):
        remaining = tuple(name for name in now.removed if name not in required)
        yield MemberEdit(overrides=Overrides(now.added, remaining), paid_seats=seats)
    else:
        remaining = tuple(name for name in now.removed if name in catalogue.SCOPED or name != permission)
        added = tuple(_in_narrowest_scope(name) for name in required if name not in held_rights)
        yield MemberEdit(overrides=Overrides((*now.added, *added), remaining), paid_seats=seats)
    name, overrides = smallest_set(permission)
    yield MemberEdit(permission_set=name, overrides=overrides, paid_seats=seats)


def _required_paid_seats(account: Account, now: Member, permission: str) -> tuple[Seat, ...] | None:
    """Return the paid seats that the member would need, or None when their seats already include the permission."""
    if seats_include(account, now, permission):
        return None
    return tuple(sorted({*known_seats(now.paid_seats), Seat(catalogue.PAID_FEATURE_SEATS[permission])}))


def narrowing_edits(now: Member, sets: CustomSets, permission: str) -> Iterator[MemberEdit]:
    """Yield edits that take the permission away.

    The first edit removes it with the permissions that depend on it. The last one changes to the smallest set, which is
    the only way for a super admin.
    """
    to_remove = _with_dependents(permission)
    if not now.is_super_admin:
        base = base_rights_of(now, sets)
        added = tuple(name for name in now.added if name.partition(":")[0] not in to_remove)
        removed = tuple(sorted({*now.removed, *(name for name in to_remove if name in base)}))
        yield MemberEdit(overrides=Overrides(added, removed))
    smallest = SUGGESTED_SETS[0].value
    removed_from_smallest = tuple(name for name in to_remove if name in latest_set_rights(smallest))
    yield MemberEdit(permission_set=smallest, overrides=Overrides(removed=removed_from_smallest))


def smallest_set(permission: str) -> tuple[str, Overrides]:
    """Return the smallest default set with this permission, or the smallest set of all with the permission added."""
    name = next((name.value for name in SUGGESTED_SETS if permission in latest_set_rights(name)), None)
    return (
        (name, NO_OVERRIDES) if name else (SUGGESTED_SETS[0].value, Overrides(added=(_in_narrowest_scope(permission),)))
    )


def _in_narrowest_scope(permission: str) -> str:
    return f"{permission}:owned" if permission in catalogue.SCOPED else permission


def _with_prerequisites(permission: str) -> tuple[str, ...]:
    """Return the permission with its prerequisites. Editing requires viewing, and deleting requires editing."""
    return _related_permissions(permission, lambda step: ACTIONS[: step + 1])


def _with_dependents(permission: str) -> tuple[str, ...]:
    return _related_permissions(permission, lambda step: ACTIONS[step:])


def _related_permissions(permission: str, steps: Callable[[int], Iterable[str]]) -> tuple[str, ...]:
    resource, _, action = permission.rpartition(".")
    if permission not in catalogue.SCOPED or action not in ACTIONS:
        return (permission,)
    return tuple(f"{resource}.{step}" for step in steps(ACTIONS.index(action)))
