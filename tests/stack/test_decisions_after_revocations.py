"""Nobody is permitted anything by a question that began after a revocation had its answer (guarantees.md G4)."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from threading import Event

import boto3
import pytest

from partner_access.domain.authorization.access import Presence, judge
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.store import dynamo
from partner_access.store.authorization.access import Pair, presences
from tests.stack.stack_users import Resident, Town, a_key, persistently
from tests.support.history import Check, History
from tools.api_client import Answer
from tools.emulator import ACCESS_KEY, REGION, SECRET_KEY
from tools.sign_in import create_person

pytestmark = pytest.mark.usefixtures("sound")

WATCHED = "acct_watched"
DOMAIN = "watched.example"
ENOUGH = 10
"""How often each is permitted, and how many questions are there that must be denied, before everybody stops."""
AT_MOST = 40.0
"""In seconds, should the machine be busy."""
PAUSE = 0.05
TRIES = 20
DONE = frozenset({200, 201, 204})
BETWEEN = 0.3
"""How long each leaves alone what he took or gave back."""

Ask = Callable[[], Mapping[Pair, Presence]]


@pytest.fixture
def table_of_the_stack(town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The store, at the table that the product's functions write."""
    settings = {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": town.stack.aws.endpoint,
        "TABLE_NAME": town.stack.table,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the first credentials that it finds
    dynamo.client.cache_clear()
    yield
    dynamo.client.cache_clear()


@dataclass(slots=True)
class Watch:
    """A firm of its own with two employees in one client account, and what was asked and done about each."""

    town: Town
    manager: Resident
    admin: Resident
    account_id: str
    employees: tuple[str, str]
    fresh: dict[Pair, History] = field(default_factory=dict)
    over: Event = field(default_factory=Event)

    @classmethod
    def over_the_town(cls, town: Town) -> "Watch":
        manager = Resident(
            create_person(town.stack.aws, town.stack.sign_in.user_pool, f"manager@{DOMAIN}", "Manager"), town.stack
        )
        town.tell(f"/directory/accounts/{WATCHED}", {"kind": "partner", "name": "Watched", "domains": [DOMAIN]})
        employees = ("user-watched-1", "user-watched-2")
        for user_id in (manager.user_id, *employees):
            told = {"email": f"{user_id}@{DOMAIN}", "name": "Watched"}
            town.tell(f"/directory/users/{user_id}", told)
            told = {"permission_set": "super_admin" if user_id == manager.user_id else "marketing"}
            town.tell(f"/directory/accounts/{WATCHED}/members/{user_id}", told)
        admin = town.clients[0]
        watch = cls(town, manager, admin, town.a_client(admin), employees)
        watch.fresh = {Pair(watch.account_id, user_id): History() for user_id in employees}
        return watch

    # what takes access and gives it back

    def of(self, *user_ids: str) -> list[History]:
        return [self.fresh[Pair(self.account_id, user_id)] for user_id in user_ids]

    def take(self, cause: str, *user_ids: str, by: Callable[[], Answer]) -> None:
        """Take access from these; whoever does not succeed has taken nothing for certain."""
        with suppress(AssertionError), ExitStack() as noted:
            for history in self.of(*user_ids):
                noted.enter_context(history.taking(cause))
            answer = persistently(by)
            assert answer.status in DONE, answer
        self.over.wait(BETWEEN)

    def give(self, *causes: str, to: tuple[str, ...], by: Callable[[], Answer]) -> None:
        """Give it back, as soon as nobody else keeps it from being given; in the end it may not be there to give."""
        for _ in range(TRIES):
            if self.over.is_set():
                return
            with ExitStack() as noted:
                acts = [noted.enter_context(history.giving(*causes)) for history in self.of(*to)]
                answer = persistently(by)
            if answer.status in DONE:
                break
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                for act in acts:
                    act.came_to_nothing()
            time.sleep(PAUSE)
        self.over.wait(BETWEEN)

    def let_in(self, user_id: str) -> None:
        wish = {"email": f"{user_id}@{DOMAIN}", "permission_set": "partner_admin"}
        path = f"/accounts/{self.account_id}/users"
        self.give(
            *("grant", "client", "partner"),
            to=(user_id,),
            by=lambda: self.admin.caller.post(path, wish, key=a_key()),
        )

    def end(self, user_id: str) -> None:
        path = f"/accounts/{self.account_id}/users/{user_id}"

        def as_seen() -> Answer:
            seen = str(self.admin.caller.get(path).headers.get("etag", '"0"'))
            return self.admin.caller.call("DELETE", path, key=a_key(), headers={"if-match": seen})

        self.take("grant", user_id, by=as_seen)

    def leave(self, user_id: str) -> None:
        path = f"/partners/{WATCHED}/employees/{user_id}/access"
        self.take("grant", user_id, by=lambda: self.manager.caller.call("DELETE", path, key=a_key()))

    def stop_and_go(self, who: Resident, cause: str, user_id: str) -> None:
        path = f"/accounts/{self.account_id}/users/{user_id}/suspension"
        self.take(cause, user_id, by=lambda: who.caller.put(path, {}))
        self.give(cause, to=(user_id,), by=lambda: who.caller.delete(path))

    def deactivate_and_back(self, user_id: str) -> None:
        path = f"/directory/users/{user_id}"
        self.take("employee", user_id, by=lambda: self.town.back_end.put(path, {"active": False}))
        self.give("employee", to=(user_id,), by=lambda: self.town.back_end.put(path, {"active": True}))

    def stop_the_program(self) -> None:
        path = f"/directory/accounts/{WATCHED}"
        stop, go = {"program": "suspended"}, {"program": "active"}
        self.take("program", *self.employees, by=lambda: self.town.back_end.put(path, stop))
        self.give("program", to=self.employees, by=lambda: self.town.back_end.put(path, go))

    def rounds(self) -> tuple[Callable[[], None], ...]:
        """What each of three people does again and again."""
        one, other = self.employees

        def of_the_client() -> None:
            self.end(one)
            self.let_in(one)
            self.stop_and_go(self.admin, "client", one)

        def of_the_firm() -> None:
            self.stop_and_go(self.manager, "partner", other)
            self.leave(other)
            self.let_in(other)

        def of_the_vendor() -> None:
            self.deactivate_and_back(other)
            self.stop_the_program()
            self.deactivate_and_back(one)

        return of_the_client, of_the_firm, of_the_vendor

    def repeatedly(self, happens: Callable[[], None]) -> None:
        while not self.over.is_set():
            happens()

    @property
    def saw_enough(self) -> bool:
        """Whether both were permitted, and were asked about when they must not be, often enough."""
        return all(
            min(len(history.telling()), sum(check.permits for check in list(history.checks))) >= ENOUGH
            for history in self.fresh.values()
        )

    # who asks

    def ask(self, how: Ask, checks: Mapping[Pair, list[Check]]) -> None:
        """Ask about both, and note when, and what the answer was; no answer is no permission."""
        began = time.monotonic()
        with suppress(TemporarilyUnavailable):
            for pair, stands in how().items():
                permits = judge(stands, "crm.import").permits
                checks[pair].append(Check(began, time.monotonic(), permits))

    def now(self) -> Mapping[Pair, Presence]:
        return presences(self.fresh, datetime.now(UTC))


@pytest.mark.usefixtures("table_of_the_stack")
def test_no_question_that_began_after_a_revocation_is_answered_with_yes(town: Town) -> None:
    watch = Watch.over_the_town(town)
    for user_id in watch.employees:
        watch.let_in(user_id)
    stale = {pair: History(history.acts) for pair, history in watch.fresh.items()}
    once = watch.now()

    def remembered_by_now() -> Mapping[Pair, Presence]:
        time.sleep(PAUSE)
        return once

    fresh = {pair: history.checks for pair, history in watch.fresh.items()}
    remembered = {pair: history.checks for pair, history in stale.items()}

    with ThreadPoolExecutor(6) as at_once:
        asking = [
            *(at_once.submit(watch.repeatedly, lambda: watch.ask(watch.now, fresh)) for _ in range(2)),
            at_once.submit(watch.repeatedly, lambda: watch.ask(remembered_by_now, remembered)),
        ]
        doing = [at_once.submit(watch.repeatedly, happens) for happens in watch.rounds()]
        ends = time.monotonic() + AT_MOST
        while time.monotonic() < ends and not watch.saw_enough:
            time.sleep(BETWEEN)
        watch.over.set()
        for each in (*asking, *doing):
            each.result()

    assert {pair: history.impossible() for pair, history in watch.fresh.items()} == {pair: [] for pair in watch.fresh}
    assert watch.saw_enough, "there was something to be missed"
    assert any(history.impossible() for history in stale.values()), "a reader who remembers would have been seen"
