"""Facts about a change of a membership, by default the employee's grant, and one actor for each role."""

from typing import Any, Final

from partner_access.domain.act import Act
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Role
from partner_access.domain.memberships.roles import MembershipFacts
from partner_access.domain.records import Record
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    a_grant,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    end_after,
    the_client,
)
from tests.support.gateway import USE, ApiResponse, call
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_partner_account_member, seed
from tests.support.table import Table

USERS, BOTH = "user-users", "user-both"
TARGET: Final = a_partner_admin_actor(
    member=a_partner_admin(removed=("account.users.manage", "crm.import"), grant=a_grant().with_end(end_after(10), NOW))
)
ADMIN: Final = an_actor()
USER_MANAGER: Final = a_member(USERS, "view_only", added=("account.users.manage",))
MANAGES_USERS: Final = an_actor(a_user(USERS), USER_MANAGER)
OTHER_PARTNER_ADMIN: Final = a_partner_admin(COLLEAGUE, grant=a_grant(grant_id=f"grt_{'3' * 32}"))
OWN_PARTNER_SUPER_ADMIN: Final = an_actor(an_employee(BOTH))
"""The client's super admin who is also an employee of the partner."""
COLLEAGUE_ACTOR: Final = a_partner_admin_actor(an_employee(COLLEAGUE))
PARTNER_MANAGER_ACTOR: Final = Actor(an_employee(MANAGER), a_partner_account_member(MANAGER, "super_admin"))

ACTORS: Final = {
    Role.VENDOR: Actor(),
    Role.SUPER_ADMIN: ADMIN,
    Role.USER_MANAGER: MANAGES_USERS,
    Role.COLLEAGUE: COLLEAGUE_ACTOR,
    Role.PARTNER_MANAGER: Actor(an_employee(MANAGER)),
}


def facts(role: Role = Role.SUPER_ADMIN, **changes: Any) -> MembershipFacts:
    """Return the facts that an actor in this role would read."""
    target = changes.get("target", TARGET)
    manager = {"manager": PARTNER_MANAGER_ACTOR} if role is Role.PARTNER_MANAGER else {}
    actor = ACTORS.get(role, target)
    return MembershipFacts(**{"account": the_client(), "actor": actor, "target": target, **manager, **changes})


def act_of(given_facts: MembershipFacts, **changes: Any) -> Act:
    """Return an act by the actor of these facts, or by the vendor if they have no actor."""
    actor_id = given_facts.actor.user.user_id if given_facts.actor.user else "vendor-back-end"
    return an_act(actor_id, **{"for_vendor": given_facts.actor.user is None, **changes})


def seed_members(table: Table, *others: Record) -> None:
    """Seed a user manager and two partner admins, the employee and a colleague, with these records."""
    seed(table, a_user(USERS), a_partner_admin(), OTHER_PARTNER_ADMIN, USER_MANAGER, *others)


# calls of the API

USER = "/accounts/{account_id}/users/{user_id}"
SUSPENSION = f"{USER}/suspension"


def _headers(expected_version: object, key: str | None) -> dict[str, str | None]:
    return {
        "if-match": None if expected_version is None else f'"{expected_version}"',
        **({"idempotency-key": key} if key else {}),
    }


def edit(
    by: str = APPROVER,
    user_id: str = EMPLOYEE,
    *,
    account_id: str = CLIENT,
    expected_version: object = 1,
    key: str | None = None,
    **edits: object,
) -> ApiResponse:
    return call(
        f"PATCH {USER}", by, edits, headers=_headers(expected_version, key), account_id=account_id, user_id=user_id
    )


def remove(
    by: str = APPROVER,
    user_id: str = EMPLOYEE,
    *,
    account_id: str = CLIENT,
    expected_version: object = 1,
    key: str | None = None,
    scope: str = USE,
) -> ApiResponse:
    headers = _headers(expected_version, key)
    return call(f"DELETE {USER}", by, headers=headers, scope=scope, account_id=account_id, user_id=user_id)


def suspend(
    by: str = APPROVER,
    user_id: str = EMPLOYEE,
    *,
    account_id: str = CLIENT,
    key: str | None = None,
    reason: str | None = None,
) -> ApiResponse:
    body = {"reason": reason} if reason else None
    return call(f"PUT {SUSPENSION}", by, body, headers=_headers(None, key), account_id=account_id, user_id=user_id)


def resume(
    by: str = APPROVER, user_id: str = EMPLOYEE, *, account_id: str = CLIENT, key: str | None = None
) -> ApiResponse:
    return call(f"DELETE {SUSPENSION}", by, headers=_headers(None, key), account_id=account_id, user_id=user_id)
