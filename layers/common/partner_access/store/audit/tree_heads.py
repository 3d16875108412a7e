"""What is to be sealed, and how far sealing has come."""

from typing import Final

from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.domain.audit.tree_heads import LatestTreeHead
from partner_access.store import dynamo, keys

STILL_LATEST: Final = "attribute_not_exists(pk) OR tree_head_hash = :seen"


def latest() -> LatestTreeHead:
    """The last seal that was noted."""
    key = keys.latest_tree_head()
    return dynamo.read([key]).get_as(LatestTreeHead, key) or LatestTreeHead()


def chain_heads() -> list[ChainHead]:
    """The heads of all chains, each as it is when its shard is read."""
    return [
        ChainHead.model_validate(item)
        for shard in range(keys.SHARDS)
        for page in dynamo.pages("pk = :heads", heads=keys.chain_heads(shard))
        for item in page.items
    ]


def record(before: LatestTreeHead, after: LatestTreeHead) -> None:
    """The seal after that one is there; Overtaken when somebody has noted it already."""
    dynamo.transact([dynamo.put(keys.latest_tree_head(), after, only_if=STILL_LATEST, seen=before.tree_head_hash)])
