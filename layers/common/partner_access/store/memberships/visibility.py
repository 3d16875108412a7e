"""The people in an account as they are looked at: one of them, or a page, with all that stands behind them."""

from dataclasses import dataclass

from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.visibility import VisibilityFacts, VisibleMember
from partner_access.domain.users import User
from partner_access.store import dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.memberships import actors, members


def viewer(account_id: str, actor_id: str) -> Actor:
    """Who looks, in the account where he does."""
    found = dynamo.read(actors.first_keys(account_id, actor_id))
    found.read_missing(actors.related_keys(found, account_id, actor_id))
    return actors.actor(found, account_id, actor_id)


def facts_for_one(account_id: str, user_id: str, actor_id: str) -> VisibilityFacts:
    """A member, who looks at him, and that one in the firms on whose behalf the member is or was here."""
    found = dynamo.read(actors.first_keys_of_all(account_id, (actor_id, user_id)))
    partner_ids = _partner_ids_of(found.get_as(Member, keys.member(account_id, user_id)))
    found.read_missing(
        [
            *actors.related_keys(found, account_id, actor_id, user_id),
            *_grantor_keys(found, account_id, user_id),
            *(keys.member(partner_id, actor_id) for partner_id in partner_ids),
        ]
    )
    found.read_missing(key for partner_id in partner_ids for key in actors.related_keys(found, partner_id, actor_id))
    return VisibilityFacts(
        viewer=actors.actor(found, account_id, actor_id),
        member=_visible_member(found, account_id, user_id),
        viewer_at_partners={partner_id: actors.actor(found, partner_id, actor_id) for partner_id in partner_ids},
    )


@dataclass(frozen=True, slots=True)
class Page:
    """Some members, by id, and the id to go on after."""

    members: list[VisibleMember]
    after: str | None


def page(account_id: str, *, after: str | None, limit: int) -> Page:
    """Members of an account; what it costs is in proportion to the page."""
    listed = members.page(account_id, after=after, limit=limit)
    found, user_ids = listed.found, listed.user_ids
    found.read_missing(
        [
            *map(keys.user, user_ids),
            *actors.related_keys(found, account_id, *user_ids),
            *_grantor_keys(found, account_id, *user_ids),
        ]
    )
    visible_members = [
        _visible_member(found, account_id, user_id) for user_id in user_ids if keys.user(user_id) in found
    ]
    return Page(visible_members, listed.after)


def _partner_ids_of(member: Member | None) -> set[str]:
    assignments = (member, member.previous) if member else ()
    return {assignment.partner_id for assignment in assignments if assignment and assignment.partner_id}


def _grantor_keys(found: Items, account_id: str, *user_ids: str) -> list[Key]:
    each_of = (found.get_as(Member, keys.member(account_id, user_id)) for user_id in user_ids)
    return [keys.user(member.granted_by) for member in each_of if member and member.granted_by]


def _visible_member(found: Items, account_id: str, user_id: str) -> VisibleMember:
    actor = actors.actor(found, account_id, user_id)
    granted_by = actor.member.granted_by if actor.member else None
    return VisibleMember(actor, found.get_as(User, keys.user(granted_by)) if granted_by else None)
