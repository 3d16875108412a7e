"""An exported trail and what it proves, without a network: canonical JSON lines, checked from the first to the last.

line            what it is
title           the account, how many seals and entries follow, the public key of the seals
seals           newest first: a seal, the head of the account's chain that it covers, and the steps from there to its root
entries         in the order of the chain: the place, the entry, and the hash over it and all before

The seals are the latest one and some before it, at growing distances: a chain that somebody rewrote, and had sealed
since, does not pass through what they cover.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Final, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from partner_access.domain.audit.hash_chain import NOTHING, Head, canonical, digest
from partner_access.domain.audit.tree_heads import Seal, Side, root_over
from partner_access.domain.records import AuditEntry

FORMAT: Final = 1
LATE: Final = timedelta(days=1)
"""What is older than this and not sealed waits for more than the next seal, which comes within minutes."""

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Broken(Exception):
    """The trail is not what it was; the message names the first entry that is not."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Title(_Line):
    """What the file is about, and how much of it there must be."""

    account_id: str
    entries: int
    format: int = FORMAT
    key: str
    seals: int


class Sealed(_Line):
    """What one seal says of the account."""

    leaf: Head
    path: tuple[tuple[Side, Hash], ...]
    seal: Seal


class Link(_Line):
    """An entry in its place."""

    chain_hash: Hash
    entry: AuditEntry
    place: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """The whole of a file that can be read."""

    title: Title
    seals: tuple[Sealed, ...]
    links: tuple[Link, ...]

    @property
    def sealed(self) -> int:
        """How many entries the latest seal covers."""
        return self.seals[0].leaf.entries if self.seals else 0

    @property
    def unsealed(self) -> tuple[Link, ...]:
        """What has come since."""
        return self.links[self.sealed :]

    def doubt(self, at: datetime) -> str:
        """Why somebody who can write the table may have made this, or a part, anew; empty when he cannot have.

        What is younger than a day may wait for its seal; a time that is yet to come is no excuse.
        """
        if not self.seals:
            return "Only chained, and not sealed: this proves nothing against somebody who can write the table."
        late = [link for link in self.unsealed if abs(at - link.entry.at) > LATE]
        if not late:
            return ""
        return (
            f"Only chained, though of another day: {len(late)} of {len(self.links)}, the first {late[0].entry.audit_id}, "
            f"entry {late[0].place}, of {late[0].entry.at.isoformat()}. That proves nothing against somebody who can "
            "write the table: export the trail again, and when they stay unsealed, ask why."
        )

    def written(self) -> bytes:
        """The one way to write it."""
        return b"".join(_written(line) + b"\n" for line in (self.title, *self.seals, *self.links))


def evidence(account_id: str, key: str, seals: Sequence[Sealed], links: Sequence[Link]) -> Evidence:
    """The file on an account."""
    title = Title(account_id=account_id, entries=len(links), key=key, seals=len(seals))
    return Evidence(title, tuple(seals), tuple(links))


def pem(der: bytes) -> str:
    """A public key as the file has it."""
    return _pem(load_der_public_key(der))


def is_signed(seal: Seal, key: str) -> bool:
    """Whether this public key's other half signed it."""
    return _signed(seal, _key(key))


def verified(written: bytes, key: str | None = None, newest: int = 0) -> Evidence:
    """The file, when nothing in it is otherwise than it was sealed and chained; Broken says what is.

    Without a key, which should come from elsewhere, the one that the file names is taken for the sealer's; without the
    number of the newest seal, which a file alone cannot tell, one that was cut back to an older seal passes.
    """
    *lines, rest = written.split(b"\n")
    title = _read(Title, lines[0] if lines else rest)
    if not title or title.format != FORMAT:
        raise Broken("Line 1, the title, cannot be read or was altered.")
    signer = _key(title.key)
    if key is not None and _pem(_key(key)) != title.key:
        raise Broken("The file names another key than the one that was given.")
    seals = tuple(_sealed(lines, number, title, signer) for number in range(title.seals))
    _must_go_back(seals)
    latest = seals[0].seal.number if seals else 0
    if latest < newest:
        raise Broken(
            f"The trail was cut off, or exported before: seal {latest} is its latest, and seal {newest} is there."
        )
    links = _followed(title, seals, [*lines[1 + title.seals :], *([rest] if rest else [])])
    if rest:
        raise Broken(f"The file was cut off in entry {len(links)}, {links[-1].entry.audit_id}.")
    _must_be_sealed(seals, links)
    return Evidence(title, seals, links)


def proof(found: Evidence, audit_id: str) -> bytes:
    """What a third party needs to find by himself that an entry is under the latest seal; Broken when it is not."""
    for link in found.links:
        if link.entry.audit_id == audit_id:
            break
    else:
        raise Broken(f"{audit_id} is not in this trail.")
    if link.place > found.sealed:
        raise Broken(f"{audit_id} is not yet sealed: export the trail again in some minutes.")
    latest = found.seals[0]
    before = found.links[link.place - 2].chain_hash if link.place > 1 else NOTHING
    shown: dict[str, JsonValue] = {
        "account_id": found.title.account_id,
        "after": [digest(each.entry).hex() for each in found.links[link.place : found.sealed]],
        "before": before,
        "entry": link.entry.model_dump(mode="json"),
        "path": [[side.value, other] for side, other in latest.path],
        "place": link.place,
        "seal": latest.seal.model_dump(mode="json"),
    }
    return canonical(shown) + b"\n"


Read = TypeVar("Read", bound=BaseModel)


def _written(line: BaseModel) -> bytes:
    return canonical(line.model_dump(mode="json"))


def _read(kind: type[Read], line: bytes) -> Read | None:
    """A line as what it should be, None unless each of its bytes is as we would write it."""
    try:
        found = kind.model_validate_json(line)
        return found if _written(found) == line else None
    except ValueError:
        return None


def _key(text: str) -> EllipticCurvePublicKey:
    try:
        found = load_pem_public_key(text.encode())
    except (UnsupportedAlgorithm, ValueError) as unreadable:
        raise Broken("The public key cannot be read.") from unreadable
    if not isinstance(found, EllipticCurvePublicKey) or not isinstance(found.curve, SECP256R1):
        raise Broken("The public key is none of the kind that signs seals.")
    if _pem(found) != text:
        raise Broken("The public key is not written as an export writes it.")
    return found


def _pem(key: object) -> str:
    if not isinstance(key, EllipticCurvePublicKey):
        raise Broken("The public key is none of the kind that signs seals.")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _signed(seal: Seal, signer: EllipticCurvePublicKey) -> bool:
    try:
        signer.verify(base64.b64decode(seal.signature, validate=True), seal.to_sign(), ECDSA(hashes.SHA256()))
    except (binascii.Error, InvalidSignature):
        return False
    return True


def _sealed(lines: Sequence[bytes], number: int, title: Title, signer: EllipticCurvePublicKey) -> Sealed:
    where = number + 2
    found = _read(Sealed, lines[number + 1]) if number + 1 < len(lines) else None
    if not found:
        raise Broken(f"Line {where}, a seal, cannot be read or was altered.")
    if not _signed(found.seal, signer):
        raise Broken(f"Seal {found.seal.number}, in line {where}, is not signed by the key.")
    if base64.b64encode(base64.b64decode(found.seal.signature)).decode() != found.seal.signature:
        raise Broken(f"Seal {found.seal.number}, in line {where}, is not written as it was sealed.")
    if found.leaf.account_id != title.account_id:
        raise Broken(f"Line {where} is about {found.leaf.account_id}, and the file about {title.account_id}.")
    if root_over(digest(found.leaf), found.path).hex() != found.seal.root:
        raise Broken(
            f"Line {where} has a head of the chain, or steps to the root, that seal {found.seal.number} has not."
        )
    return found


def _must_go_back(seals: Sequence[Sealed]) -> None:
    for later, earlier in pairwise(seals):
        if later.seal.number <= earlier.seal.number or later.leaf.entries < earlier.leaf.entries:
            raise Broken(f"Seal {earlier.seal.number} does not come before seal {later.seal.number}.")
        is_next = later.seal.number == earlier.seal.number + 1
        if is_next and later.seal.previous != sha256(earlier.seal.written()).hexdigest():
            raise Broken(f"Seal {later.seal.number} was made after another seal {earlier.seal.number} than this one.")


def _followed(title: Title, seals: Sequence[Sealed], lines: Sequence[bytes]) -> tuple[Link, ...]:
    """The entries, when each follows the one before."""
    readable = [_read(Link, line) for line in lines]
    sealed = seals[0].leaf.entries if seals else 0
    most = max(title.entries, sealed)
    head, found, names = Head(account_id=title.account_id), [], set[str]()
    for position, link in enumerate(readable):
        if not link:
            where = position + 2 + title.seals
            raise Broken(f"Entry {position + 1}, in line {where}, cannot be read or was altered.")
        after = head.followed_by(link.entry)
        if (after.entries, after.chain_hash) != (link.place, link.chain_hash):
            others = [each for each in (*readable[:position], *readable[position + 1 :]) if each]
            raise Broken(_what_happened(head, link, others, is_short=len(readable) < most))
        if title.account_id not in link.entry.accounts:
            raise Broken(f"Entry {link.place}, {link.entry.audit_id}, was added: it does not concern the account.")
        if link.entry.audit_id in names:
            raise Broken(f"Entry {link.place}, {link.entry.audit_id}, was added: it is there twice.")
        names.add(link.entry.audit_id)
        head = after
        found.append(link)
    if head.entries < sealed:
        raise Broken(f"The trail was cut off after entry {head.entries}: seal {seals[0].seal.number} covers {sealed}.")
    if head.entries < title.entries:
        raise Broken(f"The trail was cut off after entry {head.entries}: the title says {title.entries}.")
    if head.entries > title.entries:
        extra = found[title.entries]
        raise Broken(f"Entry {extra.place}, {extra.entry.audit_id}, was added: the title says {title.entries}.")
    return tuple(found)


def _what_happened(head: Head, link: Link, others: Sequence[Link], *, is_short: bool) -> str:
    """Why a link does not follow the head; `others` are all that can be read, `is_short` that there are too few."""
    place, name = head.entries + 1, link.entry.audit_id
    if any(each.entry.audit_id == name for each in others):
        return f"Entry {place}, {name}, was added: it is there twice."
    here = next((each for each in others if head.followed_by(each.entry).chain_hash == each.chain_hash), None)
    if here and _follows_any(link, others, head):
        return f"Entries {place} and {_place_of(here, link)} were swapped: {name} stands where {here.entry.audit_id} belongs."
    if here:
        return f"Entry {place}, {name}, was added: {here.entry.audit_id} belongs there."
    exchanged = next((each for each in others if head.followed_by(each.entry).chain_hash == link.chain_hash), None)
    if exchanged:
        return f"Entries {place} and {exchanged.place} were swapped: {name} stands where {exchanged.entry.audit_id} belongs."
    if link.place > place or is_short:
        return f"Entry {place} was removed: {name} stands in its place."
    return f"Entry {place}, {name}, was altered."


def _place_of(here: Link, link: Link) -> int:
    """The other one of two places: a swap may have left each entry its own place, or given it the other's."""
    return max(here.place, link.place)


def _follows_any(link: Link, others: Iterable[Link], head: Head) -> bool:
    """Whether the link is of this chain, and only stands elsewhere."""
    hashes_before: Iterator[str] = (each.chain_hash for each in others)
    heads = (head.model_copy(update={"chain_hash": before}) for before in (NOTHING, *hashes_before))
    return any(each.followed_by(link.entry).chain_hash == link.chain_hash for each in heads)


def _must_be_sealed(seals: Sequence[Sealed], links: Sequence[Link]) -> None:
    """The chain passes through all that seals cover; where it does not, nobody can say which entry before was altered."""
    fits = 0
    for each in reversed(seals):
        covered = each.leaf.entries
        if (links[covered - 1].chain_hash if covered else NOTHING) != each.leaf.chain_hash:
            first = links[fits].entry.audit_id
            raise Broken(
                f"The chain was rewritten: entry {fits + 1}, {first}, or one after it up to {covered} "
                f"is not what seal {each.seal.number} covers."
            )
        fits = covered
