"""Who sees whom in an account."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.errors import Forbidden, NotFound, Refused
from partner_access.domain.memberships import visibility
from partner_access.domain.memberships.actors import NOBODY, Actor
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.memberships.visibility import Introduced, ViewFacts
from tests.support.builders import (
    APPROVER,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner,
    of_the_partner_for_a_day,
    the_partner,
)

CLERK, HEAD, OTHER = "user-clerk", "user-head", "partner-south"
USERS, CLIENT_ACCESS = "account.users.manage", "partner.client_access.manage"


def clerk(*added: str, **changes: Any) -> Actor:
    return an_actor(a_user(CLERK), a_member(CLERK, "view_only", added=added, **changes))


def head(*, at: str = PARTNER, **changes: Any) -> Actor:
    """Somebody who manages client access for a firm, in the firm's account."""
    made = {"account_id": at, "added": (CLIENT_ACCESS,), **changes}
    return an_actor(an_employee(HEAD), a_member(HEAD, "view_only", **made))


@pytest.mark.parametrize(
    ("viewer", "refusal"),
    [
        (an_actor(), None),
        (clerk(USERS), None),
        (of_the_partner(), None),
        (of_the_partner_for_a_day(), None),
        (of_the_partner(member=a_partner_admin(removed=(USERS,))), Forbidden),
        (of_the_partner(program=Program.SUSPENDED), Forbidden),
        (clerk(), Forbidden),
        (clerk(USERS, suspended_by=frozenset({SuspensionReason.CLIENT})), Forbidden),
        (an_actor(a_user(active=False)), Forbidden),
        (clerk(USERS, active=False), NotFound),
        (NOBODY, NotFound),
    ],
)
def test_who_sees_all_members(viewer: Actor, refusal: type[Refused] | None) -> None:
    if refusal:
        with pytest.raises(refusal):
            visibility.must_see_all(viewer, NOW)
    else:
        visibility.must_see_all(viewer, NOW)


def facts(viewer: Actor, shown: Actor, at_firms: Mapping[str, Actor] | None = None) -> ViewFacts:
    return ViewFacts(viewer=viewer, shown=Introduced(shown), at_firms=at_firms or {})


HERE, GONE = of_the_partner(), of_the_partner(member=a_partner_admin(active=False))


@pytest.mark.parametrize(
    ("by", "seen"),
    [
        (APPROVER, facts(an_actor(), clerk())),
        (APPROVER, facts(an_actor(), HERE)),
        (APPROVER, facts(an_actor(), GONE)),
        (CLERK, facts(clerk(USERS), HERE)),
        (EMPLOYEE, facts(of_the_partner_for_a_day(), clerk())),
        (CLERK, facts(clerk(), clerk())),
        (EMPLOYEE, facts(HERE, HERE)),
        (EMPLOYEE, facts(of_the_partner(program=Program.SUSPENDED), of_the_partner(program=Program.SUSPENDED))),
        (HEAD, facts(NOBODY, HERE, {PARTNER: head()})),
        (HEAD, facts(an_actor(an_employee(HEAD), a_member(HEAD, "view_only")), HERE, {PARTNER: head()})),
        (HEAD, facts(NOBODY, of_the_partner(program=Program.SUSPENDED), {PARTNER: head()})),
        (HEAD, facts(NOBODY, of_the_partner(an_employee(active=False)), {PARTNER: head()})),
    ],
)
def test_one_member_is_seen(by: str, seen: ViewFacts) -> None:
    assert visibility.see(seen, an_act(by)) is seen.shown


SUSPENDED = frozenset({SuspensionReason.PARTNER})
LAPSED = of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW)))
LEFT = of_the_partner(an_employee(offboardings={PARTNER: 1}))


@pytest.mark.parametrize(
    ("by", "hidden", "refusal"),
    [
        (CLERK, facts(clerk(), HERE), Forbidden),
        (CLERK, facts(clerk(), NOBODY), Forbidden),
        (CLERK, facts(an_actor(a_user(CLERK, active=False), a_member(CLERK)), clerk()), Forbidden),
        (APPROVER, facts(an_actor(), NOBODY), NotFound),
        (APPROVER, facts(an_actor(), Actor(user=a_user(CLERK))), NotFound),
        (APPROVER, facts(an_actor(), Actor(member=a_member(CLERK))), NotFound),
        (CLERK, facts(clerk(active=False), clerk(active=False)), NotFound),
        ("user-nobody", facts(NOBODY, HERE), NotFound),
        ("user-nobody", facts(NOBODY, NOBODY), NotFound),
        (HEAD, facts(NOBODY, HERE, {PARTNER: head(added=())}), NotFound),
        (HEAD, facts(NOBODY, HERE, {PARTNER: head(active=False)}), NotFound),
        (HEAD, facts(NOBODY, HERE, {PARTNER: head(suspended_by=SUSPENDED)}), NotFound),
        (HEAD, facts(NOBODY, HERE, {PARTNER: NOBODY}), NotFound),
        (HEAD, facts(NOBODY, HERE, {OTHER: head(at=OTHER)}), NotFound),
        (HEAD, facts(NOBODY, clerk(), {PARTNER: head()}), NotFound),
        (HEAD, facts(NOBODY, NOBODY, {PARTNER: head()}), NotFound),
        (HEAD, facts(NOBODY, GONE, {PARTNER: head()}), NotFound),
        (HEAD, facts(NOBODY, LAPSED, {PARTNER: head()}), NotFound),
        (HEAD, facts(NOBODY, LEFT, {PARTNER: head()}), NotFound),
    ],
)
def test_one_member_is_not_seen(by: str, hidden: ViewFacts, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        visibility.see(hidden, an_act(by))


def test_the_names_behind_the_ids() -> None:
    shown = Introduced(HERE, a_user())

    assert shown.names_at(NOW) == {"granted_by_name": "Approver", "partner_name": "North Partners", "set_name": None}


def test_an_accounts_own_set_has_a_name() -> None:
    shown = Introduced(an_actor(a_user(CLERK), a_member(CLERK, CUSTOM_SET), sets=[a_custom_set()]))

    assert shown.names_at(NOW)["set_name"] == "Service desk"


@pytest.mark.parametrize("by", [None, a_user(name="", email=None)])
def test_who_is_not_known_any_more_has_no_name(by: Any) -> None:
    assert Introduced(HERE, by).names_at(NOW)["granted_by_name"] is None


def test_names_are_those_of_now() -> None:
    soon = of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW + timedelta(seconds=1))))

    assert Introduced(soon).names_at(NOW)["partner_name"] == the_partner().name
    assert Introduced(LAPSED).names_at(NOW)["partner_name"] is None
    assert Introduced(NOBODY).names_at(NOW) == {"granted_by_name": None, "partner_name": None, "set_name": None}
