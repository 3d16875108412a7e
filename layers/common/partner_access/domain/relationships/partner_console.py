"""The partner console: the clients of a partner's employees, and who can view them or add colleagues."""

from dataclasses import dataclass
from datetime import datetime

from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.errors import Forbidden
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.roles import MembershipFacts
from partner_access.domain.permissions.rights import CLIENT_ACCESS_MANAGE, USERS_MANAGE


def listed_employee_id(caller: Actor, partner: Account | None, employee_id: str | None, act: Act) -> str | None:
    """Return the id of the employee whose memberships or links the caller can list, or None for all employees.

    A client access manager can list the requested employee or all of them. All others can list only themselves.
    """
    caller.must_be_employee(partner, act.at)
    if CLIENT_ACCESS_MANAGE in caller.rights_at(act.at):
        return employee_id
    if employee_id not in (None, act.actor_id):
        raise Forbidden
    return act.actor_id


@dataclass(frozen=True, slots=True)
class ClientMembership:
    """A membership of a partner's employee in a client, as it counts now."""

    client: Account
    actor: Actor
    member: Member

    @property
    def user_id(self) -> str:
        return self.member.user_id

    @property
    def created_by_client(self) -> bool:
        """True if the client itself made the person a member. Otherwise they are a member on behalf of the partner."""
        return not self.member.partner_id

    @property
    def set_name(self) -> str | None:
        """The name of the permission set if it is one of the client's custom sets."""
        custom = self.actor.sets.get(self.member.permission_set)
        return custom.name if custom else None

    def facts_for(self, manager: Actor) -> MembershipFacts:
        """Return the facts that a change by this member of the partner account would be decided on.

        They hold what the person can do for the partner or on themselves, not as a member of the client.
        """
        return MembershipFacts(account=self.client, actor=Actor(user=manager.user), target=self.actor, manager=manager)


def client_membership(partner_id: str, account: Account | None, actor: Actor, at: datetime) -> ClientMembership | None:
    """Return the membership if the partner can see it.

    A partner sees all memberships on its behalf. It sees those that the client created only for its present employees.
    It sees none on behalf of other partners, and none in partner accounts.
    """
    now = actor.member_at(at)
    if not account or account.is_partner or not actor.user or not now or not now.active:
        return None
    is_visible = now.partner_id == partner_id or (not now.partner_id and partner_id in actor.user.employed_by)
    return ClientMembership(account, actor, now) if is_visible else None


def must_add_colleagues(caller: Actor, partner_id: str, act: Act) -> None:
    """Raise unless the caller is in the client on behalf of this partner, and manages users there."""
    caller.must_be_member(act.at)
    caller_partner = caller.partner_at(act.at)
    if not caller_partner or caller_partner.account_id != partner_id or USERS_MANAGE not in caller.rights_at(act.at):
        raise Forbidden
