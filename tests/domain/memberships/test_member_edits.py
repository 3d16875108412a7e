"""Tests of requested edits: which overrides a member has after one, and whether it changes only the set."""

import pytest

from partner_access.domain.access_ends import NO_END
from partner_access.domain.errors import InvalidField, UnknownPermission
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Seat
from partner_access.domain.permissions.rights import NO_OVERRIDES, Overrides

NOW = Overrides(added=("crm.deals.edit:team",), removed=("crm.export",))


@pytest.mark.parametrize(
    ("edit", "overrides"),
    [
        (MemberEdit(permission_set="sales"), NO_OVERRIDES),
        (MemberEdit(overrides=Overrides(removed=("crm.import",))), Overrides(removed=("crm.import",))),
        (MemberEdit(permission_changes=NO_OVERRIDES), NOW),
        (
            MemberEdit(permission_changes=Overrides(removed=("crm.import",))),
            Overrides(NOW.added, ("crm.export", "crm.import")),
        ),
        (
            MemberEdit(permission_changes=Overrides(added=("crm.export",))),
            Overrides(("crm.deals.edit:team", "crm.export")),
        ),
        (MemberEdit(permission_changes=Overrides(added=("crm.deals.edit:owned",))), NOW),
        (
            MemberEdit(permission_changes=Overrides(removed=("crm.deals.edit",))),
            Overrides((), ("crm.deals.edit", "crm.export")),
        ),
    ],
)
def test_edit_changes_or_replaces_overrides(edit: MemberEdit, overrides: Overrides) -> None:
    assert edit.overrides_from(NOW) == overrides


@pytest.mark.parametrize(
    "change",
    [
        Overrides(added=("crm.import",), removed=("crm.import",)),
        Overrides(added=("crm.deals.edit", "crm.deals.edit:team")),
        Overrides(removed=("crm.deals.edit:team",)),
        Overrides(removed=("no.such.thing",)),
    ],
)
def test_edit_with_contradicting_change_raises(change: Overrides) -> None:
    with pytest.raises((InvalidField, UnknownPermission)):
        MemberEdit(permission_changes=change).overrides_from(NOW)


@pytest.mark.parametrize(
    ("edit", "only_set", "keeps"),
    [
        (MemberEdit(permission_set="sales"), True, False),
        (MemberEdit(permission_changes=NO_OVERRIDES), False, False),
        (MemberEdit(overrides=NO_OVERRIDES), False, False),
        (MemberEdit(seat=Seat.SALES), False, True),
        (MemberEdit(paid_seats=()), False, True),
        (MemberEdit(end=NO_END), False, True),
    ],
)
def test_edit_knows_what_it_changes(edit: MemberEdit, only_set: bool, keeps: bool) -> None:
    assert (edit.changes_only_set, edit.keeps_set_and_overrides) == (only_set, keeps)
