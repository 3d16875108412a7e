"""Check the invariants of the whole table, which hold in every committed state (consistency.md §1).

`broken(items)` takes items as boto3's table resource returns them. It returns a sentence for each violation.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from math import inf
from typing import Final
from zlib import decompress

from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.domain.memberships.actors import EXPLICIT_SUSPENSIONS
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import is_custom
from partner_access.store import keys, outbox
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
    "member.resumed": "access_resumed",
    "grant.revoked": "access_ended",
    "member.removed": "access_ended",
    "permission_set.update_accepted": "access_changed",
    "grant.ending": "access_ending",
    "grant.expired": "access_ended",
    "member.retained": "member_retained",
    "program.stopped": "program_stopped",
    "program.resumed": "program_resumed",
}
OPTIONAL_EMAIL_KINDS: Final = {"access.ended": "member_retained", "account.orphaned": "account_orphaned"}
"""Acts that may have no email.

When a program ends, each client gets one email. An erased user gets none. An act may itself report an orphaned
account.
"""
ENDING_REASONS: Final = {"offboarded", "erased", "program_ended"}
MAX_SECRETS: Final = 3
SUCCESS: Final = range(200, 300)
MAX_CUSTOM_SETS: Final = 100


def violations(items: Iterable[Item], *, at: datetime | None = None) -> list[str]:
    """Return all violations at a given time.

    Without a time, use that of the last act and assume that no email has been removed from the outbox yet.
    """
    table = TableContent(items)
    latest = max((act["at"] for act in table.acts.values()), default=0)
    email_violations = emails_and_acts_agree(table, (at - outbox.DELIVERY_TTL).timestamp() if at else 0)
    ended_access_violations = ended_access_is_being_reconciled(table, at.timestamp() if at else latest)
    return [*(sentence for rule in RULES for sentence in rule(table)), *ended_access_violations, *email_violations]


def seats_are_counted(table: TableContent) -> Sentences:
    """G2: the counted partner seats equal the active partner admins and do not exceed the account's limit."""
    live = Counter(account for (account, _), member in table.members.items() if member.get("seat") == "partner")
    for account, item in table.accounts.items():
        if item.get("partner_seats_used", 0) != live[account]:
            yield f"{account}: {item.get('partner_seats_used')} seats are used, but there are {live[account]} partner admins"
        if "partner_seat_limit" in item and live[account] > item["partner_seat_limit"]:
            yield f"{account}: {live[account]} partner admins for {item['partner_seat_limit']} seats"


def partner_admins_have_a_grant(table: TableContent) -> Sentences:
    """A member on a partner seat has a grant for their partner. Only such members have the partner-admin set."""
    grants: Counter[str] = Counter()
    for (account, user), member in table.members.items():
        subject = f"{user} in {account}"
        if (member.get("seat") == "partner") != ("grant" in member):
            yield f"{subject}: a partner seat without a grant, or a grant without a partner seat"
        if "grant" not in member:
            if member["permission_set"] == "partner_admin" and member["active"]:
                yield f"{subject}: partner admin without a grant"
            continue
        grants[member["grant"]["grant_id"]] += 1
        if not member.get("active"):
            yield f"{subject}: an active grant without an active membership"
        if member.get("partner_id") != member["grant"]["partner_id"]:
            yield f"{subject}: the grant and the membership are for different partners"
        if table.accounts.get(account, {}).get("kind") != "client":
            yield f"{subject}: a partner admin in an account that is not a client"
    yield from (f"{grant}: is the grant of {count} memberships" for grant, count in grants.items() if count > 1)


def partner_members_have_no_restricted_permission(table: TableContent) -> Sentences:
    """No set and no override gives a restricted permission to a partner member."""
    for (account, user), member in table.members.items():
        if member["active"] and "partner_id" in member and catalogue.RESTRICTED & _permissions(table, account, member):
            yield f"{user} in {account}: a restricted permission"


def _permissions(table: TableContent, account: str, member: Item) -> set[str]:
    name = member["permission_set"]
    if is_custom(name):
        base = table.get(f"{keys.ACCOUNT}{account}", f"{keys.SET}{name}").get("permissions", ())
    else:
        base = catalogue.SETS[name][int(member["set_version"]) - 1]
    return (_names(base) - _names(member.get("removed", ()))) | _names(member.get("added", ()))


def _names(permissions: Iterable[str]) -> set[str]:
    return {permission.partition(":")[0] for permission in permissions}


def custom_set_holders_are_counted(table: TableContent) -> Sentences:
    """A custom set counts its holders and its partner holders, including memberships that resume when a grant ends."""
    assignments = [
        (account, assignment["permission_set"], "partner_id" in assignment)
        for (account, _), member in table.members.items()
        for assignment in (member, member.get("previous"))
        if assignment and member["active"] and is_custom(assignment["permission_set"])
    ]
    holders = Counter((account, name) for account, name, _ in assignments)
    partner_holders = Counter((account, name) for account, name, is_for_a_partner in assignments if is_for_a_partner)
    for (account, name), count in holders.items():
        if (account, name) not in table.sets:
            yield f"{account}: {count} hold {name}, which does not exist"
    for (account, name), item in table.sets.items():
        counted = item.get("holders", 0), item.get("partner_holders", 0)
        if counted != (holders[account, name], partner_holders[account, name]):
            yield f"{account}: {counted[0]} and {counted[1]} counted to hold {name}, but {holders[account, name]} hold it"


def custom_sets_are_counted(table: TableContent) -> Sentences:
    """An account counts its custom sets and does not exceed their limit."""
    there = Counter(account for account, _ in table.sets)
    for account, item in table.accounts.items():
        if item.get("custom_set_count", 0) != there[account]:
            yield f"{account}: {item.get('custom_sets', 0)} custom sets counted, {there[account]} exist"
        if there[account] > MAX_CUSTOM_SETS:
            yield f"{account}: {there[account]} custom sets"


def partner_members_are_listed(table: TableContent) -> Sentences:
    """Each partner member is in the partner's list of people, and each grant with an end is due for expiry in time."""
    for (account, user), member in table.members.items():
        is_partner_member = member["active"] and "partner_id" in member
        listed = (f"{keys.PEOPLE}{member['partner_id']}", f"{account}#{user}") if is_partner_member else (None, None)
        if (member.get("list_key"), member.get("list_sort_key")) != listed:
            yield f"{user} in {account}: is listed as {member.get('list_key')} {member.get('list_sort_key')}"
        ends = member.get("grant", {}).get("expires_at")
        if (ends is None) != ("due_at" not in member) or (ends is not None and member["due_at"] > ends):
            yield f"{user} in {account}: access ends at {ends} but is due at {member.get('due_at')}"


def accounts_have_a_super_admin(table: TableContent) -> Sentences:
    """G3: once an active account has had a super admin, it has an active one unless it was reported as orphaned."""
    orphaned = {account for act in table.acts.values() for account in act.get("details", {}).get("orphaned", ())}
    for account, item in table.accounts.items():
        super_admin_list = table.items.get((f"{keys.ACCOUNT}{account}", "SUPER_ADMINS"))
        if super_admin_list is None or item.get("state", "active") != "active" or account in orphaned:
            continue
        if not any(_is_active_super_admin(table, account, user) for user in _super_admins(table, account)):
            yield f"{account}: no active super admin is left"


def _is_active_super_admin(table: TableContent, account: str, user: str) -> bool:
    is_stopped = EXPLICIT_SUSPENSIONS & set(table.members[account, user].get("suspended_by", ()))
    return bool(table.users.get(user, {}).get("active")) and not is_stopped


def _super_admins(table: TableContent, account: str) -> set[str]:
    return {
        user
        for (its_account, user), member in table.members.items()
        if its_account == account and member.get("active") and member["permission_set"] == "super_admin"
    }


def ended_access_is_being_reconciled(table: TableContent, at: float) -> Sentences:
    """Access that was ended as a whole only remains while its reconciliation is queued.

    A grant that ended by time is left to the link-expiry job.
    """
    queued = [
        item["reconciliation"]
        for _, _, item in table.items_with_prefix(keys.RECONCILIATION, keys.ACT)
        if item["reconciliation"]["reason"] in ENDING_REASONS
    ]
    for (account, user), member in table.members.items():
        partner = member.get("partner_id")
        if not partner or not member["active"] or member.get("grant", {}).get("expires_at", inf) <= at:
            continue
        offboardings = table.users.get(user, {}).get("offboardings", {}).get(partner, 0)
        is_ended = member.get("access_generation", 0) < offboardings + table.accounts.get(partner, {}).get(
            "terminations", 0
        )
        if is_ended and not any(concerns(reconciliation, partner, user) for reconciliation in queued):
            yield f"{user} in {account}: access has ended, but no reconciliation will record it"


def concerns(reconciliation: Item, partner: str, user: str) -> bool:
    return reconciliation.get("partner_id") in (None, partner) and reconciliation.get("user_id") in (None, user)


def super_admin_lists_agree(table: TableContent) -> Sentences:
    """The list of super admins contains exactly the active super admins."""
    for account in table.accounts:
        listed = set(table.get(f"{keys.ACCOUNT}{account}", "SUPER_ADMINS").get("user_ids", ()))
        if listed != _super_admins(table, account):
            yield f"{account}: {sorted(listed)} are listed as super admins, {sorted(_super_admins(table, account))} are"


def membership_mirrors_agree(table: TableContent) -> Sentences:
    """A membership exists exactly when the user's list contains the account. Its user and its account exist."""
    mirrored = {(account, user) for user, account, _ in table.items_with_prefix(keys.USER, keys.ACCOUNT)}
    for account, user in mirrored ^ set(table.members):
        yield f"{user} in {account}: the membership and its mirror do not agree"
    for account, user in table.members:
        if account not in table.accounts or user not in table.users:
            yield f"{user} in {account}: the user or the account does not exist"


def addresses_agree(table: TableContent) -> Sentences:
    """Each address in use belongs to exactly one user."""
    owners = {address: item["user_id"] for address, _, item in table.items_with_prefix(keys.EMAIL, "EMAIL")}
    used = {item["email"]: user for user, item in table.users.items() if "email" in item}
    if len(used) < sum("email" in item for item in table.users.values()):
        yield "two users have the same address"
    for address in sorted(set(owners) ^ set(used)):
        yield f"{address}: in use but not reserved, or reserved but not in use"
    for address in sorted(set(owners) & set(used)):
        if owners[address] != used[address]:
            yield f"{address}: reserved for {owners[address]}, used by {used[address]}"


def employments_agree(table: TableContent) -> Sentences:
    """A user's employments are the partners in which they are an active member."""
    partners = {account for account, item in table.accounts.items() if item["kind"] == "partner"}
    for user, item in table.users.items():
        partners_of_user = {
            account
            for (account, member), membership in table.members.items()
            if member == user and account in partners and membership.get("active")
        }
        if set(item.get("employed_by", ())) != partners_of_user:
            yield f"{user}: recorded for {sorted(item.get('employed_by', ()))}, but works for {sorted(partners_of_user)}"


def link_approvals_are_counted(table: TableContent) -> Sentences:
    """G1: approvals are counted, never exceed the requested number, and never happen twice for an account."""
    approved = [act for act in table.acts.values() if act["event"] == "link.approved"]
    for link, item in table.links.items():
        acts = [act for act in approved if act.get("details", {}).get("link_id") == link]
        clients = [account for act in acts for account in act["accounts"] if account != item["partner_id"]]
        replies = [
            reply
            for _, _, reply in table.items_with_prefix(f"{keys.LINK}{link}", keys.ACCOUNT)
            if reply["state"] == "approved"
        ]
        if not len(acts) == item["approvals"] <= item["max_approvals"]:
            yield f"{link}: {item['approvals']} of {item['max_approvals']} approvals, {len(acts)} in the audit log"
        if len(set(clients)) < len(clients):
            yield f"{link}: an account approved twice"
        if item["max_approvals"] > 1 and len(replies) != len(acts):
            yield f"{link}: {len(acts)} approvals and {len(replies)} accounts that approved"
        if any(act["at"] >= item["expires_at"] for act in acts):
            yield f"{link}: approved after its end"
        if len(item.get("secrets", ())) > MAX_SECRETS:
            yield f"{link}: {len(item['secrets'])} valid secrets"


def open_links_are_counted(table: TableContent) -> Sentences:
    """A user's number of open links equals their links that are due for expiry. An ended link is never due."""
    due = Counter(item["employee_id"] for item in table.links.values() if "due_at" in item)
    for user, item in table.users.items():
        if item.get("open_links", 0) != due[user]:
            yield f"{user}: {item.get('open_links', 0)} open links counted, {due[user]} exist"
    for link, item in table.links.items():
        ended = item["stored_state"] != "open" or (item["max_approvals"] == 1 and item["approvals"])
        if ended and "due_at" in item:
            yield f"{link}: has ended and is still due"


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
    """G8: a stored response is a success, contains no secret, and refers to existing records."""
    grants = {act.get("details", {}).get("grant_id") for act in table.acts.values()}
    for key, _, item in table.items_with_prefix(keys.IDEMPOTENCY, "IDEMPOTENCY"):
        response = json.loads(_stored_response(item))
        if int(item["response_status"]) not in SUCCESS:
            yield f"{key}: stores a {item['response_status']}"
        if "url" in response:
            yield f"{key}: stores a link's secret"
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


RULES: Final[tuple[Callable[[TableContent], Sentences], ...]] = (
    seats_are_counted,
    partner_admins_have_a_grant,
    partner_members_have_no_restricted_permission,
    custom_set_holders_are_counted,
    custom_sets_are_counted,
    partner_members_are_listed,
    accounts_have_a_super_admin,
    super_admin_lists_agree,
    membership_mirrors_agree,
    addresses_agree,
    employments_agree,
    link_approvals_are_counted,
    open_links_are_counted,
    audit_entries_are_complete,
    hash_chains_are_intact,
    grants_have_audit_entries,
    stored_responses_are_valid,
    no_secret_is_stored,
)
