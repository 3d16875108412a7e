"""The product and the model side by side. Every request goes to both, and both must agree after each."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final

import pytest

from partner_access.domain.errors import TemporarilyUnavailable
from partner_access.domain.permissions import catalogue
from partner_access.store import dynamo
from tests.proofs.model.model import NOT_PREDICTED, ROUTES, Entry, Model, ModelRequest
from tests.support import background_functions, faults, gateway, set_versions
from tests.support.authzen_requests import DEPLOYED, action, resource, subject
from tests.support.background_functions import (
    EXPIRE_LINKS,
    RECORD_EMAIL_FEEDBACK,
    SIGN_AUDIT_LOG,
    WORKER,
    Clock,
)
from tests.support.fake_event_bus import FakeEventBus, fake_event_bus
from tests.support.fake_ses import FakeSes, bounce_feedback, fake_ses, feedback
from tests.support.fake_tree_head_store import fake_tree_head_store
from tests.support.gateway import ApiResponse, Context
from tests.support.gateway import send_event as send_to_product
from tests.support.random_accounts import CLIENTS, DOMAIN_OF_PARTNER, USERS
from tests.support.random_operations import RandomOperations
from tests.support.reference_policy import parse_reach
from tests.support.table import Item, Table, differences
from tools.invariants import violations

API: Final = "partner_access.api.routing"
BEFORE_CHANGES: Final = datetime(2026, 10, 24, 20, 30, tzinfo=UTC)
"""The start of each day of the model: within eight days, Berlin, Cairo and New York change to winter time."""
KEY_LIFETIME: Final = timedelta(hours=24)
SKEW: Final = timedelta(seconds=5)
"""Maximum lead of a function's clock."""
FIRST_RESPONSE_ONLY: Final = frozenset({"url"})
"""Fields that only the first response contains, and no replay."""

_names = count(1)


@dataclass(frozen=True, slots=True)
class Moment:
    """The conditions of one step.

    `seed` drives its random choices. `skew` is the offset of the function's clock in seconds.
    `fault` names the fault that hits the table call with index `call`.
    """

    seed: int
    skew: int = 0
    fault: str | None = None
    call: int = 0


def _at_call(fault: faults.Fault, call: int) -> AbstractContextManager[object]:
    return faults.inject(dynamo.client(), "", *(faults.succeeds,) * call, fault)


FAULTS: Final[Mapping[str, Callable[[int], AbstractContextManager[object]]]] = {
    "throttled": lambda call: _at_call(faults.aws_error("ThrottlingException"), call),
    "throttled for ever": lambda call: faults.inject(
        dynamo.client(), "", *(faults.succeeds,) * call, last_fault=faults.aws_error("ThrottlingException")
    ),
    "server error": lambda call: _at_call(faults.aws_error("InternalServerError", 500), call),
    "in conflict": lambda call: faults.inject(
        dynamo.client(), "TransactWriteItems", *(faults.succeeds,) * (call % 2), faults.WRITE_CONFLICT
    ),
    "request lost": lambda call: _at_call(faults.request_lost, call),
    "response lost": lambda call: _at_call(faults.response_lost, call),
    "killed before": lambda call: _at_call(faults.killed_before, call),
    "killed after": lambda call: _at_call(faults.killed_after, call),
}
"""Each fault by name. It hits the table call with the given index, counted from 0."""


class System:
    """The product and the model at one point in time.

    `done` and `rejected` count, for each operation, the outcomes on which they agreed.
    """

    def __init__(
        self,
        table: Table,
        clock: Clock,
        mailbox: FakeSes,
        event_bus: FakeEventBus,
        publish: Callable[..., None],
        model: Model,
    ) -> None:
        self.table, self.clock, self.mailbox, self.event_bus, self.publish = table, clock, mailbox, event_bus, publish
        self.done: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.faulted: Counter[str] = Counter()
        self.model, self.conditions = model, Moment(0)
        self.clear_history()

    def create_everyone(self) -> None:
        """Create all accounts, users and members through the directory API. The result is the starting state."""
        self.publish_version(1)
        RandomOperations(self.table, self.clock, Random(0)).create_accounts()
        self.starting_state = (
            self.table.snapshot(),
            deepcopy(self.model),
            self.clock.time,
            self.outbox_items,
            self.audit_entries,
        )

    def clear_history(self) -> None:
        """Clear everything that was recorded about earlier requests, entries and notifications."""
        self.steps = 0
        self.repeatable: list[tuple[dict[str, Any], ApiResponse, datetime]] = []
        self.items: list[Item] = []
        self.audit_entries: list[Item] = []
        self.outbox_items: list[Item] = []
        self.published_entries = 0
        self.published: dict[tuple[str, str], str] = {}
        self.feedback: list[dict[str, Any]] = []

    def restart(self) -> None:
        """Return to the starting state, in which the vendor has created everyone."""
        items, model, at, outbox_items, audit_entries = self.starting_state
        self.clear_history()
        self.table.restore(items)
        self.items = self.table.items()
        self.model, self.clock.time = deepcopy(model), at
        self.outbox_items, self.audit_entries = list(outbox_items), list(audit_entries)
        self.operations = RandomOperations(self.table, self.clock, Random(0))
        self.mailbox.sent.clear()
        self.mailbox.attempts.clear()
        self.event_bus.accepted.clear()
        self.event_bus.attempts.clear()
        self.publish_version(1)

    def publish_version(self, version: int) -> None:
        """Publish two of the vendor's sets in this version."""
        self.publish(**{name: each[:version] for name, each in VERSIONS.items()})

    @property
    def at(self) -> int:
        return int(self.clock.time.timestamp())

    # user actions

    def run_operation(self, conditions: Moment, operation: Callable[[RandomOperations], object]) -> None:
        """Run one user's operation and compare its outcome with the model. Then compare one access decision."""
        self.steps += 1
        self.conditions, self.operations.random = conditions, Random(f"{conditions.seed} {self.steps}")
        operation(self.operations)
        self.compare_decision()

    def send(self, request: Mapping[str, Any], context: Context | None = None) -> ApiResponse:
        """Send a request.

        One that changes something is compared with the model, and any other only goes to the product.
        """
        if request["routeKey"] not in ROUTES:
            return send_to_product(request, context)
        key = f'"system-{next(_names)}"'
        self.request = {**request, "headers": {"idempotency-key": key, **request["headers"]}}
        with self.clock_skewed():
            response = self.send_with_retry(self.request)
            expected = self.model.apply(model_request(self.request), response.body if response.text else {}, self.at)
            predicted = list(self.model.entries)
            if self.conditions.fault and "employees" in request["routeKey"]:
                background_functions.run_reconcile_access()
                self.model.reconcile(self.at)
                predicted += self.model.entries
        self.must_equal(response, expected)
        ignored: AbstractSet[str] = NOT_PREDICTED if "employees" in request["routeKey"] else frozenset()
        self.compare(predicted, ignored=ignored)
        is_whole = not any(outcome == "failed" for outcome, _ in self.model.rows)
        if response.status < 300 and is_whole:
            self.repeatable.append((self.request, response, self.clock.time))
        return response

    def must_equal(self, response: ApiResponse, expected: str) -> None:
        code = response.code if response.status >= 400 else ""
        # The link was revoked, but the first response, which reported the reason, was lost.
        lost = self.conditions.fault and (expected, code) == ("not_eligible", "link_revoked")
        assert code == expected or lost, (expected, response, self.request)
        if response.status < 400 and self.model.rows:
            rows = [(row["outcome"], row.get("reason")) for row in response.body["items"]]
            assert rows == self.model.rows, (rows, self.model.rows, self.request)
        for outcome in [outcome for outcome, _ in self.model.rows] or ["rejected" if code else "done"]:
            self.count(str(self.request["routeKey"]), is_done=outcome == "done")

    def count(self, what: str, *, is_done: bool) -> None:
        (self.done if is_done else self.rejected)[what] += 1

    @contextmanager
    def clock_skewed(self) -> Iterator[None]:
        """Shift the function's clock by the skew of the moment."""
        self.clock.advance(seconds=self.conditions.skew)
        try:
            yield
        finally:
            self.clock.advance(seconds=-self.conditions.skew)

    def send_with_retry(self, request: Mapping[str, Any]) -> ApiResponse:
        """Send a request under the fault of the moment.

        Retry it with the same key if the function was killed or the response says that it is unavailable.
        """
        try:
            with self.fault_active():
                response = send_to_product(request)
        except faults.Killed:
            return send_to_product(request)
        if response.status == 503 or "temporarily_unavailable" in response.text:
            return send_to_product(request)
        return response

    def fault_active(self) -> AbstractContextManager[object]:
        if not self.conditions.fault:
            return nullcontext()
        self.faulted[self.conditions.fault] += 1
        return FAULTS[self.conditions.fault](self.conditions.call)

    def repeat_request(self, moment: Moment) -> None:
        """Repeat a recent request with its key and expect the same response, without any change to the table.

        The stored response lasts for a day and lacks the fields that only the first response contains.
        """
        recent = [each for each in self.repeatable if self.clock.time - each[2] < KEY_LIFETIME]
        if not recent:
            return
        request, first, _ = Random(moment.seed).choice(recent)
        again = send_to_product(request)
        assert (again.status, again.replayed) == (first.status, True), again
        if first.text:
            assert {**again.body, **dict.fromkeys(FIRST_RESPONSE_ONLY)} == {
                **first.body,
                **dict.fromkeys(FIRST_RESPONSE_ONLY),
            }
        self.must_be_unchanged()
        self.count("the same again", is_done=True)

    def must_be_unchanged(self) -> None:
        changed = differences(self.items, self.table.items())
        assert not changed, changed

    def compare_decision(self) -> None:
        chance = self.operations.random
        user, account = chance.choice(USERS), chance.choice((*CLIENTS, *DOMAIN_OF_PARTNER))
        permission = chance.choice(sorted(catalogue.CATALOGUE))
        question = {
            "subject": subject(user),
            "action": action(permission),
            "resource": resource(account, "account"),
        }
        self.model.now = self.at
        may = DEPLOYED.decide(question)
        assert may == self.model.is_permitted(user, permission, account), (user, permission, account)
        self.count("a decision", is_done=may)

    # background jobs and the passing of time

    def pass_time(self, moment: Moment) -> None:
        self.clock.advance(hours=Random(moment.seed).choice((0.5, 1, 12, 24, 24 * 3, 24 * 8)))

    def publish_second_version(self, _: Moment) -> None:
        """Publish the second version of two of the vendor's sets."""
        self.publish_version(2)

    def expire(self, moment: Moment) -> None:
        self.run_job(lambda: background_functions.run_function(EXPIRE_LINKS, {}), self.model.expire, moment)
        self.count("expiry sweep", is_done=True)

    def reconcile(self, moment: Moment) -> None:
        self.run_job(background_functions.run_reconcile_access, self.model.reconcile, moment)
        self.count("reconciliation", is_done=True)

    def run_job(self, run: Callable[[], object], predict: Callable[[int], None], moment: Moment) -> None:
        """Run a background function.

        One that is cut off runs again within a minute, and its repetition has no further effect.
        """
        self.conditions = moment
        with self.clock_skewed():
            try:
                with self.fault_active():
                    run()
            except (faults.Killed, TemporarilyUnavailable):
                self.count("a function cut off", is_done=True)
            if moment.fault:
                run()
            predict(self.at)
        self.compare(self.model.entries, ignored=NOT_PREDICTED)

    def send_emails(self, moment: Moment) -> None:
        """Send emails through the stream and the sweep, with SES throttling at times. Each copy is sent once."""
        chance, before = Random(moment.seed), len(self.mailbox.sent)
        if chance.random() < 0.3:
            self.mailbox.next_faults.append(faults.aws_error("TooManyRequestsException", 429))
        if self.outbox_items:
            start = chance.randrange(len(self.outbox_items))
            assert background_functions.send_emails_from_stream(self.outbox_items[start : start + 5]) == {
                "batchItemFailures": []
            }
        background_functions.run_send_emails()
        self.mailbox.next_faults.clear()
        sent = Counter(each.delivery for each in self.mailbox.sent)
        assert not [delivery for delivery, times in sent.items() if times > 1]
        self.count("emails", is_done=len(self.mailbox.sent) > before)
        self.compare(ignored=NOT_PREDICTED)

    def report_delivery(self, moment: Moment) -> None:
        """Deliver SES feedback about an email, perhaps twice.

        Also deliver feedback about an email that the product never sent.
        """
        chance = Random(moment.seed)
        if self.mailbox.sent and chance.random() < 0.8:
            copy = chance.choice(self.mailbox.sent)
            new = [
                feedback("Send", copy.delivery, copy.address),
                bounce_feedback(copy),
                bounce_feedback(copy, "Transient"),
            ]
            self.feedback.append(chance.choice(new))
        for each in chance.sample(self.feedback, min(2, len(self.feedback))):
            background_functions.run_function(RECORD_EMAIL_FEEDBACK, each)
        background_functions.run_function(RECORD_EMAIL_FEEDBACK, feedback("Bounce", "delivery-unknown"))
        self.count("delivery reports", is_done=bool(self.feedback))
        self.compare()

    def publish_audit_events(self, moment: Moment) -> None:
        """Publish the stream of audit entries, perhaps again from an earlier record.

        Each entry gets one sequence number and keeps it.
        """
        chance = Random(moment.seed)
        start = max(0, self.published_entries - chance.choice([0, 0, 5, 30]))
        batch = self.audit_entries[start : self.published_entries + chance.randint(1, 40)]
        if not batch:
            return
        for _ in range(chance.choice([1, 1, 2])):
            background_functions.publish_audit_events(batch)
        self.published_entries = max(self.published_entries, start + len(batch))
        for event in self.event_bus.events:
            name = event["source"], event["id"]
            assert self.published.setdefault(name, event["sequence"]) == event["sequence"]
        assert set(self.published) == {
            (_source(item), item["audit_id"]) for item in self.audit_entries[: self.published_entries]
        }
        self.count("audit events", is_done=True)
        self.compare()

    def sign_audit_log(self, moment: Moment) -> None:
        for _ in range(1 + moment.seed % 2):
            background_functions.run_function(SIGN_AUDIT_LOG, {})
        self.count("signed tree heads", is_done=True)
        self.compare()

    def finish_pending_work(self) -> None:
        """Finish all pending work at the end of a day and compare the product with the model once more."""
        self.conditions = Moment(0)
        for number in range(3):
            self.clock.advance(minutes=10)
            self.expire(Moment(number))
            self.reconcile(Moment(number))
        assert self.table.items_with_prefix("RECONCILIATION#") == []
        self.operations.random = Random(0)
        for _ in range(5):
            self.compare_decision()

    # comparison of the product with the model

    def compare(self, predicted: list[Entry] | None = None, *, ignored: AbstractSet[str] = frozenset()) -> None:
        """Assert that the table matches the model and the invariants.

        There must be one audit entry for each account concerned.
        """
        before = {(item["pk"], item["sk"]) for item in self.items}
        self.items = self.table.items()
        new = [item for item in self.items if (item["pk"], item["sk"]) not in before]
        entries = [item for item in new if item["pk"].startswith("AUDIT#")]
        self.audit_entries += sorted(entries, key=lambda item: str(item["audit_id"]))
        self.outbox_items += [item for item in new if item["pk"].startswith("OUTBOX#")]
        if predicted is not None:
            recorded = Counter({item["audit_id"]: _entry(item) for item in entries}.values())
            expected = Counter(predicted)
            extra = [entry for entry in recorded - expected if entry[0] not in ignored]
            assert expected <= recorded, (expected - recorded, self.conditions)
            assert not extra, (extra, self.conditions)
        is_broken = violations(self.items, at=self.clock.time + SKEW)
        assert not is_broken, is_broken
        found, wanted_ones = stored_records(self.items), predicted_records(self.model)
        for kind, ones in wanted_ones.items():
            others = {each for each in ones | found[kind] if ones.get(each) != found[kind].get(each)}
            assert not others, [(each, found[kind].get(each), "and by the model", ones.get(each)) for each in others]


def model_request(request: Mapping[str, Any]) -> ModelRequest:
    """Convert a gateway request to the model's form."""
    claims = request["requestContext"]["authorizer"]["jwt"]["claims"]
    if_match = request["headers"].get("if-match")
    return ModelRequest(
        route=request["routeKey"],
        actor_id=claims["sub"],
        is_vendor=claims["scope"] == gateway.DIRECTORY,
        path=request.get("pathParameters", {}),
        body=json.loads(request.get("body") or "{}"),
        expected_version=if_match and if_match.strip('"'),
    )


def _source(item: Item) -> str:
    return str(item["pk"]).replace("AUDIT#", "/accounts/")


def _entry(item: Item) -> Entry:
    return str(item["event"]), tuple(sorted(item["accounts"]))


def stored_records(items: list[Item]) -> dict[str, Any]:
    """Return the part of the table's records that the model also predicts."""
    found: dict[str, Any] = {"accounts": {}, "users": {}, "members": {}, "links": {}, "sets": {}}
    for item in items:
        kind = item["sk"].partition("#")[0]
        match item["pk"].partition("#")[0], kind:
            case "ACCOUNT", "ACCOUNT":
                found["accounts"][item["account_id"]] = (
                    item.get("state"), item.get("program"), item.get("time_zone"), item.get("partner_seat_limit"), int(item.get("partner_seats_used", 0)),
                )  # fmt: skip
            case "USER", "USER":
                offboardings = {partner_id: int(times) for partner_id, times in item.get("offboardings", {}).items()}
                works_for = sorted(item.get("employed_by", ()))
                found["users"][item["user_id"]] = item.get("email"), item["active"], offboardings, works_for
            case "ACCOUNT", "MEMBER":
                found["members"][item["account_id"], item["user_id"]] = _member(item)
            case "PARTNER", "LINK":
                found["links"][item["link_id"]] = (
                    item["stored_state"], int(item["approvals"]), int(item["expires_at"]), item.get("renewal_requested", False),
                )  # fmt: skip
            case "ACCOUNT", "SET":
                found["sets"][item["account_id"], item["set_id"]] = (
                    parse_reach(tuple(item["permissions"])),
                    int(item["version"]),
                )
    return found


def _member(item: Item) -> dict[str, Any]:
    grant = item.get("grant")
    ends = grant and grant.get("expires_at")
    return {
        "active": item["active"],
        "set": (item["permission_set"], int(item["set_version"])),
        "overrides": (tuple(item.get("added", ())), tuple(item.get("removed", ()))),
        "seats": (item.get("seat"), tuple(item.get("paid_seats", ()))),
        "partner": item.get("partner_id"),
        "grant": grant and (grant["partner_id"], ends and int(ends), grant.get("former_set")),
        "suspended_by": set(item.get("suspended_by", ())) & {"client", "partner"},
        "kept_out_by": set(item.get("kept_out_by", ())),
        "withheld": tuple(item.get("withheld", ())),
    }


def predicted_records(model: Model) -> dict[str, Any]:
    """Return the same part as the model predicts it."""
    return {
        "accounts": {
            each: (
                found["state"],
                found.get("program", "active"),
                found["time_zone"],
                found["partner_seat_limit"],
                model.partner_seats_used(each),
            )
            for each, found in model.accounts.items()
        },
        "users": {
            each: (found["email"], found["active"], found["offboardings"], sorted(model.partners_of(each)))
            for each, found in model.users.items()
        },
        "members": {where: _member(found) for where, found in model.members.items()},
        "links": {
            each: (found["stored_state"], found["approvals"], found["expires_at"], found["renewal_requested"])
            for each, found in model.links.items()
        },
        "sets": {where: (parse_reach(found["permissions"]), found["version"]) for where, found in model.sets.items()},
    }


VERSIONS: Final = {
    "partner_admin": (
        tuple(name for name in set_versions.PARTNER_ADMIN_PERMISSIONS if name not in set_versions.ADDED_PERMISSIONS),
        set_versions.PARTNER_ADMIN_PERMISSIONS,
    ),
    "sales": (set_versions.SALES_PERMISSIONS, (*set_versions.SALES_PERMISSIONS, *set_versions.ADDED_PERMISSIONS)),
}


@contextmanager
def running_system(table: Table, model: Model) -> Iterator[System]:
    """Run the product and the model with fakes for time, email, event bus and tree head store, without any waiting."""
    with (
        pytest.MonkeyPatch.context() as patched,
        fake_ses() as ses,
        fake_event_bus() as event_bus,
        fake_tree_head_store(),
        set_versions.published_versions() as publish,
    ):
        clock = Clock(patched, API, WORKER)
        clock.time = BEFORE_CHANGES
        patched.setattr(time, "sleep", lambda _: None)
        system = System(table, clock, ses, event_bus, publish, model)
        patched.setattr(gateway, "send_event", system.send)
        system.create_everyone()
        yield system
