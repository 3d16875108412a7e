"""Generate the charts of the table: its items with their keys, and its access patterns with their functions.

The items come from the docstring of store/keys.py, and each row must match a function that builds the key. The access
patterns are the functions of the store that query the table or read it by key.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools import template

sys.path.insert(0, str(template.ROOT / "layers/common"))

from partner_access.store import keys

STORE: Final = template.ROOT / "layers/common/partner_access/store"
QUERIES: Final = frozenset({"queries.query", "queries.pages"})
READS: Final = frozenset({"dynamo.read", "dynamo.snapshot"})
ARGUMENTS: Final = {
    "account_id": "<account>",
    "user_id": "<user>",
    "set_id": "<set>",
    "address": "<address>",
    "partner_id": "<partner>",
    "link_id": "<link>",
    "audit_id": "<audit id>",
    "key": "<hash>#<principal>",
    "outbox_id": "<act>",
    "act_id": "<act>",
    "delivery_id": "<delivery>",
}
"""The name of each argument of a key function in the chart."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of item, its key and the ways to read it. `function` builds the key."""

    name: str
    pk: str
    sk: str
    read_by: str
    function: str


@dataclass(frozen=True, slots=True)
class AccessPattern:
    """A function of the store that reads the table. `condition` and `index` are those of its query."""

    summary: str
    module: str
    function: str
    condition: str = ""
    index: str = ""


def entities() -> list[Entity]:
    """Return the kinds of items in the order of store/keys.py."""
    functions = dict(keys_by_function())
    chart, _, _ = (keys.__doc__ or "").partition("\n\nindex")
    rows = (re.split(r" {2,}", line) for line in chart.splitlines()[3:] if line)
    return [Entity(name, pk, sk, read_by, functions[pk, sk]) for name, pk, sk, read_by in rows]


def keys_by_function() -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the key that each function builds, with the names of its arguments in place of values."""
    for name, function in inspect.getmembers(keys, inspect.isfunction):
        signature = inspect.signature(function)
        if signature.return_annotation is keys.Key and signature.parameters.keys() <= ARGUMENTS.keys():
            key = function(*(ARGUMENTS[each] for each in signature.parameters))
            pk = re.sub(r"#[0-7]$", "#<shard>", re.sub(r"[0-9a-f]{64}", "<digest>", key.pk))
            yield (pk, key.sk), name


def index_content(name: str) -> str:
    """Return the text of store/keys.py about the content of an index."""
    found = re.search(rf"^{name} .* {{2,}}(.*)$", keys.__doc__ or "", re.MULTILINE)
    if not found:
        raise LookupError(name)
    return found[1]


def queries() -> list[AccessPattern]:
    """Return the functions that query the table or an index, one row for each condition."""
    return [
        AccessPattern(_summary(module, node), module, node.name, condition, index)
        for module, node in _functions()
        for condition, index in sorted(set(_conditions(node)))
    ]


def reads_by_key() -> list[AccessPattern]:
    """Return the functions that read items by their keys, without the private ones."""
    return [
        AccessPattern(_summary(module, node), module, node.name)
        for module, node in _functions()
        if not node.name.startswith("_") and any(_called(each) in READS for each in ast.walk(node))
    ]


def _functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(STORE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                yield _module(path), node


def _module(path: Path) -> str:
    return str(path.relative_to(STORE))


def _summary(module: str, node: ast.FunctionDef) -> str:
    """Return the summary of a function, or of the public function with its name, or its name in words."""
    public = (each for where, each in _functions() if (where, each.name) == (module, node.name.removeprefix("_")))
    docstrings = (ast.get_docstring(each) for each in (node, *public))
    found = next((each for each in docstrings if each), node.name.replace("_", " ").strip().capitalize())
    return " ".join(found.partition("\n\n")[0].split())


def _called(node: ast.AST) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _conditions(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield the key condition and the index of each query in a function."""
    texts = {
        target.id: each.value.value
        for each in ast.walk(function)
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and _called(node) in QUERIES:
            condition, index = node.args[0], next((each.value for each in node.keywords if each.arg == "index"), None)
            text = texts[condition.id] if isinstance(condition, ast.Name) else ast.literal_eval(condition)
            yield text, ast.literal_eval(index) if index else ""
