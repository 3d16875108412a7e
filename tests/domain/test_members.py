"""Members: what they hold at an instant, what is left when a grant ends, and which seats they take."""

from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.members import Member, Place, Seat, Suspension, paid_seats, seat_change
from partner_access.domain.permissions import NOTHING, given_today, rights_of
from tests.builders import NOW, a_grant, a_member, a_partner_admin

SECOND = timedelta(seconds=1)
BEFORE = Place(
    permission_set="sales", set_version=1, added=("crm.import",), seat=Seat.SALES, paid_seats=(Seat.SERVICE,)
)


@pytest.mark.parametrize(
    ("expires_at", "over"),
    [(None, False), (NOW + SECOND, False), (NOW, True), (NOW - SECOND, True)],
    ids=["no end", "a second before", "at its end", "a second after"],
)
def test_a_grant_is_over_from_its_end_on(expires_at: Any, over: bool) -> None:
    grant = a_grant(expires_at=expires_at)
    member = a_partner_admin(grant=grant)

    assert grant.is_over(NOW) is over
    assert member.as_of(NOW).active is not over
    assert (member.rights_at(NOW) == NOTHING) is over


def test_an_ended_grant_leaves_a_membership_that_existed_only_through_it_deactivated() -> None:
    ended = a_partner_admin(removed=("crm.import",)).ended()

    assert not ended.active
    assert (ended.grant, ended.partner_id, ended.seat, ended.previous) == (None, None, None, None)


def test_an_ended_grant_leaves_who_was_there_before_what_he_was() -> None:
    ended = a_partner_admin(previous=BEFORE, paid_seats=(Seat.SALES,), removed=("crm.import",)).ended()

    assert ended.active
    assert ended.place == BEFORE
    assert (ended.grant, ended.partner_id, ended.previous) == (None, None, None)
    assert ended.rights == rights_of("sales", 1).adjusted(added=["crm.import"])


@pytest.mark.parametrize("reason", Suspension)
def test_a_suspended_grant_gives_nothing_and_keeps_its_seat(reason: Suspension) -> None:
    member = a_partner_admin(grant=a_grant(suspended_by=frozenset({reason})))

    assert member.rights_at(NOW) == NOTHING
    assert member.as_of(NOW) == member
    assert seat_change(None, member) == 1


def test_a_live_member_holds_his_set_under_its_overrides_a_deactivated_one_nothing() -> None:
    member = a_partner_admin(removed=("crm.import", "crm.contacts.view"), added=("crm.contacts.view:owned",))
    held = member.rights_at(NOW)

    assert "crm.import" not in held
    assert held.held["crm.contacts.view"] == 1
    assert set(given_today("partner_admin")) - set(held) == {"crm.import"}
    assert a_member(active=False).rights_at(NOW) == NOTHING


def test_the_set_that_counts_is_the_version_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    from partner_access.domain import catalogue  # noqa: PLC0415  the copy that is changed

    first = catalogue.SETS["partner_admin"][0]
    monkeypatch.setattr(catalogue, "SETS", {**catalogue.SETS, "partner_admin": (first[:-1], first)})
    rights_of.cache_clear()
    try:
        assert first[-1] not in a_partner_admin(set_version=1).rights
        assert first[-1] in a_partner_admin(set_version=2).rights
    finally:
        rights_of.cache_clear()


@pytest.mark.parametrize(
    ("seat", "paid", "kept"),
    [
        (Seat.CORE, (), ()),
        (Seat.VIEW_ONLY, (), ()),
        (None, (), ()),
        (Seat.SALES, (), (Seat.SALES,)),
        (Seat.SERVICE, (Seat.SALES,), (Seat.SALES, Seat.SERVICE)),
        (Seat.SALES, (Seat.SALES,), (Seat.SALES,)),
        (Seat.CORE, (Seat.SERVICE,), (Seat.SERVICE,)),
    ],
)
def test_paid_seats_are_kept_when_the_base_seat_becomes_the_partners(
    seat: Seat | None, paid: tuple[Seat, ...], kept: tuple[Seat, ...]
) -> None:
    assert paid_seats(a_member(seat=seat, paid_seats=paid)) == kept


LAPSED = a_partner_admin(grant=a_grant(expires_at=NOW - timedelta(days=1)))


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (None, a_member(), 0),
        (None, a_partner_admin(), 1),
        (a_member(), a_partner_admin(), 1),
        (a_partner_admin(), a_partner_admin(), 0),
        (LAPSED, a_partner_admin(), 0),
        (LAPSED, LAPSED.ended(), -1),
        (a_partner_admin(), a_member(), -1),
        (LAPSED.ended(), a_partner_admin(), 1),
    ],
)
def test_a_lapsed_grant_holds_its_seat_until_it_is_written_off(
    before: Member | None, after: Member, change: int
) -> None:
    assert seat_change(before, after) == change


def test_only_the_set_of_that_name_makes_a_super_admin() -> None:
    assert a_member().is_super_admin
    assert not a_partner_admin().is_super_admin


def test_the_partner_admin_set_is_nothing_without_a_live_grant() -> None:
    assert a_partner_admin(grant=None).rights_at(NOW) == NOTHING


def test_who_came_by_his_firm_is_its_man_again_when_a_grant_ends() -> None:
    before = Place(permission_set="sales", set_version=1, partner_id="partner-north")

    assert a_partner_admin(previous=before).ended().partner_id == "partner-north"
    assert a_partner_admin().ended().partner_id is None
