"""A decision that is requested after the response to a revocation permits nothing (consistency.md G4)."""

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

from partner_access.domain.authorization.access import AccessFacts, decide
from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.store import dynamo
from partner_access.store.authorization.access import MemberId, access_facts
from tests.stack.stack_users import StackUser, StackUsers, new_key, with_retries
from tests.support.history import AccessCheck, History
from tools.api_client import ApiResponse
from tools.emulator import ACCESS_KEY, REGION, SECRET_KEY
from tools.sign_in import create_sign_in_user

pytestmark = pytest.mark.usefixtures("invariants_hold")

WATCHED = "acct_watched"
DOMAIN = "watched.example"
ENOUGH = 10
"""Minimum number of permitted requests, and of requests that must be denied, before the test ends."""
AT_MOST = 40.0
"""Maximum duration in seconds, for a busy machine."""
PAUSE = 0.05
TRIES = 20
SUCCESS = frozenset({200, 201, 204})
BETWEEN = 0.3
"""Seconds between a change and the next one."""

Ask = Callable[[], Mapping[MemberId, AccessFacts]]


@pytest.fixture
def stack_table(stack_users: StackUsers, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point the store at the table of the stack."""
    settings = {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": stack_users.stack.aws.endpoint,
        "TABLE_NAME": stack_users.stack.table,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # the default session keeps the first credentials that it finds
    dynamo.client.cache_clear()
    yield
    dynamo.client.cache_clear()


@dataclass(slots=True)
class Watch:
    """A partner with two employees in one client account, and the history of changes and requests for each."""

    stack_users: StackUsers
    manager: StackUser
    admin: StackUser
    account_id: str
    employees: tuple[str, str]
    histories: dict[MemberId, History] = field(default_factory=dict)
    stop: Event = field(default_factory=Event)

    @classmethod
    def of_stack_users(cls, stack_users: StackUsers) -> "Watch":
        manager = StackUser(
            create_sign_in_user(
                stack_users.stack.aws, stack_users.stack.sign_in.user_pool, f"manager@{DOMAIN}", "Manager"
            ),
            stack_users.stack,
        )
        stack_users.put(f"/directory/accounts/{WATCHED}", {"kind": "partner", "name": "Watched", "domains": [DOMAIN]})
        employees = ("user-watched-1", "user-watched-2")
        for user_id in (manager.user_id, *employees):
            fields = {"email": f"{user_id}@{DOMAIN}", "name": "Watched"}
            stack_users.put(f"/directory/users/{user_id}", fields)
            fields = {"permission_set": "super_admin" if user_id == manager.user_id else "marketing"}
            stack_users.put(f"/directory/accounts/{WATCHED}/members/{user_id}", fields)
        admin = stack_users.clients[0]
        watch = cls(stack_users, manager, admin, stack_users.a_client(admin), employees)
        watch.histories = {MemberId(watch.account_id, user_id): History() for user_id in employees}
        return watch

    # revocations and their reversals

    def histories_of(self, *user_ids: str) -> list[History]:
        return [self.histories[MemberId(self.account_id, user_id)] for user_id in user_ids]

    def take(self, cause: str, *user_ids: str, request: Callable[[], ApiResponse]) -> None:
        """Revoke access of these users. If the request fails, nothing is certain to be revoked."""
        with suppress(AssertionError), ExitStack() as noted:
            for history in self.histories_of(*user_ids):
                noted.enter_context(history.removing_access(cause))
            response = with_retries(request)
            assert response.status in SUCCESS, response
        self.stop.wait(BETWEEN)

    def give(self, *causes: str, to: tuple[str, ...], request: Callable[[], ApiResponse]) -> None:
        """Give access back as soon as nothing else prevents it. At the end of the test it may no longer be possible."""
        for _ in range(TRIES):
            if self.stop.is_set():
                return
            with ExitStack() as noted:
                acts = [noted.enter_context(history.restoring_access(*causes)) for history in self.histories_of(*to)]
                response = with_retries(request)
            if response.status in SUCCESS:
                break
            if response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                for act in acts:
                    act.was_refused()
            time.sleep(PAUSE)
        self.stop.wait(BETWEEN)

    def grant(self, user_id: str) -> None:
        body = {"email": f"{user_id}@{DOMAIN}", "permission_set": "partner_admin"}
        path = f"/accounts/{self.account_id}/users"
        self.give(
            *("grant", "client", "partner"),
            to=(user_id,),
            request=lambda: self.admin.caller.post(path, body, key=new_key()),
        )

    def revoke(self, user_id: str) -> None:
        path = f"/accounts/{self.account_id}/users/{user_id}"

        def with_current_version() -> ApiResponse:
            etag = str(self.admin.caller.get(path).headers.get("etag", '"0"'))
            return self.admin.caller.call("DELETE", path, key=new_key(), headers={"if-match": etag})

        self.take("grant", user_id, request=with_current_version)

    def offboard(self, user_id: str) -> None:
        path = f"/partners/{WATCHED}/employees/{user_id}/access"
        self.take("grant", user_id, request=lambda: self.manager.caller.call("DELETE", path, key=new_key()))

    def suspend_and_resume(self, who: StackUser, cause: str, user_id: str) -> None:
        path = f"/accounts/{self.account_id}/users/{user_id}/suspension"
        self.take(cause, user_id, request=lambda: who.caller.put(path, {}))
        self.give(cause, to=(user_id,), request=lambda: who.caller.delete(path))

    def deactivate_and_reactivate(self, user_id: str) -> None:
        path = f"/directory/users/{user_id}"
        self.take("employee", user_id, request=lambda: self.stack_users.back_end.put(path, {"active": False}))
        self.give("employee", to=(user_id,), request=lambda: self.stack_users.back_end.put(path, {"active": True}))

    def suspend_and_resume_program(self) -> None:
        path = f"/directory/accounts/{WATCHED}"
        stop, go = {"program": "suspended"}, {"program": "active"}
        self.take("program", *self.employees, request=lambda: self.stack_users.back_end.put(path, stop))
        self.give("program", to=self.employees, request=lambda: self.stack_users.back_end.put(path, go))

    def loops(self) -> tuple[Callable[[], None], ...]:
        """Return the loops of the client, the partner and the vendor."""
        one, other = self.employees

        def client_loop() -> None:
            self.revoke(one)
            self.grant(one)
            self.suspend_and_resume(self.admin, "client", one)

        def partner_loop() -> None:
            self.suspend_and_resume(self.manager, "partner", other)
            self.offboard(other)
            self.grant(other)

        def vendor_loop() -> None:
            self.deactivate_and_reactivate(other)
            self.suspend_and_resume_program()
            self.deactivate_and_reactivate(one)

        return client_loop, partner_loop, vendor_loop

    def repeatedly(self, happens: Callable[[], None]) -> None:
        while not self.stop.is_set():
            happens()

    @property
    def has_seen_enough(self) -> bool:
        """True if both users were permitted, and were requested while they must be denied, often enough."""
        return all(
            min(len(history.relevant_checks()), sum(check.permits for check in list(history.checks))) >= ENOUGH
            for history in self.histories.values()
        )

    # access decisions

    def decide(self, read: Ask, checks: Mapping[MemberId, list[AccessCheck]]) -> None:
        """Decide for both users and note the time and the result. An error permits nothing."""
        began = time.monotonic()
        with suppress(TemporarilyUnavailable):
            for pair, facts in read().items():
                permits = decide(facts, "crm.import").permits
                checks[pair].append(AccessCheck(began, time.monotonic(), permits))

    def now(self) -> Mapping[MemberId, AccessFacts]:
        return access_facts(self.histories, datetime.now(UTC))


@pytest.mark.usefixtures("stack_table")
def test_decide_after_revocation_response_never_permits(stack_users: StackUsers) -> None:
    watch = Watch.of_stack_users(stack_users)
    for user_id in watch.employees:
        watch.grant(user_id)
    stale = {pair: History(history.changes) for pair, history in watch.histories.items()}
    first_facts = watch.now()

    def cached_facts() -> Mapping[MemberId, AccessFacts]:
        time.sleep(PAUSE)
        return first_facts

    fresh = {pair: history.checks for pair, history in watch.histories.items()}
    remembered = {pair: history.checks for pair, history in stale.items()}

    with ThreadPoolExecutor(6) as at_once:
        asking = [
            *(at_once.submit(watch.repeatedly, lambda: watch.decide(watch.now, fresh)) for _ in range(2)),
            at_once.submit(watch.repeatedly, lambda: watch.decide(cached_facts, remembered)),
        ]
        doing = [at_once.submit(watch.repeatedly, happens) for happens in watch.loops()]
        ends = time.monotonic() + AT_MOST
        while time.monotonic() < ends and not watch.has_seen_enough:
            time.sleep(BETWEEN)
        watch.stop.set()
        for each in (*asking, *doing):
            each.result()

    assert {pair: history.wrong_checks() for pair, history in watch.histories.items()} == {
        pair: [] for pair in watch.histories
    }
    assert watch.has_seen_enough, "there was something to be missed"
    assert any(history.wrong_checks() for history in stale.values()), "a reader who remembers would have been seen"
