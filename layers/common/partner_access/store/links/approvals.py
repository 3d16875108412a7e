"""Approvals and declines of access links in the table: the facts to decide on, and the writes."""

from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.errors import LinkAlreadyUsed
from partner_access.domain.errors import LinkDeclined as LinkWasDeclined
from partner_access.domain.links import approvals
from partner_access.domain.links.approvals import LinkApproved, LinkDeclineDecision, LinkPreviewFacts, ReplyFacts
from partner_access.domain.links.links import Link, LinkReply, StoredLinkState
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.users import User
from partner_access.idempotency import StorableResponse
from partner_access.store import accounts, dynamo, keys, writes
from partner_access.store.dynamo import Items
from partner_access.store.links.links import STILL_OPEN, decrement_open_links
from partner_access.store.memberships import actors, members

OPEN_WITH_SECRET: Final = f"{STILL_OPEN} AND contains(secrets, :secret)"


def facts_for_reply(secret: LinkSecret, account_id: str, actor_id: str) -> ReplyFacts:
    """Read the facts to approve or decline a link for one account.

    The secret contains the link's id, and the link names the employee. A wrong secret costs as many reads as an
    unknown link. The link and the account's reply are read again together with the employee's membership. So a second
    approver gets the error that the link is already used or declined.
    """
    found = dynamo.read([*_first_keys(secret, actor_id), *_account_keys(secret, account_id, actor_id)])
    key = keys.link(secret.partner_id, secret.link_id)
    link = found.get_as(Link, key)
    if link and link.is_opened_by(secret):
        again = [key, keys.reply(secret.link_id, account_id)]
        found |= dynamo.read([*again, *_second_keys(link, found, account_id, actor_id)])
        found.read_missing(actors.related_keys(found, account_id, link.employee_id))
        link = found.get_as(Link, key)
    return _reply_facts(secret, link, found, account_id, actor_id)


def _first_keys(secret: LinkSecret, actor_id: str) -> list[keys.Key]:
    return [keys.link(secret.partner_id, secret.link_id), keys.account(secret.partner_id), keys.user(actor_id)]


def _account_keys(secret: LinkSecret, account_id: str, actor_id: str) -> list[keys.Key]:
    return [
        keys.account(account_id),
        keys.member(account_id, actor_id),
        keys.reply(secret.link_id, account_id),
        keys.super_admins(account_id),
    ]


def _second_keys(link: Link, found: Items, account_id: str, actor_id: str) -> list[keys.Key]:
    """Return the keys that the second read needs.

    The account's other super admins are needed only when the own-partner rule can concern the approver.
    """
    approver = found.get_as(User, keys.user(actor_id))
    others = actors.super_admin_ids(found, account_id) if approver and approver.is_or_was_partner_employee else []
    return [
        keys.user(link.employee_id),
        keys.member(account_id, link.employee_id),
        *actors.related_keys(found, account_id, actor_id),
        *actors.first_keys_of_all(account_id, others),
    ]


def _reply_facts(secret: LinkSecret, link: Link | None, found: Items, account_id: str, actor_id: str) -> ReplyFacts:
    return ReplyFacts(
        secret=secret,
        link=link,
        account=found.get_as(Account, keys.account(account_id)),
        approver=actors.actor(found, account_id, actor_id),
        partner=found.get_as(Account, keys.account(secret.partner_id)),
        target=actors.actor(found, account_id, link.employee_id) if link else Actor(),
        reply=found.get_as(LinkReply, keys.reply(secret.link_id, account_id)),
        super_admins=actors.super_admins(found, account_id),
    )


def facts_for_preview(secret: LinkSecret, actor_id: str) -> LinkPreviewFacts:
    """Read the facts for a preview: in the account that the link is bound to, or in the caller's first 100 accounts."""
    found = dynamo.read(_first_keys(secret, actor_id))
    link = found.get_as(Link, keys.link(secret.partner_id, secret.link_id))
    account_ids: list[str] = []
    if link and link.is_opened_by(secret):
        account_ids = [link.account_id] if link.account_id else accounts.ids_of(actor_id)[0]
        found |= dynamo.read(key for each in account_ids for key in _account_keys(secret, each, actor_id))
        others = (key for each in account_ids for key in _second_keys(link, found, each, actor_id))
        found |= dynamo.read([keys.user(link.employee_id), *others])
        found.read_missing(key for each in account_ids for key in actors.related_keys(found, each, link.employee_id))
    return LinkPreviewFacts(
        secret=secret,
        link=link,
        partner=found.get_as(Account, keys.account(secret.partner_id)),
        employee=found.get_as(User, keys.user(link.employee_id)) if link else None,
        viewer=found.get_as(User, keys.user(actor_id)),
        replies=tuple(_reply_facts(secret, link, found, each, actor_id) for each in account_ids),
    )


def record_approval(approved: LinkApproved, response: StorableResponse) -> None:
    """Commit an approval, provided that all the facts it relies on still hold."""
    link = approved.link
    dynamo.commit(
        approved,
        response,
        writes.update(
            keys.of(link),
            "ADD approvals :one REMOVE due_shard, due_at" if link.is_for_one_account else "ADD approvals :one",
            only_if=OPEN_WITH_SECRET,
            error=LinkAlreadyUsed,
            one=1,
            open=StoredLinkState.OPEN,
            now=approved.act.at,
            secret=approved.secret.fingerprint,
        ),
        *_reply_items(approvals.reply_of_approval(approved)),
        *([decrement_open_links(link)] if link.is_for_one_account else ()),
        *members.transaction_items(approved.account, approved.before, approved.member, approved.act.at),
    )


def _reply_items(reply: LinkReply | None) -> list[writes.TransactionItem]:
    if not reply:
        return []
    return [writes.put(keys.of(reply), reply, error=LinkAlreadyUsed)]


def record_decline(declined: LinkDeclineDecision, response: StorableResponse) -> None:
    """Commit a decline. A link for one account ends. A link for several accounts stays open for the others."""
    link = declined.link
    key = keys.of(link)
    condition_values = {"open": StoredLinkState.OPEN, "now": declined.act.at, "secret": declined.secret.fingerprint}
    items = (
        [
            writes.update(
                key,
                "SET stored_state = :declined REMOVE due_shard, due_at",
                only_if=OPEN_WITH_SECRET,
                error=LinkWasDeclined,
                declined=StoredLinkState.DECLINED,
                **condition_values,
            ),
            decrement_open_links(link),
        ]
        if link.is_for_one_account
        else [
            writes.check(key, only_if=OPEN_WITH_SECRET, error=LinkWasDeclined, **condition_values),
            *_reply_items(declined.reply),
        ]
    )
    dynamo.commit(declined, response, *items)
