"""Table keys: the key of each record, distinct keys for distinct items, and shards."""

from collections import Counter

import pytest

from partner_access.domain.links.links import LinkReply, LinkState
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    CLIENT,
    CUSTOM_SET,
    LINK,
    PARTNER,
    a_custom_set,
    a_link,
    a_member,
    a_user,
    the_client,
    the_partner,
)


@pytest.mark.parametrize(("record", "key"), [
    (the_client(), ("ACCOUNT#client-bakery", "ACCOUNT")),
    (the_partner(), ("ACCOUNT#partner-north", "ACCOUNT")),
    (a_user(), ("USER#user-approver", "USER")),
    (a_member(), ("ACCOUNT#client-bakery", "MEMBER#user-approver")),
    (a_custom_set(), ("ACCOUNT#client-bakery", f"SET#{CUSTOM_SET}")),
    (a_link(), (f"PARTNER#{PARTNER}", f"LINK#{LINK}")),
    (
        LinkReply(link_id=LINK, account_id=CLIENT, state=LinkState.DECLINED),
        (f"LINK#{LINK}", f"ACCOUNT#{CLIENT}"),
    ),
])  # fmt: skip
def test_key_of_record_has_expected_parts(record: Record, key: tuple[str, str]) -> None:
    assert keys.of(record) == key


def test_key_of_unknown_record_raises_type_error() -> None:
    with pytest.raises(TypeError, match="Record"):
        keys.of(Record())


def test_keys_of_different_items_are_distinct() -> None:
    same = "x"
    all_keys = [
        keys.account(same),
        keys.member(same, same),
        keys.super_admins(same),
        keys.permission_set(same, same),
        keys.user(same),
        keys.account_of(same, same),
        keys.email(same),
        keys.link(same, same),
        keys.reply(same, same),
        keys.audit(same, same),
        keys.idempotency(same),
        keys.outbox(same),
        keys.reconciliation(same),
        keys.delivery(same),
        keys.suppressed(same),
        keys.latest_tree_head(),
    ]

    assert len(set(all_keys)) == len(all_keys)


def test_key_of_latest_tree_head_is_the_published_one() -> None:
    assert keys.latest_tree_head() == ("TREE_HEAD", "LATEST")


def test_key_of_suppressed_address_does_not_contain_address() -> None:
    assert "boss" not in str(keys.suppressed("boss@bakery.example"))


def test_shard_is_deterministic_and_evenly_distributed() -> None:
    names = [f"lnk_{number:032x}" for number in range(800)]
    used = Counter(map(keys.due_shard, names))

    assert set(used) == {f"DUE#{shard}" for shard in range(keys.SHARDS)}
    assert max(used.values()) < 2 * min(used.values())
    assert keys.due_shard(names[0]) == keys.due_shard(names[0])
    assert keys.outbox(names[0]).pk == f"OUTBOX#{keys.shard(names[0])}"
    assert keys.reconciliation(names[0]).pk == f"RECONCILIATION#{keys.shard(names[0])}"
    assert keys.partner_members(PARTNER) == "PEOPLE#partner-north"
    assert keys.employee(PARTNER, "user-employee") == "EMPLOYEE#partner-north#user-employee"
