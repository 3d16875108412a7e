"""Behind the trail: what the stream brings is chained, in its order, however often it comes."""

from collections import Counter

import pytest
from pydantic import ValidationError

from partner_access.domain.chain import Head
from partner_access.store import dynamo, keys
from partner_access.store.trail import entry_of
from tests import faults, knocks
from tests.builders import CLIENT, PARTNER
from tests.table import Item, Table
from tests.workers import counts, follow_trail


def entries(table: Table) -> list[Item]:
    """The entries that doors wrote, as their stream would bring them."""
    return [item for item in table.under("AUDIT#") if item["event"] != "grant.given"]


def places(table: Table) -> Counter[str]:
    return Counter(item["pk"] for item in table.under("CHAIN#"))


def test_an_act_is_chained_in_the_trail_of_each_account_concerned(
    world: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    assert knocks.approve().status == 201
    (of_client, of_partner) = told = entries(world)

    follow_trail(told)

    assert places(world) == {f"CHAIN#{CLIENT}": 1, f"CHAIN#{PARTNER}": 1}
    for account_id, item in ((CLIENT, of_client), (PARTNER, of_partner)):
        kept = world.get(keys.head(account_id))
        assert kept
        assert Head.model_validate(kept) == Head(account_id=account_id).followed_by(entry_of(item))
    assert counts(capsys.readouterr().out)["EntriesChained"] == 2


def test_a_batch_that_comes_again_changes_nothing(world: Table) -> None:
    knocks.approve()
    follow_trail(entries(world))
    once = world.items()

    follow_trail(entries(world))

    assert world.items() == once


def test_a_batch_that_cannot_be_chained_comes_again_as_a_whole(world: Table) -> None:
    knocks.approve()

    with (
        faults.at(dynamo.client(), "TransactWriteItems", faults.works, faults.kills_before),
        pytest.raises(faults.Killed),
    ):
        follow_trail(entries(world))
    assert sum(places(world).values()) == 1

    follow_trail(entries(world))
    assert set(places(world).values()) == {1}


def test_a_record_that_cannot_be_read_is_raised_and_nothing_is_chained(world: Table) -> None:
    knocks.approve()
    readable, other = entries(world)

    with pytest.raises(ValidationError):
        follow_trail([readable, {name: value for name, value in other.items() if name != "event"}])

    assert places(world) == {}
