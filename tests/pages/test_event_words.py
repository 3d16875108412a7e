"""Every event and every detail of the event schemas has words on the pages, and is drawn as what it is."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from functions.manage_directory.app import PutAccountRequest, PutMemberRequest, PutUserRequest
from partner_access.domain.memberships.members import Role, Seat, SuspensionReason
from tests.support.schemas import schemas_by_id

STATIC: Final = Path(__file__).parents[2] / "functions/serve_pages/static"
SCRIPT: Final = (STATIC / "account/audit-details.js").read_text(encoding="utf-8")
TEXTS: Final = {
    language: json.loads((STATIC / f"texts/{language}.json").read_text(encoding="utf-8")) for language in ("en", "ja")
}
SCHEMAS: Final[dict[str, Any]] = {
    str(schema["title"]): schema for schema in schemas_by_id().values() if "event" in schema.get("properties", {})
}
DETAILS: Final = sorted(
    {(name, event) for event, schema in SCHEMAS.items() for name in schema["properties"]["details"]["properties"]}
)
TYPES: Final = {
    "sentence": {"id", "integer"},
    "set": {"permission_set"},
    "change": {"count", "before and after"},
    "gained": {"permissions"},
    "lost": {"permissions"},
    "terms": {"terms"},
    "seat": {"seat", "before and after"},
    "seats": {"list of seat"},
    "end": {"moment"},
    "flag": {"boolean", "true"},
    "fields": {"fields"},
    "role": {"role"},
    "side": {"suspension"},
    "error": {"error"},
    "id": {"id"},
    "ids": {"list of id"},
}
"""The types in a schema that a detail of each kind can have."""


def _events() -> list[str]:
    return re.findall(r'^  "([a-z_.]+)",$', SCRIPT, re.MULTILINE)


def _kinds() -> dict[str, str]:
    return dict(re.findall(r'^  (\w+): "(\w+)",$', SCRIPT, re.MULTILINE))


def _type_of(schema: dict[str, Any]) -> str:
    """Return a name for what a schema allows."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return "true" if schema["const"] is True else "error"
    if schema["type"] == "object":
        assert set(schema["properties"]) == {"before", "after"}
        return "before and after"
    return f"list of {_type_of(schema['items'])}" if schema["type"] == "array" else str(schema["type"])


def _words(prefix: str, *names: str) -> list[tuple[str, str]]:
    return [(language, name) for language in TEXTS for name in names if not TEXTS[language].get(f"{prefix}.{name}")]


def test_every_event_is_in_the_filter_and_has_words() -> None:
    assert sorted(_events()) == sorted(SCHEMAS)
    assert _words("account.kind", *SCHEMAS) == []
    assert _words("account.event", *SCHEMAS) == []


def test_every_detail_has_a_kind_and_a_label() -> None:
    # domain.md rule 45
    names = {name for name, _ in DETAILS}

    assert set(_kinds()) == names, "list a new detail in account/audit-details.js"
    assert _words("account.detail", *(name for name in names if _kinds()[name] != "sentence")) == []


@pytest.mark.parametrize(("name", "event"), DETAILS)
def test_detail_is_drawn_as_what_its_schema_allows(name: str, event: str) -> None:
    schema = SCHEMAS[event]["properties"]["details"]["properties"][name]

    assert _type_of(schema) in TYPES[_kinds()[name]]


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("account.role", tuple(Role)),
        ("account.side", tuple(SuspensionReason)),
        ("account.seat", tuple(Seat)),
        (
            "account.field",
            tuple({*PutAccountRequest.model_fields, *PutUserRequest.model_fields, *PutMemberRequest.model_fields}),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_value_of_a_detail_has_words(prefix: str, names: tuple[str, ...]) -> None:
    assert _words(prefix, *names) == []


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("event", SCHEMAS)
def test_sentence_of_event_names_only_what_the_event_always_has(language: str, event: str) -> None:
    """A sentence about a person or a set would otherwise name nobody."""
    required = set(SCHEMAS[event]["properties"]["details"]["required"])
    sources = {"by": set(), "who": {"user_id", "employee_id"}, "set": {"permission_set"}, "days": {"days_left"}}
    named = set(re.findall(r"\{(\w+)\}", TEXTS[language][f"account.event.{event}"]))

    assert [name for name in sorted(named) if sources[name] and not sources[name] & required] == []
