"""What a proof found, noted while it runs: a line of JSON for each row of PROOFS.md."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Note:
    """One row: what was tried and how often, or something named with its reason."""

    what: str
    counts: Mapping[str, int]
    reason: str = ""
    share: int = 0


@dataclass(frozen=True, slots=True)
class Notes:
    """Of one part; without a folder nothing is kept."""

    part: str
    folder: Path | None

    def passed(self, what: str, *, share: int = 0, **counts: int) -> None:
        """It held: `counts` says how often it was tried, in words of its own, such as `schedules=1200`.

        What several tests share out among them is one row, with all that each `share` counted.
        """
        self._write(Note(what, counts, share=share))

    def exception(self, what: str, reason: str) -> None:
        """Something that stands as it is, and why, such as a survivor or what a scanner found."""
        self._write(Note(what, {}, reason))

    def _write(self, note: Note) -> None:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f"{self.part}.jsonl").open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(asdict(note))}\n")


def read(part: str, folder: Path) -> Iterator[Note]:
    """What was noted of a part, sorted, each once."""
    file = folder / f"{part}.jsonl"
    lines = set(file.read_text(encoding="utf-8").splitlines()) if file.exists() else set()
    counted: dict[tuple[bool, str, str], Counter[str]] = {}
    for note in (Note(**json.loads(line)) for line in lines):
        counted.setdefault((bool(note.reason), note.what, note.reason), Counter()).update(note.counts)
    yield from (Note(what, counts, reason) for (_, what, reason), counts in sorted(counted.items()))
