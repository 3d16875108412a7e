"""What an explanation is taken from: the snapshot of a decision, and who else could change it."""

from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.authorization.access import Presence
from partner_access.domain.authorization.remediation import Surroundings
from partner_access.domain.memberships.actors import NOBODY
from partner_access.store import dynamo, keys
from partner_access.store.authorization import access
from partner_access.store.authorization.access import Pair
from partner_access.store.memberships import actors

NAMED_AT_ONCE: Final = 10
"""How many super admins are looked at: enough to find one to ask."""


def presences(*pairs: Pair | None, act: Act) -> list[Presence]:
    """How these stand there, all at one instant; what can be nobody stands nowhere."""
    found = access.presences((pair for pair in pairs if pair), act.at, ends=act.ends)
    return [found[pair] if pair else Presence(None, NOBODY, act.at) for pair in pairs]


def surroundings(account_id: str, presence: Presence) -> Surroundings:
    """Some super admins of the account, and the firms that somebody who is or was in it works for."""
    user, member = presence.actor.user, presence.actor.member
    employers = user.employed_by if user and member else ()
    wanted = {firm: keys.account(firm) for firm in sorted(employers)}
    found = dynamo.read([keys.super_admins(account_id), *wanted.values()])
    some = actors.super_admin_ids(found, account_id)[:NAMED_AT_ONCE]
    found.and_read(actors.keys_of_all(account_id, some))
    return Surroundings(
        super_admins=tuple(actors.actor(found, account_id, user_id) for user_id in some),
        firms=found.all_as(Account, wanted),
    )
