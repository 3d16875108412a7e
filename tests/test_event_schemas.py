"""Tests of the event schemas: one for each event, without additional properties, with the domain's own values."""

import ast
import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from partner_access.domain.accounts import AccountKind, AccountState, Program
from partner_access.domain.audit.events import RecordSnapshots, cloud_event_of
from partner_access.domain.memberships.members import MemberState, Role, Seat, SuspensionReason
from partner_access.domain.permissions import catalogue
from partner_access.domain.records import audit
from tests.support.builders import CLIENT, EMPLOYEE, PARTNER, a_partner_admin, an_act, an_employee, the_client
from tests.support.schemas import DEFINITIONS, ENVELOPE, SCHEMAS, Json, schemas_by_id, validation_errors

DOMAIN = Path(__file__).parents[1] / "layers/common/partner_access/domain"
COMMON = {"cloudevent", "definitions"}
OPEN_OBJECTS = {f"{ENVELOPE} data", f"{DEFINITIONS} details"}
"""Objects that the schema of each event closes."""


def domain_events() -> set[str]:
    """Return the names of all events in the domain: strings of two parts that are not a permission."""
    texts = {
        node.value
        for path in DOMAIN.rglob("*.py")
        if path.name != "catalogue.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {each for each in texts if re.fullmatch(r"[a-z_]+\.[a-z_]+", each)} - set(catalogue.CATALOGUE)


def schema_objects(schema: Any, name: str = "") -> Iterator[tuple[str, Json]]:
    """Yield each object in a schema with the name of its property."""
    if isinstance(schema, dict):
        yield name, schema
        for key, value in schema.items():
            yield from schema_objects(value, key)
    elif isinstance(schema, list):
        for each in schema:
            yield from schema_objects(each, name)


def event_schemas() -> dict[str, Json]:
    """Return the schemas of events by name."""
    return {schema["title"]: schema for name, schema in schemas_by_id().items() if name not in {ENVELOPE, DEFINITIONS}}


def event_with_details(**details: Any) -> Json:
    about = {"employee_id": EMPLOYEE, "grant_id": "grt_2", **details}
    entry = audit("grant.expired", an_act(), CLIENT, PARTNER, **about)
    now = RecordSnapshots.of(the_client(), a_partner_admin(), an_employee())
    found: Json = json.loads(cloud_event_of(entry, CLIENT, 1, now).to_json())
    return found


def test_every_event_has_a_schema_and_every_schema_an_event() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} - COMMON == domain_events()


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_event_schema_is_valid_and_has_its_name(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))

    Draft202012Validator.check_schema(schema)
    assert re.fullmatch(rf"urn:partner-access:{re.escape(path.stem)}:[0-9]+", schema["$id"])
    if path.stem not in COMMON:
        assert schema["title"] == schema["properties"]["event"]["const"] == path.stem
        assert schema["description"].endswith(".")


@pytest.mark.parametrize("name", sorted(schemas_by_id()))
def test_event_schema_objects_are_closed_and_references_resolve(name: str) -> None:
    for part, schema in schema_objects(schemas_by_id()[name]):
        if schema.get("type") == "object" and f"{name} {part}" not in OPEN_OBJECTS:
            assert schema["additionalProperties"] is False, part
            assert "properties" in schema, f"{part}: write properties and required, even if both are empty"
            assert set(schema.get("required", ())) <= set(schema["properties"])
        if isinstance(schema.get("$ref"), str):
            where, _, definition = schema["$ref"].partition("#/$defs/")
            assert definition in schemas_by_id()[where or name]["$defs"]


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("account_state", AccountState),
        ("role", Role),
        ("kind", AccountKind),
        ("member_state", MemberState),
        ("program", Program),
        ("seat", Seat),
        ("suspension", SuspensionReason),
    ],
)
def test_event_schema_enum_equals_domain_enum(definition: str, words: type[StrEnum]) -> None:
    assert set(schemas_by_id()[DEFINITIONS]["$defs"][definition]["enum"]) == set(words)


@pytest.mark.parametrize("event", sorted(event_schemas()))
def test_event_schema_names_one_user_at_most_and_requires_it_except_for_link(event: str) -> None:
    details = event_schemas()[event]["properties"]["details"]
    people = {"user_id", "employee_id"} & set(details["properties"])

    assert len(people) <= 1
    assert people <= set(details["required"]) or event == "link.revoked"


def test_valid_event_has_no_schema_errors() -> None:
    assert validation_errors(event_with_details()) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda event: event.update(specversion="0.3"), "$.specversion"),
        (lambda event: event.update(more="x"), "'more' was unexpected"),
        (lambda event: event.pop("sequence"), "'sequence' is a required property"),
        (lambda event: event["data"].update(more="x"), "'more' was unexpected"),
        (lambda event: event["data"].pop("actor_id"), "'actor_id' is a required property"),
        (lambda event: event["data"].update(event="grant.revoked"), "$.event"),
        (lambda event: event["data"].update(at="yesterday"), "$.at"),
        (lambda event: event["data"]["details"].update(name="Some User"), "'name' was unexpected"),
        (lambda event: event["data"]["details"].pop("grant_id"), "'grant_id' is a required property"),
        (lambda event: event["data"]["now"]["member"].update(email="a@b.example"), "'email' was unexpected"),
        (lambda event: event["data"]["now"]["member"].update(state="gone"), "$.now.member.state"),
        (lambda event: event["data"]["now"]["user"].pop("version"), "'version' is a required property"),
    ],
)
def test_invalid_event_has_schema_error(change: Any, sentence: str) -> None:
    event = event_with_details()
    change(event)

    assert any(sentence in each for each in validation_errors(event)), validation_errors(event)
