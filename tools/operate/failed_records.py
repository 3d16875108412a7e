"""What the readers of the stream gave up after a day, in its bucket: whole batches, each with the function that failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

from tools.operate.stack import explained

FUNCTION: Final = 6
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
class Batch:
    """Records that lie there: under which name, of which function, since when; no function where it is none of Lambda's."""

    name: str
    function: str
    since: datetime
    records: tuple[Mapping[str, Any], ...]


def given_up(storage: Any, bucket: str) -> list[Batch]:
    """All of them, oldest first."""
    with explained(f"What was given up, in {bucket}, cannot be read"):
        pages = storage.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        kept = [(each["Key"], each["LastModified"]) for page in pages for each in page.get("Contents", ())]
        found = [
            _batch(name, since, storage.get_object(Bucket=bucket, Key=name)["Body"].read()) for name, since in kept
        ]
    return sorted(found, key=lambda batch: (batch.since, batch.name))


def _batch(name: str, since: datetime, written: bytes) -> Batch:
    try:
        told = _Document.model_validate_json(written)
    except ValidationError:
        return Batch(name, "", since, ())
    function = told.context.function.split(":")[FUNCTION]
    return Batch(name, function, told.timestamp, told.payload.records)
