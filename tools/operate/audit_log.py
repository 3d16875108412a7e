"""The trail of a deployed stack: exported with its proof, and entries brought into their chains that the stream lost."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from partner_access.domain.audit import tree_heads
from partner_access.domain.audit.hash_chain import Head
from partner_access.store import keys
from partner_access.store.attribute_values import written
from partner_access.store.audit.audit_log import entry_of
from tools.operate.audit_export import Broken, Evidence, Link, Sealed, evidence, pem
from tools.operate.failed_records import Batch, given_up
from tools.operate.scan import Item, items_of, scan
from tools.operate.stack import NoSite, Site, explained
from tools.operate.tree_head_list import Row, row

AT_ONCE: Final = 90
FOLLOWER: Final = "PublishAuditEventsFunction"
ON_THE_WAY: Final = timedelta(minutes=5)
"""Younger entries are the stream's to bring."""


@dataclass(frozen=True, slots=True)
class Export:
    """The trail of an account with its proof; how many entries have no place yet; what somebody did to the seals."""

    found: Evidence
    waiting: int
    wrong: tuple[str, ...]


def export(site: Site, table: str, account_id: str) -> Export:
    """By the newest seal of the bucket, whatever the table says.

    The seals are read first, so that nothing they cover is missing because it came meanwhile.
    """
    dynamodb, key = site.client("dynamodb"), public_key(site)
    noted = latest(dynamodb, table)
    seals_there = row(site.client("s3"), site.output("TreeHeadsBucket"), key)
    if seals_there.newest < noted:
        raise NoSite(f"Seal {noted} is the latest, and it is not in {seals_there.bucket} with its leaves.")
    wrong = list(seals_there.wrong(latest(dynamodb, table)))
    sealed = tuple(_seals(seals_there, account_id, wrong))
    places = _partition(dynamodb, table, f"{keys.CHAIN}{account_id}")
    entries = _partition(dynamodb, table, f"{keys.AUDIT}{account_id}")
    if not entries and not places:
        raise NoSite(f"There is no trail of {account_id}.")
    links = [
        _link(item, entries[name])
        for name, item in sorted(places.items(), key=lambda named: int(named[1]["place"]))
        if name in entries
    ]
    found = evidence(account_id, key, sealed, links)
    return Export(found, len(entries.keys() - places.keys()), tuple(wrong))


def public_key(site: Site) -> str:
    """The key that seals are checked with, in PEM."""
    arn = site.output("TreeHeadSigningKeyArn")
    with explained("The key of the seals cannot be read"):
        return pem(site.client("kms").get_public_key(KeyId=arn)["PublicKey"])


def lost(items: Iterable[Item], at: datetime, *, older_than: timedelta = ON_THE_WAY) -> list[Item]:
    """The entries that no chain has, though the stream has had its time, oldest first."""
    kept = {(item["pk"], item["sk"]): item for item in items if item["pk"].startswith((keys.AUDIT, keys.CHAIN))}
    return sorted(
        (
            item
            for (pk, sk), item in kept.items()
            if pk.startswith(keys.AUDIT)
            and keys.chained(pk.removeprefix(keys.AUDIT), sk) not in kept
            and float(item["at"]) <= (at - older_than).timestamp()
        ),
        key=lambda item: str(item["sk"]),
    )


def mend(site: Site, table: str, at: datetime) -> int:
    """Bring lost entries into their chains by the function that follows the trail; how many there were."""
    found = lost(scan(site.client("dynamodb"), table, keys.AUDIT, keys.CHAIN), at)
    function = _named(site, FOLLOWER)
    for start in range(0, len(found), AT_ONCE):
        if failure := _followed(site, function, [_record(item) for item in found[start : start + AT_ONCE]]):
            raise NoSite(f"The function that follows the trail failed: {failure}")
    return len(found)


def replay(site: Site) -> Iterator[tuple[Batch, str]]:
    """Bring again what the function that follows the trail gave up after a day: each batch, and why it failed again.

    What does not fail is forgotten. It may have been chained, or published, before: both may happen twice.
    """
    storage, bucket, function = site.client("s3"), _named(site, "FailedRecords"), _named(site, FOLLOWER)
    for batch in given_up(storage, bucket):
        if batch.function != function:
            continue
        failure = _followed(site, function, batch.records)
        if not failure:
            with explained(f"{batch.name} is dealt with, and cannot be taken out of {bucket}"):
                storage.delete_object(Bucket=bucket, Key=batch.name)
        yield batch, failure


def _named(site: Site, name: str) -> str:
    """What a resource of the stack is called on AWS."""
    for each in site.resources():
        if each.name == name:
            return each.physical_id
    raise NoSite(f"The stack {site.stack} has no {name}.")


def _followed(site: Site, function: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Why the function could not follow these records; empty when it could."""
    with explained("The function that follows the trail cannot be called"):
        answer = site.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"Records": records}).encode())
    return str(answer["Payload"].read().decode()) if "FunctionError" in answer else ""


def _record(item: Item) -> Mapping[str, object]:
    """An entry as the stream would have brought it."""
    return {
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": written({"pk": item["pk"], "sk": item["sk"]}), "NewImage": written(item)},
    }


def _partition(dynamodb: Any, table: str, name: str) -> dict[str, Item]:
    """The items of a partition by their sort key."""
    asked = {
        "TableName": table,
        "ConsistentRead": True,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": name}},
    }
    with explained(f"The table {table} cannot be read"):
        items = items_of(dynamodb.get_paginator("query").paginate(**asked))
    return {str(item["sk"]): item for item in items}


def _link(place: Item, entry: Item) -> Link:
    try:
        return Link(chain_hash=place["chain_hash"], entry=entry_of(entry), place=int(place["place"]))
    except ValidationError as altered:
        raise Broken(f"Entry {place['place']}, {place['sk']}, was altered: it cannot be read.") from altered


def latest(dynamodb: Any, table: str) -> int:
    """The number of the latest seal; 0 when there is none."""
    noted = _partition(dynamodb, table, keys.latest_seal().pk)
    return int(noted[keys.latest_seal().sk]["number"]) if noted else 0


def _seals(seals_there: Row, account_id: str, wrong: list[str]) -> Iterator[Sealed]:
    """The newest seal and some before it, each twice as far back, as long as their heads are kept and have the account."""
    newest = seals_there.newest
    without: int | None = None
    for number in _numbers(newest):
        seal = seals_there.seal(number)
        if not seal and number in seals_there.seals:
            raise Broken(f"Seal {number} is not signed by the key.")
        leaves, is_covered = seals_there.heads(seal) if seal else (b"", False)
        if is_covered:
            wrong.append(
                f"Hidden in {seals_there.bucket}, by a delete marker: the leaves of seal {number}. Ask who did it."
            )
        if number == newest and not leaves:
            raise NoSite(f"Seal {number} is the latest, and it is not in {seals_there.bucket} with its leaves.")
        if not seal or not leaves:
            return
        heads = [Head.model_validate(each) for each in json.loads(leaves)]
        position = next((nth for nth, head in enumerate(heads) if head.account_id == account_id), None)
        if position is None and without is None and number < newest:
            return
        if position is None:
            without = without or number
            continue
        if without:
            raise Broken(f"Seal {without} has no chain of {account_id}, and seal {number}, which is older, has one.")
        yield Sealed(leaf=heads[position], path=tree_heads.path(tree_heads.leaves_of(heads), position), seal=seal)


def _numbers(newest: int) -> Iterator[int]:
    if newest:
        yield newest
    back = 1
    while newest > back:
        yield newest - back
        back *= 2
