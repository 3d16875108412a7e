"""Return of a person whose membership is over: who can bring them back."""

from typing import Any

import pytest

from partner_access.domain.errors import DomainError, GrantSuspended, RemovedByClient, RemovedByPartner
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.members import Member, Role, SuspensionReason
from partner_access.domain.memberships.returns import must_be_returnable_by_partner, must_not_be_suspended_by_client
from tests.support.builders import (
    EMPLOYEE,
    NOW,
    PARTNER,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    an_employee,
)
from tests.support.membership_facts import PARTNER_MANAGER_ACTOR

BY_MANAGER = a_partner_admin().ended(Role.PARTNER_MANAGER)
OFFBOARDED_BY_MANAGER = an_employee(offboardings={PARTNER: 2}, manager_offboardings={PARTNER: 1})


@pytest.mark.parametrize(
    ("member", "partner_id", "error"),
    [
        (BY_MANAGER, PARTNER, RemovedByPartner),
        (BY_MANAGER, "partner-south", None),
        (a_partner_admin().ended(Role.SELF), PARTNER, None),
        (a_partner_admin().ended(Role.USER_MANAGER), PARTNER, RemovedByClient),
        (a_partner_admin().ended(Role.USER_MANAGER), "partner-south", RemovedByClient),
        (BY_MANAGER.model_copy(update={"ended_by": Role.VENDOR}), PARTNER, RemovedByClient),
    ],
)
def test_return_by_partner_admin_depends_on_who_ended_it(
    member: Member, partner_id: str, error: type[DomainError] | None
) -> None:
    # domain.md rule 42
    target = a_partner_admin_actor(member=member)

    if error:
        with pytest.raises(error):
            must_be_returnable_by_partner(target, partner_id, NO_ACTOR, NOW)
    else:
        must_be_returnable_by_partner(target, partner_id, NO_ACTOR, NOW)


def test_return_by_partner_admin_who_manages_client_access_succeeds() -> None:
    # domain.md rule 42
    must_be_returnable_by_partner(a_partner_admin_actor(member=BY_MANAGER), PARTNER, PARTNER_MANAGER_ACTOR, NOW)


@pytest.mark.parametrize(
    ("user", "member", "kept_out"),
    [
        (OFFBOARDED_BY_MANAGER, a_partner_admin(access_generation=0), True),
        (OFFBOARDED_BY_MANAGER, a_partner_admin(access_generation=0).ended(Role.SELF), True),
        (OFFBOARDED_BY_MANAGER, a_partner_admin(access_generation=1), False),
        (OFFBOARDED_BY_MANAGER, a_member(EMPLOYEE, "sales"), False),
        (an_employee(offboardings={PARTNER: 1}), a_partner_admin(access_generation=0), False),
        (None, a_partner_admin().ended(), False),
        (an_employee(), None, False),
    ],
)
def test_kept_out_by_at_counts_offboardings_by_managers(user: Any, member: Member | None, kept_out: bool) -> None:
    # domain.md rule 42
    actor = Actor(user, member, a_partner_admin_actor().partners)

    assert actor.kept_out_by_at(NOW) == ({PARTNER} if kept_out else set())


@pytest.mark.parametrize(
    ("reason", "is_suspended"), [(SuspensionReason.CLIENT, True), (SuspensionReason.PARTNER, False)]
)
def test_must_not_be_suspended_by_client_raises_for_client_alone(reason: SuspensionReason, is_suspended: bool) -> None:
    # domain.md rule 42
    over = a_partner_admin(suspended_by=frozenset({reason})).ended()

    if is_suspended:
        with pytest.raises(GrantSuspended):
            must_not_be_suspended_by_client(over)
    else:
        must_not_be_suspended_by_client(over)
