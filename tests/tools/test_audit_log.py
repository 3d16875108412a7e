"""The audit log of a stack from the API to the verification: exported, verified, altered, erased from and repaired."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner, Result

from partner_access import event_bus
from partner_access import tree_head_store as production_store
from partner_access.domain.audit.tree_heads import TreeHead
from partner_access.domain.records import AuditEntry
from partner_access.store import keys
from partner_access.store.audit import hash_chain
from partner_access.store.audit.audit_log import entry_of
from tests.support import gateway
from tests.support.background_functions import (
    PUBLISH_AUDIT_EVENTS,
    SIGN_AUDIT_LOG,
    publish_audit_events,
    run_function,
    stream_event_of,
)
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, PARTNER, a_partner_admin
from tests.support.fake_tree_head_store import FakeTreeHeadStore, fake_tree_head_store
from tests.support.membership_facts import resume, suspend
from tests.support.seeded_table import seed
from tests.support.table import Item, Table
from tests.tools import fake_aws
from tools.operate import __main__ as operate
from tools.operate import audit_log
from tools.operate.audit_export import AuditExport, verify
from tools.operate.export_lines import AuditLogAltered
from tools.operate.stack import DeployedStack, StackUnavailable
from tools.operate.tree_head_list import read_tree_heads
from tools.template import ROOT

AFTER_DELIVERY = datetime.now(UTC) + timedelta(hours=1)
"""A time at which the stream has delivered all entries."""


@pytest.fixture
def tree_head_store(table: Table) -> Iterator[FakeTreeHeadStore]:
    seed(table, a_partner_admin())
    for item in table.items_with_prefix("AUDIT#"):
        table.remove(keys.Key(item["pk"], item["sk"]))
    with fake_tree_head_store() as found:
        yield found


@pytest.fixture
def stack(table: Table, tree_head_store: FakeTreeHeadStore) -> DeployedStack:
    """A stack that uses the table, storage and key in memory, and the real publishing function."""

    def invoke(parameters: fake_aws.Params) -> Any:
        try:
            run_function(PUBLISH_AUDIT_EVENTS, json.loads(parameters["Payload"]))
        except ValueError as failed:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(repr(failed).encode())}
        return {"StatusCode": 200, "Payload": io.BytesIO(b"null")}

    outputs = {
        "TreeHeadsBucket": tree_head_store.bucket,
        "TreeHeadSigningKeyArn": tree_head_store.key_id,
        "TableName": table.name,
    }
    described = {"Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]}
    resources = [
        {"LogicalResourceId": name, "PhysicalResourceId": physical_id, "ResourceType": kind}
        for name, physical_id, kind in (
            ("PublishAuditEventsFunction", "publish-audit-events", "AWS::Lambda::Function"),
            ("FailedRecords", f"{tree_head_store.bucket}-failed-records", "AWS::S3::Bucket"),
        )
    ]
    fake_clients = fake_aws.fake_clients(
        {
            "cloudformation.DescribeStacks": lambda _: {"Stacks": [described]},
            "cloudformation.ListStackResources": lambda _: {"StackResourceSummaries": resources},
            "lambda.Invoke": invoke,
        }
    )
    in_memory = {"dynamodb": table.client, "kms": tree_head_store.signer, "s3": tree_head_store.storage}
    return DeployedStack("here", lambda name: in_memory.get(name) or fake_clients(name))


def suspend_and_resume(times: int = 1) -> None:
    """Perform two acts that concern the client and the partner, this many times."""
    for _ in range(times):
        assert suspend().status == 200
        assert resume().status == 200


def publish_entries(table: Table) -> None:
    """Process all audit entries as if the stream had delivered them."""
    publish_audit_events(sorted(table.items_with_prefix("AUDIT#"), key=lambda item: str(item["sk"])))


def sign_audit_log() -> None:
    assert run_function(SIGN_AUDIT_LOG, {}) is None


def export_log(site: DeployedStack, table: Table, account_id: str = CLIENT) -> AuditExport:
    exported = audit_log.export_account(site, table.name, account_id)
    assert (exported.pending, exported.problems) == (0, ())
    return exported.export


def events(found: AuditExport) -> list[str]:
    return [link.entry.event for link in found.links]


def audit_items(table: Table, account_id: str = CLIENT) -> list[Item]:
    return table.items_with_prefix(f"AUDIT#{account_id}")


def test_export_of_signed_entries_is_verified(
    table: Table, tree_head_store: FakeTreeHeadStore, stack: DeployedStack
) -> None:
    suspend_and_resume()
    publish_entries(table)
    sign_audit_log()
    suspend_and_resume()
    publish_entries(table)

    found = export_log(stack, table)

    assert verify(found.to_bytes(), tree_head_store.pem) == found
    assert events(found) == ["member.suspended", "member.resumed"] * 2
    assert (found.signed_count, len(found.unsigned), len(found.tree_heads)) == (2, 2, 1)
    assert export_log(stack, table, PARTNER).signed_count == 2


def test_export_includes_older_tree_heads_at_doubling_distances(table: Table, stack: DeployedStack) -> None:
    for _ in range(10):
        suspend_and_resume()
        publish_entries(table)
        sign_audit_log()

    found = export_log(stack, table)

    assert [each.tree_head.number for each in found.tree_heads] == [10, 9, 8, 6, 2]
    assert [each.leaf.entries for each in found.tree_heads] == [20, 18, 16, 12, 4]
    assert verify(found.to_bytes()) == found


def test_export_omits_tree_heads_without_stored_chain_heads(
    table: Table, tree_head_store: FakeTreeHeadStore, stack: DeployedStack
) -> None:
    for _ in range(4):
        suspend_and_resume()
        publish_entries(table)
        sign_audit_log()
    second = next(tree_head for tree_head in tree_head_store.tree_heads() if tree_head["number"] == 2)
    tree_head_store.delete_versions(f"leaves/{second['root']}.json")

    assert [each.tree_head.number for each in export_log(stack, table).tree_heads] == [4, 3]


def test_export_of_chain_missing_in_newer_tree_head_raises_altered(table: Table, stack: DeployedStack) -> None:
    for account_id in (PARTNER, CLIENT):
        suspend_and_resume()
        publish_entries(table)
        sign_audit_log()
        table.remove(keys.chain_head(account_id))
    sign_audit_log()

    with pytest.raises(AuditLogAltered) as found:
        export_log(stack, table)
    assert str(found.value) == f"Signed tree head 3 has no chain of {CLIENT}, but the older 2 has one."


def test_export_of_account_without_tree_head_is_only_chained(
    table: Table, tree_head_store: FakeTreeHeadStore, stack: DeployedStack
) -> None:
    suspend_and_resume()
    publish_audit_events(audit_items(table))
    sign_audit_log()
    publish_audit_events(audit_items(table, PARTNER))

    found = export_log(stack, table, PARTNER)

    assert (found.tree_heads, len(found.links)) == ((), 2)
    assert verify(found.to_bytes()) == found


def test_export_with_deleted_latest_tree_head_raises_stack_unavailable(
    table: Table, tree_head_store: FakeTreeHeadStore, stack: DeployedStack
) -> None:
    suspend_and_resume()
    publish_entries(table)
    sign_audit_log()
    tree_head_store.delete_versions("tree-heads/1.json")

    with pytest.raises(StackUnavailable, match="Tree head 1 is the latest, but it is not in"):
        audit_log.export_account(stack, table.name, CLIENT)


def add_delete_marker(tree_head_store: FakeTreeHeadStore, name: str) -> Any:
    """Put a delete marker over an object, as an administrator of the bucket can."""
    return tree_head_store.storage.delete_object(Bucket=tree_head_store.bucket, Key=name)


@pytest.mark.parametrize(("manipulate", "messages"), [
    (lambda table, store: [add_delete_marker(store, "tree-heads/3.json"), table.change(keys.latest_tree_head(), **table_record(store, 2))],
     ["Hidden in {} by a delete marker or a later version: signed tree head 3. Ask who did it."]),
    (lambda table, store: [add_delete_marker(store, f"tree-heads/{number}.json") for number in (1, 2)],
     ["Hidden in {} by a delete marker or a later version: 2 signed tree heads, from 1 to 2. Ask who did it."]),
    (lambda _, store: store.storage.put_object(Bucket=store.bucket, Key="tree-heads/2.json", Body=b"{}"),
     ["Hidden in {} by a delete marker or a later version: signed tree head 2. Ask who did it."]),
    (lambda _, store: store.storage.put_object(Bucket=store.bucket, Key="tree-heads/99.json", Body=store.read("tree-heads/3.json")),
     ["Not signed by the key, but stored in {}: signed tree head 99. Ask who did it."]),
    (lambda table, _: table.remove(keys.latest_tree_head()),
     ["The latest signed tree head in the table is 0, but {} has 3."]),
    (lambda _, store: add_delete_marker(store, f"leaves/{store.tree_heads()[1]['root']}.json"),
     ["Hidden in {}, by a delete marker: the leaves of tree head 2. Ask who did it."]),
])  # fmt: skip
def test_export_with_hidden_tree_heads_is_complete_and_reports_them(
    table: Table,
    tree_head_store: FakeTreeHeadStore,
    stack: DeployedStack,
    manipulate: Callable[[Table, FakeTreeHeadStore], object],
    messages: list[str],
) -> None:
    for _ in range(3):
        suspend_and_resume()
        publish_entries(table)
        sign_audit_log()
    before = export_log(stack, table)

    manipulate(table, tree_head_store)

    after = audit_log.export_account(stack, table.name, CLIENT)
    assert after.export == before
    assert list(after.problems) == [sentence.format(tree_head_store.bucket) for sentence in messages]


def table_record(tree_head_store: FakeTreeHeadStore, number: int) -> dict[str, Any]:
    """Return the table's record of this tree head."""
    return {"number": number, "tree_head_hash": sha256(tree_head_store.read(f"tree-heads/{number}.json")).hexdigest()}


def test_export_with_expired_chain_heads_reports_no_manipulation(
    table: Table, tree_head_store: FakeTreeHeadStore, stack: DeployedStack
) -> None:
    for _ in range(2):
        suspend_and_resume()
        publish_entries(table)
        sign_audit_log()
    first = f"leaves/{tree_head_store.tree_heads()[0]['root']}.json"
    tree_head_store.make_older(first, days_ago=36)
    add_delete_marker(tree_head_store, first)

    assert [each.tree_head.number for each in export_log(stack, table).tree_heads] == [2, 1]


def test_export_with_replaced_tree_head_raises_altered(
    table: Table, tree_head_store: FakeTreeHeadStore, stack: DeployedStack
) -> None:
    for _ in range(3):
        suspend_and_resume()
        publish_entries(table)
        sign_audit_log()
    third = tree_head_store.read("tree-heads/3.json")
    tree_head_store.delete_versions("tree-heads/2.json")
    tree_head_store.storage.put_object(Bucket=tree_head_store.bucket, Key="tree-heads/2.json", Body=third)

    with pytest.raises(AuditLogAltered, match="Signed tree head 2 is not signed by the key"):
        audit_log.export_account(stack, table.name, CLIENT)


@pytest.mark.parametrize(("manipulate", "messages"), [
    (lambda _: None, []),
    (lambda store: store.delete_versions("tree-heads/1.json"), []),
    (lambda store: store.delete_versions("tree-heads/2.json"), ["Missing in {}: signed tree head 2."]),
    (lambda store: [store.delete_versions(f"tree-heads/{number}.json") for number in (2, 3)], ["Missing in {}: 2 signed tree heads, from 2 to 3."]),
    (lambda store: replace_tree_head(store, 2, store.read("tree-heads/3.json")), ["Signed tree head 2 is not signed by the key.",
     "Signed tree head 3 does not follow 2."]),
    (lambda store: replace_tree_head(store, 3, signed_after_other(store, 3)), ["Signed tree head 3 does not follow 2.",
     "Signed tree head 4 does not follow 3."]),
    (lambda store: replace_tree_head(store, 1, signed_after_other(store, 1)), ["Signed tree head 1 does not follow 0.",
     "Signed tree head 2 does not follow 1."]),
])  # fmt: skip
def test_tree_head_list_with_gap_or_replacement_reports_each(
    table: Table,
    tree_head_store: FakeTreeHeadStore,
    stack: DeployedStack,
    manipulate: Callable[[FakeTreeHeadStore], object],
    messages: list[str],
) -> None:
    for _ in range(4):
        suspend_and_resume()
        publish_entries(table)
        sign_audit_log()

    manipulate(tree_head_store)

    found = read_tree_heads(tree_head_store.storage, tree_head_store.bucket, tree_head_store.pem)
    assert list(found.defects()) == [sentence.format(tree_head_store.bucket) for sentence in messages]
    assert found.newest == 4


def replace_tree_head(tree_head_store: FakeTreeHeadStore, number: int, written: bytes) -> None:
    """Replace a signed tree head, as is possible after its lock has expired."""
    tree_head_store.delete_versions(f"tree-heads/{number}.json")
    tree_head_store.storage.put_object(Bucket=tree_head_store.bucket, Key=f"tree-heads/{number}.json", Body=written)


def signed_after_other(store: FakeTreeHeadStore, number: int) -> bytes:
    """Return a tree head with this number, signed with the key after a different predecessor."""
    tree_head = json.loads(store.read(f"tree-heads/{number}.json"))
    del tree_head["signature"]
    return production_store.sign(TreeHead(**{**tree_head, "previous": "ab" * 32})).to_stored_json()


def test_tree_head_list_of_empty_bucket_reports_nothing(tree_head_store: FakeTreeHeadStore) -> None:
    found = read_tree_heads(tree_head_store.storage, tree_head_store.bucket, tree_head_store.pem)

    assert (found.newest, list(found.defects()), list(found.manipulations(0))) == (0, [], [])


def test_export_of_unknown_account_raises_stack_unavailable(table: Table, stack: DeployedStack) -> None:
    with pytest.raises(StackUnavailable, match="There is no audit log of client-nobody"):
        audit_log.export_account(stack, table.name, "client-nobody")


@pytest.mark.parametrize(("tamper", "message"), [
    (lambda table, items: table.change(entry_key(items[1]), actor_id="user-other"), "Entry 2, {}, was altered."),
    (lambda table, items: table.change(entry_key(items[1]), at=items[1]["at"] + 1), "Entry 2, {}, was altered."),
    (lambda table, items: table.change(entry_key(items[1]), details={"user_id": EMPLOYEE, "days": Decimal("1.5")}),
     "Entry 2, {}, was altered."),
    (lambda table, items: table.change(entry_key(items[1]), event=None), "Entry 2, {}, was altered: it cannot be read."),
    (lambda table, items: table.remove(entry_key(items[1])), "Entry 2 was removed"),
    (lambda table, items: (table.remove(entry_key(items[3])), table.remove(chain_key(items[3]))),
     "The log ends after entry 3: tree head 1 covers 4."),
    (lambda table, items: table.change(chain_key(items[1]), place=3), "Entry 2"),
])  # fmt: skip
def test_verify_after_change_of_table_raises_altered(
    table: Table, stack: DeployedStack, tamper: Callable[[Table, list[Item]], object], message: str
) -> None:
    suspend_and_resume(2)
    publish_entries(table)
    sign_audit_log()
    items = audit_items(table)

    tamper(table, items)

    with pytest.raises(AuditLogAltered) as broken:
        verify(audit_log.export_account(stack, table.name, CLIENT).export.to_bytes())
    assert str(broken.value).startswith(message.format(items[1]["sk"]))


def entry_key(item: Item) -> keys.Key:
    return keys.Key(item["pk"], item["sk"])


def chain_key(item: Item) -> keys.Key:
    return keys.chain_entry(CLIENT, item["sk"])


def test_verify_rewritten_and_signed_chain_raises_altered(table: Table, stack: DeployedStack) -> None:
    for _ in range(3):
        suspend_and_resume()
        publish_entries(table)
        sign_audit_log()
    entries = [entry_of(item) for item in audit_items(table)]
    forged = [entries[0].model_copy(update={"actor_id": "user-other"}), *entries[1:]]
    _rewrite_chain(table, forged)
    sign_audit_log()

    found = export_log(stack, table)

    assert [each.tree_head.number for each in found.tree_heads] == [4, 3, 2]
    with pytest.raises(AuditLogAltered, match=r"The chain was rewritten: entry 1, aud_\w+, or one after it up to 4"):
        verify(found.to_bytes())


def _rewrite_chain(table: Table, entries: list[AuditEntry]) -> None:
    """Rewrite the chain, as an attacker with write access to the table and knowledge of the code can."""
    for item in (
        *table.items_with_prefix(f"CHAIN#{CLIENT}"),
        *(each for each in table.items_with_prefix("CHAIN_HEAD#") if CLIENT in each["sk"]),
    ):
        table.remove(keys.Key(item["pk"], item["sk"]))
    for entry in entries:
        table.put(keys.audit(CLIENT, entry.audit_id), dict(entry))
    hash_chain.append([(CLIENT, entry) for entry in entries])


def test_export_after_erasure_is_verified_and_contains_no_personal_data(
    table: Table, tree_head_store: FakeTreeHeadStore, stack: DeployedStack
) -> None:
    suspend_and_resume()
    publish_entries(table)
    sign_audit_log()
    before = export_log(stack, table)
    user = table.get(keys.user(EMPLOYEE))
    assert user
    email, name = str(user["email"]), str(user["name"])

    erased = gateway.call_as_vendor("POST /directory/users/{user_id}/erasure", user_id=EMPLOYEE)
    assert erased.status in {200, 202, 204}
    publish_entries(table)
    sign_audit_log()

    found = export_log(stack, table)
    assert verify(found.to_bytes(), tree_head_store.pem) == found
    assert found.links[: len(before.links)] == before.links
    for account_id in (CLIENT, PARTNER, "@directory"):
        written = export_log(stack, table, account_id).to_bytes().decode()
        assert email not in written
        assert name not in written
    response = gateway.call("GET /accounts/{account_id}/audit", APPROVER, account_id=CLIENT)
    assert response.status == 200
    assert EMPLOYEE in response.text
    assert name not in response.text


def test_repair_after_lost_records_chains_old_entries_only(table: Table, stack: DeployedStack) -> None:
    suspend_and_resume()
    publish_entries(table)
    suspend_and_resume()
    assert audit_log.export_account(stack, table.name, CLIENT).pending == 2

    assert audit_log.repair(stack, table.name, datetime.now(UTC)) == 0, "it may still come"
    assert audit_log.repair(stack, table.name, AFTER_DELIVERY) == 4
    assert audit_log.repair(stack, table.name, AFTER_DELIVERY) == 0

    assert events(export_log(stack, table)) == ["member.suspended", "member.resumed"] * 2
    assert len(export_log(stack, table, PARTNER).links) == 4


def test_repair_with_unreadable_entry_raises_stack_unavailable(table: Table, stack: DeployedStack) -> None:
    suspend_and_resume()
    (first, _) = audit_items(table)
    table.change(entry_key(first), audit_id=None)

    with pytest.raises(
        StackUnavailable, match="The function that publishes audit events failed: 1 validation error for AuditEntry"
    ):
        audit_log.repair(stack, table.name, AFTER_DELIVERY)


def store_failed_batch(
    tree_head_store: FakeTreeHeadStore, name: str, items: list[Item], function: str = "publish-audit-events"
) -> None:
    """Store a batch in the format of Lambda's documentation of S3 destinations."""
    document = {
        "requestContext": {
            "requestId": "c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5",
            "functionArn": f"arn:aws:lambda:eu-west-1:123456789012:function:{function}:$LATEST",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2019-11-14T00:13:49.717Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000001573689847184-864758bb",
            "startSequenceNumber": "800000000003126276362",
            "endSequenceNumber": "800000000003126276362",
            "approximateArrivalOfFirstRecord": "2019-11-14T00:13:19Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:13:19Z",
            "batchSize": len(items),
            "streamArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/mytable/stream/2019-11-14T00:04:06.388",
        },
        "payload": json.dumps(stream_event_of(items)),
    }
    tree_head_store.storage.put_object(
        Bucket=f"{tree_head_store.bucket}-failed-records", Key=name, Body=json.dumps(document).encode()
    )


@pytest.fixture
def failed_records(tree_head_store: FakeTreeHeadStore) -> Iterator[Callable[[], list[str]]]:
    """A function that returns the object names in the bucket of failed records."""
    bucket = f"{tree_head_store.bucket}-failed-records"
    tree_head_store.storage.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def names() -> list[str]:
        return [each["Key"] for each in tree_head_store.storage.list_objects_v2(Bucket=bucket).get("Contents", ())]

    yield names
    for name in names():
        tree_head_store.storage.delete_object(Bucket=bucket, Key=name)


@pytest.fixture
def published() -> Iterator[list[Any]]:
    """The list of events that are published."""
    found: list[Any] = []

    def note(params: Any, **_: Any) -> None:
        found.extend(params["Entries"])

    events = event_bus.client().meta.events
    events.register("provide-client-params.events.PutEvents", note)
    yield found
    events.unregister("provide-client-params.events.PutEvents", note)


def test_replay_processes_failed_records_and_deletes_successful_batches(
    table: Table,
    tree_head_store: FakeTreeHeadStore,
    stack: DeployedStack,
    failed_records: Callable[[], list[str]],
    published: list[Any],
) -> None:
    suspend_and_resume(2)
    first, second, third, last = audit_items(table)
    store_failed_batch(tree_head_store, "aws/lambda/1/a/1", [first, second])
    store_failed_batch(tree_head_store, "aws/lambda/1/a/2", [second, third])
    store_failed_batch(tree_head_store, "aws/lambda/1/b/3", [{**last, "audit_id": 7}])
    store_failed_batch(tree_head_store, "aws/lambda/2/a/4", [last], function="send-emails")
    publish_audit_events([first])
    published.clear()

    brought = [(batch.name, failure == "") for batch, failure in audit_log.replay(stack)]

    assert brought == [("aws/lambda/1/a/1", True), ("aws/lambda/1/a/2", True), ("aws/lambda/1/b/3", False)]
    assert failed_records() == ["aws/lambda/1/b/3", "aws/lambda/2/a/4"]
    exported_now = audit_log.export_account(stack, table.name, CLIENT)
    assert [link.entry.audit_id for link in exported_now.export.links] == [
        item["sk"] for item in (first, second, third)
    ]
    assert len(published) == 4


def test_replay_of_stack_without_failed_records_bucket_raises_stack_unavailable() -> None:
    nameless = DeployedStack(
        "here", fake_aws.fake_clients({"cloudformation.ListStackResources": lambda _: {"StackResourceSummaries": []}})
    )

    with pytest.raises(StackUnavailable, match="The stack here has no FailedRecords"):
        list(audit_log.replay(nameless))


# Command-line interface


@pytest.fixture
def operator_stack(
    stack: DeployedStack, tree_head_store: FakeTreeHeadStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("key.pem").write_text(tree_head_store.pem)
    monkeypatch.setattr(operate, "stack_on_aws", lambda *_: stack)


def run_audit_log(*arguments: str) -> Result:
    return CliRunner().invoke(operate.app, ["audit-log", *arguments], env={"COLUMNS": "200", "STACK": ""})


def verify_export(*options: str) -> Result:
    return run_audit_log("verify", "audit-log.jsonl", "--key", "key.pem", *options)


def test_audit_log_command_exports_verifies_and_proves(
    table: Table, tree_head_store: FakeTreeHeadStore, operator_stack: None
) -> None:
    suspend_and_resume()
    publish_entries(table)
    sign_audit_log()
    suspend_and_resume()

    wrote = run_audit_log("export", CLIENT, "--stack", "here")
    assert (wrote.exit_code, wrote.output.splitlines()) == (0, [
        "2 entries, 2 of them signed, in audit-log.jsonl.",
        "2 more are not in the chain yet. Export again soon. If they stay, run `audit-log mend`.",
    ])  # fmt: skip
    key = run_audit_log("key", "--stack", "here")
    assert (key.exit_code, key.output) == (0, tree_head_store.pem)

    result = verify_export()
    assert result.exit_code == 0
    (first, second, third) = result.output.splitlines()
    assert first == f"✓ 2 entries of {CLIENT} are unaltered, complete and in order."
    assert second.startswith("✓ Tree head 1 of 20")
    assert second.endswith("covers 2 of 2.")
    assert third == "? No older tree head: this file cannot show whether the chain was rewritten before."
    assert verify_export("--tree-head", "1").exit_code == 0
    assert verify_export("--tree-head", "2").exit_code == 1

    audit_id = verify(Path("audit-log.jsonl").read_bytes()).links[0].entry.audit_id
    assert run_audit_log("prove", "audit-log.jsonl", audit_id).exit_code == 0
    assert json.loads(Path("proof.json").read_bytes())["entry"]["audit_id"] == audit_id
    rejected = run_audit_log("prove", "audit-log.jsonl", "aud_none")
    assert (rejected.exit_code, rejected.output) == (1, "aud_none is not in this audit log.\n")

    Path("audit-log.jsonl").write_bytes(
        Path("audit-log.jsonl").read_bytes().replace(b"member.resumed", b"member.removed")
    )
    caught = verify_export()
    assert caught.exit_code == 1
    assert caught.output.startswith("Entry 2, aud_")
    assert caught.output.endswith("was altered.\n")


def test_audit_log_verify_of_forged_file_without_trusted_key_exits_with_2(table: Table, operator_stack: None) -> None:
    vendor_key = ec.generate_private_key(ec.SECP256R1()).public_key()
    Path("vendor.pem").write_bytes(vendor_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    suspend_and_resume()
    publish_entries(table)
    sign_audit_log()
    run_audit_log("export", CLIENT, "--stack", "here")

    for options in ((), ("--tree-head", "1")):
        unproved = run_audit_log("verify", "audit-log.jsonl", *options)
        assert unproved.exit_code == 2
        assert unproved.output.splitlines()[-1].startswith("✗ The key comes from the file itself")
    rejected = run_audit_log("verify", "audit-log.jsonl", "--key", "vendor.pem")
    assert rejected.exit_code == 1
    assert rejected.output == "The file names a different key than the one that you passed.\n"


def test_audit_log_commands_of_document_succeed(
    table: Table, tree_head_store: FakeTreeHeadStore, operator_stack: None
) -> None:
    suspend_and_resume()
    publish_entries(table)
    sign_audit_log()
    audit_id = str(audit_items(table)[0]["sk"])
    document = (ROOT / "docs/integration/audit-log.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ \.venv/bin/python -m tools\.operate audit-log (.*)$", document, re.MULTILINE)

    assert [command.split()[0] for command in commands] == ["key", "export", "verify", "prove"]
    for command in commands:
        command_line, _, into = command.replace("aud_…", audit_id).partition(" > ")
        ran = run_audit_log(*command_line.split())
        assert ran.exit_code == 0, ran.output
        if into:
            Path(into).write_text(ran.output)
    Path("tree-head.json").write_text(json.dumps(tree_head_store.tree_heads()[-1]))
    (check,) = re.findall(r"^\$ python (docs/check_inclusion\.py) (.*)$", document, re.MULTILINE)
    subprocess.run([sys.executable, str(ROOT / check[0]), *check[1].split()], check=True)


@pytest.mark.parametrize("document", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.stem)
def test_audit_log_commands_and_options_in_text_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    known = {each.name for each in operate.audit_log_app.registered_commands}
    options = set(re.findall(r"--[a-z-]+", (ROOT / "tools/operate/__main__.py").read_text(encoding="utf-8")))

    assert {first for first, _ in re.findall(r"`([a-z-]+) (mend|replay)`", text)} <= {"audit-log"}
    assert set(re.findall(r"`audit-log ([a-z]+)", text)) <= known
    assert set(re.findall(r"as `(--[a-z-]+)`", text)) <= options


def test_audit_log_verify_without_tree_head_exits_with_2(table: Table, operator_stack: None) -> None:
    suspend_and_resume()
    publish_entries(table)
    assert (
        run_audit_log("export", CLIENT, "--stack", "here").output
        == "2 entries, 0 of them signed, in audit-log.jsonl.\n"
    )

    verified = verify_export()

    assert verified.exit_code == 2
    assert "? Not signed yet: 2 of 2, from entry 1, aud_" in verified.output
    assert "✗ Chained but not signed" in verified.output.splitlines()[-1]


def test_audit_log_verify_prints_entries_of_newest_and_oldest_tree_head(table: Table, operator_stack: None) -> None:
    for _ in range(2):
        suspend_and_resume()
        publish_entries(table)
        sign_audit_log()
    suspend_and_resume()
    publish_entries(table)
    run_audit_log("export", CLIENT, "--stack", "here")

    verified = verify_export()

    (_, newest, oldest, unsigned) = verified.output.splitlines()
    assert verified.exit_code == 0, "the last seconds wait for their tree head"
    assert re.fullmatch(r"✓ Tree head 2 of \S+ covers 4 of 6\.", newest)
    assert re.fullmatch(r"✓ Older tree heads agree, back to 1 of \S+, which covers 2\.", oldest)
    assert re.fullmatch(r"\? Not signed yet: 2 of 6, from entry 5, aud_\w+ of \S+, on\.", unsigned)


def test_audit_log_export_with_hidden_tree_head_exits_with_2(
    table: Table, tree_head_store: FakeTreeHeadStore, operator_stack: None
) -> None:
    suspend_and_resume()
    publish_entries(table)
    sign_audit_log()
    add_delete_marker(tree_head_store, "tree-heads/1.json")

    wrote = run_audit_log("export", CLIENT, "--stack", "here")

    assert wrote.exit_code == 2
    assert "✗ Hidden in" in wrote.output
    assert verify_export().exit_code == 0


def test_audit_log_replay_prints_processed_and_failed_batches(
    table: Table, tree_head_store: FakeTreeHeadStore, operator_stack: None, failed_records: Callable[[], list[str]]
) -> None:
    suspend_and_resume()
    store_failed_batch(tree_head_store, "good", audit_items(table))
    store_failed_batch(tree_head_store, "bad", [{**audit_items(table)[0], "audit_id": 7}])

    (first, second) = (run_audit_log("replay", "--stack", "here") for _ in range(2))

    assert (first.exit_code, second.exit_code, failed_records()) == (1, 1, ["bad"])
    assert first.output.splitlines()[-1] == "2 entries were replayed."
    assert first.output.startswith("✗ bad failed again: ")
    assert second.output.splitlines()[-1] == "Nothing was replayed."


def test_audit_log_mend_prints_number_of_added_entries(table: Table, operator_stack: None) -> None:
    suspend_and_resume()
    for item in table.items_with_prefix("AUDIT#"):
        table.change(entry_key(item), at=item["at"] - 3600)

    assert run_audit_log("mend", "--stack", "here").output.endswith("\n4 entries were added to a hash chain.\n")
    assert run_audit_log("mend", "--stack", "here").output == "Every entry is in its hash chain.\n"
