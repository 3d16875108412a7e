"""Secrets, addresses, names, purposes and reasons are where they belong after any story, and nowhere else (G10)."""

import base64
import gzip
import json
import os
import zlib
from collections.abc import Callable
from random import Random

import pytest

from partner_access.domain.links.secrets import Secret
from tests.proofs.fuzz.canaries import BELONGS, SILENT, Canaries, Kind, Whispers, listening
from tests.support.background_functions import CLEAN_UP, EXPIRE_LINKS, SEND_LETTERS, Clock, logged
from tests.support.builders import LINK, PARTNER
from tests.support.table import Table
from tools.proof.notes import Notes

SEED = int(os.environ.get("SEED", "1"))
CLOCKED = ("partner_access.api.routing", EXPIRE_LINKS, CLEAN_UP, SEND_LETTERS)
SHORT, LONG = 20, 100
STORIES = 6
ALWAYS = (Kind.ADDRESS, Kind.NAME)
"""Told in any story, however short: the others have doors of their own."""


@pytest.mark.parametrize("story", range(STORIES if "PROOFS" in os.environ else 1))
def test_nothing_private_is_where_it_does_not_belong(
    table: Table,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    notes: Notes,
    *,
    whole: bool,
    story: int,
) -> None:
    caplog.set_level("INFO")
    canaries = Canaries()
    with listening(canaries) as post:
        acts = Whispers(table, Clock(monkeypatch, *CLOCKED), Random(SEED + story), canaries=canaries, post=post)
        acts.begin()
        for _ in range(LONG if whole else SHORT):
            acts.one()
        acts.follows()
    written = capsys.readouterr()
    canaries.hear("log", written.out + written.err + json.dumps(logged(caplog)))

    places = canaries.places()
    assert canaries.astray() == set()
    assert canaries.said.keys() >= (SILENT if whole else SILENT - {"exception"})
    assert all(places[kind] for kind in (Kind if whole else ALWAYS)), "a kind that is nowhere was not looked for"
    if whole:
        assert places == BELONGS
    notes.tried(
        f"canaries in every place where something is said, seed {SEED + story}",
        acts=LONG if whole else SHORT,
        words=len(canaries.words),
        texts=sum(map(len, canaries.said.values())),
    )


PACKS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in other letters": str.upper,
    "in an address": lambda word: word.replace("@", "%40").replace(" ", "%20"),
    "in base64": lambda word: base64.b64encode(word.encode()).decode(),
    "compressed": lambda word: base64.b64encode(zlib.compress(word.encode())).decode(),
    "zipped": lambda word: base64.b64encode(gzip.compress(word.encode())).decode(),
    "in base64 twice": lambda word: base64.b64encode(base64.b64encode(f"so: {word}".encode())).decode(),
    "in characters by their numbers": lambda word: "".join(f"\\u{ord(each):04x}" for each in word),
}
SECRET = Secret.write(PARTNER, LINK, "a-secret-that-nobody-else-could-ever-think-of")
TOLD = json.dumps({"url": f"https://access.example.com/approve#{SECRET}"})


@pytest.mark.parametrize("pack", PACKS)
def test_a_leak_is_found_however_it_is_packed(pack: str, notes: Notes) -> None:
    for kind in Kind:
        for place in SILENT:
            canaries = Canaries()
            canaries.hear_answer(1, TOLD)
            word = SECRET.rpartition(".")[2].rpartition("_")[0] if kind is Kind.SECRET else canaries.word(kind)

            canaries.hear(place, f'{{"said": "{PACKS[pack](word)}"}}')

            assert canaries.astray() == {(kind, place)}
    notes.tried(f"control: a leak put in on purpose, {pack}", kinds=len(Kind), places=len(SILENT))


def test_a_secret_that_a_second_answer_or_another_letter_tells_is_found() -> None:
    canaries = Canaries()
    canaries.hear_answer(1, TOLD)
    assert canaries.astray() == set()

    canaries.hear_answer(2, TOLD)
    canaries.hear_answer(3, json.dumps({"links": [SECRET]}))
    canaries.hear("OUTBOX", SECRET)

    assert canaries.astray() == {
        (Kind.SECRET, place) for place in ("answer", "answer that made it, of another", "OUTBOX")
    }
