"""Reports on the table at this instant, as rows: access, ending access, due migrations, sole super admins and seats."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from pydantic import ValidationError

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import DomainError
from partner_access.domain.memberships import migrations
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.migrations import MigrationFacts
from partner_access.domain.users import User, is_eligible
from partner_access.store import keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.memberships import actors
from tools.operate.scan import Item
from tools.operate.stack import StackUnavailable

PARTITION_PREFIXES: Final = (keys.account("").pk, keys.user("").pk)
"""The partition key prefixes that the reports need."""

Cell = str | int | None
Rows = Iterator[dict[str, Cell]]


@dataclass(frozen=True)
class Directory:
    """All users in all accounts at one instant."""

    items: Items
    at: datetime

    @classmethod
    def of(cls, items: Iterable[Item], at: datetime) -> "Directory":
        """Build the directory from the items of the table."""
        return cls(Items({Key(item["pk"], item["sk"]): item for item in items}), at)

    @cached_property
    def accounts(self) -> dict[str, Account]:
        """All accounts by id, in order."""
        return {each.account_id: each for each in sorted(self._accounts(), key=lambda account: account.account_id)}

    def _accounts(self) -> Iterator[Account]:
        for key in self.items:
            if keys.account(key.pk.removeprefix(PARTITION_PREFIXES[0])) == key and (
                account := self.items.get_as(Account, key)
            ):
                yield account

    @cached_property
    def active_memberships(self) -> list[tuple[Actor, Member]]:
        """All active memberships with the actor of each, by account and user."""
        memberships: list[tuple[Actor, Member]] = []
        for key, item in sorted(self.items.items()):
            if keys.is_member(key):
                actor = actors.actor(self.items, str(item["account_id"]), str(item["user_id"]))
                now = actor.member_at(self.at)
                if now and now.active:
                    memberships.append((actor, now))
        return memberships

    @cached_property
    def super_admins(self) -> dict[str, list[Actor]]:
        """The super admins of each account. Their membership, user record and partner must be active."""
        by_account: dict[str, list[Actor]] = {account_id: [] for account_id in self.accounts}
        for actor, now in self.active_memberships:
            if actor.is_super_admin_at(self.at):
                by_account.setdefault(now.account_id, []).append(actor)
        return by_account


def user_columns(user: User | None, user_id: str) -> dict[str, Cell]:
    """Return the columns that identify a user. Address and name are None when the user is unknown."""
    return {
        "user_id": user_id,
        "email": user.email if user else None,
        "name": user.name if user else None,
    }


def account_columns(account: Account | None, account_id: str) -> dict[str, Cell]:
    """Return the columns that identify an account."""
    return {"account_id": account_id, "account": account.name if account else None}


def access_state(actor: Actor, at: datetime) -> str:
    """Return whether the actor has access now, and otherwise the reason why not."""
    if actor.rights_at(at).held:
        return "active"
    if not actor.user or not actor.user.active:
        return "deactivated"
    if by := sorted(actor.suspended_by_at(at)):
        return f"suspended by {', '.join(by)}"
    return "without permissions"


def timestamp(at: datetime | None) -> str | None:
    """Return a time in the notation that every output format uses."""
    return at.isoformat() if at else None


def access(directory: Directory) -> Rows:
    """List all access: account, user, start, grantor and end. Suspended users are included."""
    for actor, membership in directory.active_memberships:
        yield {
            **account_columns(directory.accounts.get(membership.account_id), membership.account_id),
            **user_columns(actor.user, membership.user_id),
            "permission_set": membership.permission_set,
            "seat": membership.seat,
            "partner_id": membership.partner_id,
            "since": timestamp(membership.grant.created_at if membership.grant else membership.since),
            "by": membership.grant.granted_by if membership.grant else membership.granted_by,
            "expires_at": timestamp(membership.grant.expires_at if membership.grant else None),
            "state": access_state(actor, directory.at),
        }


def ending(directory: Directory, days: int) -> Rows:
    """List the access that ends within this many days, soonest first."""
    ending_memberships: list[tuple[datetime, Actor, Member]] = []
    for actor, membership in directory.active_memberships:
        until = membership.grant.expires_at if membership.grant else None
        if until and until <= directory.at + timedelta(days=days):
            ending_memberships.append((until, actor, membership))
    for until, actor, membership in sorted(ending_memberships, key=lambda each: each[0]):
        yield {
            **account_columns(directory.accounts.get(membership.account_id), membership.account_id),
            **user_columns(actor.user, membership.user_id),
            "partner_id": membership.partner_id,
            "expires_at": timestamp(until),
            "days_left": (until - directory.at).days,
            "state": access_state(actor, directory.at),
        }


def migrations_due(directory: Directory) -> Rows:
    """List the super admins of clients who are partner employees, with the obstacle to their migration, if any."""
    for account in directory.accounts.values():
        super_admins = () if account.is_partner else directory.super_admins[account.account_id]
        for actor in super_admins:
            if actor.user and actor.user.is_partner_employee:
                yield {
                    **account_columns(account, account.account_id),
                    **user_columns(actor.user, actor.user.user_id),
                    "partner_id": " ".join(sorted(actor.user.employed_by)),
                    "obstacle": obstacle(directory, account, actor, actor.user),
                }


def obstacle(directory: Directory, account: Account, actor: Actor, user: User) -> str | None:
    """Return the error code that this user would get if they migrated themselves now, or None."""
    partners = [directory.accounts.get(each) for each in sorted(user.employed_by)]
    facts = MigrationFacts(
        account=account,
        actor=actor,
        target=actor,
        partner=next((candidate for candidate in partners if is_eligible(user, candidate)), partners[0]),
        others=tuple(each for each in directory.super_admins[account.account_id] if each is not actor),
    )
    try:
        migrations.migrate(facts, Act(actor_id=user.user_id, at=directory.at, id=""))
    except DomainError as error:
        return error.code
    return None


def sole_super_admins(directory: Directory) -> Rows:
    """List the accounts whose only active super admin is a partner employee."""
    for account in directory.accounts.values():
        super_admins = [] if account.is_partner else directory.super_admins[account.account_id]
        if len(super_admins) == 1 and super_admins[0].user and super_admins[0].user.is_partner_employee:
            yield {
                **account_columns(account, account.account_id),
                **user_columns(super_admins[0].user, super_admins[0].user.user_id),
                "partner_id": " ".join(sorted(super_admins[0].user.employed_by)),
            }


def seats(directory: Directory) -> Rows:
    """List the partner seats of each client, used and allowed. The limit is None when no limit was set."""
    for account in directory.accounts.values():
        if not account.is_partner:
            yield {
                **account_columns(account, account.account_id),
                "limit": account.partner_seat_limit,
                "taken": account.partner_seats_used,
                "free": None
                if account.partner_seat_limit is None
                else account.partner_seat_limit - account.partner_seats_used,
                "state": account.state,
            }


COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "access": (
        "account_id", "account", "user_id", "email", "name", "permission_set", "seat", "partner_id", "since", "by",
        "expires_at", "state",
    ),
    "ending": ("account_id", "account", "user_id", "email", "name", "partner_id", "expires_at", "days_left", "state"),
    "migrate": ("account_id", "account", "user_id", "email", "name", "partner_id", "obstacle"),
    "sole": ("account_id", "account", "user_id", "email", "name", "partner_id"),
    "seats": ("account_id", "account", "limit", "taken", "free", "state"),
}  # fmt: skip
REPORTS: Final[Mapping[str, Callable[[Directory], Rows]]] = {
    "access": access,
    "migrate": migrations_due,
    "sole": sole_super_admins,
    "seats": seats,
}


def report(name: str, items: Iterable[Item], at: datetime, days: int) -> list[dict[str, Cell]]:
    """Return the rows of a report."""
    directory = Directory.of(items, at)
    try:
        return list(ending(directory, days) if name == "ending" else REPORTS[name](directory))
    except ValidationError as unreadable:
        raise StackUnavailable(f"The table has an item that this version cannot read: {unreadable}") from unreadable
