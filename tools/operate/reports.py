"""What the table says at this instant, as rows: who has access, what ends, who should migrate, where seats are left."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from pydantic import ValidationError

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import Refused
from partner_access.domain.memberships import migrations
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.migrations import MigrationFacts
from partner_access.domain.users import User, eligible
from partner_access.store import keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.memberships import actors
from tools.operate.scan import Item
from tools.operate.stack import NoSite

PARTITIONS: Final = (keys.account("").pk, keys.user("").pk)
"""What of the table these reports are made of."""

Cell = str | int | None
Rows = Iterator[dict[str, Cell]]


@dataclass(frozen=True)
class Directory:
    """Everybody in every account, at one instant."""

    found: Items
    at: datetime

    @classmethod
    def of(cls, items: Iterable[Item], at: datetime) -> "Directory":
        """From the items of the table."""
        return cls(Items({Key(item["pk"], item["sk"]): item for item in items}), at)

    @cached_property
    def accounts(self) -> dict[str, Account]:
        """All accounts by their ids, in order."""
        return {each.account_id: each for each in sorted(self._accounts(), key=lambda account: account.account_id)}

    def _accounts(self) -> Iterator[Account]:
        for key in self.found:
            if keys.account(key.pk.removeprefix(PARTITIONS[0])) == key and (account := self.found.get_as(Account, key)):
                yield account

    @cached_property
    def in_accounts(self) -> list[tuple[Actor, Member]]:
        """Everybody whose membership counts now, with what it comes to, by account and person."""
        found: list[tuple[Actor, Member]] = []
        for key, item in sorted(self.found.items()):
            if keys.is_member(key):
                actor = actors.actor(self.found, str(item["account_id"]), str(item["user_id"]))
                now = actor.member_at(self.at)
                if now and now.active:
                    found.append((actor, now))
        return found

    @cached_property
    def super_admins(self) -> dict[str, list[Actor]]:
        """The active ones of each account, as far as the membership, the person and his firm stand."""
        found: dict[str, list[Actor]] = {account_id: [] for account_id in self.accounts}
        for actor, now in self.in_accounts:
            if actor.is_super_admin_at(self.at):
                found.setdefault(now.account_id, []).append(actor)
        return found


def person(user: User | None, user_id: str) -> dict[str, Cell]:
    """Who somebody is, as far as he is known."""
    return {
        "user_id": user_id,
        "email": user.email if user else None,
        "name": user.name if user else None,
    }


def place(account: Account | None, account_id: str) -> dict[str, Cell]:
    """Which account it is."""
    return {"account_id": account_id, "account": account.name if account else None}


def state(actor: Actor, at: datetime) -> str:
    """Whether somebody has access now, and if not, why."""
    if actor.rights_at(at).held:
        return "active"
    if not actor.user or not actor.user.active:
        return "deactivated"
    if by := sorted(actor.suspended_by_at(at)):
        return f"suspended by {', '.join(by)}"
    return "without permissions"


def written(at: datetime | None) -> str | None:
    """A time as every format tells it."""
    return at.isoformat() if at else None


def access(directory: Directory) -> Rows:
    """Who has access where, since when, by whom and until when; who is suspended stands here, too."""
    for actor, now in directory.in_accounts:
        yield {
            **place(directory.accounts.get(now.account_id), now.account_id),
            **person(actor.user, now.user_id),
            "permission_set": now.permission_set,
            "seat": now.seat,
            "partner_id": now.partner_id,
            "since": written(now.grant.created_at if now.grant else now.since),
            "by": now.grant.granted_by if now.grant else now.granted_by,
            "until": written(now.grant.expires_at if now.grant else None),
            "state": state(actor, directory.at),
        }


def ending(directory: Directory, days: int) -> Rows:
    """What ends within so many days, the soonest first."""
    found: list[tuple[datetime, Actor, Member]] = []
    for actor, now in directory.in_accounts:
        until = now.grant.expires_at if now.grant else None
        if until and until <= directory.at + timedelta(days=days):
            found.append((until, actor, now))
    for until, actor, now in sorted(found, key=lambda each: each[0]):
        yield {
            **place(directory.accounts.get(now.account_id), now.account_id),
            **person(actor.user, now.user_id),
            "partner_id": now.partner_id,
            "until": written(until),
            "days_left": (until - directory.at).days,
            "state": state(actor, directory.at),
        }


def migrate(directory: Directory) -> Rows:
    """Super admins of clients who are partner staff, and what keeps each from migrating, if anything does."""
    for account in directory.accounts.values():
        leads = () if account.is_partner else directory.super_admins[account.account_id]
        for actor in leads:
            if actor.user and actor.user.is_partner_staff:
                yield {
                    **place(account, account.account_id),
                    **person(actor.user, actor.user.user_id),
                    "partner_id": " ".join(sorted(actor.user.employed_by)),
                    "obstacle": obstacle(directory, account, actor, actor.user),
                }


def obstacle(directory: Directory, account: Account, actor: Actor, user: User) -> str | None:
    """The refusal that he would get if he migrated himself now."""
    firms = [directory.accounts.get(each) for each in sorted(user.employed_by)]
    facts = MigrationFacts(
        account=account,
        actor=actor,
        target=actor,
        partner=next((firm for firm in firms if eligible(user, firm)), firms[0]),
        others=tuple(each for each in directory.super_admins[account.account_id] if each is not actor),
    )
    try:
        migrations.migrate(facts, Act(by=user.user_id, at=directory.at, name=""))
    except Refused as refused:
        return refused.code
    return None


def sole(directory: Directory) -> Rows:
    """Accounts whose only active super admin is partner staff."""
    for account in directory.accounts.values():
        leads = [] if account.is_partner else directory.super_admins[account.account_id]
        if len(leads) == 1 and leads[0].user and leads[0].user.is_partner_staff:
            yield {
                **place(account, account.account_id),
                **person(leads[0].user, leads[0].user.user_id),
                "partner_id": " ".join(sorted(leads[0].user.employed_by)),
            }


def seats(directory: Directory) -> Rows:
    """How many partner seats each client may have, and has taken; no limit where none is told."""
    for account in directory.accounts.values():
        if not account.is_partner:
            yield {
                **place(account, account.account_id),
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
        "until", "state",
    ),
    "ending": ("account_id", "account", "user_id", "email", "name", "partner_id", "until", "days_left", "state"),
    "migrate": ("account_id", "account", "user_id", "email", "name", "partner_id", "obstacle"),
    "sole": ("account_id", "account", "user_id", "email", "name", "partner_id"),
    "seats": ("account_id", "account", "limit", "taken", "free", "state"),
}  # fmt: skip
REPORTS: Final[Mapping[str, Callable[[Directory], Rows]]] = {
    "access": access,
    "migrate": migrate,
    "sole": sole,
    "seats": seats,
}


def report(who: str, items: Iterable[Item], at: datetime, days: int) -> list[dict[str, Cell]]:
    """The rows of one report."""
    directory = Directory.of(items, at)
    try:
        return list(ending(directory, days) if who == "ending" else REPORTS[who](directory))
    except ValidationError as unreadable:
        raise NoSite(f"The table holds what this version cannot read: {unreadable}") from unreadable
