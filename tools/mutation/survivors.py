"""Read the reasons why no test detects certain mutants. The reasons are in `survivors.toml`."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reason:
    """The reason why the mutants that match one of these patterns survive. `*` matches any text."""

    mutants: tuple[str, ...]
    why: str

    def matches(self, mutant: str) -> bool:
        return any(fnmatchcase(mutant, pattern) for pattern in self.mutants)


def reasons(file: Path) -> list[Reason]:
    """Return all reasons in a file."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("survivor", [])
    return [Reason(tuple(each["mutants"]), each["why"]) for each in entries]


def group_by_reason(survivors: Iterable[str], reasons: Iterable[Reason]) -> tuple[Mapping[str, list[str]], list[str]]:
    """Return the survivors grouped by reason, and the survivors without a reason."""
    by_reason: dict[str, list[str]] = {}
    for mutant in survivors:
        why = next((reason.why for reason in reasons if reason.matches(mutant)), "")
        by_reason.setdefault(why, []).append(mutant)
    return by_reason, by_reason.pop("", [])
