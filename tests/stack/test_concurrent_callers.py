"""Many callers at once, each with a morning's work, some after the same seats and links: nothing acknowledged is lost.

`make bench` asks for a hundred of them, the gate for a few.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from threading import Barrier
from typing import Any, Final

import pytest

from tests.stack.stack_users import AGAIN, FIRM, SECRET, Resident, Town, a_key
from tools.api_client import Answer, Caller, Json
from tools.bench import counts
from tools.bench.figures import Figure
from tools.sign_in import DECIDE
from tools.whole_table import Table

CALLERS: Final = 100 if counts.is_asked_for() else 3
SEATS: Final = 2
APPROVALS: Final = 2
ATTEMPTS: Final = 40
STARTS_WITHIN: Final = 30.0
LETTERS_WITHIN: Final = 60.0
TOLD: Final = {
    "create a link": "link.created",
    "approve": "link.approved",
    "migrate": "super_admin.migrated",
    "create a user": "member.created",
    "edit": "member.updated",
    "end": "grant.revoked",
}
"""What a caller does, and what the trail says of it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and how it was answered."""

    what: str
    answer: Answer
    milliseconds: float

    @property
    def is_final(self) -> bool:
        return self.answer.code not in AGAIN and self.answer.status < HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(slots=True)
class Somebody:
    """One caller in a thread of his own: an account that he runs, and all that he was answered."""

    number: int
    town: Town
    decider: Caller
    account_id: str
    contended_account: str
    contended_secret: str
    attempts: list[Attempt] = field(default_factory=list)
    lost_links: int = 0

    @property
    def admin(self) -> Caller:
        return self._resident.caller

    @property
    def _resident(self) -> Resident:
        return self.town.clients[self.number % len(self.town.clients)]

    def employee(self, nth: int) -> Resident:
        """Another one for each of a caller's needs, but for the last, who is everybody's."""
        return self.town.employees[(self.number + nth) % (len(self.town.employees) - 1)]

    def tries(self, what: str, attempt: Callable[[], Answer]) -> Answer:
        """As a good client does: the same again, with the same key, until the answer is final."""
        made = self.tried(what, attempt)
        for nth in range(1, ATTEMPTS):
            if made.is_final:
                break
            time.sleep(0.05 * nth)
            made = self.tried(what, attempt)
        return made.answer

    def tried(self, what: str, attempt: Callable[[], Answer]) -> Attempt:
        began = time.perf_counter()
        made = Attempt(what, attempt(), (time.perf_counter() - began) * 1000)
        self.attempts.append(made)
        return made

    def posts(self, what: str, caller: Caller, path: str, body: Mapping[str, object]) -> Answer:
        """Done once and asked for twice: the second answer is the first."""
        key = a_key()
        first = self.tries(what, lambda: caller.post(path, dict(body), key=key))
        if self.number % 5 == 0 and first.status == HTTPStatus.CREATED and what != "create a link":
            again = self.tries(f"{what}, again", lambda: caller.post(path, dict(body), key=key))
            assert again.json == first.json
            assert again.headers["idempotent-replayed"] == "true"
        return first

    def works(self) -> None:
        """Each begins with another part, so that all functions are busy at once."""
        parts = [self.lets_somebody_in, self.migrates, self.is_after_a_seat, self.is_after_a_link]
        for part in (*parts[self.number % 4 :], *parts[: self.number % 4]):
            part()

    def lets_somebody_in(self) -> None:
        """From the link to the end of the access; half of them let it stand."""
        employee, users = self.employee(0), f"/accounts/{self.account_id}/users"
        approved = self.approves(self.secret_for(employee))
        assert approved.status == HTTPStatus.CREATED, approved
        assert self.is_allowed(employee)
        seen = self.seen(f"{users}/{employee.user_id}")
        key, change = a_key(), {"permissions": {"remove": ["crm.import"]}}
        edited = self.tries(
            "edit",
            lambda: self.admin.call(
                "PATCH", f"{users}/{employee.user_id}", change, key=key, headers={"if-match": seen}
            ),
        )
        assert edited.status == HTTPStatus.OK, edited
        assert not self.is_allowed(employee)
        if self.number % 2:
            tag = {"if-match": self.seen(f"{users}/{employee.user_id}")}
            ended = self.tries(
                "end", lambda: self.admin.call("DELETE", f"{users}/{employee.user_id}", key=key, headers=tag)
            )
            assert ended.status == HTTPStatus.NO_CONTENT, ended

    def seen(self, path: str) -> str:
        """The version that stands there now, which an answer that is told again does not name."""
        return str(self.tries("look", lambda: self.admin.get(path)).headers["etag"])

    def secret_for(self, employee: Resident) -> str:
        """Told in the first answer alone: where that one was lost, it takes another link."""
        for _ in range(ATTEMPTS):
            asked = {"employee_id": employee.user_id}
            made = self.posts("create a link", self.town.manager.caller, f"/partners/{FIRM}/access-links", asked)
            told = SECRET.search(str(made.json.get("url")))
            if told:
                return told.group(1)
            self.lost_links += 1
        raise AssertionError(f"no link for {employee.user_id} told its secret")

    def is_allowed(self, employee: Resident) -> bool:
        question = {
            "subject": {"type": "user", "id": employee.user_id},
            "action": {"name": "crm.import"},
            "resource": {"type": "account", "id": self.account_id},
        }
        return bool(self.tries("decide", lambda: self.decider.post("/access/v1/evaluation", question)).json["decision"])

    def approves(self, secret: str) -> Answer:
        asked = {"secret": secret, "account_id": self.account_id}
        return self.posts("approve", self.admin, "/access-links/approvals", asked)

    def migrates(self) -> None:
        asked = {"user_id": self.employee(1).user_id}
        done = self.posts("migrate", self.admin, f"/accounts/{self.account_id}/migrations", asked)
        assert done.status == HTTPStatus.CREATED, done

    def is_after_a_seat(self) -> None:
        """Of an account with fewer seats than there are employees."""
        wish = {"email": self.employee(0).email, "permission_set": "partner_admin"}
        self.posts("create a user", self.admin, f"/accounts/{self.contended_account}/users", wish)

    def is_after_a_link(self) -> None:
        """That fewer accounts may approve than try."""
        self.approves(self.contended_secret)


@pytest.fixture
def crowd(town: Town) -> list[Somebody]:
    """Everybody with an account of his own, with somebody in it to migrate."""
    contended = town.a_client(*town.clients, partner_seat_limit=SEATS)
    _, secret = town.a_link(town.employees[-1], max_approvals=APPROVALS)
    decider = town.stack.machine(DECIDE)
    people = []
    for number in range(CALLERS):
        account_id = town.a_client(town.clients[number % len(town.clients)])
        people.append(Somebody(number, town, decider, account_id, contended, secret))
        town.join(account_id, people[-1].employee(1), "super_admin")
    return people


@pytest.mark.usefixtures("sound")
def test_what_a_crowd_was_told_is_so(town: Town, crowd: list[Somebody]) -> None:
    before = Table(town.stack.items())
    began = time.monotonic()
    _all_at_once(crowd)
    seconds = time.monotonic() - began
    after = _when_letters_are_out(town)

    attempts = list(chain.from_iterable(each.attempts for each in crowd))
    first = [each for each in attempts if each.what in TOLD]
    acknowledged = Counter(TOLD[each.what] for each in first if each.answer.status < HTTPStatus.MULTIPLE_CHOICES)
    written = Counter(after.acts[name]["event"] for name in after.acts.keys() - before.acts.keys())
    told_of = Counter({event: written[event] for event in TOLD.values()})
    differing = (told_of - acknowledged) + (acknowledged - told_of)
    assert not differing
    assert acknowledged["link.created"] == CALLERS + sum(each.lost_links for each in crowd)
    assert acknowledged["super_admin.migrated"] == CALLERS
    assert acknowledged["link.approved"] == CALLERS + min(APPROVALS, CALLERS)
    assert acknowledged["member.created"] == SEATS
    _is_as_told(after, first)
    _note(attempts, acknowledged, differing, seconds)


def _all_at_once(crowd: list[Somebody]) -> None:
    gate = Barrier(len(crowd))

    def one(somebody: Somebody) -> None:
        gate.wait(STARTS_WITHIN)
        somebody.works()

    with ThreadPoolExecutor(len(crowd)) as threads:
        list(threads.map(one, crowd))


def _when_letters_are_out(town: Town) -> Table:
    """That every act has its letter is an invariant; here none that is due may be left lying: some wait for a report."""
    patience = time.monotonic() + LETTERS_WITHIN
    while due := _due(table := Table(town.stack.items())):
        assert time.monotonic() < patience, f"{due} letters are not out"
        time.sleep(1)
    return table


def _due(table: Table) -> int:
    return sum(item["next_at"] <= time.time() for item in table.outbox.values())


def _is_as_told(table: Table, attempts: list[Attempt]) -> None:
    """Each link that somebody was told of is there, and each grant where it was given, unless it was ended since."""
    told: dict[str, list[Any]] = {}
    for each in attempts:
        if each.answer.status < HTTPStatus.MULTIPLE_CHOICES:
            told.setdefault(each.what, []).append(each.answer)
    links = {answer.json["link_id"] for answer in told["create a link"]}
    assert len(links) == len(told["create a link"])
    assert links <= {link.removeprefix("LINK#") for link in table.links}
    given = {
        _where(answer.json.get("grant", answer.json))
        for what in ("approve", "migrate", "create a user")
        for answer in told[what]
    }
    ended = {tuple(answer.path.split("/")[2::2]) for answer in told.get("end", ())}
    assert {where for where in given if "grant" in table.members[where]} == given - ended


def _where(shown: Json) -> tuple[str, str]:
    return shown["account_id"], shown["user_id"]


def _note(attempts: list[Attempt], acknowledged: Counter[str], differing: Counter[str], seconds: float) -> None:
    taken = statistics.quantiles((each.milliseconds for each in attempts), n=100)
    by_status = Counter(each.answer.status for each in attempts)
    again = Counter(each.answer.code or str(each.answer.status) for each in attempts if not each.is_final)
    counts.note(
        "crowd",
        Figure(name="callers at once", measured=CALLERS, unit=""),
        Figure(
            name="acts acknowledged, each found once in the table and in the trail",
            measured=acknowledged.total(),
            unit="",
        ),
        Figure(name="acts lost, or come true twice", measured=differing.total(), target=0, unit=""),
        *(
            Figure(name=f"answers with {status}", measured=count, unit="")
            for status, count in sorted(by_status.items())
        ),
        *(Figure(name=f"tried again after {code}", measured=count, unit="") for code, count in sorted(again.items())),
        Figure(name="p50 of a request, on the emulator", measured=taken[49], unit="ms"),
        Figure(name="p99 of a request, on the emulator", measured=taken[98], unit="ms"),
        Figure(name="all of it, on the emulator", measured=seconds, unit="s"),
    )
