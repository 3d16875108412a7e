"""Designs that are known to be wrong, each the product's own but for one thing: exploring must find where they fail.

What they leave out, they leave out at the door to DynamoDB, so that all else is what is shipped.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from functions.remove_user.app import app as remove_user
from partner_access.api.response_body import Answer
from partner_access.domain.records import Decision, Kept
from partner_access.store import dynamo, outbox
from partner_access.store.dynamo import Items, Line
from partner_access.store.keys import Key
from tests.proofs.interleavings.attempts import Attempt, Operation
from tests.proofs.interleavings.call_faults import KILLED_AFTER
from tests.proofs.interleavings.fake_aws import REFUSED
from tests.proofs.interleavings.invariants import (
    World,
    decisions_are_of_an_instant,
    done_once,
    nobody_is_written_twice,
    somebody_was_first,
)
from tests.proofs.interleavings.operations import account_is_told
from tests.proofs.interleavings.schedules import Fault, Found, Look, nothing_wrong
from tests.support import gateway, membership_facts
from tests.support.builders import APPROVER, PARTNER
from tests.support.seeded_table import COLLEAGUE

commit: Final = dynamo.commit
transact: Final = dynamo.transact


@contextmanager
def check_then_write() -> Iterator[None]:
    """What was read held when it was read; that it still does is hoped for."""

    def write_in_any_case(lines: Iterable[Line], **how: Any) -> None:
        transact([_bare(line) for line in lines if line.action != "ConditionCheck"], **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamo, "transact", write_in_any_case)
        yield


def _bare(line: Line) -> Line:
    used = re.findall(r":\w+", line.expressions.get("UpdateExpression", ""))
    return replace(line, condition=None, values={name: line.values[name] for name in used})


@contextmanager
def count_then_write() -> Iterator[None]:
    """What is written has its own conditions; what was only counted has none."""

    def nothing_is_relied_on(_: Iterable[Kept], lines: tuple[Line, ...]) -> Iterator[Line]:
        return iter(lines)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamo, "_with_pins", nothing_is_relied_on)
        yield


@contextmanager
def look_the_key_up_first() -> Iterator[None]:
    """Hazard 9: whoever asks again is replayed his answer, unless his first try comes true after the look."""
    route_key = f"DELETE {membership_facts.USER}"
    route = remove_user.routes[route_key]

    def looked_up(**asked: Any) -> Answer | None:
        dynamo.recall(asked["act"])
        return route.operation(**asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(remove_user.routes, route_key, replace(route, operation=looked_up))
        patch.setattr(remove_user, "_recall", None)
        yield


@contextmanager
def keep_the_key_afterwards() -> Iterator[None]:
    """First the deed, then a record of its own that it was done."""

    def commit_then_keep(decision: Decision, answer: Answer | None, *lines: Line) -> None:
        commit(decision, None, *lines)
        if answer:
            dynamo.keep(decision.act, answer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamo, "commit", commit_then_keep)
        yield


@contextmanager
def read_one_by_one() -> Iterator[None]:
    """Each read is consistent, and all of them are not of one instant."""

    def read(wanted: Iterable[Key], **_: Any) -> Items:
        found = Items()
        for key in dict.fromkeys(wanted):
            found |= dynamo.read([key])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamo, "snapshot", read)
        yield


@contextmanager
def look_then_claim() -> Iterator[None]:
    """A copy that looked free is taken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "MAY_CLAIM", f"{outbox.MAY_CLAIM} OR attribute_exists(pk)")
        yield


def end_him_and_let_his_firm_go_on(key: str) -> gateway.Answer:
    """Before, he is not let in because his firm was stopped; after, because of his end; and at no instant in between."""
    assert membership_facts.end(APPROVER, COLLEAGUE, key=key).status < REFUSED
    return account_is_told(PARTNER, f"{key}-and", program="active")


GOING_ON: Final = Operation("end him, and his firm goes on", "", end_him_and_let_his_firm_go_on, in_parts=True)


@dataclass(frozen=True, slots=True)
class Design:
    """What is done otherwise, the deeds that show it, what happened before, and what of it is looked at in the end."""

    name: str
    otherwise: Callable[[], AbstractContextManager[None]]
    deeds: tuple[str, ...]
    look: Callable[..., Look]
    asked_again: bool = False
    faults: tuple[Fault, ...] = ()
    after: str = ""

    def explored(self, world: World, *, naively: bool) -> tuple[Found, list[Attempt]]:
        """What comes of these deeds, and of which attempts: done so, or as it is shipped."""
        known = {**world.operations, GOING_ON.name: GOING_ON}
        attempts = [
            Attempt(self._naive(known[name]) if naively else known[name], deed=1 + self.deeds[:place].count(name))
            for place, name in enumerate(self.deeds)
        ]
        attempts += [each.again() for each in attempts if self.asked_again]
        held = world.alone(world.held, Attempt(known[self.after])).held if self.after else world.held
        at_end = self.look(world, *attempts)
        return world.exploring(*attempts, at_end=at_end, faults=self.faults).of(held, *attempts), attempts

    def _naive(self, operation: Operation) -> Operation:
        def does(key: str) -> gateway.Answer | None:
            with self.otherwise():
                return operation.does(key)

        return replace(operation, name=f"{operation.name} [{self.name}]", does=does)


def one_deed(world: World, attempt: Attempt, *_: Attempt) -> Look:
    """However often it was tried."""
    return done_once(world, attempt)


WRONG: Final = (
    Design("check, then write", check_then_write, ("approve", "approve as the owner"), lambda *_: nothing_wrong),
    Design("check for a seat, then take it", check_then_write, ("approve", "migrate"), lambda *_: nothing_wrong),
    Design("check, then revoke", check_then_write, ("approve", "revoke"), somebody_was_first),
    Design(
        "count the super admins, then write",
        count_then_write,
        ("the approver goes", "the owner goes", "migrate"),
        lambda *_: nothing_wrong,
    ),
    Design("look the key up first", look_the_key_up_first, ("the owner goes",), one_deed, asked_again=True),
    Design("keep the key afterwards", keep_the_key_afterwards, ("create a link",), one_deed, faults=(KILLED_AFTER,)),
    Design(
        "separate reads for a decision",
        read_one_by_one,
        ("decide", GOING_ON.name),
        lambda *_: decisions_are_of_an_instant,
        after="the program is suspended",
    ),
    Design(
        "a mailer that looks, then claims",
        look_then_claim,
        ("the mailer's stream", "the mailer's stream"),
        lambda *_: nobody_is_written_twice,
    ),
)
