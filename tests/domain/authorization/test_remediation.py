"""Remediation of a denied decision. Each remedy is tried on the domain rules, so an impossible one is never offered."""

from dataclasses import replace

import pytest

from partner_access.domain.authorization.access import AccessFacts, Rule, decide
from partner_access.domain.authorization.remediation import UNCHANGEABLE_RULES, needs_people, remedy
from partner_access.domain.authorization.remedies import NO_REMEDY, RelatedActors
from partner_access.domain.authorization.remedy_cases import RemedyCase
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.members import Seat, SuspensionReason
from tests.support.builders import (
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.remedy_cases import EXPORT, NARROWED_ADMIN, a_case, remedy_roles, remedy_user_ids

OWN_PARTNER_SUPER_ADMIN = an_actor(an_employee("user-both"), a_member("user-both"))


def test_remedy_omits_super_admin_of_own_partner() -> None:
    assert remedy_user_ids(a_case(NARROWED_ADMIN, admins=(an_actor(), OWN_PARTNER_SUPER_ADMIN))) == ["user-approver"]
    assert remedy_roles(a_case(NARROWED_ADMIN, admins=(OWN_PARTNER_SUPER_ADMIN,))) == ["user_manager", "colleague"]


def test_remedy_omits_inactive_or_unknown_super_admin() -> None:
    gone = an_actor(a_user("user-gone", active=False), a_member("user-gone"))
    unknown = Actor(member=a_member("user-unknown"))

    assert remedy_user_ids(a_case(NARROWED_ADMIN, admins=(gone, unknown, an_actor()))) == ["user-approver"]


def test_remedy_required_permissions_are_those_given() -> None:
    found = {each.role: each.required_permissions for each in remedy(a_case(NARROWED_ADMIN)).changeable_by}

    assert found == {
        "super_admin": (),
        "user_manager": ("account.users.manage", EXPORT),
        "colleague": ("account.users.manage", EXPORT),
    }
    assert remedy(a_case(a_partner_admin_actor())).changeable_by[1].required_permissions == ("account.users.manage",)
    assert remedy(a_case(a_partner_admin_actor())).changeable_by[-1].required_permissions == (
        "partner.client_access.manage",
    )


def test_remedy_for_partner_suspension_names_partner_manager() -> None:
    stopped = a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER}))

    found = remedy(a_case(a_partner_admin_actor(member=stopped, domains=())))

    assert ([each.role for each in found.changeable_by], found.next_rule) == (["partner_manager"], Rule.SUSPENDED)


def test_remedy_for_suspension_ignores_unknown_set() -> None:
    stopped = an_actor(
        member=a_member(permission_set="sales", set_version=99, suspended_by=frozenset({SuspensionReason.CLIENT}))
    )

    found = remedy(a_case(stopped, admins=(an_actor(a_user("user-boss"), a_member("user-boss")),)))

    assert (found.changeable_by[1].required_permissions, found.next_rule) == (
        ("account.users.manage",),
        Rule.UNKNOWN_SET,
    )


@pytest.mark.parametrize("employed_by", [(PARTNER,), ("partner-east", PARTNER), ("partner-east",), ()])
def test_remedy_for_expired_grant_prefers_same_partner(
    employed_by: tuple[str, ...],
) -> None:
    east = the_partner(account_id="partner-east", domains=("north.example",))
    expired = a_partner_admin(grant=a_grant(expires_at=NOW))
    target = an_actor(an_employee(employed_by=frozenset(employed_by)), expired, partners=[the_partner()])
    related_actors = RelatedActors((an_actor(),), {PARTNER: the_partner(), "partner-east": east})

    found = remedy(
        RemedyCase(AccessFacts(the_client(), target, NOW), the_client(), EMPLOYEE, EXPORT, related_actors, an_act())
    )

    if employed_by:
        assert found.call
        assert found.call.body
        assert found.call.body["partner_id"] == (PARTNER if PARTNER in employed_by else "partner-east")
    else:
        assert (found.changeable_by, found.call) == ((), None)
        assert found.error
        assert found.error.code == "not_eligible"


def test_remedy_with_existing_paid_seat_needs_no_billing_permission() -> None:
    seated = an_actor(a_user("user-clerk"), a_member("user-clerk", "view_only", paid_seats=(Seat.SALES,)))

    assert remedy(a_case(seated)).changeable_by[1].required_permissions == ("account.users.manage", EXPORT)


@pytest.mark.parametrize("permission", ["account.billing.manage", "partner.client_access.manage", "crm.everything"])
def test_remedy_for_impossible_permission_is_none(permission: str) -> None:
    case = a_case(a_partner_admin_actor(), permission)

    assert decide(case.subject, permission).rule in UNCHANGEABLE_RULES
    assert not needs_people(decide(case.subject, permission).rule)
    assert remedy(case) == NO_REMEDY


def test_remedy_for_stranger_does_not_reveal_user_state() -> None:
    known, unknown = remedy(a_case(Actor(a_user("user-nobody", active=False)))), remedy(a_case(NO_ACTOR))

    assert known == unknown
    assert known.call


@pytest.mark.parametrize("requested_by", ["asker", EMPLOYEE, "user-approver", "user-both"])
@pytest.mark.parametrize("admins", [(an_actor(), OWN_PARTNER_SUPER_ADMIN), (OWN_PARTNER_SUPER_ADMIN,), ()])
@pytest.mark.parametrize(
    "target", [NARROWED_ADMIN, a_partner_admin_actor(), an_actor(an_employee(), a_member(EMPLOYEE, "sales"))]
)
@pytest.mark.parametrize("suspended_by", [frozenset[SuspensionReason](), frozenset({SuspensionReason.CLIENT})])
def test_remedy_is_independent_of_caller(
    target: Actor, admins: tuple[Actor, ...], suspended_by: frozenset[SuspensionReason], requested_by: str
) -> None:
    assert target.member
    stopped = replace(target, member=target.member.model_copy(update={"suspended_by": suspended_by}))
    case = a_case(stopped, admins=admins)

    assert remedy(replace(case, act=an_act(requested_by))) == remedy(case)


def test_remedy_after_program_termination_names_colleague() -> None:
    partner = the_partner(terminations=1)
    target = an_actor(an_employee(), a_partner_admin(removed=(EXPORT,), access_generation=1), partners=[partner])
    case = a_case(target)

    assert "colleague" in remedy_roles(replace(case, related=RelatedActors((an_actor(),), {PARTNER: partner})))


def test_remedy_that_is_not_sufficient_has_next_rule() -> None:
    stopped = a_partner_admin_actor(
        member=a_partner_admin(removed=(EXPORT,), suspended_by=frozenset({SuspensionReason.CLIENT}))
    )

    assert remedy(a_case(stopped)).next_rule is Rule.REMOVED
    assert remedy(a_case(NARROWED_ADMIN)).next_rule is None
