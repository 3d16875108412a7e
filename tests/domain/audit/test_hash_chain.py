"""The hash chain, computed by hand. Every field of an entry and its position affect the hashes."""

import hashlib
import json
from typing import Any

import pytest

from partner_access.domain.audit.hash_chain import GENESIS_HASH, ChainHead, canonical_json, digest
from partner_access.domain.records import AuditEntry
from tests.support.builders import APPROVER, CLIENT, NOW, PARTNER

ENTRY = AuditEntry(
    audit_id="aud_1",
    at=NOW,
    event="link.approved",
    actor_id=APPROVER,
    accounts=(CLIENT, PARTNER),
    details={"access_days": 30, "added": ["é", "b"], "once": True},
)
CANONICAL_JSON = (
    '{"accounts":["client-bakery","partner-north"],"actor_id":"user-approver","at":"2026-11-22T09:00:00Z","audit_id":"aud_1",'
    '"details":{"access_days":30,"added":["é","b"],"once":true},"event":"link.approved"}'
)


def test_entry_canonical_form_is_unique_and_hashed() -> None:
    assert canonical_json(ENTRY.model_dump(mode="json")) == CANONICAL_JSON.encode()
    assert digest(ENTRY) == hashlib.sha256(b"\x00" + CANONICAL_JSON.encode()).digest()
    assert AuditEntry.model_validate(json.loads(CANONICAL_JSON)) == ENTRY


def test_chain_head_hashes_match_independent_computation() -> None:
    first = hashlib.sha256(b"\x02" + bytes(32) + digest(ENTRY)).digest()
    second = hashlib.sha256(b"\x02" + first + digest(ENTRY)).hexdigest()

    empty_head = ChainHead(account_id=CLIENT)
    heads = empty_head.with_entries([ENTRY, ENTRY])

    assert (empty_head.entries, empty_head.chain_hash) == (0, GENESIS_HASH)
    assert [(head.entries, head.chain_hash) for head in heads] == [(1, first.hex()), (2, second)]
    assert empty_head.with_entries([]) == ()


@pytest.mark.parametrize("changes", [
    {"audit_id": "aud_2"},
    {"at": NOW.replace(second=1)},
    {"event": "link.declined"},
    {"actor_id": "user-other"},
    {"accounts": (PARTNER, CLIENT)},
    {"details": {**ENTRY.details, "access_days": 31}},
    {"details": {**ENTRY.details, "access_days": 30.5}},
    {"details": {}},
])  # fmt: skip
def test_entry_with_any_changed_field_changes_later_chain_hashes(changes: dict[str, Any]) -> None:
    empty_head = ChainHead(account_id=CLIENT)
    other = ENTRY.model_copy(update=changes)

    *_, original = empty_head.with_entries([ENTRY, ENTRY])
    *_, altered = empty_head.with_entries([other, ENTRY])

    assert original.chain_hash != altered.chain_hash
