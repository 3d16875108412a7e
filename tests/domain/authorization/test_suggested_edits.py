"""Suggested edits: they reach their aim, keep the order of view, edit and delete, and change nothing else."""

import pytest

from partner_access.domain.authorization.access import seats_include
from partner_access.domain.authorization.suggested_edits import (
    SUGGESTED_SETS,
    narrowing_edits,
    smallest_set,
    widening_edits,
)
from partner_access.domain.memberships.effective_rights import base_rights_of, effective_rights_of
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Member, Seat
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import (
    NO_OVERRIDES,
    SetName,
    latest_set_rights,
    latest_version,
    must_have_prerequisites,
)
from tests.support.builders import CUSTOM_SET, a_custom_set, a_member, a_partner_admin, the_client

PERMISSIONS = sorted(catalogue.CATALOGUE)
SETS = {CUSTOM_SET: a_custom_set()}
MEMBERS = [
    a_member(permission_set="view_only"),
    a_member(
        permission_set="sales", removed=("crm.deals.delete", "crm.deals.edit", "crm.deals.view", "sales.forecast")
    ),
    a_member(permission_set="sales", added=("crm.deals.delete:all", "crm.deals.edit:all", "crm.export")),
    a_member(permission_set=CUSTOM_SET, removed=("crm.export", "service.access")),
    a_partner_admin(removed=("crm.bulk_delete", "crm.tasks.delete")),
]
MEMBER_IDS = ["view only", "less than sales", "more than sales", "an own set", "partner admin"]


def member_after(member: Member, suggested: MemberEdit) -> Member:
    """Return the membership after the edit."""
    name = suggested.permission_set or member.permission_set
    with_other_set = member.model_copy(update={"permission_set": name, "added": (), "removed": ()})
    now = (
        with_other_set.model_copy(update={"set_version": latest_version(name)}) if suggested.permission_set else member
    )
    requested = suggested.overrides or NO_OVERRIDES
    overrides = requested.effective_on(base_rights_of(now, SETS)) if suggested.overrides is not None else None
    override_fields = {"added": overrides.added, "removed": overrides.removed} if overrides else {}
    seats = {"paid_seats": suggested.paid_seats} if suggested.paid_seats is not None else {}
    return now.model_copy(update={**override_fields, **seats})


@pytest.mark.parametrize("member", MEMBERS, ids=MEMBER_IDS)
def test_widening_edits_give_permission_and_seat_and_remove_nothing(member: Member) -> None:
    account = the_client()
    held = effective_rights_of(member, SETS)
    for permission in PERMISSIONS:
        if permission in held and seats_include(account, member, permission):
            continue
        for suggested in widening_edits(account, member, SETS, permission):
            after = member_after(member, suggested)
            rights = effective_rights_of(after, SETS)
            assert permission in rights or (member.partner_id and permission in catalogue.RESTRICTED)
            assert seats_include(account, after, permission)
            must_have_prerequisites(rights)
            if not suggested.permission_set:
                assert rights.covers(held)
                also_gained = [name for name in rights.wider_than(held) if name != permission]
                assert all(name.rpartition(".")[0] == permission.rpartition(".")[0] for name in also_gained)


@pytest.mark.parametrize("member", [*MEMBERS, a_member()], ids=[*MEMBER_IDS, "super admin"])
def test_narrowing_edits_remove_permission_and_dependent_ones(member: Member) -> None:
    held = effective_rights_of(member, SETS)
    for permission in held:
        first, *others = narrowing_edits(member, SETS, permission)
        for suggested in (first, *others):
            rights = effective_rights_of(member_after(member, suggested), SETS)
            assert permission not in rights
            must_have_prerequisites(rights)
        if not member.is_super_admin:
            lost = held.wider_than(effective_rights_of(member_after(member, first), SETS))
            assert all(name.rpartition(".")[0] == permission.rpartition(".")[0] for name in lost if name != permission)


def test_widening_edits_use_only_ordinary_sets() -> None:
    sizes = [len(latest_set_rights(name).held) for name in SUGGESTED_SETS]

    assert set(SUGGESTED_SETS) == set(SetName) - {SetName.SUPER_ADMIN, SetName.PARTNER_ADMIN}
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(("permission", "name", "added"), [
    ("crm.deals.view", "view_only", ()),
    ("crm.deals.edit", "service", ()),
    ("reports.create", "reporting", ()),
    ("sales.forecast", "sales", ()),
    ("crm.export", "view_only", ("crm.export",)),
    ("account.billing.manage", "view_only", ("account.billing.manage",)),
])  # fmt: skip
def test_smallest_set_with_permission_is_suggested(permission: str, name: str, added: tuple[str, ...]) -> None:
    found, overrides = smallest_set(permission)

    assert (found, overrides.added, overrides.removed) == (name, added, ())


def test_widening_edits_add_narrowest_scope() -> None:
    suggested, _ = widening_edits(the_client(), MEMBERS[0], {}, "crm.deals.delete")

    assert suggested.overrides
    assert suggested.overrides.added == ("crm.deals.edit:owned", "crm.deals.delete:owned")


def test_widening_edits_for_missing_seat_add_only_seat() -> None:
    member = a_member(paid_seats=(Seat.SERVICE,))

    assert list(widening_edits(the_client(), member, {}, "sales.access")) == [
        MemberEdit(paid_seats=(Seat.SALES, Seat.SERVICE))
    ]
