"""Migrations in the table: who is super admin, who stays, and the one transaction."""

from partner_access.domain.accounts import Account
from partner_access.domain.memberships.migrations import MigrationFacts, SuperAdminMigrated
from partner_access.domain.users import User, firm_is_unclear, firm_of
from partner_access.idempotency import Storable
from partner_access.store import dynamo, keys
from partner_access.store.memberships import actors, members


def facts(account_id: str, user_id: str, by: str, partner_id: str | None = None) -> MigrationFacts:
    """The account with its super admins, the one who acts, the one who is migrated, and his firm."""
    found = dynamo.read(
        [
            keys.account(account_id),
            keys.super_admins(account_id),
            *actors.keys_of_all(account_id, (by, user_id)),
        ]
    )
    user = found.get_as(User, keys.user(user_id))
    firm = firm_of(user, partner_id)
    found |= dynamo.read(
        [
            *([keys.account(firm)] if firm else ()),
            *actors.behind(found, account_id, by, user_id),
            *actors.keys_of_all(account_id, actors.super_admin_ids(found, account_id)),
        ]
    )
    return MigrationFacts(
        account=found.get_as(Account, keys.account(account_id)),
        actor=actors.actor(found, account_id, by),
        target=actors.actor(found, account_id, user_id),
        partner=found.get_as(Account, keys.account(firm)) if firm else None,
        others=actors.super_admins(found, account_id, but=user_id),
        firm_is_unclear=firm_is_unclear(user, partner_id),
    )


def record(migrated: SuperAdminMigrated, answer: Storable) -> None:
    """The membership under its grant; the witness is among what the decision relied on."""
    dynamo.commit(migrated, answer, *members.lines(migrated.account, migrated.before, migrated.member, migrated.act.at))
