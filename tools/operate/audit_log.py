"""Export the audit log of a deployed stack with its proof, and chain the entries that the stream missed."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from partner_access.domain.audit import tree_heads
from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.store import keys
from partner_access.store.attribute_values import to_attribute_values
from partner_access.store.audit.audit_log import entry_of
from tools.operate.audit_export import AuditExport, build_export, public_key_pem
from tools.operate.export_lines import AuditLogAltered, ChainedEntry, TreeHeadProof
from tools.operate.failed_records import FailedBatch, failed_batches
from tools.operate.scan import Item, items_of, scan
from tools.operate.stack import DeployedStack, StackUnavailable, translate_errors
from tools.operate.tree_head_list import TreeHeadList, read_tree_heads

BATCH_SIZE: Final = 90
PUBLISHER: Final = "PublishAuditEventsFunction"
DELIVERY_TIME: Final = timedelta(minutes=5)
"""The age below which an entry may still be on its way through the stream."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """An account's audit log with its proof.

    `pending` is the number of entries without a position in the chain. `problems` lists signs of altered tree heads.
    """

    export: AuditExport
    pending: int
    problems: tuple[str, ...]


def export_account(stack: DeployedStack, table: str, account_id: str) -> ExportResult:
    """Export an account's audit log up to the newest signed tree head in the bucket, whatever the table records.

    The tree heads are read first, so that every entry that they cover is already in the table.
    """
    dynamodb, key = stack.client("dynamodb"), public_key(stack)
    latest_number = latest_in_table(dynamodb, table)
    tree_heads = read_tree_heads(stack.client("s3"), stack.output("TreeHeadsBucket"), key)
    if tree_heads.newest < latest_number:
        raise StackUnavailable(
            f"Tree head {latest_number} is the latest, but it is not in {tree_heads.bucket} with its leaves."
        )
    problems = list(tree_heads.manipulations(latest_in_table(dynamodb, table)))
    proofs = tuple(_tree_head_proofs(tree_heads, account_id, problems))
    positions = _partition(dynamodb, table, f"{keys.CHAIN}{account_id}")
    entries = _partition(dynamodb, table, f"{keys.AUDIT}{account_id}")
    if not entries and not positions:
        raise StackUnavailable(f"There is no audit log of {account_id}.")
    links = [
        _link(item, entries[name])
        for name, item in sorted(positions.items(), key=lambda named: int(named[1]["place"]))
        if name in entries
    ]
    audit_export = build_export(account_id, key, proofs, links)
    return ExportResult(audit_export, len(entries.keys() - positions.keys()), tuple(problems))


def public_key(stack: DeployedStack) -> str:
    """Return the public key (PEM) that verifies signed tree heads."""
    arn = stack.output("TreeHeadSigningKeyArn")
    with translate_errors("The public key of the tree heads cannot be read"):
        return public_key_pem(stack.client("kms").get_public_key(KeyId=arn)["PublicKey"])


def missing_entries(items: Iterable[Item], at: datetime, *, older_than: timedelta = DELIVERY_TIME) -> list[Item]:
    """Return the entries that are in no chain although the stream has had time to deliver them, oldest first."""
    items_by_key = {(item["pk"], item["sk"]): item for item in items if item["pk"].startswith((keys.AUDIT, keys.CHAIN))}
    return sorted(
        (
            item
            for (pk, sk), item in items_by_key.items()
            if pk.startswith(keys.AUDIT)
            and keys.chain_entry(pk.removeprefix(keys.AUDIT), sk) not in items_by_key
            and float(item["at"]) <= (at - older_than).timestamp()
        ),
        key=lambda item: str(item["sk"]),
    )


def repair(stack: DeployedStack, table: str, at: datetime) -> int:
    """Add missing entries to their chains with the function that publishes audit events. Return their number."""
    missing = missing_entries(scan(stack.client("dynamodb"), table, keys.AUDIT, keys.CHAIN), at)
    function = _physical_id(stack, PUBLISHER)
    for start in range(0, len(missing), BATCH_SIZE):
        if failure := _invoke_publisher(
            stack, function, [_record(item) for item in missing[start : start + BATCH_SIZE]]
        ):
            raise StackUnavailable(f"The function that publishes audit events failed: {failure}")
    return len(missing)


def replay(stack: DeployedStack) -> Iterator[tuple[FailedBatch, str]]:
    """Process again the records that the publishing function could not process for a day.

    Yield each batch with its error, which is empty on success. A successful batch is deleted from the bucket. Its
    records may have been chained or published before. Both are safe to repeat.
    """
    storage, bucket, function = stack.client("s3"), _physical_id(stack, "FailedRecords"), _physical_id(stack, PUBLISHER)
    for batch in failed_batches(storage, bucket):
        if batch.function != function:
            continue
        failure = _invoke_publisher(stack, function, batch.records)
        if not failure:
            with translate_errors(f"{batch.name} was replayed, but cannot be deleted from {bucket}"):
                storage.delete_object(Bucket=bucket, Key=batch.name)
        yield batch, failure


def _physical_id(stack: DeployedStack, name: str) -> str:
    """Return the physical id of a resource of the stack."""
    for each in stack.resources():
        if each.name == name:
            return each.physical_id
    raise StackUnavailable(f"The stack {stack.name} has no {name}.")


def _invoke_publisher(stack: DeployedStack, function: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Invoke the function with these records. Return its error, or an empty string on success."""
    with translate_errors("The function that publishes audit events cannot be called"):
        response = stack.client("lambda").invoke(
            FunctionName=function, Payload=json.dumps({"Records": records}).encode()
        )
    return str(response["Payload"].read().decode()) if "FunctionError" in response else ""


def _record(item: Item) -> Mapping[str, object]:
    """Return an entry in the form of a stream record."""
    return {
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": to_attribute_values({"pk": item["pk"], "sk": item["sk"]}),
            "NewImage": to_attribute_values(item),
        },
    }


def _partition(dynamodb: Any, table: str, name: str) -> dict[str, Item]:
    """Return the items of a partition by their sort key."""
    parameters = {
        "TableName": table,
        "ConsistentRead": True,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": name}},
    }
    with translate_errors(f"The table {table} cannot be read"):
        items = items_of(dynamodb.get_paginator("query").paginate(**parameters))
    return {str(item["sk"]): item for item in items}


def _link(position: Item, entry: Item) -> ChainedEntry:
    try:
        return ChainedEntry(chain_hash=position["chain_hash"], entry=entry_of(entry), position=int(position["place"]))
    except ValidationError as altered:
        raise AuditLogAltered(
            f"Entry {position['place']}, {position['sk']}, was altered: it cannot be read."
        ) from altered


def latest_in_table(dynamodb: Any, table: str) -> int:
    """Return the number of the latest signed tree head that the table records, or 0."""
    items_by_sort_key = _partition(dynamodb, table, keys.latest_tree_head().pk)
    return int(items_by_sort_key[keys.latest_tree_head().sk]["number"]) if items_by_sort_key else 0


def _tree_head_proofs(found_heads: TreeHeadList, account_id: str, problems: list[str]) -> Iterator[TreeHeadProof]:
    """Yield the newest signed tree head and some older ones, with doubling distances.

    Stop when the chain heads are no longer stored or do not contain the account.
    """
    newest = found_heads.newest
    first_without: int | None = None
    for number in _numbers(newest):
        tree_head = found_heads.tree_head(number)
        if not tree_head and number in found_heads.first_versions:
            raise AuditLogAltered(f"Signed tree head {number} is not signed by the key.")
        leaves, is_covered = found_heads.chain_heads(tree_head) if tree_head else (b"", False)
        if is_covered:
            problems.append(
                f"Hidden in {found_heads.bucket}, by a delete marker: the leaves of tree head {number}. Ask who did it."
            )
        if number == newest and not leaves:
            raise StackUnavailable(
                f"Tree head {number} is the latest, but it is not in {found_heads.bucket} with its leaves."
            )
        if not tree_head or not leaves:
            return
        heads = [ChainHead.model_validate(each) for each in json.loads(leaves)]
        position = next((nth for nth, head in enumerate(heads) if head.account_id == account_id), None)
        if position is None and first_without is None and number < newest:
            return
        if position is None:
            first_without = first_without or number
            continue
        if first_without:
            raise AuditLogAltered(
                f"Signed tree head {first_without} has no chain of {account_id}, but the older {number} has one."
            )
        yield TreeHeadProof(
            leaf=heads[position],
            path=tree_heads.inclusion_proof(tree_heads.leaf_hashes(heads), position),
            tree_head=tree_head,
        )


def _numbers(newest: int) -> Iterator[int]:
    if newest:
        yield newest
    back = 1
    while newest > back:
        yield newest - back
        back *= 2
