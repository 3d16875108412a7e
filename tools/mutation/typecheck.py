"""Mutants that `make check` refuses, whatever the tests say: mypy finds a fault with the module that they would make."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory

from tools.mutation.functions import CodeMutant
from tools.template import ROOT


def rejected(mutants: Iterable[CodeMutant]) -> Iterator[CodeMutant]:
    """Those of them that cannot come in; RuntimeError when mypy finds fault with the module as it is."""
    checked: set[Path] = set()
    with TemporaryDirectory() as folder:
        for mutant in mutants:
            if mutant.file not in checked and _is_rejected(
                mutant.file, mutant.file.read_text(encoding="utf-8"), folder
            ):
                raise RuntimeError(f"{mutant.file} has a fault without any mutant")
            checked.add(mutant.file)
            if _is_rejected(mutant.file, mutant.module(), folder):
                yield mutant


def _is_rejected(file: Path, source: str, folder: str) -> bool:
    """By the rules of pyproject.toml, of which only what the other modules say goes unchecked."""
    shadow = Path(folder) / "shadow.py"
    shadow.write_text(source, encoding="utf-8")
    module_options = ("--follow-imports=silent", f"--cache-dir={folder}/cache")
    found = run(
        [sys.executable, "-m", "mypy", *module_options, "--shadow-file", file, shadow, file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode not in (0, 1):
        raise RuntimeError(found.stderr)
    return found.returncode == 1
