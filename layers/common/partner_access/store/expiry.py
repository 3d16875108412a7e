"""Due links and grants: those that have ended by time, and those with an end to warn about.

They come from a sparse index of open links and ending grants (performance.md).
"""

from collections.abc import Iterator
from datetime import datetime

from partner_access.domain.accounts import Account
from partner_access.domain.links.links import Link
from partner_access.domain.memberships.grants import DueGrant, GrantEndWarned, GrantExpired
from partner_access.domain.memberships.members import Member
from partner_access.store import dynamo, keys, queries
from partner_access.store.keys import Key
from partner_access.store.memberships import actors, members


def due(at: datetime) -> Iterator[Link | DueGrant]:
    """Yield each due link or grant, read from the table itself. Skip items deleted since the index was written."""
    for number in range(keys.SHARDS):
        condition = "due_shard = :part AND due_at <= :now"
        for page in queries.pages(condition, index="due", part=keys.due_part(number), now=at):
            yield from _read_due([Key(each["pk"], each["sk"]) for each in page.items])


def _read_due(listed: list[Key]) -> Iterator[Link | DueGrant]:
    found = dynamo.read(listed)
    due_members = [Member.model_validate(found[key]) for key in listed if key in found and keys.is_member(key)]
    found.read_missing(key for member in due_members for key in _related_keys(found, member))
    for member in due_members:
        account = found.get_as(Account, keys.account(member.account_id))
        if account:
            target = actors.actor(found, member.account_id, member.user_id)
            yield DueGrant(account=account, target=target, link_created_by=_requested_by(found, member))
    yield from (Link.model_validate(found[key]) for key in listed if key in found and not keys.is_member(key))


def _related_keys(found: dynamo.Items, member: Member) -> list[Key]:
    return [
        keys.account(member.account_id),
        keys.user(member.user_id),
        *actors.related_keys(found, member.account_id, member.user_id),
        *_links_of(member),
    ]


def _links_of(member: Member) -> list[Key]:
    grant = member.grant
    return [keys.link(grant.partner_id, grant.link_id)] if grant and grant.link_id else []


def _requested_by(found: dynamo.Items, member: Member) -> str | None:
    links = (found.get_as(Link, key) for key in _links_of(member))
    return next((link.created_by for link in links if link), None)


def record(decision: GrantExpired | GrantEndWarned) -> None:
    """Commit the end of a grant or the warning of its end, unless the membership changed in the meantime."""
    dynamo.commit(
        decision, None, *members.transaction_items(decision.account, decision.before, decision.member, decision.act.at)
    )
