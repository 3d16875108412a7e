"""Find mutants that `make check` rejects although the tests pass.

mypy reports an error in the changed module.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory

from tools.mutation.functions import CodeMutant
from tools.template import ROOT


def rejected(mutants: Iterable[CodeMutant]) -> Iterator[CodeMutant]:
    """Yield the mutants that mypy rejects. Raises RuntimeError when mypy rejects the module without a change."""
    checked: set[Path] = set()
    with TemporaryDirectory() as folder:
        for mutant in mutants:
            if mutant.file not in checked and _is_rejected(
                mutant.file, mutant.file.read_text(encoding="utf-8"), folder
            ):
                raise RuntimeError(f"{mutant.file} has a type error without any mutant")
            checked.add(mutant.file)
            if _is_rejected(mutant.file, mutant.module(), folder):
                yield mutant


def _is_rejected(file: Path, source: str, folder: str) -> bool:
    """Return whether mypy rejects this source, with the settings of pyproject.toml.

    Errors in other modules are ignored.
    """
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
