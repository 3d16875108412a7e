"""Tries mutants: `python -m tools.mutation functions`, or `make mutate`; the proof of the conditions uses `requests`.

Mutants of functions need Python 3.12 or later. What was killed, or lives for a reason, is remembered in .local/mutation
as long as the module stays as it is, so that a run that was cut off goes on where it stopped.
"""

import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Annotated, Final

import typer

from tools.mutation import survivors, trials, typecheck
from tools.mutation.functions import LAYER, CodeMutant, Functions, mutants_of
from tools.mutation.requests import RequestMutant, Requests
from tools.mutation.trials import Outcome, Verdict
from tools.proof import page
from tools.proof.__main__ import FOLDER
from tools.proof.notes import Notes
from tools.template import ROOT

PART: Final = "mutation"
RESULTS: Final = ROOT / ".local/mutation"
REASONS: Final = Path(__file__).parent / "survivors.toml"
ROOMS: Final = ("domain", "store")
TESTS: Final = ("tests/domain", "tests/store", "tests/functions")
ENOUGH: Final = 0.95
TYPES: Final = "mypy"
LIVED: Final = {Outcome.SURVIVED, Outcome.UNTOUCHED}

app = typer.Typer(add_completion=False)


@app.command()
def requests(
    tests: list[str],
    out: Annotated[Path, typer.Option(help="gets a line of JSON for each mutant")],
    share: Annotated[float, typer.Option(help="how much of it is tried")] = 1,
    seed: Annotated[int, typer.Option(help="of which")] = 0,
) -> None:
    """Change what DynamoDB is asked, one clause at a time, and run these tests."""
    chance = Random(seed)  # noqa: S311 – nothing is secret here

    with out.open("w", encoding="utf-8") as file:

        def tell(verdict: Verdict[RequestMutant]) -> None:
            mutant = verdict.mutant
            told = {"mutant": str(mutant or ""), "kind": mutant.kind if mutant else "", "outcome": verdict.outcome}
            file.write(f"{json.dumps({**told, 'killed_by': verdict.killed_by})}\n")
            file.flush()

        if not trials.run(Requests(lambda _: chance.random() < share), tests, tell):
            sys.exit(1)


@app.command()
def functions(
    only: Annotated[list[str] | None, typer.Option(help="a module, such as `links`, in both rooms")] = None,
    share: Annotated[float, typer.Option(help="how much of it is tried")] = 1,
    seed: Annotated[int, typer.Option(help="of which")] = 0,
) -> None:
    """Change the rules and the store, one expression at a time, run the tests, and write the section of PROOFS.md."""

    def is_drawn(name: str) -> bool:
        """The same ones whatever else is tried."""
        return Random(f"{seed} {name}").random() < share  # noqa: S311

    modules = [_Module(file) for room in ROOMS for file in sorted((LAYER / room).rglob("[!_]*.py"))]
    chosen = [module for module in modules if not only or module.file.stem in only]
    RESULTS.mkdir(parents=True, exist_ok=True)
    by_file = {module.file: module for module in chosen}
    settled = {mutant for module in chosen for mutant in module.begin(is_drawn)}

    def tell(verdict: Verdict[CodeMutant]) -> None:
        if verdict.mutant:
            by_file[verdict.mutant.file].keep(verdict.mutant, verdict)
        elif verdict.outcome is not Outcome.SURVIVED:
            sys.exit(f"{verdict.killed_by} fails in a copy, without any mutant")

    if not trials.run(
        Functions(by_file, lambda mutant: is_drawn(mutant.name) and mutant.name not in settled), TESTS, tell
    ):
        sys.exit(1)
    for module in chosen:
        module.check()
    _report([module for module in modules if module.results.exists()], seed)


class _Module:
    """A module of the product, and what became of its mutants."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.name = f"{file.parent.name}.{file.stem}"
        self.results = RESULTS / f"{self.name}.jsonl"
        self._digest = sha256(file.read_bytes()).hexdigest()

    def begin(self, is_drawn: Callable[[str], bool]) -> set[str]:
        """What need not be tried again: a survivor without a reason is, if it is drawn, since a test may have come."""
        known = self.known()
        again = {name for name in self._without_a_reason() if is_drawn(name)}
        settled = {name: told for name, told in known.items() if name not in again}
        self.results.write_text("".join(f"{json.dumps(told)}\n" for told in settled.values()), encoding="utf-8")
        return set(settled)

    def known(self) -> dict[str, dict[str, str]]:
        """What became of each mutant that was ever tried, and what killed it, of the module as it is, not as it was."""
        lines = self.results.read_text(encoding="utf-8").splitlines() if self.results.exists() else ()
        told = [json.loads(line) for line in lines]
        return {each["mutant"]: each for each in told if each["digest"] == self._digest}

    def _without_a_reason(self) -> list[str]:
        lived = [name for name, told in self.known().items() if told["outcome"] in LIVED]
        return survivors.explained(lived, survivors.reasons(REASONS))[1]

    def check(self) -> None:
        """Those that live without a reason may be such as `make check` would not let in."""
        left = set(self._without_a_reason())
        asked = mutants_of(self.file) if left else ()
        for mutant in typecheck.refused(each for each in asked if each.name in left):
            self.keep(mutant, Verdict(mutant, Outcome.KILLED, TYPES))

    def keep(self, mutant: CodeMutant, verdict: Verdict[CodeMutant]) -> None:
        told = {"digest": self._digest, "mutant": mutant.name, "outcome": verdict.outcome}
        with self.results.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps({**told, 'killed_by': verdict.killed_by})}\n")


def _report(modules: list[_Module], seed: int) -> None:
    """The notes of all modules that were ever tried as they are, and what is not as it should be."""
    notes, known = Notes(PART, FOLDER), survivors.reasons(REASONS)
    (FOLDER / f"{PART}.jsonl").unlink(missing_ok=True)
    tried = by_types = 0
    left: list[str] = []
    for module in modules:
        outcomes = {name: told for name, told in module.known().items() if told["outcome"] != Outcome.INVALID}
        if not outcomes:
            continue
        lived = [name for name, told in outcomes.items() if told["outcome"] in LIVED]
        there_are = sum(1 for _ in mutants_of(module.file))
        notes.tried(module.name, mutants=there_are, tried=len(outcomes), killed=len(outcomes) - len(lived))
        tried, left = tried + len(outcomes), [*left, *lived]
        by_types += sum(told["killed_by"] == TYPES for told in outcomes.values())
    if by_types:
        notes.tried("of all these, no test fails but mypy refuses them in `make check`", mutants=by_types)
    by_reason, without = survivors.explained(left, known)
    for why, mutants in by_reason.items():
        notes.named(f"survivors: {len(mutants)}", why)
    if without:
        notes.named(f"survivors: {len(without)}", "nobody has looked into them yet")
    page.write([PART], FOLDER, seed)
    print(f"{tried - len(left)} of {tried} killed; without a reason: {len(without)}", *without, sep="\n  ")
    if tried - len(left) < ENOUGH * tried:
        sys.exit(f"less than {ENOUGH:.0%} are killed")


if __name__ == "__main__":
    app()
