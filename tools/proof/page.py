"""Write PROOFS.md with a section for each part. The section of a part that was not run stays as it was."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tools.proof import notes, passed
from tools.proof.notes import Note
from tools.proof.parts import GUARANTEES, PARTS, ProofPart
from tools.template import ROOT

PAGE: Final = ROOT / "PROOFS.md"
HEAD: Final = """# Proofs

Results of `make proof` and `make mutate`, which write this file. Each number is a count, not an estimate.
Each section gives its date and seed. `make proof ONLY=<part> SEED=<seed>` runs it again with that seed.
A short form of each, except the mutants of the code, is part of `make test`.
"""


def write(parts: list[str], folder: Path, seed: int, file: Path = PAGE) -> None:
    """Write the sections of these parts again."""
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    sections = [
        (part, _section(part, folder, seed) if part.name in parts else _existing_section(part, before))
        for part in PARTS
    ]
    link_by_part = {
        part.name: _link(part) if section else f"{part.title} (not complete yet)" for part, section in sections
    }
    file.write_text(
        "\n".join([HEAD, _guarantees(link_by_part), *(each for _, each in sections if each)]), encoding="utf-8"
    )


def _guarantees(link_by_part: Mapping[str, str]) -> str:
    """Return the table of guarantees with the parts that prove each. A part without a complete run is marked."""
    rows = [
        (f"**{name}** {claim}", ", ".join(link_by_part[each] for each in parts)) for name, claim, parts in GUARANTEES
    ]
    return _table(("Guarantee", "Shown by"), rows)


def _link(part: ProofPart) -> str:
    return f"[{part.title}](#{_anchor(part.title)})"


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _existing_section(part: ProofPart, before: str) -> str:
    found = re.search(rf"<!-- {part.name} -->\n.*?<!-- /{part.name} -->\n", before, re.DOTALL)
    return found[0] if found else ""


def _section(part: ProofPart, folder: Path, seed: int) -> str:
    report = folder / f"{part.name}.xml"
    found = [*notes.read(part.name, folder), *(passed.rows(report) if report.exists() else ())]
    if not found:
        raise LookupError(f"{part.name} recorded nothing")
    tried, named = [note for note in found if not note.reason], [note for note in found if note.reason]
    blocks = [
        f"<!-- {part.name} -->\n## {part.title}\n",
        f"{part.about}\n",
        f"Run on {datetime.now(UTC):%Y-%m-%d}, seed {seed}.\n",
        _table(("Test", "Count"), [(note.what, _counts(note)) for note in tried]),
        _table(("Finding", "Reason"), [(note.what, note.reason) for note in named]),
    ]
    return "\n".join(filter(None, blocks)) + f"<!-- /{part.name} -->\n"


def _counts(note: Note) -> str:
    return ", ".join(f"{count:,} {_singular_or_plural(name, count)}" for name, count in note.counts.items())


def _singular_or_plural(name: str, count: int) -> str:
    word = name.replace("_", " ")
    return word.removesuffix("s") if count == 1 else word


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ("---",) * len(head), *rows))
