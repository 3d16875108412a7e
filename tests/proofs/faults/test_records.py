"""Whatever a stream brings (guarantees.md F23, F24): poison keeps nothing back, and what comes again changes nothing."""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from partner_access.store import keys
from tests.proofs.faults.operations import RECIPIENT, Stage
from tests.support import link_requests
from tests.support.background_functions import SEND_LETTERS, publish_audit_events, run, sweep
from tests.support.builders import CLIENT
from tests.support.seeded_table import COLLEAGUE
from tools.invariants import broken
from tools.proof.notes import Notes

TEXTS = some.text(max_size=12)
VALUES: some.SearchStrategy[Any] = some.recursive(
    some.one_of(TEXTS.map(lambda text: {"S": text}), some.booleans().map(lambda flag: {"BOOL": flag}), some.none()),
    lambda inside: some.one_of(
        some.lists(inside, max_size=2).map(lambda each: {"L": each}),
        some.dictionaries(TEXTS, inside, max_size=2).map(lambda each: {"M": each}),
    ),
    max_leaves=4,
)
KEYS = some.one_of(
    VALUES,
    some.fixed_dictionaries(
        {"pk": VALUES, "sk": some.one_of(VALUES, TEXTS.map(lambda text: {"S": f"NOTIFICATION#{text}"}))}
    ),
)
IMAGES = some.dictionaries(TEXTS, VALUES, max_size=3)
RECORDS = some.lists(some.fixed_dictionaries({}, optional={"Keys": KEYS, "NewImage": IMAGES}), min_size=1, max_size=4)
PLAIN: some.SearchStrategy[Any] = some.one_of(some.none(), some.integers(-9, 9), TEXTS, some.lists(TEXTS, max_size=2))
LETTERS = some.dictionaries(
    some.sampled_from(["kind", "employee_id", "partner_id", "link_id", "account_id", "expires_at"]), PLAIN
)
short = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
long = settings(short, max_examples=60)


def a_letter(stage: Stage) -> dict[str, Any]:
    stage.set()
    assert link_requests.create(employee_id=COLLEAGUE, recipient_email=RECIPIENT).status == 201
    stage.clock.catches_up()
    (letter,) = stage.table.under("OUTBOX#")
    return letter


def test_a_poison_record_keeps_no_letter_back(stage: Stage, notes: Notes, *, whole: bool) -> None:
    tried: Counter[str] = Counter()

    @(long if whole else short)
    @given(RECORDS, some.integers(0, 4))
    def bring(poison: list[Any], place: int) -> None:
        letter = a_letter(stage)
        good = {"Keys": {name: {"S": letter[name]} for name in ("pk", "sk")}}
        images = [*poison[:place], good, *poison[place:]]
        records = [
            {"eventName": "INSERT", "dynamodb": {**image, "SequenceNumber": str(number)}}
            for number, image in enumerate(images)
        ]
        failed = {each["itemIdentifier"] for each in run(SEND_LETTERS, {"Records": records})["batchItemFailures"]}

        assert str(images.index(good)) not in failed
        assert [copy.address for copy in stage.post.sent] == [RECIPIENT]
        assert broken(stage.table.items()) == []
        tried["records"] += len(poison)

    bring()
    notes.tried("F23: records that nobody can read, beside a letter", records=tried["records"])


def test_a_poison_letter_keeps_no_other_back(stage: Stage, notes: Notes, *, whole: bool) -> None:
    tried: Counter[str] = Counter()

    @(long if whole else short)
    @given(LETTERS, PLAIN)
    def lies(letter: dict[str, Any], next_at: object) -> None:
        a_letter(stage)
        name = "0" * 32
        stage.table.put(keys.outbox(name), {"outbox_id": name, "next_at": next_at, "notification": letter})
        for _ in range(2):
            sweep()
            stage.clock.passes(minutes=6)

        assert RECIPIENT in [copy.address for copy in stage.post.sent]
        assert not [each for each in stage.table.under("OUTBOX#") if each["outbox_id"] != name]
        tried["letters"] += 1

    lies()
    notes.tried("F23: letters that nobody can read, beside one that somebody can", letters=tried["letters"])


def test_batches_that_come_again_make_the_same_chain(stage: Stage, notes: Notes, *, whole: bool) -> None:
    stage.set()
    assert link_requests.approve().status == 201
    for _ in range(3):
        assert link_requests.create(employee_id=COLLEAGUE).status == 201
    entries = sorted(stage.entries(), key=lambda item: item["sk"])
    tried: Counter[str] = Counter()

    @(long if whole else short)
    @given(some.lists(some.integers(1, 3), min_size=1, max_size=6), some.data())
    def come(sizes: list[int], data: some.DataObject) -> None:
        for item in (*stage.table.under("CHAIN#"), *stage.table.under("CHAIN_HEAD#")):
            stage.table.remove(keys.Key(item["pk"], item["sk"]))
        end = 0
        for size in [*sizes, len(entries)]:
            start = data.draw(some.integers(0, end), label="again from")
            end = max(end, min(len(entries), start + size))
            publish_audit_events(entries[start : start + size])
            tried["batches"] += 1
        places = Counter(item["pk"] for item in stage.table.under("CHAIN#"))
        assert places == Counter(item["pk"].replace("AUDIT", "CHAIN") for item in entries)
        assert places[f"CHAIN#{CLIENT}"] == 1
        assert broken(stage.table.items()) == []

    come()
    notes.tried("F24: batches of the trail that come again from an earlier place", batches=tried["batches"])
