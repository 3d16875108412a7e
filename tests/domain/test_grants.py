"""Grants: what admits somebody as partner admin, by link or creation, and on which terms."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_access.domain.accounts import AccountStanding, Pricing
from partner_access.domain.grants import (
    Candidate,
    Lapsed,
    Terms,
    admit,
    counter_offer,
    expire,
    grant,
    paid_seat_required,
)
from partner_access.domain.members import Asked, Grant, Member, Place, Seat, Source, Suspension
from partner_access.domain.permissions import Overrides, SetName, of_partner_admin
from partner_access.domain.refusals import (
    AccountClosed,
    AlreadyPartnerAdmin,
    GrantSuspended,
    InvalidField,
    IsSuperAdmin,
    NoSeatLeft,
    NotEligible,
    Refused,
    RestrictedPermission,
    UnknownPermission,
)
from tests.builders import (
    ACT_NAME,
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    an_act,
    an_employee,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
TERMS = Terms(source=Source.ACCESS_LINK, set_version=1)
FULL = the_client(seats=3, seats_taken=3)
CLOSED = the_client(standing=AccountStanding.CLOSED)
ORDINARY = a_member(EMPLOYEE, "sales", seat=Seat.SALES, added=("crm.import",), version=7)


def a_candidate(**changes: Any) -> Candidate:
    return Candidate(**{"employee": an_employee(), "partner": the_partner(), "before": None, **changes})


def a_lapsed(**changes: Any) -> Member:
    return a_partner_admin(grant=a_grant(expires_at=NOW), **changes)


def test_who_is_new_comes_in_on_the_partner_seat_under_a_grant() -> None:
    employee, member, given = admit(a_candidate(), the_client(), replace(TERMS, link_id=LINK), an_act())

    assert employee == an_employee()
    assert (member.version, member.active, member.since) == (1, True, NOW)
    assert (member.permission_set, member.set_version, member.seat) == (SetName.PARTNER_ADMIN, 1, Seat.PARTNER)
    assert (member.partner_id, member.granted_by, member.previous) == (PARTNER, APPROVER, None)
    assert member.grant == given
    assert given == Grant(
        grant_id=f"grt_{ACT_NAME}",
        partner_id=PARTNER,
        source=Source.ACCESS_LINK,
        granted_by=APPROVER,
        created_at=NOW,
        link_id=LINK,
    )


def test_an_ordinary_member_is_converted_and_keeps_what_he_was_and_paid_for() -> None:
    _, member, _ = admit(a_candidate(before=ORDINARY), the_client(), TERMS, an_act())

    assert member.previous == Place(permission_set="sales", set_version=1, added=("crm.import",), seat=Seat.SALES)
    assert (member.version, member.since, member.paid_seats) == (8, ORDINARY.since, (Seat.SALES,))
    assert (member.added, member.removed) == ((), ())
    assert member.ended().place == ORDINARY.place


@pytest.mark.parametrize("before", [a_partner_admin(version=4).ended(), a_member(EMPLOYEE, version=4, active=False)])
def test_a_deactivated_member_is_reactivated_with_the_same_history_whatever_he_was(before: Member) -> None:
    _, member, _ = admit(a_candidate(before=before), the_client(), TERMS, an_act())

    assert (member.active, member.version, member.since) == (True, 5, before.since)
    assert (member.previous, member.paid_seats) == (None, ())


@pytest.mark.parametrize(
    ("expires_at", "refusal"),
    [(NOW - SECOND, None), (NOW, None), (NOW + SECOND, AlreadyPartnerAdmin), (None, AlreadyPartnerAdmin)],
    ids=["a second past its end", "at its end", "a second before", "no end"],
)
def test_a_lapsed_grant_makes_room_for_a_new_one_and_a_live_one_does_not(
    expires_at: datetime | None, refusal: type[Refused] | None
) -> None:
    before = a_partner_admin(grant=a_grant(expires_at=expires_at))
    if refusal is None:
        _, _, given = admit(a_candidate(before=before), the_client(), TERMS, an_act())
        assert given.grant_id != a_grant().grant_id
    else:
        with pytest.raises(refusal):
            admit(a_candidate(before=before), the_client(), TERMS, an_act())


def test_who_comes_again_after_a_lapsed_grant_keeps_the_seat_that_it_still_held() -> None:
    _, member, _ = admit(a_candidate(before=a_lapsed()), FULL, TERMS, an_act())

    assert member.seat is Seat.PARTNER
    assert member.previous is None


def test_who_comes_again_still_falls_back_to_what_he_was_before_the_first_time() -> None:
    before = a_lapsed(previous=ORDINARY.place, paid_seats=(Seat.SALES,))
    _, member, _ = admit(a_candidate(before=before), the_client(), TERMS, an_act())

    assert member.previous == ORDINARY.place
    assert member.paid_seats == (Seat.SALES,)


@pytest.mark.parametrize(
    ("candidate", "refusal"),
    [
        ({"employee": None}, NotEligible),
        ({"partner": None}, NotEligible),
        ({"employee": an_employee(active=False)}, NotEligible),
        ({"employee": an_employee(employed_by=frozenset())}, NotEligible),
        ({"before": a_member(EMPLOYEE)}, IsSuperAdmin),
        ({"before": a_partner_admin()}, AlreadyPartnerAdmin),
        ({"before": a_partner_admin(partner_id="partner-south")}, AlreadyPartnerAdmin),
        ({"before": a_partner_admin(grant=a_grant(suspended_by=frozenset({Suspension.EMPLOYEE})))}, GrantSuspended),
    ],
)
def test_who_is_not_admitted(candidate: dict[str, Any], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        admit(a_candidate(**candidate), the_client(), TERMS, an_act())


@pytest.mark.parametrize(
    ("overrides", "refusal"),
    [
        (Overrides(added=("account.billing.manage",)), RestrictedPermission),
        (Overrides(added=("partner.client_access.manage",)), UnknownPermission),
        (Overrides(added=("no.such.thing",)), UnknownPermission),
        (Overrides(removed=("no.such.thing",)), UnknownPermission),
        (Overrides(removed=("crm.deals.view",)), InvalidField),
    ],
)
def test_on_which_terms_nobody_is_admitted(overrides: Overrides, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        admit(a_candidate(), the_client(), replace(TERMS, overrides=overrides), an_act())


def test_the_account_is_refused_before_the_person_and_the_person_before_capacity() -> None:
    stranger, boss = a_candidate(employee=None), a_candidate(before=a_member(EMPLOYEE))
    closed_and_full = CLOSED.model_copy(update={"seats": 0})

    with pytest.raises(AccountClosed):
        admit(stranger, closed_and_full, TERMS, an_act())
    with pytest.raises(NotEligible):
        admit(a_candidate(employee=None, before=a_member(EMPLOYEE)), FULL, TERMS, an_act())
    with pytest.raises(IsSuperAdmin):
        admit(boss, FULL, TERMS, an_act())
    with pytest.raises(NoSeatLeft):
        admit(a_candidate(), FULL, TERMS, an_act())
    with pytest.raises(NoSeatLeft):
        admit(a_candidate(before=ORDINARY), FULL, TERMS, an_act())


def test_the_last_seat_is_a_seat() -> None:
    admit(a_candidate(), the_client(seats=3, seats_taken=2), TERMS, an_act())


@pytest.mark.parametrize(("days", "ends"), [(None, None), (1, NOW + timedelta(days=1)), (730, NOW + timedelta(730))])
def test_access_days_count_from_the_approval(days: int | None, ends: datetime | None) -> None:
    assert grant(the_partner(), replace(TERMS, access_days=days), an_act()).expires_at == ends


@pytest.mark.parametrize(
    ("pricing", "paid", "required"),
    [
        (Pricing.SEAT_BASED, (), False),
        (Pricing.SEAT_BASED, (Seat.SALES,), False),
        (Pricing.LEGACY, (), True),
        (Pricing.LEGACY, (Seat.SERVICE,), False),
    ],
)
def test_a_legacy_account_says_that_a_paid_seat_is_wanting(
    pricing: Pricing, paid: tuple[Seat, ...], required: bool
) -> None:
    member = a_partner_admin(paid_seats=paid)

    assert paid_seat_required(the_client(pricing=pricing), member) is required


# counter-offers


@pytest.mark.parametrize(
    ("asked", "removed", "days", "given_"),
    [
        (Asked(), (), None, Asked()),
        (Asked(), ("crm.import",), 30, Asked(removed=("crm.import",), access_days=30)),
        (Asked(access_days=30), (), None, Asked(access_days=30)),
        (Asked(access_days=30), (), 30, Asked(access_days=30)),
        (Asked(access_days=30), (), 29, Asked(access_days=29)),
        (
            Asked(removed=("crm.import",)),
            ("crm.export", "crm.import"),
            None,
            Asked(removed=("crm.export", "crm.import")),
        ),
    ],
)
def test_an_approver_takes_away_and_shortens(
    asked: Asked, removed: tuple[str, ...], days: int | None, given_: Asked
) -> None:
    assert counter_offer(asked, removed, days) == given_


@pytest.mark.parametrize("days", [31, 730])
def test_an_approver_does_not_lengthen_what_was_asked(days: int) -> None:
    with pytest.raises(InvalidField) as refused:
        counter_offer(Asked(access_days=30), (), days)
    assert refused.value.errors == [{"pointer": "/access_days", "code": "invalid_field"}]


removals = st.lists(st.sampled_from(sorted(of_partner_admin(1, removed=()))), max_size=8, unique=True).map(tuple)
durations = st.none() | st.integers(1, 730)


@given(removals, durations, removals, durations)
@settings(deadline=None, max_examples=100)
def test_a_counter_offer_never_adds(
    asked: tuple[str, ...], days: int | None, removed: tuple[str, ...], fewer: int | None
) -> None:
    try:
        given_ = counter_offer(Asked(removed=asked, access_days=days), removed, fewer)
    except InvalidField:
        assert days is not None
        assert fewer is not None
        assert fewer > days
        return
    assert of_partner_admin(1, removed=asked).cover(of_partner_admin(1, removed=given_.removed))
    assert days is None or (given_.access_days or 0) <= days
    assert (given_.access_days is None) is (days is None and fewer is None)


def test_a_grant_that_is_over_is_written_off_with_what_it_rested_on() -> None:
    before = a_partner_admin(grant=a_grant(expires_at=NOW))

    expired = expire(Lapsed(before, the_client()), an_act("schedule"))

    assert expired
    assert (expired.member.version, expired.member.grant, expired.member.seat) == (before.version + 1, None, None)
    assert expired.relies_on == (before,)
    assert (expired.audit.event, expired.audit.accounts) == ("grant.expired", (CLIENT, PARTNER))


@pytest.mark.parametrize("grant", [None, a_grant(), a_grant(expires_at=NOW + timedelta(seconds=1))])
def test_a_grant_that_is_not_over_is_left_alone(grant: Grant | None) -> None:
    assert expire(Lapsed(a_partner_admin(grant=grant), the_client()), an_act("schedule")) is None
