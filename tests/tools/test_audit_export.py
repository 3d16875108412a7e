"""An exported trail under every change: each byte, each row, and what somebody could do who knows how it is made."""

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
from partner_access.domain.audit.hash_chain import NOTHING, Head
from partner_access.domain.audit.tree_heads import Latest
from partner_access.domain.records import AuditEntry, audit
from tests.support.builders import CLIENT, NOW, PARTNER, an_act
from tools.operate.audit_export import Broken, Evidence, Link, Sealed, Title, evidence, pem, proof, verified
from tools.template import ROOT

KEY = ec.derive_private_key(1234567, ec.SECP256R1())
OTHERS = tuple(
    Head(account_id=f"client-{name}", entries=number, chain_hash=f"{number:064x}")
    for number, name in enumerate("abyz", 1)
)


def public_pem(key: Any = KEY) -> str:
    found: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found.decode()


def an_entry(number: int, *accounts: str) -> AuditEntry:
    act = an_act(name=f"{number:032x}", at=NOW + timedelta(minutes=number))
    return audit("link.approved", act, *(accounts or (CLIENT, PARTNER)), link_id=f"lnk_{number}", access_days=number)


def chained(entries: Sequence[AuditEntry]) -> list[Link]:
    heads = Head(account_id=CLIENT).followed_by_all(entries)
    return [
        Link(place=head.entries, entry=entry, chain_hash=head.chain_hash)
        for entry, head in zip(entries, heads, strict=True)
    ]


def sealed(number: int, links: Sequence[Link], key: Any = KEY, *, after: Sealed | None = None) -> Sealed:
    """By a seal of this number, over the account and some others."""
    leaf = Head(account_id=CLIENT, entries=len(links), chain_hash=links[-1].chain_hash if links else NOTHING)
    heads = tree_heads.ordered([leaf, *OTHERS])
    before = sha256(after.seal.written()).hexdigest() if after else f"{number:064x}"
    latest = Latest(number=number - 1, tree_head_hash=before)
    statement = tree_heads.due(latest, heads, NOW + timedelta(hours=number), "arn:aws:kms:eu-west-1:000000000000:key/1")
    assert statement
    signature = key.sign(statement.to_sign(), ec.ECDSA(hashes.SHA256()))
    steps = tree_heads.path(tree_heads.leaves_of(heads), heads.index(leaf))
    return Sealed(leaf=leaf, path=steps, seal=statement.signed(base64.b64encode(signature).decode()))


@cache
def an_export(entries: int = 8, covered: tuple[int, ...] = (6, 5, 3)) -> Evidence:
    """Eight entries, the latest seal over six of them, two more seals over five and three."""
    links = chained([an_entry(number) for number in range(1, entries + 1)])
    found: list[Sealed] = []
    for position, many in reversed(list(enumerate(covered))):
        found[:0] = [sealed(10 - position, links[:many], after=found[0] if found else None)]
    return evidence(CLIENT, public_pem(), found, links)


def lines(found: Evidence | None = None) -> list[bytes]:
    return (found or an_export()).written().splitlines(keepends=True)


def found_in(written: bytes, key: str | None = None) -> str:
    """What is said of a file that is not as it was."""
    with pytest.raises(Broken) as broken:
        verified(written, key)
    return str(broken.value)


def row(place: int, found: Evidence | None = None) -> int:
    """Where an entry stands among the lines."""
    return place + len((found or an_export()).seals)


def name(place: int) -> str:
    return an_export().links[place - 1].entry.audit_id


# what is as it was


@pytest.mark.parametrize("covered", [(6, 5, 3), (8,), (1,), ()])
def test_a_trail_that_nobody_touched_is_verified(covered: tuple[int, ...]) -> None:
    found = an_export(8, covered)

    assert verified(found.written()) == found
    assert verified(found.written(), public_pem()) == found
    assert found.sealed == (covered[0] if covered else 0)
    assert [link.place for link in found.unsealed] == list(range(found.sealed + 1, 9))


def test_a_trail_without_entries_is_one_too() -> None:
    found = evidence(CLIENT, public_pem(), [], [])

    assert verified(found.written()) == found


@pytest.mark.parametrize(("covered", "at", "doubt"), [
    ((8,), NOW + timedelta(days=900), ""),
    ((6,), NOW + timedelta(minutes=9), ""),
    ((6,), NOW + timedelta(days=1, minutes=7), ""),
    ((6,), NOW + timedelta(days=1, minutes=8), "Only chained, though of another day: 1 of 8, the first {}, entry 7,"),
    ((6,), NOW + timedelta(days=9), "Only chained, though of another day: 2 of 8, the first {}, entry 7,"),
    ((6,), NOW - timedelta(days=2), "Only chained, though of another day: 2 of 8, the first {}, entry 7,"),
    ((), NOW, "Only chained, and not sealed:"),
])  # fmt: skip
def test_what_no_seal_covers_in_good_time_is_in_doubt(covered: tuple[int, ...], at: datetime, doubt: str) -> None:
    said = an_export(8, covered).doubt(at)

    assert (said == "") is (doubt == "")
    assert said.startswith(doubt.format(name(7)))


# each byte


def test_every_byte_that_is_changed_taken_away_or_put_in_is_found() -> None:
    written = an_export(3, (2, 1)).written()
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
                verified(changed)
            except Broken:
                continue
            if changed != written:
                survived.append((position, changed[max(0, position - 20) : position + 20]))

    assert survived == []


@pytest.mark.parametrize("place", range(1, 9))
def test_a_byte_of_an_entry_names_that_entry(place: int) -> None:
    told = lines()
    line = told[row(place)]
    for position in range(len(line) - 1):
        changed = line[:position] + bytes([line[position] ^ 1]) + line[position + 1 :]
        assert found_in(b"".join([*told[: row(place)], changed, *told[row(place) + 1 :]])).startswith(f"Entry {place}")


# each row


@pytest.mark.parametrize("place", range(1, 9))
def test_an_entry_that_was_altered_is_named(place: int) -> None:
    told = lines()
    at = row(place)
    told[at] = told[at].replace(f'"access_days":{place}'.encode(), f'"access_days":{place + 90}'.encode())

    assert found_in(b"".join(told)) == f"Entry {place}, {name(place)}, was altered."


@pytest.mark.parametrize("place", range(1, 8))
@pytest.mark.parametrize("is_renumbered", [False, True])
def test_an_entry_that_was_removed_is_named_by_its_place(place: int, is_renumbered: bool) -> None:
    found = an_export()
    links = [*found.links[: place - 1], *found.links[place:]]
    if is_renumbered:
        links = [link.model_copy(update={"place": number}) for number, link in enumerate(links, 1)]
    written = Evidence(found.title, found.seals, tuple(links)).written()

    assert found_in(written) == f"Entry {place} was removed: {name(place + 1)} stands in its place."


@pytest.mark.parametrize(("kept", "title", "said"), [
    (7, 8, "The trail was cut off after entry 7: the title says 8."),
    (5, 8, "The trail was cut off after entry 5: seal 10 covers 6."),
    (5, 5, "The trail was cut off after entry 5: seal 10 covers 6."),
    (0, 0, "The trail was cut off after entry 0: seal 10 covers 6."),
])  # fmt: skip
def test_a_trail_that_was_cut_off_says_after_which_entry(kept: int, title: int, said: str) -> None:
    found = an_export()
    shorter = Evidence(found.title.model_copy(update={"entries": title}), found.seals, found.links[:kept])

    assert found_in(shorter.written()) == said


@pytest.mark.parametrize("place", range(1, 10))
def test_an_entry_that_was_added_is_named(place: int) -> None:
    found = an_export()
    forged = Link(place=place, entry=an_entry(99), chain_hash="ab" * 32)
    after = [link.model_copy(update={"place": link.place + 1}) for link in found.links[place - 1 :]]
    written = Evidence(found.title, found.seals, (*found.links[: place - 1], forged, *after)).written()

    said = found_in(written)
    assert said.startswith(f"Entry {place}, {forged.entry.audit_id}, was a")
    assert place == 9 or said.endswith(f"was added: {name(place)} belongs there.")


@pytest.mark.parametrize("place", range(1, 9))
@pytest.mark.parametrize("twice", range(1, 9))
def test_an_entry_that_is_there_twice_was_added(place: int, twice: int) -> None:
    told = lines()
    told.insert(row(place), told[row(twice)])

    said = found_in(b"".join(told))

    assert "was added" in said
    assert name(twice) in said


@pytest.mark.parametrize("first", range(1, 8))
@pytest.mark.parametrize("second", range(2, 9))
def test_entries_that_were_swapped_are_named(first: int, second: int) -> None:
    if first >= second:
        return
    told = lines()
    told[row(first)], told[row(second)] = told[row(second)], told[row(first)]
    said = f"Entries {first} and {second} were swapped: {name(second)} stands where {name(first)} belongs."
    assert found_in(b"".join(told)) == said

    links = list(an_export().links)
    one, other = links[first - 1], links[second - 1]
    links[first - 1] = one.model_copy(update={"entry": other.entry})
    links[second - 1] = other.model_copy(update={"entry": one.entry})
    assert found_in(Evidence(an_export().title, an_export().seals, tuple(links)).written()) == said


@pytest.mark.parametrize("number", range(12))
def test_every_row_is_needed_in_its_place_and_once(number: int) -> None:
    told = lines()

    assert found_in(b"".join([*told[:number], *told[number + 1 :]]))
    assert found_in(b"".join([*told[:number], told[number], *told[number:]]))
    for other in range(number):
        swapped = list(told)
        swapped[number], swapped[other] = told[other], told[number]
        assert found_in(b"".join(swapped))


def test_nothing_at_all_is_no_trail() -> None:
    assert found_in(b"") == found_in(b"\n") == "Line 1, the title, cannot be read or was altered."
    assert "in line 6" in found_in(b"".join([*lines()[:5], b"\xff\n", *lines()[6:]]))
    assert found_in(b"".join(lines())[:-1]) == f"The file was cut off in entry 8, {name(8)}."
    assert found_in(b"".join(lines()[:2])) == "Line 3, a seal, cannot be read or was altered."


# whoever knows how it is made


def rewritten(place: int, entries: Callable[[list[AuditEntry]], list[AuditEntry]]) -> list[Link]:
    """The whole chain made anew, with something done to its entries."""
    return chained(entries([link.entry for link in an_export().links]))


def without_access(place: int) -> list[Link]:
    def change(entries: list[AuditEntry]) -> list[AuditEntry]:
        entries[place - 1] = entries[place - 1].model_copy(update={"details": {}})
        return entries

    return rewritten(place, change)


@pytest.mark.parametrize(("place", "first", "last", "seal"), [(1, 1, 3, 8), (3, 1, 3, 8), (4, 4, 5, 9), (6, 6, 6, 10)])
def test_a_chain_that_was_made_anew_is_not_the_one_that_was_sealed(
    place: int, first: int, last: int, seal: int
) -> None:
    found = an_export()
    written = Evidence(found.title, found.seals, tuple(without_access(place))).written()

    assert found_in(written) == (
        f"The chain was rewritten: entry {first}, {name(first)}, or one after it up to {last} "
        f"is not what seal {seal} covers."
    )


def test_a_chain_that_was_made_anew_and_sealed_since_does_not_pass_through_older_seals() -> None:
    found = an_export()
    links = without_access(4)
    new = Evidence(found.title, (sealed(10, links, after=found.seals[1]), *found.seals[1:]), tuple(links))

    assert found_in(new.written()).startswith(f"The chain was rewritten: entry 4, {name(4)}, or one after it up to 5")


def test_what_has_come_since_the_seal_is_chained_and_can_still_be_made_anew() -> None:
    """The five minutes that the README tells of."""
    links = without_access(7)
    found = an_export()

    assert verified(Evidence(found.title, found.seals, tuple(links)).written()).unsealed == tuple(links[6:])


@pytest.mark.parametrize(("entry", "why"), [
    (an_entry(99, "client-other"), "it does not concern the account."),
    (an_entry(2), "it is there twice."),
])  # fmt: skip
def test_an_entry_that_cannot_be_of_this_trail_was_added(entry: AuditEntry, why: str) -> None:
    found = an_export()
    links = chained([*(link.entry for link in found.links), entry])
    longer = Evidence(found.title.model_copy(update={"entries": 9}), found.seals, tuple(links))

    assert found_in(longer.written()) == f"Entry 9, {entry.audit_id}, was added: {why}"


def test_more_entries_than_the_title_says() -> None:
    found = an_export()
    links = chained([*(link.entry for link in found.links), an_entry(9)])

    said = found_in(Evidence(found.title, found.seals, tuple(links)).written())

    assert said == f"Entry 9, {an_entry(9).audit_id}, was added: the title says 8."


def test_an_export_of_another_account_is_not_this_ones() -> None:
    found = an_export()
    renamed = Evidence(found.title.model_copy(update={"account_id": PARTNER}), found.seals, found.links)

    assert found_in(renamed.written()) == f"Line 2 is about {CLIENT}, and the file about {PARTNER}."


OTHER_KEY = ec.derive_private_key(7654321, ec.SECP256R1())


def test_a_forger_has_another_key() -> None:
    links = without_access(1)
    forged = evidence(CLIENT, public_pem(OTHER_KEY), [sealed(10, links, OTHER_KEY)], links)

    assert verified(forged.written()) == forged, "who believes the file's own key believes the forger"
    assert found_in(forged.written(), public_pem()) == "The file names another key than the one that was given."
    mixed = evidence(CLIENT, public_pem(), [sealed(10, links, OTHER_KEY)], links)
    assert found_in(mixed.written()) == "Seal 10, in line 2, is not signed by the key."


@pytest.mark.parametrize("covered", [(5, 3), ()])
def test_a_trail_that_was_cut_back_to_an_older_seal_is_found_by_whoever_knows_the_newest(
    covered: tuple[int, ...],
) -> None:
    written = an_export(5, covered).written()

    assert verified(written, newest=10 if covered else 0).written() == written
    with pytest.raises(Broken, match=r"The trail was cut off, or exported before: .* seal 11 is there\."):
        verified(written, newest=11)


def test_seals_go_back_in_time() -> None:
    found = an_export()
    links = found.links

    forward = evidence(CLIENT, public_pem(), [sealed(9, links[:5]), sealed(10, links[:6])], links)
    shrinking = evidence(CLIENT, public_pem(), [sealed(10, links[:5]), sealed(9, links[:6])], links)
    assert found_in(forward.written()) == "Seal 10 does not come before seal 9."
    assert found_in(shrinking.written()) == "Seal 9 does not come before seal 10."


def twin(found: Sealed) -> Sealed:
    """The seal with the other signature of ECDSA that can be made of one, (r, n - s), without the key."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = decode_dss_signature(base64.b64decode(found.seal.signature))
    signature = base64.b64encode(encode_dss_signature(r, order - s)).decode()
    return found.model_copy(update={"seal": found.seal.model_copy(update={"signature": signature})})


def test_a_seal_that_another_follows_has_the_signature_that_it_was_kept_with() -> None:
    found = an_export()
    newest, *older = found.seals

    of_older = Evidence(found.title, (newest, twin(older[0]), older[1]), found.links).written()
    assert found_in(of_older) == "Seal 10 was made after another seal 9 than this one."
    of_newest = verified(Evidence(found.title, (twin(newest), *older), found.links).written())
    assert of_newest.seals[0].seal.to_sign() == newest.seal.to_sign(), "it says the same"


def test_seals_of_two_rows_do_not_follow_each_other() -> None:
    found = an_export()
    newest = sealed(10, found.links[:6])

    said = found_in(Evidence(found.title, (newest, *found.seals[1:]), found.links).written())

    assert said == "Seal 10 was made after another seal 9 than this one."


def test_steps_that_lead_elsewhere_prove_nothing() -> None:
    first, *more = an_export().seals
    other = first.model_copy(update={"leaf": first.leaf.model_copy(update={"entries": 7})})

    said = found_in(Evidence(an_export().title, (other, *more), an_export().links).written())

    assert said == "Line 2 has a head of the chain, or steps to the root, that seal 10 has not."


def test_a_signature_is_written_in_one_way_alone() -> None:
    links = an_export().links
    several = (sealed(10, links[:6]) for _ in range(99))
    first = next(each for each in several if each.seal.signature.endswith("="))
    signature = first.seal.signature
    loose = first.model_copy(update={"seal": first.seal.model_copy(update={"signature": _loose(signature)})})

    assert verified(evidence(CLIENT, public_pem(), [first], links).written()).sealed == 6
    assert base64.b64decode(_loose(signature)) == base64.b64decode(signature)
    said = found_in(evidence(CLIENT, public_pem(), [loose], links).written())
    assert said == "Seal 10, in line 2, is not written as it was sealed."


def _loose(text: str) -> str:
    """The same bytes by other letters: the last digit of base64 may have bits that mean nothing."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bare = text.rstrip("=")
    return bare[:-1] + digits[digits.index(bare[-1]) + 1] + text[len(bare) :]


@pytest.mark.parametrize(("key", "said"), [
    ("nothing", "The public key cannot be read."),
    (public_pem(ec.derive_private_key(5, ec.SECP384R1())), "The public key is none of the kind that signs seals."),
    (public_pem(ed25519.Ed25519PrivateKey.generate()), "The public key is none of the kind that signs seals."),
    (public_pem() + "\n", "The public key is not written as an export writes it."),
])  # fmt: skip
def test_a_key_that_is_none(key: str, said: str) -> None:
    title = Title(account_id=CLIENT, entries=8, key=key, seals=3)

    assert found_in(Evidence(title, an_export().seals, an_export().links).written()) == said
    assert found_in(an_export().written(), key) == said


def test_a_key_of_another_kind_is_not_exported() -> None:
    der = (
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )

    with pytest.raises(Broken, match="none of the kind"):
        pem(der)


# one entry, for a third party


def checked(*files: Path) -> subprocess.CompletedProcess[str]:
    """By what is in the documentation, with the standard library alone."""
    program = [sys.executable, "-I", "-S", str(ROOT / "docs/check_inclusion.py"), *map(str, files)]
    return subprocess.run(program, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("place", [1, 3, 6])
def test_a_third_party_sees_one_entry_under_its_seal(place: int, tmp_path: Path) -> None:
    shown, seal, older = tmp_path / "proof.json", tmp_path / "seal.json", tmp_path / "older.json"
    shown.write_bytes(proof(an_export(), name(place)))
    seal.write_bytes(an_export().seals[0].seal.written())
    older.write_bytes(an_export().seals[1].seal.written())

    assert json.loads(shown.read_bytes())["entry"]["audit_id"] == name(place)
    assert not [other for other in range(1, 9) if other != place and name(other) in shown.read_text()]
    latest = an_export().seals[0].seal
    said = f"Entry {name(place)}, number {place} of {CLIENT}, is under seal {latest.number} of 2"
    told, believed = checked(shown, seal), checked(shown)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith(said)
    assert (believed.returncode, believed.stdout) == (0, told.stdout)
    assert believed.stderr.startswith("WARNING: that seal is the proof's own.")
    refused = checked(shown, older)
    assert (refused.returncode, refused.stderr) == (1, "The entry is NOT under this seal.\n")


@pytest.mark.parametrize("changes", [
    lambda told: {"entry": {**told["entry"], "actor_id": "user-other"}},
    lambda told: {"place": told["place"] + 1},
    lambda _: {"account_id": PARTNER},
    lambda _: {"before": "ab" * 32},
    lambda told: {"after": [*told["after"], "ab" * 32]},
    lambda told: {"path": told["path"][1:]},
    lambda told: {"path": [["left" if side == "right" else "right", other] for side, other in told["path"]]},
])  # fmt: skip
def test_a_third_party_sees_that_a_proof_is_none(changes: Callable[[Any], Any], tmp_path: Path) -> None:
    told = json.loads(proof(an_export(), name(3)))
    (tmp_path / "proof.json").write_text(json.dumps({**told, **changes(told)}))

    assert checked(tmp_path / "proof.json").returncode == 1


def test_the_check_is_short_and_needs_nothing() -> None:
    text = (ROOT / "docs/check_inclusion.py").read_text()
    (_, _, code) = text.split('"""')

    assert len([line for line in code.splitlines() if line]) <= 30
    assert {line.split()[1] for line in text.splitlines() if line.startswith(("import", "from"))} <= set(
        sys.stdlib_module_names
    )


@pytest.mark.parametrize(("audit_id", "said"), [
    ("aud_none", "aud_none is not in this trail."),
    (f"aud_{7:032x}", f"aud_{7:032x} is not yet sealed: export the trail again in some minutes."),
])  # fmt: skip
def test_what_is_not_sealed_cannot_be_proved(audit_id: str, said: str) -> None:
    with pytest.raises(Broken) as broken:
        proof(an_export(), audit_id)

    assert str(broken.value) == said
