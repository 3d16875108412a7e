"""Reads of an account's members for viewing: one member or a page of them, with the records behind them."""

from dataclasses import dataclass

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.visibility import VisibilityFacts, VisibleMember
from partner_access.domain.users import User, resolve_partner_id
from partner_access.store import dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.memberships import actors, members


@dataclass(frozen=True, slots=True)
class AccountViewFacts:
    """The account whose members the caller views, and the caller in it."""

    account: Account | None
    viewer: Actor


def facts_for_all(account_id: str, actor_id: str) -> AccountViewFacts:
    found = dynamo.read([keys.account(account_id), *actors.first_keys(account_id, actor_id)])
    found.read_missing(actors.related_keys(found, account_id, actor_id))
    return AccountViewFacts(found.get_as(Account, keys.account(account_id)), actors.actor(found, account_id, actor_id))


def facts_for_one(account_id: str, user_id: str, actor_id: str) -> VisibilityFacts:
    """Read a member, the viewer in this account, and the viewer in the member's present and former partners."""
    found = dynamo.read([keys.account(account_id), *actors.first_keys_of_all(account_id, (actor_id, user_id))])
    member = found.get_as(Member, keys.member(account_id, user_id))
    partner_ids, employer_id = _partner_ids_of(member), _employer_id(found, member)
    found.read_missing(
        [
            *([keys.account(employer_id)] if employer_id else ()),
            *actors.related_keys(found, account_id, actor_id, user_id),
            *_grantor_keys(found, account_id, user_id),
            *(keys.member(partner_id, actor_id) for partner_id in partner_ids),
        ]
    )
    found.read_missing(key for partner_id in partner_ids for key in actors.related_keys(found, partner_id, actor_id))
    return VisibilityFacts(
        account=found.get_as(Account, keys.account(account_id)),
        viewer=actors.actor(found, account_id, actor_id),
        member=_visible_member(found, account_id, user_id),
        viewer_at_partners={partner_id: actors.actor(found, partner_id, actor_id) for partner_id in partner_ids},
        employer=found.get_as(Account, keys.account(employer_id)) if employer_id else None,
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of members, sorted by id, and the id after which the next page starts."""

    members: list[VisibleMember]
    after: str | None


def page(account_id: str, *, after: str | None, limit: int) -> Page:
    """Return one page of an account's members, at a cost proportional to the page size."""
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
    return {member.partner_id} if member and member.partner_id else set()


def _employer_id(found: Items, member: Member | None) -> str | None:
    """Return the only partner that employs the member, if they are super admin: the partner that a migration is for."""
    if not member or not member.is_super_admin:
        return None
    return resolve_partner_id(found.get_as(User, keys.user(member.user_id)), None)


def _grantor_keys(found: Items, account_id: str, *user_ids: str) -> list[Key]:
    each_of = (found.get_as(Member, keys.member(account_id, user_id)) for user_id in user_ids)
    return [keys.user(member.granted_by) for member in each_of if member and member.granted_by]


def _visible_member(found: Items, account_id: str, user_id: str) -> VisibleMember:
    actor = actors.actor(found, account_id, user_id)
    granted_by = actor.member.granted_by if actor.member else None
    return VisibleMember(actor, found.get_as(User, keys.user(granted_by)) if granted_by else None)
