"""The rights that a member really has: of the vendor's sets by their version, of an account's own sets as they are."""

from collections import Counter

from partner_access.domain.errors import UnknownPermissionSet
from partner_access.domain.memberships.members import Assignment, Member
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import CustomSets, counts_holders, is_custom
from partner_access.domain.permissions.rights import (
    NO_RIGHTS,
    Overrides,
    Rights,
    SetName,
    default_set_rights,
    latest_set_rights,
    latest_version,
)


def rights_and_version_now(permission_set: str, sets: CustomSets) -> tuple[Rights, int]:
    """Return the rights and version of a set that is given now. Raise an error if the account has no such set."""
    if not is_custom(permission_set):
        return latest_set_rights(permission_set), latest_version(permission_set)
    if permission_set not in sets:
        raise UnknownPermissionSet("permission_set")
    return sets[permission_set].rights, sets[permission_set].version


def partner_admin_set(version: int) -> Rights:
    """Return the rights of a version of the partner admin set. Raise an error for one of a later deployment."""
    if version > latest_version(SetName.PARTNER_ADMIN):
        raise UnknownPermissionSet
    return default_set_rights(SetName.PARTNER_ADMIN, version)


def has_known_set(assignment: Assignment, sets: CustomSets) -> bool:
    """Return whether this deployment has the set.

    A later deployment may have given one that is missing here. Its holder is denied everything meanwhile (rule 34). The
    set of super admins is the same in any version.
    """
    if is_custom(assignment.permission_set):
        return assignment.permission_set in sets
    is_published = 1 <= assignment.set_version <= latest_version(assignment.permission_set)
    return is_published or assignment.is_super_admin


def base_rights_of(assignment: Assignment, sets: CustomSets) -> Rights:
    """Return the rights of the set alone, without overrides. They are empty for an unknown set or version."""
    if not has_known_set(assignment, sets):
        return NO_RIGHTS
    if not is_custom(assignment.permission_set):
        return default_set_rights(assignment.permission_set, assignment.set_version)
    return sets[assignment.permission_set].rights


def effective_rights_of(assignment: Assignment, sets: CustomSets) -> Rights:
    """Return the effective rights of an assignment, for a partner member without restricted ones (domain.md §3)."""
    if not has_known_set(assignment, sets):
        return NO_RIGHTS
    rights = Overrides(assignment.added, assignment.removed).applied_to(base_rights_of(assignment, sets))
    return rights.with_overrides(removed=catalogue.RESTRICTED) if assignment.partner_id else rights


def custom_sets_of(member: Member | None) -> Counter[str]:
    """Count the custom set that an active member holds."""
    is_holder = member is not None and member.active and counts_holders(member.permission_set)
    return Counter([member.permission_set] if member and is_holder else ())


def custom_sets_of_partner_member(member: Member | None) -> Counter[str]:
    """Count the custom set that an active member holds on behalf of a partner."""
    return custom_sets_of(member) if member and member.partner_id else Counter()
