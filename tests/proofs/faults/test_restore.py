"""A torn restore (guarantees.md F38): of a sound table one item is lost, and the invariants miss it, or it is said why not."""

import os
from collections import Counter
from random import Random
from typing import Final

from tests.proofs.faults.operations import RECIPIENT, Stage
from tests.support import link_requests, membership_facts
from tests.support.background_functions import SEAL_TRAIL, publish_audit_events, run, sweep
from tests.support.builders import CUSTOM_SET, a_custom_set, a_partner_admin
from tests.support.random_operations import Acts
from tests.support.seeded_table import CLERK, COLLEAGUE
from tools.invariants import broken
from tools.proof.notes import Notes
from tools.whole_table import Item

MISSED: Final = frozenset(
    {
        "ACCOUNT ACCOUNT",
        "ACCOUNT MEMBER",
        "ACCOUNT SET",
        "ACCOUNT SUPER_ADMINS",
        "AUDIT entry",
        "CHAIN entry",
        "EMAIL EMAIL",
        "CHAIN_HEAD ACCOUNT",
        "USER ACCOUNT",
        "USER USER",
    }
)
"""Each of these, once its entry is chained, is missed whichever it is."""
NOT_MISSED: Final = {
    "RECONCILIATION ACT": "what it would write off counts no more since the act itself; only what has ended for good is missed",
    "DELIVERY DELIVERY": "beside its letter: the letter would go again, once more at most to each",
    "LINK ACCOUNT": "a refusal is an answer that changed nothing; an approval is missed",
    "PARTNER LINK": "one that has ended: nothing counts it any more; an open one is missed",
    "IDEMPOTENCY IDEMPOTENCY": "a key that was never used looks the same: whoever tries again is refused or acts anew",
    "OUTBOX NOTIFICATION": "of an act that tells some people and not others; of all other acts it is missed",
    "TREE_HEAD LATEST": "the row itself lies in locked storage, where the next run finds it",
    "SUPPRESSED SUPPRESSED": "an address that never bounced looks the same: it bounces again",
}


def kind(item: Item) -> str:
    partition, sort = (item[name].partition("#")[0] for name in ("pk", "sk"))
    return f"{partition} {'entry' if sort.startswith('aud_') else sort}"


def small(stage: Stage) -> None:
    """Something of each kind."""
    stage.set(a_custom_set(), a_partner_admin(COLLEAGUE))
    assert membership_facts.edit(user_id=CLERK, permission_set=CUSTOM_SET).status == 200
    assert link_requests.create(employee_id=COLLEAGUE, recipient_email=RECIPIENT).status == 201
    stage.clock.catches_up()
    sweep()
    assert link_requests.approve().status == 201


def large(stage: Stage) -> None:
    stage.table.clear()
    acts = Acts(stage.table, stage.clock, Random(int(os.environ["SEED"])))
    acts.begin()
    for _ in range(60):
        acts.one()


def test_an_item_that_was_lost_is_missed(stage: Stage, notes: Notes, *, whole: bool) -> None:
    (large if whole else small)(stage)
    entries = [item for item in stage.table.under("AUDIT#") if item["event"] != "grant.given"]
    publish_audit_events(entries)
    run(SEAL_TRAIL, {})
    every = stage.table.items()
    assert broken(every) == []

    lost: Counter[str] = Counter()
    for item in every:
        is_missed = bool(broken(each for each in every if each is not item))
        may_be_missing = kind(item) in NOT_MISSED and "due_at" not in item
        assert is_missed or may_be_missing or item.get("event") == "grant.given", item
        lost[kind(item)] += is_missed

    assert set(map(kind, every)) <= MISSED | set(NOT_MISSED)
    notes.tried("F38: every item lost, one at a time", items=len(every), missed=lost.total())
    for name, why in NOT_MISSED.items():
        notes.named(f"F38: {name}, lost alone", why)
