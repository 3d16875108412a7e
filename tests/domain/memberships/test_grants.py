"""Grants: creation by link or by the client, their terms, narrowed offers, expiry and warnings."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.errors import (
    AccountClosed,
    AlreadyPartnerAdmin,
    DomainError,
    GrantSuspended,
    InvalidField,
    IsSuperAdmin,
    NoSeatLeft,
    NotEligible,
    RestrictedPermission,
    UnknownPermission,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.grants import (
    DueGrant,
    GrantCandidate,
    GrantTerms,
    expire,
    grant_partner_admin,
    new_grant,
    paid_seat_required,
    reduced_access,
    warn_of_end,
)
from partner_access.domain.memberships.members import (
    WARNING_DAYS,
    Grant,
    GrantSource,
    Member,
    RequestedAccess,
    Seat,
    SuspensionReason,
)
from partner_access.domain.notifications import Cause, Notification, NotificationKind
from partner_access.domain.permissions.rights import Overrides, SetName, partner_admin_rights
from tests.support.builders import (
    ACT_ID,
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    an_act,
    an_actor,
    an_employee,
    end_after,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
TERMS = GrantTerms(source=GrantSource.ACCESS_LINK, set_version=1)
FULL_CLIENT = the_client(partner_seat_limit=3, partner_seats_used=3)
CLOSED_CLIENT = the_client(state=AccountState.CLOSED)
ORDINARY = a_member(EMPLOYEE, "sales", seat=Seat.SALES, added=("crm.import",), version=7)


def a_candidate(*, before: Member | None = None, **changes: Any) -> GrantCandidate:
    """Build a candidate without a membership. `before` is their membership in the account before the grant."""
    partners = [the_partner(), the_partner(account_id="partner-south")]
    target = an_actor(an_employee(), before, partners=partners) if before else Actor(an_employee())
    return GrantCandidate(**{"employee": an_employee(), "partner": the_partner(), "target": target, **changes})


def expired_partner_admin(**changes: Any) -> Member:
    return a_partner_admin(grant=a_grant(expires_at=NOW), **changes)


def test_grant_partner_admin_to_new_user_uses_partner_seat() -> None:
    employee, member, given = grant_partner_admin(a_candidate(), the_client(), replace(TERMS, link_id=LINK), an_act())

    assert employee == an_employee()
    assert (member.version, member.active, member.since) == (1, True, NOW)
    assert (member.permission_set, member.set_version, member.seat) == (SetName.PARTNER_ADMIN, 1, Seat.PARTNER)
    assert (member.partner_id, member.granted_by) == (PARTNER, APPROVER)
    assert member.grant == given
    assert given == Grant(
        grant_id=f"grt_{ACT_ID}",
        partner_id=PARTNER,
        source=GrantSource.ACCESS_LINK,
        granted_by=APPROVER,
        created_at=NOW,
        link_id=LINK,
    )


def test_grant_partner_admin_with_overrides_stores_them() -> None:
    overrides = Overrides(added=("crm.deals.edit:team",), removed=("crm.deals.delete", "crm.deals.edit"))
    _, member, _ = grant_partner_admin(a_candidate(), the_client(), replace(TERMS, overrides=overrides), an_act())

    assert Overrides(member.added, member.removed) == overrides


def test_grant_partner_admin_to_member_remembers_former_set_without_its_rights() -> None:
    # domain.md rule 10
    _, member, given = grant_partner_admin(a_candidate(before=ORDINARY), the_client(), TERMS, an_act())

    assert given.former_set == "sales"
    assert (member.version, member.since, member.paid_seats) == (8, ORDINARY.since, (Seat.SALES,))
    assert (member.added, member.removed) == ((), ())
    assert (member.ended().active, member.ended().grant) == (False, None)


@pytest.mark.parametrize("before", [a_partner_admin(version=4).ended(), a_member(EMPLOYEE, version=4, active=False)])
def test_grant_partner_admin_to_deactivated_member_reactivates_them(before: Member) -> None:
    _, member, _ = grant_partner_admin(a_candidate(before=before), the_client(), TERMS, an_act())

    assert (member.active, member.version, member.since) == (True, 5, before.since)
    assert member.grant
    assert (member.grant.former_set, member.paid_seats) == (None, ())


@pytest.mark.parametrize(
    ("expires_at", "error"),
    [(NOW - SECOND, None), (NOW, None), (NOW + SECOND, AlreadyPartnerAdmin), (None, AlreadyPartnerAdmin)],
    ids=["a second past its end", "at its end", "a second before", "no end"],
)
def test_grant_partner_admin_again_requires_expired_grant(
    expires_at: datetime | None, error: type[DomainError] | None
) -> None:
    before = a_partner_admin(grant=a_grant(expires_at=expires_at))
    if error is None:
        _, _, given = grant_partner_admin(a_candidate(before=before), the_client(), TERMS, an_act())
        assert given.grant_id != a_grant().grant_id
    else:
        with pytest.raises(error):
            grant_partner_admin(a_candidate(before=before), the_client(), TERMS, an_act())


@pytest.mark.parametrize(
    ("user", "partner", "access_generation"),
    [
        ({}, {}, 0),
        ({"offboardings": {PARTNER: 2}}, {}, 2),
        ({}, {"terminations": 1}, 1),
        ({"offboardings": {PARTNER: 2, "partner-south": 9}}, {"terminations": 1}, 3),
    ],
)
def test_grant_partner_admin_stores_current_access_generation(
    user: dict[str, Any], partner: dict[str, Any], access_generation: int
) -> None:
    candidate = a_candidate(employee=an_employee(**user), partner=the_partner(**partner))

    assert grant_partner_admin(candidate, the_client(), TERMS, an_act())[1].access_generation == access_generation


@pytest.mark.parametrize(("access_generation", "error"), [(0, None), (1, AlreadyPartnerAdmin)])
def test_grant_partner_admin_replaces_grant_of_older_access_generation(
    access_generation: int, error: type[DomainError] | None
) -> None:
    employee = an_employee(offboardings={PARTNER: 1})
    before = a_partner_admin(version=4, access_generation=access_generation)
    candidate = a_candidate(employee=employee, target=a_partner_admin_actor(employee, before))

    if error:
        with pytest.raises(error):
            grant_partner_admin(candidate, the_client(), TERMS, an_act())
    else:
        _, member, new_grant = grant_partner_admin(candidate, FULL_CLIENT, TERMS, an_act())
        assert (member.access_generation, member.version, member.seat) == (1, 5, Seat.PARTNER)
        assert new_grant.grant_id != a_grant().grant_id


@pytest.mark.parametrize(
    ("reasons", "error"),
    [
        (set(), AlreadyPartnerAdmin),
        ({SuspensionReason.CLIENT}, GrantSuspended),
        ({SuspensionReason.PARTNER}, GrantSuspended),
        (set(SuspensionReason), GrantSuspended),
    ],
)
def test_grant_partner_admin_with_suspended_grant_raises_grant_suspended(
    reasons: set[SuspensionReason], error: type[DomainError]
) -> None:
    # domain.md rule 10
    with pytest.raises(error):
        grant_partner_admin(
            a_candidate(before=a_partner_admin(suspended_by=frozenset(reasons))), the_client(), TERMS, an_act()
        )


def test_grant_partner_admin_to_suspended_member_raises_grant_suspended() -> None:
    stopped = ORDINARY.next_version(suspended_by=frozenset({SuspensionReason.CLIENT}))

    with pytest.raises(GrantSuspended):
        grant_partner_admin(a_candidate(before=stopped), the_client(), TERMS, an_act())


@pytest.mark.parametrize(("days", "warned"), [(None, None), (730, None), (30, None), (29, 30), (6, 7), (0, 1)])
def test_new_grant_with_near_end_counts_as_warned(days: int | None, warned: int | None) -> None:
    terms = replace(TERMS, expires_at=None if days is None else end_after(days))

    assert new_grant(the_partner(), terms, an_act()).last_warning_days == warned


def test_grant_partner_admin_after_expired_grant_reuses_partner_seat() -> None:
    _, member, _ = grant_partner_admin(a_candidate(before=expired_partner_admin()), FULL_CLIENT, TERMS, an_act())

    assert member.seat is Seat.PARTNER
    assert member.grant
    assert member.grant.former_set is None


@pytest.mark.parametrize(
    ("candidate", "error"),
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
def test_grant_partner_admin_to_invalid_candidate_raises_error(
    candidate: dict[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        grant_partner_admin(a_candidate(**candidate), the_client(), TERMS, an_act())


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        (Overrides(added=("account.billing.manage",)), RestrictedPermission),
        (Overrides(added=("partner.client_access.manage",)), UnknownPermission),
        (Overrides(added=("no.such.thing",)), UnknownPermission),
        (Overrides(removed=("no.such.thing",)), UnknownPermission),
        (Overrides(removed=("crm.deals.view",)), InvalidField),
    ],
)
def test_grant_partner_admin_with_invalid_overrides_raises_error(
    overrides: Overrides, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        grant_partner_admin(a_candidate(), the_client(), replace(TERMS, overrides=overrides), an_act())


def test_grant_partner_admin_checks_account_then_candidate_then_seats() -> None:
    stranger, super_admin = a_candidate(employee=None), a_candidate(before=a_member(EMPLOYEE))
    closed_and_full = CLOSED_CLIENT.model_copy(update={"partner_seat_limit": 0})

    with pytest.raises(AccountClosed):
        grant_partner_admin(stranger, closed_and_full, TERMS, an_act())
    with pytest.raises(NotEligible):
        grant_partner_admin(a_candidate(employee=None, before=a_member(EMPLOYEE)), FULL_CLIENT, TERMS, an_act())
    with pytest.raises(IsSuperAdmin):
        grant_partner_admin(super_admin, FULL_CLIENT, TERMS, an_act())
    with pytest.raises(NoSeatLeft):
        grant_partner_admin(a_candidate(), FULL_CLIENT, TERMS, an_act())
    with pytest.raises(NoSeatLeft):
        grant_partner_admin(a_candidate(before=ORDINARY), FULL_CLIENT, TERMS, an_act())


def test_grant_partner_admin_with_last_free_seat_succeeds() -> None:
    grant_partner_admin(a_candidate(), the_client(partner_seat_limit=3, partner_seats_used=2), TERMS, an_act())


@pytest.mark.parametrize("ends", [None, end_after(1), end_after(730)])
def test_new_grant_has_end_of_its_terms(ends: datetime | None) -> None:
    assert new_grant(the_partner(), replace(TERMS, expires_at=ends), an_act()).expires_at == ends


@pytest.mark.parametrize(
    ("pricing", "paid", "required"),
    [
        (Pricing.SEAT_BASED, (), False),
        (Pricing.SEAT_BASED, (Seat.SALES,), False),
        (Pricing.LEGACY, (), True),
        (Pricing.LEGACY, (Seat.SERVICE,), False),
    ],
)
def test_paid_seat_required_is_true_in_legacy_account_without_paid_seat(
    pricing: Pricing, paid: tuple[Seat, ...], required: bool
) -> None:
    member = a_partner_admin(paid_seats=paid)

    assert paid_seat_required(the_client(pricing=pricing), member) is required


# counter-offers

TODAY = date(2026, 11, 22)
IN_30_DAYS = TODAY + timedelta(days=30)


@pytest.mark.parametrize(
    ("requested", "offered", "expected"),
    [
        ({}, {}, {}),
        ({}, {"removed": ("crm.import",), "access_days": 30}, {"removed": ("crm.import",), "access_days": 30}),
        ({"access_days": 30}, {}, {"access_days": 30}),
        ({"access_days": 30}, {"access_days": 30}, {"access_days": 30}),
        ({"access_days": 30}, {"access_days": 29}, {"access_days": 29}),
        ({"access_days": 30}, {"access_ends_on": IN_30_DAYS}, {"access_ends_on": IN_30_DAYS}),
        ({"access_ends_on": IN_30_DAYS}, {"access_days": 30}, {"access_days": 30}),
        ({"access_ends_on": IN_30_DAYS}, {"access_ends_on": TODAY}, {"access_ends_on": TODAY}),
        ({"access_ends_on": TODAY}, {}, {"access_ends_on": TODAY}),
        (
            {"removed": ("crm.import",)},
            {"removed": ("crm.export", "crm.import")},
            {"removed": ("crm.export", "crm.import")},
        ),
    ],
)
def test_counter_offer_removes_permissions_and_shortens_access(
    requested: dict[str, Any], offered: dict[str, Any], expected: dict[str, Any]
) -> None:
    reduced = reduced_access(RequestedAccess(**requested), RequestedAccess(**offered), TODAY)

    assert reduced == RequestedAccess(**expected)


@pytest.mark.parametrize("requested", [{"access_days": 30}, {"access_ends_on": IN_30_DAYS}])
@pytest.mark.parametrize(
    "offered", [{"access_days": 31}, {"access_days": 730}, {"access_ends_on": IN_30_DAYS + timedelta(days=1)}]
)
def test_counter_offer_longer_than_requested_raises_invalid_field(
    requested: dict[str, Any], offered: dict[str, Any]
) -> None:
    with pytest.raises(InvalidField) as raised:
        reduced_access(RequestedAccess(**requested), RequestedAccess(**offered), TODAY)
    assert raised.value.fields == (((next(iter(offered)),), "invalid_field"),)


removals = st.lists(st.sampled_from(sorted(partner_admin_rights(1, removed=()))), max_size=8, unique=True).map(tuple)
durations = st.none() | st.integers(1, 730)


@given(removals, durations, removals, durations)
@settings(deadline=None, max_examples=100)
def test_counter_offer_never_widens_or_lengthens_request(
    requested: tuple[str, ...], days: int | None, removed: tuple[str, ...], fewer: int | None
) -> None:
    # domain.md rule 15
    try:
        offered = reduced_access(
            RequestedAccess(removed=requested, access_days=days),
            RequestedAccess(removed=removed, access_days=fewer),
            TODAY,
        )
    except InvalidField:
        assert days is not None
        assert fewer is not None
        assert fewer > days
        return
    assert partner_admin_rights(1, removed=requested).covers(partner_admin_rights(1, removed=offered.removed))
    assert days is None or (offered.access_days or 0) <= days
    assert (offered.access_days is None) is (days is None and fewer is None)


# the scheduled job for due grants


def due_grant(grant: Grant | None, **member: Any) -> DueGrant:
    """Build a due grant of the employee in the default client."""
    return due_grant_of(a_partner_admin_actor(member=a_partner_admin(grant=grant, **member)))


def due_grant_of(target: Actor) -> DueGrant:
    return DueGrant(account=the_client(), target=target, link_created_by=APPROVER)


def grant_ending_in(left: timedelta, warned: int | None = None) -> Grant:
    return a_grant(expires_at=NOW + left, last_warning_days=warned)


EXPIRY_JOB = an_act("schedule")
DAY = timedelta(days=1)


def test_expire_due_grant_ends_it_and_notifies_both_sides() -> None:
    before = a_partner_admin(grant=a_grant(expires_at=NOW))

    expired = expire(due_grant(before.grant), EXPIRY_JOB)

    assert expired
    assert (expired.member.version, expired.member.grant, expired.member.seat) == (before.version + 1, None, None)
    assert (expired.before, expired.account, expired.relies_on) == (before, the_client(), (before,))
    assert (expired.audit.event, expired.audit.accounts) == ("grant.expired", (CLIENT, PARTNER))
    assert expired.notification == Notification(
        kind=NotificationKind.ACCESS_ENDED,
        employee_id=EMPLOYEE,
        partner_id=PARTNER,
        account_id=CLIENT,
        cause=Cause.TIME,
    )


@pytest.mark.parametrize(
    "each",
    [due_grant(None), due_grant(a_grant()), due_grant(grant_ending_in(SECOND)), due_grant_of(Actor(an_employee()))],
)
def test_expire_grant_before_its_end_returns_none(each: DueGrant) -> None:
    assert expire(each, EXPIRY_JOB) is None


def test_warn_due_grant_records_warning_and_notifies_both_sides() -> None:
    target = a_partner_admin_actor(member=a_partner_admin(grant=grant_ending_in(7 * DAY, warned=30)))
    before = target.member
    assert before

    ending = warn_of_end(due_grant_of(target), EXPIRY_JOB)

    assert ending
    assert ending.member == before.next_version(grant=grant_ending_in(7 * DAY, warned=7))
    assert (ending.before, ending.account) == (before, the_client())
    assert ending.relies_on == (an_employee(), before, the_partner())
    assert (ending.audit.event, ending.audit.accounts) == ("grant.ending", (CLIENT, PARTNER))
    assert ending.audit.details == {"employee_id": EMPLOYEE, "days_left": 7}
    assert ending.notification == Notification(
        kind=NotificationKind.ACCESS_ENDING,
        employee_id=EMPLOYEE,
        partner_id=PARTNER,
        account_id=CLIENT,
        link_created_by=APPROVER,
        expires_at=NOW + 7 * DAY,
        days_left=7,
    )


@pytest.mark.parametrize(
    ("left", "warned", "days_left"),
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
def test_warn_at_30_7_and_1_days_before_end_notifies_once_each(
    left: timedelta, warned: int | None, days_left: int | None
) -> None:
    ending = warn_of_end(due_grant(grant_ending_in(left, warned)), EXPIRY_JOB)

    assert (ending.notification.days_left if ending and ending.notification else None) == days_left


@pytest.mark.parametrize(("left", "warned", "days_left"), [(7 * DAY, None, 7), (DAY, None, 1), (SECOND, 30, 1)])
def test_warn_after_missed_warnings_sends_only_latest(left: timedelta, warned: int | None, days_left: int) -> None:
    ending = warn_of_end(due_grant(grant_ending_in(left, warned)), EXPIRY_JOB)

    assert ending
    assert ending.audit.details["days_left"] == days_left
    assert warn_of_end(due_grant(ending.member.grant), EXPIRY_JOB) is None


@pytest.mark.parametrize("warned", [None, 30, 7, 1])
def test_warn_expired_grant_returns_none(warned: int | None) -> None:
    assert warn_of_end(due_grant(grant_ending_in(timedelta(0), warned)), EXPIRY_JOB) is None


def test_warn_with_clock_behind_does_not_repeat_warning() -> None:
    assert warn_of_end(due_grant(grant_ending_in(7 * DAY + SECOND, warned=7)), EXPIRY_JOB) is None


@pytest.mark.parametrize("each", [due_grant(None), due_grant(a_grant()), due_grant_of(Actor(an_employee()))])
def test_warn_grant_without_end_returns_none(each: DueGrant) -> None:
    assert warn_of_end(each, EXPIRY_JOB) is None


hours = st.lists(st.integers(0, 60 * 24), max_size=30).map(sorted)


@given(st.integers(1, 60), hours)
@settings(deadline=None, max_examples=100)
def test_warn_at_random_times_sends_each_warning_at_most_once(days: int, run_hours: list[int]) -> None:
    current: Grant | None = a_grant().with_end(NOW + timedelta(days=days), NOW)
    sent = []
    for hour in run_hours:
        at = NOW + timedelta(hours=hour)
        ending = warn_of_end(due_grant(current), an_act("schedule", at=at))
        if ending and ending.notification and ending.member.grant and ending.member.grant.last_warning_days:
            current = ending.member.grant
            sent.append(ending.member.grant.last_warning_days)
            left = NOW + timedelta(days=days) - at
            assert ending.notification.days_left == ceil(left / DAY)
            assert NOW + timedelta(days=days - sent[-1]) <= at < NOW + timedelta(days=days)

    assert sent == sorted(set(sent), reverse=True)
    assert set(sent) <= {each for each in WARNING_DAYS if each < days}
    last_day = range((days - 1) * 24, days * 24)
    assert (1 in sent) is (days > 1 and any(hour in last_day for hour in run_hours))


def test_warn_after_extension_starts_again() -> None:
    extended = grant_ending_in(SECOND, warned=1).with_end(NOW + timedelta(days=60), NOW)

    assert warn_of_end(due_grant(extended), EXPIRY_JOB) is None
    for days in WARNING_DAYS:
        ending = warn_of_end(due_grant(extended), an_act("schedule", at=NOW + (60 - days) * DAY))
        assert ending
        assert ending.audit.details["days_left"] == days
        assert ending.member.grant
        extended = ending.member.grant


@pytest.mark.parametrize("days", [1, 7, 30])
def test_warn_new_grant_returns_none(days: int) -> None:
    assert warn_of_end(due_grant(a_grant().with_end(NOW + timedelta(days=days), NOW)), EXPIRY_JOB) is None


@pytest.mark.parametrize("reason", SuspensionReason)
def test_warn_suspended_grant_sends_warning(reason: SuspensionReason) -> None:
    assert warn_of_end(due_grant(grant_ending_in(DAY), suspended_by=frozenset({reason})), EXPIRY_JOB)


@pytest.mark.parametrize(
    "target",
    [
        a_partner_admin_actor(an_employee(active=False), a_partner_admin(grant=grant_ending_in(DAY))),
        a_partner_admin_actor(member=a_partner_admin(grant=grant_ending_in(DAY)), program=Program.SUSPENDED),
        a_partner_admin_actor(member=a_partner_admin(grant=grant_ending_in(DAY)), domains=()),
        a_partner_admin_actor(
            an_employee(offboardings={PARTNER: 1}), a_partner_admin(grant=grant_ending_in(DAY), access_generation=1)
        ),
        a_partner_admin_actor(
            an_employee(offboardings={"partner-south": 1}), a_partner_admin(grant=grant_ending_in(DAY))
        ),
    ],
    ids=["deactivated", "program suspended", "domain lost", "came again", "left another partner"],
)
def test_warn_grant_of_ineligible_employee_sends_warning(target: Actor) -> None:
    assert warn_of_end(due_grant_of(target), EXPIRY_JOB)


@pytest.mark.parametrize(
    "target",
    [
        a_partner_admin_actor(an_employee(offboardings={PARTNER: 1}), a_partner_admin(grant=grant_ending_in(DAY))),
        a_partner_admin_actor(member=a_partner_admin(grant=grant_ending_in(DAY)), terminations=1),
        an_actor(an_employee(), a_partner_admin(grant=grant_ending_in(DAY))),
        Actor(None, a_partner_admin(grant=grant_ending_in(DAY)), {PARTNER: the_partner()}),
    ],
    ids=["the employee left", "all have left", "no such partner", "no such person"],
)
def test_warn_grant_of_older_access_generation_returns_none(target: Actor) -> None:
    assert warn_of_end(due_grant_of(target), EXPIRY_JOB) is None
