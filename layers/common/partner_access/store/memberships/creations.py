"""Direct creation in the table: from an email address to the user, their partner and their membership."""

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.memberships.creations import AssignableSetsFacts, MemberCreated, MemberCreationFacts
from partner_access.domain.memberships.members import Member
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.permissions.rights import SetName
from partner_access.domain.users import User, partner_is_ambiguous, resolve_partner_id
from partner_access.idempotency import StorableResponse
from partner_access.store import dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.memberships import actors, members


def facts(
    account_id: str, email: str, partner_id: str | None, actor_id: str, *, permission_set: str
) -> MemberCreationFacts:
    """Read the facts to create a member by email address.

    A partner admin also needs the partner: the one named, or the user's only partner, which takes a third read.
    """
    on_behalf = permission_set == SetName.PARTNER_ADMIN
    named = actors.custom_set_keys(account_id, permission_set)
    found = _read_first(account_id, email, actor_id, *named.values())
    user_id, creator = _owner_id(found, email), found.get_as(User, keys.user(actor_id))
    others = actors.super_admin_ids(found, account_id) if creator and creator.is_partner_employee else []
    found |= dynamo.read(
        [
            *([keys.user(user_id), keys.member(account_id, user_id)] if user_id else ()),
            *([keys.account(partner_id)] if partner_id else ()),
            *actors.related_keys(found, account_id, actor_id),
            *_manager_keys(found, account_id, actor_id),
            *actors.first_keys_of_all(account_id, others),
        ]
    )
    user = _current_owner(found, user_id, email)
    chosen_partner_id = resolve_partner_id(user, partner_id) if on_behalf else None
    found.read_missing(
        [
            *([keys.account(chosen_partner_id)] if chosen_partner_id else ()),
            *(actors.related_keys(found, account_id, user_id) if user_id else ()),
            *_keys_behind_manager(found, account_id, actor_id),
        ]
    )
    return MemberCreationFacts(
        account=found.get_as(Account, keys.account(account_id)),
        creator=actors.actor(found, account_id, actor_id),
        person=user,
        target=actors.actor(found, account_id, user_id) if user_id else Actor(),
        partner=found.get_as(Account, keys.account(chosen_partner_id)) if chosen_partner_id else None,
        partner_is_ambiguous=on_behalf and partner_is_ambiguous(user, partner_id),
        super_admins=actors.super_admins(found, account_id),
        manager=_manager(found, account_id, actor_id),
        sets=found.all_as(CustomSet, named),
    )


def facts_for_colleague(account_id: str, user_id: str, actor_id: str, *, permission_set: str) -> MemberCreationFacts:
    """Read the facts to add a colleague, who is named by user id and gets an ordinary permission set."""
    named = actors.custom_set_keys(account_id, permission_set)
    found = dynamo.read(
        [keys.account(account_id), *actors.first_keys_of_all(account_id, (actor_id, user_id)), *named.values()]
    )
    found.read_missing(
        [*actors.related_keys(found, account_id, actor_id, user_id), *_manager_keys(found, account_id, actor_id)]
    )
    found.read_missing(_keys_behind_manager(found, account_id, actor_id))
    return MemberCreationFacts(
        account=found.get_as(Account, keys.account(account_id)),
        creator=actors.actor(found, account_id, actor_id),
        person=found.get_as(User, keys.user(user_id)),
        target=actors.actor(found, account_id, user_id),
        partner=None,
        manager=_manager(found, account_id, actor_id),
        sets=found.all_as(CustomSet, named),
    )


def _partner_id_of(found: Items, account_id: str, actor_id: str) -> str | None:
    """Return the partner on whose behalf the caller is in the account."""
    member = found.get_as(Member, keys.member(account_id, actor_id))
    return member.partner_id if member else None


def _manager_keys(found: Items, account_id: str, actor_id: str) -> list[Key]:
    partner_id = _partner_id_of(found, account_id, actor_id)
    return [keys.member(partner_id, actor_id)] if partner_id else []


def _keys_behind_manager(found: Items, account_id: str, actor_id: str) -> list[Key]:
    partner_id = _partner_id_of(found, account_id, actor_id)
    return actors.related_keys(found, partner_id, actor_id) if partner_id else []


def _manager(found: Items, account_id: str, actor_id: str) -> Actor:
    """Build the caller as a member of the partner account on whose behalf they are in the account."""
    partner_id = _partner_id_of(found, account_id, actor_id)
    return actors.actor(found, partner_id, actor_id) if partner_id else NO_ACTOR


def _read_first(account_id: str, email: str | None, actor_id: str, *more: keys.Key) -> Items:
    return dynamo.read(
        [
            keys.account(account_id),
            keys.super_admins(account_id),
            *([keys.email(email)] if email else ()),
            *actors.first_keys(account_id, actor_id),
            *more,
        ]
    )


def _current_owner(found: Items, user_id: str | None, email: str | None) -> User | None:
    """Return the user, or None when the address that led to them is no longer theirs."""
    user = found.get_as(User, keys.user(user_id)) if user_id else None
    return user if user and user.email == email else None


def _owner_id(found: Items, email: str) -> str | None:
    return found.get(keys.email(email), {}).get("user_id")


def record(created: MemberCreated, response: StorableResponse) -> None:
    """Commit the new membership, with a grant and a partner seat for a partner admin."""
    user, before, member = created.person, created.before, created.member
    new = [members.raise_version(user)] if members.becomes_super_admin(before, member) else []
    dynamo.commit(created, response, *members.transaction_items(created.account, before, member, created.act.at), *new)


def facts_for_choice(account_id: str, email: str | None, actor_id: str) -> AssignableSetsFacts:
    """Read the account, the caller who picks a permission set, and the user it is for with their partners."""
    found = _read_first(account_id, email, actor_id)
    user_id = _owner_id(found, email) if email else None
    user_keys = actors.first_keys(account_id, user_id) if user_id else ()
    found.read_missing([*user_keys, *actors.related_keys(found, account_id, actor_id)])
    user = _current_owner(found, user_id, email)
    partner_ids = sorted(user.employed_by) if user else []
    behind = actors.related_keys(found, account_id, user.user_id) if user else []
    found.read_missing([*map(keys.account, partner_ids), *behind])
    return AssignableSetsFacts(
        account=found.get_as(Account, keys.account(account_id)),
        chooser=actors.actor(found, account_id, actor_id),
        person=user,
        partners=tuple(
            account
            for account in (found.get_as(Account, keys.account(partner_id)) for partner_id in partner_ids)
            if account
        ),
        target=actors.actor(found, account_id, user.user_id) if user else NO_ACTOR,
    )
