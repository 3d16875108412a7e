"""Remedies that only the vendor's directory can make, with the rule that would decide next."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from partner_access.domain.authorization.access import AccessFacts, Rule
from partner_access.domain.authorization.remediation import remedy
from partner_access.domain.memberships.actors import NO_ACTOR
from tests.support.builders import (
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_member,
    a_partner_admin,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.remedy_cases import EXPORT, a_case


def test_remedy_for_new_partner_member_suggests_smallest_set() -> None:
    partner = the_partner()
    case = a_case(NO_ACTOR, "marketing.access")

    found = remedy(replace(case, account=partner, subject=AccessFacts(partner, NO_ACTOR, NOW)))

    assert found.call
    assert (found.call.body, found.next_rule) == ({"permission_set": "marketing"}, None)


@pytest.mark.parametrize("removed", [(), (EXPORT,)])
@pytest.mark.parametrize(("account", "partner", "employed_by"), [
    ({"state": "closed"}, {}, {PARTNER}),
    ({}, {"program": "suspended"}, {PARTNER}),
    ({}, {"state": "closed"}, {PARTNER}),
    ({}, {}, ()),
])  # fmt: skip
def test_remedy_by_vendor_reports_next_rule(
    account: dict[str, Any], partner: dict[str, Any], employed_by: Iterable[str], removed: tuple[str, ...]
) -> None:
    held = a_partner_admin(removed=removed)
    target = an_actor(an_employee(employed_by=frozenset(employed_by)), held, partners=[the_partner(**partner)])
    case = a_case(target)
    case = replace(case, account=the_client(**account), subject=AccessFacts(the_client(**account), target, NOW))

    found = remedy(case)

    assert ([each.role for each in found.changeable_by], found.next_rule) == (
        ["vendor"],
        Rule.REMOVED if removed else None,
    )


@pytest.mark.parametrize(
    ("name", "added", "suggested", "then"),
    [
        ("super_admin", (), "super_admin", None),
        ("view_only", (), "view_only", Rule.NOT_IN_SET),
        ("view_only", ("partner.client_access.manage",), "view_only", Rule.NOT_IN_SET),
        (CUSTOM_SET, (), "view_only", Rule.NOT_IN_SET),
    ],
)
def test_remedy_for_removed_employee_recreates_membership(
    name: str, added: tuple[str, ...], suggested: str, then: Rule | None
) -> None:
    former = a_member(EMPLOYEE, name, account_id=PARTNER, active=False, added=added)
    partner, target = the_partner(), an_actor(an_employee(), former)
    case = a_case(target, "partner.client_access.manage")
    case = replace(case, account=partner, subject=AccessFacts(partner, target, NOW))

    found = remedy(case)

    assert found.call
    assert found.call.body == {"permission_set": suggested, "active": True}
    assert ([each.role for each in found.changeable_by], found.next_rule) == (["vendor"], then)
