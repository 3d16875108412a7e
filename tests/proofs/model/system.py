"""The product with the model beside it: whatever is asked of one is asked of the other, and they must agree after each."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final

import pytest

from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.permissions import catalogue
from partner_access.store import dynamo
from tests.proofs.model.model import NOT_FORESEEN, ROUTES, Asked, Entry, Model
from tests.support import background_functions, faults, gateway, set_versions
from tests.support.authzen_requests import SHIPPED, action, resource, subject
from tests.support.background_functions import CLEAN_UP, EXPIRE_LINKS, RECORD_DELIVERY, SEAL_TRAIL, SEND_LETTERS, Clock
from tests.support.fake_event_bus import Listener, listener
from tests.support.fake_ses import Mailbox, bounced, mailbox, report
from tests.support.fake_tree_head_store import vault
from tests.support.gateway import Answer, Context
from tests.support.gateway import send as knock
from tests.support.random_operations import CLIENTS, FIRMS, PEOPLE, Acts
from tests.support.reference_policy import read
from tests.support.table import Item, Table, differences
from tools.invariants import broken

API: Final = "partner_access.api.routing"
KEY_HOLDS: Final = timedelta(hours=24)
SKEW: Final = timedelta(seconds=5)
"""By how much the clock of a function may be ahead."""
WITHOUT_MEMORY: Final = frozenset({"url"})
"""Told once."""

_names = count(1)


@dataclass(frozen=True, slots=True)
class Moment:
    """By which chance something happens, how far the clock of the function is off, and what AWS makes of its nth call."""

    seed: int
    skew: int = 0
    trouble: str | None = None
    call: int = 0


def _at_a_call(fault: faults.Fault, call: int) -> AbstractContextManager[object]:
    return faults.at(dynamo.client(), "", *(faults.works,) * call, fault)


TROUBLES: Final[Mapping[str, Callable[[int], AbstractContextManager[object]]]] = {
    "throttled": lambda call: _at_a_call(faults.says("ThrottlingException"), call),
    "throttled for ever": lambda call: faults.at(
        dynamo.client(), "", *(faults.works,) * call, then=faults.says("ThrottlingException")
    ),
    "broken down": lambda call: _at_a_call(faults.says("InternalServerError", 500), call),
    "in conflict": lambda call: faults.at(
        dynamo.client(), "TransactWriteItems", *(faults.works,) * (call % 2), faults.CONFLICTS
    ),
    "unheard": lambda call: _at_a_call(faults.goes_unheard, call),
    "unanswered": lambda call: _at_a_call(faults.goes_unanswered, call),
    "killed before": lambda call: _at_a_call(faults.kills_before, call),
    "killed after": lambda call: _at_a_call(faults.kills_after, call),
}
"""The nth call to the table from now on is in it, from 0."""


class Town:
    """Both, at one point of time; `done` and `refused` count by operation what they agreed on."""

    def __init__(
        self, table: Table, clock: Clock, box: Mailbox, heard: Listener, publish: Callable[..., None], model: Model
    ) -> None:
        self.table, self.clock, self.box, self.heard, self.publish = table, clock, box, heard, publish
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.troubled: Counter[str] = Counter()
        self.model, self.moment = model, Moment(0)
        self.forget()

    def begin(self) -> None:
        """The vendor tells of everybody."""
        self.publish_version(1)
        Acts(self.table, self.clock, Random(0)).begin()
        self.begun = self.table.aside(), deepcopy(self.model), self.clock.time, self.letters, self.trail

    def forget(self) -> None:
        """Nothing was asked or brought yet."""
        self.steps = 0
        self.kept: list[tuple[dict[str, Any], Answer, datetime]] = []
        self.items: list[Item] = []
        self.trail: list[Item] = []
        self.letters: list[Item] = []
        self.followed = 0
        self.published: dict[tuple[str, str], str] = {}
        self.reported: list[dict[str, Any]] = []

    def begin_anew(self) -> None:
        """As it was when the vendor had told of everybody."""
        items, model, at, letters, trail = self.begun
        self.forget()
        self.table.back_to(items)
        self.items = self.table.items()
        self.model, self.clock.time = deepcopy(model), at
        self.letters, self.trail = list(letters), list(trail)
        self.acts = Acts(self.table, self.clock, Random(0))
        self.box.sent.clear()
        self.box.tried.clear()
        self.heard.heard.clear()
        self.heard.tried.clear()
        self.publish_version(1)

    def publish_version(self, version: int) -> None:
        """From now on two of the vendor's sets are given in this version."""
        self.publish(**{name: each[:version] for name, each in VERSIONS.items()})

    @property
    def at(self) -> int:
        return int(self.clock.time.timestamp())

    # somebody acts

    def happens(self, moment: Moment, act: Callable[[Acts], object]) -> None:
        """Somebody's act, and what it should come to; then somebody asks what anybody may do."""
        self.steps += 1
        self.moment, self.acts.chance = moment, Random(f"{moment.seed} {self.steps}")
        act(self.acts)
        self.somebody_asks()

    def send(self, made: Mapping[str, Any], context: Context | None = None) -> Answer:
        """A request that changes something is foreseen; the rest goes its way."""
        if made["routeKey"] not in ROUTES:
            return knock(made, context)
        key = f'"town-{next(_names)}"'
        self.asked = {**made, "headers": {"idempotency-key": key, **made["headers"]}}
        with self.out_of_step():
            answer = self.answered(self.asked)
            expected = self.model.take(asked(self.asked), answer.body if answer.text else {}, self.at)
            foreseen = list(self.model.entries)
            if self.moment.trouble and "employees" in made["routeKey"]:
                background_functions.clean_up()
                self.model.clean_up(self.at)
                foreseen += self.model.entries
        self.must_be(answer, expected)
        told: AbstractSet[str] = NOT_FORESEEN if "employees" in made["routeKey"] else frozenset()
        self.agree(foreseen, but=told)
        is_whole = not any(outcome == "failed" for outcome, _ in self.model.rows)
        if answer.status < 300 and is_whole:
            self.kept.append((self.asked, answer, self.clock.time))
        return answer

    def must_be(self, answer: Answer, expected: str) -> None:
        code = answer.code if answer.status >= 400 else ""
        # the end of the link came true, and its first answer was lost
        lost = self.moment.trouble and (expected, code) == ("not_eligible", "link_revoked")
        assert code == expected or lost, (expected, answer, self.asked)
        if answer.status < 400 and self.model.rows:
            rows = [(row["outcome"], row.get("reason")) for row in answer.body["items"]]
            assert rows == self.model.rows, (rows, self.model.rows, self.asked)
        for outcome in [outcome for outcome, _ in self.model.rows] or ["refused" if code else "done"]:
            self.count(str(self.asked["routeKey"]), is_done=outcome == "done")

    def count(self, what: str, *, is_done: bool) -> None:
        (self.done if is_done else self.refused)[what] += 1

    @contextmanager
    def out_of_step(self) -> Iterator[None]:
        """The clock of the function is off."""
        self.clock.passes(seconds=self.moment.skew)
        try:
            yield
        finally:
            self.clock.passes(seconds=-self.moment.skew)

    def answered(self, made: Mapping[str, Any]) -> Answer:
        """What came to an end without an answer, or to one that says so, is tried again with the same key."""
        try:
            with self.in_trouble():
                answer = knock(made)
        except faults.Killed:
            return knock(made)
        if answer.status == 503 or "temporarily_unavailable" in answer.text:
            return knock(made)
        return answer

    def in_trouble(self) -> AbstractContextManager[object]:
        if not self.moment.trouble:
            return nullcontext()
        self.troubled[self.moment.trouble] += 1
        return TROUBLES[self.moment.trouble](self.moment.call)

    def asks_again(self, moment: Moment) -> None:
        """The same key brings the same answer for a day, without what is told once, and nothing happens."""
        recent = [each for each in self.kept if self.clock.time - each[2] < KEY_HOLDS]
        if not recent:
            return
        made, first, _ = Random(moment.seed).choice(recent)
        again = knock(made)
        assert (again.status, again.replayed) == (first.status, True), again
        if first.text:
            assert {**again.body, **dict.fromkeys(WITHOUT_MEMORY)} == {**first.body, **dict.fromkeys(WITHOUT_MEMORY)}
        self.must_be_as_before()
        self.count("the same again", is_done=True)

    def must_be_as_before(self) -> None:
        changed = differences(self.items, self.table.items())
        assert not changed, changed

    def somebody_asks(self) -> None:
        chance = self.acts.chance
        user, account = chance.choice(PEOPLE), chance.choice((*CLIENTS, *FIRMS))
        permission = chance.choice(sorted(catalogue.CATALOGUE))
        question = {
            "subject": subject(user),
            "action": action(permission),
            "resource": resource(account, "account"),
        }
        self.model.at = self.at
        may = SHIPPED.decides(question)
        assert may == self.model.decides(user, permission, account), (user, permission, account)
        self.count("a decision", is_done=may)

    # nobody acts

    def time_passes(self, moment: Moment) -> None:
        self.clock.passes(hours=Random(moment.seed).choice((1, 12, 24, 24 * 3, 24 * 8)))

    def publishes(self, _: Moment) -> None:
        """The vendor gives two of its sets in a second version from now on."""
        self.publish_version(2)

    def sweeps(self, moment: Moment) -> None:
        self.works(lambda: background_functions.run(EXPIRE_LINKS, {}), self.model.sweep, moment)
        self.count("expiry sweep", is_done=True)

    def cleans_up(self, moment: Moment) -> None:
        self.works(background_functions.clean_up, self.model.clean_up, moment)
        self.count("clean-up", is_done=True)

    def works(self, run: Callable[[], object], foresee: Callable[[int], None], moment: Moment) -> None:
        """A worker that is cut off comes by again, in another minute; what it does twice is done once."""
        self.moment = moment
        with self.out_of_step():
            try:
                with self.in_trouble():
                    run()
            except (faults.Killed, TemporarilyUnavailable):
                self.count("a worker cut off", is_done=True)
            if moment.trouble:
                run()
            foresee(self.at)
        self.agree(self.model.entries, but=NOT_FORESEEN)

    def mails(self, moment: Moment) -> None:
        """Letters go out by the stream and by the sweep; SES may be busy; each copy goes once."""
        chance, before = Random(moment.seed), len(self.box.sent)
        if chance.random() < 0.3:
            self.box.plan.append(faults.says("TooManyRequestsException", 429))
        if self.letters:
            start = chance.randrange(len(self.letters))
            assert background_functions.stream(self.letters[start : start + 5]) == {"batchItemFailures": []}
        background_functions.sweep()
        self.box.plan.clear()
        sent = Counter(each.delivery for each in self.box.sent)
        assert not [delivery for delivery, times in sent.items() if times > 1]
        self.count("mailer", is_done=len(self.box.sent) > before)
        self.agree(but=NOT_FORESEEN)

    def reports(self, moment: Moment) -> None:
        """SES tells what became of a letter, perhaps twice, perhaps of one that is none of ours."""
        chance = Random(moment.seed)
        if self.box.sent and chance.random() < 0.8:
            copy = chance.choice(self.box.sent)
            new = [report("Send", copy.delivery, copy.address), bounced(copy), bounced(copy, "Transient")]
            self.reported.append(chance.choice(new))
        for each in chance.sample(self.reported, min(2, len(self.reported))):
            background_functions.run(RECORD_DELIVERY, each)
        background_functions.run(RECORD_DELIVERY, report("Bounce", "delivery-unknown"))
        self.count("delivery reports", is_done=bool(self.reported))
        self.agree()

    def follows(self, moment: Moment) -> None:
        """The stream of the trail, perhaps from an earlier record again: every entry gets one place, and keeps it."""
        chance = Random(moment.seed)
        start = max(0, self.followed - chance.choice([0, 0, 5, 30]))
        batch = self.trail[start : self.followed + chance.randint(1, 40)]
        if not batch:
            return
        for _ in range(chance.choice([1, 1, 2])):
            background_functions.publish_audit_events(batch)
        self.followed = max(self.followed, start + len(batch))
        for event in self.heard.events:
            name = event["source"], event["id"]
            assert self.published.setdefault(name, event["sequence"]) == event["sequence"]
        assert set(self.published) == {(_source(item), item["audit_id"]) for item in self.trail[: self.followed]}
        self.count("followed trail", is_done=True)
        self.agree()

    def seals(self, moment: Moment) -> None:
        for _ in range(1 + moment.seed % 2):
            background_functions.run(SEAL_TRAIL, {})
        self.count("sealed trail", is_done=True)
        self.agree()

    def settles(self) -> None:
        """At the end of the day nothing is left to do, and the product still agrees with the model."""
        self.moment = Moment(0)
        for number in range(3):
            self.clock.passes(minutes=10)
            self.sweeps(Moment(number))
            self.cleans_up(Moment(number))
        assert self.table.under("RECONCILIATION#") == []
        self.acts.chance = Random(0)
        for _ in range(5):
            self.somebody_asks()

    # agreement

    def agree(self, foreseen: list[Entry] | None = None, *, but: AbstractSet[str] = frozenset()) -> None:
        """The table is what the model says, nothing is broken, and there is one entry for each account concerned."""
        before = {(item["pk"], item["sk"]) for item in self.items}
        self.items = self.table.items()
        new = [item for item in self.items if (item["pk"], item["sk"]) not in before]
        entries = [item for item in new if item["pk"].startswith("AUDIT#")]
        self.trail += sorted(entries, key=lambda item: str(item["audit_id"]))
        self.letters += [item for item in new if item["pk"].startswith("OUTBOX#")]
        if foreseen is not None:
            told = Counter({item["audit_id"]: _entry(item) for item in entries}.values())
            wanted = Counter(foreseen)
            extra = [entry for entry in told - wanted if entry[0] not in but]
            assert wanted <= told, (wanted - told, self.moment)
            assert not extra, (extra, self.moment)
        is_broken = broken(self.items, at=self.clock.time + SKEW)
        assert not is_broken, is_broken
        found, wanted_ones = kept(self.items), wanted_by(self.model)
        for kind, ones in wanted_ones.items():
            others = {each for each in ones | found[kind] if ones.get(each) != found[kind].get(each)}
            assert not others, [(each, found[kind].get(each), "and by the model", ones.get(each)) for each in others]


def asked(made: Mapping[str, Any]) -> Asked:
    """What a request says."""
    by = made["requestContext"]["authorizer"]["jwt"]["claims"]
    seen = made["headers"].get("if-match")
    return Asked(
        route=made["routeKey"],
        by=by["sub"],
        for_vendor=by["scope"] == gateway.DIRECTORY,
        path=made.get("pathParameters", {}),
        body=json.loads(made.get("body") or "{}"),
        seen=seen and seen.strip('"'),
    )


def _source(item: Item) -> str:
    return str(item["pk"]).replace("AUDIT#", "/accounts/")


def _entry(item: Item) -> Entry:
    return str(item["event"]), tuple(sorted(item["accounts"]))


def kept(items: list[Item]) -> dict[str, Any]:
    """What the product keeps of what the model knows."""
    found: dict[str, Any] = {"accounts": {}, "users": {}, "members": {}, "links": {}, "sets": {}}
    for item in items:
        kind = item["sk"].partition("#")[0]
        match item["pk"].partition("#")[0], kind:
            case "ACCOUNT", "ACCOUNT":
                found["accounts"][item["account_id"]] = (
                    item.get("state"), item.get("program"), item.get("partner_seat_limit"), int(item.get("partner_seats_used", 0)),
                )  # fmt: skip
            case "USER", "USER":
                leavings = {firm: int(times) for firm, times in item.get("offboardings", {}).items()}
                works_for = sorted(item.get("employed_by", ()))
                found["users"][item["user_id"]] = item.get("email"), item["active"], leavings, works_for
            case "ACCOUNT", "MEMBER":
                found["members"][item["account_id"], item["user_id"]] = _member(item)
            case "PARTNER", "LINK":
                found["links"][item["link_id"]] = (
                    item["stored_state"], int(item["approvals"]), int(item["expires_at"]), item.get("renewal_requested", False),
                )  # fmt: skip
            case "ACCOUNT", "SET":
                found["sets"][item["account_id"], item["set_id"]] = (
                    read(tuple(item["permissions"])),
                    int(item["version"]),
                )
    return found


def _member(item: Item) -> dict[str, Any]:
    grant, previous = item.get("grant"), item.get("previous")
    ends = grant and grant.get("expires_at")
    return {
        "active": item["active"],
        "set": (item["permission_set"], int(item["set_version"])),
        "overrides": (tuple(item.get("added", ())), tuple(item.get("removed", ()))),
        "seats": (item.get("seat"), tuple(item.get("paid_seats", ()))),
        "partner": item.get("partner_id"),
        "grant": grant and (grant["partner_id"], ends and int(ends)),
        "previous": previous and previous["permission_set"],
        "suspended_by": set(item.get("suspended_by", ())) & {"client", "partner"},
    }


def wanted_by(model: Model) -> dict[str, Any]:
    """The same by the model."""
    return {
        "accounts": {
            each: (found["state"], found.get("program", "active"), found["partner_seat_limit"], model.taken(each))
            for each, found in model.accounts.items()
        },
        "users": {
            each: (found["email"], found["active"], found["offboardings"], sorted(model.works_for(each)))
            for each, found in model.users.items()
        },
        "members": {where: _member(found) for where, found in model.members.items()},
        "links": {
            each: (found["stored_state"], found["approvals"], found["expires_at"], found["renewal_requested"])
            for each, found in model.links.items()
        },
        "sets": {where: (read(found["permissions"]), found["version"]) for where, found in model.sets.items()},
    }


VERSIONS: Final = {
    "partner_admin": (tuple(name for name in set_versions.FULL if name not in set_versions.NEW), set_versions.FULL),
    "sales": (set_versions.SALES, (*set_versions.SALES, *set_versions.NEW)),
}


@contextmanager
def town(table: Table, model: Model) -> Iterator[Town]:
    """With all that is outside of it: time, mail, the bus, the vault, and no waiting."""
    with (
        pytest.MonkeyPatch.context() as patched,
        mailbox() as box,
        listener() as heard,
        vault(),
        set_versions.of_sets() as publish,
    ):
        clock = Clock(patched, API, EXPIRE_LINKS, CLEAN_UP, SEND_LETTERS, SEAL_TRAIL)
        patched.setattr(time, "sleep", lambda _: None)
        here = Town(table, clock, box, heard, publish, model)
        patched.setattr(gateway, "send", here.send)
        here.begin()
        yield here
