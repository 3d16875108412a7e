"""Read the signed tree heads in the bucket, always by the first version of each object.

The first version cannot be changed or hidden while it is locked. However, an administrator of the bucket can put a
delete marker or another version over a signed tree head, or over the chain heads that it covers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from pydantic import ValidationError

from partner_access.domain.audit.hash_chain import GENESIS_HASH
from partner_access.domain.audit.tree_heads import SignedTreeHead
from partner_access.tree_head_store import LEAF_RETENTION
from tools.operate.audit_export import is_signed
from tools.operate.stack import translate_errors

MAX_CHECKED: Final = 300
"""The number of signed tree heads that a check reads, newest first: a day's worth, at one every five minutes."""
OBJECT_NAME: Final = re.compile(r"tree-heads/([1-9][0-9]*)\.json")


@dataclass(frozen=True, slots=True)
class FirstVersion:
    """The first version of an object. `is_hidden` is true when a later version or a delete marker hides it."""

    name: str
    version_id: str
    is_hidden: bool


@dataclass(frozen=True)
class TreeHeadList:
    """The signed tree heads in a bucket by number, and the public key that verifies them."""

    storage: Any
    bucket: str
    key: str
    first_versions: dict[int, FirstVersion]

    @cached_property
    def newest(self) -> int:
        """The number of the newest tree head with a valid signature, or 0. An object's name alone proves nothing."""
        return next((number for number in sorted(self.first_versions, reverse=True) if self.tree_head(number)), 0)

    def tree_head(self, number: int) -> SignedTreeHead | None:
        """Return the signed tree head with this number. Return None if it is missing or its signature is not valid."""
        return self._verified(self._content(number), number)

    def chain_heads(self, tree_head: SignedTreeHead) -> tuple[bytes, bool]:
        """Return the chain heads that a tree head covers, and whether something hides them.

        The bytes are empty when the retention period of the chain heads is over.
        """
        found = _first_versions(self.storage, self.bucket, f"leaves/{tree_head.root}.json", LEAF_RETENTION)
        return (self._read(found[0]), found[0].is_hidden) if found else (b"", False)

    def manipulations(self, latest_in_table: int) -> Iterator[str]:
        """Yield signs of manipulation, given the number that the table records as the latest.

        Read the number from the table after reading the bucket.
        """
        if hidden := [number for number, version in self.first_versions.items() if version.is_hidden]:
            yield f"Hidden in {self.bucket} by a delete marker or a later version: {_describe_numbers(hidden)}. Ask who did it."
        if unsigned := [number for number in self.first_versions if number > self.newest]:
            yield f"Not signed by the key, but stored in {self.bucket}: {_describe_numbers(unsigned)}. Ask who did it."
        if latest_in_table < self.newest - 1:  # a signed tree head is stored first and recorded in the table afterwards
            yield f"The latest signed tree head in the table is {latest_in_table}, but {self.bucket} has {self.newest}."

    def defects(self) -> Iterator[str]:
        """Yield gaps in the numbers, and invalid signatures or hashes among the newest signed tree heads."""
        numbers = sorted(number for number in self.first_versions if number <= self.newest)
        if missing := sorted({*range(min(numbers, default=0), self.newest)}.difference(numbers)):
            yield f"Missing in {self.bucket}: {_describe_numbers(missing)}."
        previous_hashes = {1: GENESIS_HASH}
        for number in numbers[-MAX_CHECKED:]:
            written = self._content(number)
            tree_head = self._verified(written, number)
            if not tree_head:
                yield f"Signed tree head {number} is not signed by the key."
            elif tree_head.previous != previous_hashes.get(number, tree_head.previous):
                yield f"Signed tree head {number} does not follow {number - 1}."
            previous_hashes[number + 1] = sha256(written).hexdigest()

    def _verified(self, written: bytes, number: int) -> SignedTreeHead | None:
        try:
            tree_head = SignedTreeHead.model_validate_json(written)
        except ValidationError:
            return None
        return tree_head if tree_head.number == number and is_signed(tree_head, self.key) else None

    def _content(self, number: int) -> bytes:
        return self._read(self.first_versions[number]) if number in self.first_versions else b""

    def _read(self, version: FirstVersion) -> bytes:
        with translate_errors(f"The signed tree heads in {self.bucket} cannot be read"):
            response = self.storage.get_object(Bucket=self.bucket, Key=version.name, VersionId=version.version_id)
            found: bytes = response["Body"].read()
        return found


def read_tree_heads(storage: Any, bucket: str, key: str) -> TreeHeadList:
    """List the tree heads in a bucket by number. Each is read and verified on demand, with the public key in PEM."""
    named = ((OBJECT_NAME.fullmatch(each.name), each) for each in _first_versions(storage, bucket, "tree-heads/"))
    return TreeHeadList(storage, bucket, key, {int(number[1]): version for number, version in named if number})


def _first_versions(
    storage: Any, bucket: str, prefix: str, expires_after: timedelta | None = None
) -> list[FirstVersion]:
    """Return the first version of each object with this prefix.

    Objects that expire get a delete marker from S3 at the end of their time, and may then be written again.
    """
    versions: dict[str, list[Any]] = {}
    markers: dict[str, list[datetime]] = {}
    with translate_errors(f"The signed tree heads in {bucket} cannot be listed"):
        for page in storage.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for each in page.get("Versions", ()):
                versions.setdefault(each["Key"], []).append(each)
            for each in page.get("DeleteMarkers", ()):
                markers.setdefault(each["Key"], []).append(each["LastModified"])
    return [_first_version(name, found, markers.get(name, []), expires_after) for name, found in versions.items()]


def _first_version(
    name: str, versions: list[Any], markers: list[datetime], expires_after: timedelta | None
) -> FirstVersion:
    """Choose the first version of an object. S3 lists versions with the newest first."""
    newest, oldest = versions[0], versions[-1]
    is_hidden = (
        len(versions) > 1 or bool(markers)
        if expires_after is None
        else any(each - newest["LastModified"] < expires_after for each in markers)
    )
    return FirstVersion(name=name, version_id=oldest["VersionId"], is_hidden=is_hidden)


def _describe_numbers(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"signed tree head {numbers[0]}"
    return f"{len(numbers)} signed tree heads, from {min(numbers)} to {max(numbers)}"
