"""What the vendor's back end told, in the table."""

from collections.abc import Iterator
from dataclasses import replace

from partner_access.domain.accounts import Account
from partner_access.domain.directory import AccountKept, MemberFacts, MemberKept, UserFacts, UserKept
from partner_access.domain.errors import EmailInUse
from partner_access.domain.memberships.members import Member
from partner_access.domain.users import User
from partner_access.idempotency import Storable
from partner_access.store import accounts, dynamo, keys
from partner_access.store.memberships import actors, members

COUNTED_AS_SEEN = "partner_seats_used = :taken AND (custom_set_count = :sets OR attribute_not_exists(custom_set_count))"
LINKS_AS_SEEN = "open_links = :links"
OWNED = "user_id = :owner"


def account(account_id: str) -> Account | None:
    return dynamo.read([keys.account(account_id)]).get_as(Account, keys.account(account_id))


def record_account(kept: AccountKept, answer: Storable) -> None:
    """The account as it was told; its counts are nobody's to tell."""
    key = keys.of(kept.account)
    line = (
        dynamo.put(
            key,
            kept.account,
            only_if=COUNTED_AS_SEEN,
            taken=kept.before.partner_seats_used,
            sets=kept.before.custom_set_count,
        )
        if kept.before
        else dynamo.put(key, kept.account)
    )
    dynamo.commit(kept, answer, line)


def facts_for_user(user_id: str, email: str | None, *, leaves: bool) -> UserFacts:
    """The user and who has the address; what he is where matters when he `leaves`."""
    found = dynamo.read([keys.user(user_id), *([keys.email(email)] if email else ())])
    facts = UserFacts(
        user=found.get_as(User, keys.user(user_id)),
        owner=found.get(keys.email(email), {}).get("user_id") if email else None,
    )
    return _with_accounts(facts, user_id) if leaves else facts


def _with_accounts(facts: UserFacts, user_id: str) -> UserFacts:
    """With those that he runs and who else does, and the partners on whose behalf he is in any."""
    mine = accounts.all_ids_of(user_id)
    found = dynamo.read(key for each in mine for key in (keys.super_admins(each), keys.member(each, user_id)))
    his = [each for each in mine if user_id in actors.super_admin_ids(found, each)]
    found.and_read([key for each in his for key in actors.keys_of_all(each, actors.super_admin_ids(found, each))])
    places = (place for each in mine for place in actors.places(found.get_as(Member, keys.member(each, user_id))))
    return replace(
        facts,
        super_admin_of={each: actors.super_admins(found, each, but=user_id) for each in his},
        here_for=frozenset(place.partner_id for place in places if place.partner_id),
    )


def record_user(kept: UserKept, answer: Storable | None) -> None:
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
    others = actors.keys_of_all(account_id, actors.super_admin_ids(found, account_id))
    found |= dynamo.read([*others, *actors.behind(found, account_id, user_id)])
    return MemberFacts(
        account=found.get_as(Account, keys.account(account_id)),
        target=actors.actor(found, account_id, user_id),
        others=actors.super_admins(found, account_id, but=user_id),
    )


def record_member(kept: MemberKept, answer: Storable) -> None:
    """The membership, and whom its user works for if the account is a partner."""
    dynamo.commit(kept, answer, *members.lines(kept.account, kept.before, kept.member, kept.act.at), *_user_lines(kept))


def _user_lines(kept: MemberKept) -> Iterator[dynamo.Line]:
    if kept.employed_by == kept.user.employed_by:
        if members.becomes_super_admin(kept.before, kept.member):
            yield members.new_version(kept.user)
        return
    yield members.employment(kept.user.changed(employed_by=kept.employed_by))
