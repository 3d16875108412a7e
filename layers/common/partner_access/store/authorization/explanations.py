"""Facts of an explanation: the snapshot of an access decision, and the users who could change it."""

from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.authorization.access import AccessFacts
from partner_access.domain.authorization.remedies import RelatedActors
from partner_access.domain.memberships.actors import NO_ACTOR
from partner_access.store import dynamo, keys
from partner_access.store.authorization import access
from partner_access.store.authorization.access import MemberId
from partner_access.store.memberships import actors

MAX_SUPER_ADMINS: Final = 10
"""Maximum number of super admins read. That is enough to find one to ask."""


def access_facts(*pairs: MemberId | None, act: Act) -> list[AccessFacts]:
    """Return the access facts of these pairs, all of the same instant. A pair of None gets empty facts."""
    found = access.access_facts((pair for pair in pairs if pair), act.at, deadline=act.deadline)
    return [found[pair] if pair else AccessFacts(None, NO_ACTOR, act.at) for pair in pairs]


def related_actors(account_id: str, facts: AccessFacts) -> RelatedActors:
    """Read who could change the decision: some super admins of the account, and the employers of its subject."""
    user, member = facts.actor.user, facts.actor.member
    partner_ids = user.employed_by if user and member else ()
    wanted = {partner_id: keys.account(partner_id) for partner_id in sorted(partner_ids)}
    found = dynamo.read([keys.super_admins(account_id), *wanted.values()])
    super_admin_ids = actors.super_admin_ids(found, account_id)[:MAX_SUPER_ADMINS]
    found.read_missing(actors.first_keys_of_all(account_id, super_admin_ids))
    return RelatedActors(
        super_admins=tuple(actors.actor(found, account_id, user_id) for user_id in super_admin_ids),
        partners=found.all_as(Account, wanted),
    )
