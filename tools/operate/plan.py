"""Store all rows of an import on disk rather than in memory: checks across rows, the request order and the errors."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final, Self

from tools.operate.directory_check import BATCH_SIZE, REQUIRED, PlannedRecord, kept_by
from tools.operate.journal import Journal
from tools.operate.rows import IDS, DirectoryRequest, ImportRow, ImportStep, RecordType, RowError, record_path

TABLES: Final = """
CREATE TABLE rows (row INTEGER PRIMARY KEY, place TEXT, text TEXT);
CREATE TABLE directory_rows (path TEXT PRIMARY KEY, row INTEGER, fields TEXT) WITHOUT ROWID;
CREATE TABLE named (path TEXT PRIMARY KEY, kind TEXT) WITHOUT ROWID;
CREATE TABLE emails (email TEXT PRIMARY KEY, row INTEGER) WITHOUT ROWID;
CREATE TABLE records (row INTEGER PRIMARY KEY, kind TEXT, path TEXT, name TEXT, missing TEXT, email TEXT);
CREATE TABLE pointers (row INTEGER, field TEXT, path TEXT, kind TEXT);
CREATE TABLE requests (request INTEGER PRIMARY KEY, row INTEGER, step INTEGER, path TEXT, body TEXT);
CREATE INDEX in_order ON requests (step, request);
CREATE TABLE faults (row INTEGER, field TEXT, why TEXT);
CREATE INDEX by_row ON faults (row);
"""


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row that was not imported, with one reason."""

    location: str
    field: str
    reason: str

    @property
    def sentence(self) -> str:
        """The error in the format of compilers, such as `members.csv:17: email: not an email address`."""
        return ": ".join(part for part in (self.location, self.field, self.reason) if part)


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """A temporary SQLite database without a name, which is deleted when it is closed."""

    database: sqlite3.Connection

    @classmethod
    @contextmanager
    def load(cls, rows: Iterable[ImportRow], journal: Journal, *, partial: bool) -> Iterator[Self]:
        """Load the rows. `partial` means that the directory may contain accounts and users that are in no row."""
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
        if not self._is_first(number, row):
            return
        self._check_email(number, row)
        self._record(number, row)
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
        """Register the row's account or user. A row with an error still shows that the record exists."""
        if row.kind in {RecordType.ACCOUNT, RecordType.USER}:
            path = record_path(str(row.fields.get(IDS[row.kind][0])), kind=row.kind)
            self.database.execute("INSERT OR IGNORE INTO named VALUES (?, ?)", (path, row.kind))

    def _is_first(self, number: int, row: ImportRow) -> bool:
        """Return whether this is the first row for its path.

        An equal second row is skipped, and a different one is an error.
        """
        earlier = self.database.execute(
            "SELECT place, fields FROM directory_rows JOIN rows USING (row) WHERE path = ?", (row.path,)
        ).fetchone()
        if earlier is None:
            self.database.execute("INSERT INTO directory_rows VALUES (?, ?, ?)", (row.path, number, row.normalized))
        elif earlier[1] != row.normalized:
            self.record_error(number, RowError("", f"{earlier[0]} has other values for the same {row.kind}"))
        return earlier is None

    def _check_email(self, number: int, row: ImportRow) -> None:
        if not row.email:
            return
        owner = self.database.execute(
            "SELECT place FROM emails JOIN rows USING (row) WHERE email = ?", (row.email,)
        ).fetchone()
        if owner:
            self.record_error(number, RowError("email", kept_by(owner[0])))
        else:
            self.database.execute("INSERT INTO emails VALUES (?, ?)", (row.email, number))

    def _record(self, number: int, row: ImportRow) -> None:
        """Remember what to look up in the directory: each user, and each other record that a row cannot create."""
        kind = RecordType(row.kind or "")
        missing = " ".join(name for name in REQUIRED[kind] if row.fields.get(name) is None)
        if missing or kind is RecordType.USER:
            name = str(row.fields[IDS[kind][-1]])
            self.database.execute(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", (number, kind, row.path, name, missing, row.email)
            )

    def records(self) -> Iterator[Sequence[PlannedRecord]]:
        """Yield the records to look up in the directory, in batches."""
        last = 0
        while page := self.database.execute(
            "SELECT row, kind, path, name, missing, email FROM records WHERE row > ?"
            " AND row NOT IN (SELECT row FROM faults) ORDER BY row LIMIT ?",
            (last, BATCH_SIZE),
        ).fetchall():
            last = page[-1][0]
            yield [
                PlannedRecord(row, RecordType(kind), path, name, tuple(missing.split()), email)
                for row, kind, path, name, missing, email in page
            ]

    @property
    def incomplete_records(self) -> int:
        """The number of rows that cannot create a record, and therefore rely on one in the directory."""
        return int(self.database.execute("SELECT count(*) FROM records WHERE missing != ''").fetchone()[0])

    def _check_references(self, journal: Journal) -> None:
        """Check that members refer to accounts and users in the files or in an earlier run's journal.

        Each type is only checked if the files contain records of it.
        """
        missing = self.database.execute(
            "SELECT row, field, path FROM pointers WHERE kind IN (SELECT kind FROM named)"
            " AND path NOT IN (SELECT path FROM named)"
        ).fetchall()
        for number, field, path in missing:
            if not journal.contains_path(path):
                self.record_error(
                    number, RowError(field, "is in none of these files (use --partial if the directory has it)")
                )

    def record_error(self, row: int, error: RowError) -> None:
        """Record an error of a row, which is then not imported."""
        self.database.execute("INSERT INTO faults VALUES (?, ?, ?)", (row, error.field, error.reason))

    def requests(self, step: ImportStep) -> Iterator[tuple[int, DirectoryRequest]]:
        """Yield the requests of a step with their row numbers. Rows that have failed are skipped."""
        last = 0
        while page := self._page(step, last):
            for last, row, path, body in page:  # noqa: B007  the next page begins after `last`
                yield row, DirectoryRequest(step, path, body)

    def _page(self, step: ImportStep, after: int) -> Sequence[tuple[int, int, str, str]]:
        return self.database.execute(
            "SELECT request, row, path, body FROM requests WHERE step = ? AND request > ?"
            " AND row NOT IN (SELECT row FROM faults) ORDER BY request LIMIT 200",
            (step, after),
        ).fetchall()

    def count(self, step: ImportStep) -> int:
        """Return the number of requests in a step."""
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
        """Yield the errors in the order of the files."""
        found = self.database.execute(
            "SELECT place, field, why FROM faults JOIN rows USING (row) ORDER BY row, faults.rowid LIMIT ?", (most,)
        )
        yield from (FailedRow(*each) for each in found)

    def failed_texts(self) -> Iterator[str]:
        """Yield the failed rows as JSON lines."""
        found = self.database.execute("SELECT text FROM rows WHERE row IN (SELECT row FROM faults) ORDER BY row")
        yield from (text for (text,) in found)
