"""What a proof found, noted while it runs: a line of JSON for each row of PROOFS.md."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Note:
    """One row: what was tried and how often, or something named with its reason."""

    what: str
    counts: Mapping[str, int]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Notes:
    """Of one part; without a folder nothing is kept."""

    part: str
    folder: Path | None

    def tried(self, what: str, **counts: int) -> None:
        """It held: `counts` says how often it was tried, in words of its own, such as `schedules=1200`."""
        self._keep(Note(what, counts))

    def named(self, what: str, reason: str) -> None:
        """Something that stands as it is, and why, such as a survivor or what a scanner found."""
        self._keep(Note(what, {}, reason))

    def _keep(self, note: Note) -> None:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f"{self.part}.jsonl").open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(asdict(note))}\n")


def read(part: str, folder: Path) -> Iterator[Note]:
    """What was noted of a part, sorted, each once."""
    file = folder / f"{part}.jsonl"
    lines = set(file.read_text(encoding="utf-8").splitlines()) if file.exists() else set()
    yield from sorted((Note(**json.loads(line)) for line in lines), key=lambda note: (bool(note.reason), note.what))
