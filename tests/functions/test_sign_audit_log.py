"""The sealer under everything that can go wrong: one row of seals, each signed, locked, and after the one before."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from partner_access import tree_head_store
from partner_access.domain.audit import tree_heads
from partner_access.domain.audit.hash_chain import NOTHING, Head, canonical
from partner_access.store import dynamo, keys
from partner_access.store.audit import tree_heads as stored
from tests.support import faults
from tests.support.background_functions import SEAL_TRAIL, Clock, counts, run
from tests.support.builders import CLIENT, PARTNER
from tests.support.fake_tree_head_store import RETENTION_DAYS, Vault, vault
from tests.support.races import before_commit
from tests.support.table import Table


@pytest.fixture
def kept(table: Table) -> Iterator[Vault]:
    with vault() as found:
        yield found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Clock(monkeypatch, SEAL_TRAIL)


def seal() -> None:
    assert run(SEAL_TRAIL, {"ignored": True}) is None


def comes(table: Table, entries: int, account_id: str = CLIENT) -> Head:
    """The chain of an account has so many entries now."""
    head = Head(account_id=account_id, entries=entries, chain_hash=f"{entries:064x}")
    table.put(keys.head(account_id), dict(head))
    return head


def is_signed(seal: dict[str, Any], pem: str) -> bool:
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, EllipticCurvePublicKey)
    said = canonical({name: value for name, value in seal.items() if name != "signature"})
    try:
        key.verify(base64.b64decode(seal["signature"]), said, ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def must_be_one_row(table: Table, kept: Vault) -> list[dict[str, Any]]:
    """Every seal is signed, covers what lies under its root, and follows the one before; the table knows the last."""
    found = kept.seals()
    before = NOTHING
    for number, each in enumerate(found, 1):
        heads = [Head(**head) for head in json.loads(kept.read(f"leaves/{each['root']}.json"))]
        assert (each["number"], each["previous"], each["accounts"]) == (number, before, len(heads))
        assert tree_heads.root(tree_heads.leaves_of(heads)).hex() == each["root"]
        assert is_signed(each, kept.pem)
        before = sha256(kept.read(f"tree-heads/{number}.json")).hexdigest()
    assert stored.latest().tree_head_hash == before
    return found


def test_what_has_come_is_sealed_and_nothing_is_sealed_twice(
    table: Table, kept: Vault, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    seal()
    assert kept.names() == []

    heads = [comes(table, 2), comes(table, 5, PARTNER)]
    seal()
    seal()

    (first,) = must_be_one_row(table, kept)
    assert first["root"] == tree_heads.root(tree_heads.leaves_of(heads)).hex()
    assert counts(capsys.readouterr().out)["TreeHeadSigned"] == 1

    comes(table, 3)
    seal()
    assert len(must_be_one_row(table, kept)) == 2


def test_a_quiet_day_is_sealed_too(table: Table, kept: Vault, clock: Clock) -> None:
    comes(table, 1)
    seal()
    clock.passes(days=1)
    seal()

    first, second = must_be_one_row(table, kept)
    assert first["root"] == second["root"]


def test_a_seal_is_locked_for_as_long_as_seals_are_kept(table: Table, kept: Vault, clock: Clock) -> None:
    comes(table, 1)
    seal()

    told = kept.storage.head_object(Bucket=kept.bucket, Key="tree-heads/1.json")
    assert told["ObjectLockMode"] == "COMPLIANCE"
    assert told["ObjectLockRetainUntilDate"] - clock.time == timedelta(days=RETENTION_DAYS)
    with pytest.raises(ClientError, match="AccessDenied"):
        kept.storage.delete_object(Bucket=kept.bucket, Key="tree-heads/1.json", VersionId=told["VersionId"])


@pytest.mark.parametrize("fault", [faults.kills_before, faults.kills_after, faults.goes_unanswered])
@pytest.mark.parametrize("call", range(4))
def test_wherever_a_run_is_cut_off_the_next_one_goes_on(
    table: Table, kept: Vault, clock: Clock, fault: faults.Fault, call: int
) -> None:
    """The calls of a run: leaves, signature, seal, note."""
    client, operation = [
        (tree_head_store.storage(), "PutObject"),
        (tree_head_store.signer(), "Sign"),
        (tree_head_store.storage(), "PutObject"),
        (dynamo.client(), "TransactWriteItems"),
    ][call]
    comes(table, 1)
    plan = [faults.works, fault] if call == 2 else [fault]

    with _at(client, operation, plan):
        try:
            seal()
        except faults.Killed:
            comes(table, 2)
    seal()
    seal()

    assert must_be_one_row(table, kept)[-1]["root"] == tree_heads.root(tree_heads.leaves_of(stored.heads())).hex()


def _at(client: Any, operation: str, plan: Sequence[faults.Fault]) -> Any:
    """Storage speaks no JSON: faults are told of attempts, and not of what they ask."""
    waiting = iter(plan)

    def answer(request: Any, send: faults.Send) -> AWSResponse:
        return next(waiting, faults.works)(request, send)

    return faults.instead(client, operation, answer)


def test_two_sealers_side_by_side_make_one_row(table: Table, kept: Vault, clock: Clock) -> None:
    comes(table, 1)

    def meanwhile() -> None:
        comes(table, 2)
        seal()
        comes(table, 3)

    with _before_signing(meanwhile):
        seal()

    first, second = must_be_one_row(table, kept)
    assert (first["root"], second["root"]) == tuple(
        tree_heads.root(
            tree_heads.leaves_of([Head(account_id=CLIENT, entries=entries, chain_hash=f"{entries:064x}")])
        ).hex()
        for entries in (2, 3)
    )


@contextmanager
def _before_signing(happens: Callable[[], None]) -> Iterator[None]:
    """Just before the next signature is asked for."""
    waiting = [happens]

    def interrupt(**_: Any) -> None:
        if waiting:
            waiting.pop()()

    events = tree_head_store.signer().meta.events
    events.register("before-call.kms.Sign", interrupt)
    try:
        yield
    finally:
        events.unregister("before-call.kms.Sign", interrupt)


def test_whoever_notes_the_same_seal_later_leaves_it_at_that(table: Table, kept: Vault, clock: Clock) -> None:
    comes(table, 1)

    with before_commit(seal):
        seal()

    assert len(must_be_one_row(table, kept)) == 1


def test_a_seal_that_does_not_follow_is_not_gone_on_from(table: Table, kept: Vault, clock: Clock) -> None:
    comes(table, 1)
    seal()
    kept.storage.put_object(Bucket=kept.bucket, Key="tree-heads/2.json", Body=kept.read("tree-heads/1.json"))
    comes(table, 2)

    with pytest.raises(ValueError, match="seal 1 does not follow seal 1"):
        seal()

    assert stored.latest().number == 1


def a_forged(seal: dict[str, Any]) -> bytes:
    """The next seal, by somebody who may write to the bucket and has a key of his own."""
    other = tree_head_store.signer().create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    statement = tree_heads.Statement.model_validate(
        {
            **{name: value for name, value in seal.items() if name != "signature"},
            "number": seal["number"] + 1,
            "previous": sha256(canonical(seal)).hexdigest(),
            "key_id": other,
        }
    )
    return tree_head_store.sign(statement).written()


def test_a_seal_that_another_key_signed_is_not_gone_on_from_though_it_follows(
    table: Table, kept: Vault, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    comes(table, 1)
    seal()
    forged = a_forged(kept.seals()[0])
    assert stored.latest().followed_by(forged).number == 2
    kept.storage.put_object(Bucket=kept.bucket, Key="tree-heads/2.json", Body=forged)
    comes(table, 2)
    capsys.readouterr()

    for _ in range(2):
        with pytest.raises(ValueError, match="seal 2 is not signed by arn:"):
            seal()

    assert stored.latest().number == 1
    assert "TreeHeadSigned" not in counts(capsys.readouterr().out)
    assert [name for name in kept.names() if name.startswith("tree-heads/")] == [
        "tree-heads/1.json",
        "tree-heads/2.json",
    ]


def test_two_writes_of_one_seal_at_the_same_moment_are_one_seal(table: Table, kept: Vault, clock: Clock) -> None:
    comes(table, 1)

    def wrote_by_another(_: Any, send: faults.Send) -> AWSResponse:
        send()
        return faults.responds(409, {})

    with _at(tree_head_store.storage(), "PutObject", [faults.works, wrote_by_another]):
        seal()

    assert len(must_be_one_row(table, kept)) == 1


@pytest.mark.parametrize("works", [0, 1])
def test_storage_that_does_not_answer_is_an_error_and_no_seal(
    table: Table, kept: Vault, clock: Clock, works: int
) -> None:
    comes(table, 1)
    plan = [*[faults.works] * works, *[lambda *_: faults.responds(503, {})] * 9]

    with _at(tree_head_store.storage(), "PutObject", plan), pytest.raises(ClientError):
        seal()

    assert stored.latest().number == 0


def test_a_row_that_the_table_forgot_is_found_again(table: Table, kept: Vault, clock: Clock) -> None:
    for entries in range(1, 6):
        comes(table, entries)
        seal()
    table.remove(keys.latest_seal())

    seal()
    assert stored.latest().number == 3
    seal()

    assert len(must_be_one_row(table, kept)) == 5
