"""Generate openapi.json from the code: the functions' requests and responses, and the template's routes and scopes.

`python -m tools.openapi` writes it. `--check` fails when it is out of date.
"""

import importlib
import inspect
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema
from typing_extensions import override

from tools import template
from tools.openapi_titles import ENUMERATIONS, OTHERS, SUMMARY, TAGS

sys.path.insert(0, str(template.ROOT / "layers/common"))

from partner_access import user_ids
from partner_access.api import negotiation, request_fields, routing
from partner_access.api.errors import error_classes
from partner_access.api.response_body import ResponseBody

TARGET: Final = template.ROOT / "openapi.json"
SCHEMAS: Final = "#/components/schemas/{model}"
PAGES_FUNCTION: Final = "serve_pages"
"""The function that serves pages, which are not part of the API for programs."""
AUTHZEN_PREFIXES: Final = ("/access/v1/", "/.well-known/authzen-")
"""The path prefixes of the operations whose errors follow AuthZEN."""
USER_ID_IN_PATH: Final = (
    "The id of a user. Write an id with other characters, `.` or `..` as `~` and its Base64url without padding."
)
TITLE: Final = "x-title"
"""A keyword that holds a declared title while pydantic writes its own."""

Json = dict[str, Any]


def title_of(kind: type[Any]) -> str:
    """Return the title that this model or enumeration declares; ValueError if it has none, or only that of a base."""
    bases = kind.__mro__[1:]
    inherited = {base.model_config.get("title") for base in bases if issubclass(base, BaseModel)}
    title = kind.model_config.get("title") if issubclass(kind, BaseModel) else ENUMERATIONS.get(kind)
    if not title or title in inherited:
        raise ValueError(
            f"{kind.__module__}.{kind.__qualname__} has no title of its own. Write title=… in its class statement, or for an "
            "enumeration a row of ENUMERATIONS in tools/openapi_titles.py."
        )
    return title


class _Titled(GenerateJsonSchema):
    """Schemas with the titles that their classes declare."""

    @override
    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        if self.mode == "serialization":
            _without_null(made)
        return {**made, TITLE: title_of(schema["cls"])}

    @override
    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return {**super().enum_schema(schema), TITLE: title_of(schema["cls"])}


def document() -> Json:
    """Return the complete description of the API."""
    routes = [route for route in template.routes() if route.operation != PAGES_FUNCTION]
    found = {
        route.key: importlib.import_module(f"functions.{route.operation}.app").app.routes[route.key] for route in routes
    }
    models = sorted({model for key, route in found.items() for model in _models(key, route)}, key=title_of)
    schemas, definitions = schemas_of(models)
    paths: Json = {}
    for route in routes:
        method, path = route.key.split(" ")
        paths.setdefault(path, {})[method.lower()] = operation(route, found[route.key], schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Partner access", "version": "1", "description": SUMMARY},
        "servers": [{"url": "{origin}", "variables": {"origin": {"default": "https://api.example.com"}}}],
        "tags": [{"name": str(tag), "description": sentence} for tag, sentence in TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {**definitions, "Problem": _problem()},
            "securitySchemes": {
                "token": {
                    "type": "oauth2",
                    "description": "The token identifies the caller. Every request is authorized separately.",
                    "flows": {"clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": _scopes()}},
                }
            },
        },
    }


def schemas_of(models: list[type[BaseModel]]) -> tuple[dict[type[BaseModel], str], Json]:
    """The reference to each model's schema, and all schemas by title; ValueError if two have the same title."""
    references, found = models_json_schema(
        [_key(model) for model in models], ref_template=SCHEMAS, schema_generator=_Titled
    )
    titles = {name: schema.pop(TITLE, name) for name, schema in found["$defs"].items()}
    twice = [title for title, times in Counter(titles.values()).items() if times > 1]
    if twice:
        raise ValueError(f"{', '.join(twice)}: more than one schema has this title")
    definitions: Json = {titles[name]: _retitled(schema, titles) for name, schema in found["$defs"].items()}
    for title, schema in definitions.items():
        schema["title"] = title
        if title in OTHERS:
            schema["description"] = OTHERS[title]
    named = {model: _retitled(references[_key(model)], titles)["$ref"] for model in models}
    for model in models:
        if issubclass(model, ResponseBody):
            _omit_on_replay(definitions[title_of(model)], model.never_stored)
    return named, dict(sorted(definitions.items()))


def _retitled(schema: Any, titles: Mapping[str, str]) -> Any:
    """The schema with references by title."""
    if isinstance(schema, list):
        return [_retitled(each, titles) for each in schema]
    if not isinstance(schema, dict):
        return schema
    retitled = {key: _retitled(each, titles) for key, each in schema.items()}
    if isinstance(schema.get("$ref"), str):
        retitled["$ref"] = SCHEMAS.format(model=titles[schema["$ref"].rpartition("/")[2]])
    return retitled


def _key(model: type[BaseModel]) -> tuple[type[BaseModel], Literal["validation", "serialization"]]:
    return (model, "validation" if issubclass(model, request_fields.Request) else "serialization")


def _without_null(schema: Json) -> None:
    """Make nullable fields of a response optional and not nullable, since responses omit fields without a value.

    A required null, such as the end of a list, stays.
    """
    for name, each in schema.get("properties", {}).items():
        choices = [choice for choice in each.get("anyOf", []) if choice.get("type") != "null"]
        if "anyOf" in each and len(choices) < len(each["anyOf"]) and name in schema.get("required", []):
            schema["required"].remove(name)
            each.pop("anyOf")
            each.update(choices[0] if len(choices) == 1 else {"anyOf": choices})


def _omit_on_replay(schema: Json, never_stored: Iterable[str]) -> None:
    """Mark fields as optional that a replayed response does not contain."""
    for name in never_stored:
        schema["required"].remove(name)
        schema["properties"][name]["description"] = "Returned once. A replayed response omits it."


def _models(key: str, route: routing.Route) -> set[type[BaseModel]]:
    return {each for each in (_body(route), *_response_models(key, route)) if each}


def _argument_of_type(route: routing.Route, kind: type) -> Any:
    return next((each for each in route.arguments.values() if isinstance(each, type) and issubclass(each, kind)), None)


def _body(route: routing.Route) -> type[request_fields.Request] | None:
    found: type[request_fields.Request] | None = _argument_of_type(route, request_fields.Request)
    return found


def _response_models(key: str, route: routing.Route) -> tuple[type[ResponseBody], ...]:
    """Return the operation's response model and its subclasses for other statuses."""
    annotation = inspect.signature(route.operation).return_annotation
    if annotation is None:
        return ()
    if not issubclass(annotation, ResponseBody):
        raise TypeError(f"{key}: {annotation.__name__} has no status. Derive it from ResponseBody.")
    others = [each for each in annotation.__subclasses__() if each.__module__ == route.operation.__module__]
    return (annotation, *(each for each in others if each.status != annotation.status and not key.startswith("GET ")))


def operation(declared: template.Route, route: routing.Route, schemas: dict[type[BaseModel], str]) -> Json:
    """The description of one operation; ValueError where its route has no documentation."""
    if not route.docs:
        raise ValueError(f"{declared.key}: no documentation. Pass routing.Docs to app.operation in its app.py.")
    body = _body(route)
    described: Json = {
        "operationId": route.docs.operation_id,
        "tags": [str(route.docs.tag)],
        "summary": route.docs.summary,
        "description": route.docs.description,
        "security": [{"token": [template.parameter_default(scope)]} for scope in declared.scopes],
        "parameters": [*_path_parameters(declared.key), *_query_parameters(route), *_headers(declared.key, route)],
        "responses": _responses(declared.key, route, schemas),
    }
    if body:
        described["requestBody"] = {
            "required": not body.is_optional,
            "content": {"application/json": {"schema": {"$ref": schemas[body]}}},
        }
    return described


def _path_parameters(key: str) -> list[Json]:
    names = re.findall(r"\{(\w+)\}", key)
    return [{"name": name, "in": "path", "required": True, "schema": _path_schema(name)} for name in names]


def _path_schema(name: str) -> Json:
    if name == "user_id":
        return {"type": "string", "pattern": user_ids.PATH_PATTERN, "description": USER_ID_IN_PATH}
    return {"type": "string", "pattern": request_fields.IDENTIFIER}


def _query_parameters(route: routing.Route) -> list[Json]:
    query = _argument_of_type(route, request_fields.Query)
    if not query:
        return []
    schema = query.model_json_schema(ref_template=SCHEMAS)
    return [
        {"name": name, "in": "query", "required": False, "schema": _inlined(each, schema.get("$defs", {}))}
        for name, each in schema["properties"].items()
    ]


def _inlined(schema: Json, definitions: Json) -> Json:
    """Return a query parameter's own schema without null, since a parameter is either present or not."""
    choices = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    chosen = choices[0]
    name = chosen.get("$ref", "").rpartition("/")[2]
    definition = definitions[name] if name else chosen
    return {key: value for key, value in definition.items() if key not in {"title", "default", "description"}}


def _headers(key: str, route: routing.Route) -> list[Json]:
    method = key.partition(" ")[0]
    found = []
    if method != "GET" and (method != "POST" or route.needs_key):
        description = "A unique key for this request. The same key and request return the same response for 24 hours."
        found.append(_header("Idempotency-Key", description, required=route.needs_key, minLength=1, maxLength=255))
    if any(prefix in key for prefix in AUTHZEN_PREFIXES):
        found.append(_header("X-Request-ID", "Returned unchanged.", required=False))
    if _argument_of_type(route, routing.ExpectedVersion):
        description = "The ETag of the version that you read: 428 without it, 412 if the record has changed since."
        found.append(_header("If-Match", description, required=True, pattern='^(W/)?"[^"]*"$'))
    return found


def _header(name: str, description: str, *, required: bool, **schema: object) -> Json:
    schema = {"type": "string", **schema}
    return {"name": name, "in": "header", "required": required, "schema": schema, "description": description}


def _responses(key: str, route: routing.Route, schemas: dict[type[BaseModel], str]) -> Json:
    found: Json = {
        str(int(model.status)): {
            "description": HTTPStatus(model.status).phrase,
            **_etag_header(model),
            "content": _content_types(route, {"$ref": schemas[model]}),
        }
        for model in _response_models(key, route)
    } or {"204": {"description": HTTPStatus.NO_CONTENT.phrase}}
    if any(prefix in key for prefix in AUTHZEN_PREFIXES):
        sentence = {"application/json": {"schema": {"type": "string"}}}
        error = {"description": "Error: the body says what to do. A denial is a 200.", "content": sentence}
        unavailable = {"description": "No decision: deny, and try again", "content": sentence}
    else:
        problem = {"application/problem+json": {"schema": {"$ref": SCHEMAS.format(model="Problem")}}}
        error = {"description": "Error: the problem's code says why, its detail says what to do", "content": problem}
        unavailable = {"description": "Nothing was changed. Try again with the same key.", "content": problem}
    return {**dict(sorted(found.items())), "4XX": error, "503": unavailable}


def _etag_header(model: type[ResponseBody]) -> Json:
    """Return the ETag header of a record, which a client sends in If-Match."""
    if model.headers is ResponseBody.headers or issubclass(model, request_fields.ListResponse):
        return {}
    return {"headers": {"ETag": {"schema": {"type": "string"}, "description": "The version, for If-Match"}}}


def _content_types(route: routing.Route, schema: Json) -> Json:
    csv = (
        {negotiation.MediaType.CSV.value: {"schema": {"type": "string"}}}
        if _argument_of_type(route, negotiation.MediaType)
        else {}
    )
    return {"application/json": {"schema": schema}, **csv}


def _problem() -> Json:
    text = {"type": "string"}
    error = {"type": "object", "properties": {"pointer": text, "code": text}, "required": ["pointer", "code"]}
    properties = {
        "type": {"type": "string", "format": "uri"},
        "title": text,
        "status": {"type": "integer"},
        "detail": text,
        "instance": text,
        "code": {"type": "string", "enum": [each.code for each in error_classes()]},
        "errors": {"type": "array", "items": error},
    }
    return {
        "title": "Problem",
        "description": OTHERS["Problem"],
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name != "errors"],
    }


def _scopes() -> Json:
    return {
        template.parameter_default("UseScope"): "users",
        template.parameter_default("DirectoryScope"): "the vendor's back end",
        template.parameter_default("DecideScope"): "callers of the decision API",
    }


def rendered() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file or, with `--check`, report whether it is up to date."""
    if "--check" not in arguments:
        TARGET.write_text(rendered(), encoding="utf-8")
        return 0
    if Path(TARGET).read_text(encoding="utf-8") == rendered():
        return 0
    print("openapi.json is out of date: run `make openapi`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
