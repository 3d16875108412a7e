"""All rows of an import, on disk rather than in memory: checked against each other, told in order, and what failed."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final, Self

from tools.operate.journal import Journal
from tools.operate.rows import IDS, DirectoryRequest, ImportRow, ImportStep, RecordType, RowError, record_path

TABLES: Final = """
CREATE TABLE rows (row INTEGER PRIMARY KEY, place TEXT, text TEXT);
CREATE TABLE told (path TEXT PRIMARY KEY, row INTEGER, fields TEXT) WITHOUT ROWID;
CREATE TABLE named (path TEXT PRIMARY KEY, kind TEXT) WITHOUT ROWID;
CREATE TABLE emails (email TEXT PRIMARY KEY, row INTEGER) WITHOUT ROWID;
CREATE TABLE pointers (row INTEGER, field TEXT, path TEXT, kind TEXT);
CREATE TABLE requests (request INTEGER PRIMARY KEY, row INTEGER, step INTEGER, path TEXT, body TEXT);
CREATE INDEX in_order ON requests (step, request);
CREATE TABLE faults (row INTEGER, field TEXT, why TEXT);
CREATE INDEX by_row ON faults (row);
"""


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row that is not in the directory, and one reason why."""

    location: str
    field: str
    reason: str

    @property
    def sentence(self) -> str:
        """As compilers say it, such as `members.csv:17: email: not an e-mail address`."""
        return ": ".join(part for part in (self.location, self.field, self.reason) if part)


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """A database without a name, which goes when it is closed."""

    database: sqlite3.Connection

    @classmethod
    @contextmanager
    def load(cls, rows: Iterable[ImportRow], journal: Journal, *, partial: bool) -> Iterator[Self]:
        """Take in the rows; `partial` when the directory may know accounts and users that no row tells of."""
        with closing(sqlite3.connect("", isolation_level=None)) as database:
            plan = cls(database)
            database.executescript(TABLES)
            database.execute("BEGIN")
            for row in rows:
                plan._add(row)
            if not partial:
                plan._check_references(journal)
            database.execute("COMMIT")
            yield plan

    def _add(self, row: ImportRow) -> None:
        (number,) = self.database.execute(
            "INSERT INTO rows (place, text) VALUES (?, ?) RETURNING row", (row.location, row.text)
        ).fetchone()
        for fault in row.errors:
            self.record_error(number, fault)
        self._register(row)
        if row.errors:
            return
        requests = row.requests
        if not self._is_first(number, row, " ".join(each.body for each in requests)):
            return
        self._check_email(number, row)
        if row.kind is RecordType.MEMBER:
            for field, kind in (("account_id", RecordType.ACCOUNT), ("user_id", RecordType.USER)):
                path = record_path(row.fields[field], kind=kind)
                self.database.execute("INSERT INTO pointers VALUES (?, ?, ?, ?)", (number, field, path, kind))
        for each in requests:
            self.database.execute(
                "INSERT INTO requests (row, step, path, body) VALUES (?, ?, ?, ?)",
                (number, each.step, each.path, each.body),
            )

    def _register(self, row: ImportRow) -> None:
        """A row with a fault still says that there is such an account or user."""
        if row.kind in {RecordType.ACCOUNT, RecordType.USER}:
            path = record_path(str(row.fields.get(IDS[row.kind][0])), kind=row.kind)
            self.database.execute("INSERT OR IGNORE INTO named VALUES (?, ?)", (path, row.kind))

    def _is_first(self, number: int, row: ImportRow, bodies: str) -> bool:
        """Whether nothing was told of this path before; the same twice is told once, two things are a fault."""
        earlier = self.database.execute(
            "SELECT place, fields FROM told JOIN rows USING (row) WHERE path = ?", (row.path,)
        ).fetchone()
        if earlier is None:
            self.database.execute("INSERT INTO told VALUES (?, ?, ?)", (row.path, number, bodies))
        elif earlier[1] != bodies:
            self.record_error(number, RowError("", f"{earlier[0]} tells something else of the same {row.kind}"))
        return earlier is None

    def _check_email(self, number: int, row: ImportRow) -> None:
        if not row.email:
            return
        owner = self.database.execute(
            "SELECT place FROM emails JOIN rows USING (row) WHERE email = ?", (row.email,)
        ).fetchone()
        if owner:
            self.record_error(number, RowError("email", f"is that of {owner[0]}, too"))
        else:
            self.database.execute("INSERT INTO emails VALUES (?, ?)", (row.email, number))

    def _check_references(self, journal: Journal) -> None:
        """Where the files tell of accounts, or users, members point at these or at what an earlier run told."""
        missing = self.database.execute(
            "SELECT row, field, path FROM pointers WHERE kind IN (SELECT kind FROM named)"
            " AND path NOT IN (SELECT path FROM named)"
        ).fetchall()
        for number, field, path in missing:
            if not journal.contains_path(path):
                self.record_error(
                    number, RowError(field, "is in none of these files (--partial if the directory knows it)")
                )

    def record_error(self, row: int, error: RowError) -> None:
        """This row is not in the directory, for this reason."""
        self.database.execute("INSERT INTO faults VALUES (?, ?, ?)", (row, error.field, error.reason))

    def requests(self, step: ImportStep) -> Iterator[tuple[int, DirectoryRequest]]:
        """What is to be told in a step, and for which row; nothing more of a row that has failed."""
        last = 0
        while page := self._page(step, last):
            for last, row, path, body in page:  # noqa: B007  the next page begins after it
                yield row, DirectoryRequest(step, path, body)

    def _page(self, step: ImportStep, after: int) -> Sequence[tuple[int, int, str, str]]:
        return self.database.execute(
            "SELECT request, row, path, body FROM requests WHERE step = ? AND request > ?"
            " AND row NOT IN (SELECT row FROM faults) ORDER BY request LIMIT 200",
            (step, after),
        ).fetchall()

    def count(self, step: ImportStep) -> int:
        """How many requests a step has."""
        return int(
            self.database.execute(
                "SELECT count(*) FROM requests WHERE step = ? AND row NOT IN (SELECT row FROM faults)", (step,)
            ).fetchone()[0]
        )

    @property
    def rows(self) -> int:
        return int(self.database.execute("SELECT count(*) FROM rows").fetchone()[0])

    @property
    def failed_rows(self) -> int:
        return int(self.database.execute("SELECT count(DISTINCT row) FROM faults").fetchone()[0])

    def failed(self, most: int = -1) -> Iterator[FailedRow]:
        """What failed, and why, in the order of the files."""
        found = self.database.execute(
            "SELECT place, field, why FROM faults JOIN rows USING (row) ORDER BY row, faults.rowid LIMIT ?", (most,)
        )
        yield from (FailedRow(*each) for each in found)

    def failed_texts(self) -> Iterator[str]:
        """The failed rows themselves, as JSON lines."""
        found = self.database.execute("SELECT text FROM rows WHERE row IN (SELECT row FROM faults) ORDER BY row")
        yield from (text for (text,) in found)
