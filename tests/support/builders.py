"""Valid users, accounts, links and other records by default, so that a test states only the values that it is about."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from partner_access.domain.accounts import Account, AccountKind
from partner_access.domain.act import Act, IdempotencyKey
from partner_access.domain.links.links import Link
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Grant, GrantSource, Member, Seat
from partner_access.domain.permissions.custom_sets import CustomSet, is_custom
from partner_access.domain.permissions.rights import latest_version
from partner_access.domain.users import User

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
RANDOM = "c" * 43
ACT_ID = "0" * 32

PARTNER = "partner-north"
CLIENT = "client-bakery"
EMPLOYEE = "user-employee"
APPROVER = "user-approver"
LINK = f"lnk_{'1' * 32}"
CUSTOM_SET = f"set_{'3' * 32}"
SECRET_TEXT = LinkSecret.write(PARTNER, LINK, RANDOM)
SECRET = LinkSecret.read(SECRET_TEXT)
OTHER_SECRET = LinkSecret.read(LinkSecret.write(PARTNER, LINK, "d" * 43))


def an_act(actor_id: str = APPROVER, **changes: Any) -> Act:
    return Act(**{"actor_id": actor_id, "at": NOW, "id": ACT_ID, "random": RANDOM, **changes})


def end_after(days: int, at: datetime = NOW) -> datetime:
    """Return the end of access that is given for so many days, in an account with the time zone UTC."""
    return at.replace(hour=0, minute=0, second=0) + timedelta(days=days + 1)


def an_idempotency_key(key: str = "key", fingerprint: str = "fingerprint") -> IdempotencyKey:
    return IdempotencyKey(key, fingerprint)


def the_partner(**changes: Any) -> Account:
    return Account(
        **{
            "version": 1,
            "account_id": PARTNER,
            "kind": AccountKind.PARTNER,
            "name": "North Partners",
            "domains": ("north.example",),
            **changes,
        }
    )


def the_client(**changes: Any) -> Account:
    return Account(**{"version": 1, "account_id": CLIENT, "kind": AccountKind.CLIENT, "name": "The Bakery", **changes})


def a_user(user_id: str = APPROVER, **changes: Any) -> User:
    return User(
        **{
            "version": 1,
            "user_id": user_id,
            "email": f"{user_id}@bakery.example",
            "name": user_id.removeprefix("user-").capitalize(),
            **changes,
        }
    )


def an_employee(user_id: str = EMPLOYEE, **changes: Any) -> User:
    return a_user(user_id, **{"email": f"{user_id}@north.example", "employed_by": frozenset({PARTNER}), **changes})


def a_member(user_id: str = APPROVER, permission_set: str = "super_admin", **changes: Any) -> Member:
    return Member(
        **{
            "version": 1,
            "account_id": CLIENT,
            "user_id": user_id,
            "permission_set": permission_set,
            "set_version": 1 if is_custom(permission_set) else latest_version(permission_set),
            "seat": Seat.CORE,
            "since": NOW - timedelta(days=100),
            **changes,
        }
    )


def a_grant(**changes: Any) -> Grant:
    return Grant(
        **{
            "grant_id": f"grt_{'2' * 32}",
            "partner_id": PARTNER,
            "source": GrantSource.ACCESS_LINK,
            "granted_by": APPROVER,
            "created_at": NOW - timedelta(days=10),
            **changes,
        }
    )


def a_partner_admin(user_id: str = EMPLOYEE, **changes: Any) -> Member:
    return a_member(
        user_id,
        "partner_admin",
        **{"seat": Seat.PARTNER, "partner_id": PARTNER, "grant": a_grant(), **changes},
    )


def a_custom_set(set_id: str = CUSTOM_SET, **changes: Any) -> CustomSet:
    return CustomSet(
        **{
            "version": 1,
            "account_id": CLIENT,
            "set_id": set_id,
            "name": "Service desk",
            "permissions": ("crm.tickets.edit:team", "crm.tickets.view", "service.access"),
            **changes,
        }
    )


def an_actor(
    user: User | None = None,
    member: Member | None = None,
    *,
    partners: Iterable[Account] = (),
    sets: Iterable[CustomSet] = (),
) -> Actor:
    """Return an actor, by default the client's super admin."""
    acting_user = user or a_user()
    return Actor(
        user=acting_user,
        member=member or a_member(acting_user.user_id),
        partners={partner.account_id: partner for partner in partners},
        sets={each.set_id: each for each in sets},
    )


def a_partner_admin_actor(user: User | None = None, member: Member | None = None, **partner_changes: Any) -> Actor:
    """Return an actor, by default the employee as partner admin of the client.

    Other arguments change their partner account.
    """
    acting_user = user or an_employee()
    return an_actor(
        acting_user, member or a_partner_admin(acting_user.user_id), partners=[the_partner(**partner_changes)]
    )


def a_temporary_partner_admin_actor(user_id: str = EMPLOYEE) -> Actor:
    """Return the same actor with a grant that ends in a day, so that their permissions depend on the time."""
    one_day_grant = a_grant(expires_at=NOW + timedelta(days=1))
    return a_partner_admin_actor(an_employee(user_id), a_partner_admin(user_id, grant=one_day_grant))


def a_link(**changes: Any) -> Link:
    return Link(
        **{
            "version": 1,
            "link_id": LINK,
            "partner_id": PARTNER,
            "employee_id": EMPLOYEE,
            "created_by": EMPLOYEE,
            "created_at": NOW - timedelta(days=1),
            "expires_at": NOW + timedelta(days=6),
            "link_days": 7,
            "secrets": frozenset({SECRET.fingerprint}),
            **changes,
        }
    )
