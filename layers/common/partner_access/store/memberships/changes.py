"""A membership that somebody would change, in the table: who he is to it, and the change coming true."""

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.creations import UserCreated
from partner_access.domain.memberships.edits import Edit, Edited
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.migrations import SuperAdminMigrated
from partner_access.domain.memberships.removals import UserEnded
from partner_access.domain.memberships.roles import MembershipChanged, MembershipFacts
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.permissions.rights import SetName
from partner_access.domain.users import User, firm_is_unclear, firm_of
from partner_access.idempotency import Storable
from partner_access.store import dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.memberships import actors, creations, members, migrations

AS_IT_IS = Edit()


def facts(account_id: str, user_id: str, by: str, wish: Edit = AS_IT_IS) -> MembershipFacts:
    """The membership, whoever would change it, what stands behind both, and what the wish names."""
    named = actors.sets_named(account_id, wish.permission_set) if wish.permission_set else {}
    found = dynamo.read(
        [
            keys.account(account_id),
            keys.super_admins(account_id),
            *actors.keys_of_all(account_id, (by, user_id)),
            *named.values(),
        ]
    )
    user = found.get_as(User, keys.user(user_id))
    becomes_partner_admin = wish.permission_set == SetName.PARTNER_ADMIN
    firm = firm_of(user, wish.partner_id) if becomes_partner_admin else None
    manages_for = _manages_for(found, account_id, user_id, by)
    found.and_read(
        [
            *([keys.account(firm)] if firm else ()),
            *([keys.member(manages_for, by)] if manages_for else ()),
            *actors.behind(found, account_id, by, user_id),
            *_others(found, account_id, user_id, becomes_partner_admin=becomes_partner_admin),
        ]
    )
    found.and_read(actors.behind(found, manages_for, by) if manages_for else ())
    return MembershipFacts(
        account=found.get_as(Account, keys.account(account_id)),
        actor=actors.actor(found, account_id, by),
        target=actors.actor(found, account_id, user_id),
        manager=actors.actor(found, manages_for or "", by),
        others=actors.super_admins(found, account_id, but=user_id),
        partner=found.get_as(Account, keys.account(firm)) if firm else None,
        firm_is_unclear=becomes_partner_admin and firm_is_unclear(user, wish.partner_id),
        sets=found.all_as(CustomSet, named),
    )


def _manages_for(found: Items, account_id: str, user_id: str, by: str) -> str | None:
    """The firm on whose behalf the member is here, if the caller works for it, too."""
    member = found.get_as(Member, keys.member(account_id, user_id))
    caller = found.get_as(User, keys.user(by))
    return member.partner_id if member and caller and member.partner_id in caller.employed_by else None


def _others(found: Items, account_id: str, user_id: str, *, becomes_partner_admin: bool) -> list[Key]:
    """Who else runs the account matters when a super admin goes, or when somebody might approve for his own firm."""
    listed = actors.super_admin_ids(found, account_id)
    return actors.keys_of_all(account_id, listed) if user_id in listed or becomes_partner_admin else []


def record_edit(edited: Edited, answer: Storable) -> None:
    """An edit is one, or a migration, or a direct creation."""
    match edited:
        case SuperAdminMigrated():
            migrations.record(edited, answer)
        case UserCreated():
            creations.record(edited, answer)
        case _:
            record(edited, answer)


def record(changed: MembershipChanged, answer: Storable) -> None:
    """The membership as it is from now on."""
    before, member = changed.before, changed.member
    new = [members.new_version(changed.user)] if members.becomes_super_admin(before, member) else []
    dynamo.commit(changed, answer, *members.lines(changed.account, before, member, changed.act.at), *new)


def record_end(ended: UserEnded, answer: Storable) -> None:
    """The same for the end of a membership; an employee who leaves his firm works for it no more."""
    former = [members.employment(ended.former)] if ended.former else []
    dynamo.commit(ended, answer, *members.lines(ended.account, ended.before, ended.member, ended.act.at), *former)
