"""What the vendor's back end told, in the table."""

from collections.abc import Iterator
from typing import Any

from partner_access.domain.accounts import Account
from partner_access.domain.decisions import Answer
from partner_access.domain.directory import AccountKept, MemberFacts, MemberKept, UserFacts, UserKept
from partner_access.domain.members import Member
from partner_access.domain.people import Actor, User
from partner_access.domain.refusals import EmailInUse
from partner_access.store import accounts, actors, dynamo, keys, members

TAKEN_AS_SEEN = "seats_taken = :taken"
LINKS_AS_SEEN = "open_links = :links"
OWNED = "user_id = :owner"


def account(account_id: str) -> Account | None:
    return dynamo.read([keys.account(account_id)]).get_as(Account, keys.account(account_id))


def record_account(kept: AccountKept, answer: Answer) -> None:
    """The account as it was told; its count of taken seats is nobody's to tell."""
    key = keys.of(kept.account)
    line = (
        dynamo.put(key, kept.account, only_if=TAKEN_AS_SEEN, taken=kept.before.seats_taken)
        if kept.before
        else dynamo.put(key, kept.account)
    )
    dynamo.commit(kept, answer, line)


def facts_for_user(user_id: str, email: str | None, *, leaves: bool) -> UserFacts:
    """The user and who has the address; whether accounts lose their last super admin matters when he `leaves`."""
    found = dynamo.read([keys.user(user_id), *([keys.email(email)] if email else ())])
    return UserFacts(
        user=found.get_as(User, keys.user(user_id)),
        owner=found.get(keys.email(email), {}).get("user_id") if email else None,
        super_admin_of=_super_admin_of(user_id) if leaves else {},
    )


def _super_admin_of(user_id: str) -> dict[str, tuple[Actor, ...]]:
    mine = accounts.all_ids_of(user_id)
    found = dynamo.read(keys.super_admins(each) for each in mine)
    his = [each for each in mine if user_id in actors.super_admin_ids(found, each)]
    found |= dynamo.read(key for each in his for key in actors.keys_of_all(each, actors.super_admin_ids(found, each)))
    return {each: actors.super_admins(found, each, but=user_id) for each in his}


def record_user(kept: UserKept, answer: Answer | None) -> None:
    """The user, and the address that is his alone; then the accounts that he leaves without a super admin."""
    user = kept.user
    key = keys.of(user)
    line = (
        dynamo.put(key, user, only_if=LINKS_AS_SEEN, links=kept.before.open_links)
        if kept.before
        else dynamo.put(key, user)
    )
    dynamo.commit(kept, answer, line, *_address_lines(kept))
    for report in kept.reports:
        dynamo.commit(report, None)


def _address_lines(kept: UserKept) -> Iterator[dynamo.Line]:
    if not kept.email_changed:
        return
    owner = {"user_id": kept.user.user_id}
    if kept.user.email:
        yield dynamo.put(keys.email(kept.user.email), owner, otherwise=EmailInUse)
    if kept.before and kept.before.email:
        yield dynamo.delete(keys.email(kept.before.email), only_if=OWNED, owner=kept.user.user_id)


def facts_for_member(account_id: str, user_id: str) -> MemberFacts:
    """The account, the user, what he is in it, and its other super admins."""
    found = dynamo.read([keys.account(account_id), keys.super_admins(account_id), *actors.keys_of(account_id, user_id)])
    found |= dynamo.read(actors.keys_of_all(account_id, actors.super_admin_ids(found, account_id)))
    return MemberFacts(
        account=found.get_as(Account, keys.account(account_id)),
        user=found.get_as(User, keys.user(user_id)),
        member=found.get_as(Member, keys.member(account_id, user_id)),
        others=actors.super_admins(found, account_id, but=user_id),
    )


def record_member(kept: MemberKept, answer: Answer) -> None:
    """The membership, and whom its user works for if the account is a partner."""
    dynamo.commit(kept, answer, *members.lines(kept.account, kept.before, kept.member), *_user_lines(kept))


def _user_lines(kept: MemberKept) -> Iterator[dynamo.Line]:
    if kept.employed_by == kept.user.employed_by:
        if members.becomes_super_admin(kept.before, kept.member):
            yield members.new_version(kept.user)
        return
    change = "SET employed_by = :firms, version = :version" if kept.employed_by else (
        "SET version = :version REMOVE employed_by"
    )  # fmt: skip
    firms: dict[str, Any] = {"firms": kept.employed_by} if kept.employed_by else {}
    yield dynamo.update(keys.user(kept.user.user_id), change, only_if=None, version=kept.user.version + 1, **firms)
