"""Scheduled every few minutes: sign one tree head over the heads of all hash chains, in storage that is locked.

Nothing waits for this job. Between two runs, the newest entries are chained but not yet covered by a signature.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from partner_access import telemetry, tree_head_store
from partner_access.domain.audit import tree_heads
from partner_access.domain.errors import StaleFacts
from partner_access.lambda_context import Context
from partner_access.store.audit import tree_heads as stored

MAX_TREE_HEADS_PER_RUN: Final = 3
"""Maximum number of tree heads that one run signs. More than one is needed only after a concurrent or aborted run."""


def handler(_: dict[str, Any], context: Context) -> None:
    """Sign the next tree head.

    The input of the schedule is ignored. Skipped, repeated, aborted or concurrent runs still produce one sequence.
    """
    telemetry.begin(context.aws_request_id, "sign_audit_log")
    try:
        for _attempt in range(MAX_TREE_HEADS_PER_RUN):
            with suppress(StaleFacts):  # A concurrent run has recorded the same tree head, so continue after it.
                if _sign_next():
                    break
    finally:
        telemetry.flush()


def _sign_next() -> bool:
    """Sign the next tree head, and return whether everything is signed now.

    The latest tree head is read before the chain heads, so that no tree head covers less than an earlier one.
    """
    latest, chain_heads = stored.latest(), stored.chain_heads()
    tree_head = tree_heads.next_tree_head(
        latest, chain_heads, datetime.now(UTC).replace(microsecond=0), os.environ["TREE_HEAD_SIGNING_KEY"]
    )
    if not tree_head:
        return True
    tree_head_store.store_leaves(tree_head.root, tree_heads.leaves_json(chain_heads), tree_head.at)
    signed = tree_head_store.sign(tree_head)
    stored_bytes = tree_head_store.store(signed)
    stored.record(latest, latest.followed_by(stored_bytes))
    telemetry.count("TreeHeadSigned")
    return stored_bytes == signed.to_stored_json()
