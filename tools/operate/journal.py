"""Record on disk each request that the directory accepted, so that an interrupted run can continue."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from tools.operate.rows import DirectoryRequest


class NotAJournal(Exception):
    """The file is not a journal of an import. The message names it."""


@dataclass(frozen=True, slots=True)
class Journal:
    """The last accepted body for each API, path and step.

    Only a digest is stored, so no email address remains on disk.
    """

    database: sqlite3.Connection
    base_url: str
    file: Path | None = None

    @classmethod
    @contextmanager
    def open(cls, file: Path, base_url: str) -> Iterator[Self]:
        """Open the journal in this file. Create it if it does not exist."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(_connect(file)) as database:
            try:
                database.execute("PRAGMA journal_mode = wal")
                database.execute("PRAGMA synchronous = normal")
                cls._prepare(database)
            except sqlite3.DatabaseError as other:
                raise NotAJournal(f"{file} is not an import journal: {other}") from other
            yield cls(database, base_url, file)

    @classmethod
    @contextmanager
    def in_memory(cls, base_url: str, earlier: Path | None = None) -> Iterator[Self]:
        """Open a temporary journal with the content of an earlier one, which stays unchanged."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
            if earlier and earlier.exists():
                with closing(_connect(earlier)) as source:
                    try:
                        source.backup(database)
                    except sqlite3.DatabaseError as other:
                        raise NotAJournal(f"{earlier} is not an import journal: {other}") from other
            cls._prepare(database)
            yield cls(database, base_url)

    @staticmethod
    def _prepare(database: sqlite3.Connection) -> None:
        database.execute(
            "CREATE TABLE IF NOT EXISTS taken"
            " (api TEXT, path TEXT, step INTEGER, digest BLOB, PRIMARY KEY (api, path, step)) WITHOUT ROWID"
        )

    def record(self, request: DirectoryRequest) -> None:
        """Record that the directory accepted this request."""
        self.database.execute(
            "INSERT OR REPLACE INTO taken VALUES (?, ?, ?, ?)",
            (self.base_url, request.path, request.step, _digest(request)),
        )

    def contains(self, request: DirectoryRequest) -> bool:
        """Return whether this was the last accepted request for its path and step."""
        found = self.database.execute(
            "SELECT 1 FROM taken WHERE api = ? AND path = ? AND step = ? AND digest = ?",
            (self.base_url, request.path, request.step, _digest(request)),
        )
        return found.fetchone() is not None

    def contains_path(self, path: str) -> bool:
        """Return whether the directory accepted any request for this path."""
        found = self.database.execute("SELECT 1 FROM taken WHERE api = ? AND path = ?", (self.base_url, path))
        return found.fetchone() is not None

    def clear(self) -> None:
        """Delete the journal's entries after a complete import, so that a later import sends every row."""
        self.database.execute("DELETE FROM taken WHERE api = ?", (self.base_url,))
        remaining = self.database.execute("SELECT 1 FROM taken").fetchone()
        if self.file and not remaining:
            self.database.close()
            self.file.unlink()


def _connect(file: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(file, isolation_level=None)
    except sqlite3.Error as failed:
        raise NotAJournal(f"{file} cannot be an import journal: {failed}") from failed


def _digest(request: DirectoryRequest) -> bytes:
    return sha256(request.body.encode()).digest()
