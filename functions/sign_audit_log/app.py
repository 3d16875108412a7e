"""Every few minutes: the heads of all chains get one signed root, kept where nobody can change it.

Nothing waits for it: until it comes by again, the newest entries are chained and not yet sealed.
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
"""How many seals one run makes; more than one only behind somebody else, or a run that was cut off."""


def handler(_: dict[str, Any], context: Context) -> None:
    """The schedule's input is ignored; skipped, doubled, cut off or side by side, runs make one row of seals."""
    telemetry.begin(context.aws_request_id, "sign_audit_log")
    try:
        for _attempt in range(MAX_TREE_HEADS_PER_RUN):
            with suppress(StaleFacts):  # whoever noted the same seal was first: on from there
                if _sign_next():
                    break
    finally:
        telemetry.flush()


def _sign_next() -> bool:
    """Whether all is sealed now: first which seal is the latest, then the heads, so that no seal tells less than another."""
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
