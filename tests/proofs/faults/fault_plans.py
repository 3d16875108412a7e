"""The faults of DynamoDB, by the rows of consistency.md §7, and the permitted results of an operation for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Any, Final

from botocore.awsrequest import AWSResponse

from tests.proofs.faults.fake_dynamodb import ANY, SNAPSHOT, WRITE
from tests.support import faults
from tests.support.faults import Fault, Send


class ExpectedEnd(Enum):
    """The permitted results of an operation under a fault."""

    SUCCESS = auto()
    """Success: the operation retries internally."""
    UNAVAILABLE = auto()
    """A response with 503, for the whole or for some parts. A background function may also be cut off."""
    UNHANDLED = auto()
    """An unhandled exception: a response with 500 and an alarm."""
    ERROR = auto()
    """An error response, or success after the facts are read again."""
    KILLED = auto()


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """A fault of one row: the number of calls that it hits, the actions that it affects, and the permitted result."""

    row: str
    description: str
    fault: Fault
    calls: float
    end: ExpectedEnd
    actions: tuple[str, ...] = ANY
    takes_effect: bool = False
    """True if the request takes effect although the caller gets no response."""


def conflict_and_condition(request: Any, send: Send) -> AWSResponse:
    """Cancel a transaction with a conflict at its first item and a failed condition at its last.

    A transaction of one item is left alone.
    """
    items = len(faults.body(request)["TransactItems"])
    if items == 1:
        return send()
    return faults.transaction_canceled("TransactionConflict", 0, **{f"at_{items - 1}": "ConditionalCheckFailed"})(
        request, send
    )


def audit_entry_fails(request: Any, send: Send) -> AWSResponse:
    """Cancel a transaction because its audit entry cannot be written."""
    items = faults.body(request)["TransactItems"]
    entries = [at for at, item in enumerate(items) if _is_entry(item)]
    return faults.transaction_canceled("ConditionalCheckFailed", *entries)(request, send) if entries else send()


def _is_entry(item: Mapping[str, Any]) -> bool:
    return "Put" in item and item["Put"]["Item"]["pk"]["S"].startswith("AUDIT#")


THROTTLED: Final = faults.aws_error("ThrottlingException")
NO_CAPACITY: Final = faults.aws_error("ProvisionedThroughputExceededException")
BROKEN: Final = faults.aws_error("InternalServerError", 500)
IN_PROGRESS: Final = faults.aws_error("TransactionInProgressException")
TRANSACTIONS: Final = (SNAPSHOT, WRITE)

PLANS: Final = (
    FaultPlan("F1", "throttled once", THROTTLED, 1, ExpectedEnd.SUCCESS),
    FaultPlan("F1", "without capacity once", NO_CAPACITY, 1, ExpectedEnd.SUCCESS),
    FaultPlan("F2", "throttled for ever", THROTTLED, inf, ExpectedEnd.UNAVAILABLE),
    FaultPlan("F2", "a transaction throttled for ever", faults.transaction_canceled("ThrottlingError"), inf, ExpectedEnd.UNAVAILABLE, TRANSACTIONS),
    FaultPlan("F4", "500 before the effect, once", BROKEN, 1, ExpectedEnd.SUCCESS),
    FaultPlan("F4", "500 for ever", BROKEN, inf, ExpectedEnd.UNAVAILABLE),
    FaultPlan("F5", "no response, no effect", faults.request_lost, 1, ExpectedEnd.SUCCESS),
    FaultPlan("F5", "the response lost after the effect", faults.response_lost, 1, ExpectedEnd.SUCCESS, takes_effect=True),
    FaultPlan("F6", "all responses lost after the effect", faults.response_lost, inf, ExpectedEnd.UNAVAILABLE, takes_effect=True),
    FaultPlan("F7", "in conflict once", faults.WRITE_CONFLICT, 1, ExpectedEnd.SUCCESS, TRANSACTIONS),
    FaultPlan("F7", "in conflict five times", faults.WRITE_CONFLICT, 5, ExpectedEnd.SUCCESS, TRANSACTIONS),
    FaultPlan("F8", "in conflict for ever", faults.WRITE_CONFLICT, inf, ExpectedEnd.UNAVAILABLE, TRANSACTIONS),
    FaultPlan("F9", "in conflict, and a condition failed, once", conflict_and_condition, 1, ExpectedEnd.ERROR, (WRITE,)),
    FaultPlan("F9", "in conflict, and a condition failed, for ever", conflict_and_condition, inf, ExpectedEnd.ERROR, (WRITE,)),
    FaultPlan("F10", "in progress once", IN_PROGRESS, 1, ExpectedEnd.SUCCESS, (WRITE,)),
    FaultPlan("F10", "in progress for ever", IN_PROGRESS, inf, ExpectedEnd.UNAVAILABLE, (WRITE,)),
    FaultPlan("F11", "its token used for something else", faults.aws_error("IdempotentParameterMismatchException"), 1, ExpectedEnd.UNHANDLED, (WRITE,)),
    FaultPlan("F12", "not understood", faults.aws_error("ValidationException"), 1, ExpectedEnd.UNHANDLED),
    FaultPlan("F12", "a collection too large", faults.transaction_canceled("ItemCollectionSizeLimitExceeded", 0), 1, ExpectedEnd.UNHANDLED, (WRITE,)),
    FaultPlan("F27", "killed before", faults.killed_before, 1, ExpectedEnd.KILLED),
    FaultPlan("F27", "killed after", faults.killed_after, 1, ExpectedEnd.KILLED, takes_effect=True),
    FaultPlan("F33", "the audit entry not written", audit_entry_fails, inf, ExpectedEnd.ERROR, (WRITE,)),
)  # fmt: skip
