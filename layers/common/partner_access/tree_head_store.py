"""The way out to what nobody can change: seals, signed by a key that never leaves KMS, in storage that is locked."""

import os
from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from partner_access.domain.audit.tree_heads import SignedTreeHead, TreeHead

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

LEAF_RETENTION: Final = timedelta(days=35)
NUMBER_TAKEN: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED})
"""A conflict is somebody who writes the same seal at this moment."""
SETTINGS: Final = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


@cache
def s3_client() -> "S3Client":
    """One per process."""
    return boto3.client("s3", config=SETTINGS)


@cache
def kms_client() -> "KMSClient":
    """One per process."""
    return boto3.client("kms", config=SETTINGS)


def sign(tree_head: TreeHead) -> SignedTreeHead:
    """The statement with its signature."""
    response = kms_client().sign(
        KeyId=tree_head.key_id,
        Message=tree_head.bytes_to_sign(),
        MessageType="RAW",
        SigningAlgorithm="ECDSA_SHA_256",
    )
    return tree_head.with_signature(b64encode(response["Signature"]).decode())


def store_leaves(root: str, leaves: bytes, at: datetime) -> None:
    """All heads under their root, where nobody can delete them before it is time; the same again is the same."""
    s3_client().put_object(
        Bucket=os.environ["TREE_HEADS_BUCKET"],
        Key=f"leaves/{root}.json",
        Body=leaves,
        ContentType="application/json",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=at + LEAF_RETENTION,
    )


def store(tree_head: SignedTreeHead) -> bytes:
    """Keep a seal for as long as seals are kept, where nobody can delete or overwrite it; what is kept by its number.

    There is one of each number: when one that our key signed is kept already, that one stands. Any other is an error,
    each time again: no number is skipped, and nothing is sealed until a person has looked.
    """
    bucket, key, written = (
        os.environ["TREE_HEADS_BUCKET"],
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
            ObjectLockRetainUntilDate=tree_head.at + timedelta(days=int(os.environ["TREE_HEAD_RETENTION_DAYS"])),
        )
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] not in NUMBER_TAKEN:
            raise
        existing = s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()
        _verify_signature(SignedTreeHead.model_validate_json(existing), key_id=tree_head.key_id)
        return existing
    return written


def _verify_signature(tree_head: SignedTreeHead, *, key_id: str) -> None:
    """By this key, whichever key the seal names."""
    response = kms_client().verify(
        KeyId=key_id,
        Message=tree_head.bytes_to_sign(),
        MessageType="RAW",
        Signature=b64decode(tree_head.signature),
        SigningAlgorithm="ECDSA_SHA_256",
    )
    if not response["SignatureValid"]:
        raise ValueError(f"seal {tree_head.number} is not signed by {key_id}")
