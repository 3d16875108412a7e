"""Tests of publishing audit events: stream records are chained and published in order, even when repeated."""

from collections import Counter

import pytest
from pydantic import ValidationError

from partner_access import event_bus
from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.store import dynamo, keys
from partner_access.store.audit.audit_log import entry_of
from tests.support import faults, link_requests
from tests.support.background_functions import metric_counts, publish_audit_events
from tests.support.builders import CLIENT, PARTNER
from tests.support.costs import count_costs
from tests.support.fake_event_bus import fake_event_bus, rejects_entry_at
from tests.support.table import Item, Table


def stream_entries(table: Table) -> list[Item]:
    """Return the audit entries that operations wrote, as the stream would deliver them."""
    return [item for item in table.items_with_prefix("AUDIT#") if item["event"] != "grant.given"]


def chain_lengths(table: Table) -> Counter[str]:
    return Counter(item["pk"] for item in table.items_with_prefix("CHAIN#"))


def test_publish_batch_chains_entry_in_audit_log_of_each_account(
    seeded: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    assert link_requests.approve().status == 201
    (of_client, of_partner) = batch = stream_entries(seeded)

    publish_audit_events(batch)

    assert chain_lengths(seeded) == {f"CHAIN#{CLIENT}": 1, f"CHAIN#{PARTNER}": 1}
    for account_id, item in ((CLIENT, of_client), (PARTNER, of_partner)):
        stored_head = seeded.get(keys.chain_head(account_id))
        assert stored_head
        assert ChainHead.model_validate(stored_head) == ChainHead(account_id=account_id).with_entry(entry_of(item))
    assert metric_counts(capsys.readouterr().out)["EntriesChained"] == 2


def test_publish_batch_a_second_time_changes_nothing(seeded: Table) -> None:
    link_requests.approve()
    publish_audit_events(stream_entries(seeded))
    after_first_run = seeded.items()

    publish_audit_events(stream_entries(seeded))

    assert seeded.items() == after_first_run


def test_publish_batch_killed_while_chaining_is_finished_by_retry(seeded: Table) -> None:
    link_requests.approve()

    with (
        faults.inject(dynamo.client(), "TransactWriteItems", faults.succeeds, faults.killed_before),
        pytest.raises(faults.Killed),
    ):
        publish_audit_events(stream_entries(seeded))
    assert sum(chain_lengths(seeded).values()) == 1

    publish_audit_events(stream_entries(seeded))
    assert set(chain_lengths(seeded).values()) == {1}


def test_publish_batch_with_unreadable_record_chains_nothing(seeded: Table) -> None:
    link_requests.approve()
    readable, other = stream_entries(seeded)

    with pytest.raises(ValidationError):
        publish_audit_events([readable, {name: value for name, value in other.items() if name != "event"}])

    assert chain_lengths(seeded) == {}


def test_publish_batch_sends_event_with_sequence_for_each_account(seeded: Table) -> None:
    link_requests.approve()
    link_requests.create()

    with fake_event_bus() as bus_events:
        publish_audit_events(stream_entries(seeded))

    published = [(event["source"], event["type"], event["sequence"]) for event in bus_events.events]
    assert published == [
        (f"/accounts/{CLIENT}", "partner-access.link.approved", "000000000001"),
        (f"/accounts/{PARTNER}", "partner-access.link.approved", "000000000001"),
        (f"/accounts/{PARTNER}", "partner-access.link.created", "000000000002"),
    ]
    of_client, of_partner, _ = (event["data"]["now"]["member"] for event in bus_events.events)
    assert (of_client["account_id"], of_client["permission_set"]) == (CLIENT, "partner_admin")
    assert (of_partner["account_id"], of_partner["permission_set"]) == (PARTNER, "view_only")


def test_publish_batch_rejected_by_event_bus_is_resent_with_same_sequence(seeded: Table) -> None:
    link_requests.approve()

    with fake_event_bus() as bus_events:
        bus_events.next_faults.append(rejects_entry_at(1))
        with pytest.raises(event_bus.PublishFailed):
            publish_audit_events(stream_entries(seeded))
        chained = seeded.items_with_prefix("CHAIN#")
        publish_audit_events(stream_entries(seeded))

    assert seeded.items_with_prefix("CHAIN#") == chained
    assert [event["sequence"] for event in bus_events.events] == ["000000000001"] * 2


def test_publish_batch_not_chained_sends_no_event(seeded: Table) -> None:
    link_requests.approve()

    with (
        fake_event_bus() as bus_events,
        faults.inject(dynamo.client(), "TransactWriteItems", faults.killed_before),
        pytest.raises(faults.Killed),
    ):
        publish_audit_events(stream_entries(seeded))

    assert bus_events.attempts == []


def test_publish_chained_batch_costs_two_reads(seeded: Table) -> None:
    link_requests.approve()
    batch = stream_entries(seeded)
    publish_audit_events(batch)

    with count_costs(seeded) as costs:
        publish_audit_events(batch)

    assert (costs.reads, costs.writes) == (2, 0)
