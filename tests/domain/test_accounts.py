"""Accounts: kinds, partner seats and closed accounts."""

from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.errors import AccountClosed, NoSeatLeft
from tests.support.builders import the_client, the_partner


def test_is_partner_is_true_only_for_partner_account() -> None:
    assert the_partner().is_partner
    assert not the_client().is_partner


@pytest.mark.parametrize(
    ("changes", "is_in"),
    [
        ({}, True),
        ({"program": Program.SUSPENDED}, False),
        ({"program": Program.TERMINATED}, False),
        ({"state": AccountState.CLOSED}, False),
    ],
)
def test_is_in_program_requires_active_program_and_open_account(changes: dict[str, Any], is_in: bool) -> None:
    assert the_partner(**changes).is_in_program is is_in


@pytest.mark.parametrize(
    ("seats", "taken", "full"),
    [(None, 0, False), (None, 1000, False), (0, 0, True), (2, 0, False), (2, 1, False), (2, 2, True), (2, 3, True)],
)
def test_is_full_with_all_partner_seats_used_is_true(seats: int | None, taken: int, full: bool) -> None:
    assert the_client(partner_seat_limit=seats, partner_seats_used=taken).has_no_free_seat is full


def test_must_have_a_seat_without_free_seat_raises_no_seat_left() -> None:
    the_client(partner_seat_limit=1, partner_seats_used=0).must_have_free_seat()
    with pytest.raises(NoSeatLeft):
        the_client(partner_seat_limit=1, partner_seats_used=1).must_have_free_seat()


def test_must_be_active_for_closed_account_raises_account_closed() -> None:
    the_client().must_be_active()
    with pytest.raises(AccountClosed):
        the_client(state=AccountState.CLOSED).must_be_active()


def test_opens_paid_features_is_true_only_with_seat_based_pricing() -> None:
    assert the_client(pricing=Pricing.SEAT_BASED).includes_paid_features
    assert not the_client(pricing=Pricing.LEGACY).includes_paid_features
