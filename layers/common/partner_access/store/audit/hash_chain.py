"""Hash chains in the table: each audit entry once, in stream order, and the current head of each chain."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.domain.errors import StaleFacts, TemporarilyUnavailable
from partner_access.domain.records import AuditEntry
from partner_access.store import dynamo, keys, writes

MAX_ENTRIES_PER_TRANSACTION: Final = 90
"""Maximum number of entries that one transaction appends to a chain. The head of the chain is one more item."""
ATTEMPTS: Final = 6
NOT_BEGUN: Final = "attribute_not_exists(pk)"
HEAD_UNCHANGED: Final = "entries = :seen_entries AND chain_hash = :seen_hash"


def append(entries: Sequence[tuple[str, AuditEntry]]) -> Mapping[tuple[str, str], int]:
    """Append these entries to the chains of their accounts in this order.

    Return the position of each entry by account id and audit id. An entry that already has a position keeps it, so
    the same batch can be appended repeatedly.
    """
    by_account: dict[str, dict[str, AuditEntry]] = {}
    for account_id, entry in entries:
        by_account.setdefault(account_id, {})[entry.audit_id] = entry
    found = dynamo.read(key for account_id, theirs in by_account.items() for key in _keys(account_id, theirs))
    return {
        (account_id, audit_id): position
        for account_id, theirs in by_account.items()
        for audit_id, position in _append_with_retries(account_id, theirs, found).items()
    }


def _keys(account_id: str, entries: Mapping[str, AuditEntry]) -> list[keys.Key]:
    return [keys.chain_head(account_id), *(keys.chain_entry(account_id, audit_id) for audit_id in entries)]


def _append_with_retries(account_id: str, entries: Mapping[str, AuditEntry], found: dynamo.Items) -> dict[str, int]:
    """Append the entries to one account's chain, and try again when a concurrent writer moved its head."""
    for _ in range(ATTEMPTS):
        try:
            return _append_to_chain(account_id, entries, found)
        except StaleFacts:
            found = dynamo.read(_keys(account_id, entries))
    raise TemporarilyUnavailable


def _append_to_chain(account_id: str, entries: Mapping[str, AuditEntry], found: dynamo.Items) -> dict[str, int]:
    head = found.get_as(ChainHead, keys.chain_head(account_id)) or ChainHead(account_id=account_id)
    existing = {audit_id: found.get(keys.chain_entry(account_id, audit_id)) for audit_id in entries}
    positions = {audit_id: int(item["place"]) for audit_id, item in existing.items() if item}
    new = [entry for audit_id, entry in entries.items() if audit_id not in positions]
    for start in range(0, len(new), MAX_ENTRIES_PER_TRANSACTION):
        part = new[start : start + MAX_ENTRIES_PER_TRANSACTION]
        heads = head.with_entries(part)
        dynamo.transact([*_entry_items(part, heads), _head_item(head, heads[-1])])
        head = heads[-1]
        positions |= {entry.audit_id: entry_head.entries for entry, entry_head in zip(part, heads, strict=True)}
    return positions


def _entry_items(entries: Sequence[AuditEntry], heads: Sequence[ChainHead]) -> Iterator[writes.TransactionItem]:
    for entry, head in zip(entries, heads, strict=True):
        key = keys.chain_entry(head.account_id, entry.audit_id)
        yield writes.put(key, {"place": head.entries, "chain_hash": head.chain_hash})


def _head_item(previous: ChainHead, head: ChainHead) -> writes.TransactionItem:
    """Move the head, provided that it is still the one that was read. So a chain never forks."""
    before: dict[str, Any] = (
        {"seen_entries": previous.entries, "seen_hash": previous.chain_hash} if previous.entries else {}
    )
    return writes.update(
        keys.chain_head(head.account_id),
        "SET account_id = :account_id, entries = :entries, chain_hash = :chain_hash",
        only_if=HEAD_UNCHANGED if previous.entries else NOT_BEGUN,
        **before,
        **dict(head),
    )
