"""Designs that are known to be wrong, each equal to the product but for one thing.

The exploration must find their errors. Each leaves something out at the calls to DynamoDB, so that everything else is
the shipped product.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from functions.remove_user.app import app as remove_user
from partner_access.api.response_body import ResponseBody
from partner_access.domain.records import Decision, Record
from partner_access.store import dynamo, outbox
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.writes import TransactionItem
from tests.proofs.interleavings.attempts import Attempt, Operation
from tests.proofs.interleavings.call_faults import KILLED_AFTER
from tests.proofs.interleavings.fake_aws import FIRST_ERROR_STATUS
from tests.proofs.interleavings.invariants import (
    Scenario,
    decisions_hold_at_an_instant,
    done_once,
    is_serializable,
    no_email_sent_twice,
)
from tests.proofs.interleavings.schedules import Check, ExplorationResult, Fault, nothing_wrong
from tests.support import gateway, membership_facts
from tests.support.builders import APPROVER, PARTNER
from tests.support.operations.directory import put_account
from tests.support.seeded_table import COLLEAGUE

commit: Final = dynamo.commit
transact: Final = dynamo.transact


@contextmanager
def without_conditions() -> Iterator[None]:
    """Write without conditions, and hope that the facts still hold."""

    def write_in_any_case(items: Iterable[TransactionItem], **how: Any) -> None:
        transact([_bare(item) for item in items if item.action != "ConditionCheck"], **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamo, "transact", write_in_any_case)
        yield


def _bare(item: TransactionItem) -> TransactionItem:
    used = re.findall(r":\w+", item.expressions.get("UpdateExpression", ""))
    return replace(item, condition=None, values={name: item.values[name] for name in used})


@contextmanager
def without_condition_checks() -> Iterator[None]:
    """Write with the conditions of the written items, but without the condition checks of the facts."""

    def nothing_is_relied_on(_: Iterable[Record], items: tuple[TransactionItem, ...]) -> Iterator[TransactionItem]:
        return iter(items)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamo, "_with_version_checks", nothing_is_relied_on)
        yield


@contextmanager
def look_up_key_first() -> Iterator[None]:
    """Look up the idempotency key before the transaction instead of in it (hazard 9).

    A retry fails if the first try takes effect after the lookup.
    """
    route_key = f"DELETE {membership_facts.USER}"
    route = remove_user.routes[route_key]

    def looked_up(**arguments: Any) -> ResponseBody | None:
        dynamo.replay_if_stored(arguments["act"])
        return route.operation(**arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(remove_user.routes, route_key, replace(route, operation=looked_up))
        patch.setattr(remove_user, "_replay_if_stored", None)
        yield


@contextmanager
def store_response_afterwards() -> Iterator[None]:
    """Store the response in a transaction of its own after the operation."""

    def commit_then_store(decision: Decision, response: ResponseBody | None, *items: TransactionItem) -> None:
        commit(decision, None, *items)
        if response:
            dynamo.store_response(decision.act, response)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamo, "commit", commit_then_store)
        yield


@contextmanager
def read_one_by_one() -> Iterator[None]:
    """Read the facts one by one. Each read is consistent, but they are not of one instant."""

    def read(wanted: Iterable[Key], **_: Any) -> Items:
        found = Items()
        for key in dict.fromkeys(wanted):
            found |= dynamo.read([key])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamo, "snapshot", read)
        yield


@contextmanager
def claim_regardless() -> Iterator[None]:
    """Claim a copy even if another sender has claimed it meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "CAN_CLAIM", f"{outbox.CAN_CLAIM} OR attribute_exists(pk)")
        yield


def end_access_and_resume_program(key: str) -> gateway.ApiResponse:
    """End the colleague's access, then resume their partner's program.

    Access is denied before because of the program and after because of the removal. There is no instant with access.
    """
    assert membership_facts.remove(APPROVER, COLLEAGUE, key=key).status < FIRST_ERROR_STATUS
    return put_account(PARTNER, f"{key}-and", program="active")


END_AND_RESUME: Final = Operation(
    "end the employee's access, and the partner's program resumes", "", end_access_and_resume_program, in_parts=True
)


@dataclass(frozen=True, slots=True)
class Design:
    """A wrong design with the operations that show its error.

    `after` names an operation that runs before, and `look` makes the check of the final state.
    """

    name: str
    patch: Callable[[], AbstractContextManager[None]]
    operations: tuple[str, ...]
    check: Callable[..., Check]
    with_retry: bool = False
    faults: tuple[Fault, ...] = ()
    after: str = ""

    def explore(self, scenario: Scenario, *, as_designed: bool) -> tuple[ExplorationResult, list[Attempt]]:
        """Return the result of exploring the operations and their attempts, with the wrong design or as shipped."""
        known = {**scenario.operations, END_AND_RESUME.name: END_AND_RESUME}
        attempts = [
            Attempt(
                self._wrong(known[name]) if as_designed else known[name],
                request_number=1 + self.operations[:position].count(name),
            )
            for position, name in enumerate(self.operations)
        ]
        attempts += [each.retry() for each in attempts if self.with_retry]
        aws_state = (
            scenario.run_alone(scenario.initial_state, Attempt(known[self.after])).aws_state
            if self.after
            else scenario.initial_state
        )
        at_end = self.check(scenario, *attempts)
        return scenario.exploration_of(*attempts, at_end=at_end, faults=self.faults).explore(
            aws_state, *attempts
        ), attempts

    def _wrong(self, operation: Operation) -> Operation:
        def run(key: str) -> gateway.ApiResponse | None:
            with self.patch():
                return operation.run(key)

        return replace(operation, name=f"{operation.name} [{self.name}]", run=run)


def one_request(scenario: Scenario, attempt: Attempt, *_: Attempt) -> Check:
    """Check that one request takes effect once, for any number of tries."""
    return done_once(scenario, attempt)


WRONG_DESIGNS: Final = (
    Design("check, then write", without_conditions, ("approve", "approve as the owner"), lambda *_: nothing_wrong),
    Design("check for a seat, then take it", without_conditions, ("approve", "migrate"), lambda *_: nothing_wrong),
    Design("check, then revoke", without_conditions, ("approve", "revoke"), is_serializable),
    Design(
        "count the super admins, then write",
        without_condition_checks,
        ("the approver goes", "the owner goes", "migrate"),
        lambda *_: nothing_wrong,
    ),
    Design("look the key up first", look_up_key_first, ("the owner goes",), one_request, with_retry=True),
    Design(
        "store the key afterwards", store_response_afterwards, ("create a link",), one_request, faults=(KILLED_AFTER,)
    ),
    Design(
        "separate reads for a decision",
        read_one_by_one,
        ("decide", END_AND_RESUME.name),
        lambda *_: decisions_hold_at_an_instant,
        after="the program is suspended",
    ),
    Design(
        "look for a claim, then claim",
        claim_regardless,
        ("send emails from the stream", "send emails from the stream"),
        lambda *_: no_email_sent_twice,
    ),
)
