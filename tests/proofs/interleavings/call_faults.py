"""What may become of a call at AWS's door (guarantees.md §7): it is refused, is lost on the way there or back, or ends all."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.proofs.interleavings.attempts import KILLED, NOTHING_IN_TIME
from tests.proofs.interleavings.fake_aws import DYNAMODB, Asked, Aws, Heard, Held
from tests.proofs.interleavings.schedules import Fault

Became = tuple[Heard, Held] | None
TRANSACTIONS: Final = frozenset({"TransactWriteItems", "TransactGetItems"})


def _says(status: int, code: str, **more: object) -> Heard:
    return Heard(status, json.dumps({"__type": code, "message": "", **more}).encode(), code)


def is_refused(status: int, code: str) -> Callable[[Aws, Held, Asked], Became]:
    return lambda _, held, asked: (_says(status, code), held)


def conflicts(_: Aws, held: Held, asked: Asked) -> Became:
    """Somebody else is at the first item."""
    if asked.target not in TRANSACTIONS:
        return None
    others = [{"Code": "None"}] * (len(asked.said["TransactItems"]) - 1)
    reasons = [{"Code": "TransactionConflict"}, *others]
    return _says(400, "TransactionCanceledException", CancellationReasons=reasons), held


def comes_true(heard: Heard) -> Callable[[Aws, Held, Asked], Became]:
    """It takes effect, and this is what is heard of it; the table knows a transaction again by its token."""

    def happens(aws: Aws, held: Held, asked: Asked) -> Became:
        if not asked.writes:
            return None
        _, then = aws.answer(held, asked)
        if then is held or asked.service != DYNAMODB:
            return heard, then
        return heard, aws.same(replace(then, tokens=then.tokens | {asked.said["ClientRequestToken"]}))

    return happens


def comes_to_nothing(heard: Heard) -> Callable[[Aws, Held, Asked], Became]:
    return lambda _, held, asked: (heard, held)


CONFLICT: Final = Fault("conflict", conflicts)
THROTTLED: Final = Fault("throttled", is_refused(400, "ThrottlingException"))
BROKEN_DOWN: Final = Fault("error", is_refused(500, "InternalServerError"))
UNHEARD: Final = Fault("unheard", comes_to_nothing(NOTHING_IN_TIME))
UNANSWERED: Final = Fault("unanswered", comes_true(NOTHING_IN_TIME))
KILLED_BEFORE: Final = Fault("killed_before", comes_to_nothing(KILLED))
KILLED_AFTER: Final = Fault("killed_after", comes_true(KILLED))
CROWDED: Final = Fault("crowded", conflicts, lasts=True)
DOWN: Final = Fault("down", is_refused(500, "InternalServerError"), lasts=True)
DEAF: Final = Fault("deaf", comes_true(NOTHING_IN_TIME), lasts=True)
EVERY: Final = (CONFLICT, THROTTLED, BROKEN_DOWN, UNHEARD, UNANSWERED, KILLED_BEFORE, KILLED_AFTER, CROWDED, DOWN, DEAF)
