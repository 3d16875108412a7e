"""Validation of events against the published schemas."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry

SCHEMAS: Final = Path(__file__).parents[2] / "events/schemas"
ENVELOPE: Final = "urn:partner-access:cloudevent:1"
DEFINITIONS: Final = "urn:partner-access:definitions:1"

Json = dict[str, Any]


@cache
def schemas_by_id() -> dict[str, Json]:
    """Return all schemas by their `$id`."""
    found = (json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json"))
    return {each["$id"]: each for each in found}


@cache
def _validator(name: str) -> Validator:
    registry: Registry[Any] = Registry().with_contents(schemas_by_id().items())
    return Draft202012Validator(schemas_by_id()[name], registry=registry)


def validation_errors(event: Json) -> list[str]:
    """Return the validation errors of an event's envelope and data. An empty list means that the event is valid."""
    errors = [*_validator(ENVELOPE).iter_errors(event), *_validator(event["dataschema"]).iter_errors(event["data"])]
    return [f"{event['type']}: {error.json_path}: {error.message}" for error in errors]
