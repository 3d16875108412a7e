"""A small consistent set of records in the table. Items that depend on records are computed from them.

The North Partners have a manager (super admin), an employee and a colleague. The Bakery has an approver (super admin)
and a clerk with view-only permissions. Functions use the real clock, so the link is open now.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from partner_access.domain.accounts import Account
from partner_access.domain.links.links import Link, StoredLinkState
from partner_access.domain.memberships.effective_rights import custom_sets_of, custom_sets_of_partner_member
from partner_access.domain.memberships.members import Member, Seat
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.records import Record
from partner_access.domain.users import User
from partner_access.store import keys
from partner_access.store.keys import Key
from partner_access.store.links.links import item
from partner_access.store.memberships import members as members_of_the_store
from tests.support.builders import (
    APPROVER,
    EMPLOYEE,
    PARTNER,
    a_grant,
    a_link,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.table import Table

MANAGER = "user-manager"
COLLEAGUE = "user-colleague"
CLERK = "user-clerk"
OTHER_ADMIN = "user-boss"
"""Another super admin of the client."""
OTHER_CLIENT = "client-other"
"""Another client, with the same other super admin."""

TWO_ADMINS = (a_user(OTHER_ADMIN), a_member(OTHER_ADMIN))
TWO_CLIENTS = (
    *TWO_ADMINS,
    the_client(account_id=OTHER_CLIENT, name="Other"),
    a_member(OTHER_ADMIN, account_id=OTHER_CLIENT),
)


def now() -> datetime:
    """Return the current time in whole seconds, as the functions use it."""
    return datetime.now(UTC).replace(microsecond=0)


def an_open_link(**changes: Any) -> Link:
    """Return a link that was created a day ago and expires in six days."""
    times = {"created_at": now() - timedelta(days=1), "expires_at": now() + timedelta(days=6)}
    return a_link(**{**times, **changes})


ENDED_LINK_ERRORS: Final[tuple[tuple[dict[str, Any], int, str], ...]] = (
    ({"stored_state": "revoked"}, 410, "link_revoked"),
    ({"stored_state": "declined"}, 410, "link_declined"),
    ({"stored_state": "expired"}, 410, "link_expired"),
    ({"expires_at": now()}, 410, "link_expired"),
)
"""Changes that end the open link, with the status and code of the error of an operation on it."""


def an_expired_partner_admin(**changes: Any) -> Member:
    """Return a partner admin whose grant has expired but is still stored as active."""
    return a_partner_admin(**{"grant": a_grant(expires_at=now()), **changes})


def a_partner_account_member(user_id: str, permission_set: str = "view_only", **changes: Any) -> Member:
    """Return a member of the partner account."""
    return a_member(user_id, permission_set, **{"account_id": PARTNER, **changes})


def default_records() -> tuple[Record, ...]:
    """Return the records that exist unless a test adds others."""
    return (
        the_partner(),
        the_client(),
        *map(an_employee, (MANAGER, EMPLOYEE, COLLEAGUE)),
        *map(a_user, (APPROVER, CLERK)),
        a_partner_account_member(MANAGER, "super_admin"),
        a_partner_account_member(EMPLOYEE),
        a_partner_account_member(COLLEAGUE),
        a_member(APPROVER),
        a_member(CLERK, "view_only"),
        an_open_link(),
    )


def seed(table: Table, *others: Record) -> None:
    """Store the default records and these. A record replaces the default one with the same key."""
    store_records(table, {keys.of(record): record for record in (*default_records(), *others)}.values())


def store_records(table: Table, records: Iterable[Record]) -> None:
    """Store records with all items that depend on them."""
    for key, values in _items(list(records)):
        table.put(key, values)


def _items(records: list[Record]) -> Iterator[tuple[Key, dict[str, object]]]:
    accounts = [each for each in records if isinstance(each, Account)]
    members = [each for each in records if isinstance(each, Member)]
    links = [each for each in records if isinstance(each, Link)]
    sets = [each for each in records if isinstance(each, CustomSet)]
    partners = {account.account_id for account in accounts if account.is_partner}
    for record in records:
        match record:
            case Account():
                seated = [each for each in members if _is_in(each, record) and each.seat is Seat.PARTNER]
                custom_set_count = sum(each.account_id == record.account_id for each in sets)
                yield (
                    keys.of(record),
                    {**dict(record), "partner_seats_used": len(seated), "custom_set_count": custom_set_count},
                )
                super_admin_ids = {
                    each.user_id for each in members if _is_in(each, record) and each.active and _is_super(each)
                }
                if super_admin_ids:
                    yield keys.super_admins(record.account_id), {"user_ids": super_admin_ids}
            case User():
                partner_ids = {
                    each.account_id for each in members if _belongs_to(each, record) and each.active
                } & partners
                due_links = [each for each in links if each.employee_id == record.user_id and _is_due(each)]
                yield keys.of(record), {**dict(record), "employed_by": partner_ids, "open_links": len(due_links)}
                if record.email:
                    yield keys.email(record.email), {"user_id": record.user_id}
            case Member():
                yield keys.of(record), members_of_the_store.item(record)
                yield keys.account_of(record.user_id, record.account_id), {"account_id": record.account_id}
                if record.grant:
                    yield _audit_entry_of_grant(record)
            case CustomSet():
                account_members = [each for each in members if each.account_id == record.account_id]
                yield (
                    keys.of(record),
                    {
                        **dict(record),
                        "holders": sum(custom_sets_of(each)[record.set_id] for each in account_members),
                        "partner_holders": sum(
                            custom_sets_of_partner_member(each)[record.set_id] for each in account_members
                        ),
                    },
                )
            case Link():
                link_item = item(record)
                index_attributes = () if _is_due(record) else ("due_shard", "due_at")
                yield (
                    keys.of(record),
                    {name: value for name, value in link_item.items() if name not in index_attributes},
                )
            case _:
                yield keys.of(record), dict(record)


def _is_in(member: Member, account: Account) -> bool:
    return member.account_id == account.account_id


def _belongs_to(member: Member, user: User) -> bool:
    return member.user_id == user.user_id


def _is_super(member: Member) -> bool:
    return member.permission_set == "super_admin"


def _is_due(link: Link) -> bool:
    return link.stored_state is StoredLinkState.OPEN and not (link.is_for_one_account and link.approvals)


def _audit_entry_of_grant(member: Member) -> tuple[Key, dict[str, object]]:
    """Return the audit entry of a grant that existed before the test."""
    grant = member.grant
    assert grant
    audit_id = f"aud_{grant.grant_id.removeprefix('grt_')}"
    entry = {
        "audit_id": audit_id,
        "at": grant.created_at,
        "event": "grant.given",
        "actor_id": grant.granted_by,
        "accounts": [member.account_id],
        "details": {"grant_id": grant.grant_id},
    }
    return keys.audit(member.account_id, audit_id), entry
