"""Direct creation in the table: from an e-mail address to the person, his firm and his membership."""

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.actors import NOBODY, Actor
from partner_access.domain.memberships.creations import ChoiceFacts, CreationFacts, UserCreated
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.permissions.rights import SetName
from partner_access.domain.users import User, firm_is_unclear, firm_of
from partner_access.idempotency import Storable
from partner_access.store import dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.memberships import actors, members


def facts(account_id: str, email: str, partner_id: str | None, by: str, *, permission_set: str) -> CreationFacts:
    """For a partner admin also the firm on whose behalf he comes: named, or the only one, which takes a third read."""
    on_behalf = permission_set == SetName.PARTNER_ADMIN
    named = actors.sets_named(account_id, permission_set)
    found = _first(account_id, email, by, *named.values())
    person_id, creator = _owner(found, email), found.get_as(User, keys.user(by))
    others = actors.super_admin_ids(found, account_id) if creator and creator.is_partner_staff else []
    found |= dynamo.read(
        [
            *([keys.user(person_id), keys.member(account_id, person_id)] if person_id else ()),
            *([keys.account(partner_id)] if partner_id else ()),
            *actors.behind(found, account_id, by),
            *actors.keys_of_all(account_id, others),
        ]
    )
    person = _still(found, person_id, email)
    firm = firm_of(person, partner_id) if on_behalf else None
    found.and_read(
        [*([keys.account(firm)] if firm else ()), *(actors.behind(found, account_id, person_id) if person_id else ())]
    )
    return CreationFacts(
        account=found.get_as(Account, keys.account(account_id)),
        creator=actors.actor(found, account_id, by),
        person=person,
        target=actors.actor(found, account_id, person_id) if person_id else Actor(),
        partner=found.get_as(Account, keys.account(firm)) if firm else None,
        firm_is_unclear=on_behalf and firm_is_unclear(person, partner_id),
        super_admins=actors.super_admins(found, account_id),
        sets=found.all_as(CustomSet, named),
    )


def facts_for_colleague(account_id: str, user_id: str, by: str, *, permission_set: str) -> CreationFacts:
    """For an ordinary set, with the person named by his id."""
    named = actors.sets_named(account_id, permission_set)
    found = dynamo.read([keys.account(account_id), *actors.keys_of_all(account_id, (by, user_id)), *named.values()])
    found.and_read(actors.behind(found, account_id, by, user_id))
    return CreationFacts(
        account=found.get_as(Account, keys.account(account_id)),
        creator=actors.actor(found, account_id, by),
        person=found.get_as(User, keys.user(user_id)),
        target=actors.actor(found, account_id, user_id),
        partner=None,
        sets=found.all_as(CustomSet, named),
    )


def _first(account_id: str, email: str | None, by: str, *more: keys.Key) -> Items:
    return dynamo.read(
        [
            keys.account(account_id),
            keys.super_admins(account_id),
            *([keys.email(email)] if email else ()),
            *actors.keys_of(account_id, by),
            *more,
        ]
    )


def _still(found: Items, person_id: str | None, email: str | None) -> User | None:
    """The person, if the address that led to him is still his."""
    person = found.get_as(User, keys.user(person_id)) if person_id else None
    return person if person and person.email == email else None


def _owner(found: Items, email: str) -> str | None:
    return found.get(keys.email(email), {}).get("user_id")


def record(created: UserCreated, answer: Storable) -> None:
    """The membership, with a grant and a seat if it is a partner admin's."""
    person, before, member = created.person, created.before, created.member
    new = [members.new_version(person)] if members.becomes_super_admin(before, member) else []
    dynamo.commit(created, answer, *members.lines(created.account, before, member, created.act.at), *new)


def facts_for_choice(account_id: str, email: str | None, by: str) -> ChoiceFacts:
    """The account, whoever chooses a set in it, and the person that it is chosen for, with his firms."""
    found = _first(account_id, email, by)
    person_id = _owner(found, email) if email else None
    his = actors.keys_of(account_id, person_id) if person_id else ()
    found.and_read([*his, *actors.behind(found, account_id, by)])
    person = _still(found, person_id, email)
    firms = sorted(person.employed_by) if person else []
    behind = actors.behind(found, account_id, person.user_id) if person else []
    found.and_read([*map(keys.account, firms), *behind])
    return ChoiceFacts(
        account=found.get_as(Account, keys.account(account_id)),
        chooser=actors.actor(found, account_id, by),
        person=person,
        firms=tuple(account for account in (found.get_as(Account, keys.account(firm)) for firm in firms) if account),
        target=actors.actor(found, account_id, person.user_id) if person else NOBODY,
    )
