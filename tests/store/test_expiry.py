"""Due links and grants from the index: with their current records, and without removed ones."""

from datetime import timedelta

import pytest

from partner_access.domain.errors import StaleFacts
from partner_access.domain.memberships import grants
from partner_access.domain.memberships.grants import DueGrant
from partner_access.store import expiry, keys
from tests.support.builders import (
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    LINK,
    PARTNER,
    a_custom_set,
    a_grant,
    a_partner_admin,
    an_act,
)
from tests.support.concurrent_changes import partner_seats_used
from tests.support.link_requests import assert_unchanged
from tests.support.seeded_table import MANAGER, an_open_link, now, seed
from tests.support.table import Table


def test_due_returns_links_and_grants_from_their_end_on(table: Table) -> None:
    at = now()
    lapsed = a_partner_admin(EMPLOYEE, grant=a_grant(expires_at=at, last_warning_days=1))
    seed(table, an_open_link(expires_at=at), lapsed)

    found = list(expiry.due(at))

    assert {type(each).__name__ for each in found} == {"Link", "DueGrant"}
    (due,) = (each for each in found if isinstance(each, DueGrant))
    assert (due.target.member, due.account.account_id) == (lapsed, CLIENT)
    assert list(expiry.due(at - timedelta(seconds=1))) == []


@pytest.mark.parametrize(("warned", "days"), [(None, 30), (30, 7), (7, 1), (1, 0)])
def test_due_returns_grant_from_next_warning_on(table: Table, warned: int | None, days: int) -> None:
    at = now()
    seed(table, a_partner_admin(grant=a_grant(expires_at=at + timedelta(days=days), last_warning_days=warned)))

    assert len(list(expiry.due(at))) == 1
    assert list(expiry.due(at - timedelta(seconds=1))) == []


def test_due_never_returns_grant_without_end(table: Table) -> None:
    seed(table, a_partner_admin())

    assert list(expiry.due(now() + timedelta(days=5))) == []


@pytest.mark.parametrize(("link_id", "created_by"), [(LINK, MANAGER), (f"lnk_{'9' * 32}", None), (None, None)])
def test_due_grant_includes_link_creator_partners_and_sets(
    table: Table, link_id: str | None, created_by: str | None
) -> None:
    at = now()
    member = a_partner_admin(grant=a_grant(expires_at=at, link_id=link_id)).next_version(permission_set=CUSTOM_SET)
    seed(table, member, a_custom_set(), an_open_link(created_by=MANAGER))

    (due,) = expiry.due(at)

    assert isinstance(due, DueGrant)
    assert due.link_created_by == created_by
    assert due.target.user
    assert due.target.user.user_id == EMPLOYEE
    assert set(due.target.partners) == {PARTNER}
    assert set(due.target.sets) == {CUSTOM_SET}


def test_due_skips_grant_of_missing_account(table: Table) -> None:
    at = now()
    member = a_partner_admin(EMPLOYEE, grant=a_grant(expires_at=at))
    index_attributes = {"due_shard": "DUE#0", "due_at": at}
    table.put(keys.of(member), {**dict(member), **index_attributes})

    assert list(expiry.due(at)) == [], "its account is not there"


def test_record_expiry_with_seat_count_zero_writes_nothing(table: Table) -> None:
    at = now()
    seed(table, a_partner_admin(grant=a_grant(expires_at=at)))
    (due,) = expiry.due(at)
    assert isinstance(due, DueGrant)
    expired = grants.expire(due, an_act("schedule", at=at))
    assert expired
    partner_seats_used(0)(table)

    with assert_unchanged(table), pytest.raises(StaleFacts):
        expiry.record(expired)
