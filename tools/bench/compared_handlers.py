"""The handlers that are measured: the product's own and others with the same behavior."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.artifacts import BUILT
from tools.bench import link_creation
from tools.bench.link_creation import Json
from tools.template import ROOT

SOURCES: Final = ROOT / "tools/bench/handlers"
FOLDER: Final = ROOT / ".local/bench/handlers"
RUNTIME: Final = ROOT / ".local/bench/runtime"
"""The files that Lambda adds to a function: its runtime interface client and the dependencies of that."""
COMPILED_MARKER: Final = ROOT / ".venvs/bench/.compiled"
"""A marker file, which disappears when the environment is rebuilt."""
RUNTIME_FILES: Final = ("awslambdaric", "simplejson", "snapshot_restore_py.py", "runtime_client*.so")


@dataclass(frozen=True, slots=True)
class ComparedHandler:
    """A handler in its folder, with the folder of its dependencies."""

    name: str
    folder: Path
    dependencies: Path
    convert_event: Callable[[Json], Json] = dict

    @property
    def path(self) -> tuple[Path, ...]:
        return self.folder, self.dependencies, RUNTIME


def product_handler() -> ComparedHandler:
    """Return the product's handler as `make host` builds it."""
    return ComparedHandler("ours", ROOT / BUILT / "CreateLinkFunction", ROOT / BUILT / "CommonLayer/python")


def _other_handlers() -> tuple[ComparedHandler, ...]:
    installed = _installed()
    return (
        *(
            ComparedHandler(name, FOLDER / name, installed)
            for name in ("bare", "powertools", "fastapi_mangum", "flask_pydantic")
        ),
        ComparedHandler("chalice_pydantic", FOLDER / "chalice_pydantic", installed, link_creation.as_rest_event),
    )


def _installed() -> Path:
    (found,) = (ROOT / ".venvs/bench/lib").glob("python3.*/site-packages")
    return found


def prepare_handlers() -> tuple[ComparedHandler, ...]:
    """Prepare all handlers, the product's first. All are compiled alike, with unchecked byte code."""
    installed, others = _installed(), _other_handlers()
    for folder in (FOLDER, RUNTIME):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for pattern in RUNTIME_FILES:
        for found in installed.glob(pattern):
            copy = shutil.copytree if found.is_dir() else shutil.copy
            copy(found, RUNTIME / found.name)
    for each in others:
        each.folder.mkdir()
        for source in (SOURCES / each.name / "app.py", *SOURCES.glob("*.py")):
            shutil.copy(source, each.folder)
    for folder in (FOLDER, RUNTIME):
        _compile(folder)
    if not COMPILED_MARKER.exists():
        _compile(installed)
        COMPILED_MARKER.touch()
    return product_handler(), *others


def _compile(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "compileall",
        "-q",
        "-j",
        "0",
        "--invalidation-mode",
        "unchecked-hash",
        str(folder),
    ]
    subprocess.run(command, check=True)
