"""What DynamoDB may do to an attempt, by the rows of guarantees.md §7, and how an operation may end then."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Any, Final

from botocore.awsrequest import AWSResponse

from tests.proofs.faults.fake_dynamodb import ANY, SNAPSHOT, WRITE
from tests.support import faults
from tests.support.faults import Fault, Send


class Ends(Enum):
    """How the operation may end under the fault."""

    WELL = auto()
    """As if nothing had been: it is tried again within."""
    UNAVAILABLE = auto()
    """With 503, or for some of its parts; a function that nobody calls may also be ended."""
    AS_A_BUG = auto()
    """With an exception that nobody catches: a 500 and an alarm."""
    REFUSED = auto()
    """With a refusal, or well once the facts were read again."""
    KILLED = auto()


@dataclass(frozen=True, slots=True)
class Plan:
    """A fault of a row, at so many attempts, where it may happen, and how an operation ends then."""

    row: str
    what: str
    fault: Fault
    times: float
    ends: Ends
    at: tuple[str, ...] = ANY
    takes_effect: bool = False
    """What was asked comes true although nobody hears of it."""


def mixed(request: Any, send: Send) -> AWSResponse:
    """A conflict at one line, and a condition that failed at another: a transaction of one line has no two."""
    lines = len(faults.body(request)["TransactItems"])
    if lines == 1:
        return send()
    return faults.cancels("TransactionConflict", 0, **{f"at_{lines - 1}": "ConditionalCheckFailed"})(request, send)


def no_trail(request: Any, send: Send) -> AWSResponse:
    """The entry of the trail cannot be written."""
    lines = faults.body(request)["TransactItems"]
    entries = [at for at, line in enumerate(lines) if _is_entry(line)]
    return faults.cancels("ConditionalCheckFailed", *entries)(request, send) if entries else send()


def _is_entry(line: Mapping[str, Any]) -> bool:
    return "Put" in line and line["Put"]["Item"]["pk"]["S"].startswith("AUDIT#")


THROTTLED: Final = faults.says("ThrottlingException")
NO_CAPACITY: Final = faults.says("ProvisionedThroughputExceededException")
BROKEN: Final = faults.says("InternalServerError", 500)
IN_PROGRESS: Final = faults.says("TransactionInProgressException")
TRANSACTIONS: Final = (SNAPSHOT, WRITE)

PLANS: Final = (
    Plan("F1", "throttled once", THROTTLED, 1, Ends.WELL),
    Plan("F1", "without capacity once", NO_CAPACITY, 1, Ends.WELL),
    Plan("F2", "throttled for ever", THROTTLED, inf, Ends.UNAVAILABLE),
    Plan("F2", "a transaction throttled for ever", faults.cancels("ThrottlingError"), inf, Ends.UNAVAILABLE, TRANSACTIONS),
    Plan("F4", "500 before the effect, once", BROKEN, 1, Ends.WELL),
    Plan("F4", "500 for ever", BROKEN, inf, Ends.UNAVAILABLE),
    Plan("F5", "no answer, no effect", faults.goes_unheard, 1, Ends.WELL),
    Plan("F5", "the answer lost after the effect", faults.goes_unanswered, 1, Ends.WELL, takes_effect=True),
    Plan("F6", "all answers lost after the effect", faults.goes_unanswered, inf, Ends.UNAVAILABLE, takes_effect=True),
    Plan("F7", "in conflict once", faults.CONFLICTS, 1, Ends.WELL, TRANSACTIONS),
    Plan("F7", "in conflict five times", faults.CONFLICTS, 5, Ends.WELL, TRANSACTIONS),
    Plan("F8", "in conflict for ever", faults.CONFLICTS, inf, Ends.UNAVAILABLE, TRANSACTIONS),
    Plan("F9", "in conflict, and a condition failed, once", mixed, 1, Ends.REFUSED, (WRITE,)),
    Plan("F9", "in conflict, and a condition failed, for ever", mixed, inf, Ends.REFUSED, (WRITE,)),
    Plan("F10", "in progress once", IN_PROGRESS, 1, Ends.WELL, (WRITE,)),
    Plan("F10", "in progress for ever", IN_PROGRESS, inf, Ends.UNAVAILABLE, (WRITE,)),
    Plan("F11", "its token used for something else", faults.says("IdempotentParameterMismatchException"), 1, Ends.AS_A_BUG, (WRITE,)),
    Plan("F12", "not understood", faults.says("ValidationException"), 1, Ends.AS_A_BUG),
    Plan("F12", "a collection too large", faults.cancels("ItemCollectionSizeLimitExceeded", 0), 1, Ends.AS_A_BUG, (WRITE,)),
    Plan("F27", "killed before", faults.kills_before, 1, Ends.KILLED),
    Plan("F27", "killed after", faults.kills_after, 1, Ends.KILLED, takes_effect=True),
    Plan("F33", "the entry of the trail not written", no_trail, inf, Ends.REFUSED, (WRITE,)),
)  # fmt: skip
