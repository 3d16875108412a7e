"""What is proposed does what is wanted, keeps the order of view, edit and delete, and is no more than that."""

import pytest

from partner_access.domain.authorization.access import opens
from partner_access.domain.authorization.suggested_edits import ORDINARY, least, less, more
from partner_access.domain.memberships.edits import Edit
from partner_access.domain.memberships.effective_rights import base_of, rights_in
from partner_access.domain.memberships.members import Member, Seat
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import NO_OVERRIDES, SetName, given_today, latest, must_be_ordered
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
NAMES = ["view only", "less than sales", "more than sales", "an own set", "partner admin"]


def changed(member: Member, wish: Edit) -> Member:
    """The membership after the edit."""
    name = wish.permission_set or member.permission_set
    moved = member.model_copy(update={"permission_set": name, "added": (), "removed": ()})
    now = moved.model_copy(update={"set_version": latest(name)}) if wish.permission_set else member
    wanted = wish.overrides or NO_OVERRIDES
    overrides = wanted.on(base_of(now, SETS)) if wish.overrides is not None else None
    taken = {"added": overrides.added, "removed": overrides.removed} if overrides else {}
    seats = {"paid_seats": wish.paid_seats} if wish.paid_seats is not None else {}
    return now.model_copy(update={**taken, **seats})


@pytest.mark.parametrize("member", MEMBERS, ids=NAMES)
def test_each_proposal_for_more_brings_it_with_its_seat_and_takes_nothing_in_between_away(member: Member) -> None:
    account = the_client()
    held = rights_in(member, SETS)
    for permission in PERMISSIONS:
        if permission in held and opens(account, member, permission):
            continue
        for wish in more(account, member, SETS, permission):
            after = changed(member, wish)
            rights = rights_in(after, SETS)
            assert permission in rights or (member.partner_id and permission in catalogue.RESTRICTED)
            assert opens(account, after, permission)
            must_be_ordered(rights)
            if not wish.permission_set:
                assert rights.cover(held)
                along = [name for name in rights.beyond(held) if name != permission]
                assert all(name.rpartition(".")[0] == permission.rpartition(".")[0] for name in along)


@pytest.mark.parametrize("member", [*MEMBERS, a_member()], ids=[*NAMES, "super admin"])
def test_each_proposal_for_less_takes_it_away_with_what_cannot_go_on_without_it(member: Member) -> None:
    held = rights_in(member, SETS)
    for permission in held:
        first, *others = less(member, SETS, permission)
        for wish in (first, *others):
            rights = rights_in(changed(member, wish), SETS)
            assert permission not in rights
            must_be_ordered(rights)
        if not member.is_super_admin:
            lost = held.beyond(rights_in(changed(member, first), SETS))
            assert all(name.rpartition(".")[0] == permission.rpartition(".")[0] for name in lost if name != permission)


def test_nobody_is_made_super_admin_or_partner_admin_for_want_of_one_permission() -> None:
    sizes = [len(given_today(name).held) for name in ORDINARY]

    assert set(ORDINARY) == set(SetName) - {SetName.SUPER_ADMIN, SetName.PARTNER_ADMIN}
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(("permission", "name", "added"), [
    ("crm.deals.view", "view_only", ()),
    ("crm.deals.edit", "service", ()),
    ("reports.create", "reporting", ()),
    ("sales.forecast", "sales", ()),
    ("crm.export", "view_only", ("crm.export",)),
    ("account.billing.manage", "view_only", ("account.billing.manage",)),
])  # fmt: skip
def test_the_smallest_set_that_holds_it_is_proposed(permission: str, name: str, added: tuple[str, ...]) -> None:
    found, overrides = least(permission)

    assert (found, overrides.added, overrides.removed) == (name, added, ())


def test_what_is_added_is_added_as_narrowly_as_can_be() -> None:
    wish, _ = more(the_client(), MEMBERS[0], {}, "crm.deals.delete")

    assert wish.overrides
    assert wish.overrides.added == ("crm.deals.edit:owned", "crm.deals.delete:owned")


def test_for_want_of_a_seat_alone_a_seat_is_proposed_alone() -> None:
    member = a_member(paid_seats=(Seat.SERVICE,))

    assert list(more(the_client(), member, {}, "sales.access")) == [Edit(paid_seats=(Seat.SALES, Seat.SERVICE))]
