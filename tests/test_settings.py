"""Tests of the settings: one module reads the environment, and template.yaml gives each function what its code reads."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from partner_access import settings
from tools import template

LAYER = template.ROOT / "layers/common"
FUNCTIONS = template.ROOT / "functions"
SOURCES = sorted([*LAYER.rglob("*.py"), *FUNCTIONS.rglob("*.py")])
READ_BY_POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
SET_BY_LAMBDA = {"AWS_LAMBDA_INITIALIZATION_TYPE"}
CURSORS_UNUSED = {"DecideAccessFunction", "ExplainAccessFunction"}
"""Functions that load api/cursors.py with api/authzen.py, for its searches, but do not search."""
IN_ALL_FUNCTIONS = set(template.read()["Globals"]["Function"]["Environment"]["Variables"])

VARIABLES: Mapping[str, set[str]] = {
    name: set(re.findall(r'"([A-Z_]+)"', inspect.getsource(setting)))
    for name, setting in inspect.getmembers(settings, inspect.isfunction)
}
"""The variables of each setting."""


def variables_of(logical_id: str) -> set[str]:
    """Return the variables that template.yaml gives to this function and not to all functions."""
    properties = template.read()["Resources"][logical_id]["Properties"]
    return set(properties.get("Environment", {}).get("Variables", {}))


def logical_ids() -> Iterator[str]:
    resources = template.read()["Resources"].items()
    return (name for name, resource in resources if resource["Type"] == "AWS::Serverless::Function")


def source_of(logical_id: str) -> Path:
    words = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", logical_id.removesuffix("Function")).lower()
    return FUNCTIONS / words / "app.py"


@cache
def imported_modules(path: Path) -> frozenset[Path]:
    """Return the modules of the layer that this file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("partner_access"):
            module = LAYER / node.module.replace(".", "/")
            found |= {module.with_suffix(".py"), *(module / f"{alias.name}.py" for alias in node.names)}
    return frozenset(each for each in found if each.exists())


def loaded_files(path: Path) -> set[Path]:
    """Return this file and all files of the layer that are loaded with it."""
    found, queue = {path}, [path]
    while queue:
        new = imported_modules(queue.pop()) - found
        found |= new
        queue += new
    return found


def variables_read_by(path: Path) -> set[str]:
    """Return the variables of all settings that this file uses."""
    names = re.findall(r"\bsettings\.(\w+)", path.read_text(encoding="utf-8"))
    return set().union(*(VARIABLES[name] for name in names))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(template.ROOT)))
def test_only_settings_read_the_environment(path: Path) -> None:
    words = re.findall(
        r"\bos\.environ\b|\bgetenv\b|^from os import|^import os\b", path.read_text("utf-8"), re.MULTILINE
    )

    assert bool(words) == (path == LAYER / "partner_access/settings.py")


def test_setting_is_named_after_its_variable() -> None:
    by_name = {name: {name.upper()} for name in VARIABLES}

    assert by_name | {"is_starting_in_lambda": SET_BY_LAMBDA} == VARIABLES


def test_settings_are_the_variables_of_the_template() -> None:
    read = set().union(*VARIABLES.values()) - SET_BY_LAMBDA | READ_BY_POWERTOOLS

    assert read == IN_ALL_FUNCTIONS.union(*map(variables_of, logical_ids()))


@pytest.mark.parametrize("logical_id", list(logical_ids()))
def test_function_has_the_variables_that_its_code_reads(logical_id: str) -> None:
    """An unused variable would be a secret or a name that the function does not need."""
    read = set().union(*map(variables_read_by, loaded_files(source_of(logical_id))))
    if logical_id in CURSORS_UNUSED:
        read.remove("CURSOR_KEY")

    assert read - IN_ALL_FUNCTIONS - SET_BY_LAMBDA == variables_of(logical_id)


@pytest.mark.parametrize("setting", sorted(VARIABLES))
def test_setting_is_read_from_its_variable_each_time(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (variable,) = VARIABLES[setting]
    for text in ("365", "366"):
        monkeypatch.setenv(variable, text)
        assert getattr(settings, setting)() in {text, text.encode(), int(text), True}


def test_process_outside_lambda_is_not_starting_in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)

    assert not settings.is_starting_in_lambda()
