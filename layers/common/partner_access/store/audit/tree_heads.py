"""Signed tree heads in the table: the chain heads to sign, and the latest tree head signed."""

from typing import Final

from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.domain.audit.tree_heads import LatestTreeHead
from partner_access.store import dynamo, keys, queries, writes

STILL_LATEST: Final = "attribute_not_exists(pk) OR tree_head_hash = :seen"


def latest() -> LatestTreeHead:
    """Return the latest signed tree head that was recorded."""
    key = keys.latest_tree_head()
    return dynamo.read([key]).get_as(LatestTreeHead, key) or LatestTreeHead()


def chain_heads() -> list[ChainHead]:
    """Return the heads of all hash chains. Shards are read one by one, so heads can be of different instants."""
    return [
        ChainHead.model_validate(item)
        for shard in range(keys.SHARDS)
        for page in queries.pages("pk = :heads", heads=keys.chain_heads(shard))
        for item in page.items
    ]


def record(before: LatestTreeHead, after: LatestTreeHead) -> None:
    """Record the next signed tree head after `before`. Raise StaleFacts when another run has already recorded one."""
    dynamo.transact([writes.put(keys.latest_tree_head(), after, only_if=STILL_LATEST, seen=before.tree_head_hash)])
