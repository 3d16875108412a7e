"""Who could change a decision is found by trying: what no door lets through is proposed to nobody."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from partner_access.domain.authorization.access import Presence, Rule, judge
from partner_access.domain.authorization.remediation import NEVER, NONE, Case, Surroundings, needs_people, remedy
from partner_access.domain.memberships.actors import NOBODY, Actor
from partner_access.domain.memberships.members import Seat, SuspensionReason
from partner_access.domain.memberships.roles import Role
from tests.support.builders import (
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


def who(case: Case) -> list[Role]:
    return [each.role for each in remedy(case).by]


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
    assert Role.VENDOR not in who(a_case(LESS))
    assert named(a_case(an_actor(), "sales.access")) == ["user-approver"]


def test_what_he_has_to_hold_is_what_is_given_and_no_more() -> None:
    found = {each.role: each.required_permissions for each in remedy(a_case(LESS)).by}

    assert found == {
        "super_admin": (),
        "user_manager": ("account.users.manage", EXPORT),
        "colleague": ("account.users.manage", EXPORT),
    }
    assert remedy(a_case(of_the_partner())).by[1].required_permissions == ("account.users.manage",)
    assert remedy(a_case(of_the_partner())).by[-1].required_permissions == ("partner.client_access.manage",)


def test_a_firms_managers_lift_its_suspension_even_when_its_people_may_nothing_here() -> None:
    stopped = a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER}))

    found = remedy(a_case(of_the_partner(member=stopped, domains=())))

    assert ([each.role for each in found.by], found.next_rule) == (["partner_manager"], Rule.SUSPENDED)


def test_what_a_set_unknown_here_holds_is_not_asked_to_lift_a_suspension() -> None:
    stopped = an_actor(
        member=a_member(permission_set="sales", set_version=99, suspended_by=frozenset({SuspensionReason.CLIENT}))
    )

    found = remedy(a_case(stopped, admins=(an_actor(a_user("user-boss"), a_member("user-boss")),)))

    assert (found.by[1].required_permissions, found.next_rule) == (("account.users.manage",), Rule.UNKNOWN_SET)


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


def test_a_paid_seat_that_he_sits_on_already_is_not_billed_again() -> None:
    seated = an_actor(a_user("user-clerk"), a_member("user-clerk", "view_only", paid_seats=(Seat.SALES,)))

    assert remedy(a_case(seated)).by[1].required_permissions == ("account.users.manage", EXPORT)


def test_whoever_is_new_at_the_partner_gets_the_smallest_set_that_holds_what_he_wants() -> None:
    firm = the_partner()
    case = a_case(NOBODY, "marketing.access")

    found = remedy(replace(case, account=firm, presence=Presence(firm, NOBODY, NOW)))

    assert found.call
    assert (found.call.body, found.next_rule) == ({"permission_set": "marketing"}, None)


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


@pytest.mark.parametrize("asked_by", ["asker", EMPLOYEE, "user-approver", "user-both"])
@pytest.mark.parametrize("admins", [(an_actor(), BOTH), (BOTH,), ()])
@pytest.mark.parametrize("target", [LESS, of_the_partner(), an_actor(an_employee(), a_member(EMPLOYEE, "sales"))])
@pytest.mark.parametrize("suspended_by", [frozenset[SuspensionReason](), frozenset({SuspensionReason.CLIENT})])
def test_who_can_is_the_same_whoever_asks(
    target: Actor, admins: tuple[Actor, ...], suspended_by: frozenset[SuspensionReason], asked_by: str
) -> None:
    assert target.member
    stopped = replace(target, member=target.member.model_copy(update={"suspended_by": suspended_by}))
    case = a_case(stopped, admins=admins)

    assert remedy(replace(case, act=an_act(asked_by))) == remedy(case)


@pytest.mark.parametrize("removed", [(), (EXPORT,)])
@pytest.mark.parametrize(("account", "firm", "employed_by"), [
    ({"state": "closed"}, {}, {PARTNER}),
    ({}, {"program": "suspended"}, {PARTNER}),
    ({}, {"state": "closed"}, {PARTNER}),
    ({}, {}, ()),
])  # fmt: skip
def test_what_the_vendor_lifts_may_leave_something_else_in_the_way(
    account: dict[str, Any], firm: dict[str, Any], employed_by: Iterable[str], removed: tuple[str, ...]
) -> None:
    held = a_partner_admin(removed=removed)
    target = an_actor(an_employee(employed_by=frozenset(employed_by)), held, firms=[the_partner(**firm)])
    case = a_case(target)
    case = replace(case, account=the_client(**account), presence=Presence(the_client(**account), target, NOW))

    found = remedy(case)

    assert ([each.role for each in found.by], found.next_rule) == (["vendor"], Rule.REMOVED if removed else None)


@pytest.mark.parametrize(("name", "then"), [("super_admin", None), ("view_only", Rule.NOT_IN_SET)])
def test_whoever_left_the_partner_is_taken_back_there_and_may_still_lack_something(
    name: str, then: Rule | None
) -> None:
    firm, target = the_partner(), an_actor(an_employee(), a_member(EMPLOYEE, name, account_id=PARTNER, active=False))
    case = a_case(target, "partner.client_access.manage")
    case = replace(case, account=firm, presence=Presence(firm, target, NOW))

    found = remedy(case)

    assert ([each.role for each in found.by], found.next_rule) == (["vendor"], then)


def test_colleagues_are_named_though_all_access_of_their_firm_ended_once() -> None:
    firm = the_partner(terminations=1)
    target = an_actor(an_employee(), a_partner_admin(removed=(EXPORT,), access_generation=1), firms=[firm])
    case = a_case(target)

    assert "colleague" in who(replace(case, around=Surroundings((an_actor(),), {PARTNER: firm})))


def test_what_would_not_turn_the_decision_alone_says_what_decides_next() -> None:
    stopped = of_the_partner(
        member=a_partner_admin(removed=(EXPORT,), suspended_by=frozenset({SuspensionReason.CLIENT}))
    )

    assert remedy(a_case(stopped)).next_rule is Rule.REMOVED
    assert remedy(a_case(LESS)).next_rule is None
