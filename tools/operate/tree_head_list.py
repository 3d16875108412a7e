"""The row of seals as the bucket has it: by the first version of each, which nobody can change or hide while it is locked.

Whoever administers the bucket can lay a delete marker or another version over a seal, or over the heads that it covers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from pydantic import ValidationError

from partner_access.domain.audit.hash_chain import NOTHING
from partner_access.domain.audit.tree_heads import Seal
from partner_access.tree_head_store import LEAVES_KEPT_FOR
from tools.operate.audit_export import is_signed
from tools.operate.stack import explained

LOOKED_AT: Final = 300
"""How many of the newest seals are read by whoever looks at the whole row: a day's worth, at one every five minutes."""
NAME: Final = re.compile(r"tree-heads/([1-9][0-9]*)\.json")


@dataclass(frozen=True, slots=True)
class Kept:
    """The first version of what is kept under a name, and whether something lies over it."""

    name: str
    version_id: str
    covered: bool


@dataclass(frozen=True)
class Row:
    """The seals of a bucket by their numbers, and the key that signs them."""

    storage: Any
    bucket: str
    key: str
    seals: dict[int, Kept]

    @cached_property
    def newest(self) -> int:
        """The number of the newest seal that the key signed, 0 when there is none: a name alone is no seal."""
        return next((number for number in sorted(self.seals, reverse=True) if self.seal(number)), 0)

    def seal(self, number: int) -> Seal | None:
        """The seal of this number, None when there is none, or none that the key signed."""
        return self._signed(self._written(number), number)

    def heads(self, seal: Seal) -> tuple[bytes, bool]:
        """The heads that a seal covers, empty when they are forgotten; and whether somebody laid something over them."""
        found = _kept(self.storage, self.bucket, f"leaves/{seal.root}.json", LEAVES_KEPT_FOR)
        return (self._read(found[0]), found[0].covered) if found else (b"", False)

    def wrong(self, noted: int) -> Iterator[str]:
        """What somebody did to it, when the table said afterwards that this seal is the latest one."""
        if covered := [number for number, kept in self.seals.items() if kept.covered]:
            yield f"Hidden in {self.bucket}, by a delete marker or a later version: {_named(covered)}. Ask who did it."
        if false := [number for number in self.seals if number > self.newest]:
            yield f"Not signed by the key, and yet kept in {self.bucket}: {_named(false)}. Ask who did it."
        if noted < self.newest - 1:  # a seal is kept first, and noted then
            yield f"The table says that seal {noted} is the latest, and {self.bucket} has seal {self.newest}."

    def broken(self) -> Iterator[str]:
        """Where it is no row: numbers that are missing, and of the newest seals each signature and hash."""
        numbers = sorted(number for number in self.seals if number <= self.newest)
        if missing := sorted({*range(min(numbers, default=0), self.newest)}.difference(numbers)):
            yield f"Missing in {self.bucket}: {_named(missing)}."
        before = {1: NOTHING}
        for number in numbers[-LOOKED_AT:]:
            written = self._written(number)
            seal = self._signed(written, number)
            if not seal:
                yield f"Seal {number} is not signed by the key."
            elif seal.previous != before.get(number, seal.previous):
                yield f"Seal {number} does not follow seal {number - 1}."
            before[number + 1] = sha256(written).hexdigest()

    def _signed(self, written: bytes, number: int) -> Seal | None:
        try:
            seal = Seal.model_validate_json(written)
        except ValidationError:
            return None
        return seal if seal.number == number and is_signed(seal, self.key) else None

    def _written(self, number: int) -> bytes:
        return self._read(self.seals[number]) if number in self.seals else b""

    def _read(self, kept: Kept) -> bytes:
        with explained(f"The seals in {self.bucket} cannot be read"):
            answer = self.storage.get_object(Bucket=self.bucket, Key=kept.name, VersionId=kept.version_id)
            found: bytes = answer["Body"].read()
        return found


def row(storage: Any, bucket: str, key: str) -> Row:
    """The row, by the public key in PEM."""
    named = ((NAME.fullmatch(each.name), each) for each in _kept(storage, bucket, "tree-heads/"))
    return Row(storage, bucket, key, {int(number[1]): kept for number, kept in named if number})


def _kept(storage: Any, bucket: str, prefix: str, expires_after: timedelta | None = None) -> list[Kept]:
    """What is kept under these names; what has had its time gets a delete marker by itself, and may be written again."""
    versions: dict[str, list[Any]] = {}
    markers: dict[str, list[datetime]] = {}
    with explained(f"The seals in {bucket} cannot be listed"):
        for page in storage.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for each in page.get("Versions", ()):
                versions.setdefault(each["Key"], []).append(each)
            for each in page.get("DeleteMarkers", ()):
                markers.setdefault(each["Key"], []).append(each["LastModified"])
    return [_first(name, found, markers.get(name, []), expires_after) for name, found in versions.items()]


def _first(name: str, versions: list[Any], markers: list[datetime], expires_after: timedelta | None) -> Kept:
    """Of versions as S3 lists them: the newest first."""
    newest, oldest = versions[0], versions[-1]
    covered = (
        len(versions) > 1 or bool(markers)
        if expires_after is None
        else any(each - newest["LastModified"] < expires_after for each in markers)
    )
    return Kept(name=name, version_id=oldest["VersionId"], covered=covered)


def _named(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"seal {numbers[0]}"
    return f"{len(numbers)} seals, from {min(numbers)} to {max(numbers)}"
