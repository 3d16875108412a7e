"""Behind the trail: what the stream brings is chained and published, in its order, however often it comes."""

from collections import Counter

import pytest
from pydantic import ValidationError

from partner_access import event_bus
from partner_access.domain.audit.hash_chain import Head
from partner_access.store import dynamo, keys
from partner_access.store.audit.audit_log import entry_of
from tests.support import faults, link_requests
from tests.support.background_functions import counts, publish_audit_events
from tests.support.builders import CLIENT, PARTNER
from tests.support.costs import counted
from tests.support.fake_event_bus import listener, takes_all_but
from tests.support.table import Item, Table


def entries(table: Table) -> list[Item]:
    """The entries that doors wrote, as their stream would bring them."""
    return [item for item in table.under("AUDIT#") if item["event"] != "grant.given"]


def places(table: Table) -> Counter[str]:
    return Counter(item["pk"] for item in table.under("CHAIN#"))


def test_an_act_is_chained_in_the_trail_of_each_account_concerned(
    world: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    assert link_requests.approve().status == 201
    (of_client, of_partner) = told = entries(world)

    publish_audit_events(told)

    assert places(world) == {f"CHAIN#{CLIENT}": 1, f"CHAIN#{PARTNER}": 1}
    for account_id, item in ((CLIENT, of_client), (PARTNER, of_partner)):
        kept = world.get(keys.head(account_id))
        assert kept
        assert Head.model_validate(kept) == Head(account_id=account_id).followed_by(entry_of(item))
    assert counts(capsys.readouterr().out)["EntriesChained"] == 2


def test_a_batch_that_comes_again_changes_nothing(world: Table) -> None:
    link_requests.approve()
    publish_audit_events(entries(world))
    once = world.items()

    publish_audit_events(entries(world))

    assert world.items() == once


def test_a_batch_that_cannot_be_chained_comes_again_as_a_whole(world: Table) -> None:
    link_requests.approve()

    with (
        faults.at(dynamo.client(), "TransactWriteItems", faults.works, faults.kills_before),
        pytest.raises(faults.Killed),
    ):
        publish_audit_events(entries(world))
    assert sum(places(world).values()) == 1

    publish_audit_events(entries(world))
    assert set(places(world).values()) == {1}


def test_a_record_that_cannot_be_read_is_raised_and_nothing_is_chained(world: Table) -> None:
    link_requests.approve()
    readable, other = entries(world)

    with pytest.raises(ValidationError):
        publish_audit_events([readable, {name: value for name, value in other.items() if name != "event"}])

    assert places(world) == {}


def test_each_account_concerned_has_an_event_of_its_own_with_its_place(world: Table) -> None:
    link_requests.approve()
    link_requests.create()

    with listener() as heard:
        publish_audit_events(entries(world))

    told = [(event["source"], event["type"], event["sequence"]) for event in heard.events]
    assert told == [
        (f"/accounts/{CLIENT}", "partner-access.link.approved", "000000000001"),
        (f"/accounts/{PARTNER}", "partner-access.link.approved", "000000000001"),
        (f"/accounts/{PARTNER}", "partner-access.link.created", "000000000002"),
    ]
    of_client, of_partner, _ = (event["data"]["now"]["member"] for event in heard.events)
    assert (of_client["account_id"], of_client["permission_set"]) == (CLIENT, "partner_admin")
    assert (of_partner["account_id"], of_partner["permission_set"]) == (PARTNER, "view_only")


def test_events_that_the_bus_did_not_take_come_again_with_the_same_places(world: Table) -> None:
    link_requests.approve()

    with listener() as heard:
        heard.plan.append(takes_all_but(1))
        with pytest.raises(event_bus.NotTaken):
            publish_audit_events(entries(world))
        chained = world.under("CHAIN#")
        publish_audit_events(entries(world))

    assert world.under("CHAIN#") == chained
    assert [event["sequence"] for event in heard.events] == ["000000000001"] * 2


def test_nothing_is_told_of_what_is_not_chained(world: Table) -> None:
    link_requests.approve()

    with (
        listener() as heard,
        faults.at(dynamo.client(), "TransactWriteItems", faults.kills_before),
        pytest.raises(faults.Killed),
    ):
        publish_audit_events(entries(world))

    assert heard.tried == []


def test_a_batch_is_published_after_one_more_read(world: Table) -> None:
    link_requests.approve()
    told = entries(world)
    publish_audit_events(told)

    with counted(world) as costs:
        publish_audit_events(told)

    assert (costs.reads, costs.writes) == (2, 0)
