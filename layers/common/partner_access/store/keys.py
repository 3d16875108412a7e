"""All keys of the table.

item                    pk                      sk                   read by
account                 ACCOUNT#<account>       ACCOUNT              key
member                  ACCOUNT#<account>       MEMBER#<user>        key; query: the members of an account, by id
super admins' ids       ACCOUNT#<account>       SUPER_ADMINS         key
custom permission set   ACCOUNT#<account>       SET#<set>            key; query: the sets of an account, by age
user                    USER#<user>             USER                 key
a user's account        USER#<user>             ACCOUNT#<account>    query: the accounts of a user
email address in use    EMAIL#<address>         EMAIL                key
link                    PARTNER#<partner>       LINK#<link>          key; query: the links of a partner only, by age
reply to a link         LINK#<link>             ACCOUNT#<account>    key
audit entry             AUDIT#<account>         <audit id>           query: the audit log of an account, by age
entry's position        CHAIN#<account>         <audit id>           key; query: the hash chain of an account
head of a hash chain    CHAIN_HEAD#<shard>      ACCOUNT#<account>    key; query: the heads to sign
latest tree head        TREE_HEAD               LATEST               key
stored response         IDEMPOTENCY#<hash>#<principal>  IDEMPOTENCY  key
outbox                  OUTBOX#<shard>          NOTIFICATION#<act>   query: the emails to send
reconciliation          RECONCILIATION#<shard>  ACT#<act>            query: the queued reconciliations
delivery                DELIVERY#<delivery>     DELIVERY             key
suppressed address      SUPPRESSED#<digest>     SUPPRESSED           key

index      hash → range                                    holds
due        due_shard → due_at                              open links and grants, by when the expiry job is due
listing    list_key → list_sort_key                        an employee's links, by age; a partner's members, by client
"""

from hashlib import sha256
from typing import Final, NamedTuple
from zlib import crc32

from partner_access.domain.accounts import Account
from partner_access.domain.links.links import Link, LinkReply
from partner_access.domain.memberships.members import Member
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.records import Record
from partner_access.domain.users import User

ACCOUNT: Final = "ACCOUNT#"
USER: Final = "USER#"
LINK: Final = "LINK#"
PARTNER: Final = "PARTNER#"
AUDIT: Final = "AUDIT#"
CHAIN: Final = "CHAIN#"
CHAIN_HEAD: Final = "CHAIN_HEAD#"
IDEMPOTENCY: Final = "IDEMPOTENCY#"
OUTBOX: Final = "OUTBOX#"
RECONCILIATION: Final = "RECONCILIATION#"
DELIVERY: Final = "DELIVERY#"
SUPPRESSED: Final = "SUPPRESSED#"
EMPLOYEE: Final = "EMPLOYEE#"
PEOPLE: Final = "PEOPLE#"
MEMBER: Final = "MEMBER#"
SET: Final = "SET#"
NOTIFICATION: Final = "NOTIFICATION#"
ACT: Final = "ACT#"
DUE: Final = "DUE#"
EMAIL: Final = "EMAIL#"
"""The prefixes of partition keys and sort keys; nothing else writes one out.

Only the ids of users can contain `#`, so such an id is the last part of a key.
"""

SHARDS: Final = 8


class Key(NamedTuple):
    """The primary key of an item."""

    pk: str
    sk: str


def account(account_id: str) -> Key:
    return Key(f"{ACCOUNT}{account_id}", "ACCOUNT")


def member(account_id: str, user_id: str) -> Key:
    return Key(f"{ACCOUNT}{account_id}", f"{MEMBER}{user_id}")


def is_member(key: Key) -> bool:
    return key.sk.startswith(MEMBER)


def super_admins(account_id: str) -> Key:
    return Key(f"{ACCOUNT}{account_id}", "SUPER_ADMINS")


def permission_set(account_id: str, set_id: str) -> Key:
    return Key(f"{ACCOUNT}{account_id}", f"{SET}{set_id}")


def user(user_id: str) -> Key:
    return Key(f"{USER}{user_id}", "USER")


def account_of(user_id: str, account_id: str) -> Key:
    return Key(f"{USER}{user_id}", f"{ACCOUNT}{account_id}")


def email(address: str) -> Key:
    return Key(f"{EMAIL}{address}", "EMAIL")


def link(partner_id: str, link_id: str) -> Key:
    return Key(f"{PARTNER}{partner_id}", f"{LINK}{link_id}")


def reply(link_id: str, account_id: str) -> Key:
    return Key(f"{LINK}{link_id}", f"{ACCOUNT}{account_id}")


def audit(account_id: str, audit_id: str) -> Key:
    return Key(f"{AUDIT}{account_id}", audit_id)


def chain_entry(account_id: str, audit_id: str) -> Key:
    return Key(f"{CHAIN}{account_id}", audit_id)


def chain_head(account_id: str) -> Key:
    return Key(chain_heads(shard(account_id)), f"{ACCOUNT}{account_id}")


def chain_heads(number: int) -> str:
    """Return the partition key of the chain heads in this shard."""
    return f"{CHAIN_HEAD}{number}"


def latest_tree_head() -> Key:
    return Key("TREE_HEAD", "LATEST")


def idempotency(key: str) -> Key:
    return Key(f"{IDEMPOTENCY}{key}", "IDEMPOTENCY")


def outbox(outbox_id: str) -> Key:
    return Key(f"{OUTBOX}{shard(outbox_id)}", f"{NOTIFICATION}{outbox_id}")


def reconciliation(act_id: str) -> Key:
    return Key(f"{RECONCILIATION}{shard(act_id)}", f"{ACT}{act_id}")


def delivery(delivery_id: str) -> Key:
    return Key(f"{DELIVERY}{delivery_id}", "DELIVERY")


def suppressed(address: str) -> Key:
    return Key(f"{SUPPRESSED}{sha256(address.encode()).hexdigest()}", "SUPPRESSED")


def employee(partner_id: str, user_id: str) -> str:
    """Return the index key that lists the links for an employee."""
    return f"{EMPLOYEE}{partner_id}#{user_id}"


def partner_members(partner_id: str) -> str:
    """Return the index key that lists the members on behalf of a partner, client by client."""
    return f"{PEOPLE}{partner_id}"


def due_shard(name: str) -> str:
    """Return the partition key of the due index for the item with this name."""
    return due_part(shard(name))


def due_part(number: int) -> str:
    return f"{DUE}{number}"


def shard(name: str) -> int:
    """Return the shard of a name. The same name always gets the same shard, and names spread evenly."""
    return crc32(name.encode()) % SHARDS


def of(record: Record) -> Key:
    """Return the key of a record that a decision relied on."""
    match record:
        case Account():
            return account(record.account_id)
        case Member():
            return member(record.account_id, record.user_id)
        case User():
            return user(record.user_id)
        case Link():
            return link(record.partner_id, record.link_id)
        case CustomSet():
            return permission_set(record.account_id, record.set_id)
        case LinkReply():
            return reply(record.link_id, record.account_id)
    raise TypeError(type(record))
