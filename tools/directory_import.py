"""Tells the directory of the demo's world, as the operator's import does from files."""

from collections.abc import Callable, Iterator, Mapping

from tools.api_client import Caller, Json
from tools.directory_sample import World
from tools.operate.directory_client import BackEnd, Stopped, Token, send
from tools.operate.journal import Journal
from tools.operate.plan import Plan
from tools.operate.rows import Kind, Row, checked

AT_ONCE = 6


class ImportFailed(Exception):
    """The directory refused something of the sample; the message holds its answer."""


def import_world(back_end: Caller, world: World, user_ids: Mapping[str, str], done: Callable[[], None]) -> None:
    """Put accounts, then users, then memberships, super admins before the rest; `done` is called after each."""
    with (
        Journal.nowhere(back_end.base_url) as journal,
        Plan.of(_rows(world, user_ids), journal, partial=False) as plan,
    ):
        try:
            send(plan, journal, BackEnd(back_end, Token(back_end.token or "")), at_once=AT_ONCE, done=done)
        except Stopped as stopped:
            raise ImportFailed(str(stopped)) from stopped
        if failed := list(plan.failed()):
            raise ImportFailed(f"the directory did not take it: {'; '.join(each.sentence for each in failed)}")


def steps_of(world: World) -> int:
    """How often `done` will be called."""
    ended = sum("state" in body for body in world.accounts.values())
    return len(world.accounts) + len(world.residents) + len(world.memberships) + ended


def _rows(world: World, user_ids: Mapping[str, str]) -> Iterator[Row]:
    for name, body in world.accounts.items():
        yield checked(name, Kind.ACCOUNT, {"account_id": name, **body})
    for one in world.residents.values():
        told: Json = {"email": one.email, "name": one.name, "locale": one.locale, "active": one.active}
        yield checked(one.email, Kind.USER, {"user_id": user_ids[one.email], **told})
    for each in world.memberships:
        where = {"account_id": each.account_id, "user_id": user_ids[each.email]}
        what = {"permission_set": each.permission_set} | ({"seat": each.seat} if each.seat else {})
        yield checked(f"{each.email} in {each.account_id}", Kind.MEMBER, {**where, **what})
