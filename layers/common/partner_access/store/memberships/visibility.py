"""The people in an account as they are looked at: one of them, or a page, with all that stands behind them."""

from dataclasses import dataclass

from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.visibility import Introduced, ViewFacts
from partner_access.domain.users import User
from partner_access.store import dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.memberships import actors, members


def viewer(account_id: str, by: str) -> Actor:
    """Who looks, in the account where he does."""
    found = dynamo.read(actors.keys_of(account_id, by))
    found.and_read(actors.behind(found, account_id, by))
    return actors.actor(found, account_id, by)


def facts_for_one(account_id: str, user_id: str, by: str) -> ViewFacts:
    """A member, who looks at him, and that one in the firms on whose behalf the member is or was here."""
    found = dynamo.read(actors.keys_of_all(account_id, (by, user_id)))
    firms = _firms_of(found.get_as(Member, keys.member(account_id, user_id)))
    found.and_read(
        [
            *actors.behind(found, account_id, by, user_id),
            *_introducers(found, account_id, user_id),
            *(keys.member(firm, by) for firm in firms),
        ]
    )
    found.and_read(key for firm in firms for key in actors.behind(found, firm, by))
    return ViewFacts(
        viewer=actors.actor(found, account_id, by),
        shown=_introduced(found, account_id, user_id),
        at_firms={firm: actors.actor(found, firm, by) for firm in firms},
    )


@dataclass(frozen=True, slots=True)
class Page:
    """Some members, by id, and the id to go on after."""

    people: list[Introduced]
    after: str | None


def page(account_id: str, *, after: str | None, limit: int) -> Page:
    """Members of an account; what it costs is in proportion to the page."""
    listed = members.page(account_id, after=after, limit=limit)
    found, user_ids = listed.found, listed.user_ids
    found.and_read(
        [
            *map(keys.user, user_ids),
            *actors.behind(found, account_id, *user_ids),
            *_introducers(found, account_id, *user_ids),
        ]
    )
    people = [_introduced(found, account_id, user_id) for user_id in user_ids if keys.user(user_id) in found]
    return Page(people, listed.after)


def _firms_of(member: Member | None) -> set[str]:
    places = (member, member.previous) if member else ()
    return {place.partner_id for place in places if place and place.partner_id}


def _introducers(found: Items, account_id: str, *user_ids: str) -> list[Key]:
    each_of = (found.get_as(Member, keys.member(account_id, user_id)) for user_id in user_ids)
    return [keys.user(member.granted_by) for member in each_of if member and member.granted_by]


def _introduced(found: Items, account_id: str, user_id: str) -> Introduced:
    actor = actors.actor(found, account_id, user_id)
    by = actor.member.granted_by if actor.member else None
    return Introduced(actor, found.get_as(User, keys.user(by)) if by else None)
