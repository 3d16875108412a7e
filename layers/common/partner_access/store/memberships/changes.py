"""Changes of memberships in the table: the facts to decide on, and the writes."""

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.creations import MemberCreated
from partner_access.domain.memberships.edits import Edited
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Member
from partner_access.domain.memberships.migrations import SuperAdminMigrated
from partner_access.domain.memberships.removals import MemberRemoved
from partner_access.domain.memberships.roles import MembershipChanged, MembershipFacts
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.permissions.rights import SetName
from partner_access.domain.users import User, partner_is_ambiguous, resolve_partner_id, works_for
from partner_access.idempotency import StorableResponse
from partner_access.store import dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.keys import Key
from partner_access.store.memberships import actors, creations, members, migrations

NO_EDIT = MemberEdit()


def facts(account_id: str, user_id: str, actor_id: str, edit: MemberEdit = NO_EDIT) -> MembershipFacts:
    """Read the membership, the caller who would change it, the records behind both, and those that the edit names."""
    named = actors.custom_set_keys(account_id, edit.permission_set) if edit.permission_set else {}
    found = dynamo.read(
        [
            keys.account(account_id),
            keys.super_admins(account_id),
            *actors.first_keys_of_all(account_id, (actor_id, user_id)),
            *named.values(),
        ]
    )
    user = found.get_as(User, keys.user(user_id))
    becomes_partner_admin = edit.permission_set == SetName.PARTNER_ADMIN
    chosen_partner_id = resolve_partner_id(user, edit.partner_id) if becomes_partner_admin else None
    managed_partner_id = _managed_partner_id(found, account_id, user_id, actor_id)
    found.read_missing(
        [
            *([keys.account(chosen_partner_id)] if chosen_partner_id else ()),
            *([keys.member(managed_partner_id, actor_id)] if managed_partner_id else ()),
            *actors.related_keys(found, account_id, actor_id, user_id),
            *_super_admin_keys(found, account_id, user_id, becomes_partner_admin=becomes_partner_admin),
        ]
    )
    found.read_missing(actors.related_keys(found, managed_partner_id, actor_id) if managed_partner_id else ())
    return MembershipFacts(
        account=found.get_as(Account, keys.account(account_id)),
        actor=actors.actor(found, account_id, actor_id),
        target=actors.actor(found, account_id, user_id),
        manager=actors.actor(found, managed_partner_id or "", actor_id),
        others=actors.super_admins(found, account_id, but=user_id),
        partner=found.get_as(Account, keys.account(chosen_partner_id)) if chosen_partner_id else None,
        partner_is_ambiguous=becomes_partner_admin and partner_is_ambiguous(user, edit.partner_id),
        sets=found.all_as(CustomSet, named),
    )


def _managed_partner_id(found: Items, account_id: str, user_id: str, actor_id: str) -> str | None:
    """Return the partner on whose behalf the user is a member, if the caller works for it too."""
    member = found.get_as(Member, keys.member(account_id, user_id))
    caller = found.get_as(User, keys.user(actor_id))
    return member.partner_id if member and works_for(caller, member.partner_id) else None


def _super_admin_keys(found: Items, account_id: str, user_id: str, *, becomes_partner_admin: bool) -> list[Key]:
    """Return the keys of the account's super admins when the rules need them.

    They do when a super admin is changed, or when the caller might approve for their own partner.
    """
    listed = actors.super_admin_ids(found, account_id)
    return actors.first_keys_of_all(account_id, listed) if user_id in listed or becomes_partner_admin else []


def record_edit(edited: Edited, response: StorableResponse) -> None:
    """Commit an edit, which can also be a migration or a direct creation."""
    match edited:
        case SuperAdminMigrated():
            migrations.record(edited, response)
        case MemberCreated():
            creations.record(edited, response)
        case _:
            record(edited, response)


def record(changed: MembershipChanged, response: StorableResponse) -> None:
    """Commit the changed membership."""
    before, member = changed.before, changed.member
    new = [members.raise_version(changed.user)] if members.becomes_super_admin(before, member) else []
    dynamo.commit(changed, response, *members.transaction_items(changed.account, before, member, changed.act.at), *new)


def record_removal(ended: MemberRemoved, response: StorableResponse) -> None:
    """Commit the end of a membership. A member who is removed from their partner account stops being its employee."""
    employment_items = [members.employment_item(ended.former_employee)] if ended.former_employee else []
    dynamo.commit(
        ended,
        response,
        *members.transaction_items(ended.account, ended.before, ended.member, ended.act.at),
        *employment_items,
    )
