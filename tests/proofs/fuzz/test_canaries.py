"""Tests that private data appears only at permitted places after random operations (G10).

Private data are secrets, addresses, names, purposes and reasons.
"""

import base64
import gzip
import json
import os
import zlib
from collections.abc import Callable
from random import Random

import pytest

from partner_access.domain.links.secrets import LinkSecret
from tests.proofs.fuzz.canaries import FORBIDDEN_PLACES, PERMITTED_PLACES, Canaries, CanaryOperations, Kind, recording
from tests.support.background_functions import WORKER, Clock, logged_lines
from tests.support.builders import LINK, PARTNER
from tests.support.table import Table
from tools.proof.notes import Notes

SEED = int(os.environ.get("SEED", "1"))
CLOCKED = ("partner_access.api.routing", WORKER)
SHORT, LONG = 20, 100
RUNS = 6
ALWAYS = (Kind.ADDRESS, Kind.NAME)
"""Kinds that occur in any run, even a short one. The others need certain operations."""


@pytest.mark.parametrize("run", range(RUNS if "PROOFS" in os.environ else 1))
def test_random_operations_leak_no_private_data(
    table: Table,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    notes: Notes,
    *,
    whole: bool,
    run: int,
) -> None:
    caplog.set_level("INFO")
    canaries = Canaries()
    with recording(canaries) as mailbox:
        operations = CanaryOperations(
            table, Clock(monkeypatch, *CLOCKED), Random(SEED + run), canaries=canaries, mailbox=mailbox
        )
        operations.create_accounts()
        for _ in range(LONG if whole else SHORT):
            operations.run_one()
        operations.publish_audit_events()
    written = capsys.readouterr()
    canaries.record("log", written.out + written.err + json.dumps(logged_lines(caplog)))

    places = canaries.places_by_kind()
    assert canaries.misplaced() == set()
    assert canaries.texts.keys() >= (FORBIDDEN_PLACES if whole else FORBIDDEN_PLACES - {"exception"})
    assert all(places[kind] for kind in (Kind if whole else ALWAYS)), "a kind that is nowhere was not looked for"
    if whole:
        assert places == PERMITTED_PLACES
    notes.passed(
        f"canaries in every place where something is said, seed {SEED + run}",
        acts=LONG if whole else SHORT,
        words=len(canaries.words),
        texts=sum(map(len, canaries.texts.values())),
    )


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in another case": str.upper,
    "in an address": lambda word: word.replace("@", "%40").replace(" ", "%20"),
    "in base64": lambda word: base64.b64encode(word.encode()).decode(),
    "compressed": lambda word: base64.b64encode(zlib.compress(word.encode())).decode(),
    "zipped": lambda word: base64.b64encode(gzip.compress(word.encode())).decode(),
    "in base64 twice": lambda word: base64.b64encode(base64.b64encode(f"so: {word}".encode())).decode(),
    "in characters by their numbers": lambda word: "".join(f"\\u{ord(each):04x}" for each in word),
}
SECRET = LinkSecret.write(PARTNER, LINK, "a-secret-that-nobody-else-could-ever-think-of")
RESPONSE_WITH_SECRET = json.dumps({"url": f"https://access.example.com/approve#{SECRET}"})


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_astray_finds_leak_in_each_encoding(encoding: str, notes: Notes) -> None:
    for kind in Kind:
        for place in FORBIDDEN_PLACES:
            canaries = Canaries()
            canaries.record_response(1, RESPONSE_WITH_SECRET)
            word = SECRET.rpartition(".")[2].rpartition("_")[0] if kind is Kind.SECRET else canaries.new_word(kind)

            canaries.record(place, f'{{"said": "{ENCODINGS[encoding](word)}"}}')

            assert canaries.misplaced() == {(kind, place)}
    notes.passed(f"control: a leak put in on purpose, {encoding}", kinds=len(Kind), places=len(FORBIDDEN_PLACES))


def test_astray_finds_secret_in_second_response_or_other_email() -> None:
    canaries = Canaries()
    canaries.record_response(1, RESPONSE_WITH_SECRET)
    assert canaries.misplaced() == set()

    canaries.record_response(2, RESPONSE_WITH_SECRET)
    canaries.record_response(3, json.dumps({"links": [SECRET]}))
    canaries.record("OUTBOX", SECRET)

    assert canaries.misplaced() == {
        (Kind.SECRET, place) for place in ("response", "first response, of another", "OUTBOX")
    }
