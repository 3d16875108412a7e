"""Immutable storage of signed tree heads: signatures by a KMS key, objects in S3 with Object Lock."""

from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from partner_access import settings
from partner_access.domain.audit.tree_heads import SignedTreeHead, TreeHead

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

LEAF_RETENTION: Final = timedelta(days=35)
NUMBER_TAKEN: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED})
"""HTTP statuses that mean that a tree head with this number exists or is being written by a concurrent run."""
SETTINGS: Final = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


@cache
def s3_client() -> "S3Client":
    """Return the S3 client of this process."""
    return boto3.client("s3", config=SETTINGS)


@cache
def kms_client() -> "KMSClient":
    """Return the KMS client of this process."""
    return boto3.client("kms", config=SETTINGS)


def sign(tree_head: TreeHead) -> SignedTreeHead:
    """Sign the tree head. The key never leaves KMS."""
    response = kms_client().sign(
        KeyId=tree_head.key_id,
        Message=tree_head.bytes_to_sign(),
        MessageType="RAW",
        SigningAlgorithm="ECDSA_SHA_256",
    )
    return tree_head.with_signature(b64encode(response["Signature"]).decode())


def store_leaves(root: str, leaves: bytes, at: datetime) -> None:
    """Store the leaves under their root hash, locked for 35 days. Storing the same leaves again is harmless."""
    s3_client().put_object(
        Bucket=settings.tree_heads_bucket(),
        Key=f"leaves/{root}.json",
        Body=leaves,
        ContentType="application/json",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=at + LEAF_RETENTION,
    )


def store(tree_head: SignedTreeHead) -> bytes:
    """Store a signed tree head, locked for its retention period, and return the one stored under its number.

    There is only one tree head of each number. If one with a valid signature of our key is already stored, it is
    returned. Any other one is an error on each run. No number is skipped, and signing stops until an operator steps in.
    """
    bucket, key, written = (
        settings.tree_heads_bucket(),
        f"tree-heads/{tree_head.number}.json",
        tree_head.to_stored_json(),
    )
    try:
        s3_client().put_object(
            Bucket=bucket,
            Key=key,
            Body=written,
            ContentType="application/json",
            IfNoneMatch="*",
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=tree_head.at + timedelta(days=settings.tree_head_retention_days()),
        )
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] not in NUMBER_TAKEN:
            raise
        existing = s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()
        _verify_signature(SignedTreeHead.model_validate_json(existing), key_id=tree_head.key_id)
        return existing
    return written


def _verify_signature(tree_head: SignedTreeHead, *, key_id: str) -> None:
    """Verify the signature with this key, whichever key the tree head names."""
    response = kms_client().verify(
        KeyId=key_id,
        Message=tree_head.bytes_to_sign(),
        MessageType="RAW",
        Signature=b64decode(tree_head.signature),
        SigningAlgorithm="ECDSA_SHA_256",
    )
    if not response["SignatureValid"]:
        raise ValueError(f"signed tree head {tree_head.number} is not signed by {key_id}")
