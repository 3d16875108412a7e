"""The faults of a call to AWS (consistency.md §7): an error, a lost request or response, or the end of the function."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.proofs.interleavings.attempts import KILLED, TIMED_OUT
from tests.proofs.interleavings.fake_aws import DYNAMODB, AwsCall, AwsState, CallResult, FakeAws
from tests.proofs.interleavings.schedules import Fault

FaultedCall = tuple[CallResult, AwsState] | None
TRANSACTIONS: Final = frozenset({"TransactWriteItems", "TransactGetItems"})


def _error(status: int, code: str, **more: object) -> CallResult:
    return CallResult(status, json.dumps({"__type": code, "message": "", **more}).encode(), code)


def fails_with(status: int, code: str) -> Callable[[FakeAws, AwsState, AwsCall], FaultedCall]:
    return lambda _, state, call: (_error(status, code), state)


def conflicts(_: FakeAws, state: AwsState, call: AwsCall) -> FaultedCall:
    """Cancel a transaction because of a conflict at its first item."""
    if call.target not in TRANSACTIONS:
        return None
    others = [{"Code": "None"}] * (len(call.json["TransactItems"]) - 1)
    reasons = [{"Code": "TransactionConflict"}, *others]
    return _error(400, "TransactionCanceledException", CancellationReasons=reasons), state


def takes_effect(result: CallResult) -> Callable[[FakeAws, AwsState, AwsCall], FaultedCall]:
    """Let the request take effect and return this response.

    A transaction's token is recorded, so that its repetition has no effect.
    """

    def happens(aws: FakeAws, state: AwsState, call: AwsCall) -> FaultedCall:
        if not call.writes:
            return None
        _, then = aws.respond(state, call)
        if then is state or call.service != DYNAMODB:
            return result, then
        return result, aws.same(replace(then, tokens=then.tokens | {call.json["ClientRequestToken"]}))

    return happens


def has_no_effect(result: CallResult) -> Callable[[FakeAws, AwsState, AwsCall], FaultedCall]:
    return lambda _, state, call: (result, state)


CONFLICT: Final = Fault("conflict", conflicts)
THROTTLED: Final = Fault("throttled", fails_with(400, "ThrottlingException"))
SERVER_ERROR: Final = Fault("server_error", fails_with(500, "InternalServerError"))
REQUEST_LOST: Final = Fault("request_lost", has_no_effect(TIMED_OUT))
RESPONSE_LOST: Final = Fault("response_lost", takes_effect(TIMED_OUT))
KILLED_BEFORE: Final = Fault("killed_before", has_no_effect(KILLED))
KILLED_AFTER: Final = Fault("killed_after", takes_effect(KILLED))
CONFLICTS: Final = Fault("conflicts", conflicts, lasts=True)
SERVER_ERRORS: Final = Fault("server_errors", fails_with(500, "InternalServerError"), lasts=True)
RESPONSES_LOST: Final = Fault("responses_lost", takes_effect(TIMED_OUT), lasts=True)
EVERY_FAULT: Final = (
    CONFLICT,
    THROTTLED,
    SERVER_ERROR,
    REQUEST_LOST,
    RESPONSE_LOST,
    KILLED_BEFORE,
    KILLED_AFTER,
    CONFLICTS,
    SERVER_ERRORS,
    RESPONSES_LOST,
)
