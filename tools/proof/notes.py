"""Results that a proof writes while it runs: a JSON line for each row of PROOFS.md."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Note:
    """A row of PROOFS.md: a test with its counts, or a named exception with its reason."""

    what: str
    counts: Mapping[str, int]
    reason: str = ""
    share: int = 0


@dataclass(frozen=True, slots=True)
class Notes:
    """The results of one part. Without a folder nothing is stored."""

    part: str
    folder: Path | None

    def passed(self, what: str, *, share: int = 0, **counts: int) -> None:
        """Record a passed test. `counts` names what was counted, such as `schedules=1200`.

        Several tests that share the work are one row with the sum of their counts. Each of them passes its own
        `share`.
        """
        self._write(Note(what, counts, share=share))

    def exception(self, what: str, reason: str) -> None:
        """Record an accepted exception with its reason, such as a surviving mutant or a scanner's finding."""
        self._write(Note(what, {}, reason))

    def _write(self, note: Note) -> None:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f"{self.part}.jsonl").open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(asdict(note))}\n")


def read(part: str, folder: Path) -> Iterator[Note]:
    """Yield the notes of a part, sorted and without duplicates."""
    file = folder / f"{part}.jsonl"
    lines = set(file.read_text(encoding="utf-8").splitlines()) if file.exists() else set()
    counted: dict[tuple[bool, str, str], Counter[str]] = {}
    for note in (Note(**json.loads(line)) for line in lines):
        counted.setdefault((bool(note.reason), note.what, note.reason), Counter()).update(note.counts)
    yield from (Note(what, counts, reason) for (_, what, reason), counts in sorted(counted.items()))
