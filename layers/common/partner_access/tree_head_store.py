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

from partner_access.domain.audit.tree_heads import Seal, Statement

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

LEAVES_KEPT_FOR: Final = timedelta(days=35)
TAKEN: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED})
"""A conflict is somebody who writes the same seal at this moment."""
SETTINGS: Final = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


@cache
def storage() -> "S3Client":
    """One per process."""
    return boto3.client("s3", config=SETTINGS)


@cache
def signer() -> "KMSClient":
    """One per process."""
    return boto3.client("kms", config=SETTINGS)


def sign(statement: Statement) -> Seal:
    """The statement with its signature."""
    answer = signer().sign(
        KeyId=statement.key_id,
        Message=statement.to_sign(),
        MessageType="RAW",
        SigningAlgorithm="ECDSA_SHA_256",
    )
    return statement.signed(b64encode(answer["Signature"]).decode())


def keep_leaves(root: str, leaves: bytes, at: datetime) -> None:
    """All heads under their root, where nobody can delete them before it is time; the same again is the same."""
    storage().put_object(
        Bucket=os.environ["TREE_HEADS_BUCKET"],
        Key=f"leaves/{root}.json",
        Body=leaves,
        ContentType="application/json",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=at + LEAVES_KEPT_FOR,
    )


def keep(seal: Seal) -> bytes:
    """Keep a seal for as long as seals are kept, where nobody can delete or overwrite it; what is kept by its number.

    There is one of each number: when one that our key signed is kept already, that one stands. Any other is an error,
    each time again: no number is skipped, and nothing is sealed until a person has looked.
    """
    bucket, key, written = os.environ["TREE_HEADS_BUCKET"], f"tree-heads/{seal.number}.json", seal.written()
    try:
        storage().put_object(
            Bucket=bucket,
            Key=key,
            Body=written,
            ContentType="application/json",
            IfNoneMatch="*",
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=seal.at + timedelta(days=int(os.environ["TREE_HEAD_RETENTION_DAYS"])),
        )
    except ClientError as refused:
        if refused.response["ResponseMetadata"]["HTTPStatusCode"] not in TAKEN:
            raise
        found = storage().get_object(Bucket=bucket, Key=key)["Body"].read()
        _must_be_signed(Seal.model_validate_json(found), by=seal.key_id)
        return found
    return written


def _must_be_signed(seal: Seal, *, by: str) -> None:
    """By this key, whichever key the seal names."""
    answer = signer().verify(
        KeyId=by,
        Message=seal.to_sign(),
        MessageType="RAW",
        Signature=b64decode(seal.signature),
        SigningAlgorithm="ECDSA_SHA_256",
    )
    if not answer["SignatureValid"]:
        raise ValueError(f"seal {seal.number} is not signed by {by}")
