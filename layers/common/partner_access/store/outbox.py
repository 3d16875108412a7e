"""Letters on their way, in the table: what is queued, one claim for each copy, and what became of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from partner_access.domain.accounts import Account
from partner_access.domain.email_delivery import (
    LETTER_STATE,
    SETTLE,
    TOLD_TO_MEMBERS,
    Delivery,
    MailingFacts,
    Queued,
    Standing,
    may_stand_in,
)
from partner_access.domain.errors import Overtaken
from partner_access.domain.links.links import SECRETS_AT_ONCE, Link, LinkDeliveryStatus
from partner_access.domain.links.links import Standing as LinkStanding
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import Letter
from partner_access.domain.users import User
from partner_access.store import dynamo, keys
from partner_access.store.links.links import STILL_OPEN
from partner_access.store.memberships import actors

KEPT_FOR: Final = timedelta(days=90)
NOBODY: Final = ""
"""In place of an address, in the name of what stands for a letter without copies."""
MOST_MEMBERS: Final = 25
"""How many members stand in for the super admins that an account has not, and are looked at in one read."""
MOST_PAGES: Final = 4
"""How far they are looked for."""
MAY_CLAIM: Final = "attribute_not_exists(pk) OR (delivery_status IN (:pending, :sending) AND next_at <= :now)"
IS_MINE: Final = "delivery_status = :sending AND attempt = :attempt"
IS_THERE: Final = "attribute_exists(pk)"
NOT_RESENT: Final = "resent_at = :resent_at"
ROOM_FOR_A_SECRET: Final = f"{STILL_OPEN} AND (attribute_not_exists(secrets) OR size(secrets) < :most) AND {NOT_RESENT}"

Item = Mapping[str, Any]


def queued(outbox_id: str) -> Item | None:
    """The letter as it stands in the outbox, if it is still on its way."""
    key = keys.outbox(outbox_id)
    return dynamo.read([key]).get(key)


def all_queued() -> Iterator[Item]:
    """Every letter in the outbox, oldest first in each shard: what is done with is not there any more."""
    for shard in range(keys.SHARDS):
        for page in dynamo.pages("pk = :outbox", outbox=f"{keys.OUTBOX}{shard}"):
            yield from page.items


def is_due(item: Item, at: datetime) -> bool:
    """Whether it is time to look at the letter, even if nothing else of it can be read."""
    next_at = item.get("next_at")
    return not isinstance(next_at, Decimal) or next_at <= at.timestamp()


def postpone(item: Item, until: datetime) -> None:
    """Look at this letter again then, unless somebody has done with it meanwhile."""
    _first_to_hold([dynamo.update(_key(item), "SET next_at = :until", only_if=IS_THERE, until=until)])


def done(item: Item) -> None:
    """Every copy is settled: the letter leaves the outbox."""
    dynamo.transact([dynamo.delete(_key(item))])


def done_for_nobody(letter: Queued, at: datetime) -> None:
    """There is nobody to tell: this stands where its copies would, and the letter leaves the outbox."""
    name = delivery_id(letter.outbox_id, NOBODY)
    told = Delivery(
        delivery_id=name,
        outbox_id=letter.outbox_id,
        delivery_status=Standing.CANCELLED,
        next_at=at,
        attempt="",
        attempts=0,
    )
    dynamo.transact(
        [
            dynamo.put(keys.delivery(name), {**dict(told), "ttl": at + KEPT_FOR}, only_if=None),
            dynamo.delete(keys.outbox(letter.outbox_id)),
        ]
    )


def _key(item: Item) -> keys.Key:
    return keys.Key(item["pk"], item["sk"])


def facts(letter: Letter, at: datetime) -> MailingFacts:
    """The people and things that the letter is about."""
    people = [each for each in (letter.employee_id, letter.actor_id, letter.link_created_by) if each]
    link = keys.link(letter.partner_id, letter.link_id) if letter.partner_id and letter.link_id else None
    partner = keys.account(letter.partner_id) if letter.partner_id else None
    account = keys.account(letter.account_id) if letter.account_id else None
    found = dynamo.read(
        [
            *map(keys.user, people),
            *(key for key in (link, partner, account) if key),
            *([keys.super_admins(letter.account_id)] if letter.account_id else ()),
        ]
    )
    kept_link = found.get_as(Link, link) if link else None
    recipient = kept_link.recipient if kept_link else None
    if letter.account_id:
        others = actors.super_admin_ids(found, letter.account_id)
        found |= dynamo.read(actors.keys_of_all(letter.account_id, others))
        found |= dynamo.read(actors.behind(found, letter.account_id, *others))
    admins = actors.super_admins(found, letter.account_id) if letter.account_id else ()
    members = _first_members(letter, at)
    addresses = {
        recipient,
        *(user.email for user in (found.get_as(User, keys.user(each)) for each in people) if user),
        *(actor.user.email for actor in (*admins, *members) if actor.user),
    } - {None}
    suppressed = dynamo.read(keys.suppressed(str(each)) for each in addresses)
    return MailingFacts(
        letter=letter,
        employee=found.get_as(User, keys.user(letter.employee_id)) if letter.employee_id else None,
        actor=found.get_as(User, keys.user(letter.actor_id)) if letter.actor_id else None,
        creator=found.get_as(User, keys.user(letter.link_created_by)) if letter.link_created_by else None,
        partner=found.get_as(Account, partner) if partner else None,
        account=found.get_as(Account, account) if account else None,
        link=kept_link,
        super_admins=admins,
        addressee=_owner_of(recipient),
        suppressed=frozenset(str(each) for each in addresses if keys.suppressed(str(each)) in suppressed),
        members=members,
    )


def _first_members(letter: Letter, at: datetime) -> tuple[Actor, ...]:
    """The first who may stand in where no super admin may be left; nobody for other letters."""
    if letter.kind not in TOLD_TO_MEMBERS or not letter.account_id:
        return ()
    place = keys.member(letter.account_id, "")
    pages = dynamo.pages("pk = :pk AND begins_with(sk, :sk)", limit=MOST_MEMBERS, pk=place.pk, sk=place.sk)
    members = (one for page in islice(pages, MOST_PAGES) for one in _people_of(letter.account_id, page))
    return tuple(islice((one for one in members if may_stand_in(one, letter, at)), MOST_MEMBERS))


def _people_of(account_id: str, page: dynamo.Page) -> list[Actor]:
    found = dynamo.Items({_key(item): item for item in page.items})
    user_ids = [str(item["user_id"]) for item in page.items]
    found |= dynamo.read([*map(keys.user, user_ids), *actors.behind(found, account_id, *user_ids)])
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
    """The name of one copy, the same at every attempt."""
    return sha256(f"{outbox_id} {address}".encode()).hexdigest()[:32]


def delivery(name: str) -> Delivery | None:
    """How a copy stands, if anybody has taken it up."""
    key = keys.delivery(name)
    return dynamo.read([key]).get_as(Delivery, key)


def claim(letter: Queued, link: Link | None, name: str, attempt: str, at: datetime) -> Delivery:
    """Take up a copy, alone; as it stands by another attempt when it is settled, in other hands, or not yet time."""
    key = keys.delivery(name)
    before = delivery(name)
    if before and not before.is_free_at(at):
        return before
    claimed = Delivery(
        delivery_id=name,
        outbox_id=letter.outbox_id,
        delivery_status=Standing.SENDING,
        next_at=at + SETTLE,
        attempt=attempt,
        attempts=before.attempts + 1 if before else 1,
        partner_id=letter.notification.partner_id,
        link_id=link.link_id if link else None,
        unclear_attempts=before.unclear_attempts + (before.delivery_status is Standing.SENDING) if before else 0,
        resent_at=link.resent_at if link else (),
    )
    item = {**dict(claimed), "ttl": at + KEPT_FOR}
    line = dynamo.put(key, item, only_if=MAY_CLAIM, pending=Standing.PENDING, sending=Standing.SENDING, now=at)
    try:
        dynamo.transact([line])
    except Overtaken:
        return Delivery.model_validate(dynamo.read([key])[key])
    return claimed


def mint(link: Link, secret: Secret, at: datetime) -> bool:
    """Let this secret open the link too; not when it has ended or was sent again meanwhile, nor for a fourth one."""
    line = dynamo.update(
        keys.of(link),
        "ADD secrets :secret",
        only_if=ROOM_FOR_A_SECRET,
        secret={secret.fingerprint},
        open=LinkStanding.OPEN,
        now=at,
        most=SECRETS_AT_ONCE,
        resent_at=link.resent_at,
    )
    return bool(_first_to_hold([line]))


def settle(claimed: Delivery, standing: Standing, next_at: datetime, unsent: Secret | None = None) -> None:
    """Say what became of a claimed copy, unless somebody knows better; a secret that was not sent opens nothing."""
    line = dynamo.update(
        keys.delivery(claimed.delivery_id),
        "SET delivery_status = :delivery_status, next_at = :next_at",
        only_if=IS_MINE,
        sending=Standing.SENDING,
        attempt=claimed.attempt,
        delivery_status=standing,
        next_at=next_at,
    )
    dropped = _dropped(claimed, unsent)
    _first_to_hold([line, *_told(claimed, standing, unsent)], [line, *dropped], dropped)


def give_up(link: Link) -> None:
    """The letter with the link goes to nobody: its address takes no more mail."""
    key, only_if = keys.of(link), f"delivery_status = :queued AND {NOT_RESENT}"
    line = dynamo.update(
        key,
        "SET delivery_status = :failed",
        only_if=only_if,
        resent_at=link.resent_at,
        queued=LinkDeliveryStatus.QUEUED,
        failed=LinkDeliveryStatus.FAILED,
    )
    _first_to_hold([line])


def record_feedback(copy: Delivery, standing: Standing, suppress: Iterable[str]) -> bool:
    """What the mail system reported later; a bounce or complaint also ends all mail to its address, come what may."""
    before: dict[str, Any] = {"pending": Standing.PENDING, "sending": Standing.SENDING}
    if standing is not Standing.SENT:
        before["sent"] = Standing.SENT
    line = dynamo.update(
        keys.delivery(copy.delivery_id),
        "SET delivery_status = :delivery_status",
        only_if=f"delivery_status IN ({', '.join(f':{name}' for name in before)})",
        delivery_status=standing,
        **before,
    )
    suppressions = [
        dynamo.put(keys.suppressed(address), {"delivery_id": copy.delivery_id}, only_if=None) for address in suppress
    ]
    held = _first_to_hold([line, *_told(copy, standing), *suppressions], [line, *suppressions], suppressions)
    return line in held


def _told(copy: Delivery, standing: Standing, unsent: Secret | None = None) -> list[dynamo.Line]:
    """The link shows what became of its letter, and loses a secret that went to nobody."""
    state = LETTER_STATE.get(standing)
    if not state:
        return _dropped(copy, unsent)
    drop: dict[str, Any] = {"unsent": {unsent.fingerprint}} if unsent else {}
    change = f"SET delivery_status = :state{' DELETE secrets :unsent' if unsent else ''}"
    return [
        dynamo.update(key, change, only_if=NOT_RESENT, resent_at=copy.resent_at, state=state, **drop)
        for key in _link_of(copy)
    ]


def _dropped(copy: Delivery, unsent: Secret | None) -> list[dynamo.Line]:
    if not unsent:
        return []
    gone = {unsent.fingerprint}
    return [dynamo.update(key, "DELETE secrets :unsent", only_if=IS_THERE, unsent=gone) for key in _link_of(copy)]


def _link_of(copy: Delivery) -> list[keys.Key]:
    return [keys.link(copy.partner_id, copy.link_id)] if copy.partner_id and copy.link_id else []


def _first_to_hold(*choices: list[dynamo.Line]) -> list[dynamo.Line]:
    """The first of these transactions whose conditions hold comes true; none, when none does."""
    for lines in choices:
        try:
            if lines:
                dynamo.transact(lines)
        except Overtaken:
            continue
        return lines
    return []
