"""Every few minutes: the heads of all chains get one signed root, kept where nobody can change it.

Nothing waits for it: until it comes by again, the newest entries are chained and not yet sealed.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from partner_access import telemetry, tree_head_store
from partner_access.domain.audit import tree_heads
from partner_access.domain.errors import Overtaken
from partner_access.lambda_context import Context
from partner_access.store.audit import tree_heads as stored

AT_MOST: Final = 3
"""How many seals one run makes; more than one only behind somebody else, or a run that was cut off."""


def handler(_: dict[str, Any], context: Context) -> None:
    """The schedule's input is ignored; skipped, doubled, cut off or side by side, runs make one row of seals."""
    telemetry.begin(context.aws_request_id, "sign_audit_log")
    try:
        for _attempt in range(AT_MOST):
            with suppress(Overtaken):  # whoever noted the same seal was first: on from there
                if _is_sealed():
                    break
    finally:
        telemetry.flush()


def _is_sealed() -> bool:
    """Whether all is sealed now: first which seal is the latest, then the heads, so that no seal tells less than another."""
    latest, heads = stored.latest(), stored.heads()
    statement = tree_heads.due(
        latest, heads, datetime.now(UTC).replace(microsecond=0), os.environ["TREE_HEAD_SIGNING_KEY"]
    )
    if not statement:
        return True
    tree_head_store.keep_leaves(statement.root, tree_heads.written_leaves(heads), statement.at)
    seal = tree_head_store.sign(statement)
    kept = tree_head_store.keep(seal)
    stored.note(latest, latest.followed_by(kept))
    telemetry.count("TreeHeadSigned")
    return kept == seal.written()
