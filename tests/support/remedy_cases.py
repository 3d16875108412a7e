"""Cases that a remedy is looked for, and the roles and users of the remedy."""

from typing import Any

from partner_access.domain.authorization.access import AccessFacts
from partner_access.domain.authorization.remediation import remedy
from partner_access.domain.authorization.remedies import RelatedActors
from partner_access.domain.authorization.remedy_cases import RemedyCase
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Role
from tests.support.builders import (
    NOW,
    PARTNER,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    an_act,
    an_actor,
    an_employee,
    an_idempotency_key,
    the_client,
    the_partner,
)

EXPORT = "crm.export"
OWN_PARTNER_SUPER_ADMIN = an_actor(an_employee("user-both"), a_member("user-both"))
NARROWED_ADMIN = a_partner_admin_actor(member=a_partner_admin(removed=(EXPORT,)))


def a_case(
    target: Actor, permission: str = EXPORT, *, admins: tuple[Actor, ...] = (an_actor(),), **more: Any
) -> RemedyCase:
    user_id = target.user.user_id if target.user else "user-nobody"
    related_actors = RelatedActors(admins, {PARTNER: the_partner()})
    act = an_act("asker", for_vendor=True, idempotency_key=an_idempotency_key())
    client = the_client()
    return RemedyCase(
        AccessFacts(client, target, NOW), client, user_id, permission, related_actors, **{"act": act, **more}
    )


def remedy_roles(case: RemedyCase) -> list[Role]:
    return [each.role for each in remedy(case).changeable_by]


def remedy_user_ids(case: RemedyCase) -> list[str]:
    return [person.user_id for each in remedy(case).changeable_by for person in each.users]
