"""A membership that somebody would change, by default the employee's grant, and one person for each capacity."""

from typing import Any, Final

from partner_access.domain.act import Act
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.roles import MembershipFacts, Role
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner,
    the_client,
)
from tests.support.gateway import USE, Answer, call
from tests.support.seeded_table import COLLEAGUE, MANAGER, staff

USERS, BOTH = "user-users", "user-both"
TARGET: Final = of_the_partner(
    member=a_partner_admin(removed=("account.users.manage", "crm.import"), grant=a_grant().ending(10, NOW))
)
ADMIN: Final = an_actor()
MANAGES_USERS: Final = an_actor(a_user(USERS), a_member(USERS, "view_only", added=("account.users.manage",)))
OF_THE_FIRM: Final = an_actor(an_employee(BOTH))
"""The client's super admin, who works for the partner, too."""
FELLOW: Final = of_the_partner(an_employee(COLLEAGUE))
AT_THE_FIRM: Final = Actor(an_employee(MANAGER), staff(MANAGER, "super_admin"))

ACTORS: Final = {
    Role.VENDOR: Actor(),
    Role.SUPER_ADMIN: ADMIN,
    Role.USER_MANAGER: MANAGES_USERS,
    Role.COLLEAGUE: FELLOW,
    Role.PARTNER_MANAGER: Actor(an_employee(MANAGER)),
}


def facts(capacity: Role = Role.SUPER_ADMIN, **changes: Any) -> MembershipFacts:
    """What somebody in this capacity finds."""
    target = changes.get("target", TARGET)
    manager = {"manager": AT_THE_FIRM} if capacity is Role.PARTNER_MANAGER else {}
    actor = ACTORS.get(capacity, target)
    return MembershipFacts(**{"account": the_client(), "actor": actor, "target": target, **manager, **changes})


def act_in(found: MembershipFacts, **changes: Any) -> Act:
    """The act of whoever it is; of the vendor when it is nobody."""
    by = found.actor.user.user_id if found.actor.user else "vendor-back-end"
    return an_act(by, **{"for_vendor": found.actor.user is None, **changes})


# at the doors

USER = "/accounts/{account_id}/users/{user_id}"
SUSPENSION = f"{USER}/suspension"


def _headers(seen: object, key: str | None) -> dict[str, str | None]:
    return {"if-match": None if seen is None else f'"{seen}"', **({"idempotency-key": key} if key else {})}


def edit(
    by: str = APPROVER,
    user_id: str = EMPLOYEE,
    *,
    account_id: str = CLIENT,
    seen: object = 1,
    key: str | None = None,
    **wish: object,
) -> Answer:
    return call(f"PATCH {USER}", by, wish, headers=_headers(seen, key), account_id=account_id, user_id=user_id)


def end(
    by: str = APPROVER,
    user_id: str = EMPLOYEE,
    *,
    account_id: str = CLIENT,
    seen: object = 1,
    key: str | None = None,
    scope: str = USE,
) -> Answer:
    headers = _headers(seen, key)
    return call(f"DELETE {USER}", by, headers=headers, scope=scope, account_id=account_id, user_id=user_id)


def suspend(
    by: str = APPROVER,
    user_id: str = EMPLOYEE,
    *,
    account_id: str = CLIENT,
    key: str | None = None,
    reason: str | None = None,
) -> Answer:
    body = {"reason": reason} if reason else None
    return call(f"PUT {SUSPENSION}", by, body, headers=_headers(None, key), account_id=account_id, user_id=user_id)


def resume(by: str = APPROVER, user_id: str = EMPLOYEE, *, account_id: str = CLIENT, key: str | None = None) -> Answer:
    return call(f"DELETE {SUSPENSION}", by, headers=_headers(None, key), account_id=account_id, user_id=user_id)
