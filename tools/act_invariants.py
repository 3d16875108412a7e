"""Invariants of what acts leave behind: audit entries, hash chains, emails and stored responses (consistency.md §1)."""

import json
from collections.abc import Iterator
from typing import Final
from zlib import decompress

from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.idempotency import without_names
from partner_access.store import keys
from partner_access.store.audit.audit_log import entry_of
from tools.whole_table import Item, TableContent

Sentences = Iterator[str]

EMAIL_KINDS: Final = {
    "link.approved": "access_granted",
    "link.declined": "link_declined",
    "link.expired": "link_expired",
    "link.renewal_requested": "link_renewal_requested",
    "super_admin.migrated": "super_admin_migrated",
    "member.created": "member_created",
    "member.updated": "access_changed",
    "member.suspended": "access_suspended",
    "grant.revoked": "access_ended",
    "member.removed": "access_ended",
    "permission_set.update_accepted": "access_changed",
    "grant.ending": "access_ending",
    "grant.expired": "access_ended",
    "member.retained": "member_retained",
    "program.stopped": "program_stopped",
    "program.resumed": "program_resumed",
}
OPTIONAL_EMAIL_KINDS: Final = {
    "access.ended": "member_retained",
    "account.orphaned": "account_orphaned",
    "member.resumed": "access_resumed",
}
"""Acts that may have no email.

When a program ends, each client gets one email. An erased user gets none. An act may itself report an orphaned
account. A suspension can be lifted from a person whose membership is over.
"""
SUCCESS: Final = range(200, 300)


def audit_entries_are_complete(table: TableContent) -> Sentences:
    """G6: each account concerned has an entry, which is the same in all of them."""
    for (account, audit), item in table.audits.items():
        if item["audit_id"] != audit or account not in item["accounts"]:
            yield f"{audit}: is in the audit log of {account}, which it does not concern"
        for other in item["accounts"]:
            if _without_partition_key(table.audits.get((other, audit))) != _without_partition_key(item):
                yield f"{audit}: differs in the audit log of {other}"


def hash_chains_are_intact(table: TableContent) -> Sentences:
    """G11: each link of a chain is an audit entry at its position, and the chain head is the last one."""
    heads = {account: item for _, account, item in table.items_with_prefix(keys.CHAIN_HEAD, keys.ACCOUNT)}
    chains: dict[str, list[tuple[int, str, str]]] = {account: [] for account in heads}
    for account, audit, item in table.items_with_prefix(keys.CHAIN, ""):
        chains.setdefault(account, []).append((int(item["place"]), audit, item["chain_hash"]))
    for account, links in chains.items():
        head = ChainHead(account_id=account)
        for position, audit, chain_hash in sorted(links):
            entry = table.audits.get((account, audit))
            if entry is None:
                yield f"{audit}: is in the hash chain of {account}, but not in its audit log"
                break
            head = head.with_entry(entry_of(entry))
            if (position, chain_hash) != (head.entries, head.chain_hash):
                yield f"{audit}: does not follow the previous entry in the hash chain of {account}"
                break
        else:
            stored_head = heads.get(account, {})
            if {name: stored_head.get(name) for name in dict(head)} != dict(head):
                yield f"{account}: its chain head is not the last entry"


def _without_partition_key(entry: Item | None) -> Item | None:
    return entry and {name: value for name, value in entry.items() if name != "pk"}


def grants_have_audit_entries(table: TableContent) -> Sentences:
    """G6: each grant has exactly one act, with the same id, that created it."""
    for (account, user), member in table.members.items():
        grant = member.get("grant", {}).get("grant_id")
        act = table.audits.get((account, f"aud_{str(grant).removeprefix('grt_')}"), {})
        if grant and act.get("details", {}).get("grant_id") != grant:
            yield f"{user} in {account}: no act created {grant}"


def emails_and_acts_agree(table: TableContent, since: float) -> Sentences:
    """G6: each email belongs to one act, and each act that requires an email has one.

    Acts before `since` are not checked. An email may have left the outbox once its copies were sent.
    """
    sent_ids = {item.get("outbox_id") for _, _, item in table.items_with_prefix(keys.DELIVERY, "DELIVERY")}
    for name, item in table.outbox.items():
        act = table.acts.get(f"aud_{name}")
        if act is None:
            yield f"email {name}: no act requested it"
        elif item["notification"]["kind"] != (EMAIL_KINDS | OPTIONAL_EMAIL_KINDS).get(act["event"], "link_to_approve"):
            yield f"email {name}: {item['notification']['kind']} for {act['event']}"
    for audit, act in table.acts.items():
        name = audit.removeprefix("aud_")
        if act["event"] not in EMAIL_KINDS or act["at"] < since or _concerns_program(act):
            continue
        if name not in sent_ids and name not in table.outbox:
            yield f"{audit}: nobody is notified of {act['event']}"


def _concerns_program(act: Item) -> bool:
    """The directory sends no email, and of a partner's program each client is notified once."""
    return "fields" in act["details"] or "program" in (
        act["details"].get("suspended_by"),
        act["details"].get("resumed_by"),
    )


def stored_responses_are_valid(table: TableContent) -> Sentences:
    """G8: a stored response is a success, contains no secret and no name, and refers to existing records."""
    grants = {act.get("details", {}).get("grant_id") for act in table.acts.values()}
    for key, _, item in table.items_with_prefix(keys.IDEMPOTENCY, "IDEMPOTENCY"):
        response = json.loads(_stored_response(item))
        if int(item["response_status"]) not in SUCCESS:
            yield f"{key}: stores a {item['response_status']}"
        if "url" in response:
            yield f"{key}: stores a link's secret"
        if _stored_response(item) != without_names(_stored_response(item)):
            yield f"{key}: stores a user's name or address"
        if "link_id" in response and response["link_id"] not in table.links:
            yield f"{key}: stores {response['link_id']}, which does not exist"
        if "grant_id" in response and response["grant_id"] not in grants:
            yield f"{key}: stores {response['grant_id']}, which was never granted"


def _stored_response(item: Item) -> str:
    return decompress(bytes(item["response_body"])).decode()


def no_secret_is_stored(table: TableContent) -> Sentences:
    """G10: no item contains the secret of a link."""
    for key, item in table.items.items():
        if "pal_" in str(item) or ("response_body" in item and "pal_" in _stored_response(item)):
            yield f"{key}: holds a link's secret"
