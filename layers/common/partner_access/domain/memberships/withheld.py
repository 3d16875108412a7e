"""Permissions that the client took from a partner member: no other set gives them back (domain.md rule 43).

They are what an approval or a creation left out of the partner admin set, and what the client removed since. The client
alone gives one again, when it adds it, or when its `overrides` for the same set no longer remove it.
"""

from collections.abc import Iterable

from partner_access.domain.errors import Forbidden
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Member, Role
from partner_access.domain.permissions.rights import NO_OVERRIDES, Overrides, Rights, with_dependents


def withheld_after(now: Member, changes: MemberEdit, requested: Overrides, base: Rights, role: Role) -> tuple[str, ...]:
    """Return the permissions that stay withheld after an edit. Raise for others than the client who give one again."""
    if not now.partner_id:
        return ()
    if not role.is_of_the_account:
        must_not_give_withheld(now, (each for each in requested.added if each not in now.added))
        return now.withheld
    keeps_set = changes.permission_set in (None, now.permission_set)
    replaced = set(base) if changes.overrides is not None and keeps_set else set()
    named = changes.overrides or changes.permission_changes or NO_OVERRIDES
    taken = {name for name in named.removed if name in base} - {_name(each) for each in named.added}
    lifted = set(requested.added) | replaced
    return tuple(sorted((set(now.withheld) - lifted) | with_dependents(taken)))


def must_not_give_withheld(member: Member, added: Iterable[str]) -> None:
    """Raise if one of these added permissions is withheld."""
    if {_name(each) for each in added} & set(member.withheld):
        raise Forbidden("permissions").with_detail(
            "The client took one of these permissions from this person. Ask an admin of the client to give it again."
        )


def without_withheld(overrides: Overrides, withheld: tuple[str, ...]) -> Overrides:
    """Return the overrides that also remove what is withheld, whether or not the set has it now."""
    return Overrides(overrides.added, tuple(sorted({*overrides.removed, *withheld})))


def _name(permission: str) -> str:
    return permission.partition(":")[0]
