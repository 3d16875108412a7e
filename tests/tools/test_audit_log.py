"""The trail of a stack, from the doors to the verdict: exported, verified, tampered with, erased from, mended."""

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
from typer.testing import CliRunner, Result

from partner_access import event_bus, tree_head_store
from partner_access.domain.audit.tree_heads import Statement
from partner_access.domain.records import AuditEntry
from partner_access.store import keys
from partner_access.store.audit import hash_chain
from partner_access.store.audit.audit_log import entry_of
from tests.support import gateway
from tests.support.background_functions import FOLLOW_TRAIL, SEAL_TRAIL, new_entries, publish_audit_events, run
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, PARTNER, a_partner_admin
from tests.support.fake_tree_head_store import Vault, vault
from tests.support.membership_facts import resume, suspend
from tests.support.seeded_table import a_world
from tests.support.table import Item, Table
from tests.tools import aws
from tools.operate import __main__ as operate
from tools.operate import audit_log
from tools.operate.audit_export import Broken, Evidence, verified
from tools.operate.stack import NoSite, Site
from tools.operate.tree_head_list import row
from tools.template import ROOT

AFTER = datetime.now(UTC) + timedelta(hours=1)
"""When the stream has had its time."""


@pytest.fixture
def kept(table: Table) -> Iterator[Vault]:
    a_world(table, a_partner_admin())
    for item in table.under("AUDIT#"):
        table.remove(keys.Key(item["pk"], item["sk"]))
    with vault() as found:
        yield found


@pytest.fixture
def site(table: Table, kept: Vault) -> Site:
    """A stack whose table, storage and key are those in memory; its function is the one that is tested."""

    def called(asked: aws.Asked) -> Any:
        try:
            run(FOLLOW_TRAIL, json.loads(asked["Payload"]))
        except ValueError as failed:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(repr(failed).encode())}
        return {"StatusCode": 200, "Payload": io.BytesIO(b"null")}

    outputs = {"TreeHeadsBucket": kept.bucket, "TreeHeadSigningKeyArn": kept.key_id, "TableName": table.name}
    described = {"Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]}
    resources = [
        {"LogicalResourceId": name, "PhysicalResourceId": physical_id, "ResourceType": kind}
        for name, physical_id, kind in (
            ("PublishAuditEventsFunction", "follow-trail", "AWS::Lambda::Function"),
            ("FailedRecords", f"{kept.bucket}-failed-records", "AWS::S3::Bucket"),
        )
    ]
    answers = aws.clients(
        {
            "cloudformation.DescribeStacks": lambda _: {"Stacks": [described]},
            "cloudformation.ListStackResources": lambda _: {"StackResourceSummaries": resources},
            "lambda.Invoke": called,
        }
    )
    in_memory = {"dynamodb": table.client, "kms": kept.signer, "s3": kept.storage}
    return Site("here", lambda name: in_memory.get(name) or answers(name))


def happens(times: int = 1) -> None:
    """Two acts that concern the client and the partner, as often."""
    for _ in range(times):
        assert suspend().status == 200
        assert resume().status == 200


def is_followed(table: Table) -> None:
    """The stream has brought everything."""
    publish_audit_events(sorted(table.under("AUDIT#"), key=lambda item: str(item["sk"])))


def is_sealed() -> None:
    assert run(SEAL_TRAIL, {}) is None


def exported(site: Site, table: Table, account_id: str = CLIENT) -> Evidence:
    exported = audit_log.export(site, table.name, account_id)
    assert (exported.waiting, exported.wrong) == (0, ())
    return exported.found


def events(found: Evidence) -> list[str]:
    return [link.entry.event for link in found.links]


def told(table: Table, account_id: str = CLIENT) -> list[Item]:
    return table.under(f"AUDIT#{account_id}")


def test_what_happened_is_exported_sealed_and_verified(table: Table, kept: Vault, site: Site) -> None:
    happens()
    is_followed(table)
    is_sealed()
    happens()
    is_followed(table)

    found = exported(site, table)

    assert verified(found.written(), kept.pem) == found
    assert events(found) == ["member.suspended", "member.resumed"] * 2
    assert (found.sealed, len(found.unsealed), len(found.seals)) == (2, 2, 1)
    assert exported(site, table, PARTNER).sealed == 2


def test_older_seals_go_along_each_twice_as_far_back(table: Table, site: Site) -> None:
    for _ in range(10):
        happens()
        is_followed(table)
        is_sealed()

    found = exported(site, table)

    assert [each.seal.number for each in found.seals] == [10, 9, 8, 6, 2]
    assert [each.leaf.entries for each in found.seals] == [20, 18, 16, 12, 4]
    assert verified(found.written()) == found


def test_seals_whose_heads_are_forgotten_stay_behind(table: Table, kept: Vault, site: Site) -> None:
    for _ in range(4):
        happens()
        is_followed(table)
        is_sealed()
    second = next(seal for seal in kept.seals() if seal["number"] == 2)
    kept.forget(f"leaves/{second['root']}.json")

    assert [each.seal.number for each in exported(site, table).seals] == [4, 3]


def test_a_chain_that_a_seal_has_lost_is_looked_for_in_older_ones(table: Table, site: Site) -> None:
    for account_id in (PARTNER, CLIENT):
        happens()
        is_followed(table)
        is_sealed()
        table.remove(keys.head(account_id))
    is_sealed()

    with pytest.raises(Broken) as found:
        exported(site, table)
    assert str(found.value) == f"Seal 3 has no chain of {CLIENT}, and seal 2, which is older, has one."


def test_an_account_that_no_seal_has_is_only_chained(table: Table, kept: Vault, site: Site) -> None:
    happens()
    publish_audit_events(told(table))
    is_sealed()
    publish_audit_events(told(table, PARTNER))

    found = exported(site, table, PARTNER)

    assert (found.seals, len(found.links)) == ((), 2)
    assert verified(found.written()) == found


def test_a_latest_seal_that_is_gone_is_no_export(table: Table, kept: Vault, site: Site) -> None:
    happens()
    is_followed(table)
    is_sealed()
    kept.forget("tree-heads/1.json")

    with pytest.raises(NoSite, match="Seal 1 is the latest, and it is not in"):
        audit_log.export(site, table.name, CLIENT)


def lays_over(kept: Vault, name: str) -> Any:
    """As somebody can who administers the storage."""
    return kept.storage.delete_object(Bucket=kept.bucket, Key=name)


@pytest.mark.parametrize(("done", "said"), [
    (lambda table, kept: [lays_over(kept, "tree-heads/3.json"), table.change(keys.latest_seal(), **noted(kept, 2))],
     ["Hidden in {}, by a delete marker or a later version: seal 3. Ask who did it."]),
    (lambda table, kept: [lays_over(kept, f"tree-heads/{number}.json") for number in (1, 2)],
     ["Hidden in {}, by a delete marker or a later version: 2 seals, from 1 to 2. Ask who did it."]),
    (lambda _, kept: kept.storage.put_object(Bucket=kept.bucket, Key="tree-heads/2.json", Body=b"{}"),
     ["Hidden in {}, by a delete marker or a later version: seal 2. Ask who did it."]),
    (lambda _, kept: kept.storage.put_object(Bucket=kept.bucket, Key="tree-heads/99.json", Body=kept.read("tree-heads/3.json")),
     ["Not signed by the key, and yet kept in {}: seal 99. Ask who did it."]),
    (lambda table, _: table.remove(keys.latest_seal()),
     ["The table says that seal 0 is the latest, and {} has seal 3."]),
    (lambda _, kept: lays_over(kept, f"leaves/{kept.seals()[1]['root']}.json"),
     ["Hidden in {}, by a delete marker: the leaves of seal 2. Ask who did it."]),
])  # fmt: skip
def test_whoever_hides_seals_hides_them_from_no_export(
    table: Table, kept: Vault, site: Site, done: Callable[[Table, Vault], object], said: list[str]
) -> None:
    for _ in range(3):
        happens()
        is_followed(table)
        is_sealed()
    before = exported(site, table)

    done(table, kept)

    after = audit_log.export(site, table.name, CLIENT)
    assert after.found == before
    assert list(after.wrong) == [sentence.format(kept.bucket) for sentence in said]


def noted(kept: Vault, number: int) -> dict[str, Any]:
    """What the table said of this seal."""
    return {"number": number, "tree_head_hash": sha256(kept.read(f"tree-heads/{number}.json")).hexdigest()}


def test_what_was_sealed_a_while_ago_is_forgotten_by_a_delete_marker_of_the_storage_itself(
    table: Table, kept: Vault, site: Site
) -> None:
    for _ in range(2):
        happens()
        is_followed(table)
        is_sealed()
    first = f"leaves/{kept.seals()[0]['root']}.json"
    kept.was_written(first, days_ago=36)
    lays_over(kept, first)

    assert [each.seal.number for each in exported(site, table).seals] == [2, 1]


def test_a_seal_between_others_that_no_key_signed_is_no_export(table: Table, kept: Vault, site: Site) -> None:
    for _ in range(3):
        happens()
        is_followed(table)
        is_sealed()
    third = kept.read("tree-heads/3.json")
    kept.forget("tree-heads/2.json")
    kept.storage.put_object(Bucket=kept.bucket, Key="tree-heads/2.json", Body=third)

    with pytest.raises(Broken, match="Seal 2 is not signed by the key"):
        audit_log.export(site, table.name, CLIENT)


@pytest.mark.parametrize(("done", "said"), [
    (lambda _: None, []),
    (lambda kept: kept.forget("tree-heads/1.json"), []),
    (lambda kept: kept.forget("tree-heads/2.json"), ["Missing in {}: seal 2."]),
    (lambda kept: [kept.forget(f"tree-heads/{number}.json") for number in (2, 3)], ["Missing in {}: 2 seals, from 2 to 3."]),
    (lambda kept: replaces(kept, 2, kept.read("tree-heads/3.json")), ["Seal 2 is not signed by the key.",
     "Seal 3 does not follow seal 2."]),
    (lambda kept: replaces(kept, 3, of_another_row(kept, 3)), ["Seal 3 does not follow seal 2.",
     "Seal 4 does not follow seal 3."]),
    (lambda kept: replaces(kept, 1, of_another_row(kept, 1)), ["Seal 1 does not follow seal 0.",
     "Seal 2 does not follow seal 1."]),
])  # fmt: skip
def test_the_row_of_seals_is_looked_at_as_a_whole(
    table: Table, kept: Vault, site: Site, done: Callable[[Vault], object], said: list[str]
) -> None:
    for _ in range(4):
        happens()
        is_followed(table)
        is_sealed()

    done(kept)

    found = row(kept.storage, kept.bucket, kept.pem)
    assert list(found.broken()) == [sentence.format(kept.bucket) for sentence in said]
    assert found.newest == 4


def replaces(kept: Vault, number: int, written: bytes) -> None:
    """Where no lock is any more."""
    kept.forget(f"tree-heads/{number}.json")
    kept.storage.put_object(Bucket=kept.bucket, Key=f"tree-heads/{number}.json", Body=written)


def of_another_row(kept: Vault, number: int) -> bytes:
    """A seal of this number that the key signed after another seal."""
    seal = json.loads(kept.read(f"tree-heads/{number}.json"))
    del seal["signature"]
    return tree_head_store.sign(Statement(**{**seal, "previous": "ab" * 32})).written()


def test_a_bucket_without_seals_has_no_row_that_is_broken(kept: Vault) -> None:
    found = row(kept.storage, kept.bucket, kept.pem)

    assert (found.newest, list(found.broken()), list(found.wrong(0))) == (0, [], [])


def test_nobody_has_no_trail(table: Table, site: Site) -> None:
    with pytest.raises(NoSite, match="There is no trail of client-nobody"):
        audit_log.export(site, table.name, "client-nobody")


@pytest.mark.parametrize(("tamper", "said"), [
    (lambda table, items: table.change(place_of(items[1]), actor_id="user-other"), "Entry 2, {}, was altered."),
    (lambda table, items: table.change(place_of(items[1]), at=items[1]["at"] + 1), "Entry 2, {}, was altered."),
    (lambda table, items: table.change(place_of(items[1]), details={"user_id": EMPLOYEE, "days": Decimal("1.5")}),
     "Entry 2, {}, was altered."),
    (lambda table, items: table.change(place_of(items[1]), event=None), "Entry 2, {}, was altered: it cannot be read."),
    (lambda table, items: table.remove(place_of(items[1])), "Entry 2 was removed"),
    (lambda table, items: (table.remove(place_of(items[3])), table.remove(link_of(items[3]))),
     "The trail was cut off after entry 3: seal 1 covers 4."),
    (lambda table, items: table.change(link_of(items[1]), place=3), "Entry 2"),
])  # fmt: skip
def test_whoever_changes_the_table_is_found(
    table: Table, site: Site, tamper: Callable[[Table, list[Item]], object], said: str
) -> None:
    happens(2)
    is_followed(table)
    is_sealed()
    items = told(table)

    tamper(table, items)

    with pytest.raises(Broken) as broken:
        verified(audit_log.export(site, table.name, CLIENT).found.written())
    assert str(broken.value).startswith(said.format(items[1]["sk"]))


def place_of(item: Item) -> keys.Key:
    return keys.Key(item["pk"], item["sk"])


def link_of(item: Item) -> keys.Key:
    return keys.chained(CLIENT, item["sk"])


def test_a_chain_that_somebody_made_anew_in_the_table_and_had_sealed_is_found(table: Table, site: Site) -> None:
    for _ in range(3):
        happens()
        is_followed(table)
        is_sealed()
    entries = [entry_of(item) for item in told(table)]
    forged = [entries[0].model_copy(update={"actor_id": "user-other"}), *entries[1:]]
    _make_anew(table, forged)
    is_sealed()

    found = exported(site, table)

    assert [each.seal.number for each in found.seals] == [4, 3, 2]
    with pytest.raises(Broken, match=r"The chain was rewritten: entry 1, aud_\w+, or one after it up to 4"):
        verified(found.written())


def _make_anew(table: Table, entries: list[AuditEntry]) -> None:
    """By somebody who may write to the table and knows the code."""
    for item in (
        *table.under(f"CHAIN#{CLIENT}"),
        *(each for each in table.under("CHAIN_HEAD#") if CLIENT in each["sk"]),
    ):
        table.remove(keys.Key(item["pk"], item["sk"]))
    for entry in entries:
        table.put(keys.audit(CLIENT, entry.audit_id), dict(entry))
    hash_chain.append([(CLIENT, entry) for entry in entries])


def test_an_erased_person_has_no_name_in_the_trail_and_the_trail_still_stands(
    table: Table, kept: Vault, site: Site
) -> None:
    happens()
    is_followed(table)
    is_sealed()
    before = exported(site, table)
    user = table.get(keys.user(EMPLOYEE))
    assert user
    email, name = str(user["email"]), str(user["name"])

    erased = gateway.tell("POST /directory/users/{user_id}/erasure", user_id=EMPLOYEE)
    assert erased.status in {200, 202, 204}
    is_followed(table)
    is_sealed()

    found = exported(site, table)
    assert verified(found.written(), kept.pem) == found
    assert found.links[: len(before.links)] == before.links
    for account_id in (CLIENT, PARTNER, "@directory"):
        written = exported(site, table, account_id).written().decode()
        assert email not in written
        assert name not in written
    shown = gateway.call("GET /accounts/{account_id}/audit", APPROVER, account_id=CLIENT)
    assert shown.status == 200
    assert EMPLOYEE in shown.text
    assert name not in shown.text


def test_what_the_stream_lost_is_brought_into_its_chain(table: Table, site: Site) -> None:
    happens()
    is_followed(table)
    happens()
    assert audit_log.export(site, table.name, CLIENT).waiting == 2

    assert audit_log.mend(site, table.name, datetime.now(UTC)) == 0, "it may still come"
    assert audit_log.mend(site, table.name, AFTER) == 4
    assert audit_log.mend(site, table.name, AFTER) == 0

    assert events(exported(site, table)) == ["member.suspended", "member.resumed"] * 2
    assert len(exported(site, table, PARTNER).links) == 4


def test_what_cannot_be_mended_is_said(table: Table, site: Site) -> None:
    happens()
    (first, _) = told(table)
    table.change(place_of(first), audit_id=None)

    with pytest.raises(NoSite, match="The function that follows the trail failed: 1 validation error for AuditEntry"):
        audit_log.mend(site, table.name, AFTER)


def gives_up(kept: Vault, name: str, items: list[Item], function: str = "follow-trail") -> None:
    """A batch as Lambda's documentation shows what goes to a destination in S3."""
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
        "payload": json.dumps(new_entries(items)),
    }
    kept.storage.put_object(Bucket=f"{kept.bucket}-failed-records", Key=name, Body=json.dumps(document).encode())


@pytest.fixture
def given_up(kept: Vault) -> Iterator[Callable[[], list[str]]]:
    """What lies in the bucket of failed records."""
    bucket = f"{kept.bucket}-failed-records"
    kept.storage.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def names() -> list[str]:
        return [each["Key"] for each in kept.storage.list_objects_v2(Bucket=bucket).get("Contents", ())]

    yield names
    for name in names():
        kept.storage.delete_object(Bucket=bucket, Key=name)


@pytest.fixture
def published() -> Iterator[list[Any]]:
    """What goes to the bus."""
    found: list[Any] = []

    def note(params: Any, **_: Any) -> None:
        found.extend(params["Entries"])

    events = event_bus.client().meta.events
    events.register("provide-client-params.events.PutEvents", note)
    yield found
    events.unregister("provide-client-params.events.PutEvents", note)


def test_what_the_stream_gave_up_is_brought_again_and_forgotten(
    table: Table, kept: Vault, site: Site, given_up: Callable[[], list[str]], published: list[Any]
) -> None:
    happens(2)
    first, second, third, last = told(table)
    gives_up(kept, "aws/lambda/1/a/1", [first, second])
    gives_up(kept, "aws/lambda/1/a/2", [second, third])
    gives_up(kept, "aws/lambda/1/b/3", [{**last, "audit_id": 7}])
    gives_up(kept, "aws/lambda/2/a/4", [last], function="send-letters")
    publish_audit_events([first])
    published.clear()

    brought = [(batch.name, failure == "") for batch, failure in audit_log.replay(site)]

    assert brought == [("aws/lambda/1/a/1", True), ("aws/lambda/1/a/2", True), ("aws/lambda/1/b/3", False)]
    assert given_up() == ["aws/lambda/1/b/3", "aws/lambda/2/a/4"]
    exported_now = audit_log.export(site, table.name, CLIENT)
    assert [link.entry.audit_id for link in exported_now.found.links] == [item["sk"] for item in (first, second, third)]
    assert len(published) == 4


def test_a_stack_without_a_bucket_of_given_up_records_has_nothing_to_bring() -> None:
    nameless = Site(
        "here", aws.clients({"cloudformation.ListStackResources": lambda _: {"StackResourceSummaries": []}})
    )

    with pytest.raises(NoSite, match="The stack here has no FailedRecords"):
        list(audit_log.replay(nameless))


# the command


@pytest.fixture
def here(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(operate, "the_site", lambda *_: site)


def operator(*asked: str) -> Result:
    return CliRunner().invoke(operate.app, ["audit-log", *asked], env={"COLUMNS": "200", "STACK": ""})


def test_the_operator_exports_verifies_and_proves(table: Table, kept: Vault, here: None) -> None:
    happens()
    is_followed(table)
    is_sealed()
    happens()

    wrote = operator("export", CLIENT, "--stack", "here")
    assert (wrote.exit_code, wrote.output.splitlines()) == (0, [
        "2 entries, 2 of them sealed, in audit-log.jsonl.",
        "2 more have no place in the chain yet. Export again soon; if they stay, `audit-log mend`.",
    ])  # fmt: skip
    key = operator("key", "--stack", "here")
    assert (key.exit_code, key.output) == (0, kept.pem)
    Path("key.pem").write_text(key.output)

    seen = operator("verify", "audit-log.jsonl", "--key", "key.pem")
    assert seen.exit_code == 0
    (first, second, third) = seen.output.splitlines()
    assert first == f"✓ 2 entries of {CLIENT} are as they were told, each after the one before."
    assert second.startswith("✓ Seal 1 of 20")
    assert second.endswith("covers 2 of 2.")
    assert third == "? No older seal goes along: whether the chain was made anew before, this file cannot tell."
    assert "The key is the one that the file names." in operator("verify", "audit-log.jsonl").output
    assert operator("verify", "audit-log.jsonl", "--tree-head", "1").exit_code == 0
    assert operator("verify", "audit-log.jsonl", "--tree-head", "2").exit_code == 1

    audit_id = verified(Path("audit-log.jsonl").read_bytes()).links[0].entry.audit_id
    assert operator("prove", "audit-log.jsonl", audit_id).exit_code == 0
    assert json.loads(Path("proof.json").read_bytes())["entry"]["audit_id"] == audit_id
    refused = operator("prove", "audit-log.jsonl", "aud_none")
    assert (refused.exit_code, refused.output) == (1, "aud_none is not in this trail.\n")

    Path("audit-log.jsonl").write_bytes(
        Path("audit-log.jsonl").read_bytes().replace(b"member.resumed", b"member.removed")
    )
    caught = operator("verify", "audit-log.jsonl")
    assert caught.exit_code == 1
    assert caught.output.startswith("Entry 2, aud_")
    assert caught.output.endswith("was altered.\n")


def test_the_commands_of_the_readme_do_what_it_says(table: Table, here: None) -> None:
    happens()
    is_followed(table)
    is_sealed()
    audit_id = str(told(table)[0]["sk"])
    shown = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ \.venv/bin/python -m tools\.operate audit-log (.*)$", shown, re.MULTILINE)

    assert [command.split()[0] for command in commands] == ["key", "export", "verify", "prove"]
    for command in commands:
        asked, _, into = command.replace("aud_…", audit_id).partition(" > ")
        ran = operator(*asked.split())
        assert ran.exit_code == 0, ran.output
        if into:
            Path(into).write_text(ran.output)
    (check,) = re.findall(r"^\$ python (docs/check_inclusion\.py) (.*)$", shown, re.MULTILINE)
    subprocess.run([sys.executable, str(ROOT / check[0]), check[1]], check=True)


def test_the_operator_is_told_what_is_not_sealed_yet(table: Table, here: None) -> None:
    happens()
    is_followed(table)
    assert operator("export", CLIENT, "--stack", "here").output == "2 entries, 0 of them sealed, in audit-log.jsonl.\n"

    seen = operator("verify", "audit-log.jsonl")

    assert seen.exit_code == 2
    assert "? Not yet sealed: 2 of 2, from entry 1, aud_" in seen.output
    assert "✗ Only chained, and not sealed" in seen.output.splitlines()[-1]


def test_the_operator_is_told_which_seal_covers_how_much(table: Table, here: None) -> None:
    for _ in range(2):
        happens()
        is_followed(table)
        is_sealed()
    happens()
    is_followed(table)
    operator("export", CLIENT, "--stack", "here")

    seen = operator("verify", "audit-log.jsonl")

    (_, newest, oldest, unsealed, _) = seen.output.splitlines()
    assert seen.exit_code == 0, "the last seconds wait for their seal"
    assert re.fullmatch(r"✓ Seal 2 of \S+ covers 4 of 6\.", newest)
    assert re.fullmatch(r"✓ Older seals go along, back to seal 1 of \S+, which covers 2\.", oldest)
    assert re.fullmatch(r"\? Not yet sealed: 2 of 6, from entry 5, aud_\w+ of \S+, on\.", unsealed)


def test_the_operator_is_told_of_whoever_hid_a_seal(table: Table, kept: Vault, here: None) -> None:
    happens()
    is_followed(table)
    is_sealed()
    lays_over(kept, "tree-heads/1.json")

    wrote = operator("export", CLIENT, "--stack", "here")

    assert wrote.exit_code == 2
    assert "✗ Hidden in" in wrote.output
    assert operator("verify", "audit-log.jsonl").exit_code == 0


def test_the_operator_brings_again_what_was_given_up(
    table: Table, kept: Vault, here: None, given_up: Callable[[], list[str]]
) -> None:
    happens()
    gives_up(kept, "good", told(table))
    gives_up(kept, "bad", [{**told(table)[0], "audit_id": 7}])

    (first, second) = (operator("replay", "--stack", "here") for _ in range(2))

    assert (first.exit_code, second.exit_code, given_up()) == (1, 1, ["bad"])
    assert first.output.splitlines()[-1] == "2 entries were brought again."
    assert first.output.startswith("✗ bad failed again: ")
    assert second.output.splitlines()[-1] == "Nothing was brought again."


def test_the_operator_mends(table: Table, here: None) -> None:
    happens()
    for item in table.under("AUDIT#"):
        table.change(place_of(item), at=item["at"] - 3600)

    assert operator("mend", "--stack", "here").output.endswith("\n4 entries were in no chain, and are now.\n")
    assert operator("mend", "--stack", "here").output == "Every entry is in its chain.\n"
