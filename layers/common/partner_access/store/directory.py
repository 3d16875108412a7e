"""Accounts, users and memberships in the table, as the vendor's back end saves them."""

from collections.abc import Iterator
from dataclasses import replace

from partner_access.domain.accounts import Account
from partner_access.domain.directory import AccountSaved, UserFacts, UserSaved
from partner_access.domain.directory_members import DirectoryMemberFacts, MemberSaved
from partner_access.domain.errors import EmailInUse
from partner_access.domain.memberships.members import Member
from partner_access.domain.users import User
from partner_access.idempotency import StorableResponse
from partner_access.store import accounts, dynamo, keys, writes
from partner_access.store.memberships import actors, members

COUNTERS_UNCHANGED = (
    "partner_seats_used = :taken AND (custom_set_count = :sets OR attribute_not_exists(custom_set_count))"
)
OPEN_LINKS_UNCHANGED = "open_links = :links"
OWNED = "user_id = :owner"


def account(account_id: str) -> Account | None:
    return dynamo.read([keys.account(account_id)]).get_as(Account, keys.account(account_id))


def record_account(saved: AccountSaved, response: StorableResponse) -> None:
    """Commit the account as the vendor sent it. Its counters are not the vendor's to set."""
    key = keys.of(saved.account)
    item = (
        writes.put(
            key,
            saved.account,
            only_if=COUNTERS_UNCHANGED,
            taken=saved.before.partner_seats_used,
            sets=saved.before.custom_set_count,
        )
        if saved.before
        else writes.put(key, saved.account)
    )
    dynamo.commit(saved, response, item)


def facts_for_user(user_id: str, email: str | None, *, with_memberships: bool) -> UserFacts:
    """Read the user and the owner of the email address, and with `with_memberships` also the user's memberships."""
    found = dynamo.read([keys.user(user_id), *([keys.email(email)] if email else ())])
    facts = UserFacts(
        user=found.get_as(User, keys.user(user_id)),
        email_owner_id=found.get(keys.email(email), {}).get("user_id") if email else None,
    )
    return _with_accounts(facts, user_id) if with_memberships else facts


def _with_accounts(facts: UserFacts, user_id: str) -> UserFacts:
    """Add the accounts where the user is super admin, the other super admins there, and the user's partners."""
    account_ids = accounts.all_ids_of(user_id)
    found = dynamo.read(key for each in account_ids for key in (keys.super_admins(each), keys.member(each, user_id)))
    super_admin_of = [each for each in account_ids if user_id in actors.super_admin_ids(found, each)]
    found.read_missing(
        [key for each in super_admin_of for key in actors.first_keys_of_all(each, actors.super_admin_ids(found, each))]
    )
    members = (found.get_as(Member, keys.member(each, user_id)) for each in account_ids)
    return replace(
        facts,
        super_admin_of={each: actors.super_admins(found, each, but=user_id) for each in super_admin_of},
        member_for=frozenset(member.partner_id for member in members if member and member.partner_id),
    )


def record_user(saved: UserSaved, response: StorableResponse | None) -> None:
    """Commit the user and their unique email address, then a report for each account left without a super admin."""
    user = saved.user
    key = keys.of(user)
    item = (
        writes.put(key, user, only_if=OPEN_LINKS_UNCHANGED, links=saved.before.open_links)
        if saved.before
        else writes.put(key, user)
    )
    dynamo.commit(saved, response, item, *_address_items(saved))
    for report in saved.orphan_reports:
        dynamo.commit(report, None)


def _address_items(saved: UserSaved) -> Iterator[writes.TransactionItem]:
    if not saved.email_changed:
        return
    owner = {"user_id": saved.user.user_id}
    if saved.user.email:
        yield writes.put(keys.email(saved.user.email), owner, error=EmailInUse)
    if saved.before and saved.before.email:
        yield writes.delete(keys.email(saved.before.email), only_if=OWNED, owner=saved.user.user_id)


def facts_for_member(account_id: str, user_id: str) -> DirectoryMemberFacts:
    """Read the account, the user, their membership, and the account's other super admins."""
    found = dynamo.read(
        [keys.account(account_id), keys.super_admins(account_id), *actors.first_keys(account_id, user_id)]
    )
    others = actors.first_keys_of_all(account_id, actors.super_admin_ids(found, account_id))
    found |= dynamo.read([*others, *actors.related_keys(found, account_id, user_id)])
    return DirectoryMemberFacts(
        account=found.get_as(Account, keys.account(account_id)),
        target=actors.actor(found, account_id, user_id),
        others=actors.super_admins(found, account_id, but=user_id),
    )


def record_member(saved: MemberSaved, response: StorableResponse) -> None:
    """Commit the membership, and in a partner account also the partners that the user works for."""
    dynamo.commit(
        saved,
        response,
        *members.transaction_items(saved.account, saved.before, saved.member, saved.act.at),
        *_user_items(saved),
    )


def _user_items(saved: MemberSaved) -> Iterator[writes.TransactionItem]:
    user_after = saved.user_after
    if user_after:
        yield members.employment_item(user_after)
    elif members.becomes_super_admin(saved.before, saved.member):
        yield members.raise_version(saved.user)
