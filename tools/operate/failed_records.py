"""Read the records that stream consumers could not process for a day.

Lambda writes them to a bucket in whole batches, each with the function that failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

from tools.operate.stack import translate_errors

FUNCTION_NAME_INDEX: Final = 6
"""Index of the function's name among the parts of its ARN."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    records: Annotated[tuple[Mapping[str, Any], ...], Field(validation_alias="Records")]


class _Context(BaseModel):
    model_config = ConfigDict(frozen=True)

    function: Annotated[str, Field(validation_alias="functionArn", pattern=r"^(?:[^:]*:){6}[^:]+")]


class _Document(BaseModel):
    """A failed batch as Lambda writes it to an S3 destination.

    The payload is a JSON object, or a string that contains one.
    """

    model_config = ConfigDict(frozen=True)

    context: Annotated[_Context, Field(validation_alias="requestContext")]
    timestamp: datetime
    payload: Json[_Event] | _Event


@dataclass(frozen=True, slots=True)
class FailedBatch:
    """A batch of failed records: its object name, the function that failed, and the time of the failure.

    `function` is empty when Lambda did not write the object.
    """

    name: str
    function: str
    since: datetime
    records: tuple[Mapping[str, Any], ...]


def failed_batches(storage: Any, bucket: str) -> list[FailedBatch]:
    """Return all batches in the bucket, oldest first."""
    with translate_errors(f"The failed records in {bucket} cannot be read"):
        pages = storage.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        objects = [(each["Key"], each["LastModified"]) for page in pages for each in page.get("Contents", ())]
        found = [
            _batch(name, since, storage.get_object(Bucket=bucket, Key=name)["Body"].read()) for name, since in objects
        ]
    return sorted(found, key=lambda batch: (batch.since, batch.name))


def _batch(name: str, since: datetime, content: bytes) -> FailedBatch:
    try:
        document = _Document.model_validate_json(content)
    except ValidationError:
        return FailedBatch(name, "", since, ())
    function = document.context.function.split(":")[FUNCTION_NAME_INDEX]
    return FailedBatch(name, function, document.timestamp, document.payload.records)
