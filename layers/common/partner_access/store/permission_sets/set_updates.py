"""Set updates in the table: members with an older version of their set, and acceptance of the latest version."""

from dataclasses import dataclass

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.permission_sets.set_updates import SetUpdateAccepted, SetUpdateFacts, has_outdated_set
from partner_access.domain.users import User
from partner_access.idempotency import StorableResponse
from partner_access.store import dynamo, keys
from partner_access.store.memberships import actors, members


@dataclass(frozen=True, slots=True)
class Page:
    """One page of members with an older version of their set, sorted by id, and the id to continue after."""

    members: tuple[Actor, ...]
    after: str | None


def page(account_id: str, *, after: str | None, limit: int) -> Page:
    """Return the members with an older version among one page of members. There can be few or none."""
    listed = members.page(account_id, after=after, limit=limit)
    found = listed.found
    user_ids = [each.user_id for each in map(Member.model_validate, found.values()) if has_outdated_set(each)]
    found.read_missing([*map(keys.user, user_ids), *actors.related_keys(found, account_id, *user_ids)])
    return Page(tuple(actors.actor(found, account_id, user_id) for user_id in user_ids), listed.after)


def facts(account_id: str, user_id: str, actor_id: str) -> SetUpdateFacts:
    """Read the account, the caller who would accept the update, and the member."""
    found = dynamo.read(
        [
            keys.account(account_id),
            keys.super_admins(account_id),
            *actors.first_keys_of_all(account_id, (actor_id, user_id)),
        ]
    )
    user = found.get_as(User, keys.user(actor_id))
    others = actors.super_admin_ids(found, account_id) if user and user.is_partner_employee else []
    found.read_missing(
        [*actors.related_keys(found, account_id, actor_id, user_id), *actors.first_keys_of_all(account_id, others)]
    )
    return SetUpdateFacts(
        account=found.get_as(Account, keys.account(account_id)),
        actor=actors.actor(found, account_id, actor_id),
        target=actors.actor(found, account_id, user_id),
        super_admins=actors.super_admins(found, account_id),
    )


def record(accepted: SetUpdateAccepted, response: StorableResponse) -> None:
    """Commit the membership with the latest version of its set."""
    dynamo.commit(
        accepted,
        response,
        *members.transaction_items(accepted.account, accepted.before, accepted.member, accepted.act.at),
    )
