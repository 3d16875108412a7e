"""Visibility of members in an account."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.errors import DomainError, Forbidden, NotFound
from partner_access.domain.memberships import visibility
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.memberships.visibility import VisibilityFacts, VisibleMember
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
    a_partner_admin_actor,
    a_temporary_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)

CLERK, MANAGER, OTHER = "user-clerk", "user-head", "partner-south"
USERS, CLIENT_ACCESS = "account.users.manage", "partner.client_access.manage"


def view_only_member(*added: str, **changes: Any) -> Actor:
    return an_actor(a_user(CLERK), a_member(CLERK, "view_only", added=added, **changes))


def access_manager(*, at: str = PARTNER, **changes: Any) -> Actor:
    """Build a client access manager in a partner account."""
    made = {"account_id": at, "added": (CLIENT_ACCESS,), **changes}
    return an_actor(an_employee(MANAGER), a_member(MANAGER, "view_only", **made))


@pytest.mark.parametrize(
    ("viewer", "error"),
    [
        (an_actor(), None),
        (view_only_member(USERS), None),
        (a_partner_admin_actor(), None),
        (a_temporary_partner_admin_actor(), None),
        (a_partner_admin_actor(member=a_partner_admin(removed=(USERS,))), Forbidden),
        (a_partner_admin_actor(program=Program.SUSPENDED), Forbidden),
        (view_only_member(), Forbidden),
        (view_only_member(USERS, suspended_by=frozenset({SuspensionReason.CLIENT})), Forbidden),
        (an_actor(a_user(active=False)), Forbidden),
        (view_only_member(USERS, active=False), NotFound),
        (NO_ACTOR, NotFound),
    ],
)
def test_must_see_all_requires_user_management(viewer: Actor, error: type[DomainError] | None) -> None:
    if error:
        with pytest.raises(error):
            visibility.must_see_all(viewer, NOW)
    else:
        visibility.must_see_all(viewer, NOW)


def facts(viewer: Actor, target: Actor, at_partners: Mapping[str, Actor] | None = None) -> VisibilityFacts:
    return VisibilityFacts(
        account=the_client(), viewer=viewer, member=VisibleMember(target), viewer_at_partners=at_partners or {}
    )


PARTNER_ADMIN, FORMER_PARTNER_ADMIN = (
    a_partner_admin_actor(),
    a_partner_admin_actor(member=a_partner_admin(active=False)),
)


@pytest.mark.parametrize(
    ("by", "found"),
    [
        (APPROVER, facts(an_actor(), view_only_member())),
        (APPROVER, facts(an_actor(), PARTNER_ADMIN)),
        (APPROVER, facts(an_actor(), FORMER_PARTNER_ADMIN)),
        (CLERK, facts(view_only_member(USERS), PARTNER_ADMIN)),
        (EMPLOYEE, facts(a_temporary_partner_admin_actor(), view_only_member())),
        (CLERK, facts(view_only_member(), view_only_member())),
        (EMPLOYEE, facts(PARTNER_ADMIN, PARTNER_ADMIN)),
        (
            EMPLOYEE,
            facts(a_partner_admin_actor(program=Program.SUSPENDED), a_partner_admin_actor(program=Program.SUSPENDED)),
        ),
        (MANAGER, facts(NO_ACTOR, PARTNER_ADMIN, {PARTNER: access_manager()})),
        (
            MANAGER,
            facts(
                an_actor(an_employee(MANAGER), a_member(MANAGER, "view_only")),
                PARTNER_ADMIN,
                {PARTNER: access_manager()},
            ),
        ),
        (MANAGER, facts(NO_ACTOR, a_partner_admin_actor(program=Program.SUSPENDED), {PARTNER: access_manager()})),
        (MANAGER, facts(NO_ACTOR, a_partner_admin_actor(an_employee(active=False)), {PARTNER: access_manager()})),
    ],
)
def test_view_member_by_user_manager_self_or_partner_manager_succeeds(by: str, found: VisibilityFacts) -> None:
    assert visibility.view_member(found, an_act(by)) is found.member


SUSPENDED = frozenset({SuspensionReason.PARTNER})
EXPIRED_PARTNER_ADMIN = a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW)))
OFFBOARDED_ADMIN = a_partner_admin_actor(an_employee(offboardings={PARTNER: 1}))


@pytest.mark.parametrize(
    ("by", "hidden", "error"),
    [
        (CLERK, facts(view_only_member(), PARTNER_ADMIN), Forbidden),
        (CLERK, facts(view_only_member(), NO_ACTOR), Forbidden),
        (CLERK, facts(an_actor(a_user(CLERK, active=False), a_member(CLERK)), view_only_member()), Forbidden),
        (APPROVER, facts(an_actor(), NO_ACTOR), NotFound),
        (APPROVER, facts(an_actor(), Actor(user=a_user(CLERK))), NotFound),
        (APPROVER, facts(an_actor(), Actor(member=a_member(CLERK))), NotFound),
        (CLERK, facts(view_only_member(active=False), view_only_member(active=False)), NotFound),
        ("user-nobody", facts(NO_ACTOR, PARTNER_ADMIN), NotFound),
        ("user-nobody", facts(NO_ACTOR, NO_ACTOR), NotFound),
        (MANAGER, facts(NO_ACTOR, PARTNER_ADMIN, {PARTNER: access_manager(added=())}), NotFound),
        (MANAGER, facts(NO_ACTOR, PARTNER_ADMIN, {PARTNER: access_manager(active=False)}), NotFound),
        (MANAGER, facts(NO_ACTOR, PARTNER_ADMIN, {PARTNER: access_manager(suspended_by=SUSPENDED)}), NotFound),
        (MANAGER, facts(NO_ACTOR, PARTNER_ADMIN, {PARTNER: NO_ACTOR}), NotFound),
        (MANAGER, facts(NO_ACTOR, PARTNER_ADMIN, {OTHER: access_manager(at=OTHER)}), NotFound),
        (MANAGER, facts(NO_ACTOR, view_only_member(), {PARTNER: access_manager()}), NotFound),
        (MANAGER, facts(NO_ACTOR, NO_ACTOR, {PARTNER: access_manager()}), NotFound),
        (MANAGER, facts(NO_ACTOR, FORMER_PARTNER_ADMIN, {PARTNER: access_manager()}), NotFound),
        (MANAGER, facts(NO_ACTOR, EXPIRED_PARTNER_ADMIN, {PARTNER: access_manager()}), NotFound),
        (MANAGER, facts(NO_ACTOR, OFFBOARDED_ADMIN, {PARTNER: access_manager()}), NotFound),
    ],
)
def test_view_member_by_other_caller_is_refused(by: str, hidden: VisibilityFacts, error: type[DomainError]) -> None:
    with pytest.raises(error):
        visibility.view_member(hidden, an_act(by))


def test_names_at_resolves_granting_user_and_partner() -> None:
    visible = VisibleMember(PARTNER_ADMIN, a_user())

    assert visible.names_at(NOW) == {"granted_by_name": "Approver", "partner_name": "North Partners", "set_name": None}


def test_names_at_includes_custom_set() -> None:
    shown = VisibleMember(an_actor(a_user(CLERK), a_member(CLERK, CUSTOM_SET), sets=[a_custom_set()]))

    assert shown.names_at(NOW)["set_name"] == "Service desk"


@pytest.mark.parametrize("by", [None, a_user(name="", email=None)])
def test_names_at_for_unknown_or_erased_user_is_none(by: Any) -> None:
    assert VisibleMember(PARTNER_ADMIN, by).names_at(NOW)["granted_by_name"] is None


def test_names_at_reflect_current_membership() -> None:
    soon = a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW + timedelta(seconds=1))))

    assert VisibleMember(soon).names_at(NOW)["partner_name"] == the_partner().name
    assert VisibleMember(EXPIRED_PARTNER_ADMIN).names_at(NOW)["partner_name"] is None
    assert VisibleMember(NO_ACTOR).names_at(NOW) == {"granted_by_name": None, "partner_name": None, "set_name": None}
