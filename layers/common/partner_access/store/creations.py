"""Direct creation in the table: from an e-mail address to the person, his firm and his membership."""

from partner_access.domain.accounts import Account
from partner_access.domain.creations import ChoiceFacts, CreationFacts, UserCreated
from partner_access.domain.decisions import Answer
from partner_access.domain.members import Member
from partner_access.domain.people import User, firm_is_unclear, firm_of
from partner_access.store import actors, dynamo, keys, members
from partner_access.store.dynamo import Items


def facts(account_id: str, email: str, partner_id: str | None, by: str, *, on_behalf: bool) -> CreationFacts:
    """`on_behalf` of his firm, which matters for partner admins: named, or the only one, which takes a third read."""
    found = _first(account_id, email, by)
    person_id, creator = _owner(found, email), found.get_as(User, keys.user(by))
    others = actors.super_admin_ids(found, account_id) if creator and creator.is_partner_staff else []
    found |= dynamo.read(
        [
            *([keys.user(person_id), keys.member(account_id, person_id)] if person_id else ()),
            *([keys.account(partner_id)] if partner_id else ()),
            *actors.firms_of(found, account_id, by),
            *actors.keys_of_all(account_id, others),
        ]
    )
    person = _still(found, person_id, email)
    firm = firm_of(person, partner_id) if on_behalf else None
    if firm and not partner_id:
        found |= dynamo.read([keys.account(firm)])
    return CreationFacts(
        account=found.get_as(Account, keys.account(account_id)),
        creator=actors.actor(found, account_id, by),
        person=person,
        member=found.get_as(Member, keys.member(account_id, person_id)) if person_id else None,
        partner=found.get_as(Account, keys.account(firm)) if firm else None,
        firm_is_unclear=on_behalf and firm_is_unclear(person, partner_id),
        super_admins=actors.super_admins(found, account_id),
    )


def _first(account_id: str, email: str | None, by: str) -> Items:
    return dynamo.read(
        [
            keys.account(account_id),
            keys.super_admins(account_id),
            *([keys.email(email)] if email else ()),
            *actors.keys_of(account_id, by),
        ]
    )


def _still(found: Items, person_id: str | None, email: str | None) -> User | None:
    """The person, if the address that led to him is still his."""
    person = found.get_as(User, keys.user(person_id)) if person_id else None
    return person if person and person.email == email else None


def _owner(found: Items, email: str) -> str | None:
    return found.get(keys.email(email), {}).get("user_id")


def record(created: UserCreated, answer: Answer) -> None:
    """The membership, with a grant and a seat if it is a partner admin's."""
    person, before, member = created.person, created.before, created.member
    new = [members.new_version(person)] if members.becomes_super_admin(before, member) else []
    dynamo.commit(created, answer, *members.lines(created.account, before, member), *new)


def facts_for_choice(account_id: str, email: str | None, by: str) -> ChoiceFacts:
    """The account, whoever chooses a set in it, and the person that it is chosen for, with his firms."""
    found = _first(account_id, email, by)
    person_id = _owner(found, email) if email else None
    found |= dynamo.read([*([keys.user(person_id)] if person_id else ()), *actors.firms_of(found, account_id, by)])
    person = _still(found, person_id, email)
    firms = sorted(person.employed_by) if person else []
    found |= dynamo.read(keys.account(firm) for firm in firms)
    return ChoiceFacts(
        account=found.get_as(Account, keys.account(account_id)),
        chooser=actors.actor(found, account_id, by),
        person=person,
        firms=tuple(account for account in (found.get_as(Account, keys.account(firm)) for firm in firms) if account),
    )
