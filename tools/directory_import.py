"""Tells the directory about a world, over HTTP, as the vendor's back end does."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from tools.directory_sample import Membership, Resident, World
from tools.web import Answer, Caller, Json

AT_ONCE = 6
TRIES = 5


class ImportFailed(Exception):
    """The directory refused something of the sample; the message holds its answer."""


def import_world(back_end: Caller, world: World, user_ids: Mapping[str, str], done: Callable[[], None]) -> None:
    """Put accounts, then users, then memberships, super admins before the rest; `done` is called after each."""
    partners = {name: body for name, body in world.accounts.items() if body["kind"] == "partner"}
    opened = {name: _without_end(body) for name, body in world.accounts.items()}
    ended = {name: body for name, body in world.accounts.items() if "state" in body}
    staff = [member for member in world.memberships if member.account_id in partners]
    others = [member for member in world.memberships if member.account_id not in partners]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="directory") as at_once:

        def put_all(requests: Iterable[tuple[str, Json]]) -> None:
            for _ in at_once.map(lambda request: _put(back_end, *request), requests):
                done()

        put_all((f"/directory/accounts/{name}", body) for name, body in opened.items())
        put_all((f"/directory/users/{user_ids[one.email]}", _user(one)) for one in world.residents.values())
        for group in (staff, [one for one in others if _leads(one)], [one for one in others if not _leads(one)]):
            put_all(
                (
                    f"/directory/accounts/{one.account_id}/members/{user_ids[one.email]}",
                    {"permission_set": one.permission_set} | ({"seat": one.seat} if one.seat else {}),
                )
                for one in group
            )
        put_all((f"/directory/accounts/{name}", body) for name, body in ended.items())


def steps_of(world: World) -> int:
    """How often `done` will be called."""
    ended = sum("state" in body for body in world.accounts.values())
    return len(world.accounts) + len(world.residents) + len(world.memberships) + ended


def _leads(membership: Membership) -> bool:
    return membership.permission_set == "super_admin"


def _without_end(account: Json) -> Json:
    return {name: value for name, value in account.items() if name != "state"}


def _user(resident: Resident) -> Json:
    return {"email": resident.email, "name": resident.name, "locale": resident.locale, "active": resident.active}


def _put(back_end: Caller, path: str, body: Json) -> Answer:
    tries = 0
    while True:
        tries += 1
        answer = back_end.put(path, body)
        if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return answer
        if answer.status != HTTPStatus.SERVICE_UNAVAILABLE or tries == TRIES:
            raise ImportFailed(f"the directory did not take it: {answer}")
        time.sleep(0.2 * tries)
