"""Migrations of super admins in the table: the facts to decide on, and the write."""

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.migrations import MigrationFacts, SuperAdminMigrated
from partner_access.domain.users import User, partner_is_ambiguous, resolve_partner_id
from partner_access.idempotency import StorableResponse
from partner_access.store import dynamo, keys
from partner_access.store.memberships import actors, members


def facts(account_id: str, user_id: str, actor_id: str, partner_id: str | None = None) -> MigrationFacts:
    """Read the account with its super admins, the caller, the user to migrate, and that user's partner."""
    found = dynamo.read(
        [
            keys.account(account_id),
            keys.super_admins(account_id),
            *actors.first_keys_of_all(account_id, (actor_id, user_id)),
        ]
    )
    user = found.get_as(User, keys.user(user_id))
    chosen_partner_id = resolve_partner_id(user, partner_id)
    found |= dynamo.read(
        [
            *([keys.account(chosen_partner_id)] if chosen_partner_id else ()),
            *actors.related_keys(found, account_id, actor_id, user_id),
            *actors.first_keys_of_all(account_id, actors.super_admin_ids(found, account_id)),
        ]
    )
    return MigrationFacts(
        account=found.get_as(Account, keys.account(account_id)),
        actor=actors.actor(found, account_id, actor_id),
        target=actors.actor(found, account_id, user_id),
        partner=found.get_as(Account, keys.account(chosen_partner_id)) if chosen_partner_id else None,
        others=actors.super_admins(found, account_id, but=user_id),
        partner_is_ambiguous=partner_is_ambiguous(user, partner_id),
    )


def record(migrated: SuperAdminMigrated, response: StorableResponse) -> None:
    """Commit the membership with its grant. The decision also relies on the super admin who stays (the witness)."""
    dynamo.commit(
        migrated,
        response,
        *members.transaction_items(migrated.account, migrated.before, migrated.member, migrated.act.at),
    )
