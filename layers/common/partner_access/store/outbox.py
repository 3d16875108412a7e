"""Outgoing emails in the table: the outbox, the claim of each copy, and the delivery result."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from partner_access.domain.accounts import Account
from partner_access.domain.email_delivery import (
    KINDS_FOR_MEMBERS,
    LINK_DELIVERY_STATUS,
    RESULT_TIMEOUT,
    Delivery,
    DeliveryFacts,
    DeliveryStatus,
    QueuedNotification,
    can_stand_in,
)
from partner_access.domain.errors import StaleFacts
from partner_access.domain.links.links import MAX_VALID_SECRETS, Link, LinkDeliveryStatus, StoredLinkState
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import Notification
from partner_access.domain.permissions.custom_sets import CustomSet, CustomSets, is_custom
from partner_access.domain.users import User
from partner_access.store import dynamo, keys, queries, writes
from partner_access.store.links.links import STILL_OPEN
from partner_access.store.memberships import actors

DELIVERY_TTL: Final = timedelta(days=90)
NO_ADDRESS: Final = ""
"""Placeholder for an address in the delivery id of a notification without recipients."""
MAX_MEMBERS: Final = 25
"""Maximum number of members who are notified instead of missing super admins, and the page size of their search."""
MAX_PAGES: Final = 4
"""Maximum number of pages that are searched for them."""
CAN_CLAIM: Final = "attribute_not_exists(pk) OR (delivery_status IN (:pending, :sending) AND next_at <= :now)"
IS_CLAIMED_BY_ATTEMPT: Final = "delivery_status = :sending AND attempt = :attempt"
EXISTS: Final = "attribute_exists(pk)"
NOT_RESENT: Final = "resent_at = :resent_at"
SECRETS_BELOW_LIMIT: Final = (
    f"{STILL_OPEN} AND (attribute_not_exists(secrets) OR size(secrets) < :most) AND {NOT_RESENT}"
)

Item = Mapping[str, Any]


def queued(outbox_id: str) -> Item | None:
    """Return the notification's item in the outbox, or None when it has left the outbox."""
    key = keys.outbox(outbox_id)
    return dynamo.read([key]).get(key)


def all_queued() -> Iterator[Item]:
    """Yield every notification in the outbox, oldest first in each shard. Completed ones have been deleted."""
    for shard in range(keys.SHARDS):
        for page in queries.pages("pk = :outbox", outbox=f"{keys.OUTBOX}{shard}"):
            yield from page.items


def is_due(item: Item, at: datetime) -> bool:
    """Return whether the notification is due, even if nothing else of the item can be read."""
    next_at = item.get("next_at")
    return not isinstance(next_at, Decimal) or next_at <= at.timestamp()


def postpone(item: Item, until: datetime) -> None:
    """Postpone the notification, unless another run has completed it in the meantime."""
    _commit_first([writes.update(_key(item), "SET next_at = :until", only_if=EXISTS, until=until)])


def complete(item: Item) -> None:
    """Delete the notification from the outbox, because the delivery status of every copy is final."""
    dynamo.transact([writes.delete(_key(item))])


def complete_without_recipients(notification: QueuedNotification, at: datetime) -> None:
    """Complete a notification without recipients.

    One canceled delivery is recorded in place of the copies, and the notification leaves the outbox.
    """
    no_delivery_id = delivery_id(notification.outbox_id, NO_ADDRESS)
    canceled = Delivery(
        delivery_id=no_delivery_id,
        outbox_id=notification.outbox_id,
        delivery_status=DeliveryStatus.CANCELLED,
        next_at=at,
        attempt="",
        attempts=0,
    )
    dynamo.transact(
        [
            writes.put(keys.delivery(no_delivery_id), {**dict(canceled), "ttl": at + DELIVERY_TTL}, only_if=None),
            writes.delete(keys.outbox(notification.outbox_id)),
        ]
    )


def _key(item: Item) -> keys.Key:
    return keys.Key(item["pk"], item["sk"])


def facts(notification: Notification, at: datetime) -> DeliveryFacts:
    """Read the users and other records that the notification is about."""
    user_ids = [
        each for each in (notification.employee_id, notification.actor_id, notification.link_created_by) if each
    ]
    link = (
        keys.link(notification.partner_id, notification.link_id)
        if notification.partner_id and notification.link_id
        else None
    )
    partner = keys.account(notification.partner_id) if notification.partner_id else None
    account = keys.account(notification.account_id) if notification.account_id else None
    former_sets = actors.custom_set_keys(notification.account_id or "", notification.former_set or "")
    found = dynamo.read(
        [
            *map(keys.user, user_ids),
            *(key for key in (link, partner, account) if key),
            *former_sets.values(),
            *([keys.super_admins(notification.account_id)] if notification.account_id else ()),
        ]
    )
    stored_link = found.get_as(Link, link) if link else None
    recipient = stored_link.recipient if stored_link else None
    if notification.account_id:
        others = actors.super_admin_ids(found, notification.account_id)
        found |= dynamo.read(actors.first_keys_of_all(notification.account_id, others))
        found |= dynamo.read(actors.related_keys(found, notification.account_id, *others))
    super_admins = actors.super_admins(found, notification.account_id) if notification.account_id else ()
    members = _first_members(notification, at)
    addresses = {
        recipient,
        *(user.email for user in (found.get_as(User, keys.user(each)) for each in user_ids) if user),
        *(actor.user.email for actor in (*super_admins, *members) if actor.user),
    } - {None}
    suppressed = dynamo.read(keys.suppressed(str(each)) for each in addresses)
    return DeliveryFacts(
        notification=notification,
        employee=found.get_as(User, keys.user(notification.employee_id)) if notification.employee_id else None,
        actor=found.get_as(User, keys.user(notification.actor_id)) if notification.actor_id else None,
        creator=found.get_as(User, keys.user(notification.link_created_by)) if notification.link_created_by else None,
        partner=found.get_as(Account, partner) if partner else None,
        account=found.get_as(Account, account) if account else None,
        link=stored_link,
        super_admins=super_admins,
        link_recipient=_owner_of(recipient),
        suppressed=frozenset(str(each) for each in addresses if keys.suppressed(str(each)) in suppressed),
        members=members,
        former_set=_former_set(notification, found.all_as(CustomSet, former_sets)),
    )


def _former_set(notification: Notification, custom_sets: CustomSets) -> str | None:
    """Return the name of the set to give again: of a default set its key, of a custom set its name while it exists."""
    named = notification.former_set
    if not named or not is_custom(named):
        return named
    return custom_sets[named].name if named in custom_sets else None


def _first_members(notification: Notification, at: datetime) -> tuple[Actor, ...]:
    """Read the first members who can be notified when the account may have no super admin left.

    Return no members for other kinds of notification.
    """
    if notification.kind not in KINDS_FOR_MEMBERS or not notification.account_id:
        return ()
    members_key = keys.member(notification.account_id, "")
    pages = queries.pages("pk = :pk AND begins_with(sk, :sk)", limit=MAX_MEMBERS, pk=members_key.pk, sk=members_key.sk)
    members = (member for page in islice(pages, MAX_PAGES) for member in _members_of(notification.account_id, page))
    return tuple(islice((member for member in members if can_stand_in(member, notification, at)), MAX_MEMBERS))


def _members_of(account_id: str, page: queries.QueryPage) -> list[Actor]:
    found = dynamo.Items({_key(item): item for item in page.items})
    user_ids = [str(item["user_id"]) for item in page.items]
    found |= dynamo.read([*map(keys.user, user_ids), *actors.related_keys(found, account_id, *user_ids)])
    return [actors.actor(found, account_id, user_id) for user_id in user_ids]


def _owner_of(address: str | None) -> User | None:
    if not address:
        return None
    owner = dynamo.read([keys.email(address)]).get(keys.email(address))
    if not owner:
        return None
    key = keys.user(owner["user_id"])
    return dynamo.read([key]).get_as(User, key)


def delivery_id(outbox_id: str, address: str) -> str:
    """Return the id of one copy, which is the same at every attempt."""
    return sha256(f"{outbox_id} {address}".encode()).hexdigest()[:32]


def delivery(name: str) -> Delivery | None:
    """Return the delivery of a copy, or None when no run has claimed it yet."""
    key = keys.delivery(name)
    return dynamo.read([key]).get_as(Delivery, key)


def claim(notification: QueuedNotification, link: Link | None, name: str, attempt: str, at: datetime) -> Delivery:
    """Claim a copy for this attempt only.

    Return the existing delivery of another attempt when the copy is final, claimed, or not yet due.
    """
    key = keys.delivery(name)
    before = delivery(name)
    if before and not before.is_claimable_at(at):
        return before
    claimed = Delivery(
        delivery_id=name,
        outbox_id=notification.outbox_id,
        delivery_status=DeliveryStatus.SENDING,
        next_at=at + RESULT_TIMEOUT,
        attempt=attempt,
        attempts=before.attempts + 1 if before else 1,
        partner_id=notification.notification.partner_id,
        link_id=link.link_id if link else None,
        unclear_attempts=before.unclear_attempts + (before.delivery_status is DeliveryStatus.SENDING) if before else 0,
        resent_at=link.resent_at if link else (),
    )
    item = {**dict(claimed), "ttl": at + DELIVERY_TTL}
    transaction_item = writes.put(
        key, item, only_if=CAN_CLAIM, pending=DeliveryStatus.PENDING, sending=DeliveryStatus.SENDING, now=at
    )
    try:
        dynamo.transact([transaction_item])
    except StaleFacts:
        return Delivery.model_validate(dynamo.read([key])[key])
    return claimed


def add_secret(link: Link, secret: LinkSecret, at: datetime) -> bool:
    """Add this secret to the link and return whether that succeeded.

    It fails when the link has ended, was resent in the meantime, or has its maximum of three secrets.
    """
    item = writes.update(
        keys.of(link),
        "ADD secrets :secret",
        only_if=SECRETS_BELOW_LIMIT,
        secret={secret.fingerprint},
        open=StoredLinkState.OPEN,
        now=at,
        most=MAX_VALID_SECRETS,
        resent_at=link.resent_at,
    )
    return bool(_commit_first([item]))


def record_result(
    claimed: Delivery, status: DeliveryStatus, next_at: datetime, unsent: LinkSecret | None = None
) -> None:
    """Record the delivery result of a claimed copy, unless feedback has already recorded one.

    A secret that was not sent is removed from the link.
    """
    item = writes.update(
        keys.delivery(claimed.delivery_id),
        "SET delivery_status = :delivery_status, next_at = :next_at",
        only_if=IS_CLAIMED_BY_ATTEMPT,
        sending=DeliveryStatus.SENDING,
        attempt=claimed.attempt,
        delivery_status=status,
        next_at=next_at,
    )
    dropped = _secret_removal_items(claimed, unsent)
    _commit_first([item, *_link_status_items(claimed, status, unsent)], [item, *dropped], dropped)


def record_failed_email(link: Link) -> None:
    """Record on the link that its email failed, because its address is suppressed."""
    key, only_if = keys.of(link), f"delivery_status = :queued AND {NOT_RESENT}"
    item = writes.update(
        key,
        "SET delivery_status = :failed",
        only_if=only_if,
        resent_at=link.resent_at,
        queued=LinkDeliveryStatus.QUEUED,
        failed=LinkDeliveryStatus.FAILED,
    )
    _commit_first([item])


def record_feedback(copy: Delivery, status: DeliveryStatus, suppress: Iterable[str]) -> bool:
    """Record the feedback that the email service reported later, and return whether the delivery took it.

    A bounce or complaint also suppresses the addresses, even when the delivery can no longer change.
    """
    before: dict[str, Any] = {"pending": DeliveryStatus.PENDING, "sending": DeliveryStatus.SENDING}
    if status is not DeliveryStatus.SENT:
        before["sent"] = DeliveryStatus.SENT
    item = writes.update(
        keys.delivery(copy.delivery_id),
        "SET delivery_status = :delivery_status",
        only_if=f"delivery_status IN ({', '.join(f':{name}' for name in before)})",
        delivery_status=status,
        **before,
    )
    suppressions = [
        writes.put(keys.suppressed(address), {"delivery_id": copy.delivery_id}, only_if=None) for address in suppress
    ]
    committed = _commit_first(
        [item, *_link_status_items(copy, status), *suppressions], [item, *suppressions], suppressions
    )
    return item in committed


def _link_status_items(
    copy: Delivery, status: DeliveryStatus, unsent: LinkSecret | None = None
) -> list[writes.TransactionItem]:
    """Return the items that write the delivery status to the link and remove a secret that was not sent."""
    state = LINK_DELIVERY_STATUS.get(status)
    if not state:
        return _secret_removal_items(copy, unsent)
    drop: dict[str, Any] = {"unsent": {unsent.fingerprint}} if unsent else {}
    change = f"SET delivery_status = :state{' DELETE secrets :unsent' if unsent else ''}"
    return [
        writes.update(key, change, only_if=NOT_RESENT, resent_at=copy.resent_at, state=state, **drop)
        for key in _link_keys(copy)
    ]


def _secret_removal_items(copy: Delivery, unsent: LinkSecret | None) -> list[writes.TransactionItem]:
    if not unsent:
        return []
    gone = {unsent.fingerprint}
    return [writes.update(key, "DELETE secrets :unsent", only_if=EXISTS, unsent=gone) for key in _link_keys(copy)]


def _link_keys(copy: Delivery) -> list[keys.Key]:
    return [keys.link(copy.partner_id, copy.link_id)] if copy.partner_id and copy.link_id else []


def _commit_first(*choices: list[writes.TransactionItem]) -> list[writes.TransactionItem]:
    """Commit the first of these transactions whose conditions hold, and return its items, or none."""
    for items in choices:
        try:
            if items:
                dynamo.transact(items)
        except StaleFacts:
            continue
        return items
    return []
