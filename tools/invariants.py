"""Check the invariants of the whole table, which hold in every committed state (consistency.md §1).

`broken(items)` takes items as boto3's table resource returns them. It returns a sentence for each violation.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from math import inf
from typing import Final

from partner_access.domain.memberships.actors import EXPLICIT_SUSPENSIONS
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.custom_sets import is_custom
from partner_access.store import keys, outbox
from tools import act_invariants
from tools.whole_table import Item, TableContent

Sentences = Iterator[str]

ENDING_REASONS: Final = {"offboarded", "erased", "program_ended"}
MAX_SECRETS: Final = 3
MAX_CUSTOM_SETS: Final = 100


def violations(items: Iterable[Item], *, at: datetime | None = None) -> list[str]:
    """Return all violations at a given time.

    Without a time, use that of the last act and assume that no email has been removed from the outbox yet.
    """
    table = TableContent(items)
    latest = max((act["at"] for act in table.acts.values()), default=0)
    email_violations = act_invariants.emails_and_acts_agree(table, (at - outbox.DELIVERY_TTL).timestamp() if at else 0)
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
    """A custom set counts its holders and its partner holders. A membership that is over holds none."""
    assignments = [
        (account, member["permission_set"], "partner_id" in member)
        for (account, _), member in table.members.items()
        if member["active"] and is_custom(member["permission_set"])
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
    act_invariants.audit_entries_are_complete,
    act_invariants.hash_chains_are_intact,
    act_invariants.grants_have_audit_entries,
    act_invariants.stored_responses_are_valid,
    act_invariants.no_secret_is_stored,
)
