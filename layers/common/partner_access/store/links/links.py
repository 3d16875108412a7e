"""Access links in the table: create, list, resend, renew and end."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from partner_access.domain.accounts import Account
from partner_access.domain.errors import LinkAlreadyUsed, TooManyLinks
from partner_access.domain.links.creations import MAX_OPEN_LINKS, LinkCreated, LinkCreationFacts, NewLink
from partner_access.domain.links.links import (
    Link,
    LinkEnded,
    LinkFacts,
    StoredLinkState,
)
from partner_access.domain.links.renewals import LinkRenewalRequested, RenewalFacts
from partner_access.domain.links.resends import LinkResent
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.users import User
from partner_access.idempotency import StorableResponse
from partner_access.store import dynamo, keys, queries, writes
from partner_access.store.memberships import actors

STILL_OPEN: Final = "stored_state = :open AND expires_at > :now AND approvals < max_approvals"
STILL_DUE: Final = "stored_state = :open AND expires_at <= :now AND approvals < max_approvals"
NOT_OPEN: Final = "stored_state <> :open OR expires_at <= :now OR approvals >= max_approvals"
USED_UP_AND_IN_DUE_INDEX: Final = "approvals >= max_approvals AND attribute_exists(due_at)"
HAS_OPEN_LINKS: Final = "open_links > :none"
OPEN_LINKS_BELOW_LIMIT: Final = "open_links < :most"
RENEWAL_NOT_REQUESTED: Final = "renewal_requested = :no"


def facts_for_creation(partner_id: str, new_link: NewLink, actor_id: str) -> LinkCreationFacts:
    """Read the partner, the employee that the link is for, and the caller who creates it."""
    suppressed = keys.suppressed(new_link.recipient) if new_link.recipient else None
    found = dynamo.read(
        [
            keys.account(partner_id),
            keys.user(new_link.employee_id),
            *actors.first_keys(partner_id, actor_id),
            *([suppressed] if suppressed else ()),
        ]
    )
    found.read_missing(actors.related_keys(found, partner_id, actor_id))
    return LinkCreationFacts(
        partner=found.get_as(Account, keys.account(partner_id)),
        creator=actors.actor(found, partner_id, actor_id),
        employee=found.get_as(User, keys.user(new_link.employee_id)),
        recipient_is_suppressed=suppressed in found,
    )


def record_creation(created: LinkCreated, response: StorableResponse) -> None:
    """Commit the new link, and count one more open link for the employee."""
    link = created.link
    dynamo.commit(
        created,
        response,
        writes.update(
            keys.user(link.employee_id),
            "ADD open_links :one",
            only_if=OPEN_LINKS_BELOW_LIMIT,
            error=TooManyLinks,
            one=1,
            most=MAX_OPEN_LINKS,
        ),
        writes.put(keys.of(link), item(link)),
    )


def item(link: Link) -> dict[str, object]:
    """Return the link as an item, with its keys in both indexes."""
    return {
        **dict(link),
        "due_shard": keys.due_shard(link.link_id),
        "due_at": link.expires_at,
        "list_key": keys.employee(link.partner_id, link.employee_id),
        "list_sort_key": f"{keys.LINK}{link.link_id}",
    }


def facts_for_one(partner_id: str, link_id: str, actor_id: str) -> LinkFacts:
    """Read a link of a partner, and the caller as a member of the partner."""
    key = keys.link(partner_id, link_id)
    found = dynamo.read([keys.account(partner_id), key, *actors.first_keys(partner_id, actor_id)])
    found.read_missing(actors.related_keys(found, partner_id, actor_id))
    return LinkFacts(
        link=found.get_as(Link, key),
        partner=found.get_as(Account, keys.account(partner_id)),
        actor=actors.actor(found, partner_id, actor_id),
    )


def facts_for_resend(partner_id: str, link_id: str, actor_id: str) -> LinkFacts:
    """Read the same facts with the employee, and whether the email address is suppressed."""
    facts = facts_for_one(partner_id, link_id, actor_id)
    if not facts.link:
        return facts
    suppressed = keys.suppressed(facts.link.recipient) if facts.link.recipient else None
    employee = keys.user(facts.link.employee_id)
    found = dynamo.read([employee, *([suppressed] if suppressed else ())])
    return replace(
        facts,
        employee=found.get_as(User, employee),
        recipient_is_suppressed=suppressed in found,
    )


def record_resend(resent: LinkResent, response: StorableResponse) -> None:
    """Commit the new secret in place of the old ones, if the link is open and unchanged since it was read."""
    link = resent.link
    dynamo.commit(
        resent,
        response,
        writes.update(
            keys.of(link),
            "SET secrets = :secrets, expires_at = :end, due_at = :end, delivery_status = :delivery_status, resent_at = :resent_at, "
            "version = :version",
            only_if=f"{STILL_OPEN} AND {writes.UNCHANGED}",
            seen_version=resent.before.version,
            open=StoredLinkState.OPEN,
            now=resent.act.at,
            secrets=link.secrets,
            end=link.expires_at,
            delivery_status=link.delivery_status,
            resent_at=link.resent_at,
            version=link.version,
        ),
    )


def record_end(ended: LinkEnded, response: StorableResponse | None = None) -> None:
    """Commit the end of an open link that was revoked or has expired, and count one open link less."""
    link = ended.link
    dynamo.commit(
        ended,
        response,
        writes.update(
            keys.of(link),
            "SET stored_state = :stored_state REMOVE due_shard, due_at",
            only_if=STILL_DUE if ended.stored_state is StoredLinkState.EXPIRED else STILL_OPEN,
            error=LinkAlreadyUsed,
            open=StoredLinkState.OPEN,
            now=ended.act.at,
            stored_state=ended.stored_state,
        ),
        decrement_open_links(link),
    )


def decrement_open_links(link: Link) -> writes.TransactionItem:
    return writes.update(keys.user(link.employee_id), "ADD open_links :less", only_if=HAS_OPEN_LINKS, less=-1, none=0)


def record_used_up(link: Link) -> None:
    """Remove a link from the due index when all of its approvals were given before it was due.

    This concerns links with several approvals.
    """
    dynamo.transact(
        [
            writes.update(
                keys.of(link),
                "REMOVE due_shard, due_at",
                only_if=USED_UP_AND_IN_DUE_INDEX,
            ),
            decrement_open_links(link),
        ]
    )


def facts_for_renewal(secret: LinkSecret, actor_id: str) -> RenewalFacts:
    """Read the link that the secret names, its employee and partner, and the user who requests its renewal."""
    key, partner = keys.link(secret.partner_id, secret.link_id), keys.account(secret.partner_id)
    found = dynamo.read([key, partner, keys.user(actor_id)])
    link = found.get_as(Link, key)
    if link and link.is_opened_by(secret):
        found.read_missing([keys.user(link.employee_id)])
    return RenewalFacts(
        link=link,
        partner=found.get_as(Account, partner),
        employee=found.get_as(User, keys.user(link.employee_id)) if link else None,
        requester=found.get_as(User, keys.user(actor_id)),
    )


def record_renewal_request(requested: LinkRenewalRequested, response: StorableResponse) -> None:
    """Commit that renewal was requested, which notifies the creator.

    It happens once per link, and never while the link is open.
    """
    condition_values: dict[str, Any] = (
        {} if requested.was_void else {"open": StoredLinkState.OPEN, "now": requested.act.at}
    )
    dynamo.commit(
        requested,
        response,
        writes.update(
            keys.of(requested.link),
            "SET renewal_requested = :yes",
            only_if=f"{RENEWAL_NOT_REQUESTED} AND ({NOT_OPEN})" if condition_values else RENEWAL_NOT_REQUESTED,
            yes=True,
            no=False,
            **condition_values,
        ),
    )


def _read_links(listed: list[dict[str, Any]]) -> Iterator[Link]:
    """Read the links that an index returned from the table itself, in the same order."""
    wanted = [keys.Key(each["pk"], each["sk"]) for each in listed]
    found = dynamo.read(wanted)
    yield from (link for link in (found.get_as(Link, key) for key in wanted) if link)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of links, newest first, and the link id after which the next page starts."""

    links: list[Link]
    after: str | None


def page(partner_id: str, *, employee_id: str | None, after: str | None, limit: int) -> Page:
    """Return one page of links of a partner or one of its employees, at a cost proportional to the page size."""
    if employee_id:
        start = _index_key(partner_id, employee_id, after) if after else None
        found = queries.query(
            "list_key = :employee",
            index="listing",
            limit=limit,
            after=start,
            newest_first=True,
            employee=keys.employee(partner_id, employee_id),
        )
        links = list(_read_links(found.items))
    else:
        found = queries.query(
            "pk = :partner",
            limit=limit,
            after=keys.link(partner_id, after)._asdict() if after else None,
            newest_first=True,
            partner=f"{keys.PARTNER}{partner_id}",
        )
        links = [Link.model_validate(each) for each in found.items]
    return Page(links, found.after["sk"].removeprefix(keys.LINK) if found.after else None)


def all_of(partner_id: str, employee_id: str) -> Iterator[list[Link]]:
    """Yield all links of one employee, one page at a time."""
    found = page(partner_id, employee_id=employee_id, after=None, limit=dynamo.MAX_BATCH_ITEMS)
    yield found.links
    while found.after:
        found = page(partner_id, employee_id=employee_id, after=found.after, limit=dynamo.MAX_BATCH_ITEMS)
        yield found.links


def _index_key(partner_id: str, employee_id: str, link_id: str) -> dict[str, str]:
    return {
        **keys.link(partner_id, link_id)._asdict(),
        "list_key": keys.employee(partner_id, employee_id),
        "list_sort_key": f"{keys.LINK}{link_id}",
    }


def employees_of(links: list[Link]) -> dict[str, User]:
    """Return the employees of these links, by user id."""
    found = dynamo.read(keys.user(link.employee_id) for link in links)
    return {user.user_id: user for user in map(User.model_validate, found.values())}
