"""All rows of an import, on disk rather than in memory: checked against each other, told in order, and what failed."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final, Self

from tools.operate.journal import Journal
from tools.operate.rows import IDS, Fault, Kind, Request, Row, Step, path_of

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
class Failed:
    """A row that is not in the directory, and one reason why."""

    place: str
    field: str
    why: str

    @property
    def sentence(self) -> str:
        """As compilers say it, such as `members.csv:17: email: not an e-mail address`."""
        return ": ".join(part for part in (self.place, self.field, self.why) if part)


@dataclass(frozen=True, slots=True)
class Plan:
    """A database without a name, which goes when it is closed."""

    kept: sqlite3.Connection

    @classmethod
    @contextmanager
    def of(cls, rows: Iterable[Row], journal: Journal, *, partial: bool) -> Iterator[Self]:
        """Take in the rows; `partial` when the directory may know accounts and users that no row tells of."""
        with closing(sqlite3.connect("", isolation_level=None)) as kept:
            plan = cls(kept)
            kept.executescript(TABLES)
            kept.execute("BEGIN")
            for row in rows:
                plan._take(row)
            if not partial:
                plan._check_pointers(journal)
            kept.execute("COMMIT")
            yield plan

    def _take(self, row: Row) -> None:
        (number,) = self.kept.execute(
            "INSERT INTO rows (place, text) VALUES (?, ?) RETURNING row", (row.place, row.text)
        ).fetchone()
        for fault in row.faults:
            self.fail(number, fault)
        self._name(row)
        if row.faults:
            return
        requests = row.requests
        if not self._is_first(number, row, " ".join(each.body for each in requests)):
            return
        self._check_email(number, row)
        if row.kind is Kind.MEMBER:
            for field, kind in (("account_id", Kind.ACCOUNT), ("user_id", Kind.USER)):
                path = path_of(row.fields[field], kind=kind)
                self.kept.execute("INSERT INTO pointers VALUES (?, ?, ?, ?)", (number, field, path, kind))
        for each in requests:
            self.kept.execute(
                "INSERT INTO requests (row, step, path, body) VALUES (?, ?, ?, ?)",
                (number, each.step, each.path, each.body),
            )

    def _name(self, row: Row) -> None:
        """A row with a fault still says that there is such an account or user."""
        if row.kind in {Kind.ACCOUNT, Kind.USER}:
            path = path_of(str(row.fields.get(IDS[row.kind][0])), kind=row.kind)
            self.kept.execute("INSERT OR IGNORE INTO named VALUES (?, ?)", (path, row.kind))

    def _is_first(self, number: int, row: Row, told: str) -> bool:
        """Whether nothing was told of this path before; the same twice is told once, two things are a fault."""
        earlier = self.kept.execute(
            "SELECT place, fields FROM told JOIN rows USING (row) WHERE path = ?", (row.path,)
        ).fetchone()
        if earlier is None:
            self.kept.execute("INSERT INTO told VALUES (?, ?, ?)", (row.path, number, told))
        elif earlier[1] != told:
            self.fail(number, Fault("", f"{earlier[0]} tells something else of the same {row.kind}"))
        return earlier is None

    def _check_email(self, number: int, row: Row) -> None:
        if not row.email:
            return
        owner = self.kept.execute(
            "SELECT place FROM emails JOIN rows USING (row) WHERE email = ?", (row.email,)
        ).fetchone()
        if owner:
            self.fail(number, Fault("email", f"is that of {owner[0]}, too"))
        else:
            self.kept.execute("INSERT INTO emails VALUES (?, ?)", (row.email, number))

    def _check_pointers(self, journal: Journal) -> None:
        """Where the files tell of accounts, or users, members point at these or at what an earlier run told."""
        missing = self.kept.execute(
            "SELECT row, field, path FROM pointers WHERE kind IN (SELECT kind FROM named)"
            " AND path NOT IN (SELECT path FROM named)"
        ).fetchall()
        for number, field, path in missing:
            if not journal.knows(path):
                self.fail(number, Fault(field, "is in none of these files (--partial if the directory knows it)"))

    def fail(self, row: int, fault: Fault) -> None:
        """This row is not in the directory, for this reason."""
        self.kept.execute("INSERT INTO faults VALUES (?, ?, ?)", (row, fault.field, fault.why))

    def requests(self, step: Step) -> Iterator[tuple[int, Request]]:
        """What is to be told in a step, and for which row; nothing more of a row that has failed."""
        last = 0
        while page := self._page(step, last):
            for last, row, path, body in page:  # noqa: B007  the next page begins after it
                yield row, Request(step, path, body)

    def _page(self, step: Step, after: int) -> Sequence[tuple[int, int, str, str]]:
        return self.kept.execute(
            "SELECT request, row, path, body FROM requests WHERE step = ? AND request > ?"
            " AND row NOT IN (SELECT row FROM faults) ORDER BY request LIMIT 200",
            (step, after),
        ).fetchall()

    def count(self, step: Step) -> int:
        """How many requests a step has."""
        return int(
            self.kept.execute(
                "SELECT count(*) FROM requests WHERE step = ? AND row NOT IN (SELECT row FROM faults)", (step,)
            ).fetchone()[0]
        )

    @property
    def rows(self) -> int:
        return int(self.kept.execute("SELECT count(*) FROM rows").fetchone()[0])

    @property
    def failed_rows(self) -> int:
        return int(self.kept.execute("SELECT count(DISTINCT row) FROM faults").fetchone()[0])

    def failed(self, most: int = -1) -> Iterator[Failed]:
        """What failed, and why, in the order of the files."""
        found = self.kept.execute(
            "SELECT place, field, why FROM faults JOIN rows USING (row) ORDER BY row, faults.rowid LIMIT ?", (most,)
        )
        yield from (Failed(*each) for each in found)

    def failed_texts(self) -> Iterator[str]:
        """The failed rows themselves, as JSON lines."""
        found = self.kept.execute("SELECT text FROM rows WHERE row IN (SELECT row FROM faults) ORDER BY row")
        yield from (text for (text,) in found)
