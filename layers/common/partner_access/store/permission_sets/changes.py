"""An account's own permission sets in the table, counted there by the account and by those who hold them."""

from partner_access.domain.accounts import Account
from partner_access.domain.errors import SetInUse, TooManySets
from partner_access.domain.permission_sets.changes import MOST_SETS, SetChanged, SetCreated, SetFacts, SetRemoved
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.idempotency import Storable
from partner_access.store import dynamo, keys
from partner_access.store.memberships import actors

ROOM_LEFT = "attribute_not_exists(custom_set_count) OR custom_set_count < :most"
SET_COUNTED = "custom_set_count > :none"
HELD_AS_SEEN = "holders = :holders AND partner_holders = :partner_holders"
HELD_BY_NOBODY = "holders = :none"


def facts(account_id: str, by: str, set_id: str | None = None) -> SetFacts:
    """The account, whoever acts in it, and the set if one is named."""
    named = actors.sets_named(account_id, set_id) if set_id else {}
    found = dynamo.read([keys.account(account_id), *actors.keys_of(account_id, by), *named.values()])
    found.and_read(actors.behind(found, account_id, by))
    return SetFacts(
        account=found.get_as(Account, keys.account(account_id)),
        actor=actors.actor(found, account_id, by),
        own=found.all_as(CustomSet, named).get(set_id or ""),
    )


def of(account_id: str) -> list[CustomSet]:
    """All sets of an account's own, oldest first: no more than one page."""
    page = dynamo.query(
        "pk = :account AND begins_with(sk, :sets)",
        limit=MOST_SETS,
        account=keys.account(account_id).pk,
        sets=keys.permission_set(account_id, "").sk,
    )
    return [CustomSet.model_validate(item) for item in page.items]


def record_created(created: SetCreated, answer: Storable) -> None:
    """The set, if the account has room for one more."""
    dynamo.commit(
        created,
        answer,
        dynamo.update(
            keys.of(created.account),
            "ADD custom_set_count :one",
            only_if=ROOM_LEFT,
            otherwise=TooManySets,
            one=1,
            most=MOST_SETS,
        ),
        dynamo.put(keys.of(created.own), created.own),
    )


def record_changed(changed: SetChanged, answer: Storable) -> None:
    """The set in its new version, held by as many as were seen: one who is here for a partner may make a difference."""
    dynamo.commit(
        changed,
        answer,
        dynamo.put(
            keys.of(changed.own),
            changed.own,
            only_if=HELD_AS_SEEN,
            holders=changed.before.holders,
            partner_holders=changed.before.partner_holders,
        ),
    )


def record_removed(removed: SetRemoved, answer: Storable) -> None:
    """The set goes if nobody holds it."""
    dynamo.commit(
        removed,
        answer,
        dynamo.update(keys.of(removed.account), "ADD custom_set_count :less", only_if=SET_COUNTED, less=-1, none=0),
        dynamo.delete(keys.of(removed.own), only_if=HELD_BY_NOBODY, otherwise=SetInUse, none=0),
    )
