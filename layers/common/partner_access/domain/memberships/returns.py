"""Return of a person whose membership is over: who can bring them back (domain.md rule 42).

- The client suspended them: only the client's resume lifts that, also when the membership is over.
- The client removed them, or the vendor for it: only the client brings them back.
- A manager of the partner suspended or removed them: only a manager of this partner or the client brings them back.

The directory has rule 33. A migration concerns super admins, who are members.
"""

from datetime import datetime

from partner_access.domain.errors import GrantSuspended, RemovedByClient, RemovedByPartner
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.permissions.rights import CLIENT_ACCESS_MANAGE


def must_not_be_suspended_by_client(over: Member) -> None:
    """Raise for a membership that is over and still suspended by the client."""
    if SuspensionReason.CLIENT in over.suspended_by:
        raise GrantSuspended().with_detail(
            "The client suspended this person before the access ended. Let the client resume the access first."
        )


def must_be_returnable_by_partner(target: Actor, partner_id: str, manager: Actor, at: datetime) -> None:
    """Raise unless a partner admin can bring this person back on behalf of the partner.

    `manager` is the partner admin as a member of the partner account.
    """
    over = target.member_at(at)
    if over and over.is_removed_by_client:
        raise RemovedByClient
    if partner_id in target.kept_out_by_at(at) and CLIENT_ACCESS_MANAGE not in manager.rights_at(at):
        raise RemovedByPartner
