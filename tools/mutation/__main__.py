"""Run mutation tests: `python -m tools.mutation functions`, or `make mutate`. The proof of conditions uses `requests`.

Mutants of functions require Python 3.12 or later. Results of killed and explained mutants are stored in
.local/mutation while the module is unchanged. An interrupted run continues from there.
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
from tools.mutation.functions import LAYER, CodeMutant, FunctionExperiment, mutants_of
from tools.mutation.requests import RequestExperiment, RequestMutant
from tools.mutation.trials import Outcome, TrialResult
from tools.proof import page
from tools.proof.__main__ import FOLDER
from tools.proof.notes import Notes
from tools.template import ROOT

PART: Final = "mutation"
RESULTS: Final = ROOT / ".local/mutation"
REASONS: Final = Path(__file__).parent / "survivors.toml"
PACKAGES: Final = ("domain", "store")
TESTS: Final = ("tests/domain", "tests/store", "tests/functions")
MIN_KILLED_SHARE: Final = 0.95
KILLED_BY_TYPES: Final = "mypy"
SURVIVING: Final = {Outcome.SURVIVED, Outcome.UNCOVERED}

app = typer.Typer(add_completion=False)


@app.command()
def requests(
    tests: list[str],
    out: Annotated[Path, typer.Option(help="file for one JSON line per mutant")],
    share: Annotated[float, typer.Option(help="fraction of the mutants to try")] = 1,
    seed: Annotated[int, typer.Option(help="random seed for the selection")] = 0,
) -> None:
    """Change the DynamoDB requests one clause at a time and run these tests."""
    rng = Random(seed)  # noqa: S311 – not used for security

    with out.open("w", encoding="utf-8") as file:

        def record(trial: TrialResult[RequestMutant]) -> None:
            mutant = trial.mutant
            result = {"mutant": str(mutant or ""), "kind": mutant.kind if mutant else "", "outcome": trial.outcome}
            file.write(f"{json.dumps({**result, 'killed_by': trial.killed_by})}\n")
            file.flush()

        if not trials.run(RequestExperiment(lambda _: rng.random() < share), tests, record):
            sys.exit(1)


@app.command()
def functions(
    only: Annotated[list[str] | None, typer.Option(help="a module, such as `links`, in domain and store")] = None,
    share: Annotated[float, typer.Option(help="fraction of the mutants to try")] = 1,
    seed: Annotated[int, typer.Option(help="random seed for the selection")] = 0,
) -> None:
    """Change the domain rules and the store one expression at a time, and write the section of PROOFS.md."""

    def is_sampled(name: str) -> bool:
        """Return whether the sample contains this mutant, independently of the other mutants."""
        return Random(f"{seed} {name}").random() < share  # noqa: S311

    modules = [ModuleResults(file) for package in PACKAGES for file in sorted((LAYER / package).rglob("[!_]*.py"))]
    chosen = [module for module in modules if not only or module.file.stem in only]
    RESULTS.mkdir(parents=True, exist_ok=True)
    by_file = {module.file: module for module in chosen}
    settled = {mutant for module in chosen for mutant in module.start(is_sampled)}

    def record(trial: TrialResult[CodeMutant]) -> None:
        if trial.mutant:
            by_file[trial.mutant.file].store(trial.mutant, trial)
        elif trial.outcome is not Outcome.SURVIVED:
            sys.exit(f"{trial.killed_by} fails in a copy without any mutant")

    if not trials.run(
        FunctionExperiment(by_file, lambda mutant: is_sampled(mutant.name) and mutant.name not in settled),
        TESTS,
        record,
    ):
        sys.exit(1)
    for module in chosen:
        module.check()
    _report([module for module in modules if module.results.exists()], seed)


class ModuleResults:
    """A module of the product with the results of its mutants."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.name = f"{file.parent.name}.{file.stem}"
        self.results = RESULTS / f"{self.name}.jsonl"
        self._digest = sha256(file.read_bytes()).hexdigest()

    def start(self, is_sampled: Callable[[str], bool]) -> set[str]:
        """Return the mutants that need no new trial.

        A survivor without a reason is tried again if the sample contains it, since new tests may detect it.
        """
        results = self.stored_results()
        again = {name for name in self._unexplained() if is_sampled(name)}
        finished = {name: result for name, result in results.items() if name not in again}
        self.results.write_text("".join(f"{json.dumps(result)}\n" for result in finished.values()), encoding="utf-8")
        return set(finished)

    def stored_results(self) -> dict[str, dict[str, str]]:
        """Return the stored result of each mutant of the module's current version."""
        lines = self.results.read_text(encoding="utf-8").splitlines() if self.results.exists() else ()
        results = [json.loads(line) for line in lines]
        return {each["mutant"]: each for each in results if each["digest"] == self._digest}

    def _unexplained(self) -> list[str]:
        survivors_found = [name for name, result in self.stored_results().items() if result["outcome"] in SURVIVING]
        return survivors.group_by_reason(survivors_found, survivors.reasons(REASONS))[1]

    def check(self) -> None:
        """Mark survivors without a reason as killed if `make check` rejects them."""
        left = set(self._unexplained())
        mutants = mutants_of(self.file) if left else ()
        for mutant in typecheck.rejected(each for each in mutants if each.name in left):
            self.store(mutant, TrialResult(mutant, Outcome.KILLED, KILLED_BY_TYPES))

    def store(self, mutant: CodeMutant, trial: TrialResult[CodeMutant]) -> None:
        result = {"digest": self._digest, "mutant": mutant.name, "outcome": trial.outcome}
        with self.results.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps({**result, 'killed_by': trial.killed_by})}\n")


def _report(modules: list[ModuleResults], seed: int) -> None:
    """Write the notes of all modules with stored results, and print the survivors without a reason."""
    notes, reasons = Notes(PART, FOLDER), survivors.reasons(REASONS)
    (FOLDER / f"{PART}.jsonl").unlink(missing_ok=True)
    tried = by_types = 0
    all_survivors: list[str] = []
    for module in modules:
        outcomes = {
            name: result for name, result in module.stored_results().items() if result["outcome"] != Outcome.INVALID
        }
        if not outcomes:
            continue
        survived = [name for name, result in outcomes.items() if result["outcome"] in SURVIVING]
        total = sum(1 for _ in mutants_of(module.file))
        notes.passed(module.name, mutants=total, passed=len(outcomes), killed=len(outcomes) - len(survived))
        tried, all_survivors = tried + len(outcomes), [*all_survivors, *survived]
        by_types += sum(result["killed_by"] == KILLED_BY_TYPES for result in outcomes.values())
    if by_types:
        notes.passed("killed by mypy in `make check`, and by no test", mutants=by_types)
    by_reason, unexplained = survivors.group_by_reason(all_survivors, reasons)
    for why, mutants in by_reason.items():
        notes.exception(f"survivors: {len(mutants)}", why)
    if unexplained:
        notes.exception(f"survivors: {len(unexplained)}", "not reviewed yet")
    page.write([PART], FOLDER, seed)
    print(
        f"{tried - len(all_survivors)} of {tried} killed. Survivors without a reason: {len(unexplained)}",
        *unexplained,
        sep="\n  ",
    )
    if tried - len(all_survivors) < MIN_KILLED_SHARE * tried:
        sys.exit(f"less than {MIN_KILLED_SHARE:.0%} are killed")


if __name__ == "__main__":
    app()
