"""The chains in the table: each entry of a trail once, in the order of the stream, and how far each chain has come."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from partner_access.domain.audit.hash_chain import Head
from partner_access.domain.errors import Overtaken, TemporarilyUnavailable
from partner_access.domain.records import AuditEntry
from partner_access.store import dynamo, keys

AT_ONCE: Final = 90
"""How many entries a chain takes in one transaction, beside its head."""
ATTEMPTS: Final = 6
NOT_BEGUN: Final = "attribute_not_exists(pk)"
AS_SEEN: Final = "entries = :seen_entries AND chain_hash = :seen_hash"


def append(entries: Sequence[tuple[str, AuditEntry]]) -> Mapping[tuple[str, str], int]:
    """Chain these entries, each to its account's chain in this order; the place of each, by account and audit id.

    An entry that has its place keeps it: the same batch may come as often as it likes.
    """
    by_account: dict[str, dict[str, AuditEntry]] = {}
    for account_id, entry in entries:
        by_account.setdefault(account_id, {})[entry.audit_id] = entry
    found = dynamo.read(key for account_id, theirs in by_account.items() for key in _keys(account_id, theirs))
    return {
        (account_id, audit_id): place
        for account_id, theirs in by_account.items()
        for audit_id, place in _settled(account_id, theirs, found).items()
    }


def _keys(account_id: str, entries: Mapping[str, AuditEntry]) -> list[keys.Key]:
    return [keys.head(account_id), *(keys.chained(account_id, audit_id) for audit_id in entries)]


def _settled(account_id: str, entries: Mapping[str, AuditEntry], found: dynamo.Items) -> dict[str, int]:
    """Somebody else who chains the same account meanwhile was first: what is left is chained after that."""
    for _ in range(ATTEMPTS):
        try:
            return _chained(account_id, entries, found)
        except Overtaken:
            found = dynamo.read(_keys(account_id, entries))
    raise TemporarilyUnavailable


def _chained(account_id: str, entries: Mapping[str, AuditEntry], found: dynamo.Items) -> dict[str, int]:
    head = found.get_as(Head, keys.head(account_id)) or Head(account_id=account_id)
    kept = {audit_id: found.get(keys.chained(account_id, audit_id)) for audit_id in entries}
    places = {audit_id: int(item["place"]) for audit_id, item in kept.items() if item}
    new = [entry for audit_id, entry in entries.items() if audit_id not in places]
    for start in range(0, len(new), AT_ONCE):
        part = new[start : start + AT_ONCE]
        heads = head.followed_by_all(part)
        dynamo.transact([*_links(part, heads), _moved(head, heads[-1])])
        head = heads[-1]
        places |= {entry.audit_id: its_head.entries for entry, its_head in zip(part, heads, strict=True)}
    return places


def _links(entries: Sequence[AuditEntry], heads: Sequence[Head]) -> Iterator[dynamo.Line]:
    for entry, head in zip(entries, heads, strict=True):
        key = keys.chained(head.account_id, entry.audit_id)
        yield dynamo.put(key, {"place": head.entries, "chain_hash": head.chain_hash})


def _moved(seen: Head, head: Head) -> dynamo.Line:
    """The head moves on only from where it was seen: a chain never parts in two."""
    before: dict[str, Any] = {"seen_entries": seen.entries, "seen_hash": seen.chain_hash} if seen.entries else {}
    return dynamo.update(
        keys.head(head.account_id),
        "SET account_id = :account_id, entries = :entries, chain_hash = :chain_hash",
        only_if=AS_SEEN if seen.entries else NOT_BEGUN,
        **before,
        **dict(head),
    )
