"""The invariants of every schedule, and the checks for them (consistency.md §1)."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import permutations, product
from typing import Any, Final

from partner_access.store import keys
from tests.proofs.interleavings.attempts import Attempt, AttemptProgress, AttemptResult, AttemptRunner, Operation
from tests.proofs.interleavings.fake_aws import AwsState, FakeAws
from tests.proofs.interleavings.operations import DECISION
from tests.proofs.interleavings.schedules import Check, Exploration, ExplorationResult, Fault, State, invariants_hold
from tests.support.background_functions import SEND_EMAILS

FIRST_RESPONSE_ONLY: Final = frozenset({"url"})
"""Fields that no replay contains."""
AS_READ: Final = frozenset({"remaining_super_admins", "remaining_are_partner_employees"})
"""Fields that state a fact as it was read, without a condition on it in the transaction.

A migration requires at least one other super admin, but not a certain number of them.
"""
GAVE_UP: Final = "rights_changed"
"""Error code after the last retry because of concurrent changes. The operation has then done nothing."""
SERVER_ERROR: Final = 500
GENERATED_IDS: Final = frozenset({"grant_id", "link_id", "set_id"})
"""Fields with generated ids, which differ from attempt to attempt."""
LATER: Final = timedelta(hours=1)
"""Delay after which no claim is still valid."""
SEND_BY_SCHEDULE: Final = "send emails by schedule"
RECONCILIATION: Final = "reconcile"
Outcome = tuple[bytes, tuple[Any, ...]]


@dataclass(slots=True)
class SharedResults:
    """Results that all tests share: the initial state, the operations, and the progress of attempts."""

    started: dict[Attempt, AttemptProgress] = field(default_factory=dict)
    initial_state: AwsState | None = None
    operations: Mapping[str, Operation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """The initial state and the operations that are possible in it."""

    initial_state: AwsState
    operations: Mapping[str, Operation]
    aws: FakeAws
    runner: AttemptRunner
    decisions: dict[AwsState, str] = field(default_factory=dict)

    def attempts(self, *names: str) -> list[Attempt]:
        """Return attempts at these operations. A repeated name is a separate request."""
        return [
            Attempt(self.operations[name], request_number=1 + names[:position].count(name))
            for position, name in enumerate(names)
        ]

    def prove(self, *attempts: Attempt, faults: tuple[Fault, ...] = (), only: str = "") -> ExplorationResult:
        """Assert that all invariants hold in every schedule of these attempts."""
        without_faults = (no_email_sent_twice, no_attempt_fails)
        checks = (invariants_hold, *((no_email_sent_three_times,) if faults else without_faults))
        at_end = self.final_check(*attempts, faults=faults)
        exploration = self.exploration_of(
            *attempts, always=all_checks(*checks), at_end=at_end, faults=faults, only=only
        )
        return exploration.must_hold(self.initial_state, *attempts)

    def exploration_of(
        self,
        *attempts: Attempt,
        at_end: Check,
        always: Check = invariants_hold,
        faults: tuple[Fault, ...] = (),
        only: str = "",
    ) -> Exploration:
        """Return the exploration of these attempts. With faults, a caller without a response retries."""
        decides = any(attempt.operation.decides for attempt in attempts)
        return Exploration(
            self.runner,
            self.aws,
            always=always,
            at_end=at_end,
            faults=faults,
            retries=1 if faults else 0,
            watch=self.decision_in if decides else None,
            only=only,
        )

    def final_check(self, *attempts: Attempt, faults: tuple[Fault, ...] = ()) -> Check:
        """Return the check of the final state of these attempts."""
        first, *others = attempts
        if first.has_key and all(each.key == first.key for each in others):
            return done_once(self, first)
        if faults and not others and not first.has_key and not first.operation.decides:
            return completes_at_next_run(self, first)
        if not first.has_key and others and all(each.operation == first.operation for each in others):
            return has_effect_of_one_run(self, first)
        if any(attempt.operation.in_parts for attempt in attempts):
            return decisions_hold_at_an_instant
        return all_checks(decisions_hold_at_an_instant, is_serializable(self, *attempts, tries=2 if faults else 1))

    def run_alone(self, aws_state: AwsState, attempt: Attempt) -> State:
        """Return the final state of one attempt that runs alone."""
        (end,) = Exploration(self.runner, self.aws).explore(aws_state, attempt).ends
        return end

    def decision_in(self, aws_state: AwsState) -> str:
        """Return the access decision in this state."""
        if aws_state not in self.decisions:
            self.decisions[aws_state] = self.run_alone(aws_state, Attempt(DECISION)).results[0].text
        return self.decisions[aws_state]

    def outcome(self, aws_state: AwsState, ends: Iterable[AttemptResult]) -> Outcome:
        """Return the state and the responses, without the parts that depend on the number of retries."""
        return aws_state.digest_without(AS_READ), tuple(map(_comparable, ends))

    def sequential_outcomes(self, *attempts: Attempt, tries: int) -> set[Outcome]:
        """Return the outcomes of running the attempts one after the other in every order.

        Each runs with its first try, its second, or both.
        """
        ways = [((each,), (each.retry(),), (each, each.retry())) if tries > 1 else ((each,),) for each in attempts]
        found = set()
        for chosen in product(*ways):
            positions = [position for position, one in enumerate(chosen) for _ in one]
            for order in set(permutations(positions)):
                aws_state, left = self.initial_state, [list(one) for one in chosen]
                ends: dict[int, AttemptResult] = {}
                for position in order:
                    state = self.run_alone(aws_state, left[position].pop(0))
                    aws_state, ends[position] = state.aws_state, state.results[0]
                found.add(self.outcome(aws_state, (ends[position] for position in range(len(chosen)))))
        return found


def _comparable(end: AttemptResult) -> tuple[int, str, str]:
    """Return a response without fields that only the first response contains and fields stated as read."""
    body = json.loads(end.text) if end.text else {}
    return (
        end.status,
        end.failed,
        repr({name: value for name, value in body.items() if name not in FIRST_RESPONSE_ONLY | AS_READ}),
    )


def all_checks(*checks: Check) -> Check:
    return lambda state: (sentence for look in checks for sentence in look(state))


def no_email_sent_twice(state: State) -> Iterator[str]:
    """Check that each copy of an email is sent once if SES answers (G7)."""
    yield from _sent_more_often_than(1, state)


def no_email_sent_three_times(state: State) -> Iterator[str]:
    """Check that each copy of an email is sent at most twice if one response is lost (G7)."""
    yield from _sent_more_often_than(2, state)


def _sent_more_often_than(most: int, state: State) -> Iterator[str]:
    sent = Counter(name for name, _ in state.aws_state.emails)
    yield from (f"{name}: was sent {times} times" for name, times in sent.items() if times > most)


def no_attempt_fails(state: State) -> Iterator[str]:
    """Check that no attempt fails if there are no faults."""
    for run in state.runs:
        if run.result and (run.result.failed or run.result.status >= SERVER_ERROR):
            yield f"{run.attempt.label}: ended with {run.result}"


def decisions_hold_at_an_instant(state: State) -> Iterator[str]:
    """Check that each access decision was correct at some instant between request and response (G4)."""
    for run, ever in zip(state.runs, state.watched, strict=True):
        ends = run.result
        if run.attempt.operation.decides and ends and not ends.needs_retry and ends.text not in ever:
            yield f"decided {ends.text}, and all that time it was {sorted(ever)}"


def is_serializable(scenario: Scenario, *attempts: Attempt, tries: int = 1) -> Check:
    """Check that the outcome equals that of some sequential order.

    Attempts that gave up because of concurrent changes must have done nothing.
    """
    known: dict[tuple[int, ...], set[Outcome]] = {}

    def check(state: State) -> Iterator[str]:
        doing = tuple(position for position, end in enumerate(state.results) if GAVE_UP not in end.text)
        if doing not in known:
            known[doing] = scenario.sequential_outcomes(*(attempts[position] for position in doing), tries=tries)
        if scenario.outcome(state.aws_state, (state.results[position] for position in doing)) not in known[doing]:
            yield f"no order of them ends so, with {', '.join(map(str, state.results))}"

    return check


def done_once(scenario: Scenario, attempt: Attempt) -> Check:
    """Check that a request takes effect once, for any number of tries, and that the last try gets its response (G8)."""
    tries = [scenario.run_alone(scenario.initial_state, each) for each in (attempt, attempt.retry())]
    expected, known = tries[0], {scenario.outcome(each.aws_state, each.results) for each in tries}

    reconciliation = Attempt(scenario.operations[RECONCILIATION])

    def check(state: State) -> Iterator[str]:
        for end in state.results:
            if end.status != expected.results[0].status or end.failed:
                yield f"the response was {expected.results[0].status}, and is {end}"
        if attempt.operation.in_parts:
            aws_state, as_wanted = (
                scenario.run_alone(each.aws_state, reconciliation).aws_state for each in (state, expected)
            )
            yield from _different(audit_entries(aws_state), audit_entries(as_wanted))
            return
        for end in state.results:
            if scenario.outcome(state.aws_state, [end]) not in known:
                yield f"the effect or the response is not that of one of the tries: {end}"

    return check


def audit_entries(aws_state: AwsState) -> Counter[tuple[str, str, str]]:
    """Count the audit entries, without generated ids."""
    return Counter(
        (
            item["pk"],
            item["event"],
            repr(sorted((name, repr(each)) for name, each in item["details"].items() if name not in GENERATED_IDS)),
        )
        for item in aws_state.items
        if item["pk"].startswith("AUDIT#")
    )


def _different(done: Counter[tuple[str, str, str]], wanted: Counter[tuple[str, str, str]]) -> Iterator[str]:
    if done != wanted:
        yield f"done: {done - wanted}, not done: {wanted - done}"


def has_effect_of_one_run(scenario: Scenario, attempt: Attempt) -> Check:
    """Check that a background function that runs twice at once has the effect of one run (F32)."""
    expected = scenario.run_alone(scenario.initial_state, attempt).aws_state
    return lambda state: _different(audit_entries(state.aws_state), audit_entries(expected))


def completes_at_next_run(scenario: Scenario, attempt: Attempt) -> Check:
    """Check that a background function that was cut off completes its work, once, at its next scheduled run."""
    now = attempt.operation
    by_schedule = scenario.operations[SEND_BY_SCHEDULE] if now.where == SEND_EMAILS else now
    later = Attempt(replace(by_schedule, name=f"{now.name}, an hour later", later=now.later + LATER))
    expected = scenario.run_alone(scenario.run_alone(scenario.initial_state, attempt).aws_state, later).aws_state

    def check(state: State) -> Iterator[str]:
        aws_state = scenario.run_alone(state.aws_state, later).aws_state
        yield from aws_state.violations
        yield from _different(audit_entries(aws_state), audit_entries(expected))
        if not set(expected.events) <= set(aws_state.events):
            yield f"not published: {set(expected.events) - set(aws_state.events)}"
        yield from _emails_were_sent(aws_state, expected)
        yield from _latest_tree_head_is_known(aws_state, expected)

    return check


def _emails_were_sent(aws_state: AwsState, expected: AwsState) -> Iterator[str]:
    """Check that each email is sent at least once, and at most twice if one response of SES was lost (G7)."""
    sent = Counter(name for name, _ in aws_state.emails)
    for name, _ in expected.emails:
        if not 1 <= sent[name] <= 2:
            yield f"{name}: was sent {sent[name]} times"
        if aws_state.item(keys.delivery(name)).get("delivery_status") != "sent":
            yield f"{name}: {aws_state.item(keys.delivery(name))}"


def _latest_tree_head_is_known(aws_state: AwsState, expected: AwsState) -> Iterator[str]:
    tree_heads = [name for name in aws_state.objects if "tree-heads/" in name]
    known = aws_state.item(keys.latest_tree_head()).get("number", 0)
    if len(tree_heads) != known or (expected.objects and not tree_heads):
        yield f"tree head {known} is recorded as the latest, but {tree_heads} are stored"
