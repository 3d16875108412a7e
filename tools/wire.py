"""docs/wire.json: every name that clients, stored data or operators depend on, in one file.

`python -m tools.wire` writes it, `--check` fails when it differs from the code. A commit that changes it says so.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from tools import openapi, template

sys.path.insert(0, str(template.ROOT / "layers/common"))

from partner_access.api import problems
from partner_access.api.errors import error_classes
from partner_access.domain.accounts import Account
from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.domain.audit.tree_heads import LatestTreeHead
from partner_access.domain.email_delivery import Delivery, QueuedNotification
from partner_access.domain.links.links import Link, LinkReply
from partner_access.domain.memberships.members import Assignment, Grant, Member
from partner_access.domain.notifications import Notification, NotificationKind, Reconciliation
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.records import AuditEntry
from partner_access.domain.users import User
from partner_access.store.relationships import offboarding

TARGET: Final = template.ROOT / "docs/wire.json"
LAYER: Final = template.ROOT / "layers/common/partner_access"
STORED: Final[tuple[type[BaseModel], ...]] = (
    Account,
    AuditEntry,
    Reconciliation,
    CustomSet,
    Delivery,
    Grant,
    ChainHead,
    LatestTreeHead,
    Notification,
    Link,
    Member,
    Assignment,
    QueuedNotification,
    offboarding.QueuedReconciliation,
    LinkReply,
    User,
)
"""The models whose fields are attributes of items, at the top or inside another."""

Json = dict[str, Any]


def document() -> Json:
    """The names, by what they belong to."""
    described = openapi.document()
    return {
        "routes": dict(_routes(described)),
        "schemas": {name: _shape(each) for name, each in sorted(described["components"]["schemas"].items())},
        "codes": {each.code: int(problems.status_of(each())) for each in error_classes()},
        "events": dict(_events()),
        "email_kinds": sorted(NotificationKind),
        "key_prefixes": _keys(),
        "stored_models": sorted(sorted(each.model_fields) for each in STORED),
        "other_attributes": sorted(_attributes()),
        "metrics": sorted(_metrics()),
        **_template(),
    }


def _routes(described: Json) -> Iterator[tuple[str, Json]]:
    functions = {route.key: route.operation for route in template.routes()}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            key = f"{method.upper()} {path}"
            yield (
                key,
                {
                    "operation_id": operation["operationId"],
                    "function": functions[key],
                    "scopes": [scope for each in operation["security"] for scope in each["token"]],
                    "parameters": [f"{each['in']} {each['name']}" for each in operation["parameters"]],
                    "request": sorted(_references(operation.get("requestBody"))),
                    "responses": {status: sorted(_references(each)) for status, each in operation["responses"].items()},
                },
            )


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        schema = list(schema.values())
    if isinstance(schema, list):
        for each in schema:
            yield from _references(each)


def _shape(schema: Json) -> Any:
    """The fields of an object with an asterisk where they are required, or the values of an enumeration."""
    required = schema.get("required", ())
    fields = schema.get("properties", {})
    return schema.get("enum") or [f"{name}{'*' if name in required else ''}" for name in fields]


def _events() -> Iterator[tuple[str, list[str]]]:
    """The events with the names of their details; the envelope and the shared definitions with their own parts."""
    for path in sorted((template.ROOT / "events/schemas").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        details = schema.get("properties", {}).get("details", {}).get("properties")
        yield path.stem, sorted(details if details is not None else schema.get("$defs", schema.get("properties", {})))


def _keys() -> list[str]:
    """The key prefixes: all upper-case texts of keys.py."""
    texts = re.findall(r'"([A-Z_]{3,}#?)[^"]*"', (LAYER / "store/keys.py").read_text(encoding="utf-8"))
    return sorted(set(texts))


def _attributes() -> Iterator[str]:
    """Names of attributes that the store's modules write out: keys of mappings, and names in expressions."""
    found = set()
    for path in (LAYER / "store").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if id(node) in docstrings:
                continue
            if isinstance(node, ast.Dict):
                found |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"[=<>(]", node.value):
                found |= set(re.findall(r"(?<![:\w])([a-z]+(?:_[a-z]+)*)(?=\s*[=<>,)]|$)", node.value))
    return (each for each in found if isinstance(each, str) and re.fullmatch(r"[a-z_]+", each))


def _metrics() -> set[str]:
    """The names that are counted: as they stand in a call, or in a mapping of a module that counts."""
    found = set()
    for path in [*LAYER.rglob("*.py"), *(template.ROOT / "functions").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'\bcount\(\s*"(\w+)"', text))
        found |= set(re.findall(r': "((?:[A-Z][a-z]+){2,})"', text)) if re.search(r"\bcount\(\w+[\[)]", text) else set()
    return found


def _template() -> Json:
    found = template.read()
    alarms = {
        name: each["Properties"].get("MetricName", "(expression)")
        for name, each in found["Resources"].items()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    }
    return {
        "alarms": alarms,
        "parameters": {name: each.get("Default") for name, each in found["Parameters"].items()},
        "outputs": sorted(found["Outputs"]),
        "resources": {name: each["Type"] for name, each in sorted(found["Resources"].items())},
        "environment": sorted(_environment(found)),
    }


def _environment(found: Any) -> set[str]:
    """The names of all environment variables of functions."""
    if isinstance(found, dict):
        own = set(found["Variables"]) if isinstance(found.get("Variables"), dict) else set()
        return own.union(*map(_environment, found.values()))
    return set().union(*map(_environment, found)) if isinstance(found, list) else set()


def written() -> str:
    """The file as it is today: one line for each name with what belongs to it."""
    sections = []
    for title, section in document().items():
        if isinstance(section, dict):
            rows = [f"    {json.dumps(name)}: {json.dumps(each, ensure_ascii=False)}" for name, each in section.items()]
            sections.append(f"  {json.dumps(title)}: {{\n" + ",\n".join(rows) + "\n  }")
        else:
            rows = [f"    {json.dumps(each, ensure_ascii=False)}" for each in section]
            sections.append(f"  {json.dumps(title)}: [\n" + ",\n".join(rows) + "\n  ]")
    return "{\n" + ",\n".join(sections) + "\n}\n"


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` compare it."""
    if "--check" not in arguments:
        TARGET.write_text(written(), encoding="utf-8")
        return 0
    if Path(TARGET).read_text(encoding="utf-8") == written():
        return 0
    print(
        "docs/wire.json differs from the code: a name on the wire has changed. If it should, run `make openapi` and say"
        " so in the commit.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
