"""Faults at every call of every operation: the guarantees hold, and a retry takes effect exactly once."""

from dataclasses import replace
from typing import Final

import pytest

from tests.proofs.interleavings.attempts import Attempt
from tests.proofs.interleavings.call_faults import EVERY_FAULT, KILLED_AFTER, RESPONSE_LOST
from tests.proofs.interleavings.invariants import LATER, SEND_BY_SCHEDULE, Scenario
from tests.proofs.interleavings.sharding import SHARDS, all_or_first
from tests.proofs.interleavings.test_pairs import counts
from tools.proof.notes import Notes

SHORT: Final = ("approve", "the owner goes", "decide", "publish audit events")
TOGETHER: Final = (
    ("approve", "approve as the owner"),
    ("approve", "revoke"),
    ("approve", "approve elsewhere"),
    ("approve", "create a partner admin"),
    ("approve", "migrate"),
    ("approve", "demote the approver"),
    ("approve", "deactivate the newcomer"),
    ("approve", "end the newcomer everywhere"),
    ("approve", "the newcomer leaves the partner"),
    ("approve", "fewer seats"),
    ("approve", "the sweep of what is due"),
    ("revoke", "the sweep of what is due"),
    ("demote the owner", "demote the approver"),
    ("the owner goes", "the approver goes"),
    ("the owner goes", "demote the approver"),
    ("migrate", "the owner goes"),
    ("decide", "end the colleague"),
    ("decide", "the program is suspended"),
    ("send emails from the stream", "the email bounces"),
    ("send emails from the stream", "revoke"),
    ("send emails from the stream", "send emails from the stream"),
    ("publish audit events", "publish more audit events"),
)
"""The hazards of consistency.md §6."""


def test_operation_with_fault_at_each_call_takes_effect_once(
    scenario: Scenario, shard: int, whole: bool, notes: Notes
) -> None:
    """Check one fault of each kind, or a lasting one, followed by a retry (F1 to F11 and F27 of consistency.md §7)."""
    mine = scenario.attempts(*(list(scenario.operations)[shard::SHARDS] if whole else SHORT))
    found = [scenario.prove(each, faults=EVERY_FAULT) for each in mine]

    assert all(each.schedules > 1 for each in found)
    notes.passed("a fault at every call", share=shard, operations=len(found), **counts(found))


@pytest.mark.parametrize("names", all_or_first(TOGETHER, short=2), ids=" and ".join)
def test_concurrent_operations_with_fault_equal_a_sequential_order(
    scenario: Scenario, names: tuple[str, str], notes: Notes
) -> None:
    found = scenario.prove(*scenario.attempts(*names), faults=EVERY_FAULT)

    notes.passed(f"with a fault: {' and '.join(names)}", **counts([found]))


def test_send_emails_with_fault_and_expired_claim_sends_at_most_two_copies(
    scenario: Scenario, whole: bool, notes: Notes
) -> None:
    """Check the sweep that takes over an expired claim while its first holder is still active (H12).

    Only faults that leave a claim behind are of interest.
    """
    if not whole:
        pytest.skip("looked for in the long form")
    first = Attempt(scenario.operations["send emails from the stream"])
    an_hour_later = replace(
        scenario.operations[SEND_BY_SCHEDULE], name="send emails by schedule an hour later", later=LATER
    )

    found = scenario.prove(first, Attempt(an_hour_later), faults=(RESPONSE_LOST, KILLED_AFTER))

    notes.passed(
        "with a fault: send emails from the stream, and the sweep when its claim has run out", **counts([found])
    )
