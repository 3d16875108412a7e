"""Tests of the project's conventions that a program can check."""

import ast
import re
from pathlib import Path

import pytest

from functions.serve_pages import app as serve_pages
from tests.support import gateway
from tools import template

ROOT = Path(__file__).parents[1]
LAYER = ROOT / "layers/common/partner_access"
OPERATIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
SOURCES = sorted([*LAYER.rglob("*.py"), *(ROOT / "functions").rglob("*.py")])
DOMAIN_AND_STORE_MODULES = [
    path for package in ("domain", "store") for path in sorted((LAYER / package).rglob("[!_]*.py"))
]
TOOLS = sorted(path for path in (ROOT / "tools").rglob("*.py") if "handlers" not in path.parts)
BANNED = {"common", "data", "helper", "helpers", "info", "manager", "process", "service", "shared", "utils"}
SCRIPTS = sorted(path for path in serve_pages.STATIC.rglob("*.js") if path.parent.name != serve_pages.VENDORED)
MAX_LINES = 349


def relative_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operation_has_template_resource_sample_and_tests(operation: str) -> None:
    resource = "".join(word.capitalize() for word in operation.split("_")) + "Function"

    assert resource in template.read()["Resources"], f"add the resource {resource} to template.yaml"
    for file in (f"events/{operation}.json", f"tests/functions/test_{operation}.py"):
        assert (ROOT / file).exists(), f"write {file}: `make operation` writes it for a new operation"


@pytest.mark.parametrize("path", DOMAIN_AND_STORE_MODULES, ids=relative_name)
def test_domain_and_store_module_has_tests(path: Path) -> None:
    tests = Path("tests") / path.relative_to(LAYER).with_name(f"test_{path.name}")

    assert (ROOT / tests).exists(), f"write {tests}"


@pytest.mark.parametrize("path", [*SOURCES, *TOOLS, *SCRIPTS], ids=relative_name)
def test_module_is_not_longer_than_limit(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= MAX_LINES, f"{lines} lines: move one of its responsibilities into a module of its own"


@pytest.mark.parametrize("path", SOURCES, ids=relative_name)
def test_module_has_docstring_and_meaningful_name(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert not BANNED & set(path.relative_to(ROOT).with_suffix("").parts[-1:])


@pytest.mark.parametrize("path", SOURCES, ids=relative_name)
def test_module_catches_no_base_exceptions(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None
            assert not {"Exception", "BaseException"} & {
                each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)
            }


@pytest.mark.parametrize("path", SOURCES, ids=relative_name)
def test_module_uses_boto3_and_indexes_only_where_allowed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "boto3" not in text or path.name in {
        "tree_head_store.py",
        "attribute_values.py",
        "event_bus.py",
        "dynamo.py",
        "transport.py",
    }
    lists_and_sweeps = {
        LAYER / f"store/{module}.py" for module in ("relationships/partner_console", "expiry", "links/links")
    }
    assert 'index="' not in text or path in lists_and_sweeps


def test_template_routes_equal_routes_of_functions() -> None:
    declared = {route.key: route.operation for route in template.routes()}
    built = {key: operation for operation in gateway.OPERATIONS for key in gateway.app(operation).routes}
    built |= dict.fromkeys(serve_pages.routes, "serve_pages")

    assert built == {**declared, "$default": "reject_unknown_route"}, (
        "each event of template.yaml is registered by its operation id in app.py: run `make openapi`"
    )


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - set(gateway.OPERATIONS) - {"serve_pages"}))
def test_function_without_routes_is_a_background_function(operation: str) -> None:
    code = (ROOT / f"functions/{operation}/app.py").read_text(encoding="utf-8")

    assert (
        len(re.findall(rf'^@worker\.background\("{operation}"(?:, [^)]*)?\)\ndef handler\(', code, re.MULTILINE)) == 1
    )


def test_keys_docstring_lists_every_key_prefix() -> None:
    page = (LAYER / "store/keys.py").read_text(encoding="utf-8")
    table = page[: page.index('"""', 3)]

    for prefix in re.findall(r'Key\(f"\{([A-Z_]+)\}', page):
        assert f" {prefix}#<" in table


@pytest.mark.parametrize("path", SOURCES, ids=relative_name)
def test_key_prefix_is_written_out_in_keys_module_only(path: Path) -> None:
    """The handlers of the bench stand beside the layer and cannot import it."""
    prefixes = re.findall(
        r'^[A-Z_]+: Final = "([A-Z_]+#)"', (LAYER / "store/keys.py").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert prefixes
    assert path == LAYER / "store/keys.py" or not re.search(
        rf"[\"']({'|'.join(prefixes)})", path.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("path", SOURCES, ids=relative_name)
def test_cited_documents_exist(path: Path) -> None:
    for cited in re.findall(r"[a-z/-]+\.md\b", path.read_text(encoding="utf-8")):
        assert (ROOT / "docs" / cited.removeprefix("docs/")).exists(), cited
