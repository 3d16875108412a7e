"""Three operations at once: a third operation may break guarantees that two alone cannot."""

from typing import Final

import pytest

from tests.proofs.interleavings.invariants import Scenario
from tests.proofs.interleavings.sharding import all_or_first
from tests.proofs.interleavings.test_pairs import counts
from tools.proof.notes import Notes

TOGETHER: Final = (
    ("two approvers, one link, and its end", "approve", "approve as the owner", "revoke"),
    ("two clients, one link, and its end", "approve", "approve elsewhere", "revoke"),
    ("three ways to one seat", "approve", "create a partner admin", "migrate"),
    ("two for one seat, which goes", "approve the link for many", "migrate", "fewer seats"),
    ("three super admins demote each other", "demote the owner", "migrate", "the consultant demotes the approver"),
    ("all super admins go", "the approver goes", "the owner goes", "migrate"),
    ("approve, offboard and revoke", "approve", "end the newcomer everywhere", "revoke"),
    ("approve, decline and leave the partner", "approve", "decline", "the newcomer leaves the partner"),
    ("approve, deactivate and demote the approver", "approve", "deactivate the newcomer", "demote the approver"),
    ("a set given, changed and dropped", "give the clerk an own set", "change a set", "drop a set"),
    ("decide while two callers end a user's access", "decide", "suspend the colleague", "end the colleague"),
    ("decide while the partner stops", "decide", "the program is suspended", "end the colleague"),
    ("two senders of one email and a bounce", "send emails from the stream", "send emails from the stream", "the email bounces"),
    ("a sender, a bounce and a delivery report", "send emails from the stream", "the email bounces", "the email was sent"),
    ("a sender, and the link ends", "send emails from the stream", "approve", "revoke"),
    ("two chain audit entries, and one signs the log", "publish audit events", "publish more audit events", "sign the audit log"),
    ("approve, offboard and reconcile", "approve", "end the newcomer everywhere", "reconcile"),
)  # fmt: skip


@pytest.mark.parametrize(("what", "names"), [(what, names) for what, *names in all_or_first(TOGETHER, short=3)])
def test_three_concurrent_operations_keep_invariants(
    scenario: Scenario, what: str, names: list[str], notes: Notes
) -> None:
    found = scenario.prove(*scenario.attempts(*names))

    notes.passed(f"three: {what}", **counts([found]))
