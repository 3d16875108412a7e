"""Many concurrent callers, some competing for the same seats and links: no acknowledged change is lost.

`make bench` runs a hundred callers, and the regular tests run a few.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from math import inf
from threading import Barrier
from typing import Any, Final

import pytest

from tests.stack.stack_users import PARTNER, RETRY_CODES, SECRET, StackUser, StackUsers, new_key
from tools.api_client import ApiClient, ApiResponse, Json
from tools.bench import counts
from tools.bench.figures import Figure
from tools.sign_in import DECIDE_SCOPE
from tools.whole_table import TableContent

CALLERS: Final = 100 if counts.is_enabled() else 3
SEATS: Final = 2
APPROVALS: Final = 2
ATTEMPTS: Final = 40
STARTS_WITHIN: Final = None if counts.is_enabled() else 30.0
EMAILS_WITHIN: Final = inf if counts.is_enabled() else 60.0
"""Limits in seconds. No limit decides a benchmark: what is slow is reported as slow."""
EVENTS: Final = {
    "create a link": "link.created",
    "approve": "link.approved",
    "migrate": "super_admin.migrated",
    "create a user": "member.created",
    "edit": "member.updated",
    "end": "grant.revoked",
}
"""The audit event of each kind of request."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request with its response and duration."""

    operation: str
    response: ApiResponse
    milliseconds: float

    @property
    def is_final(self) -> bool:
        return self.response.code not in RETRY_CODES and self.response.status < HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(slots=True)
class ConcurrentCaller:
    """One caller in a thread: the account that they manage and all their attempts."""

    number: int
    stack_users: StackUsers
    decider: ApiClient
    account_id: str
    contended_account: str
    contended_secret: str
    attempts: list[Attempt] = field(default_factory=list)
    lost_links: int = 0

    @property
    def admin(self) -> ApiClient:
        return self._user.caller

    @property
    def _user(self) -> StackUser:
        return self.stack_users.clients[self.number % len(self.stack_users.clients)]

    def employee(self, nth: int) -> StackUser:
        """Return an employee.

        Each purpose of a caller gets another one, and the last employee is reserved for shared use.
        """
        return self.stack_users.employees[(self.number + nth) % (len(self.stack_users.employees) - 1)]

    def send(self, what: str, attempt: Callable[[], ApiResponse]) -> ApiResponse:
        """Retry with the same key until the response is final, as a well-behaved client does."""
        made = self.send_once(what, attempt)
        for nth in range(1, ATTEMPTS):
            if made.is_final:
                break
            time.sleep(0.05 * nth)
            made = self.send_once(what, attempt)
        return made.response

    def send_once(self, what: str, attempt: Callable[[], ApiResponse]) -> Attempt:
        began = time.perf_counter()
        made = Attempt(what, attempt(), (time.perf_counter() - began) * 1000)
        self.attempts.append(made)
        return made

    def post(self, what: str, caller: ApiClient, path: str, body: Mapping[str, object]) -> ApiResponse:
        """Send a request, and for some callers send it again. The second response must equal the first."""
        key = new_key()
        first = self.send(what, lambda: caller.post(path, dict(body), key=key))
        if self.number % 5 == 0 and first.status == HTTPStatus.CREATED and what != "create a link":
            again = self.send(f"{what}, again", lambda: caller.post(path, dict(body), key=key))
            assert again.json == first.json
            assert again.headers["idempotent-replayed"] == "true"
        return first

    def run(self) -> None:
        """Run all parts. Callers start with different parts, so that all functions are busy at once."""
        parts = [self.grant_and_end_access, self.migrate, self.request_contended_seat, self.approve_contended_link]
        for part in (*parts[self.number % 4 :], *parts[: self.number % 4]):
            part()

    def grant_and_end_access(self) -> None:
        """Create a link, approve it, edit the access, and for half of the callers end it."""
        employee, users = self.employee(0), f"/accounts/{self.account_id}/users"
        approved = self.approve(self.secret_for(employee))
        assert approved.status == HTTPStatus.CREATED, approved
        assert self.is_permitted(employee)
        etag = self.current_etag(f"{users}/{employee.user_id}")
        key, change = new_key(), {"permissions": {"remove": ["crm.import"]}}
        edited = self.send(
            "edit",
            lambda: self.admin.call(
                "PATCH", f"{users}/{employee.user_id}", change, key=key, headers={"if-match": etag}
            ),
        )
        assert edited.status == HTTPStatus.OK, edited
        assert not self.is_permitted(employee)
        if self.number % 2:
            tag = {"if-match": self.current_etag(f"{users}/{employee.user_id}")}
            ended = self.send(
                "end", lambda: self.admin.call("DELETE", f"{users}/{employee.user_id}", key=key, headers=tag)
            )
            assert ended.status == HTTPStatus.OK, ended

    def current_etag(self, path: str) -> str:
        """Return the current version of a member. A replayed response does not contain it."""
        return str(self.send("look", lambda: self.admin.get(path)).headers["etag"])

    def secret_for(self, employee: StackUser) -> str:
        """Return the secret of a new link.

        If the first response is lost, the secret is lost too, and a new link is needed.
        """
        for _ in range(ATTEMPTS):
            body = {"employee_id": employee.user_id}
            made = self.post(
                "create a link", self.stack_users.manager.caller, f"/partners/{PARTNER}/access-links", body
            )
            found = SECRET.search(str(made.json.get("url")))
            if found:
                return found.group(1)
            self.lost_links += 1
        raise AssertionError(f"no link for {employee.user_id} received its secret")

    def is_permitted(self, employee: StackUser) -> bool:
        question = {
            "subject": {"type": "user", "id": employee.user_id},
            "action": {"name": "crm.import"},
            "resource": {"type": "account", "id": self.account_id},
        }
        return bool(self.send("decide", lambda: self.decider.post("/access/v1/evaluation", question)).json["decision"])

    def approve(self, secret: str) -> ApiResponse:
        body = {"secret": secret, "account_id": self.account_id}
        return self.post("approve", self.admin, "/access-links/approvals", body)

    def migrate(self) -> None:
        body = {"user_id": self.employee(1).user_id}
        done = self.post("migrate", self.admin, f"/accounts/{self.account_id}/migrations", body)
        assert done.status == HTTPStatus.CREATED, done

    def request_contended_seat(self) -> None:
        """Request a seat in an account with fewer seats than employees."""
        body = {"email": self.employee(0).email, "permission_set": "partner_admin"}
        self.post("create a user", self.admin, f"/accounts/{self.contended_account}/users", body)

    def approve_contended_link(self) -> None:
        """Approve a link that fewer accounts can use than try."""
        self.approve(self.contended_secret)


@pytest.fixture
def callers(stack_users: StackUsers) -> list[ConcurrentCaller]:
    """Return the callers, each with an account of their own and a super admin to migrate."""
    contended = stack_users.a_client(*stack_users.clients, partner_seat_limit=SEATS)
    _, secret = stack_users.a_link(stack_users.employees[-1], max_approvals=APPROVALS)
    decider = stack_users.stack.machine_client(DECIDE_SCOPE)
    callers = []
    for number in range(CALLERS):
        account_id = stack_users.a_client(stack_users.clients[number % len(stack_users.clients)])
        callers.append(ConcurrentCaller(number, stack_users, decider, account_id, contended, secret))
        stack_users.add_member(account_id, callers[-1].employee(1), "super_admin")
    return callers


@pytest.mark.usefixtures("invariants_hold")
def test_concurrent_callers_find_acknowledged_changes_in_table_and_audit_log(
    stack_users: StackUsers, callers: list[ConcurrentCaller]
) -> None:
    before = TableContent(stack_users.stack.items())
    began = time.monotonic()
    _all_at_once(callers)
    seconds = time.monotonic() - began
    after = _table_when_emails_are_sent(stack_users)
    seconds_with_emails = time.monotonic() - began

    attempts = list(chain.from_iterable(each.attempts for each in callers))
    first = [each for each in attempts if each.operation in EVENTS]
    acknowledged = Counter(
        EVENTS[each.operation] for each in first if each.response.status < HTTPStatus.MULTIPLE_CHOICES
    )
    written = Counter(after.acts[name]["event"] for name in after.acts.keys() - before.acts.keys())
    recorded = Counter({event: written[event] for event in EVENTS.values()})
    differing = (recorded - acknowledged) + (acknowledged - recorded)
    assert not differing
    assert acknowledged["link.created"] == CALLERS + sum(each.lost_links for each in callers)
    assert acknowledged["super_admin.migrated"] == CALLERS
    assert acknowledged["link.approved"] == CALLERS + min(APPROVALS, CALLERS)
    assert acknowledged["member.created"] == SEATS
    _must_be_recorded(after, first)
    _note(attempts, acknowledged, differing, seconds, seconds_with_emails)


def _all_at_once(callers: list[ConcurrentCaller]) -> None:
    gate = Barrier(len(callers))

    def one(caller: ConcurrentCaller) -> None:
        gate.wait(STARTS_WITHIN)
        caller.run()

    with ThreadPoolExecutor(len(callers)) as threads:
        list(threads.map(one, callers))


def _table_when_emails_are_sent(stack_users: StackUsers) -> TableContent:
    """Wait until no email is due, and return the table.

    An invariant ensures that each operation queues its email. Emails that wait for SES feedback are not due.
    """
    deadline = time.monotonic() + EMAILS_WITHIN
    while due := _due(table := TableContent(stack_users.stack.items())):
        assert time.monotonic() < deadline, f"{due} emails are not out"
        time.sleep(1)
    return table


def _due(table: TableContent) -> int:
    return sum(item["next_at"] <= time.time() for item in table.outbox.values())


def _must_be_recorded(table: TableContent, attempts: list[Attempt]) -> None:
    """Assert that each acknowledged link exists, and each acknowledged grant unless it was ended since."""
    acknowledged: dict[str, list[Any]] = {}
    for each in attempts:
        if each.response.status < HTTPStatus.MULTIPLE_CHOICES:
            acknowledged.setdefault(each.operation, []).append(each.response)
    links = {response.json["link_id"] for response in acknowledged["create a link"]}
    assert len(links) == len(acknowledged["create a link"])
    assert links <= {link.removeprefix("LINK#") for link in table.links}
    given = {
        _where(response.json.get("grant", response.json))
        for what in ("approve", "migrate", "create a user")
        for response in acknowledged[what]
    }
    ended = {tuple(response.path.split("/")[2::2]) for response in acknowledged.get("end", ())}
    assert {key for key in given if "grant" in table.members[key]} == given - ended


def _where(shown: Json) -> tuple[str, str]:
    return shown["account_id"], shown["user_id"]


def _note(
    attempts: list[Attempt],
    acknowledged: Counter[str],
    differing: Counter[str],
    seconds: float,
    seconds_with_emails: float,
) -> None:
    taken = statistics.quantiles((each.milliseconds for each in attempts), n=100)
    by_status = Counter(each.response.status for each in attempts)
    again = Counter(each.response.code or str(each.response.status) for each in attempts if not each.is_final)
    counts.record(
        "concurrent_callers",
        Figure(name="callers at once", measured=CALLERS, unit=""),
        Figure(
            name="acts acknowledged, each found once in the table and in the audit log",
            measured=acknowledged.total(),
            unit="",
        ),
        Figure(name="acts lost, or performed twice", measured=differing.total(), target=0, unit=""),
        *(
            Figure(name=f"responses with {status}", measured=count, unit="")
            for status, count in sorted(by_status.items())
        ),
        *(Figure(name=f"tried again after {code}", measured=count, unit="") for code, count in sorted(again.items())),
        Figure(name="p50 of a request, on the emulator", measured=taken[49], unit="ms"),
        Figure(name="p99 of a request, on the emulator", measured=taken[98], unit="ms"),
        Figure(name="all of it, on the emulator", measured=seconds, unit="s"),
        Figure(name="all of it and its emails, on the emulator", measured=seconds_with_emails, unit="s"),
    )
