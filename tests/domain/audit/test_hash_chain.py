"""Chains by hand: what is hashed, in which order, and that nothing about an entry or its place is left out."""

import hashlib
import json
from typing import Any

import pytest

from partner_access.domain.audit.hash_chain import NOTHING, Head, canonical, digest
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
WRITTEN = (
    '{"accounts":["client-bakery","partner-north"],"actor_id":"user-approver","at":"2026-11-22T09:00:00Z","audit_id":"aud_1",'
    '"details":{"access_days":30,"added":["é","b"],"once":true},"event":"link.approved"}'
)


def test_an_entry_is_written_in_one_way_alone() -> None:
    assert canonical(ENTRY.model_dump(mode="json")) == WRITTEN.encode()
    assert digest(ENTRY) == hashlib.sha256(b"\x00" + WRITTEN.encode()).digest()
    assert AuditEntry.model_validate(json.loads(WRITTEN)) == ENTRY


def test_a_chain_is_what_anybody_can_reckon() -> None:
    first = hashlib.sha256(b"\x02" + bytes(32) + digest(ENTRY)).digest()
    second = hashlib.sha256(b"\x02" + first + digest(ENTRY)).hexdigest()

    begun = Head(account_id=CLIENT)
    heads = begun.followed_by_all([ENTRY, ENTRY])

    assert (begun.entries, begun.chain_hash) == (0, NOTHING)
    assert [(head.entries, head.chain_hash) for head in heads] == [(1, first.hex()), (2, second)]
    assert begun.followed_by_all([]) == ()


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
def test_whatever_differs_in_an_entry_shows_in_every_hash_after_it(changes: dict[str, Any]) -> None:
    begun = Head(account_id=CLIENT)
    other = ENTRY.model_copy(update=changes)

    *_, as_it_was = begun.followed_by_all([ENTRY, ENTRY])
    *_, altered = begun.followed_by_all([other, ENTRY])

    assert as_it_was.chain_hash != altered.chain_hash
