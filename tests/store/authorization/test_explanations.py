"""What an explanation reads, and in how many requests."""

from datetime import timedelta

import pytest

from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.store.authorization import explanations
from partner_access.store.authorization.access import Pair
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_employee,
    the_partner,
)
from tests.support.costs import counted
from tests.support.seeded_table import CLERK, MANAGER, a_world, now, staff
from tests.support.table import Table

EAST = "partner-east"


def test_both_are_read_as_of_one_instant_in_one_request(table: Table) -> None:
    a_world(table)
    act = an_act(at=now())

    with counted(table) as costs:
        subject, asker = explanations.presences(Pair(CLIENT, CLERK), Pair(CLIENT, APPROVER), act=act)

    assert costs.requests == 1
    assert [each.actor.user.user_id for each in (subject, asker) if each.actor.user] == [CLERK, APPROVER]
    assert subject.at == asker.at == act.at


def test_nothing_is_read_for_whom_no_time_is_left(table: Table) -> None:
    a_world(table)

    with pytest.raises(TemporarilyUnavailable):
        explanations.presences(Pair(CLIENT, CLERK), None, act=an_act(ends=0.0))


def test_whoever_asks_of_himself_is_read_once(table: Table) -> None:
    a_world(table)

    subject, asker = explanations.presences(Pair(CLIENT, CLERK), Pair(CLIENT, CLERK), act=an_act(at=now()))

    assert subject == asker


def test_what_can_be_nobody_is_not_looked_for(table: Table) -> None:
    with counted(table) as costs:
        subject, asker = explanations.presences(None, None, act=an_act(at=now()))

    assert costs.requests == 0
    assert (subject.account, subject.actor.member, asker.actor.user) == (None, None, None)


def test_who_runs_the_account_and_the_firms_that_matter_take_two_requests(table: Table) -> None:
    a_world(
        table,
        the_partner(account_id=EAST),
        staff(EMPLOYEE, account_id=EAST),
        a_partner_admin(grant=a_grant(expires_at=now() - timedelta(days=1))),
    )
    (presence,) = explanations.presences(Pair(CLIENT, EMPLOYEE), act=an_act(at=now()))

    with counted(table) as costs:
        around = explanations.surroundings(CLIENT, presence)

    assert costs.requests == 2
    assert set(around.firms) == {PARTNER, EAST}
    assert [each.user.user_id for each in around.super_admins if each.user] == [APPROVER]


def test_the_firms_of_whoever_never_was_in_the_account_are_not_looked_for(table: Table) -> None:
    a_world(table)
    (presence,) = explanations.presences(Pair(CLIENT, MANAGER), act=an_act(at=now()))

    assert explanations.surroundings(CLIENT, presence).firms == {}


def test_ten_super_admins_are_looked_at_in_the_order_of_their_ids(table: Table) -> None:
    many = [f"user-a{number:02}" for number in range(12)]
    a_world(table, *map(a_user, many), *map(a_member, many), an_employee())
    (presence,) = explanations.presences(Pair(CLIENT, CLERK), act=an_act(at=now()))

    around = explanations.surroundings(CLIENT, presence)

    assert [each.user.user_id for each in around.super_admins if each.user] == many[:10]
