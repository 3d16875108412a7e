"""Members: the membership at an instant, the end of a grant, warnings before it, and seats."""

from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.memberships.members import (
    Member,
    Role,
    Seat,
    SuspensionReason,
    paid_seats_kept,
    partner_seat_change,
)
from tests.support.builders import NOW, PARTNER, a_grant, a_member, a_partner_admin

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("expires_at", "over"),
    [(None, False), (NOW + SECOND, False), (NOW, True), (NOW - SECOND, True)],
    ids=["no end", "a second before", "at its end", "a second after"],
)
def test_grant_is_over_from_expires_at_on(expires_at: Any, over: bool) -> None:
    grant = a_grant(expires_at=expires_at)
    member = a_partner_admin(grant=grant)

    assert grant.has_expired(NOW) is over
    assert member.as_of(NOW).active is not over


@pytest.mark.parametrize("former_set", [None, "sales"])
def test_ended_membership_is_over_whatever_it_was_before_the_grant(former_set: str | None) -> None:
    # domain.md rule 10
    given = a_grant(former_set=former_set)
    stopped = a_partner_admin(grant=given, access_generation=2, suspended_by=frozenset(SuspensionReason))
    ended = stopped.ended()

    assert not ended.active
    assert (ended.grant, ended.partner_id, ended.seat) == (None, PARTNER, None)
    assert (ended.access_generation, ended.suspended_by) == (2, frozenset({SuspensionReason.CLIENT}))


@pytest.mark.parametrize(
    ("reasons", "left"),
    [
        (set(), set()),
        ({SuspensionReason.CLIENT}, {SuspensionReason.CLIENT}),
        ({SuspensionReason.PARTNER}, set()),
        (set(SuspensionReason), {SuspensionReason.CLIENT}),
    ],
)
def test_ended_membership_keeps_only_client_suspension(
    reasons: set[SuspensionReason], left: set[SuspensionReason]
) -> None:
    assert a_partner_admin(suspended_by=frozenset(reasons)).ended().suspended_by == left


@pytest.mark.parametrize("reason", SuspensionReason)
def test_suspended_partner_admin_keeps_partner_seat(reason: SuspensionReason) -> None:
    member = a_partner_admin(suspended_by=frozenset({reason}))

    assert member.as_of(NOW) == member
    assert partner_seat_change(None, member) == 1


# the end of a grant and its warnings


@pytest.mark.parametrize(
    ("days", "warned", "due_in"),
    [
        (730, None, 700),
        (31, None, 1),
        (30, 30, 23),
        (29, 30, 22),
        (8, 30, 1),
        (7, 7, 6),
        (6, 7, 5),
        (2, 7, 1),
        (1, 1, 1),
    ],
)
def test_grant_ending_sets_warned_and_next_due_time(days: int, warned: int | None, due_in: int) -> None:
    grant = a_grant().with_end(NOW + timedelta(days=days), NOW)

    assert grant.expires_at == NOW + timedelta(days=days)
    assert grant.last_warning_days == warned
    assert grant.next_due_at == NOW + timedelta(days=due_in)


def test_grant_without_end_has_no_due_time() -> None:
    assert a_grant().next_due_at is None
    endless = a_grant(expires_at=NOW, last_warning_days=7).with_end(None, NOW)
    assert (endless.expires_at, endless.last_warning_days, endless.next_due_at) == (None, None, None)


def test_grant_ending_with_new_end_resets_warned() -> None:
    grant = a_grant(expires_at=NOW + timedelta(days=1), last_warning_days=1)

    assert grant.with_end(NOW + timedelta(days=90), NOW).last_warning_days is None
    assert grant.with_end(NOW + timedelta(days=20), NOW).last_warning_days == 30
    assert grant.with_end(NOW + timedelta(days=3), NOW).last_warning_days == 7


@pytest.mark.parametrize(
    ("left", "before", "warned"),
    [
        (timedelta(days=30) + SECOND, None, None),
        (timedelta(days=30) + SECOND, 30, 30),
        (timedelta(days=30), None, 30),
        (timedelta(days=30) - SECOND, None, 30),
        (timedelta(days=7) + SECOND, 30, 30),
        (timedelta(days=7), 30, 7),
        (timedelta(days=1) + SECOND, 7, 7),
        (timedelta(days=1), 7, 1),
        (timedelta(days=1), None, 1),
        (timedelta(0), 7, 1),
        (timedelta(days=-5), None, 1),
    ],
)
def test_grant_warned_at_sets_latest_passed_warning(left: timedelta, before: int | None, warned: int | None) -> None:
    grant = a_grant(expires_at=NOW + left, last_warning_days=before)

    assert grant.with_warnings_sent(NOW) == grant.model_copy(update={"last_warning_days": warned})


@pytest.mark.parametrize(
    ("expires_at", "days"),
    [(None, None), (NOW, 0), (NOW + SECOND, 1), (NOW + timedelta(days=1), 1), (NOW + timedelta(days=1) + SECOND, 2)],
)
def test_grant_days_left_rounds_up(expires_at: Any, days: int | None) -> None:
    assert a_grant(expires_at=expires_at).days_left(NOW) == days


def test_grant_due_times_are_30_7_1_days_before_end_and_end() -> None:
    grant, seen = a_grant().with_end(NOW + timedelta(days=100), NOW), []
    while grant.next_due_at and not grant.has_expired(grant.next_due_at):
        seen.append(grant.next_due_at)
        grant = grant.with_warnings_sent(grant.next_due_at)

    assert [(grant.expires_at - each).days for each in seen if grant.expires_at] == [30, 7, 1]
    assert grant.next_due_at == grant.expires_at


@pytest.mark.parametrize(
    ("seat", "paid", "stored"),
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
def test_paid_seats_include_paid_base_seat(seat: Seat | None, paid: tuple[Seat, ...], stored: tuple[Seat, ...]) -> None:
    assert paid_seats_kept(a_member(seat=seat, paid_seats=paid)) == stored


EXPIRED_PARTNER_ADMIN = a_partner_admin(grant=a_grant(expires_at=NOW - timedelta(days=1)))


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (None, a_member(), 0),
        (None, a_partner_admin(), 1),
        (a_member(), a_partner_admin(), 1),
        (a_partner_admin(), a_partner_admin(), 0),
        (EXPIRED_PARTNER_ADMIN, a_partner_admin(), 0),
        (EXPIRED_PARTNER_ADMIN, EXPIRED_PARTNER_ADMIN.ended(), -1),
        (a_partner_admin(), a_member(), -1),
        (EXPIRED_PARTNER_ADMIN.ended(), a_partner_admin(), 1),
    ],
)
def test_seat_change_counts_expired_grant_until_it_is_ended(before: Member | None, after: Member, change: int) -> None:
    assert partner_seat_change(before, after) == change


@pytest.mark.parametrize(
    ("reasons", "by", "kept_out", "is_clients"),
    [
        ((), None, False, False),
        ((), Role.SELF, False, False),
        ((), Role.COLLEAGUE, False, False),
        ((), Role.PARTNER_MANAGER, True, False),
        ((SuspensionReason.PARTNER,), Role.SELF, True, False),
        ((SuspensionReason.CLIENT, SuspensionReason.PROGRAM), Role.SELF, False, False),
        ((), Role.SUPER_ADMIN, False, True),
        ((), Role.USER_MANAGER, False, True),
        ((), Role.VENDOR, False, True),
        ((), "later_role", False, True),
    ],
)
def test_ended_membership_records_who_ended_it_and_who_keeps_out(
    reasons: tuple[SuspensionReason, ...], by: Any, kept_out: bool, is_clients: bool
) -> None:
    # domain.md rule 42
    ended = a_partner_admin(suspended_by=frozenset(reasons)).ended(by)

    assert ended.ended_by == by
    assert ended.kept_out_by == ({PARTNER} if kept_out else set())
    assert Member.model_validate(ended.model_dump()).is_removed_by_client is is_clients
    assert not a_member(ended_by=by, active=True).is_removed_by_client


def test_is_super_admin_depends_on_permission_set() -> None:
    assert a_member().is_super_admin
    assert not a_partner_admin().is_super_admin
