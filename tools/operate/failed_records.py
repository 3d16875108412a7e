"""What the readers of the stream gave up after a day, in its bucket: whole batches, each with the function that failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

from tools.operate.stack import translate_errors

FUNCTION_NAME_INDEX: Final = 6
"""Where the name stands among the parts of a function's ARN."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    records: Annotated[tuple[Mapping[str, Any], ...], Field(validation_alias="Records")]


class _Context(BaseModel):
    model_config = ConfigDict(frozen=True)

    function: Annotated[str, Field(validation_alias="functionArn", pattern=r"^(?:[^:]*:){6}[^:]+")]


class _Document(BaseModel):
    """As Lambda writes it to a destination in S3: the event is a string of JSON, or the JSON itself."""

    model_config = ConfigDict(frozen=True)

    context: Annotated[_Context, Field(validation_alias="requestContext")]
    timestamp: datetime
    payload: Json[_Event] | _Event


@dataclass(frozen=True, slots=True)
class FailedBatch:
    """Records that lie there: under which name, of which function, since when; no function where it is none of Lambda's."""

    name: str
    function: str
    since: datetime
    records: tuple[Mapping[str, Any], ...]


def failed_batches(storage: Any, bucket: str) -> list[FailedBatch]:
    """All of them, oldest first."""
    with translate_errors(f"What was given up, in {bucket}, cannot be read"):
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
