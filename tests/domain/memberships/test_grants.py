"""Grants: what admits somebody as partner admin, by link or creation, and on which terms."""

from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.errors import (
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
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.grants import (
    Candidate,
    DueGrant,
    Terms,
    admit,
    counter_offer,
    expire,
    grant,
    paid_seat_required,
    warn,
)
from partner_access.domain.memberships.members import (
    WARNED_BEFORE,
    Grant,
    GrantSource,
    Member,
    Place,
    RequestedAccess,
    Seat,
    SuspensionReason,
)
from partner_access.domain.notifications import Cause, Letter, LetterKind
from partner_access.domain.permissions.rights import Overrides, SetName, of_partner_admin
from tests.support.builders import (
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
    an_actor,
    an_employee,
    of_the_partner,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
TERMS = Terms(source=GrantSource.ACCESS_LINK, set_version=1)
FULL = the_client(partner_seat_limit=3, partner_seats_used=3)
CLOSED = the_client(state=AccountState.CLOSED)
ORDINARY = a_member(EMPLOYEE, "sales", seat=Seat.SALES, added=("crm.import",), version=7)


def a_candidate(*, before: Member | None = None, **changes: Any) -> Candidate:
    """By default somebody new; `before` is what he is in the account so far."""
    firms = [the_partner(), the_partner(account_id="partner-south")]
    target = an_actor(an_employee(), before, firms=firms) if before else Actor(an_employee())
    return Candidate(**{"employee": an_employee(), "partner": the_partner(), "target": target, **changes})


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
        source=GrantSource.ACCESS_LINK,
        granted_by=APPROVER,
        created_at=NOW,
        link_id=LINK,
    )


def test_who_is_admitted_has_the_full_set_but_for_the_overrides() -> None:
    overrides = Overrides(added=("crm.deals.edit:team",), removed=("crm.deals.delete", "crm.deals.edit"))
    _, member, _ = admit(a_candidate(), the_client(), replace(TERMS, overrides=overrides), an_act())

    assert Overrides(member.added, member.removed) == overrides


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


@pytest.mark.parametrize(
    ("user", "firm", "tenure"),
    [
        ({}, {}, 0),
        ({"offboardings": {PARTNER: 2}}, {}, 2),
        ({}, {"terminations": 1}, 1),
        ({"offboardings": {PARTNER: 2, "partner-south": 9}}, {"terminations": 1}, 3),
    ],
)
def test_who_is_admitted_comes_in_the_tenure_of_today(user: dict[str, Any], firm: dict[str, Any], tenure: int) -> None:
    candidate = a_candidate(employee=an_employee(**user), partner=the_partner(**firm))

    assert admit(candidate, the_client(), TERMS, an_act())[1].access_generation == tenure


@pytest.mark.parametrize(("tenure", "refusal"), [(0, None), (1, AlreadyPartnerAdmin)])
def test_a_grant_of_before_all_was_ended_makes_room_for_a_new_one(tenure: int, refusal: type[Refused] | None) -> None:
    employee = an_employee(offboardings={PARTNER: 1})
    before = a_partner_admin(version=4, access_generation=tenure)
    candidate = a_candidate(employee=employee, target=of_the_partner(employee, before))

    if refusal:
        with pytest.raises(refusal):
            admit(candidate, the_client(), TERMS, an_act())
    else:
        _, member, given_ = admit(candidate, FULL, TERMS, an_act())
        assert (member.access_generation, member.version, member.seat, member.previous) == (1, 5, Seat.PARTNER, None)
        assert given_.grant_id != a_grant().grant_id


def test_what_the_client_made_him_outlives_the_end_of_all_for_his_firm() -> None:
    employee = an_employee(offboardings={PARTNER: 1})
    before = a_partner_admin(access_generation=0, previous=ORDINARY.place)
    candidate = a_candidate(employee=employee, target=of_the_partner(employee, before))

    assert admit(candidate, the_client(), TERMS, an_act())[1].previous == ORDINARY.place


@pytest.mark.parametrize(
    ("reasons", "refusal"),
    [
        (set(), AlreadyPartnerAdmin),
        ({SuspensionReason.CLIENT}, GrantSuspended),
        ({SuspensionReason.PARTNER}, GrantSuspended),
        (set(SuspensionReason), GrantSuspended),
    ],
)
def test_a_suspended_grant_is_resumed_and_not_given_again(
    reasons: set[SuspensionReason], refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        admit(a_candidate(before=a_partner_admin(suspended_by=frozenset(reasons))), the_client(), TERMS, an_act())


def test_a_suspended_ordinary_member_is_not_raised_past_his_suspension() -> None:
    stopped = ORDINARY.changed(suspended_by=frozenset({SuspensionReason.CLIENT}))

    with pytest.raises(GrantSuspended):
        admit(a_candidate(before=stopped), the_client(), TERMS, an_act())


@pytest.mark.parametrize(("days", "warned"), [(None, None), (730, None), (31, None), (30, 30), (7, 7), (1, 1)])
def test_of_an_end_that_is_near_from_the_start_nobody_is_warned_late(days: int | None, warned: int | None) -> None:
    assert grant(the_partner(), replace(TERMS, access_days=days), an_act()).last_warning_days == warned


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
        ({"before": a_partner_admin(partner_id="partner-south")}, GrantSuspended),
        ({"before": a_partner_admin(suspended_by=frozenset({SuspensionReason.EMPLOYEE}))}, AlreadyPartnerAdmin),
        ({"before": a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))}, GrantSuspended),
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
    closed_and_full = CLOSED.model_copy(update={"partner_seat_limit": 0})

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
    admit(a_candidate(), the_client(partner_seat_limit=3, partner_seats_used=2), TERMS, an_act())


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
        (RequestedAccess(), (), None, RequestedAccess()),
        (RequestedAccess(), ("crm.import",), 30, RequestedAccess(removed=("crm.import",), access_days=30)),
        (RequestedAccess(access_days=30), (), None, RequestedAccess(access_days=30)),
        (RequestedAccess(access_days=30), (), 30, RequestedAccess(access_days=30)),
        (RequestedAccess(access_days=30), (), 29, RequestedAccess(access_days=29)),
        (
            RequestedAccess(removed=("crm.import",)),
            ("crm.export", "crm.import"),
            None,
            RequestedAccess(removed=("crm.export", "crm.import")),
        ),
    ],
)
def test_an_approver_takes_away_and_shortens(
    asked: RequestedAccess, removed: tuple[str, ...], days: int | None, given_: RequestedAccess
) -> None:
    assert counter_offer(asked, removed, days) == given_


@pytest.mark.parametrize("days", [31, 730])
def test_an_approver_does_not_lengthen_what_was_asked(days: int) -> None:
    with pytest.raises(InvalidField) as refused:
        counter_offer(RequestedAccess(access_days=30), (), days)
    assert refused.value.errors == [{"pointer": "/access_days", "code": "invalid_field"}]


removals = st.lists(st.sampled_from(sorted(of_partner_admin(1, removed=()))), max_size=8, unique=True).map(tuple)
durations = st.none() | st.integers(1, 730)


@given(removals, durations, removals, durations)
@settings(deadline=None, max_examples=100)
def test_a_counter_offer_never_adds(
    asked: tuple[str, ...], days: int | None, removed: tuple[str, ...], fewer: int | None
) -> None:
    try:
        given_ = counter_offer(RequestedAccess(removed=asked, access_days=days), removed, fewer)
    except InvalidField:
        assert days is not None
        assert fewer is not None
        assert fewer > days
        return
    assert of_partner_admin(1, removed=asked).cover(of_partner_admin(1, removed=given_.removed))
    assert days is None or (given_.access_days or 0) <= days
    assert (given_.access_days is None) is (days is None and fewer is None)


# the sweep


def due(grant: Grant | None, **member: Any) -> DueGrant:
    """The employee's, in the usual client."""
    return due_for(of_the_partner(member=a_partner_admin(grant=grant, **member)))


def due_for(target: Actor) -> DueGrant:
    return DueGrant(account=the_client(), target=target, asked_by=APPROVER)


def ends(left: timedelta, warned: int | None = None) -> Grant:
    return a_grant(expires_at=NOW + left, last_warning_days=warned)


SWEEP = an_act("schedule")
DAY = timedelta(days=1)


def test_a_grant_that_is_over_is_written_off_with_what_it_rested_on_and_both_sides_are_told() -> None:
    before = a_partner_admin(grant=a_grant(expires_at=NOW))

    expired = expire(due(before.grant), SWEEP)

    assert expired
    assert (expired.member.version, expired.member.grant, expired.member.seat) == (before.version + 1, None, None)
    assert (expired.before, expired.account, expired.relies_on) == (before, the_client(), (before,))
    assert (expired.audit.event, expired.audit.accounts) == ("grant.expired", (CLIENT, PARTNER))
    assert expired.letter == Letter(
        kind=LetterKind.ACCESS_ENDED,
        employee_id=EMPLOYEE,
        partner_id=PARTNER,
        account_id=CLIENT,
        cause=Cause.TIME,
    )


@pytest.mark.parametrize("each", [due(None), due(a_grant()), due(ends(SECOND)), due_for(Actor(an_employee()))])
def test_a_grant_that_is_not_over_is_not_written_off(each: DueGrant) -> None:
    assert expire(each, SWEEP) is None


def test_a_warning_is_noted_at_the_grant_and_told_to_both_sides() -> None:
    target = of_the_partner(member=a_partner_admin(grant=ends(7 * DAY, warned=30)))
    before = target.member
    assert before

    ending = warn(due_for(target), SWEEP)

    assert ending
    assert ending.member == before.changed(grant=ends(7 * DAY, warned=7))
    assert (ending.before, ending.account) == (before, the_client())
    assert ending.relies_on == (an_employee(), before, the_partner())
    assert (ending.audit.event, ending.audit.accounts) == ("grant.ending", (CLIENT, PARTNER))
    assert ending.audit.details == {"employee_id": EMPLOYEE, "days_left": 7}
    assert ending.letter == Letter(
        kind=LetterKind.ACCESS_ENDING,
        employee_id=EMPLOYEE,
        partner_id=PARTNER,
        account_id=CLIENT,
        link_created_by=APPROVER,
        expires_at=NOW + 7 * DAY,
        days_left=7,
    )


@pytest.mark.parametrize(
    ("left", "warned", "told"),
    [
        (30 * DAY + SECOND, None, None),
        (30 * DAY, None, 30),
        (30 * DAY - SECOND, None, 30),
        (30 * DAY - SECOND, 30, None),
        (7 * DAY + SECOND, 30, None),
        (7 * DAY, 30, 7),
        (7 * DAY, 7, None),
        (DAY + SECOND, 7, None),
        (DAY, 7, 1),
        (SECOND, 7, 1),
        (SECOND, 1, None),
        (timedelta(0), 1, None),
    ],
)
def test_both_sides_are_warned_thirty_and_seven_days_and_one_day_before_and_once_each(
    left: timedelta, warned: int | None, told: int | None
) -> None:
    ending = warn(due(ends(left, warned)), SWEEP)

    assert (ending.letter.days_left if ending and ending.letter else None) == told


@pytest.mark.parametrize(("left", "warned", "told"), [(7 * DAY, None, 7), (DAY, None, 1), (SECOND, 30, 1)])
def test_of_warnings_that_were_missed_only_the_newest_is_given(left: timedelta, warned: int | None, told: int) -> None:
    ending = warn(due(ends(left, warned)), SWEEP)

    assert ending
    assert ending.audit.details["days_left"] == told
    assert warn(due(ending.member.grant), SWEEP) is None


@pytest.mark.parametrize("warned", [None, 30, 7, 1])
def test_a_grant_that_is_over_is_no_longer_warned_of(warned: int | None) -> None:
    assert warn(due(ends(timedelta(0), warned)), SWEEP) is None


def test_a_sweep_whose_clock_is_behind_does_not_warn_anew() -> None:
    assert warn(due(ends(7 * DAY + SECOND, warned=7)), SWEEP) is None


@pytest.mark.parametrize("each", [due(None), due(a_grant()), due_for(Actor(an_employee()))])
def test_without_an_end_there_is_nothing_to_warn_of(each: DueGrant) -> None:
    assert warn(each, SWEEP) is None


hours = st.lists(st.integers(0, 60 * 24), max_size=30).map(sorted)


@given(st.integers(1, 60), hours)
@settings(deadline=None, max_examples=100)
def test_whichever_sweeps_come_each_warning_is_given_at_most_once_and_in_its_time(days: int, after: list[int]) -> None:
    current: Grant | None = a_grant().ending(days, NOW)
    told = []
    for hour in after:
        at = NOW + timedelta(hours=hour)
        ending = warn(due(current), an_act("schedule", at=at))
        if ending and ending.letter and ending.member.grant and ending.member.grant.last_warning_days:
            current = ending.member.grant
            told.append(ending.member.grant.last_warning_days)
            left = NOW + timedelta(days=days) - at
            assert ending.letter.days_left == ceil(left / DAY)
            assert NOW + timedelta(days=days - told[-1]) <= at < NOW + timedelta(days=days)

    assert told == sorted(set(told), reverse=True)
    assert set(told) <= {each for each in WARNED_BEFORE if each < days}
    last_day = range((days - 1) * 24, days * 24)
    assert (1 in told) is (days > 1 and any(hour in last_day for hour in after))


def test_an_extension_makes_the_warnings_start_anew() -> None:
    extended = ends(SECOND, warned=1).ending(60, NOW)

    assert warn(due(extended), SWEEP) is None
    for days in WARNED_BEFORE:
        ending = warn(due(extended), an_act("schedule", at=NOW + (60 - days) * DAY))
        assert ending
        assert ending.audit.details["days_left"] == days
        assert ending.member.grant
        extended = ending.member.grant


@pytest.mark.parametrize("days", [1, 7, 30])
def test_nobody_is_warned_of_what_he_has_just_been_given(days: int) -> None:
    assert warn(due(a_grant().ending(days, NOW)), SWEEP) is None


@pytest.mark.parametrize("reason", SuspensionReason)
def test_a_suspended_grant_is_warned_of_as_it_ends_all_the_same(reason: SuspensionReason) -> None:
    assert warn(due(ends(DAY), suspended_by=frozenset({reason})), SWEEP)


@pytest.mark.parametrize(
    "target",
    [
        of_the_partner(an_employee(active=False), a_partner_admin(grant=ends(DAY))),
        of_the_partner(member=a_partner_admin(grant=ends(DAY)), program=Program.SUSPENDED),
        of_the_partner(member=a_partner_admin(grant=ends(DAY)), domains=()),
        of_the_partner(an_employee(offboardings={PARTNER: 1}), a_partner_admin(grant=ends(DAY), access_generation=1)),
        of_the_partner(an_employee(offboardings={"partner-south": 1}), a_partner_admin(grant=ends(DAY))),
    ],
    ids=["deactivated", "program suspended", "domain lost", "came again", "left another firm"],
)
def test_who_may_do_nothing_for_now_keeps_a_grant_of_which_both_sides_are_warned(target: Actor) -> None:
    assert warn(due_for(target), SWEEP)


@pytest.mark.parametrize(
    "target",
    [
        of_the_partner(an_employee(offboardings={PARTNER: 1}), a_partner_admin(grant=ends(DAY))),
        of_the_partner(member=a_partner_admin(grant=ends(DAY)), terminations=1),
        of_the_partner(
            an_employee(offboardings={PARTNER: 1}), a_partner_admin(grant=ends(DAY), previous=ORDINARY.place)
        ),
        an_actor(an_employee(), a_partner_admin(grant=ends(DAY))),
        Actor(None, a_partner_admin(grant=ends(DAY)), {PARTNER: the_partner()}),
    ],
    ids=["he left", "all have left", "he stays as what he was", "no such firm", "no such person"],
)
def test_a_grant_that_ended_with_all_that_its_holder_had_for_his_firm_is_not_warned_of(target: Actor) -> None:
    assert warn(due_for(target), SWEEP) is None
