"""The committed OpenAPI document and the properties that code generators rely on."""

import json
import re
from collections import Counter
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel

from partner_access.api import routing
from partner_access.api.request_fields import Absent, PartialRequest, Request
from partner_access.api.response_body import ResponseBody
from tests.support import gateway
from tools import openapi, openapi_titles
from tools.template import ROOT, Route

CONTRACT = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = {operation["operationId"]: operation for path in CONTRACT["paths"].values() for operation in path.values()}
SCHEMAS = CONTRACT["components"]["schemas"]
ROUTES = [route for operation in gateway.OPERATIONS for route in gateway.app(operation).routes.values() if route.docs]


def test_operation_ids_are_unique() -> None:
    names = Counter(operation["operationId"] for path in CONTRACT["paths"].values() for operation in path.values())

    assert [name for name, times in names.items() if times > 1] == []


def test_operation_ids_are_the_names_of_the_operation_functions() -> None:
    functions = {route.docs.operation_id: route.operation.__name__ for route in ROUTES if route.docs}

    assert functions == {name: name for name in OPERATIONS}


def test_tags_are_described_once_and_each_is_used() -> None:
    described = [tag["name"] for tag in CONTRACT["tags"]]

    assert described == list(routing.Tag)
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == set(described)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_has_one_tag_a_summary_of_one_line_and_a_description(name: str) -> None:
    operation = OPERATIONS[name]

    assert len(operation["tags"]) == 1
    assert re.fullmatch(r"[A-Z][^.\n]{,80}\.", operation["summary"])
    assert 1 <= len(re.findall(r"\.(?= |$)", operation["description"])) <= 3


def test_openapi_of_an_undocumented_route_raises() -> None:
    undocumented = routing.Route.to(lambda: None, needs_key=False, docs=None)

    with pytest.raises(ValueError, match="GET /accounts: no documentation"):
        openapi.operation(Route("GET /accounts", "view_accounts", "view_accounts", ()), undocumented, {})


def test_openapi_of_a_response_without_status_raises() -> None:
    def list_nothing() -> Untitled:
        raise NotImplementedError

    operation: Any = list_nothing
    docs = routing.Docs("list_nothing", tag=routing.Tag.ACCOUNTS, summary="List nothing.", description="Nobody can.")
    route = routing.Route.to(operation, needs_key=False, docs=docs)

    with pytest.raises(TypeError, match=r"GET /accounts: Untitled has no status\. Derive it from ResponseBody"):
        openapi.operation(Route("GET /accounts", "list_nothing", "list_nothing", ()), route, {})


@pytest.mark.parametrize("model", ["CreateLinkResponse", "ResendLinkResponse"])
def test_schema_field_missing_in_replayed_response_is_optional(model: str) -> None:
    schema = CONTRACT["components"]["schemas"][model]

    assert "url" in schema["properties"]
    assert "url" not in schema["required"]


@pytest.mark.parametrize("model", PartialRequest.__subclasses__(), ids=lambda model: str(model.__name__))
def test_schema_of_a_change_has_no_default_and_no_required_field(model: type[PartialRequest]) -> None:
    # domain.md rule 28
    schema = SCHEMAS[openapi.title_of(model)]

    assert [name for name, field in schema["properties"].items() if "default" in field] == []
    assert "required" not in schema
    assert all(field.get_default(call_default_factory=True) is Absent.ABSENT for field in model.model_fields.values())


def test_components_are_the_schemas_whose_titles_are_written_down() -> None:
    sources = [*(ROOT / "functions").glob("*/app.py"), *(ROOT / "layers/common/partner_access").rglob("*.py")]
    texts = (path.read_text(encoding="utf-8") for path in sources)
    of_models = [title for text in texts for title in re.findall(r'^class \w+\([^)]*title="(\w+)"', text, re.MULTILINE)]

    assert sorted([*of_models, *openapi_titles.ENUMERATIONS.values(), *openapi_titles.OTHERS]) == sorted(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_component_has_its_name_as_title_and_a_description(name: str) -> None:
    assert SCHEMAS[name]["title"] == name
    assert SCHEMAS[name]["description"]


def test_models_and_enumerations_are_named_as_their_schemas() -> None:
    assert {kind.__name__: kind.__name__ for kind in openapi_titles.ENUMERATIONS} == {
        title: title for title in openapi_titles.ENUMERATIONS.values()
    }


class Titled(BaseModel, title="Declared"): ...


class Untitled(BaseModel): ...


class Inheriting(Titled): ...


class Namesake(BaseModel, title="Declared"): ...


class WithNullRequest(Request, title="WithNullRequest"):
    needed: int | None


class WithNullResponse(ResponseBody, title="WithNullResponse"):
    filled: int | None


def test_required_null_stays_in_a_request_and_is_an_absent_field_in_a_response() -> None:
    _, schemas = openapi.schemas_of([WithNullRequest, WithNullResponse])

    assert schemas["WithNullRequest"]["required"] == ["needed"]
    assert {"type": "null"} in schemas["WithNullRequest"]["properties"]["needed"]["anyOf"]
    assert schemas["WithNullResponse"]["required"] == []
    assert schemas["WithNullResponse"]["properties"]["filled"]["type"] == "integer"


class Color(StrEnum):
    RED = "red"


class WithColor(BaseModel, title="WithColor"):
    color: Color


@pytest.mark.parametrize(
    ("model", "at_fault"), [(Untitled, "Untitled"), (Inheriting, "Inheriting"), (WithColor, "Color")]
)
def test_schema_without_a_declared_title_raises(model: type[BaseModel], at_fault: str) -> None:
    with pytest.raises(ValueError, match=rf"\.{at_fault} has no title of its own. Write title=…"):
        openapi.schemas_of([model])


def test_two_schemas_of_one_title_raise() -> None:
    with pytest.raises(ValueError, match="Declared: more than one schema has this title"):
        openapi.schemas_of([Titled, Namesake])
