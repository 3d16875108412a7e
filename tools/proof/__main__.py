"""Run all proofs in full and write PROOFS.md from their results: `python -m tools.proof`, or `make proof`.

`--only PART` runs some of them and keeps the sections of the others. `--seed N` repeats an earlier run.
"""

import os
import secrets
import subprocess
import sys
import time
from typing import Annotated, Final

import typer
from rich.console import Console

from tools.proof import page
from tools.proof.parts import PARTS, ProofPart
from tools.template import ROOT

FOLDER: Final = ROOT / ".local/proofs"
LARGEST_SEED: Final = 2**32
RUN: Final = tuple(part.name for part in PARTS if part.is_run)

console = Console()
app = typer.Typer(add_completion=False)


@app.command()
def prove(
    only: Annotated[list[str] | None, typer.Option(help="name of a part, repeatable")] = None,
    seed: Annotated[int | None, typer.Option(help="random seed")] = None,
) -> None:
    """Run the proofs one after the other, each on all processors."""
    chosen = [part for part in PARTS if part.is_run and (not only or part.name in only)]
    unknown = {*(only or ())} - {part.name for part in chosen}
    if unknown:
        sys.exit(f"not a part that runs here: {', '.join(sorted(unknown))}. Choose from {', '.join(RUN)}")
    seed = secrets.randbelow(LARGEST_SEED) if seed is None else seed
    console.print(f"seed {seed}")
    failed = [part.name for part in chosen if not _passes(part, seed)]
    page.write([part.name for part in chosen if part.name not in failed], FOLDER, seed)
    if failed:
        console.print(
            f"[red]does not hold: {', '.join(failed)}. make proof ONLY={failed[0]} SEED={seed} tries it again"
        )
        sys.exit(1)


def _passes(part: ProofPart, seed: int) -> bool:
    """Return whether all tests of a part passed. Their output goes to the terminal."""
    for old in FOLDER.glob(f"{part.name}.jsonl"):
        old.unlink()
    began = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", *part.tests, "-q", "--no-header", "-n", str(os.cpu_count() or 1)),
            *("-p", "no:cacheprovider", f"--hypothesis-seed={seed}", "--hypothesis-profile=fresh"),
            f"--junitxml={FOLDER / part.name}.xml",
        ],
        cwd=ROOT,
        env={**os.environ, **part.environment, "PROOFS": str(FOLDER), "SEED": str(seed)},
        check=False,
    )
    console.print(
        f"{part.name}: {'holds' if not done.returncode else 'DOES NOT HOLD'}, {time.monotonic() - began:.0f} s"
    )
    return done.returncode == 0


if __name__ == "__main__":
    app()
