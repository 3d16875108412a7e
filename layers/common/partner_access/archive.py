"""The way out to what nobody can change: seals, signed by a key that never leaves KMS, in storage that is locked."""

import os
from base64 import b64encode
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from partner_access.domain.seals import Seal, Statement

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

LEAVES_KEPT_FOR: Final = timedelta(days=35)
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
        Bucket=os.environ["SEALS_BUCKET"],
        Key=f"leaves/{root}.json",
        Body=leaves,
        ContentType="application/json",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=at + LEAVES_KEPT_FOR,
    )


def keep(seal: Seal) -> bytes:
    """Keep a seal for as long as seals are kept, where nobody can delete or overwrite it; what is kept by its number.

    There is one of each number: when somebody has kept another, that one stands.
    """
    bucket, key, written = os.environ["SEALS_BUCKET"], f"seals/{seal.number}.json", seal.written()
    try:
        storage().put_object(
            Bucket=bucket,
            Key=key,
            Body=written,
            ContentType="application/json",
            IfNoneMatch="*",
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=seal.at + timedelta(days=int(os.environ["SEAL_RETENTION_DAYS"])),
        )
    except ClientError as refused:
        if refused.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.PRECONDITION_FAILED:
            raise
        return storage().get_object(Bucket=bucket, Key=key)["Body"].read()
    return written
