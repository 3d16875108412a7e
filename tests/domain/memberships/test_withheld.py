"""Permissions that the client took from a partner member: which edits keep them, and which give them again."""

import pytest

from partner_access.domain.errors import Forbidden
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Member, Role
from partner_access.domain.memberships.withheld import withheld_after
from partner_access.domain.permissions.rights import Overrides, latest_set_rights
from tests.support.builders import a_member, a_partner_admin

EXPORT, IMPORT = "crm.export", "crm.import"
WITHHELD = a_partner_admin(removed=(EXPORT,), withheld=(EXPORT,))


def after(member: Member, changes: MemberEdit, role: Role = Role.SUPER_ADMIN) -> tuple[str, ...]:
    """Return what stays withheld after this edit of a member who has no other overrides."""
    requested = changes.overrides_from(Overrides(member.added, member.removed))
    base = latest_set_rights(changes.permission_set or member.permission_set)
    return withheld_after(member, changes, requested, base, role)


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        (MemberEdit(permission_set="view_only"), (EXPORT,)),
        (MemberEdit(permission_set="partner_admin"), (EXPORT,)),
        (MemberEdit(permission_changes=Overrides(removed=(IMPORT,))), (EXPORT, IMPORT)),
        (MemberEdit(permission_changes=Overrides(added=(EXPORT,))), ()),
        (MemberEdit(overrides=Overrides()), ()),
        (MemberEdit(overrides=Overrides(removed=(EXPORT,))), (EXPORT,)),
        (MemberEdit(permission_set="view_only", overrides=Overrides()), (EXPORT,)),
        (MemberEdit(permission_set="view_only", overrides=Overrides(added=(EXPORT,))), ()),
        (MemberEdit(permission_set="view_only", overrides=Overrides(removed=(IMPORT,))), (EXPORT,)),
        # Narrowing a scope takes nothing away. Removing a prerequisite takes what needs it.
        (
            MemberEdit(permission_changes=Overrides(added=("crm.deals.delete:team",), removed=("crm.deals.delete",))),
            (EXPORT,),
        ),
        (
            MemberEdit(permission_changes=Overrides(removed=("crm.deals.edit", "crm.deals.delete"))),
            ("crm.deals.delete", "crm.deals.edit", EXPORT),
        ),
    ],
)
def test_withheld_after_edit_by_client(changes: MemberEdit, left: tuple[str, ...]) -> None:
    # domain.md rule 43
    assert after(WITHHELD, changes) == left


@pytest.mark.parametrize("role", [Role.COLLEAGUE, Role.PARTNER_MANAGER])
def test_withheld_after_edit_by_partner_stays(role: Role) -> None:
    # domain.md rule 43
    for changes in (MemberEdit(overrides=Overrides(removed=(IMPORT,))), MemberEdit(permission_set="view_only")):
        assert after(WITHHELD, changes, role) == (EXPORT,)
    with pytest.raises(Forbidden):
        after(WITHHELD, MemberEdit(permission_changes=Overrides(added=(EXPORT,))), role)


def test_withheld_after_edit_of_own_member_is_empty() -> None:
    # domain.md rule 43
    assert after(a_member(permission_set="sales"), MemberEdit(overrides=Overrides(removed=(EXPORT,)))) == ()
