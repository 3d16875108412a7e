"""Fake tree head store: a new bucket with object lock for each test, and a signing key, both in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, s3_backends

from partner_access import tree_head_store

RETENTION_DAYS = 400
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class FakeTreeHeadStore:
    """The stored tree heads as a reader of the bucket finds them."""

    bucket: str
    key_id: str
    storage: Any
    signer: Any

    @property
    def pem(self) -> str:
        """The public key in PEM format."""
        found = load_der_public_key(self.signer.get_public_key(KeyId=self.key_id)["PublicKey"])
        return found.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def names(self) -> list[str]:
        return [each["Key"] for each in self.storage.list_objects_v2(Bucket=self.bucket).get("Contents", ())]

    def read(self, name: str) -> bytes:
        found: bytes = self.storage.get_object(Bucket=self.bucket, Key=name)["Body"].read()
        return found

    def delete_versions(self, name: str) -> None:
        """Delete all versions of an object, as after their retention time."""
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[self.bucket].keys.pop(name)

    def make_older(self, name: str, *, days_ago: int) -> None:
        """Make an object older by this number of days."""
        (version,) = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[self.bucket].keys.getlist(name)
        version.last_modified -= timedelta(days=days_ago)

    def tree_heads(self) -> list[dict[str, Any]]:
        """Return the signed tree heads in the order of their numbers."""
        found = [json.loads(self.read(name)) for name in self.names() if name.startswith("tree-heads/")]
        return sorted(found, key=lambda tree_head: int(tree_head["number"]))


@contextmanager
def fake_tree_head_store() -> Iterator[FakeTreeHeadStore]:
    """Create the bucket and the key, and name them in the environment. Must run inside moto's mock."""
    storage, signer = tree_head_store.s3_client(), tree_head_store.kms_client()
    bucket = f"tree-heads-{next(_numbers)}"
    storage.create_bucket(
        Bucket=bucket,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    key = signer.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    with pytest.MonkeyPatch.context() as patch:
        # moto copies the objects it lists and does not close the copies
        patch.setattr(FakeKey, "__deepcopy__", lambda version, _: version, raising=False)
        patch.setenv("TREE_HEADS_BUCKET", bucket)
        patch.setenv("TREE_HEAD_SIGNING_KEY", key)
        patch.setenv("TREE_HEAD_RETENTION_DAYS", str(RETENTION_DAYS))
        yield FakeTreeHeadStore(bucket, key, storage, signer)
    for versions in dict.values(s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys):
        for version in versions:
            if isinstance(version, FakeKey):
                version.dispose()
