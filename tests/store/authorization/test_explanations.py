"""Facts for explanations and the number of requests that read them."""

from datetime import timedelta

import pytest

from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.store.authorization import explanations
from partner_access.store.authorization.access import MemberId
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
from tests.support.costs import count_costs
from tests.support.seeded_table import CLERK, MANAGER, a_partner_account_member, now, seed
from tests.support.table import Table

OTHER_PARTNER = "partner-east"


def test_access_facts_of_subject_and_caller_are_one_request(table: Table) -> None:
    seed(table)
    act = an_act(at=now())

    with count_costs(table) as costs:
        subject, caller = explanations.access_facts(MemberId(CLIENT, CLERK), MemberId(CLIENT, APPROVER), act=act)

    assert costs.requests == 1
    assert [each.actor.user.user_id for each in (subject, caller) if each.actor.user] == [CLERK, APPROVER]
    assert subject.at == caller.at == act.at


def test_access_facts_after_deadline_raise_unavailable(table: Table) -> None:
    seed(table)

    with pytest.raises(TemporarilyUnavailable):
        explanations.access_facts(MemberId(CLIENT, CLERK), None, act=an_act(deadline=0.0))


def test_access_facts_of_self_are_read_once(table: Table) -> None:
    seed(table)

    subject, caller = explanations.access_facts(MemberId(CLIENT, CLERK), MemberId(CLIENT, CLERK), act=an_act(at=now()))

    assert subject == caller


def test_access_facts_without_pair_read_nothing(table: Table) -> None:
    with count_costs(table) as costs:
        subject, caller = explanations.access_facts(None, None, act=an_act(at=now()))

    assert costs.requests == 0
    assert (subject.account, subject.actor.member, caller.actor.user) == (None, None, None)


def test_related_actors_cost_two_requests(table: Table) -> None:
    seed(
        table,
        the_partner(account_id=OTHER_PARTNER),
        a_partner_account_member(EMPLOYEE, account_id=OTHER_PARTNER),
        a_partner_admin(grant=a_grant(expires_at=now() - timedelta(days=1))),
    )
    (access_facts,) = explanations.access_facts(MemberId(CLIENT, EMPLOYEE), act=an_act(at=now()))

    with count_costs(table) as costs:
        related = explanations.related_actors(CLIENT, access_facts)

    assert costs.requests == 2
    assert set(related.partners) == {PARTNER, OTHER_PARTNER}
    assert [each.user.user_id for each in related.super_admins if each.user] == [APPROVER]


def test_related_actors_of_non_member_include_no_partners(table: Table) -> None:
    seed(table)
    (access_facts,) = explanations.access_facts(MemberId(CLIENT, MANAGER), act=an_act(at=now()))

    assert explanations.related_actors(CLIENT, access_facts).partners == {}


def test_related_actors_include_first_ten_super_admins_by_id(table: Table) -> None:
    user_ids = [f"user-a{number:02}" for number in range(12)]
    seed(table, *map(a_user, user_ids), *map(a_member, user_ids), an_employee())
    (access_facts,) = explanations.access_facts(MemberId(CLIENT, CLERK), act=an_act(at=now()))

    related = explanations.related_actors(CLIENT, access_facts)

    assert [each.user.user_id for each in related.super_admins if each.user] == user_ids[:10]
