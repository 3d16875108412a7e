"""An exported audit log under every change: each byte, each line, and forgeries by a person who knows the format."""

import base64
import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from partner_access.domain.audit import tree_heads
from partner_access.domain.audit.hash_chain import GENESIS_HASH, ChainHead
from partner_access.domain.audit.tree_heads import LatestTreeHead
from partner_access.domain.records import AuditEntry, audit
from tests.support.builders import CLIENT, NOW, PARTNER, an_act
from tools.operate.audit_export import AuditExport, build_export, inclusion_proof, public_key_pem, verify
from tools.operate.export_lines import AuditLogAltered, ChainedEntry, ExportTitle, TreeHeadProof
from tools.template import ROOT

KEY = ec.derive_private_key(1234567, ec.SECP256R1())
OTHER_HEADS = tuple(
    ChainHead(account_id=f"client-{name}", entries=number, chain_hash=f"{number:064x}")
    for number, name in enumerate("abyz", 1)
)


def public_pem(key: Any = KEY) -> str:
    found: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found.decode()


def an_entry(number: int, *accounts: str) -> AuditEntry:
    act = an_act(id=f"{number:032x}", at=NOW + timedelta(minutes=number))
    return audit("link.approved", act, *(accounts or (CLIENT, PARTNER)), link_id=f"lnk_{number}", access_days=number)


def chained(entries: Sequence[AuditEntry]) -> list[ChainedEntry]:
    heads = ChainHead(account_id=CLIENT).with_entries(entries)
    return [
        ChainedEntry(position=head.entries, entry=entry, chain_hash=head.chain_hash)
        for entry, head in zip(entries, heads, strict=True)
    ]


def signed_head(
    number: int, links: Sequence[ChainedEntry], key: Any = KEY, *, after: TreeHeadProof | None = None
) -> TreeHeadProof:
    """Return a signed tree head with this number that covers the account and some others."""
    leaf = ChainHead(account_id=CLIENT, entries=len(links), chain_hash=links[-1].chain_hash if links else GENESIS_HASH)
    heads = tree_heads.in_tree_order([leaf, *OTHER_HEADS])
    before = sha256(after.tree_head.to_stored_json()).hexdigest() if after else f"{number:064x}"
    latest = LatestTreeHead(number=number - 1, tree_head_hash=before)
    statement = tree_heads.next_tree_head(
        latest, heads, NOW + timedelta(hours=number), "arn:aws:kms:eu-west-1:000000000000:key/1"
    )
    assert statement
    signature = key.sign(statement.bytes_to_sign(), ec.ECDSA(hashes.SHA256()))
    steps = tree_heads.inclusion_proof(tree_heads.leaf_hashes(heads), heads.index(leaf))
    return TreeHeadProof(
        leaf=leaf, path=steps, tree_head=statement.with_signature(base64.b64encode(signature).decode())
    )


@cache
def an_export(entries: int = 8, covered: tuple[int, ...] = (6, 5, 3)) -> AuditExport:
    """Return an export of eight entries with three tree heads, which cover six, five and three of them."""
    links = chained([an_entry(number) for number in range(1, entries + 1)])
    found: list[TreeHeadProof] = []
    for position, many in reversed(list(enumerate(covered))):
        found[:0] = [signed_head(10 - position, links[:many], after=found[0] if found else None)]
    return build_export(CLIENT, public_pem(), found, links)


def export_lines(found: AuditExport | None = None) -> list[bytes]:
    return (found or an_export()).to_bytes().splitlines(keepends=True)


def verification_error(written: bytes, key: str | None = None) -> str:
    """Return the message about a file that was altered."""
    with pytest.raises(AuditLogAltered) as broken:
        verify(written, key)
    return str(broken.value)


def line_index(position: int, found: AuditExport | None = None) -> int:
    """Return the index of an entry's line in the file."""
    return position + len((found or an_export()).tree_heads)


def audit_id_at(position: int) -> str:
    return an_export().links[position - 1].entry.audit_id


# Intact exports


@pytest.mark.parametrize("covered", [(6, 5, 3), (8,), (1,), ()])
def test_verify_intact_export_returns_it(covered: tuple[int, ...]) -> None:
    found = an_export(8, covered)

    assert verify(found.to_bytes()) == found
    assert verify(found.to_bytes(), public_pem()) == found
    assert found.signed_count == (covered[0] if covered else 0)
    assert [link.position for link in found.unsigned] == list(range(found.signed_count + 1, 9))


def test_verify_export_without_entries_returns_it() -> None:
    found = build_export(CLIENT, public_pem(), [], [])

    assert verify(found.to_bytes()) == found


@pytest.mark.parametrize(("covered", "at", "doubt"), [
    ((8,), NOW + timedelta(days=900), ""),
    ((6,), NOW + timedelta(minutes=9), ""),
    ((6,), NOW + timedelta(days=1, minutes=7), ""),
    ((6,), NOW + timedelta(days=1, minutes=8), "More than a day old, yet not signed: 1 of 8, the first {}, entry 7,"),
    ((6,), NOW + timedelta(days=9), "More than a day old, yet not signed: 2 of 8, the first {}, entry 7,"),
    ((6,), NOW - timedelta(days=2), "More than a day old, yet not signed: 2 of 8, the first {}, entry 7,"),
    ((), NOW, "Chained but not signed:"),
])  # fmt: skip
def test_doubt_of_old_unsigned_entries_names_the_first(covered: tuple[int, ...], at: datetime, doubt: str) -> None:
    message = an_export(8, covered).doubt(at)

    assert (message == "") is (doubt == "")
    assert message.startswith(doubt.format(audit_id_at(7)))


# Changed bytes


def test_verify_with_any_byte_changed_removed_or_added_raises_altered() -> None:
    written = an_export(3, (2, 1)).to_bytes()
    chance = random.Random(1)
    survived = []
    for position, byte in enumerate(written):
        other = chance.choice([each for each in range(256) if each not in {byte, byte ^ 1}])
        for changed in (
            written[:position] + bytes([byte ^ 1]) + written[position + 1 :],
            written[:position] + bytes([other]) + written[position + 1 :],
            written[:position] + written[position + 1 :],
            written[:position] + bytes([other]) + written[position:],
        ):
            try:
                verify(changed)
            except AuditLogAltered:
                continue
            if changed != written:
                survived.append((position, changed[max(0, position - 20) : position + 20]))

    assert survived == []


@pytest.mark.parametrize("entry_position", range(1, 9))
def test_verify_with_byte_of_entry_changed_names_entry(entry_position: int) -> None:
    content = export_lines()
    line = content[line_index(entry_position)]
    for position in range(len(line) - 1):
        changed = line[:position] + bytes([line[position] ^ 1]) + line[position + 1 :]
        assert verification_error(
            b"".join([*content[: line_index(entry_position)], changed, *content[line_index(entry_position) + 1 :]])
        ).startswith(f"Entry {entry_position}")


# Changed lines


@pytest.mark.parametrize("position", range(1, 9))
def test_verify_altered_entry_names_it(position: int) -> None:
    content = export_lines()
    at = line_index(position)
    content[at] = content[at].replace(f'"access_days":{position}'.encode(), f'"access_days":{position + 90}'.encode())

    assert verification_error(b"".join(content)) == f"Entry {position}, {audit_id_at(position)}, was altered."


@pytest.mark.parametrize("position", range(1, 8))
@pytest.mark.parametrize("is_renumbered", [False, True])
def test_verify_removed_entry_names_its_position(position: int, is_renumbered: bool) -> None:
    found = an_export()
    links = [*found.links[: position - 1], *found.links[position:]]
    if is_renumbered:
        links = [link.model_copy(update={"position": number}) for number, link in enumerate(links, 1)]
    written = AuditExport(found.title, found.tree_heads, tuple(links)).to_bytes()

    assert verification_error(written) == f"Entry {position} was removed: {audit_id_at(position + 1)} is in its place."


@pytest.mark.parametrize(("remaining", "title", "message"), [
    (7, 8, "The log ends after entry 7: the header says 8."),
    (5, 8, "The log ends after entry 5: tree head 10 covers 6."),
    (5, 5, "The log ends after entry 5: tree head 10 covers 6."),
    (0, 0, "The log ends after entry 0: tree head 10 covers 6."),
])  # fmt: skip
def test_verify_truncated_export_names_last_entry(remaining: int, title: int, message: str) -> None:
    found = an_export()
    shorter = AuditExport(found.title.model_copy(update={"entries": title}), found.tree_heads, found.links[:remaining])

    assert verification_error(shorter.to_bytes()) == message


@pytest.mark.parametrize("position", range(1, 10))
def test_verify_added_entry_names_it(position: int) -> None:
    found = an_export()
    forged = ChainedEntry(position=position, entry=an_entry(99), chain_hash="ab" * 32)
    after = [link.model_copy(update={"position": link.position + 1}) for link in found.links[position - 1 :]]
    written = AuditExport(found.title, found.tree_heads, (*found.links[: position - 1], forged, *after)).to_bytes()

    message = verification_error(written)
    assert message.startswith(f"Entry {position}, {forged.entry.audit_id}, was a")
    assert position == 9 or message.endswith(f"was added: {audit_id_at(position)} belongs there.")


@pytest.mark.parametrize("position", range(1, 9))
@pytest.mark.parametrize("twice", range(1, 9))
def test_verify_duplicated_entry_reports_addition(position: int, twice: int) -> None:
    content = export_lines()
    content.insert(line_index(position), content[line_index(twice)])

    message = verification_error(b"".join(content))

    assert "was added" in message
    assert audit_id_at(twice) in message


@pytest.mark.parametrize("first", range(1, 8))
@pytest.mark.parametrize("second", range(2, 9))
def test_verify_swapped_entries_names_both(first: int, second: int) -> None:
    if first >= second:
        return
    content = export_lines()
    content[line_index(first)], content[line_index(second)] = content[line_index(second)], content[line_index(first)]
    message = (
        f"Entries {first} and {second} were swapped: {audit_id_at(second)} is in the place of {audit_id_at(first)}."
    )
    assert verification_error(b"".join(content)) == message

    links = list(an_export().links)
    one, other = links[first - 1], links[second - 1]
    links[first - 1] = one.model_copy(update={"entry": other.entry})
    links[second - 1] = other.model_copy(update={"entry": one.entry})
    assert (
        verification_error(AuditExport(an_export().title, an_export().tree_heads, tuple(links)).to_bytes()) == message
    )


@pytest.mark.parametrize("number", range(12))
def test_verify_with_line_removed_repeated_or_swapped_raises_altered(number: int) -> None:
    content = export_lines()

    assert verification_error(b"".join([*content[:number], *content[number + 1 :]]))
    assert verification_error(b"".join([*content[:number], content[number], *content[number:]]))
    for other in range(number):
        swapped = list(content)
        swapped[number], swapped[other] = content[other], content[number]
        assert verification_error(b"".join(swapped))


def test_verify_empty_or_incomplete_file_names_line() -> None:
    assert verification_error(b"") == verification_error(b"\n") == "Line 1, the header, cannot be read or was altered."
    assert "in line 6" in verification_error(b"".join([*export_lines()[:5], b"\xff\n", *export_lines()[6:]]))
    assert verification_error(b"".join(export_lines())[:-1]) == f"The file was truncated in entry 8, {audit_id_at(8)}."
    assert verification_error(b"".join(export_lines()[:2])) == "Line 3, a tree head, cannot be read or was altered."


# Forgeries by a person who knows the format


def rewritten_chain(position: int, entries: Callable[[list[AuditEntry]], list[AuditEntry]]) -> list[ChainedEntry]:
    """Return the chain recomputed after a change to its entries."""
    return chained(entries([link.entry for link in an_export().links]))


def chain_without_details(position: int) -> list[ChainedEntry]:
    def change(entries: list[AuditEntry]) -> list[AuditEntry]:
        entries[position - 1] = entries[position - 1].model_copy(update={"details": {}})
        return entries

    return rewritten_chain(position, change)


@pytest.mark.parametrize(
    ("position", "first", "last", "tree_head"), [(1, 1, 3, 8), (3, 1, 3, 8), (4, 4, 5, 9), (6, 6, 6, 10)]
)
def test_verify_rewritten_chain_names_contradicted_tree_head(
    position: int, first: int, last: int, tree_head: int
) -> None:
    found = an_export()
    written = AuditExport(found.title, found.tree_heads, tuple(chain_without_details(position))).to_bytes()

    assert verification_error(written) == (
        f"The chain was rewritten: entry {first}, {audit_id_at(first)}, or one after it up to {last} "
        f"is not what tree head {tree_head} covers."
    )


def test_verify_rewritten_and_signed_chain_contradicts_older_tree_heads() -> None:
    found = an_export()
    links = chain_without_details(4)
    new = AuditExport(
        found.title, (signed_head(10, links, after=found.tree_heads[1]), *found.tree_heads[1:]), tuple(links)
    )

    assert verification_error(new.to_bytes()).startswith(
        f"The chain was rewritten: entry 4, {audit_id_at(4)}, or one after it up to 5"
    )


def test_verify_rewritten_unsigned_entries_succeeds() -> None:
    """Entries are not protected in the five minutes before their signature (docs/integration/audit-log.md)."""
    links = chain_without_details(7)
    found = an_export()

    assert verify(AuditExport(found.title, found.tree_heads, tuple(links)).to_bytes()).unsigned == tuple(links[6:])


@pytest.mark.parametrize(("entry", "why"), [
    (an_entry(99, "client-other"), "it is not about the account."),
    (an_entry(2), "it appears twice."),
])  # fmt: skip
def test_verify_foreign_or_repeated_entry_reports_addition(entry: AuditEntry, why: str) -> None:
    found = an_export()
    links = chained([*(link.entry for link in found.links), entry])
    longer = AuditExport(found.title.model_copy(update={"entries": 9}), found.tree_heads, tuple(links))

    assert verification_error(longer.to_bytes()) == f"Entry 9, {entry.audit_id}, was added: {why}"


def test_verify_more_entries_than_title_reports_addition() -> None:
    found = an_export()
    links = chained([*(link.entry for link in found.links), an_entry(9)])

    message = verification_error(AuditExport(found.title, found.tree_heads, tuple(links)).to_bytes())

    assert message == f"Entry 9, {an_entry(9).audit_id}, was added: the header says 8."


def test_verify_export_under_other_account_raises_altered() -> None:
    found = an_export()
    renamed = AuditExport(found.title.model_copy(update={"account_id": PARTNER}), found.tree_heads, found.links)

    assert verification_error(renamed.to_bytes()) == f"Line 2 is about {CLIENT}, but the file is about {PARTNER}."


OTHER_KEY = ec.derive_private_key(7654321, ec.SECP256R1())


def test_verify_forged_key_raises_altered_only_with_given_key() -> None:
    links = chain_without_details(1)
    forged = build_export(CLIENT, public_pem(OTHER_KEY), [signed_head(10, links, OTHER_KEY)], links)

    assert verify(forged.to_bytes()) == forged, "who believes the file's own key believes the forger"
    assert (
        verification_error(forged.to_bytes(), public_pem())
        == "The file names a different key than the one that you passed."
    )
    mixed = build_export(CLIENT, public_pem(), [signed_head(10, links, OTHER_KEY)], links)
    assert verification_error(mixed.to_bytes()) == "Signed tree head 10, in line 2, is not signed by the key."


@pytest.mark.parametrize("covered", [(5, 3), ()])
def test_verify_older_export_with_newest_number_raises_altered(
    covered: tuple[int, ...],
) -> None:
    written = an_export(5, covered).to_bytes()

    assert verify(written, newest=10 if covered else 0).to_bytes() == written
    with pytest.raises(AuditLogAltered, match=r"The audit log was truncated or exported earlier: .* 11 exists\."):
        verify(written, newest=11)


def test_verify_tree_heads_in_wrong_order_raises_altered() -> None:
    found = an_export()
    links = found.links

    forward = build_export(CLIENT, public_pem(), [signed_head(9, links[:5]), signed_head(10, links[:6])], links)
    shrinking = build_export(CLIENT, public_pem(), [signed_head(10, links[:5]), signed_head(9, links[:6])], links)
    assert verification_error(forward.to_bytes()) == "Signed tree head 10 does not come before 9."
    assert verification_error(shrinking.to_bytes()) == "Signed tree head 9 does not come before 10."


def with_second_signature(found: TreeHeadProof) -> TreeHeadProof:
    """Return the tree head with the second valid ECDSA signature, (r, n - s).

    Anyone can compute it from the first one without the key.
    """
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = decode_dss_signature(base64.b64decode(found.tree_head.signature))
    signature = base64.b64encode(encode_dss_signature(r, order - s)).decode()
    return found.model_copy(update={"tree_head": found.tree_head.model_copy(update={"signature": signature})})


def test_verify_predecessor_with_second_ecdsa_signature_raises_altered() -> None:
    found = an_export()
    newest, *older = found.tree_heads

    of_older = AuditExport(found.title, (newest, with_second_signature(older[0]), older[1]), found.links).to_bytes()
    assert verification_error(of_older) == "Tree head 10 follows a different tree head 9."
    of_newest = verify(AuditExport(found.title, (with_second_signature(newest), *older), found.links).to_bytes())
    assert of_newest.tree_heads[0].tree_head.bytes_to_sign() == newest.tree_head.bytes_to_sign(), "it says the same"


def test_verify_tree_heads_of_two_lists_raises_altered() -> None:
    found = an_export()
    newest = signed_head(10, found.links[:6])

    message = verification_error(AuditExport(found.title, (newest, *found.tree_heads[1:]), found.links).to_bytes())

    assert message == "Tree head 10 follows a different tree head 9."


def test_verify_inclusion_path_of_other_chain_head_raises_altered() -> None:
    first, *more = an_export().tree_heads
    other = first.model_copy(update={"leaf": first.leaf.model_copy(update={"entries": 7})})

    message = verification_error(AuditExport(an_export().title, (other, *more), an_export().links).to_bytes())

    assert message == "Line 2 has a chain head or inclusion proof that does not match tree head 10."


def test_verify_non_canonical_signature_encoding_raises_altered() -> None:
    links = an_export().links
    several = (signed_head(10, links[:6]) for _ in range(99))
    first = next(each for each in several if each.tree_head.signature.endswith("="))
    signature = first.tree_head.signature
    loose = first.model_copy(
        update={"tree_head": first.tree_head.model_copy(update={"signature": _non_canonical(signature)})}
    )

    assert verify(build_export(CLIENT, public_pem(), [first], links).to_bytes()).signed_count == 6
    assert base64.b64decode(_non_canonical(signature)) == base64.b64decode(signature)
    message = verification_error(build_export(CLIENT, public_pem(), [loose], links).to_bytes())
    assert message == "Signed tree head 10, in line 2, is not encoded as it was signed."


def _non_canonical(text: str) -> str:
    """Return another base64 text of the same bytes: unused bits of the last digit are changed."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bare = text.rstrip("=")
    return bare[:-1] + digits[digits.index(bare[-1]) + 1] + text[len(bare) :]


@pytest.mark.parametrize(("key", "message"), [
    ("nothing", "The public key cannot be read."),
    (public_pem(ec.derive_private_key(5, ec.SECP384R1())), "The public key is not of the type that signs tree heads."),
    (public_pem(ed25519.Ed25519PrivateKey.generate()), "The public key is not of the type that signs tree heads."),
    (public_pem() + "\n", "The public key is not encoded as an export encodes it."),
])  # fmt: skip
def test_verify_unusable_key_raises_altered(key: str, message: str) -> None:
    title = ExportTitle(account_id=CLIENT, entries=8, key=key, tree_heads=3)

    assert verification_error(AuditExport(title, an_export().tree_heads, an_export().links).to_bytes()) == message
    assert verification_error(an_export().to_bytes(), key) == message


def test_pem_of_other_key_type_raises_altered() -> None:
    der = (
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )

    with pytest.raises(AuditLogAltered, match="not of the type"):
        public_key_pem(der)


# Inclusion proof of one entry


def run_check_inclusion(*files: Path) -> subprocess.CompletedProcess[str]:
    """Run the program of the documentation with the standard library only."""
    program = [sys.executable, "-I", "-S", str(ROOT / "docs/check_inclusion.py"), *map(str, files)]
    return subprocess.run(program, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("position", [1, 3, 6])
def test_check_inclusion_of_valid_proof_succeeds(position: int, tmp_path: Path) -> None:
    proof_file, tree_head_file, older_file = (
        tmp_path / "proof.json",
        tmp_path / "tree_head.json",
        tmp_path / "older.json",
    )
    proof_file.write_bytes(inclusion_proof(an_export(), audit_id_at(position)))
    tree_head_file.write_bytes(an_export().tree_heads[0].tree_head.to_stored_json())
    older_file.write_bytes(an_export().tree_heads[1].tree_head.to_stored_json())

    assert json.loads(proof_file.read_bytes())["entry"]["audit_id"] == audit_id_at(position)
    assert not [other for other in range(1, 9) if other != position and audit_id_at(other) in proof_file.read_text()]
    latest = an_export().tree_heads[0].tree_head
    message = (
        f"Entry {audit_id_at(position)}, number {position} of {CLIENT}, is in signed tree head {latest.number} of 2"
    )
    verified, unverified = run_check_inclusion(proof_file, tree_head_file), run_check_inclusion(proof_file)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout.startswith(message)
    assert (unverified.returncode, unverified.stdout) == (2, verified.stdout)
    assert unverified.stderr.startswith("NOT PROVED: this signed tree head comes from the proof itself.")
    rejected = run_check_inclusion(proof_file, older_file)
    assert (rejected.returncode, rejected.stderr) == (1, "The entry is NOT in this signed tree head.\n")


@pytest.mark.parametrize("changes", [
    lambda proof: {"entry": {**proof["entry"], "actor_id": "user-other"}},
    lambda proof: {"position": proof["position"] + 1},
    lambda _: {"account_id": PARTNER},
    lambda _: {"before": "ab" * 32},
    lambda proof: {"after": [*proof["after"], "ab" * 32]},
    lambda proof: {"path": proof["path"][1:]},
    lambda proof: {"path": [["left" if side == "right" else "right", other] for side, other in proof["path"]]},
])  # fmt: skip
def test_check_inclusion_of_altered_proof_fails(changes: Callable[[Any], Any], tmp_path: Path) -> None:
    document = json.loads(inclusion_proof(an_export(), audit_id_at(3)))
    (tmp_path / "proof.json").write_text(json.dumps({**document, **changes(document)}))

    assert run_check_inclusion(tmp_path / "proof.json").returncode == 1


def test_check_inclusion_is_short_and_uses_standard_library_only() -> None:
    text = (ROOT / "docs/check_inclusion.py").read_text()
    (_, _, code) = text.split('"""')

    assert len([line for line in code.splitlines() if line]) <= 30
    assert {line.split()[1] for line in text.splitlines() if line.startswith(("import", "from"))} <= set(
        sys.stdlib_module_names
    )


@pytest.mark.parametrize(("audit_id", "message"), [
    ("aud_none", "aud_none is not in this audit log."),
    (f"aud_{7:032x}", f"aud_{7:032x} is not signed yet. Export the audit log again in a few minutes."),
])  # fmt: skip
def test_proof_of_unknown_or_unsigned_entry_raises_altered(audit_id: str, message: str) -> None:
    with pytest.raises(AuditLogAltered) as broken:
        inclusion_proof(an_export(), audit_id)

    assert str(broken.value) == message
