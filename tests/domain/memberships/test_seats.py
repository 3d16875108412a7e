"""Seats that an edit assigns, and who can assign them."""

import pytest

from partner_access.domain.accounts import Account
from partner_access.domain.errors import (
    DomainError,
    Forbidden,
    InvalidField,
    PermissionNotHeld,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.edits import edit
from partner_access.domain.memberships.grants import paid_seat_required
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Role, Seat
from tests.support.builders import (
    a_member,
    a_user,
    an_act,
    an_actor,
    the_client,
)
from tests.support.member_edits import NO_PAID_SEATS, PAID, assert_edit_raises, edited, member_with_seats
from tests.support.membership_facts import TARGET, USERS, act_of, facts


@pytest.mark.parametrize(
    ("target", "change", "seat", "paid"),
    [
        (member_with_seats(Seat.CORE), MemberEdit(seat=Seat.SALES), Seat.SALES, ()),
        (member_with_seats(Seat.SALES), MemberEdit(seat=Seat.VIEW_ONLY), Seat.VIEW_ONLY, ()),
        (member_with_seats(None), MemberEdit(seat=Seat.CORE), Seat.CORE, ()),
        (member_with_seats(Seat.CORE), PAID, Seat.CORE, (Seat.SALES,)),
        (member_with_seats(Seat.CORE, Seat.SALES), NO_PAID_SEATS, Seat.CORE, ()),
        (member_with_seats(Seat.CORE, Seat.SALES), MemberEdit(seat=Seat.SALES), Seat.SALES, ()),
        (
            member_with_seats(Seat.CORE),
            MemberEdit(paid_seats=(Seat.SERVICE, Seat.SALES)),
            Seat.CORE,
            (Seat.SALES, Seat.SERVICE),
        ),
        (member_with_seats(Seat.CORE, Seat.SALES), MemberEdit(seat=Seat.VIEW_ONLY), Seat.VIEW_ONLY, (Seat.SALES,)),
        (
            member_with_seats(Seat.CORE),
            MemberEdit(seat=Seat.SERVICE, paid_seats=(Seat.SALES,)),
            Seat.SERVICE,
            (Seat.SALES,),
        ),
        (TARGET, PAID, Seat.PARTNER, (Seat.SALES,)),
        (TARGET, MemberEdit(seat=Seat.SALES), Seat.PARTNER, (Seat.SALES,)),
        (TARGET, MemberEdit(seat=Seat.SERVICE, paid_seats=(Seat.SALES,)), Seat.PARTNER, (Seat.SALES, Seat.SERVICE)),
    ],
)
def test_edit_by_client_assigns_seats(target: Actor, change: MemberEdit, seat: Seat, paid: tuple[Seat, ...]) -> None:
    done = edited(facts(target=target), change)

    assert (done.member.seat, done.member.paid_seats) == (seat, paid)
    assert (done.audit.details["seat"], done.audit.details.get("paid_seats", [])) == (seat, list(paid))


@pytest.mark.parametrize(
    ("target", "change", "field"),
    [
        (TARGET, MemberEdit(seat=Seat.CORE), "seat"),
        (TARGET, MemberEdit(seat=Seat.VIEW_ONLY), "seat"),
        (member_with_seats(Seat.CORE), MemberEdit(seat=Seat.PARTNER), "seat"),
        (member_with_seats(None), MemberEdit(seat=Seat.PARTNER), "seat"),
        (member_with_seats(Seat.CORE), MemberEdit(paid_seats=(Seat.CORE,)), None),
        (member_with_seats(Seat.SALES), MemberEdit(paid_seats=(Seat.CORE,)), "paid_seats"),
        (member_with_seats(Seat.CORE), MemberEdit(paid_seats=(Seat.PARTNER,)), "paid_seats"),
        (member_with_seats(Seat.CORE), MemberEdit(paid_seats=(Seat.SALES, Seat.SALES)), "paid_seats"),
    ],
)
def test_edit_with_invalid_seats_raises_invalid_field(target: Actor, change: MemberEdit, field: str | None) -> None:
    if field:
        assert assert_edit_raises(facts(target=target), change, InvalidField).fields[0].path == (field,)
    else:
        assert edit(facts(target=target), change, 1, an_act()) is None


@pytest.mark.parametrize(
    ("target", "change", "error"),
    [
        (member_with_seats(Seat.CORE), MemberEdit(seat=Seat.SALES), PermissionNotHeld),
        (member_with_seats(Seat.SALES), MemberEdit(seat=Seat.CORE), PermissionNotHeld),
        (member_with_seats(Seat.CORE), PAID, PermissionNotHeld),
        (member_with_seats(Seat.CORE, Seat.SALES), NO_PAID_SEATS, PermissionNotHeld),
        (TARGET, MemberEdit(seat=Seat.SALES), PermissionNotHeld),
        (member_with_seats(Seat.CORE), MemberEdit(seat=Seat.VIEW_ONLY), None),
        (member_with_seats(Seat.CORE, Seat.SALES), MemberEdit(seat=Seat.VIEW_ONLY), None),
        (member_with_seats(Seat.CORE, Seat.SALES), MemberEdit(seat=Seat.SALES), None),
    ],
)
def test_edit_of_paid_seats_requires_billing_permission(
    target: Actor, change: MemberEdit, error: type[DomainError] | None
) -> None:
    found = facts(Role.USER_MANAGER, target=target)
    billing_manager = an_actor(
        a_user(USERS), a_member(USERS, "view_only", added=("account.users.manage", "account.billing.manage"))
    )

    if error:
        assert_edit_raises(found, change, error)
        edited(facts(actor=billing_manager, target=target), change)
    else:
        edited(found, change)


@pytest.mark.parametrize("role", [Role.COLLEAGUE, Role.PARTNER_MANAGER])
@pytest.mark.parametrize("change", [PAID, MemberEdit(seat=Seat.SALES), MemberEdit(seat=Seat.CORE)])
def test_edit_of_seats_by_partner_raises_forbidden(role: Role, change: MemberEdit) -> None:
    assert assert_edit_raises(facts(role), change, Forbidden).fields[0].path == ("seat",)


@pytest.mark.parametrize("role", [Role.COLLEAGUE, Role.PARTNER_MANAGER])
@pytest.mark.parametrize("change", [MemberEdit(seat=Seat.PARTNER), NO_PAID_SEATS])
def test_edit_by_partner_with_current_seats_changes_nothing(role: Role, change: MemberEdit) -> None:
    found = facts(role)

    assert edit(found, change, 1, act_of(found)) is None


def test_edit_adding_paid_seat_in_legacy_account_clears_seat_warning() -> None:
    legacy: Account = the_client(pricing="legacy")
    assert TARGET.member
    assert paid_seat_required(legacy, TARGET.member)
    assert not paid_seat_required(legacy, edited(facts(account=legacy), PAID).member)
