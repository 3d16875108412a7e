"""Custom permission sets in the table. The account counts its sets, and each set counts its holders."""

from dataclasses import replace
from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.errors import SetInUse, TooManySets
from partner_access.domain.memberships.effective_rights import custom_sets_of
from partner_access.domain.permission_sets.changes import (
    MAX_CUSTOM_SETS,
    CustomSetCreated,
    CustomSetFacts,
    CustomSetRemoved,
    CustomSetUpdated,
)
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.idempotency import StorableResponse
from partner_access.store import dynamo, keys, queries, writes
from partner_access.store.memberships import actors, members

SETS_BELOW_LIMIT = "attribute_not_exists(custom_set_count) OR custom_set_count < :most"
SET_COUNTED = "custom_set_count > :none"
HOLDERS_UNCHANGED = "holders = :holders AND partner_holders = :partner_holders"
NO_HOLDERS = "holders = :none"
MAX_HOLDERS: Final = 40
"""The maximum number of holders that one transaction can pin, with a user and a membership each."""


def facts(account_id: str, actor_id: str, set_id: str | None = None) -> CustomSetFacts:
    """Read the account, the caller in it, and the set if one is named."""
    named = actors.custom_set_keys(account_id, set_id) if set_id else {}
    found = dynamo.read([keys.account(account_id), *actors.first_keys(account_id, actor_id), *named.values()])
    found.read_missing(actors.related_keys(found, account_id, actor_id))
    return CustomSetFacts(
        account=found.get_as(Account, keys.account(account_id)),
        actor=actors.actor(found, account_id, actor_id),
        custom_set=found.all_as(CustomSet, named).get(set_id or ""),
    )


def facts_for_update(account_id: str, actor_id: str, set_id: str) -> CustomSetFacts:
    """Read the same facts, and who holds the set if the caller works for a partner and the account is a client."""
    known = facts(account_id, actor_id, set_id)
    user, custom_set = known.actor.user, known.custom_set
    is_in_client = known.account is not None and not known.account.is_partner
    if not is_in_client or not user or not user.is_partner_employee or not custom_set or not custom_set.holders:
        return known
    user_ids: list[str] = []
    for member in members.all_records(account_id):
        if set_id in custom_sets_of(member):
            user_ids.append(member.user_id)
        if len(user_ids) > MAX_HOLDERS:
            return replace(known, knows_all_holders=False)
    found = dynamo.read(actors.first_keys_of_all(account_id, user_ids))
    return replace(known, holders=tuple(actors.actor(found, account_id, user_id) for user_id in user_ids))


def of(account_id: str) -> list[CustomSet]:
    """Return all custom sets of an account, oldest first. Their number is limited to one page."""
    page = queries.query(
        "pk = :account AND begins_with(sk, :sets)",
        limit=MAX_CUSTOM_SETS,
        account=keys.account(account_id).pk,
        sets=keys.permission_set(account_id, "").sk,
    )
    return [CustomSet.model_validate(item) for item in page.items]


def record_created(created: CustomSetCreated, response: StorableResponse) -> None:
    """Commit a new set, if the account is below its limit."""
    dynamo.commit(
        created,
        response,
        writes.update(
            keys.of(created.account),
            "ADD custom_set_count :one",
            only_if=SETS_BELOW_LIMIT,
            error=TooManySets,
            one=1,
            most=MAX_CUSTOM_SETS,
        ),
        writes.put(keys.of(created.custom_set), created.custom_set),
    )


def record_updated(changed: CustomSetUpdated, response: StorableResponse) -> None:
    """Commit the new version of a set, if its numbers of holders are those that were read.

    A set with partner members as holders can be subject to further rules.
    """
    dynamo.commit(
        changed,
        response,
        writes.put(
            keys.of(changed.custom_set),
            changed.custom_set,
            only_if=HOLDERS_UNCHANGED,
            holders=changed.before.holders,
            partner_holders=changed.before.partner_holders,
        ),
    )


def record_removed(removed: CustomSetRemoved, response: StorableResponse) -> None:
    """Commit the removal of a set, if it has no holders."""
    dynamo.commit(
        removed,
        response,
        writes.update(keys.of(removed.account), "ADD custom_set_count :less", only_if=SET_COUNTED, less=-1, none=0),
        writes.delete(keys.of(removed.custom_set), only_if=NO_HOLDERS, error=SetInUse, none=0),
    )
