"""Who could change a decision is found by trying: what no door lets through is proposed to nobody."""

from typing import Any

import pytest

from partner_access.domain.access import Presence, Rule, judge
from partner_access.domain.capacities import Capacity
from partner_access.domain.members import Suspension
from partner_access.domain.people import NOBODY, Actor
from partner_access.domain.remedies import NEVER, NONE, Case, Surroundings, needs_people, remedy
from tests.builders import (
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner,
    once,
    the_client,
    the_partner,
)

EXPORT = "crm.export"
BOTH = an_actor(an_employee("user-both"), a_member("user-both"))
LESS = of_the_partner(member=a_partner_admin(removed=(EXPORT,)))


def a_case(target: Actor, permission: str = EXPORT, *, admins: tuple[Actor, ...] = (an_actor(),), **more: Any) -> Case:
    user_id = target.user.user_id if target.user else "user-nobody"
    around = Surroundings(admins, {PARTNER: the_partner()})
    act = an_act("asker", for_vendor=True, once=once())
    client = the_client()
    return Case(Presence(client, target, NOW), client, user_id, permission, around, **{"act": act, **more})


def who(case: Case) -> list[Capacity]:
    return [each.who for each in remedy(case).by]


def named(case: Case) -> list[str]:
    return [person.user_id for each in remedy(case).by for person in each.people]


def test_a_super_admin_of_the_same_firm_is_not_named_where_he_may_not() -> None:
    assert named(a_case(LESS, admins=(an_actor(), BOTH))) == ["user-approver"]
    assert who(a_case(LESS, admins=(BOTH,))) == ["user_manager", "colleague"]


def test_a_super_admin_who_may_no_more_or_is_not_known_is_not_named() -> None:
    gone = an_actor(a_user("user-gone", active=False), a_member("user-gone"))
    unknown = Actor(member=a_member("user-unknown"))

    assert named(a_case(LESS, admins=(gone, unknown, an_actor()))) == ["user-approver"]


def test_it_is_tried_as_an_act_of_whoever_is_asked_and_never_of_the_vendor() -> None:
    assert Capacity.VENDOR not in who(a_case(LESS))
    assert named(a_case(an_actor(), "sales.access")) == ["user-approver"]


def test_what_he_has_to_hold_is_what_is_given_and_no_more() -> None:
    found = {each.who: each.holding for each in remedy(a_case(LESS)).by}

    assert found == {
        "super_admin": (),
        "user_manager": ("account.users.manage", EXPORT),
        "colleague": ("account.users.manage", EXPORT),
    }
    assert remedy(a_case(of_the_partner())).by[1].holding == ("account.users.manage",)
    assert remedy(a_case(of_the_partner())).by[-1].holding == ("partner.client_access.manage",)


def test_a_firms_managers_lift_its_suspension_even_when_its_people_may_nothing_here() -> None:
    stopped = a_partner_admin(suspended_by=frozenset({Suspension.PARTNER}))

    found = remedy(a_case(of_the_partner(member=stopped, domains=())))

    assert ([each.who for each in found.by], found.then) == (["partner_manager"], Rule.SUSPENDED)


def test_what_a_set_unknown_here_holds_is_not_asked_to_lift_a_suspension() -> None:
    stopped = an_actor(
        member=a_member(permission_set="sales", set_version=99, suspended_by=frozenset({Suspension.CLIENT}))
    )

    found = remedy(a_case(stopped, admins=(an_actor(a_user("user-boss"), a_member("user-boss")),)))

    assert (found.by[1].holding, found.then) == (("account.users.manage",), Rule.UNKNOWN_SET)


@pytest.mark.parametrize("employed_by", [(PARTNER,), ("partner-east", PARTNER), ("partner-east",), ()])
def test_whoever_was_partner_admin_comes_back_for_the_same_firm_if_he_still_works_for_it(
    employed_by: tuple[str, ...],
) -> None:
    east = the_partner(account_id="partner-east", domains=("north.example",))
    over = a_partner_admin(grant=a_grant(expires_at=NOW))
    target = an_actor(an_employee(employed_by=frozenset(employed_by)), over, firms=[the_partner()])
    around = Surroundings((an_actor(),), {PARTNER: the_partner(), "partner-east": east})

    found = remedy(Case(Presence(the_client(), target, NOW), the_client(), EMPLOYEE, EXPORT, around, an_act()))

    if employed_by:
        assert found.call
        assert found.call.body
        assert found.call.body["partner_id"] == (PARTNER if PARTNER in employed_by else "partner-east")
    else:
        assert (found.by, found.call) == ((), None)
        assert found.refusal
        assert found.refusal.code == "not_eligible"


@pytest.mark.parametrize("permission", ["account.billing.manage", "partner.client_access.manage", "crm.everything"])
def test_what_no_door_gives_is_proposed_to_nobody(permission: str) -> None:
    case = a_case(of_the_partner(), permission)

    assert judge(case.presence, permission).rule in NEVER
    assert not needs_people(judge(case.presence, permission).rule)
    assert remedy(case) == NONE


def test_of_a_stranger_nothing_is_known() -> None:
    known, unknown = remedy(a_case(Actor(a_user("user-nobody", active=False)))), remedy(a_case(NOBODY))

    assert known == unknown
    assert known.call


def test_what_would_not_turn_the_decision_alone_says_what_decides_next() -> None:
    stopped = of_the_partner(member=a_partner_admin(removed=(EXPORT,), suspended_by=frozenset({Suspension.CLIENT})))

    assert remedy(a_case(stopped)).then is Rule.REMOVED
    assert remedy(a_case(LESS)).then is None
