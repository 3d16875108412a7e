"""What is to be sealed, and how far sealing has come."""

from typing import Final

from partner_access.domain.audit.hash_chain import Head
from partner_access.domain.audit.tree_heads import Latest
from partner_access.store import dynamo, keys

STILL_LATEST: Final = "attribute_not_exists(pk) OR tree_head_hash = :seen"


def latest() -> Latest:
    """The last seal that was noted."""
    key = keys.latest_seal()
    return dynamo.read([key]).get_as(Latest, key) or Latest()


def heads() -> list[Head]:
    """The heads of all chains, each as it is when its shard is read."""
    return [
        Head.model_validate(item)
        for shard in range(keys.SHARDS)
        for page in dynamo.pages("pk = :heads", heads=keys.heads(shard))
        for item in page.items
    ]


def note(before: Latest, after: Latest) -> None:
    """The seal after that one is there; Overtaken when somebody has noted it already."""
    dynamo.transact([dynamo.put(keys.latest_seal(), after, only_if=STILL_LATEST, seen=before.tree_head_hash)])
