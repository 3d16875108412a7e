"""Verify an exported audit log and its proof without a network.

The file consists of canonical JSON lines, in this order:

- title: the account, the numbers of tree heads and entries, and the public key of the tree heads.
- tree heads, newest first: a signed tree head, the account's chain head under it, and the inclusion path to its root.
- entries, in the order of the chain: the position, the entry, and the hash over it and all earlier entries.

The tree heads are the latest one and some older ones at growing distances. A rewritten chain that was signed again
does not match the chain heads that the older tree heads cover.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Final, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from pydantic import BaseModel, JsonValue

from partner_access.domain.audit.hash_chain import GENESIS_HASH, ChainHead, canonical_json, digest
from partner_access.domain.audit.tree_heads import SignedTreeHead, root_from_proof
from tools.operate.export_lines import FORMAT, AuditLogAltered, ChainedEntry, ExportTitle, TreeHeadProof

MAX_UNSIGNED_AGE: Final = timedelta(days=1)
"""The age after which an entry without a signature is suspicious. The next signed tree head comes within minutes."""


@dataclass(frozen=True, slots=True)
class AuditExport:
    """The complete content of a readable file."""

    title: ExportTitle
    tree_heads: tuple[TreeHeadProof, ...]
    links: tuple[ChainedEntry, ...]

    @property
    def signed_count(self) -> int:
        """The number of entries that the latest signed tree head covers."""
        return self.tree_heads[0].leaf.entries if self.tree_heads else 0

    @property
    def unsigned(self) -> tuple[ChainedEntry, ...]:
        """The entries that came after the latest signed tree head."""
        return self.links[self.signed_count :]

    def doubt(self, at: datetime) -> str:
        """Return why a person with write access to the table may have forged entries, or an empty string.

        Entries younger than a day may still wait for their signature. A timestamp in the future is not accepted as an
        excuse.
        """
        if not self.tree_heads:
            return "Chained but not signed: this proves nothing against someone who can write to the table."
        overdue = [link for link in self.unsigned if abs(at - link.entry.at) > MAX_UNSIGNED_AGE]
        if not overdue:
            return ""
        return (
            f"More than a day old, yet not signed: {len(overdue)} of {len(self.links)}, the first {overdue[0].entry.audit_id}, "
            f"entry {overdue[0].position}, of {overdue[0].entry.at.isoformat()}. That proves nothing against someone who can "
            "write to the table. Export the audit log again. If they stay unsigned, find out why."
        )

    def to_bytes(self) -> bytes:
        """Return the file's bytes in their canonical form."""
        return b"".join(_canonical_line(line) + b"\n" for line in (self.title, *self.tree_heads, *self.links))


def build_export(
    account_id: str, key: str, tree_heads: Sequence[TreeHeadProof], links: Sequence[ChainedEntry]
) -> AuditExport:
    """Build the export file of an account."""
    title = ExportTitle(account_id=account_id, entries=len(links), key=key, tree_heads=len(tree_heads))
    return AuditExport(title, tuple(tree_heads), tuple(links))


def public_key_pem(der: bytes) -> str:
    """Return a public key (DER) in the form that the file contains (PEM)."""
    return _pem(load_der_public_key(der))


def is_signed(tree_head: SignedTreeHead, key: str) -> bool:
    """Return whether the signed tree head was signed with the private key of this public key."""
    return _has_valid_signature(tree_head, _load_key(key))


def verify(content: bytes, key: str | None = None, newest: int = 0) -> AuditExport:
    """Return the content of the file. Raises `AuditLogAltered` if it does not match its signatures and its hash chain.

    Without `key`, which should come from another source, the key that the file names is trusted. Without `newest`, the
    number of the newest signed tree head, a file that was cut back to an older tree head passes. The file alone cannot
    reveal that.
    """
    *lines, rest = content.split(b"\n")
    title = _parse_line(ExportTitle, lines[0] if lines else rest)
    if not title or title.format != FORMAT:
        raise AuditLogAltered("Line 1, the header, cannot be read or was altered.")
    signer = _load_key(title.key)
    if key is not None and _pem(_load_key(key)) != title.key:
        raise AuditLogAltered("The file names a different key than the one that you passed.")
    tree_heads = tuple(_parse_tree_head(lines, number, title, signer) for number in range(title.tree_heads))
    _check_order(tree_heads)
    latest = tree_heads[0].tree_head.number if tree_heads else 0
    if latest < newest:
        raise AuditLogAltered(
            f"The audit log was truncated or exported earlier: its latest tree head is {latest}, but {newest} exists."
        )
    links = _verify_chain(title, tree_heads, [*lines[1 + title.tree_heads :], *([rest] if rest else [])])
    if rest:
        raise AuditLogAltered(f"The file was truncated in entry {len(links)}, {links[-1].entry.audit_id}.")
    _check_covered_heads(tree_heads, links)
    return AuditExport(title, tree_heads, links)


def inclusion_proof(export: AuditExport, audit_id: str) -> bytes:
    """Return the inclusion proof of an entry under the latest signed tree head, for verification by a third party.

    Raises `AuditLogAltered` when the entry is not in the export or not signed yet.
    """
    for link in export.links:
        if link.entry.audit_id == audit_id:
            break
    else:
        raise AuditLogAltered(f"{audit_id} is not in this audit log.")
    if link.position > export.signed_count:
        raise AuditLogAltered(f"{audit_id} is not signed yet. Export the audit log again in a few minutes.")
    latest = export.tree_heads[0]
    before = export.links[link.position - 2].chain_hash if link.position > 1 else GENESIS_HASH
    document: dict[str, JsonValue] = {
        "account_id": export.title.account_id,
        "after": [digest(each.entry).hex() for each in export.links[link.position : export.signed_count]],
        "before": before,
        "entry": link.entry.model_dump(mode="json"),
        "path": [[side.value, other] for side, other in latest.path],
        "position": link.position,
        "tree_head": latest.tree_head.model_dump(mode="json"),
    }
    return canonical_json(document) + b"\n"


LineT = TypeVar("LineT", bound=BaseModel)


def _canonical_line(line: BaseModel) -> bytes:
    return canonical_json(line.model_dump(mode="json"))


def _parse_line(kind: type[LineT], line: bytes) -> LineT | None:
    """Parse a line. Return None unless its bytes are exactly the canonical form."""
    try:
        found = kind.model_validate_json(line)
        return found if _canonical_line(found) == line else None
    except ValueError:
        return None


def _load_key(text: str) -> EllipticCurvePublicKey:
    try:
        found = load_pem_public_key(text.encode())
    except (UnsupportedAlgorithm, ValueError) as unreadable:
        raise AuditLogAltered("The public key cannot be read.") from unreadable
    if not isinstance(found, EllipticCurvePublicKey) or not isinstance(found.curve, SECP256R1):
        raise AuditLogAltered("The public key is not of the type that signs tree heads.")
    if _pem(found) != text:
        raise AuditLogAltered("The public key is not encoded as an export encodes it.")
    return found


def _pem(key: object) -> str:
    if not isinstance(key, EllipticCurvePublicKey):
        raise AuditLogAltered("The public key is not of the type that signs tree heads.")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _has_valid_signature(tree_head: SignedTreeHead, signer: EllipticCurvePublicKey) -> bool:
    try:
        signer.verify(
            base64.b64decode(tree_head.signature, validate=True), tree_head.bytes_to_sign(), ECDSA(hashes.SHA256())
        )
    except (binascii.Error, InvalidSignature):
        return False
    return True


def _parse_tree_head(
    lines: Sequence[bytes], number: int, title: ExportTitle, signer: EllipticCurvePublicKey
) -> TreeHeadProof:
    line_number = number + 2
    found = _parse_line(TreeHeadProof, lines[number + 1]) if number + 1 < len(lines) else None
    if not found:
        raise AuditLogAltered(f"Line {line_number}, a tree head, cannot be read or was altered.")
    if not _has_valid_signature(found.tree_head, signer):
        raise AuditLogAltered(
            f"Signed tree head {found.tree_head.number}, in line {line_number}, is not signed by the key."
        )
    if base64.b64encode(base64.b64decode(found.tree_head.signature)).decode() != found.tree_head.signature:
        raise AuditLogAltered(
            f"Signed tree head {found.tree_head.number}, in line {line_number}, is not encoded as it was signed."
        )
    if found.leaf.account_id != title.account_id:
        raise AuditLogAltered(
            f"Line {line_number} is about {found.leaf.account_id}, but the file is about {title.account_id}."
        )
    if root_from_proof(digest(found.leaf), found.path).hex() != found.tree_head.root:
        raise AuditLogAltered(
            f"Line {line_number} has a chain head or inclusion proof that does not match tree head {found.tree_head.number}."
        )
    return found


def _check_order(tree_heads: Sequence[TreeHeadProof]) -> None:
    for later, earlier in pairwise(tree_heads):
        if later.tree_head.number <= earlier.tree_head.number or later.leaf.entries < earlier.leaf.entries:
            raise AuditLogAltered(
                f"Signed tree head {earlier.tree_head.number} does not come before {later.tree_head.number}."
            )
        is_next = later.tree_head.number == earlier.tree_head.number + 1
        if is_next and later.tree_head.previous != sha256(earlier.tree_head.to_stored_json()).hexdigest():
            raise AuditLogAltered(
                f"Tree head {later.tree_head.number} follows a different tree head {earlier.tree_head.number}."
            )


def _verify_chain(
    title: ExportTitle, tree_heads: Sequence[TreeHeadProof], lines: Sequence[bytes]
) -> tuple[ChainedEntry, ...]:
    """Return the entries if each one follows the one before it. Raises `AuditLogAltered` otherwise."""
    readable = [_parse_line(ChainedEntry, line) for line in lines]
    signed_count = tree_heads[0].leaf.entries if tree_heads else 0
    expected_count = max(title.entries, signed_count)
    head, found, names = ChainHead(account_id=title.account_id), [], set[str]()
    for position, link in enumerate(readable):
        if not link:
            line_number = position + 2 + title.tree_heads
            raise AuditLogAltered(f"Entry {position + 1}, in line {line_number}, cannot be read or was altered.")
        next_head = head.with_entry(link.entry)
        if (next_head.entries, next_head.chain_hash) != (link.position, link.chain_hash):
            others = [each for each in (*readable[:position], *readable[position + 1 :]) if each]
            raise AuditLogAltered(_describe_break(head, link, others, is_short=len(readable) < expected_count))
        if title.account_id not in link.entry.accounts:
            raise AuditLogAltered(
                f"Entry {link.position}, {link.entry.audit_id}, was added: it is not about the account."
            )
        if link.entry.audit_id in names:
            raise AuditLogAltered(f"Entry {link.position}, {link.entry.audit_id}, was added: it appears twice.")
        names.add(link.entry.audit_id)
        head = next_head
        found.append(link)
    if head.entries < signed_count:
        raise AuditLogAltered(
            f"The log ends after entry {head.entries}: tree head {tree_heads[0].tree_head.number} covers {signed_count}."
        )
    if head.entries < title.entries:
        raise AuditLogAltered(f"The log ends after entry {head.entries}: the header says {title.entries}.")
    if head.entries > title.entries:
        extra = found[title.entries]
        raise AuditLogAltered(
            f"Entry {extra.position}, {extra.entry.audit_id}, was added: the header says {title.entries}."
        )
    return tuple(found)


def _describe_break(head: ChainHead, link: ChainedEntry, others: Sequence[ChainedEntry], *, is_short: bool) -> str:
    """Explain why a link does not follow the chain head.

    `others` are all other readable links. `is_short` is true when lines are missing.
    """
    position, name = head.entries + 1, link.entry.audit_id
    if any(each.entry.audit_id == name for each in others):
        return f"Entry {position}, {name}, was added: it appears twice."
    belongs_here = next((each for each in others if head.with_entry(each.entry).chain_hash == each.chain_hash), None)
    if belongs_here and _is_in_chain(link, others, head):
        return f"Entries {position} and {_other_position(belongs_here, link)} were swapped: {name} is in the place of {belongs_here.entry.audit_id}."
    if belongs_here:
        return f"Entry {position}, {name}, was added: {belongs_here.entry.audit_id} belongs there."
    exchanged = next((each for each in others if head.with_entry(each.entry).chain_hash == link.chain_hash), None)
    if exchanged:
        return f"Entries {position} and {exchanged.position} were swapped: {name} is in the place of {exchanged.entry.audit_id}."
    if link.position > position or is_short:
        return f"Entry {position} was removed: {name} is in its place."
    return f"Entry {position}, {name}, was altered."


def _other_position(belongs_here: ChainedEntry, link: ChainedEntry) -> int:
    """Return the other position of a swap. Swapped entries may have kept their positions or exchanged them."""
    return max(belongs_here.position, link.position)


def _is_in_chain(link: ChainedEntry, others: Iterable[ChainedEntry], head: ChainHead) -> bool:
    """Return whether the link belongs to this chain at another position."""
    hashes_before: Iterator[str] = (each.chain_hash for each in others)
    heads = (head.model_copy(update={"chain_hash": before}) for before in (GENESIS_HASH, *hashes_before))
    return any(each.with_entry(link.entry).chain_hash == link.chain_hash for each in heads)


def _check_covered_heads(tree_heads: Sequence[TreeHeadProof], links: Sequence[ChainedEntry]) -> None:
    """Check the chain against every chain head that the tree heads cover. Raises `AuditLogAltered` for a difference.

    The check cannot say which entry before such a point was altered.
    """
    last_match = 0
    for each in reversed(tree_heads):
        covered = each.leaf.entries
        if (links[covered - 1].chain_hash if covered else GENESIS_HASH) != each.leaf.chain_hash:
            first = links[last_match].entry.audit_id
            raise AuditLogAltered(
                f"The chain was rewritten: entry {last_match + 1}, {first}, or one after it up to {covered} "
                f"is not what tree head {each.tree_head.number} covers."
            )
        last_match = covered
