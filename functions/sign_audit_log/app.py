"""Scheduled every few minutes: sign one tree head over the heads of all hash chains, in storage that is locked.

Nothing waits for this job. Between two runs, the newest entries are chained but not yet covered by a signature.
"""

from contextlib import suppress
from typing import Any, Final

from partner_access import settings, telemetry, tree_head_store, worker
from partner_access.domain.audit import tree_heads
from partner_access.domain.errors import StaleFacts
from partner_access.store.audit import tree_heads as stored
from partner_access.worker import Run

MAX_TREE_HEADS_PER_RUN: Final = 3
"""Maximum number of tree heads that one run signs. More than one is needed only after a concurrent or aborted run."""


@worker.background("sign_audit_log")
def handler(_: dict[str, Any], run: Run) -> None:
    """Sign the next tree head.

    The input of the schedule is ignored. Skipped, repeated, aborted or concurrent runs still produce one sequence.
    """
    for _attempt in range(MAX_TREE_HEADS_PER_RUN):
        with suppress(StaleFacts):  # A concurrent run has recorded the same tree head, so continue after it.
            if _sign_next(run):
                return


def _sign_next(run: Run) -> bool:
    """Sign the next tree head, and return whether everything is signed now.

    The latest tree head is read before the chain heads, so that no tree head covers less than an earlier one.
    """
    latest, chain_heads = stored.latest(), stored.chain_heads()
    tree_head = tree_heads.next_tree_head(latest, chain_heads, run.now(), settings.tree_head_signing_key())
    if not tree_head:
        return True
    tree_head_store.store_leaves(tree_head.root, tree_heads.leaves_json(chain_heads), tree_head.at)
    signed = tree_head_store.sign(tree_head)
    stored_bytes = tree_head_store.store(signed)
    stored.record(latest, latest.followed_by(stored_bytes))
    telemetry.count("TreeHeadSigned")
    return stored_bytes == signed.to_stored_json()
