"""Employees of the partner, and users outside it, who try to create and change access links."""

from typing import Any

from partner_access.domain.act import Act
from partner_access.domain.memberships.actors import Actor
from tests.support.builders import EMPLOYEE, PARTNER, a_member, a_user, an_act, an_employee

MANAGER = "user-manager"
COLLEAGUE = "user-colleague"
OUTSIDER = "user-outsider"


def partner_employee(user_id: str, permission_set: str = "view_only", **changes: Any) -> Actor:
    return Actor(an_employee(user_id), a_member(user_id, permission_set, account_id=PARTNER, **changes))


SUPER_ADMIN = partner_employee(MANAGER, "super_admin")
ACCESS_MANAGER = partner_employee(MANAGER, added=("partner.client_access.manage",))
SELF = partner_employee(EMPLOYEE)
OTHER_EMPLOYEE = partner_employee(COLLEAGUE)
OUTSIDER_ACTOR = Actor(a_user(OUTSIDER))
REMOVED_MANAGER = partner_employee(MANAGER, "super_admin", active=False)
DEACTIVATED_MANAGER = Actor(an_employee(MANAGER, active=False), SUPER_ADMIN.member)


def act_of(actor: Actor, **changes: Any) -> Act:
    assert actor.user
    return an_act(actor.user.user_id, **changes)
