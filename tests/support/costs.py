"""Costs of an operation, counted at the AWS client: requests, and write units as DynamoDB charges for them.

An item of a transaction costs two units for each KB, of its size before or after, whichever is larger. A condition
check costs as much as a write. An index costs one unit for each entry that is added or removed, and two for an entry
that moves.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from typing import Any, Final

from boto3.dynamodb.types import Binary

from partner_access.store import dynamo
from tests.support.table import Item, Table

KB: Final = 1024
INDEXES: Final = (("due_shard", "due_at"), ("list_key", "list_sort_key"))
MIXED_PARTITIONS: Final = ("ACCOUNT#", "PARTNER#", "USER#")
"""The partitions that hold several kinds of items."""
ITEMS: Final = {
    ("IDEMPOTENCY", ""): "the stored response",
    ("AUDIT", ""): "audit entries",
    ("OUTBOX", ""): "the email",
    ("RECONCILIATION", ""): "the reconciliation",
    ("LINK", ""): "the reply",
    ("PARTNER", "LINK"): "the link",
    ("ACCOUNT", "ACCOUNT"): "accounts",
    ("ACCOUNT", "MEMBER"): "memberships",
    ("ACCOUNT", "SUPER_ADMINS"): "the list of super admins",
    ("ACCOUNT", "SET"): "permission sets",
    ("USER", "USER"): "users",
    ("USER", "ACCOUNT"): "the user's list of accounts",
    ("EMAIL", ""): "the address",
    ("CHAIN", ""): "positions in the chain",
    ("CHAIN_HEAD", ""): "heads of chains",
    ("TREE_HEAD", ""): "the signed tree head",
    ("DELIVERY", ""): "deliveries",
    ("SUPPRESSED", ""): "suppressed addresses",
}
EVERY_REQUEST: Final = "before-parameter-build.dynamodb"


@dataclass(slots=True)
class Costs:
    """Requests and write units that were used."""

    reads: int = 0
    writes: int = 0
    units: int = 0
    transaction_items: list[Mapping[str, Any]] = field(default_factory=list)
    units_by_kind: Counter[str] = field(default_factory=Counter)
    """The units for each kind of item."""

    @property
    def requests(self) -> int:
        return self.reads + self.writes


@contextmanager
def count_costs(table: Table) -> Iterator[Costs]:
    """Count all requests in the block, and the write units when it ends."""
    costs, before = Costs(), _by_key(table)
    with count_requests(costs):
        yield costs
    after = _by_key(table)
    for line in costs.transaction_items:
        costs.units_by_kind[_item_kind(line)] += _units(line, before, after)
    costs.units = costs.units_by_kind.total()


@contextmanager
def count_requests(costs: Costs) -> Iterator[None]:
    """Count the requests in the block, without the write units."""

    def count(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        if model.name == "TransactWriteItems":
            costs.writes += 1
            costs.transaction_items += params["TransactItems"]
        else:
            costs.reads += 1

    events = dynamo.client().meta.events
    events.register(EVERY_REQUEST, count)
    try:
        yield
    finally:
        events.unregister(EVERY_REQUEST, count)


def _by_key(table: Table) -> dict[tuple[str, str], Item]:
    return {(item["pk"], item["sk"]): item for item in table.items()}


def _item_kind(transaction_item: Mapping[str, Any]) -> str:
    ((action, request),) = transaction_item.items()
    pk, sk = key_of(request)
    item = ITEMS[pk.partition("#")[0], sk.partition("#")[0] if pk.startswith(MIXED_PARTITIONS) else ""]
    return f"{item}, only looked at" if action == "ConditionCheck" else item


def key_of(request: Mapping[str, Any]) -> tuple[str, str]:
    """Return the key of the item that an action of a transaction is about."""
    where = request.get("Key") or request["Item"]
    return where["pk"]["S"], where["sk"]["S"]


def _units(
    transaction_item: Mapping[str, Any], before: Mapping[tuple[str, str], Item], after: Mapping[tuple[str, str], Item]
) -> int:
    ((_, request),) = transaction_item.items()
    key = key_of(request)
    old, new = before.get(key, {}), after.get(key, {})
    entries = sum(_index_units(old, new, *index) for index in INDEXES)
    return 2 * max(1, ceil(max(size(old), size(new)) / KB)) + entries


def _index_units(old: Item, new: Item, *attributes: str) -> int:
    was, now = ([item.get(each) for each in attributes] for item in (old, new))
    return 0 if was == now else sum(None not in entry for entry in (was, now))


def size(value: object) -> int:
    """Return the size of a value in bytes, as DynamoDB counts it."""
    match value:
        case str():
            return len(value.encode())
        case Binary():
            binary: Any = value
            return len(bytes(binary))
        case bool() | None:
            return 1
        case Decimal():
            return (len(value.as_tuple().digits) + 1) // 2 + 1
        case Mapping():
            return 3 + sum(size(name) + size(each) + 1 for name, each in value.items())
        case list():
            return 3 + sum(size(each) + 1 for each in value)
        case set():
            return sum(map(size, value))
    raise TypeError(type(value))
