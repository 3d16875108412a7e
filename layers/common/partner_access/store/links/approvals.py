"""How accounts answer access links: what the rules need to know, and the answer coming true."""

from typing import Final

from partner_access.domain.accounts import Account
from partner_access.domain.errors import LinkAlreadyUsed
from partner_access.domain.errors import LinkDeclined as LinkWasDeclined
from partner_access.domain.links import approvals
from partner_access.domain.links.approvals import LinkApproved, LinkDeclined, PreviewFacts, ReplyFacts
from partner_access.domain.links.links import Link, Reply, Standing
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.users import User
from partner_access.idempotency import Storable
from partner_access.store import accounts, dynamo, keys
from partner_access.store.dynamo import Items
from partner_access.store.links.links import STILL_OPEN, one_open_link_less
from partner_access.store.memberships import actors, members

OPENED_BY: Final = f"{STILL_OPEN} AND contains(secrets, :secret)"


def facts_for_reply(secret: Secret, account_id: str, by: str) -> ReplyFacts:
    """The secret names the link; the link that it opens names the employee. A wrong secret costs what an unknown does.

    The link is read again beside what it made of its employee, and so is the account's mark on it: who comes second is
    told of the link that was used, or answered.
    """
    found = dynamo.read([*_first(secret, by), *_of_account(secret, account_id, by)])
    key = keys.link(secret.partner_id, secret.link_id)
    link = found.get_as(Link, key)
    if link and link.is_opened_by(secret):
        again = [key, keys.reply(secret.link_id, account_id)]
        found |= dynamo.read([*again, *_second(link, found, account_id, by)])
        found.and_read(actors.behind(found, account_id, link.employee_id))
        link = found.get_as(Link, key)
    return _reply_facts(secret, link, found, account_id, by)


def _first(secret: Secret, by: str) -> list[keys.Key]:
    return [keys.link(secret.partner_id, secret.link_id), keys.account(secret.partner_id), keys.user(by)]


def _of_account(secret: Secret, account_id: str, by: str) -> list[keys.Key]:
    return [
        keys.account(account_id),
        keys.member(account_id, by),
        keys.reply(secret.link_id, account_id),
        keys.super_admins(account_id),
    ]


def _second(link: Link, found: Items, account_id: str, by: str) -> list[keys.Key]:
    """What the first read leads to; who else runs the account matters only when the approver is of the asking firm."""
    approver = found.get_as(User, keys.user(by))
    own_firm = approver is not None and link.partner_id in approver.employed_by
    others = actors.super_admin_ids(found, account_id) if own_firm else []
    return [
        keys.user(link.employee_id),
        keys.member(account_id, link.employee_id),
        *actors.behind(found, account_id, by),
        *actors.keys_of_all(account_id, others),
    ]


def _reply_facts(secret: Secret, link: Link | None, found: Items, account_id: str, by: str) -> ReplyFacts:
    return ReplyFacts(
        secret=secret,
        link=link,
        account=found.get_as(Account, keys.account(account_id)),
        approver=actors.actor(found, account_id, by),
        partner=found.get_as(Account, keys.account(secret.partner_id)),
        target=actors.actor(found, account_id, link.employee_id) if link else Actor(),
        reply=found.get_as(Reply, keys.reply(secret.link_id, account_id)),
        super_admins=actors.super_admins(found, account_id),
    )


def facts_for_preview(secret: Secret, by: str) -> PreviewFacts:
    """What an answer would rest on in the one account that the link is bound to, or in the caller's first hundred."""
    found = dynamo.read(_first(secret, by))
    link = found.get_as(Link, keys.link(secret.partner_id, secret.link_id))
    account_ids: list[str] = []
    if link and link.is_opened_by(secret):
        account_ids = [link.account_id] if link.account_id else accounts.ids_of(by)[0]
        found |= dynamo.read(key for each in account_ids for key in _of_account(secret, each, by))
        others = (key for each in account_ids for key in _second(link, found, each, by))
        found |= dynamo.read([keys.user(link.employee_id), *others])
        found.and_read(key for each in account_ids for key in actors.behind(found, each, link.employee_id))
    return PreviewFacts(
        secret=secret,
        link=link,
        partner=found.get_as(Account, keys.account(secret.partner_id)),
        employee=found.get_as(User, keys.user(link.employee_id)) if link else None,
        reader=found.get_as(User, keys.user(by)),
        replies=tuple(_reply_facts(secret, link, found, each, by) for each in account_ids),
    )


def record_approval(approved: LinkApproved, answer: Storable) -> None:
    """All that `approve` relied on must still hold when it comes true."""
    link = approved.link
    dynamo.commit(
        approved,
        answer,
        dynamo.update(
            keys.of(link),
            "ADD approvals :one REMOVE due_shard, due_at" if link.is_for_one else "ADD approvals :one",
            only_if=OPENED_BY,
            otherwise=LinkAlreadyUsed,
            one=1,
            open=Standing.OPEN,
            now=approved.act.at,
            secret=approved.secret.fingerprint,
        ),
        *_reply_lines(approvals.approval_of_many(approved)),
        *([one_open_link_less(link)] if link.is_for_one else ()),
        *members.lines(approved.account, approved.before, approved.member, approved.act.at),
    )


def _reply_lines(reply: Reply | None) -> list[dynamo.Line]:
    if not reply:
        return []
    return [dynamo.put(keys.of(reply), reply, otherwise=LinkAlreadyUsed)]


def record_decline(declined: LinkDeclined, answer: Storable) -> None:
    """A link for one ends; a link for many stays open for the others."""
    link = declined.link
    key = keys.of(link)
    held = {"open": Standing.OPEN, "now": declined.act.at, "secret": declined.secret.fingerprint}
    lines = (
        [
            dynamo.update(
                key,
                "SET stored_state = :declined REMOVE due_shard, due_at",
                only_if=OPENED_BY,
                otherwise=LinkWasDeclined,
                declined=Standing.DECLINED,
                **held,
            ),
            one_open_link_less(link),
        ]
        if link.is_for_one
        else [
            dynamo.check(key, only_if=OPENED_BY, otherwise=LinkWasDeclined, **held),
            *_reply_lines(declined.reply),
        ]
    )
    dynamo.commit(declined, answer, *lines)
