"""Letters on their way, in the table: what is queued, one claim for each copy, and what became of it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from partner_access.domain.accounts import Account
from partner_access.domain.decisions import Letter, Overtaken
from partner_access.domain.link_secrets import Secret
from partner_access.domain.links import SECRETS_AT_ONCE, Link
from partner_access.domain.mailing import (
    LETTER_STATE,
    SETTLE,
    Delivery,
    MailingFacts,
    Queued,
    Standing,
)
from partner_access.domain.people import User
from partner_access.store import actors, dynamo, keys
from partner_access.store.links import STILL_OPEN

KEPT_FOR: Final = timedelta(days=90)
MAY_CLAIM: Final = "attribute_not_exists(pk) OR (standing IN (:pending, :sending) AND next_at <= :now)"
IS_MINE: Final = "standing = :sending AND attempt = :attempt"
ROOM_FOR_A_SECRET: Final = f"{STILL_OPEN} AND (attribute_not_exists(secrets) OR size(secrets) < :most)"


def queued(outbox_id: str) -> Queued | None:
    """The letter, if it is still on its way."""
    key = keys.outbox(outbox_id)
    return dynamo.read([key]).get_as(Queued, key)


def all_queued() -> Iterator[Mapping[str, Any]]:
    """Every letter in the outbox, oldest first in each shard: what is done with is not there any more."""
    for shard in range(keys.SHARDS):
        after: Mapping[str, Any] | None = None
        while True:
            page = dynamo.query("pk = :outbox", after=after, outbox=f"OUTBOX#{shard}")
            yield from page.items
            if not page.after:
                break
            after = page.after


def postpone(outbox_id: str, until: datetime) -> None:
    """Look at this letter again then; the sweep passes it by until."""
    key = keys.outbox(outbox_id)
    dynamo.transact([dynamo.update(key, "SET next_at = :until", only_if="attribute_exists(pk)", until=until)])


def done(outbox_id: str) -> None:
    """Every copy is settled: the letter leaves the outbox."""
    dynamo.transact([dynamo.delete(keys.outbox(outbox_id))])


def facts(letter: Letter) -> MailingFacts:
    """The people and things that the letter is about."""
    people = [each for each in (letter.employee_id, letter.actor_id, letter.created_by) if each]
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
    admins = actors.super_admins(found, letter.account_id) if letter.account_id else ()
    addresses = {
        recipient,
        *(user.email for user in (found.get_as(User, keys.user(each)) for each in people) if user),
        *(admin.user.email for admin in admins if admin.user),
    } - {None}
    suppressed = dynamo.read(keys.suppressed(str(each)) for each in addresses)
    return MailingFacts(
        letter=letter,
        employee=found.get_as(User, keys.user(letter.employee_id)),
        actor=found.get_as(User, keys.user(letter.actor_id)) if letter.actor_id else None,
        creator=found.get_as(User, keys.user(letter.created_by)) if letter.created_by else None,
        partner=found.get_as(Account, partner) if partner else None,
        account=found.get_as(Account, account) if account else None,
        link=kept_link,
        super_admins=admins,
        addressee=_owner_of(recipient),
        suppressed=frozenset(str(each) for each in addresses if keys.suppressed(str(each)) in suppressed),
    )


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


def claim(queued: Queued, name: str, attempt: str, at: datetime) -> Delivery | None:
    """Take up a copy, alone; None when it is settled, or another has it, or it is not yet time."""
    key = keys.delivery(name)
    before = dynamo.read([key]).get_as(Delivery, key)
    letter = queued.letter
    claimed = Delivery(
        delivery_id=name,
        standing=Standing.SENDING,
        next_at=at + SETTLE,
        attempt=attempt,
        attempts=before.attempts + 1 if before else 1,
        partner_id=letter.partner_id,
        link_id=letter.link_id if letter.kind == "link_to_approve" else None,
        unclear=before is not None and before.standing is Standing.SENDING,
    )
    item = {**dict(claimed), "kept_until": at + KEPT_FOR}
    line = dynamo.put(key, item, only_if=MAY_CLAIM, pending="pending", sending="sending", now=at)
    try:
        dynamo.transact([line])
    except Overtaken:
        return None
    return claimed


def delivery(name: str) -> Delivery:
    """How a copy stands that somebody has taken up before."""
    key = keys.delivery(name)
    return Delivery.model_validate(dynamo.read([key])[key])


def reported(name: str) -> Delivery | None:
    """The copy that a report of the mail system names, if it is one of ours."""
    key = keys.delivery(name)
    return dynamo.read([key]).get_as(Delivery, key)


def mint(link: Link, secret: Secret, at: datetime) -> bool:
    """Let this secret open the link too; not when the link has ended meanwhile, nor for a fourth one."""
    line = dynamo.update(
        keys.link(link.partner_id, link.link_id),
        "ADD secrets :secret",
        only_if=ROOM_FOR_A_SECRET,
        secret={secret.fingerprint},
        open="open",
        now=at,
        most=SECRETS_AT_ONCE,
    )
    try:
        dynamo.transact([line])
    except Overtaken:
        return False
    return True


def settle(claimed: Delivery, standing: Standing, next_at: datetime, unsent: Secret | None = None) -> None:
    """Say what became of a claimed copy, unless somebody knows better; a secret that was not sent opens nothing."""
    line = dynamo.update(
        keys.delivery(claimed.delivery_id),
        "SET standing = :standing, next_at = :next_at",
        only_if=IS_MINE,
        sending="sending",
        attempt=claimed.attempt,
        standing=standing,
        next_at=next_at,
    )
    try:
        dynamo.transact([line, *_link_lines(claimed, standing, unsent)])
    except Overtaken:
        return


def _link_lines(delivery: Delivery, standing: Standing, unsent: Secret | None = None) -> Iterator[dynamo.Line]:
    if not delivery.partner_id or not delivery.link_id:
        return
    state = LETTER_STATE.get(standing)
    sets = "SET letter = :state" if state else ""
    drops = "DELETE secrets :unsent" if unsent else ""
    if not sets and not drops:
        return
    values: dict[str, Any] = {
        **({"state": state} if state else {}),
        **({"unsent": {unsent.fingerprint}} if unsent else {}),
    }
    key = keys.link(delivery.partner_id, delivery.link_id)
    yield dynamo.update(key, f"{sets} {drops}".strip(), only_if="attribute_exists(pk)", **values)


def record_feedback(delivery: Delivery, standing: Standing, suppress: tuple[str, ...]) -> bool:
    """What the mail system reported later; a bounce or complaint also ends all mail to its address."""
    before = ":sending, :sent" if standing is not Standing.SENT else ":sending"
    held: dict[str, Any] = {"sending": "sending", **({"sent": "sent"} if standing is not Standing.SENT else {})}
    line = dynamo.update(
        keys.delivery(delivery.delivery_id),
        "SET standing = :standing",
        only_if=f"standing IN ({before})",
        standing=standing,
        **held,
    )
    suppressions = (
        dynamo.put(keys.suppressed(address), {"delivery_id": delivery.delivery_id}, only_if=None)
        for address in suppress
    )
    try:
        dynamo.transact([line, *_link_lines(delivery, standing), *suppressions])
    except Overtaken:
        return False
    return True
