"""Tests of signing the audit log under faults: the signed tree heads form one chain, each is signed and locked."""

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
from partner_access.domain.audit.hash_chain import GENESIS_HASH, ChainHead, canonical_json
from partner_access.store import dynamo, keys
from partner_access.store.audit import tree_heads as stored
from tests.support import faults
from tests.support.background_functions import SIGN_AUDIT_LOG, WORKER, Clock, metric_counts, run_function
from tests.support.builders import CLIENT, PARTNER
from tests.support.fake_tree_head_store import RETENTION_DAYS, FakeTreeHeadStore, fake_tree_head_store
from tests.support.races import before_commit
from tests.support.table import Table


@pytest.fixture
def store(table: Table) -> Iterator[FakeTreeHeadStore]:
    with fake_tree_head_store() as found:
        yield found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Clock(monkeypatch, WORKER)


def sign_audit_log() -> None:
    assert run_function(SIGN_AUDIT_LOG, {"ignored": True}) is None


def store_chain_head(table: Table, entries: int, account_id: str = CLIENT) -> ChainHead:
    """Store a hash chain of the account with this number of entries and return its head."""
    head = ChainHead(account_id=account_id, entries=entries, chain_hash=f"{entries:064x}")
    table.put(keys.chain_head(account_id), dict(head))
    return head


def is_signed(tree_head: dict[str, Any], pem: str) -> bool:
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, EllipticCurvePublicKey)
    signed_bytes = canonical_json({name: value for name, value in tree_head.items() if name != "signature"})
    try:
        key.verify(base64.b64decode(tree_head["signature"]), signed_bytes, ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def assert_one_chain(table: Table, store: FakeTreeHeadStore) -> list[dict[str, Any]]:
    """Assert that the signed tree heads form one chain that ends at the latest one in the table, and return them.

    Each head must have a valid signature, match the root over its leaves, and name the hash of its predecessor.
    """
    signed_heads = store.tree_heads()
    before = GENESIS_HASH
    for number, each in enumerate(signed_heads, 1):
        heads = [ChainHead(**head) for head in json.loads(store.read(f"leaves/{each['root']}.json"))]
        assert (each["number"], each["previous"], each["accounts"]) == (number, before, len(heads))
        assert tree_heads.root_hash(tree_heads.leaf_hashes(heads)).hex() == each["root"]
        assert is_signed(each, store.pem)
        before = sha256(store.read(f"tree-heads/{number}.json")).hexdigest()
    assert stored.latest().tree_head_hash == before
    return signed_heads


def test_sign_audit_log_signs_new_entries_once(
    table: Table, store: FakeTreeHeadStore, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_audit_log()
    assert store.names() == []

    heads = [store_chain_head(table, 2), store_chain_head(table, 5, PARTNER)]
    sign_audit_log()
    sign_audit_log()

    (first,) = assert_one_chain(table, store)
    assert first["root"] == tree_heads.root_hash(tree_heads.leaf_hashes(heads)).hex()
    assert metric_counts(capsys.readouterr().out)["TreeHeadSigned"] == 1

    store_chain_head(table, 3)
    sign_audit_log()
    assert len(assert_one_chain(table, store)) == 2


def test_sign_audit_log_signs_again_after_a_day_without_entries(
    table: Table, store: FakeTreeHeadStore, clock: Clock
) -> None:
    store_chain_head(table, 1)
    sign_audit_log()
    clock.advance(days=1)
    sign_audit_log()

    first, second = assert_one_chain(table, store)
    assert first["root"] == second["root"]


def test_sign_audit_log_locks_tree_head_for_the_retention_period(
    table: Table, store: FakeTreeHeadStore, clock: Clock
) -> None:
    store_chain_head(table, 1)
    sign_audit_log()

    head_object = store.storage.head_object(Bucket=store.bucket, Key="tree-heads/1.json")
    assert head_object["ObjectLockMode"] == "COMPLIANCE"
    assert head_object["ObjectLockRetainUntilDate"] - clock.time == timedelta(days=RETENTION_DAYS)
    with pytest.raises(ClientError, match="AccessDenied"):
        store.storage.delete_object(Bucket=store.bucket, Key="tree-heads/1.json", VersionId=head_object["VersionId"])


@pytest.mark.parametrize("fault", [faults.killed_before, faults.killed_after, faults.response_lost])
@pytest.mark.parametrize("call", range(4))
def test_sign_audit_log_interrupted_at_any_call_is_completed_by_next_run(
    table: Table, store: FakeTreeHeadStore, clock: Clock, fault: faults.Fault, call: int
) -> None:
    """Interrupt one of the four calls of a run: leaves, signature, signed tree head, update of the table."""
    client, operation = [
        (tree_head_store.s3_client(), "PutObject"),
        (tree_head_store.kms_client(), "Sign"),
        (tree_head_store.s3_client(), "PutObject"),
        (dynamo.client(), "TransactWriteItems"),
    ][call]
    store_chain_head(table, 1)
    plan = [faults.succeeds, fault] if call == 2 else [fault]

    with _inject(client, operation, plan):
        try:
            sign_audit_log()
        except faults.Killed:
            store_chain_head(table, 2)
    sign_audit_log()
    sign_audit_log()

    assert (
        assert_one_chain(table, store)[-1]["root"]
        == tree_heads.root_hash(tree_heads.leaf_hashes(stored.chain_heads())).hex()
    )


def _inject(client: Any, operation: str, plan: Sequence[faults.Fault]) -> Any:
    """Apply the faults of the plan to the attempts in order.

    Requests to S3 are not JSON, so the faults cannot read them.
    """
    waiting = iter(plan)

    def answer(request_body: Any, send: faults.Send) -> AWSResponse:
        return next(waiting, faults.succeeds)(request_body, send)

    return faults.replace_calls(client, operation, answer)


def test_sign_audit_log_with_concurrent_runs_produces_one_chain(
    table: Table, store: FakeTreeHeadStore, clock: Clock
) -> None:
    store_chain_head(table, 1)

    def meanwhile() -> None:
        store_chain_head(table, 2)
        sign_audit_log()
        store_chain_head(table, 3)

    with _before_signing(meanwhile):
        sign_audit_log()

    first, second = assert_one_chain(table, store)
    assert (first["root"], second["root"]) == tuple(
        tree_heads.root_hash(
            tree_heads.leaf_hashes([ChainHead(account_id=CLIENT, entries=entries, chain_hash=f"{entries:064x}")])
        ).hex()
        for entries in (2, 3)
    )


@contextmanager
def _before_signing(change: Callable[[], None]) -> Iterator[None]:
    """Call `change` once, just before the next call of KMS Sign."""
    waiting = [change]

    def interrupt(**_: Any) -> None:
        if waiting:
            waiting.pop()()

    events = tree_head_store.kms_client().meta.events
    events.register("before-call.kms.Sign", interrupt)
    try:
        yield
    finally:
        events.unregister("before-call.kms.Sign", interrupt)


def test_sign_audit_log_with_same_tree_head_recorded_concurrently_changes_nothing(
    table: Table, store: FakeTreeHeadStore, clock: Clock
) -> None:
    store_chain_head(table, 1)

    with before_commit(sign_audit_log):
        sign_audit_log()

    assert len(assert_one_chain(table, store)) == 1


def test_sign_audit_log_after_tree_head_that_breaks_the_chain_raises(
    table: Table, store: FakeTreeHeadStore, clock: Clock
) -> None:
    store_chain_head(table, 1)
    sign_audit_log()
    store.storage.put_object(Bucket=store.bucket, Key="tree-heads/2.json", Body=store.read("tree-heads/1.json"))
    store_chain_head(table, 2)

    with pytest.raises(ValueError, match="signed tree head 1 does not follow 1"):
        sign_audit_log()

    assert stored.latest().number == 1


def forged_tree_head(previous: dict[str, Any]) -> bytes:
    """Return the next tree head, signed by an attacker who can write to the bucket and has another key."""
    other = tree_head_store.kms_client().create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"][
        "Arn"
    ]
    statement = tree_heads.TreeHead.model_validate(
        {
            **{name: value for name, value in previous.items() if name != "signature"},
            "number": previous["number"] + 1,
            "previous": sha256(canonical_json(previous)).hexdigest(),
            "key_id": other,
        }
    )
    return tree_head_store.sign(statement).to_stored_json()


def test_sign_audit_log_after_tree_head_signed_by_another_key_raises(
    table: Table, store: FakeTreeHeadStore, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    store_chain_head(table, 1)
    sign_audit_log()
    forged = forged_tree_head(store.tree_heads()[0])
    assert stored.latest().followed_by(forged).number == 2
    store.storage.put_object(Bucket=store.bucket, Key="tree-heads/2.json", Body=forged)
    store_chain_head(table, 2)
    capsys.readouterr()

    for _ in range(2):
        with pytest.raises(ValueError, match="signed tree head 2 is not signed by arn:"):
            sign_audit_log()

    assert stored.latest().number == 1
    assert "TreeHeadSigned" not in metric_counts(capsys.readouterr().out)
    assert [name for name in store.names() if name.startswith("tree-heads/")] == [
        "tree-heads/1.json",
        "tree-heads/2.json",
    ]


def test_sign_audit_log_with_conflicting_write_of_same_tree_head_succeeds(
    table: Table, store: FakeTreeHeadStore, clock: Clock
) -> None:
    store_chain_head(table, 1)

    def wrote_by_another(_: Any, send: faults.Send) -> AWSResponse:
        send()
        return faults.responds(409, {})

    with _inject(tree_head_store.s3_client(), "PutObject", [faults.succeeds, wrote_by_another]):
        sign_audit_log()

    assert len(assert_one_chain(table, store)) == 1


@pytest.mark.parametrize("works", [0, 1])
def test_sign_audit_log_with_unavailable_storage_raises_and_records_nothing(
    table: Table, store: FakeTreeHeadStore, clock: Clock, works: int
) -> None:
    store_chain_head(table, 1)
    plan = [*[faults.succeeds] * works, *[lambda *_: faults.responds(503, {})] * 9]

    with _inject(tree_head_store.s3_client(), "PutObject", plan), pytest.raises(ClientError):
        sign_audit_log()

    assert stored.latest().number == 0


def test_sign_audit_log_without_latest_record_recovers_it_from_storage(
    table: Table, store: FakeTreeHeadStore, clock: Clock
) -> None:
    for entries in range(1, 6):
        store_chain_head(table, entries)
        sign_audit_log()
    table.remove(keys.latest_tree_head())

    sign_audit_log()
    assert stored.latest().number == 3
    sign_audit_log()

    assert len(assert_one_chain(table, store)) == 5
