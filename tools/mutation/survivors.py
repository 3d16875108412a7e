"""Mutants that no test kills, each with the reason why that is so: `survivors.toml` files name them."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the mutants whose names match one of these patterns survive; `*` stands for anything."""

    mutants: tuple[str, ...]
    why: str

    def matches(self, mutant: str) -> bool:
        return any(fnmatchcase(mutant, pattern) for pattern in self.mutants)


def reasons(file: Path) -> list[Reason]:
    """All that a file gives."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("survivor", [])
    return [Reason(tuple(each["mutants"]), each["why"]) for each in entries]


def group_by_reason(survivors: Iterable[str], reasons: Iterable[Reason]) -> tuple[Mapping[str, list[str]], list[str]]:
    """The survivors by their reason, and those that have none."""
    by_reason: dict[str, list[str]] = {}
    for mutant in survivors:
        why = next((reason.why for reason in reasons if reason.matches(mutant)), "")
        by_reason.setdefault(why, []).append(mutant)
    return by_reason, by_reason.pop("", [])
