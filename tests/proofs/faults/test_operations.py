"""Each fault of DynamoDB, at each attempt of each operation: what is true afterwards, who is told, and in how many calls."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from botocore.exceptions import ClientError

from partner_access.domain.errors import Refused
from partner_access.store import retries
from tests.proofs.faults.fake_dynamodb import WRITE, Door, door
from tests.proofs.faults.operations import OPERATIONS, Operation, Stage
from tests.proofs.faults.plans import PLANS, Ends, Plan
from tests.support import gateway
from tests.support.background_functions import RECORD_DELIVERY, clean_up, run, sweep
from tests.support.fake_ses import report
from tests.support.faults import Killed
from tests.support.gateway import Answer
from tests.support.table import differences
from tools.invariants import broken
from tools.proof.notes import Notes
from tools.template import ROOT
from tools.whole_table import Item

READS: Final = ("GET ", "$default", "POST /access-links/preview", "POST /access/v1/", "functions.serve_pages.")
"""What changes nothing."""
KEY: Final = "the-same-key"
SDK: Final = 3
"""How often the SDK tries one call."""
DECIDED: Final = 4
"""How often a decision is taken at most when facts move on."""
Ended = Answer | BaseException | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operation comes to: the acts in the trails, how many items there are of each kind, letters and events."""

    entries: Counter[tuple[str, str]]
    items: Counter[str]
    letters: Counter[tuple[str, str]]
    events: int


def entries(stage: Stage) -> Counter[tuple[str, str]]:
    return Counter((item["pk"], item["event"]) for item in stage.entries())


def kind(item: Item) -> str:
    return f"{item['pk'].partition('#')[0]} {item['sk'].partition('#')[0] if '#' in item['sk'] else ''}"


def played(operation: Operation, plan: Plan | None, first: int, act: object) -> tuple[Ended, Door]:
    """How one attempt ended under the fault."""
    assert callable(act)
    faulty = (plan.fault, first, plan.times, plan.at) if plan else ()
    with door(*faulty) as here:
        try:
            return act(KEY), here
        except (BatchProcessingError, ClientError, Killed, Refused, RuntimeError) as ended:
            return ended, here


def settled(stage: Stage, act: object) -> Outcome:
    """SES reports what it sent; later the caller comes again with his key, and the schedules have their turns."""
    assert callable(act)
    for copy in stage.post.sent:
        run(RECORD_DELIVERY, report("Send", copy.delivery, copy.address))
    stage.clock.passes(minutes=6)
    again = act(KEY)
    assert again is None or again.status < 300, again
    clean_up()
    sweep()
    assert broken(stage.table.items()) == []
    return Outcome(
        entries=entries(stage),
        items=Counter(map(kind, stage.table.items())),
        letters=Counter((copy.address, copy.subject) for copy in stage.post.sent),
        events=len({(each["source"], each["id"]) for each in stage.bus.events}),
    )


@dataclass(frozen=True, slots=True)
class Reference:
    """An operation when nothing goes wrong: its answer, its calls, and what it comes to at once and in the end."""

    answer: Answer | None
    called: list[str]
    entries: Counter[tuple[str, str]]
    outcome: Outcome


def reference(stage: Stage, operation: Operation) -> Reference:
    act = operation.sets(stage)
    answer, here = played(operation, None, 0, act)
    assert answer is None or (isinstance(answer, Answer) and answer.status < 300), answer
    if isinstance(answer, Answer):
        assert '"failed"' not in answer.text
    at_once = entries(stage)
    outcome = settled(stage, act)
    assert outcome.entries or not at_once
    return Reference(answer, here.called, at_once, outcome)


def most_calls(plan: Plan, operation: Operation, first: int, usual: int) -> float:
    """How many attempts an operation makes at most."""
    if plan.ends is Ends.WELL:
        return usual + plan.times
    if operation.in_parts:
        return (usual + 1) * retries.ATTEMPTS
    if plan.ends is Ends.REFUSED:
        return (usual + 1) * DECIDED + SDK
    if plan.ends is Ends.UNAVAILABLE:
        return first + retries.ATTEMPTS + SDK
    return first + 1


def must_have_ended(plan: Plan, operation: Operation, ended: Ended, expected: Reference) -> None:
    """As the plan says; a function that nobody calls may put off a part and end well, or be ended and come again."""
    if plan.ends is Ends.KILLED:
        assert isinstance(ended, Killed)
    elif plan.ends is Ends.WELL:
        assert not isinstance(ended, BaseException), ended
        assert (ended and ended.status) == (expected.answer and expected.answer.status), ended
    elif expected.answer is None:
        assert not isinstance(ended, Answer)
    elif plan.ends is Ends.AS_A_BUG:
        assert isinstance(ended, ClientError | RuntimeError), ended
    else:
        assert isinstance(ended, Answer), ended
        if ended.status == 503:
            assert ended.headers["retry-after"] == "2"
        elif plan.ends is Ends.UNAVAILABLE:
            assert operation.in_parts, ended
            assert ended.status == expected.answer.status
        else:
            assert ended.status == expected.answer.status or 400 <= ended.status < 500, ended


def survives(stage: Stage, operation: Operation, plan: Plan, first: int, expected: Reference) -> None:
    """One fault at one attempt: sound at once, nothing half done, and in the end as if nothing had been."""
    act = operation.sets(stage)
    before, told = stage.table.items(), entries(stage)
    ended, here = played(operation, plan, first, act)

    must_have_ended(plan, operation, ended, expected)
    assert len(here.called) <= most_calls(plan, operation, first, len(expected.called)), here.called
    assert broken(stage.table.items()) == []
    assert entries(stage) <= expected.outcome.entries
    came_true = plan.ends is Ends.WELL or (isinstance(ended, Answer) and ended.status < 300)
    if came_true and not operation.in_parts:
        assert entries(stage) == expected.entries
    if not came_true and not operation.in_parts and not plan.takes_effect:
        assert differences(before, stage.table.items()) == []
    if plan.row == "F33" and first == expected.called.index(WRITE):
        assert entries(stage) == told
    assert settled(stage, act) == expected.outcome


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.row} {plan.what}")
def test_every_operation_survives_it_at_every_attempt(stage: Stage, plan: Plan, notes: Notes, *, whole: bool) -> None:
    number = PLANS.index(plan)
    tried = 0
    for operation in OPERATIONS if whole else OPERATIONS[number % len(OPERATIONS) :][:1]:
        expected = reference(stage, operation)
        places = [at for at, name in enumerate(expected.called) if name in plan.at]
        for first in places if whole else places[-1:]:
            try:
                survives(stage, operation, plan, first, expected)
            except AssertionError as wrong:
                wrong.add_note(f"{operation.route}, at attempt {first}: {expected.called[first]}")
                raise
            tried += 1

    assert tried
    notes.tried(
        f"{plan.row}: {plan.what}, at every attempt of every operation", operations=len(OPERATIONS), attempts=tried
    )


def test_every_operation_that_changes_something_is_tried() -> None:
    routes = {route for operation in gateway.OPERATIONS for route in gateway.app(operation).routes}
    every = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    nobody_calls = {f"functions.{name}.app" for name in every - set(gateway.OPERATIONS)}
    tried = {operation.route.partition(",")[0] for operation in OPERATIONS}

    assert tried == {each for each in routes | nobody_calls if not each.startswith(READS)}
